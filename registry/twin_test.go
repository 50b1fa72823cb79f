package registry_test

import (
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// A copy of a masked document may not leave its lineage, and its marks, by being
// appended to a visible one (policy C-15).
func TestTwinStaysInItsLineage(t *testing.T) {
	w := newWorld(t)
	durand := doctor("durand")
	w.link(durand)
	visible := w.mustSubmit(lab, w.lot())
	lot := w.lot()
	if _, err := w.submit(lab, lot, "aa"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.act(holder(w), authz.Mask, registry.Change{Document: lot.Documents[0].UniqueID}); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []xds.AssociationType{xds.Appends, xds.Transforms, xds.Replaces} {
		again := lot
		again.Set.UniqueID = "1.2.4.999" + string(kind[len(kind)-1])
		again = replacing(again, visible.EntryUUID)
		again.Associations[len(again.Associations)-1].Type = kind
		if _, err := w.submit(lab, again, "aa"); code(err) != "REG-003" {
			t.Errorf("%s: %q, want REG-003", kind, code(err))
		}
	}
	if found, _ := w.find(durand, xds.Query{}); len(found) != 1 {
		t.Errorf("durand finds %v, want the visible one alone", found)
	}
}
