package console

import (
	"github.com/passerelle-sante/passerelle/carnet"
	"github.com/passerelle-sante/passerelle/xds/cda/medical"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
)

// What the tables of the profile say is said on pages too.
func init() {
	all := []string{"JJ/MM/AAAA, MM/AAAA ou AAAA", vaccineGroup.Title}
	kind := func(k medical.Kind) {
		all = append(all, k.Title)
		for _, f := range k.Fields {
			all = append(all, f.Label)
			if f.UnitName != "" {
				all = append(all, f.UnitName)
			}
			for _, o := range f.Options {
				all = append(all, o.Label)
			}
		}
	}
	for _, s := range medical.Sections() {
		all = append(all, s.Title)
		for _, k := range s.Kinds {
			kind(k)
		}
	}
	kind(carnet.Shot)
	for _, g := range profileGroups {
		all = append(all, g.Title, g.Intro)
	}
	all = append(all, vaccination.EmbeddedCalendar().Groups()...)
	tables = append(tables, all)
}
