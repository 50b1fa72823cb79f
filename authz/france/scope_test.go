package france_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	a "github.com/passerelle-sante/passerelle/authz"
)

var documentActions = []a.Value{a.Search, a.Retrieve, a.Replace, a.Delete, a.Mask, a.Unmask, a.RevealPatient, a.RevealReps, a.Archive}

// What the Gate answers — a door, a Scope and Admit, a Deposit, an Amend — is what
// Decide says of the whole state: for every environment of those who are no
// professionals, and a seeded sample of the professionals' ones.
func TestGateAgreesWithDecide(t *testing.T) {
	t.Parallel()
	p := synthetic(t)
	g := gate(t, p)
	rnd := rand.New(rand.NewPCG(7, 11))
	check := func(env a.State, documents int) {
		t.Helper()
		f, sub := asked(env)
		for range documents {
			s := drawDocument(env, rnd)
			d := document(s)
			for _, action := range documentActions {
				s[a.Action] = action
				got, _ := answer(t, g, f, sub, action, d)
				if want := expected(p, s); got != want {
					t.Errorf("%q, want %q: %v", got, want, named(s))
				}
			}
		}
	}
	environments := 0
	for _, kind := range []a.Value{a.Patient, a.Representative, a.Delegate, a.Structure, a.Other} {
		for profile := range a.Domain(a.Profile) {
			for minor := range a.Domain(a.Minor) {
				for mode := range a.Domain(a.Mode) {
					env := a.State{a.Kind: kind, a.Profile: profile, a.Minor: minor, a.Mode: mode, a.SamuOK: a.Yes, a.BdgOK: a.Yes}
					check(env, 40)
					environments++
				}
			}
		}
	}
	for range 4000 {
		check(drawProfessional(rnd), 6)
	}
	if environments != 5*7*2*4 {
		t.Errorf("%d environments", environments)
	}
}

// expected is the answer of policy §0 to the action of a state, from Decide alone.
func expected(p *a.Policy, s a.State) string {
	decide := func(change map[a.Attr]a.Value) bool {
		with := s
		for attr, v := range change {
			with[attr] = v
		}
		return p.Decide(with).Permit
	}
	action := s[a.Action]
	if decide(nil) {
		return ""
	}
	sees := decide(map[a.Attr]a.Value{a.Action: a.Retrieve})
	family := s[a.Kind] == a.Patient || s[a.Kind] == a.Representative || s[a.Kind] == a.Delegate
	asIfCurrent := s[a.Status] != a.DocDeleted && decide(map[a.Attr]a.Value{a.Status: a.DocApproved})
	switch {
	case !open(&s) && s[a.Profile] != a.ProfileClosed:
		return "REG-001" // a patient never seen (policy §0.4)
	case doorOf(s) != 0:
		return fmt.Sprintf("ACC-%02d", doorOf(s))
	case action == a.Search || action == a.Retrieve:
		return "hidden"
	case action == a.Replace && !sees && !(asIfCurrent && s[a.Kind] == a.Structure):
		return "REG-004"
	case action == a.Replace && asIfCurrent:
		return "REG-005"
	case action == a.Replace:
		return "ACC-31"
	case !sees:
		return "JSON-003"
	case action == a.Delete:
		return "ACC-34"
	case family:
		return "ACC-37"
	default:
		return "ACC-39"
	}
}

// doorOf is a second reading of policy §0.1: the lowest door of a state for an
// action on a document.
func doorOf(s a.State) int {
	read := s[a.Action] == a.Search || s[a.Action] == a.Retrieve
	fed := s[a.Action] == a.Submit || s[a.Action] == a.Replace || s[a.Action] == a.Delete
	pro, mode := s[a.Kind] == a.Pro, s[a.Mode]
	lacks := pro && read && mode == a.Normal && s[a.Administrator] == a.No
	switch {
	case !open(&s):
		return 1
	case s[a.Kind] == a.Other:
		return 2
	case s[a.Kind] == a.Structure && !fed:
		return 3
	case pro && s[a.Blocked] == a.Yes && !fed:
		return 4
	case (s[a.Kind] == a.Patient || s[a.Kind] == a.Delegate) && s[a.Minor] == a.Yes:
		return 5
	case s[a.Kind] == a.Representative && s[a.Minor] == a.No:
		return 6
	case pro && mode != a.Normal && !read && !fed:
		return 7
	case pro && read && s[a.Occupational] == a.Yes:
		return 11
	case lacks && s[a.Link] == a.NoLink:
		return 23
	case pro && read && mode == a.Centre15 && (s[a.Regulator] == a.No || s[a.SamuOK] == a.No):
		return 24
	case pro && read && (mode == a.BrisDeGlaceUnfounded || mode == a.BrisDeGlace && s[a.BdgOK] == a.No):
		return 25
	case lacks && s[a.Link] == a.ExpiredLink:
		return 29
	default:
		return 0
	}
}

func draw(rnd *rand.Rand, attr a.Attr) a.Value { return a.Value(rnd.IntN(int(a.Domain(attr)))) }

func drawDocument(env a.State, rnd *rand.Rand) a.State {
	for attr := a.Matrix; int(attr) < a.AttrCount; attr++ {
		env[attr] = draw(rnd, attr)
	}
	return env
}

// drawProfessional draws an environment; most records are in use and most
// professionals neither blocked nor occupational, else little would be decided.
func drawProfessional(rnd *rand.Rand) a.State {
	var s a.State
	for attr := a.Mode; attr < a.Matrix; attr++ {
		s[attr] = draw(rnd, attr)
	}
	s[a.Kind] = a.Pro
	seldom := func(attr a.Attr, usual a.Value) {
		if rnd.IntN(8) > 0 {
			s[attr] = usual
		}
	}
	seldom(a.Profile, a.ProfileActive)
	seldom(a.Blocked, a.No)
	seldom(a.Occupational, a.No)
	return s
}

// All environments together give eight predicates for search: prepared statements
// fit, and each one is proved equal to its SQL in registry/equal_test.go.
func TestSearchPredicates(t *testing.T) {
	t.Parallel()
	g := gate(t, synthetic(t))
	distinct := map[string]bool{}
	rules := map[string]bool{}
	eachEnvironment(func(env a.State) {
		f, sub := asked(env)
		s := &session{facts: f}
		sc, err := g.Open(t.Context(), s, sub, patientID, a.Purpose{Action: a.Search})
		if err != nil && !sc.Live() {
			distinct["false"] = true
			return
		}
		distinct[text(sc.Predicate())] = true
		for _, c := range sc.Predicate().Permits() {
			rules[c.Rule] = true
		}
	})
	var got []string
	for p := range distinct {
		got = append(got, p)
	}
	slices.Sort(got)
	golden, err := os.ReadFile("testdata/predicates.golden")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for line := range strings.Lines(string(golden)) {
		if !strings.HasPrefix(line, "#") {
			want = append(want, strings.TrimSpace(line))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("predicates (-golden +found):\n%s", diff)
	}
	for _, id := range []string{"R-20", "R-21", "R-22", "R-23", "R-24", "R-25", "R-26", "R-27"} {
		if !rules[id] {
			t.Errorf("%s stands in no predicate", id)
		}
	}
}

// eachEnvironment counts through everything that is known before a document is.
func eachEnvironment(fn func(env a.State)) {
	var s a.State
	var count func(attr a.Attr)
	count = func(attr a.Attr) {
		if attr == a.Matrix {
			fn(s)
			return
		}
		proOnly := slices.Contains([]a.Attr{a.Mode, a.Regulator, a.Administrator, a.Blocked, a.Link, a.MaskAll, a.SamuOK, a.BdgOK, a.MaskedOK, a.Occupational}, attr)
		n := a.Domain(attr)
		if proOnly && s[a.Kind] != a.Pro {
			n = 1
		}
		for v := range n {
			s[attr] = v
			count(attr + 1)
		}
		s[attr] = 0
	}
	count(a.Kind)
}

// text writes a predicate without rule names and without the status.
func text(p a.Predicate) string {
	permits, forbids := clauses(p.Permits()), clauses(p.Forbids())
	switch {
	case len(permits) == 0:
		return "false"
	case len(forbids) == 0:
		return strings.Join(permits, " or ")
	default:
		return strings.Join(permits, " or ") + " except " + strings.Join(forbids, " or ")
	}
}

func clauses(cs []a.Clause) []string {
	var all []string
	for _, c := range cs {
		var literals []string
		for _, l := range c.When {
			switch {
			case l.Attr == a.Status:
			case l.Set.Has(a.Yes):
				literals = append(literals, l.Attr.String())
			default:
				literals = append(literals, "not "+l.Attr.String())
			}
		}
		switch {
		case len(literals) > 0:
			slices.Sort(literals)
			all = append(all, strings.Join(literals, " and "))
		case len(c.When) == 0:
			all = append(all, "true")
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
