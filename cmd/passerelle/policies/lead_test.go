package policies

import (
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/registry"
)

// An import without a date leaves the other gateways the time to read it: all switch
// at one instant. One with a date keeps it.
func TestLead(t *testing.T) {
	i := newInstallation(t)
	desk, err := Open(Options{Registry: registry.Open(i.pool, registry.Registry{Now: func() time.Time { return i.now }, NewID: func() string { return "" }}), Now: func() time.Time { return i.now }, Paris: time.UTC, Lead: Lead})
	if err != nil {
		t.Fatal(err)
	}
	other, otherGate := i.gateway()
	done := mustImport(t, desk, ImportRequest{Files: cells(t, opened)})
	if done.Version.State != Pending || done.Version.Effective != "2026-10-01T08:00:10Z" {
		t.Errorf("%+v", done.Version)
	}
	i.now = i.now.Add(Every)
	if err := other.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if reads(otherGate, delivery) {
		t.Error("in force before its instant")
	}
	if i.now = i.now.Add(Lead - Every); !reads(otherGate, delivery) {
		t.Error("not in force at its instant")
	}
	if done := mustImport(t, desk, ImportRequest{Files: cells(t), Effective: "2026-10-01T08:00:11Z"}); done.Version.Effective != "2026-10-01T08:00:11Z" {
		t.Errorf("%+v", done.Version)
	}
}
