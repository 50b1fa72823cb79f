package repositorytest

import (
	"context"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

const record = "record-of-the-contract"

// See makes the proof that a document with this content may be read, the only way
// there is: a Gate, here under a policy that permits all, opens a Scope, and the
// Scope admits the document.
func See(t testing.TB, c xds.Content) authz.Visible[xds.Document] {
	t.Helper()
	gate := authz.Gate{
		Policy: &authz.Policy{
			Rules:        []authz.Rule{{ID: "any", Effect: authz.Permit}},
			Types:        func(authz.Subject) authz.TypeSet { return authz.TypeSet{Others: true} },
			Pro:          func(string) bool { return true },
			Occupational: func(authz.Subject) bool { return false },
		},
		Now:   func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) },
		Paris: time.UTC,
	}
	subject := authz.Subject{Nature: authz.NaturePro, ID: "reader", Profession: "any"}
	scope, err := gate.Open(t.Context(), openRecord{}, subject, "patient", authz.Purpose{Action: authz.Retrieve})
	if err != nil {
		t.Fatalf("gate: %v", err)
	}
	v, ok := authz.Admit(scope, xds.Document{Record: record, Content: c})
	if !ok {
		t.Fatal("not admitted")
	}
	return v
}

// openRecord is a session on one active record.
type openRecord struct{}

// Facts implements authz.Facter.
func (openRecord) Facts(context.Context, authz.Subject, xds.CX) (authz.Facts, error) {
	return authz.Facts{Record: record, Profile: authz.ProfileActive}, nil
}

// Record implements authz.Recorder.
func (openRecord) Record(*authz.Trace) {}

// Live implements authz.Recorder.
func (openRecord) Live() bool { return true }
