package registry_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// TestMarksInEveryOrder: whatever the order of masking, replacing, appending,
// transforming, sending the same bytes again and unmasking, all that came of one
// document is masked or none is (policy C-05, C-15, Q-20).
func TestMarksInEveryOrder(t *testing.T) {
	w := newWorld(t)
	durand := doctor("durand")
	w.link(durand)
	steps := []string{"mask", "unmask", string(xds.Replaces), string(xds.Appends), string(xds.TransReplace), "twin"}
	stride := 23 // of 360 orders
	if os.Getenv("PASSERELLE_LONG") != "" {
		stride = 1
	}
	orders := permutations(4, len(steps))
	for i := 0; i < len(orders); i += stride {
		w.everyOrder(durand, steps, orders[i])
	}
}

// everyOrder plays the steps on one document and looks after each.
func (w *world) everyOrder(reader authz.Subject, steps []string, order []int) {
	w.t.Helper()
	before, _ := w.find(reader, xds.Query{})
	lot := w.lot()
	hash := fmt.Sprintf("%040d", w.n)
	first, err := w.submit(lab, lot, hash)
	if err != nil {
		w.t.Fatal(err)
	}
	current, masked, members := first.Documents[0].EntryUUID, false, 1
	said := ""
	for _, i := range order {
		step := steps[i]
		said += " " + step
		switch step {
		case "mask", "unmask":
			masked = step == "mask"
			action := map[bool]authz.Value{true: authz.Mask, false: authz.Unmask}[masked]
			if _, err := w.act(holder(w), action, registry.Change{Document: current}); err != nil {
				w.t.Fatalf("%s: %v", said, err)
			}
		case "twin":
			again := w.lot()
			again.Documents[0].UniqueID = lot.Documents[0].UniqueID
			if _, err := w.submit(lab, again, hash); err != nil {
				w.t.Fatalf("%s: %v", said, err)
			}
			members++
		default:
			r, err := w.send(lab, with(w.lot(), join(xds.AssociationType(step), "Document01", current)))
			if err != nil {
				w.t.Fatalf("%s: %v", said, err)
			}
			if members++; xds.AssociationType(step).Supersedes() {
				current = r.Documents[0].EntryUUID
			}
		}
		after, _ := w.find(reader, xds.Query{})
		want := members
		if masked {
			want = 0
		}
		if got := len(after) - len(before); got != want {
			w.t.Fatalf("%s: he sees %d, want %d", said, got, want)
		}
	}
}

// permutations are the ways to choose k of n in order.
func permutations(k, n int) (all [][]int) {
	if k == 0 {
		return [][]int{nil}
	}
	for _, head := range permutations(k-1, n) {
		for i := range n {
			used := false
			for _, j := range head {
				used = used || i == j
			}
			if !used {
				all = append(all, append(append([]int{}, head...), i))
			}
		}
	}
	return all
}

// A document that comes from two others, one of the lot and one registered, would
// have two lineages: refused.
func TestTwoOriginsAreRefused(t *testing.T) {
	w := newWorld(t)
	registered := w.mustSend(lab, w.lot()).Documents[0].EntryUUID
	lot := w.lot()
	second := lot.Documents[0]
	second.EntryUUID, second.UniqueID = "Document02", second.UniqueID+".2"
	lot.Documents = append(lot.Documents, second)
	lot = with(lot, join(xds.Appends, "Document02", "Document01"), join(xds.Appends, "Document02", registered))
	if _, err := w.send(lab, lot); code(err) != "META-012" {
		t.Errorf("%v, want META-012", err)
	}
	lot = with(lot, join(xds.Appends, "Document01", registered))
	if _, err := w.send(lab, lot); err != nil {
		t.Errorf("all of one lineage: %v", err)
	}
}
