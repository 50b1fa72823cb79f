package authz_test

import (
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
)

// TestMajority: of age at 00:00 in Paris on the 18th birthday, to the second, in
// winter and summer time (policy Q-13).
func TestMajority(t *testing.T) {
	g := newGate(t)
	for _, c := range []struct {
		name, born string
		ofAge      time.Time // the first instant, UTC
	}{
		{"winter", "20080115", time.Date(2026, 1, 14, 23, 0, 0, 0, time.UTC)},
		{"summer", "20080717", time.Date(2026, 7, 16, 22, 0, 0, 0, time.UTC)},
		{"the day that summer time starts", "20080329", time.Date(2026, 3, 28, 23, 0, 0, 0, time.UTC)},
		{"the day after", "20080330", time.Date(2026, 3, 29, 22, 0, 0, 0, time.UTC)},
		{"the day that summer time ends", "20081025", time.Date(2026, 10, 24, 22, 0, 0, 0, time.UTC)},
		{"the day after it", "20081026", time.Date(2026, 10, 25, 23, 0, 0, 0, time.UTC)},
		{"New Year", "20090101", time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC)},
		{"29 February, no such day 18 years on", "20080229", time.Date(2026, 2, 28, 23, 0, 0, 0, time.UTC)},
		{"28 February", "20080228", time.Date(2026, 2, 27, 23, 0, 0, 0, time.UTC)},
		{"1 March", "20080301", time.Date(2026, 2, 28, 23, 0, 0, 0, time.UTC)},
		{"28 February, then a leap day", "20020228", time.Date(2020, 2, 27, 23, 0, 0, 0, time.UTC)},
	} {
		f := openRecord(alice)
		f.Traits.BirthDate = c.born
		minor := func(at time.Time) bool { return g.StateOf(f, person(), at)[authz.Minor] == authz.Yes }
		if !minor(c.ofAge.Add(-time.Second)) || minor(c.ofAge) {
			t.Errorf("%s: of age is not from %s on", c.name, c.ofAge)
		}
	}
	for _, born := range []string{"", "2008", "20080230", "2008-01-15", "20081301"} {
		f := openRecord(alice)
		f.Traits.BirthDate = born
		if g.StateOf(f, person(), noon)[authz.Minor] != authz.Yes {
			t.Errorf("born %q is of age", born)
		}
	}
}

// TestLinkExpiry: a relation ends at its instant, not after it.
func TestLinkExpiry(t *testing.T) {
	g := newGate(t)
	for _, link := range []authz.Value{authz.TeamLink, authz.ConsentLink} {
		f := openRecord(alice)
		f.Link = link
		at := func(now time.Time) authz.Value { return g.StateOf(f, doctor(), now)[authz.Link] }
		if at(f.LinkExpires.Add(-time.Second)) != link || at(f.LinkExpires) != authz.ExpiredLink {
			t.Errorf("link %d", link)
		}
	}
	none := openRecord(alice)
	none.Link = authz.NoLink
	if g.StateOf(none, doctor(), noon.AddDate(9, 0, 0))[authz.Link] != authz.NoLink {
		t.Error("no link has expired")
	}
}

// TestBrisDeGlaceTraits: the four values given and matching, compared without
// case, accents, hyphens, apostrophes and spaces, composed or not (policy §1.9).
func TestBrisDeGlaceTraits(t *testing.T) {
	g := newGate(t)
	record := authz.Traits{Family: "D'ALMEIDA-ŒUVRARD", Given: "Anne-Chloé", BirthDate: "19790315"}
	for _, c := range []struct {
		name   string
		traits authz.Traits
		reason string
		found  bool
	}{
		{"as recorded", record, "coma", true},
		{"capitals without accents", authz.Traits{Family: "DALMEIDA OEUVRARD", Given: "ANNE CHLOE", BirthDate: "19790315"}, "coma", true},
		{"small letters", authz.Traits{Family: "d almeida-œuvrard", Given: "anne chloé", BirthDate: "19790315"}, "coma", true},
		{"decomposed accent", authz.Traits{Family: record.Family, Given: "Anne Chloe\u0301", BirthDate: "19790315"}, "coma", true},
		{"typographic apostrophe and hyphen", authz.Traits{Family: "D’Almeida\u2010Œuvrard", Given: "Anne\u00a0Chloé", BirthDate: "19790315"}, "coma", true},
		{"another name", authz.Traits{Family: "ALMEIDA", Given: record.Given, BirthDate: "19790315"}, "coma", false},
		{"half a first name", authz.Traits{Family: record.Family, Given: "Anne", BirthDate: "19790315"}, "coma", false},
		{"names exchanged", authz.Traits{Family: record.Given, Given: record.Family, BirthDate: "19790315"}, "coma", false},
		{"another day", authz.Traits{Family: record.Family, Given: record.Given, BirthDate: "19790316"}, "coma", false},
		{"no birth date", authz.Traits{Family: record.Family, Given: record.Given}, "coma", false},
		{"no family", authz.Traits{Given: record.Given, BirthDate: "19790315"}, "coma", false},
		{"no given", authz.Traits{Family: record.Family, BirthDate: "19790315"}, "coma", false},
		{"no reason", record, "", false},
		{"blank reason", record, " \t- …", false},
	} {
		f := openRecord(alice)
		f.Traits = record
		sub := doctor()
		sub.Mode, sub.Traits, sub.Reason = authz.BrisDeGlace, c.traits, c.reason
		want := authz.BrisDeGlaceUnfounded
		if c.found {
			want = authz.BrisDeGlace
		}
		if got := g.StateOf(f, sub, noon)[authz.Mode]; got != want {
			t.Errorf("%s: mode %s", c.name, authz.Mode.Name(got))
		}
	}
	// A record without traits is matched by nobody, not by whoever gives none.
	f := openRecord(alice)
	f.Traits = authz.Traits{}
	sub := doctor()
	sub.Mode, sub.Reason = authz.BrisDeGlace, "coma"
	if g.StateOf(f, sub, noon)[authz.Mode] != authz.BrisDeGlaceUnfounded {
		t.Error("empty traits match empty traits")
	}
}

// Each pair is one name, composed and plain; the decomposed form folds alike.
func TestFoldName(t *testing.T) {
	for written, plain := range map[string]string{
		"Éloïse": "ELOISE", "Ève-Marie": "EVEMARIE", "Françoise": "FRANCOISE", "Noël": "NOEL", "Müller": "MULLER", "Groß": "GROSS",
		"Lætitia": "LAETITIA", "Doğan": "DOGAN", "Şahin": "SAHIN", "Yıldız": "YILDIZ", "İnci": "INCI", "Nguyễn": "NGUYEN", "Đặng": "DANG",
		"Ștefan": "STEFAN", "Dvořák": "DVORAK", "Łukasz": "LUKASZ", "Szőke": "SZOKE", "Bjørn": "BJORN", "O’Brien": "OBRIEN", "Élo\u200bise": "ELOISE",
		"Do\u0306g\u0306an": "DOGAN", "Nguye\u0302\u0303n": "NGUYEN", "S\u0326tefan": "STEFAN",
	} {
		if got := authz.FoldName(written); got != plain {
			t.Errorf("%s folds to %s, want %s", written, got, plain)
		}
	}
}

// TestKinds: the kind is derived per record, and a professional's id is needed for
// a professional (policy §1.9).
func TestKinds(t *testing.T) {
	g := newGate(t)
	with := func(change func(s *authz.Subject)) authz.Subject {
		sub := doctor()
		change(&sub)
		return sub
	}
	for _, c := range []struct {
		name string
		sub  authz.Subject
		role authz.Role
		want authz.Value
	}{
		{"holder", person(), authz.HolderRole, authz.Patient},
		{"representative", person(), authz.RepresentativeRole, authz.Representative},
		{"delegate", person(), authz.DelegateRole, authz.Delegate},
		{"a patient on another's record", person(), authz.NoRole, authz.Other},
		{"professional", doctor(), authz.NoRole, authz.Pro},
		{"a professional who is the holder", doctor(), authz.HolderRole, authz.Pro},
		{"profession unknown", with(func(s *authz.Subject) { s.Profession = "77" }), authz.NoRole, authz.Other},
		{"no profession", with(func(s *authz.Subject) { s.Profession = "" }), authz.NoRole, authz.Other},
		{"no id", with(func(s *authz.Subject) { s.ID = "" }), authz.NoRole, authz.Other},
		{"social worker", with(func(s *authz.Subject) { s.Profession = "R94" }), authz.NoRole, authz.Pro},
		{"structure", server(), authz.NoRole, authz.Structure},
		{"structure without id", authz.Subject{Nature: authz.NatureStructure, ID: "x"}, authz.NoRole, authz.Other},
		{"nobody", authz.Subject{}, authz.NoRole, authz.Other},
		{"nobody with a role", authz.Subject{}, authz.HolderRole, authz.Other},
	} {
		f := openRecord(alice)
		f.Role = c.role
		if got := g.StateOf(f, c.sub, noon)[authz.Kind]; got != c.want {
			t.Errorf("%s: %s", c.name, authz.Kind.Name(got))
		}
	}
}

// TestDerivedAttributes: maskedOK is off with both emergency modes, the regulator
// comes from token or directory and is a nominal professional, SM25 is occupational.
func TestDerivedAttributes(t *testing.T) {
	g := newGate(t)
	maskedOK := func(samu, bdg bool) authz.Value {
		f := openRecord(alice)
		f.Settings = authz.Settings{SamuOK: samu, BdgOK: bdg, MaskedOK: true}
		return g.StateOf(f, doctor(), noon)[authz.MaskedOK]
	}
	if maskedOK(false, false) != authz.No || maskedOK(true, false) != authz.Yes || maskedOK(false, true) != authz.Yes {
		t.Error("maskedOK without an emergency mode")
	}
	regulator := func(sub authz.Subject, claimed, listed bool) authz.Value {
		f := openRecord(alice)
		f.Regulator, sub.Regulator = listed, claimed
		return g.StateOf(f, sub, noon)[authz.Regulator]
	}
	if regulator(doctor(), true, false) != authz.Yes || regulator(doctor(), false, true) != authz.Yes || regulator(doctor(), false, false) != authz.No {
		t.Error("regulator of a professional")
	}
	if regulator(server(), true, true) != authz.No || regulator(person(), true, true) != authz.No {
		t.Error("regulator that is no professional")
	}
	occupational := doctor()
	occupational.Specialty = "SM25"
	house := server()
	house.Specialty = "SM25"
	if g.StateOf(openRecord(alice), occupational, noon)[authz.Occupational] != authz.Yes ||
		g.StateOf(openRecord(alice), house, noon)[authz.Occupational] != authz.No ||
		g.StateOf(openRecord(alice), doctor(), noon)[authz.Occupational] != authz.No {
		t.Error("occupational physician")
	}
}
