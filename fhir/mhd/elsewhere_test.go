package mhd_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// register enters the metadata of a document of another house, and gives its logicalID.
func (w *world) register(kind, hash string) string {
	w.t.Helper()
	author := xds.Author{Person: xds.NewXCN("hopital", "HOPITAL", "Ève", "1.2.250.1.71.4.2.1", "IDNPS")}
	lot := xds.Submission{
		Set: xds.SubmissionSet{EntryUUID: "Set01", UniqueID: "1.2.4." + hash, SourceID: "1.2.5", PatientID: w.alice, Authors: []xds.Author{author}},
		Documents: []xds.DocumentEntry{{EntryUUID: "Document01", UniqueID: "1.2.3." + hash, ObjectType: kind, Title: "Ailleurs", MimeType: "text/xml", PatientID: w.alice,
			TypeCode: xds.Code{Value: "11502-2", Scheme: "2.16.840.1.113883.6.1"}, Authors: []xds.Author{author}, RepositoryUniqueID: "1.9.9"}},
		Associations: []xds.Association{{EntryUUID: "A1", Type: xds.HasMember, Source: "Set01", Target: "Document01", SetStatus: "Original"}},
	}
	content := xds.Content{}
	if kind == xds.StableDocument {
		content = xds.Content{SHA1: hash, Size: 4}
	}
	receipt, err := w.registry.Submit(w.t.Context(), func(s *registry.Session) (authz.Deposit, error) {
		sub := authz.Subject{Nature: authz.NaturePro, ID: "hopital", Profession: "10"}
		return w.gate.OpenDeposit(w.t.Context(), s, sub, w.alice, authz.Purpose{Transaction: "ITI-42"})
	}, lot, []xds.Content{content})
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.TrimPrefix(receipt.Documents[0].LogicalID, "urn:uuid:")
}

// What another house keeps is listed, and its reader is told where to fetch it; an
// on-demand entry is no DocumentReference.
func TestDocumentsOfAnotherHouse(t *testing.T) {
	w := newWorld(t)
	durand := pro("durand")
	elsewhere, demanded := w.register(xds.StableDocument, "1"), w.register(xds.OnDemandDocument, "2")
	if got := w.search(durand, "patient="+w.record).ids(); got != elsewhere {
		t.Errorf("found %s, want the stable one", got)
	}
	if got := w.get(durand, "DocumentReference/"+elsewhere); got.status != http.StatusOK {
		t.Errorf("its DocumentReference: %d", got.status)
	}
	if got := w.get(durand, "Binary/"+elsewhere); got.status != http.StatusNotFound || !strings.Contains(string(got.body), "1.9.9") {
		t.Errorf("its bytes: %d %s", got.status, got.body)
	}
	for _, path := range []string{"DocumentReference/", "Binary/"} {
		if got := w.get(durand, path+demanded); got.status != http.StatusNotFound || strings.Contains(string(got.body), "1.9.9") {
			t.Errorf("on demand, %s: %d %s", path, got.status, got.body)
		}
	}
}
