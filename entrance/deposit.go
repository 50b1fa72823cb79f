package entrance

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/intake"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
)

// places is how many documents may be read at once, and maxWait how long one waits
// for its place before its sender is told to come back (REG-006).
const (
	places  = 8
	maxWait = 10 * time.Second
)

// Desk takes bare CDA documents in. Make it with New.
type Desk struct {
	Intake   *intake.Desk
	ClassOf  func(typeCode xds.Code) (xds.Code, bool) // as cda.Options; nil = the profile derives it
	SourceID string                                   // OID that the lots have as sourceId: that of the gateway
	Now      func() time.Time

	reading chan struct{}
}

// New makes a desk.
func New(d Desk) *Desk {
	d.reading = make(chan struct{}, places)
	return &d
}

// Order is what a depositor asks beside the document.
type Order struct {
	Transaction string     // as the history shows it
	Marks       []xds.Code // confidentiality beside that of the header
	// Replace is the document to replace, by entryUUID or uniqueId; "" leaves it to the
	// header (relatedDocument RPLC).
	Replace string
	// Beside compares the header with what came beside the document; nil = nothing came.
	Beside func(cda.Header) xds.Errors
}

// Taken is what a document became.
type Taken struct {
	Document xds.DocumentEntry
	Set      xds.SubmissionSet
	Record   string     // opaque id of the patient's record
	Replayed bool       // the same document was registered before by the same depositor; nothing was added
	Warnings xds.Errors // findings that did not hinder
}

// Take reads a document to its end, and registers it or nothing. The same document
// sent again by the same depositor, with the same order, is the same lot: it is
// refused as registered (REG-002), or answered as it was for a sender of replay
// "success". Errors are findings, at the places of the document, or a failure.
func (d *Desk) Take(ctx context.Context, subject authz.Subject, doc io.Reader, o Order) (Taken, error) {
	leave, err := d.enter(ctx)
	if err != nil {
		return Taken{}, err
	}
	defer leave()
	content, err := cda.Arrive(doc, cda.Options{ClassOf: d.ClassOf}, cda.MaxHeader)
	if err != nil {
		return Taken{}, err
	}
	if content.Entry.PatientID == "" && content.Findings.Failed() {
		return Taken{}, content.Findings // nobody's: there is nothing to decide on
	}
	findings := content.Findings
	if o.Beside != nil {
		findings.AddAll(o.Beside(content.Header))
	}
	relations, unresolved, err := d.relations(ctx, subject, content.Header, o)
	if err != nil {
		return Taken{}, err
	}
	findings.AddAll(unresolved)
	submission := Submission(content.Header, DepositorOf(subject).Author(content.Entry.PatientID),
		Choice{Marks: o.Marks, Relations: relations, SubmittedAt: xds.NewDTM(d.Now()), SourceID: d.SourceID})
	return d.deposit(ctx, subject, o, submission, content, findings)
}

// deposit hands the lot and its document to the intake.
func (d *Desk) deposit(ctx context.Context, subject authz.Subject, o Order, submission xds.Submission, content *cda.Arrival, findings xds.Errors) (Taken, error) {
	in, err := d.Intake.Open(ctx, subject, o.Transaction, submission, findings, nil)
	if err != nil {
		return Taken{}, err
	}
	defer in.Close(ctx)
	sum := sha256.New()
	if err := in.Take(ctx, 0, io.TeeReader(content, sum)); err != nil {
		return Taken{}, in.Abandon(ctx, err)
	}
	in.Find(content.End())
	in.Submission.Set.UniqueID = setID(subject, o, submission, sum)
	receipt, warnings, err := in.Register(ctx)
	if found, told := xds.FindingsOf(err); told {
		return Taken{}, content.Located(findings, found)
	}
	if err != nil {
		return Taken{}, err
	}
	warnings = content.Located(findings, warnings)
	return Taken{Document: receipt.Documents[0], Set: receipt.Set, Record: in.Record(), Replayed: receipt.Replayed, Warnings: warnings}, nil
}

// enter waits for one of the places.
func (d *Desk) enter(ctx context.Context) (leave func(), err error) {
	wait, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	select {
	case d.reading <- struct{}{}:
		return func() { <-d.reading }, nil
	case <-wait.Done():
		return nil, &xds.Error{ID: "REG-006"}
	}
}

// DepositorOf is the identity of a token as the author of a lot.
func DepositorOf(sub authz.Subject) Depositor {
	return Depositor{Nature: sub.Nature, ID: sub.ID, Family: plain.Replace(sub.Name), Structure: sub.Structure, StructureName: plain.Replace(sub.StructureName)}
}

// plain leaves no separator of HL7 v2 in a display name.
var plain = strings.NewReplacer("^", " ", "&", " ", "~", " ", "|", " ", `\`, " ")

// relations are what the order and the header say of earlier documents. One that the
// order names must be there for the depositor; one of the header alone that is not
// leaves a warning, and the document is deposited without the link.
func (d *Desk) relations(ctx context.Context, subject authz.Subject, h cda.Header, o Order) (all []Relation, findings xds.Errors, err error) {
	if o.Replace != "" {
		target, err := d.target(ctx, subject, o, o.Replace)
		switch {
		case err != nil:
			return nil, nil, err
		case target == "":
			findings.Add(&xds.Error{ID: "REG-004", Where: "replace", Found: o.Replace, Expected: "l'entryUUID ou l'uniqueId d'un document en cours"})
		default:
			all = append(all, Relation{xds.Replaces, target})
		}
	}
	for i, r := range h.Relations {
		if r.Type == xds.Replaces && o.Replace != "" {
			continue
		}
		target := ""
		if xds.IsOID(r.Target) {
			if target, err = d.target(ctx, subject, o, r.Target); err != nil {
				return nil, nil, err
			}
		}
		if target != "" {
			all = append(all, Relation{r.Type, target})
			continue
		}
		at, _ := h.Origin("relatedDocument[" + strconv.Itoa(i+1) + "]")
		findings.Add(&xds.Error{ID: "REG-004", Severity: xds.SeverityWarning, Where: at.Path, Line: at.Line, Column: at.Column,
			Expected: "l'uniqueId (un OID) d'un document enregistré que l'émetteur peut désigner",
			Hint:     "déposé sans ce lien ; si le document visé est enregistré sous un autre identifiant : ?replace=ID"})
	}
	return all, findings, nil
}

// target is the registered document behind an id.
func (d *Desk) target(ctx context.Context, subject authz.Subject, o Order, id string) (string, error) {
	if uuid := "urn:uuid:" + strings.ToLower(strings.TrimPrefix(id, "urn:uuid:")); xds.IsUUID(uuid) {
		return uuid, nil // the registration says whether it is there
	}
	return d.Intake.Target(ctx, subject, o.Transaction, id)
}

// setID names the lot after what it is made of, so that an engine that sends again
// until it hears of a success does not deposit twice (users P-22).
func setID(subject authz.Subject, o Order, lot xds.Submission, document hash.Hash) string {
	sum := sha256.New()
	part := func(s string) { _, _ = io.WriteString(sum, strconv.Itoa(len(s))+":"+s) }
	part(string(lot.Set.PatientID.Key()))
	part(subject.ID)
	part(subject.Structure)
	part(lot.Documents[0].UniqueID)
	part(hex.EncodeToString(document.Sum(nil)))
	part(o.Replace)
	for _, m := range o.Marks {
		part(m.Value)
	}
	return "2.25." + new(big.Int).SetBytes(sum.Sum(nil)[:16]).String()
}
