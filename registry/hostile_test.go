package registry_test

import (
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// Texts that PostgreSQL cannot hold or that mean something to it name nothing:
// they are no failure of the machinery, wherever a client may write them.
func TestHostileTexts(t *testing.T) {
	w := newWorld(t)
	w.mustSubmit(lab, w.lot())
	for _, hostile := range []string{"\x00", "\xff\xfe", "x\x00y", `\`, "'", "$1", "%s", "urn:uuid:", "urn:oid:\x00"} {
		err := w.reg.Read(t.Context(), func(s *registry.Session) error {
			ctx := t.Context()
			if _, err := w.gate.Open(ctx, s, holder(w), xds.NewCX(hostile, "1.2.250.1.213.1.4.10", "NH"), authz.Purpose{Action: authz.Search}); code(err) != "REG-001" {
				t.Errorf("patient %q: %v", hostile, err)
			}
			sc, err := w.gate.Open(ctx, s, holder(w), w.alice, authz.Purpose{Action: authz.Retrieve, ByID: true})
			if err != nil {
				return err
			}
			if docs, err := s.Get(ctx, sc, hostile); err != nil || len(docs) > 0 {
				t.Errorf("Get %q: %v", hostile, err)
			}
			if patients, err := s.Patients(ctx, hostile); err != nil || len(patients) > 0 {
				t.Errorf("Patients %q: %v", hostile, err)
			}
			if c, err := s.SetAndContents(ctx, sc, hostile, nil); err != nil || len(c.Sets) > 0 {
				t.Errorf("SetAndContents %q: %v", hostile, err)
			}
			if page, err := s.Find(ctx, sc, xds.Query{Match: []xds.Match{xds.EqualTexts(xds.AttrUniqueID, hostile)}}); err != nil || len(page.Documents) > 0 {
				t.Errorf("Find %q: %v", hostile, err)
			}
			if _, ok, err := record.LookUp(ctx, s.Handle(), hostile); err != nil || ok {
				t.Errorf("LookUp %q: %v", hostile, err)
			}
			if p, err := s.PatientOfRecord(ctx, hostile); err != nil || p != "" {
				t.Errorf("PatientOfRecord %q: %v", hostile, err)
			}
			al, err := w.gate.OpenProfile(ctx, s, holder(w), w.alice, authz.Purpose{Action: authz.Journal})
			if err != nil {
				return err
			}
			if events, _, err := s.History(ctx, al, registry.HistoryQuery{Actor: hostile}); err != nil || len(events) > 0 {
				t.Errorf("History %q: %v", hostile, err)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%q: %v", hostile, err)
		}
	}
}
