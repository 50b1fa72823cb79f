package signin

import (
	"errors"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/oidc"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/account"
)

// traits are an identité pivot.
func traits(change ...string) map[string]any {
	p := map[string]any{"sub": "fc-1", "family_name": "Garnier", "given_name": "Alice Marie", "birthdate": "1993-03-14", "gender": "female", "birthplace": "59999", "birthcountry": "99100"}
	for i := 0; i+1 < len(change); i += 2 {
		p[change[i]] = change[i+1]
	}
	return p
}

// A person comes in by her traits when all of them are those of one active record, and of
// no other.
func TestPivot(t *testing.T) {
	h := newHall(t)
	h.holder("11111111-0000-4000-8000-000000000002", "BENALI", "Farid", "M", "19900117", "190015999901612", authz.ProfileOpposed)
	h.holder("11111111-0000-4000-8000-000000000003", "JUMEAU", "Jean", "M", "19800101", "180015999901701", authz.ProfileActive)
	h.holder("11111111-0000-4000-8000-000000000004", "JUMEAU", "Jean", "M", "19800101", "180015999901802", authz.ProfileActive)
	h.holder("11111111-0000-4000-8000-000000000005", "ABROAD", "Zoé", "F", "19700505", "270059935001903", authz.ProfileClosed)
	s := newStage(t)
	s.now = h.now
	h.FranceConnect = s.relying
	for name, c := range map[string]struct {
		claims map[string]any
		want   error
	}{
		"all of them":        {traits(), nil},
		"without accents":    {traits("family_name", "GÀRNIER"), nil},
		"another first name": {traits("given_name", "Marie Alice"), ErrNobody},
		"another name":       {traits("family_name", "Garner"), ErrNobody},
		"another day":        {traits("birthdate", "1993-03-15"), ErrNobody},
		"no day":             {traits("birthdate", "1993"), ErrNobody},
		"another sex":        {traits("gender", "male"), ErrNobody},
		"another place":      {traits("birthplace", "59998"), ErrNobody},
		"no place":           {traits("birthplace", "", "birthcountry", ""), ErrNobody},
		"nothing":            {map[string]any{"sub": "fc-1"}, ErrNobody},
		"opposed":            {traits("family_name", "Benali", "given_name", "Farid", "birthdate", "1990-01-17", "gender", "male"), ErrNobody},
		"two of them":        {traits("family_name", "Jumeau", "given_name", "Jean", "birthdate", "1980-01-01", "gender", "male"), ErrNobody},
		"born abroad":        {traits("family_name", "Abroad", "given_name", "Zoé", "birthdate", "1970-05-05", "birthplace", "", "birthcountry", "99350"), nil},
	} {
		c.claims["sub"] = "fc-" + name // each a person whom FranceConnect never sent before
		s.People = func() []oidc.Person { return []oidc.Person{{Key: "who", Claims: c.claims}} }
		in, err := h.comeBack(s)
		if !errors.Is(err, c.want) || (in.Session == "") != (c.want != nil) {
			t.Errorf("%s: %+v, %v, want %v", name, in, err, c.want)
		}
	}
	if n := h.count(`select count(*) from account where login like 'franceconnect %'`); n != 1 {
		t.Errorf("%d accounts made: alice has one, who was born abroad needed one", n)
	}
}

// comeBack goes to the provider and comes back.
func (h *hall) comeBack(s *stage) (Entered, error) {
	h.t.Helper()
	flow, address, err := h.Away(h.t.Context(), home, h.FranceConnect, "/patient")
	if err != nil {
		h.t.Fatal(err)
	}
	in, next, err := h.Person(h.t.Context(), home, flow, s.follow(h.t, address, "who"))
	if err == nil && next != "/patient" {
		h.t.Errorf("leads to %q", next)
	}
	return in, err
}

// Whom FranceConnect sent once comes to the same account again, whatever his traits are now.
func TestIdentityIsRemembered(t *testing.T) {
	h, s := newHall(t), newStage(t)
	s.now, h.FranceConnect = h.now, s.relying
	claims := traits()
	s.People = func() []oidc.Person { return []oidc.Person{{Key: "who", Claims: claims}} }
	for range 2 {
		in, err := h.comeBack(s)
		if err != nil {
			t.Fatal(err)
		}
		if found, ok := h.session(in.Session); !ok || found.Persons[0] != alicesRecord || found.Provider != s.Issuer {
			t.Errorf("%+v", found)
		}
		claims = traits("family_name", "Mariée")
	}
}

// A professional's session is his as Pro Santé Connect tells it, and nobody comes to /pro who
// is none.
func TestProfessional(t *testing.T) {
	h, s := newHall(t), newStage(t)
	s.now, h.PSC, h.FranceConnect = h.now, s.relying, s.relying
	for role, want := range map[string]bool{"10^1.2.250.1.213.1.1.5.5": true, "SECRETARIAT^1.2.250.1.213.1.1.4.6": false} {
		claims := map[string]any{"sub": "f:1", "SubjectNameID": "899900001217", "SubjectRole": []string{role}, "family_name": "DURAND", "given_name": "Philippe", "Acces_Regulation_Medicale": "VRAI"}
		s.People = func() []oidc.Person { return []oidc.Person{{Key: "who", Claims: claims}} }
		flow, address, err := h.Away(t.Context(), home, h.PSC, "/pro")
		if err != nil {
			t.Fatal(err)
		}
		in, _, err := h.Professional(t.Context(), home, flow, s.follow(t, address, "who"))
		if (err == nil) != want {
			t.Fatalf("%s: %v", role, err)
		}
		if !want {
			continue
		}
		found, ok := h.session(in.Session)
		sub := found.Professional
		if !ok || found.Account != "" || sub.ID != "899900001217" || sub.Profession != "10" || !sub.Regulator || sub.Reinforced || sub.Nature != authz.NaturePro {
			t.Errorf("%+v", sub)
		}
	}
}

// Going away is bounded by where one is: each question is kept.
func TestAwayIsBounded(t *testing.T) {
	h, s := newHall(t), newStage(t)
	s.now, h.FranceConnect = h.now, s.relying
	h.do(func(in *registry.Session) (err error) { // as if it had gone so often before
		for range ofAway.Free {
			if _, err = account.Fail(t.Context(), in.Handle(), awayFrom(home.Address), h.now); err != nil {
				return err
			}
		}
		return nil
	})
	var shut *Shut
	if _, _, err := h.Away(t.Context(), home, h.FranceConnect, "/patient"); !errors.As(err, &shut) {
		t.Errorf("%v", err)
	}
	elsewhere := home
	elsewhere.Address = "198.51.100.9"
	if _, _, err := h.Away(t.Context(), elsewhere, h.FranceConnect, "/patient"); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
}
