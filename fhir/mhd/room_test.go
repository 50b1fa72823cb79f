package mhd

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/passerelle-sante/passerelle/xds"
)

// Four bundles of the greatest size fit, or many small ones; what does not fit waits,
// is told to come back after maxWait, and leaves nothing behind.
func TestRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom()
		enter := func(length int64) func() {
			leave, err := r.enter(t.Context(), length)
			if err != nil {
				t.Fatal(err)
			}
			return leave
		}
		var leaves []func()
		for range 100 {
			leaves = append(leaves, enter(60_000))
		}
		for _, leave := range leaves {
			leave()
		}
		great := []func(){enter(maxBundle - 1), enter(-1), enter(maxBundle - 1)}
		small := enter(10)
		if _, err := r.enter(t.Context(), maxBundle); !isREG006(err) {
			t.Fatalf("a fifth part of the memory: %v", err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := r.enter(gone, -1); !isREG006(err) {
			t.Fatalf("whoever went away has a place: %v", err)
		}
		go func() { great[0]() }()
		enter(maxBundle - 1)()
		great[1]()
		great[2]()
		small()
		if len(r.free) != roomUnits || len(r.turn) != 0 {
			t.Errorf("%d of %d units are back", len(r.free), roomUnits)
		}
	})
}

func isREG006(err error) bool {
	refusal, ok := err.(*xds.Error)
	return ok && refusal.ID == "REG-006"
}
