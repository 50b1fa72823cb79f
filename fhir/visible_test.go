package fhir

import (
	"context"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

const (
	testRecord = "0d7a2a3e-5b0c-4b7e-9d5e-0a1b2c3d4e5f"
	testBase   = "https://passerelle.example/fhir"
)

// openSession is a session that knows one record.
type openSession struct{}

func (openSession) Facts(context.Context, authz.Subject, xds.CX) (authz.Facts, error) {
	return authz.Facts{Record: testRecord, Profile: authz.ProfileOpen, Traits: authz.Traits{BirthDate: "19800101"}}, nil
}
func (openSession) Record(*authz.Trace) {}
func (openSession) Live() bool          { return true }

// openScope comes from a Gate whose policy permits everything: only a Gate makes
// Scopes and Visible values, in tests too.
func openScope(t testing.TB) authz.Scope {
	t.Helper()
	policy := &authz.Policy{
		Rules:        []authz.Rule{{ID: "T-1", Effect: authz.Permit}},
		Types:        func(authz.Subject) authz.TypeSet { return authz.TypeSet{} },
		Pro:          func(string) bool { return true },
		Occupational: func(authz.Subject) bool { return false },
	}
	gate := &authz.Gate{Policy: policy, Now: func() time.Time { return time.Unix(0, 0) }, Paris: time.UTC}
	subject := authz.Subject{Nature: authz.NaturePro, ID: "1"}
	scope, err := gate.Open(t.Context(), openSession{}, subject, "1^^^&1.2.3&ISO", authz.Purpose{Action: authz.Search})
	if err != nil {
		t.Fatal(err)
	}
	return scope
}

// admit makes documents visible.
func admit(t testing.TB, docs ...xds.Document) []authz.Visible[xds.Document] {
	t.Helper()
	scope := openScope(t)
	var visible []authz.Visible[xds.Document]
	for _, d := range docs {
		if d.Record == "" {
			d.Record = testRecord
		}
		v, ok := authz.Admit(scope, d)
		if !ok {
			t.Fatalf("document %s not admitted", d.Entry.LogicalID)
		}
		visible = append(visible, v)
	}
	return visible
}
