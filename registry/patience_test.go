package registry_test

import (
	"errors"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// A server that does not answer is given up in time, and asked again afterwards
// (safety FM-06).
func TestPatience(t *testing.T) {
	w := newWorld(t)
	w.reg.Patience = 300 * time.Millisecond
	held, err := w.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := held.Exec(t.Context(), `lock table trail in access exclusive mode`); err != nil {
		t.Fatal(err)
	}
	search := func() error {
		return w.reg.Read(t.Context(), func(s *registry.Session) error {
			_, err := w.gate.Open(t.Context(), s, doctor("899900001217"), w.alice, authz.Purpose{Action: authz.Search, Transaction: "ITI-18"})
			return err
		})
	}
	if err := search(); !errors.Is(err, xds.ErrUnavailable) {
		t.Errorf("while the trail is locked: %v", err)
	}
	if err := held.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := search(); errors.Is(err, xds.ErrUnavailable) {
		t.Errorf("afterwards: %v", err)
	}
}
