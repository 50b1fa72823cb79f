package registry_test

import (
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// The author with rights over the marks is that of the first entry of the lineage,
// wherever it stands in its lot (policy §1.1, author).
func TestLineageBelongsToTheAuthorOfItsFirstEntry(t *testing.T) {
	w := newWorld(t)
	lot := w.lot()
	addendum := lot.Documents[0]
	addendum.EntryUUID, addendum.UniqueID = "Addendum01", addendum.UniqueID+".1"
	addendum.Authors = []xds.Author{{
		Person:       xds.NewXCN("interne", "INTERNE", "Ève", "1.2.250.1.71.4.2.1", "IDNPS"),
		Institutions: []xds.XON{xds.NewXON("CHU", "1.2.250.1.71.4.2.2", "IDNST", hospital)},
	}}
	lot.Documents = []xds.DocumentEntry{addendum, lot.Documents[0]}
	lot.Associations = append(lot.Associations,
		xds.Association{EntryUUID: "A2", Type: xds.HasMember, Source: "Set01", Target: "Addendum01", SetStatus: "Original"},
		xds.Association{EntryUUID: "A3", Type: xds.Appends, Source: "Addendum01", Target: "Document01"})
	receipt, err := w.reg.Submit(t.Context(), func(s *registry.Session) (authz.Deposit, error) {
		return w.gate.OpenDeposit(t.Context(), s, lab, w.alice, authz.Purpose{Transaction: "ITI-41"})
	}, lot, w.intended(content("a"), content("b")))
	if err != nil {
		t.Fatal(err)
	}
	w.link(doctor("interne"))
	w.link(doctor("hopital"))
	for _, d := range receipt.Documents {
		if _, err := w.act(doctor("interne"), authz.Mask, registry.Change{Document: d.LogicalID, Attested: true}); code(err) != "ACC-39" {
			t.Errorf("%s: the author of the addendum masks: %v", d.UniqueID, err)
		}
	}
	if _, err := w.act(doctor("hopital"), authz.Mask, registry.Change{Document: receipt.Documents[0].LogicalID, Attested: true}); err != nil {
		t.Errorf("the author of the first entry masks the addendum: %v", err)
	}
}

// The justification of a request by id may not tell a hidden document from an
// unknown one in the history of him who asked (policy J-5).
func TestOwnJournalTellsNoHiddenDocument(t *testing.T) {
	w := newWorld(t)
	masked := w.mustSubmit(lab, w.lot(xds.MarkMaskedPS))
	emergency := doctor("urgentiste")
	emergency.Mode, emergency.Reason, emergency.Patient = authz.BrisDeGlace, "coma", w.alice
	emergency.Traits = authz.Traits{Family: "DURAND", Given: "Alice", BirthDate: "19790315"}
	w.find(emergency, xds.Query{})
	for _, id := range []string{masked.UniqueID, "1.2.3.999", masked.LogicalID, newID()} {
		w.do(func(s *registry.Session) error {
			scopes, err := w.gate.OpenByID(t.Context(), s, emergency, []xds.CX{w.alice}, authz.Purpose{Action: authz.Retrieve, Transaction: "ITI-43"})
			if err != nil {
				return err
			}
			_, err = s.Get(t.Context(), scopes[0], id)
			return err
		})
	}
	var lines []registry.Event
	w.do(func(s *registry.Session) error {
		a, err := w.gate.OpenProfile(t.Context(), s, doctor("urgentiste"), w.alice, authz.Purpose{Action: authz.OwnJournal})
		if err != nil {
			return err
		}
		lines, _, err = s.History(t.Context(), a, registry.HistoryQuery{})
		return err
	})
	if len(lines) != 5 {
		t.Fatalf("%d lines, want 5", len(lines))
	}
	for _, l := range lines[:4] {
		if l.Permit || l.Reason != "" || l.Document != "" {
			t.Errorf("by id: permit %v, reason %q, document %q", l.Permit, l.Reason, l.Document)
		}
	}
	if search := lines[4]; !search.Permit || search.Reason != "coma" {
		t.Errorf("search: permit %v, reason %q", search.Permit, search.Reason)
	}
}
