package account_test

import (
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/account"
	"github.com/passerelle-sante/passerelle/registry/registrytest"
)

// The directory says where a professional is written to until his provider of identities
// does: a newer extract replaces an older one, and not him.
func TestListed(t *testing.T) {
	t.Parallel()
	pool := registrytest.Open(t)
	reg := registry.Open(pool, registry.Registry{})
	listed := func(all ...account.Contact) func(*registry.Session) error {
		return func(s *registry.Session) error {
			return account.Listed(t.Context(), s.Handle(), authz.AsSystem("test"), all...)
		}
	}
	for i, step := range []struct {
		do   func(*registry.Session) error
		want string
	}{
		{listed(), ""},
		{listed(account.Contact{Professional: "810100000011", Email: "no address"}), ""},
		{listed(account.Contact{Professional: "810100000011", Email: "old@clinique.example"}, account.Contact{Professional: "810100000011", Email: "old@clinique.example"}), "old@clinique.example"},
		{listed(account.Contact{Professional: "810100000011", Email: "new@clinique.example"}), "new@clinique.example"},
		{func(s *registry.Session) error {
			return account.Reach(t.Context(), s.Handle(), "810100000011", "own@clinique.example", "fr")
		}, "own@clinique.example"},
		{listed(account.Contact{Professional: "810100000011", Email: "newer@clinique.example"}), "own@clinique.example"},
	} {
		if err := reg.Write(t.Context(), step.do); err != nil {
			t.Fatal(i, err)
		}
		var got string
		if err := pool.QueryRow(t.Context(), `select coalesce(max(email), '') from professional_contact where professional = '810100000011'`).Scan(&got); err != nil || got != step.want {
			t.Errorf("%d: %q, %v", i, got, err)
		}
	}
}
