package iti_test

import (
	"fmt"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

// lot is a submission of one report by a depositor, without fault; the change
// spoils or completes it. Its document has the id Document01.
func (w *world) lot(c saml.Claims, h holder, changes ...func(*xds.Submission)) xds.Submission {
	n := w.serial.Add(1)
	lot := xds.Submission{
		Set: xds.SubmissionSet{
			EntryUUID: "Set01", UniqueID: fmt.Sprintf("1.2.4.%d", n), SourceID: "1.2.5", PatientID: h.ins, SubmissionTime: "20260131120000",
			ContentType: xds.Code{Value: "03", Scheme: "1.2.250.1.213.2.2"}, Authors: []xds.Author{signedBy(c)},
		},
		Documents: []xds.DocumentEntry{{
			EntryUUID: "Document01", UniqueID: fmt.Sprintf("1.2.3.%d", n), ObjectType: xds.StableDocument, Title: "CR d'examens",
			TypeCode: xds.Code{Value: "11502-2", Scheme: loinc, Display: "CR d'examens biologiques"}, FormatCode: xds.Code{Value: "urn:ihe:iti:xds-sd:pdf:2008", Scheme: "1.3.6.1.4.1.19376.1.2.3"},
			FacilityType: xds.Code{Value: "SA01", Scheme: "1.2.250.1.71.4.2.4"}, PracticeSetting: xds.Code{Value: "ETABLISSEMENT", Scheme: "1.2.250.1.213.1.1.4.9"},
			Confidentiality: []xds.Code{{Value: "N", Scheme: xds.ConfidentialityOID, Display: "Normal"}}, CreationTime: "20260131120000",
			ServiceStart: "20260130", LanguageCode: "fr-FR", MimeType: "text/xml", PatientID: h.ins, SourcePatientID: "IPP1^^^&1.2.3.4&ISO^PI",
			SourcePatientInfo:  []string{"PID-5|" + h.traits.Family + "^" + h.traits.Given, "PID-7|" + h.traits.BirthDate, "PID-8|F"},
			LegalAuthenticator: xds.NewXCN(author.ID, "HOPITAL", "Ève", "1.2.250.1.71.4.2.1", "IDNPS"),
			Authors: []xds.Author{{Person: xds.NewXCN(author.ID, "HOPITAL", "Ève", "1.2.250.1.71.4.2.1", "IDNPS"),
				Institutions: []xds.XON{xds.NewXON("CHU", "1.2.250.1.71.4.2.2", "IDNST", hospital)}}},
		}},
		Associations: []xds.Association{{EntryUUID: "Member01", Type: xds.HasMember, Source: "Set01", Target: "Document01", SetStatus: "Original"}},
	}
	for _, change := range changes {
		change(&lot)
	}
	return lot
}

// signedBy is the author that the set of a depositor must have (META-011).
func signedBy(c saml.Claims) xds.Author {
	switch {
	case c.Structure == "":
		return xds.Author{Person: xds.NewXCN("279035121518989", "DURAND", "Alice", nameCode, "NH")}
	case c.Nature == server.Nature:
		return xds.Author{Institutions: []xds.XON{xds.NewXON("X", "1.2.250.1.71.4.2.2", "IDNST", c.Structure)}}
	default:
		return xds.Author{Person: xds.NewXCN(c.ID, "PRO", "X", "1.2.250.1.71.4.2.1", "IDNPS"),
			Institutions: []xds.XON{xds.NewXON("X", "1.2.250.1.71.4.2.2", "IDNST", c.Structure)}}
	}
}

// first changes the first document of a lot.
func first(change func(*xds.DocumentEntry)) func(*xds.Submission) {
	return func(lot *xds.Submission) { change(&lot.Documents[0]) }
}

func marked(marks ...string) func(*xds.Submission) {
	return first(func(d *xds.DocumentEntry) {
		for _, m := range marks {
			d.Confidentiality = append(d.Confidentiality, xds.Code{Value: m, Scheme: xds.MarkScheme})
		}
	})
}

func typed(code string) func(*xds.Submission) {
	return first(func(d *xds.DocumentEntry) { d.TypeCode = xds.Code{Value: code, Scheme: loinc} })
}

// relating adds an association from the first document to another object.
func relating(t xds.AssociationType, target string) func(*xds.Submission) {
	return func(lot *xds.Submission) {
		lot.Associations = append(lot.Associations, xds.Association{
			EntryUUID: fmt.Sprintf("Relation%02d", len(lot.Associations)), Type: t, Source: "Document01", Target: target,
		})
	}
}

// documents makes the lot hold n documents, Document01 to the nth.
func documents(n int) func(*xds.Submission) {
	return func(lot *xds.Submission) {
		for i := 2; i <= n; i++ {
			d := lot.Documents[0]
			d.EntryUUID, d.UniqueID = fmt.Sprintf("Document%02d", i), fmt.Sprintf("%s.%d", d.UniqueID, i)
			lot.Documents = append(lot.Documents, d)
			lot.Associations = append(lot.Associations, xds.Association{
				EntryUUID: fmt.Sprintf("Member%02d", i), Type: xds.HasMember, Source: "Set01", Target: d.EntryUUID, SetStatus: "Original",
			})
		}
	}
}

// stored deposits one report and gives it as the holder reads it.
func (w *world) stored(c saml.Claims, h holder, changes ...func(*xds.Submission)) xds.DocumentEntry {
	w.t.Helper()
	lot := w.lot(c, h, changes...)
	if got := w.push(c, lot, attached("Document01", "content of "+lot.Documents[0].UniqueID)); !strings.HasPrefix(got, "Success") {
		w.t.Fatalf("deposit: %s", got)
	}
	return w.entry(h, lot.Documents[0].UniqueID)
}

// entry is a document as the registry keeps it.
func (w *world) entry(h holder, uniqueID string) xds.DocumentEntry {
	w.t.Helper()
	for _, d := range w.inspect(h) {
		if d.Entry.UniqueID == uniqueID {
			return d.Entry
		}
	}
	w.t.Fatalf("no document %s", uniqueID)
	return xds.DocumentEntry{}
}

// inspect are the current documents of a record, whoever may see them.
func (w *world) inspect(h holder) (docs []xds.Document) {
	w.t.Helper()
	w.do(func(s *registry.Session) (err error) {
		docs, err = s.Inspect(w.t.Context(), authz.AsSystem("test"), h.record)
		return err
	})
	return docs
}
