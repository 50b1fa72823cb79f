// Package corpus is the synthetic record of the sandbox's cast: some forty CDA R2
// documents of French ambulatory and hospital care, written for this project
// about people who do not exist. A document is data (what it says, who deposits
// it, how long ago); one template renders it with the persons of the cast, so
// that traits, identifiers and authors always agree with the directory.
//
// It must never be used outside the sandbox and its tests, and no sentence of it
// may come from a real document. Structure: HL7 CDA R2 and the header of CI-SIS
// "Structuration minimale" (domain §5); the templateIds name the volet that gives
// the formatCode, without claiming every rule of its schematron.
package corpus

import (
	"fmt"
	"slices"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/cast"
	"github.com/passerelle-sante/passerelle/xds"
)

// Deposit is one document and what its sender chooses when submitting it.
type Deposit struct {
	Key             string     // stable name in the corpus: alice-hgpo
	Patient         string     // cast name
	As              string     // who deposits: a professional, a structure, or patient:NAME
	Origin          xds.Origin // policy §1.1
	When            time.Time  // instant of the deposit
	UniqueID        string     // of the CDA, an OID under 2.25
	Replaces        string     // UniqueID of the earlier deposit that this one replaces, "" = none
	Confidentiality []xds.Code // marks beside the code of the header
	ContentType     xds.Code   // SubmissionSet.contentTypeCode (JDV_J59)
	Comments        string
	MimeType        string // text/xml
	Bytes           []byte // the CDA, UTF-8
}

// Documents renders the corpus for a cast, oldest first; no deposit lies after
// the cast's seed. A document of a closed record was deposited before it closed.
func Documents(c cast.Cast) ([]Deposit, error) {
	all := slices.Concat(alice(), bruno(), chloe(), david(), emma(), gina())
	deposits := make([]Deposit, 0, len(all))
	for _, d := range all {
		b, err := render(c, d)
		if err != nil {
			return nil, fmt.Errorf("corpus: %s: %w", d.key, err)
		}
		deposits = append(deposits, d.deposit(c.Seed, b))
	}
	slices.SortStableFunc(deposits, func(a, b Deposit) int { return a.When.Compare(b.When) })
	return deposits, nil
}

// DeliveryReport renders a compte rendu d'accouchement (15508-5) of alice by
// chu-lille, dated at and identified by uniqueID, an OID: the document that the
// README's story pushes. The seed holds none.
func DeliveryReport(c cast.Cast, at time.Time, uniqueID string) ([]byte, error) {
	d := delivery()
	d.at, d.uniqueID = at, uniqueID
	b, err := render(c, d)
	if err != nil {
		return nil, fmt.Errorf("corpus: %s: %w", d.key, err)
	}
	return b, nil
}

func (d document) deposit(seed time.Time, b []byte) Deposit {
	dep := Deposit{
		Key: d.key, Patient: d.patient, As: d.as, Origin: d.origin(), When: d.time(seed).Add(5 * time.Minute), UniqueID: d.id(),
		Confidentiality: d.marks.Codes(), ContentType: contentTypes[d.content], Comments: d.comments, MimeType: "text/xml", Bytes: b,
	}
	if d.replaces != "" {
		dep.Replaces = oid(d.replaces)
	}
	return dep
}

// origin follows policy §1.1: the patient's own and DOCPAT/EXPPAT, the insurer's history, else a professional's.
func (d document) origin() xds.Origin {
	switch {
	case d.as == "patient:"+d.patient:
		return xds.FromPatient
	case d.kind == reimbursements:
		return xds.FromInsurer
	default:
		return xds.FromPro
	}
}

// contentTypes are the values of JDV_J59 that the corpus uses.
var contentTypes = map[string]xds.Code{
	"03": {Value: "03", Scheme: contentOID, Display: "Hospitalisation complète"},
	"07": {Value: "07", Scheme: contentOID, Display: "Consultations externes"},
	"26": {Value: "26", Scheme: contentOID, Display: "Analyses biologiques"},
	"60": {Value: "60", Scheme: contentOID, Display: "Consultations et actes"},
	"97": {Value: "97", Scheme: contentOID, Display: "Indifférencié"},
}

const contentOID = "1.2.250.1.213.2.2"
