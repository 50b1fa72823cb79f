package entrance_test

import (
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/entrance"
	"github.com/passerelle-sante/passerelle/xds"
)

// A file is registered as a CDA of level 1 that passes the affinity domain, signed by
// who deposits it; a replacement names what it replaces.
func TestTakeFile(t *testing.T) {
	w := newWorld(t)
	pro := authz.Subject{Nature: authz.NaturePro, ID: "899900000777", Name: "Lou D'URAND^&", Profession: "10", Specialty: "SM54", Structure: hospital, StructureName: "CHU & fils"}
	patient := authz.Subject{Nature: authz.NaturePerson, ID: w.record, Name: "Alice TEST"}
	report := xds.Code{Value: "11488-4", Scheme: "2.16.840.1.113883.6.1", Display: "CR ou fiche de consultation ou de visite"}
	own := xds.Code{Value: "DOCPAT04", Scheme: "1.2.250.1.213.1.1.4.12", Display: "Imagerie déposée par le patient"}
	take := func(sub authz.Subject, f entrance.File, o entrance.Order) entrance.Taken {
		t.Helper()
		o.Transaction = "WEB:deposit"
		taken, err := w.server.Desk.TakeFile(t.Context(), sub, aliceINS, f, o)
		if err != nil {
			t.Fatal(err)
		}
		return taken
	}
	first := take(pro, entrance.File{Title: `Un "titre" <b>`, Type: report, Act: "20260102", MediaType: "application/pdf", Content: []byte("%PDF-1.4 x")}, entrance.Order{Marks: xds.Marks{HiddenPatient: true}.Codes()})
	e := first.Document
	if e.Title != `Un "titre" <b>` || e.ServiceStart != "20260102" || len(e.Authors) != 1 || e.Authors[0].Person.ID() != pro.ID || !strings.Contains(string(e.FormatCode.Value), "pdf") || first.Record != w.record {
		t.Errorf("%+v", e)
	}
	if _, marks := xds.SplitMarks(e.Confidentiality); !marks.HiddenPatient {
		t.Errorf("%v", e.Confidentiality)
	}
	second := take(pro, entrance.File{Title: "Bis", Type: report, MediaType: "application/pdf", Content: []byte("%PDF-1.4 y"), Parent: e.UniqueID}, entrance.Order{Replace: e.EntryUUID})
	if len(second.Warnings) > 0 {
		t.Error(second.Warnings)
	}
	if mine := take(patient, entrance.File{Title: "Ma photo", Type: own, MediaType: "image/jpeg", Content: []byte("\xff\xd8\xff")}, entrance.Order{}); mine.Document.Authors[0].Person.ID() != aliceINS.ID() {
		t.Errorf("%+v", mine.Document.Authors)
	}
	_, err := w.server.Desk.TakeFile(t.Context(), patient, brunoINS, entrance.File{Title: "x", Type: own, MediaType: "image/jpeg", Content: []byte("x")}, entrance.Order{Transaction: "WEB:deposit"})
	if all, told := xds.FindingsOf(err); !told || all[0].ID != "ACC-02" {
		t.Errorf("in another's record: %v", err)
	}
	_, err = w.server.Desk.TakeFile(t.Context(), pro, aliceINS, entrance.File{Type: report, MediaType: "application/zip", Content: []byte("x")}, entrance.Order{Transaction: "WEB:deposit"})
	if all, told := xds.FindingsOf(err); !told || len(all) < 2 {
		t.Errorf("without a title, of a type that the DMP has no format for: %v", err)
	}
}
