package record_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/registry/registrytest"
)

// A search finds by beginnings of names, without case or accents, in any order, and by a
// whole id; never by a part in the middle, and never more than it is asked for.
func TestSearchOfTheDirectory(t *testing.T) {
	t.Parallel()
	reg := registry.Open(registrytest.Open(t), registry.Registry{Now: time.Now})
	sys := authz.AsSystem("test")
	err := reg.Write(t.Context(), func(s *registry.Session) error {
		err := record.Enlist(t.Context(), s.Handle(), sys,
			record.Professional{ID: "810000000001", Name: "810000000001", Kind: "pro", Family: "LEFÈVRE-DUBOIS", Given: "Émilie", Profession: "10", Structure: "1590000001", StructureName: "Clinique d'Œuf", Regulator: true},
			record.Professional{ID: "810000000002", Name: "810000000002", Kind: "pro", Family: "DUBOIS", Given: "Noé", Profession: "60"},
			record.Professional{ID: "1590000001", Name: "1590000001", Kind: "struct", Structure: "1590000001", StructureName: "Clinique d'Œuf"})
		if err != nil {
			return err
		}
		if err := record.Place(t.Context(), s.Handle(), sys, record.Workplace{Professional: "810000000002", Structure: "1590000001", StructureName: "Clinique d'Œuf"}); err != nil {
			return err
		}
		// A second extract knows nothing of regulators and takes none away.
		return record.Enlist(t.Context(), s.Handle(), sys, record.Professional{ID: "810000000001", Name: "810000000001", Kind: "pro", Family: "LEFÈVRE-DUBOIS", Given: "Émilie", Profession: "10", Structure: "1590000001", StructureName: "Clinique d'Œuf"})
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sought record.Sought
		want   string
	}{
		{record.Sought{Words: "lefevre"}, "1"},
		{record.Sought{Words: "EMILIE lefe"}, "1"},
		{record.Sought{Words: "Lefèvre-Dubois oeuf"}, "1"},
		{record.Sought{Words: "dub"}, "2"},
		{record.Sought{Words: "fevre"}, ""},
		{record.Sought{Words: "%"}, ""},
		{record.Sought{Words: "d"}, ""},
		{record.Sought{Words: ""}, ""},
		{record.Sought{Words: " 810000000002 "}, "2"},
		{record.Sought{Words: "dub", Profession: "10"}, ""},
		{record.Sought{Words: "clinique"}, "s"},
		{record.Sought{Structure: "1590000001"}, "12s"},
		{record.Sought{Structure: "1590000001", Kind: "pro"}, "12"},
		{record.Sought{Words: "dubois\x00"}, ""},
	} {
		var got []record.Professional
		err := reg.Read(t.Context(), func(s *registry.Session) (err error) {
			got, err = record.Search(t.Context(), s.Handle(), c.sought, 10)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		var short []string
		for _, p := range got {
			name, found := strings.CutPrefix(p.ID, "81000000000")
			if !found {
				name = "s"
			}
			short = append(short, name)
			if p.ID == "810000000001" && !p.Regulator {
				t.Error("the second extract has taken the regulator away")
			}
		}
		slices.Sort(short)
		if strings.Join(short, "") != c.want {
			t.Errorf("%+v: %q, want %q", c.sought, strings.Join(short, ""), c.want)
		}
	}
}
