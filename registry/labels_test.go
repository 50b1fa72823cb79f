package registry_test

import (
	"slices"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// TestSearchByMarkFindsWhatIsMarked: a search by a confidentiality code finds the
// documents that carry the mark, for every code that says one; NOPAT is what FHIR
// shows of a document hidden from the patient.
func TestSearchByMarkFindsWhatIsMarked(t *testing.T) {
	w := newWorld(t)
	w.populate()
	marks := map[xds.Code]func(m xds.Marks) bool{
		{Value: xds.MarkMaskedPS, Scheme: xds.MarkScheme}:      func(m xds.Marks) bool { return m.MaskedPS },
		{Value: xds.MarkHiddenPatient, Scheme: xds.MarkScheme}: func(m xds.Marks) bool { return m.HiddenPatient },
		{Value: xds.MarkNOPAT, Scheme: xds.ActCodeScheme}:      func(m xds.Marks) bool { return m.HiddenPatient },
		{Value: xds.MarkHiddenReps, Scheme: xds.MarkScheme}:    func(m xds.Marks) bool { return m.HiddenReps },
	}
	err := w.reg.Read(t.Context(), func(s *registry.Session) error {
		sc, err := w.gate.Open(t.Context(), s, doctor("traitant"), w.alice, authz.Purpose{Action: authz.Search})
		if err != nil {
			return err
		}
		all, err := s.Find(t.Context(), sc, xds.Query{})
		if err != nil {
			return err
		}
		for code, marked := range marks {
			var want []string
			for _, v := range all.Documents {
				if d, _ := v.Value(); marked(d.Marks) {
					want = append(want, d.Entry.LogicalID)
				}
			}
			page, err := s.Find(t.Context(), sc, xds.Query{Match: []xds.Match{{Attribute: xds.AttrConfidentiality, Codes: []xds.Code{code}}}})
			if err != nil {
				return err
			}
			var got []string
			for _, v := range page.Documents {
				d, _ := v.Value()
				got = append(got, d.Entry.LogicalID)
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) || len(want) == 0 || len(want) == len(all.Documents) {
				t.Errorf("%s: %d documents found, %d of %d are marked", code.Key(), len(got), len(want), len(all.Documents))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
