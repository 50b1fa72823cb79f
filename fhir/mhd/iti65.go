package mhd

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/intake"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/profile"
)

// maxBundle bounds an ITI-65 bundle, in bytes (design §5).
const maxBundle = 64 << 20

// provide is ITI-65 Provide Document Bundle (MHD 2:3.65): the bundle becomes the
// same submission as an ITI-41 message and passes the same checks; the documents
// go to the repository, and the whole lot is registered in one transaction, or
// nothing is.
func (s *Server) provide(c *call) error {
	ctx := c.r.Context()
	leave, err := s.bundles.enter(ctx, c.r.ContentLength)
	if err != nil {
		return err
	}
	defer leave()
	lot, findings, err := s.readBundle(ctx, c)
	if err != nil {
		return err
	}
	taken, err := s.deposit(c, lot, findings)
	if err != nil {
		return err
	}
	return c.write(fhir.AppendTransactionResponse(nil, s.Base, responses(lot, taken)))
}

// taken is a lot that was registered.
type taken struct {
	registry.Receipt
	warnings xds.Errors
	record   string
}

// deposit hands a lot and its documents to the intake; findings are those of reading it.
func (s *Server) deposit(c *call, lot fhir.Provided, findings xds.Errors) (taken, error) {
	ctx := c.r.Context()
	if lot.Submission.Set.PatientID == "" && c.subject.Patient == "" {
		return taken{}, findings // nobody's: there is nothing to decide on
	}
	open := s.Intake.Open
	if lot.Limited {
		findings.AddAll(s.complete(c, &lot))
		open = s.Intake.OpenLimited
	}
	in, err := open(ctx, c.subject, c.route.name, lot.Submission, findings, placer(lot))
	if err != nil {
		return taken{}, err
	}
	defer in.Close(ctx)
	if err := take(ctx, in, lot); err != nil {
		return taken{}, in.Abandon(ctx, err)
	}
	receipt, warnings, err := in.Register(ctx)
	if err != nil {
		return taken{}, located(inFHIR(err), lot)
	}
	return taken{receipt, warnings, in.Record()}, nil
}

// take decodes every document of the bundle and compares it with its metadata (P7).
func take(ctx context.Context, in *intake.Lot, lot fhir.Provided) error {
	documents := map[string]fhir.BundleDocument{}
	for _, d := range lot.Documents {
		documents[d.EntryID] = d
	}
	for i, d := range lot.Submission.Documents {
		document, ok := documents[d.EntryUUID]
		if !ok {
			continue // a finding says so already
		}
		if err := in.Take(ctx, i, document.Open()); err != nil {
			return err
		}
	}
	return nil
}

// readBundle reads the body. The error is what makes it unreadable (400, 413); the
// findings are what the profile refuses.
func (s *Server) readBundle(ctx context.Context, c *call) (fhir.Provided, xds.Errors, error) {
	bundle, err := c.body(maxBundle, "Bundle")
	if err != nil {
		return fhir.Provided{}, nil, fhir.WithoutDocuments(bundle, err)
	}
	look := lookup{server: s, ctx: ctx, call: c}
	lot, findings := fhir.ReadProvideBundle(bundle, fhir.References{Base: s.Base, Patient: look.patient, Document: look.document, Folder: look.folder})
	if set := &lot.Submission.Set; set.UniqueID == "" {
		set.UniqueID = s.newOID()
	}
	findings.AddAll(c.warnings)
	for i := range lot.Submission.Folders {
		if f := &lot.Submission.Folders[i]; f.UniqueID == "" {
			f.UniqueID = s.newOID()
		}
	}
	return lot, findings, look.failed
}

// lookup resolves references of a bundle, in sessions that leave no trace: the
// decision on the submission itself comes after.
type lookup struct {
	server *Server
	ctx    context.Context
	call   *call
	failed error // of the machinery, or too many; the first one
	looked int
}

// maxLookups bounds the sessions that the references of one bundle cost: two for
// each object that a submission may have.
const maxLookups = 2 * profile.MaxObjects

// look makes one look-up; a refusal finds nothing.
func (l *lookup) look(fn func() error) {
	if l.looked++; l.failed == nil && l.looked > maxLookups {
		l.failed = xds.Found("META-015", "Bundle.entry", "", fmt.Sprintf("au plus %d références à résoudre", profile.MaxObjects))
	}
	if l.failed != nil {
		return
	}
	err := fn()
	var refusal *xds.Error
	if err != nil && !errors.As(err, &refusal) {
		l.failed = err
	}
}

// patient is the identifier of the holder of a record. One of an unknown record is
// judged as that of a patient never seen, as in a search (policy §0.4).
func (l *lookup) patient(record string) (cx xds.CX) {
	l.look(func() error {
		return l.server.Registry.Peek(l.ctx, func(session *registry.Session) (err error) {
			cx, err = session.PatientOfRecord(l.ctx, record)
			return err
		})
	})
	if cx == "" {
		return nobody
	}
	return cx
}

// document is what the bundle may point at by a uniqueId.
func (l *lookup) document(uniqueID string) (logicalID string) {
	l.look(func() (err error) {
		logicalID, err = l.server.Intake.Target(l.ctx, l.call.subject, l.call.route.name, uniqueID)
		return err
	})
	return logicalID
}

// folder is what the bundle may put documents into.
func (l *lookup) folder(id string) (known fhir.RegisteredFolder) {
	l.look(func() (err error) {
		known.Folder, known.Members, err = l.server.Intake.Folder(l.ctx, l.call.subject, l.call.route.name, id)
		return err
	})
	return known
}

// newOID makes a uniqueId under 2.25, the arc of UUIDs (ITU-T X.667): MHD leaves
// that of the SubmissionSet to the recipient.
func (s *Server) newOID() string {
	var n big.Int
	n.SetString(strings.ReplaceAll(s.NewID(), "-", ""), 16)
	return "2.25." + n.String()
}
