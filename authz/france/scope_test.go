package france_test

import (
	stdcmp "cmp"
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
	action, q := s[a.Action], translated(&s)
	if decide(nil) {
		return ""
	}
	sees := decide(map[a.Attr]a.Value{a.Action: a.Retrieve})
	family := s[a.Kind] == a.Patient || s[a.Kind] == a.Representative || s[a.Kind] == a.Delegate
	asIfCurrent := s[a.Status] != a.DocDeleted && decide(map[a.Attr]a.Value{a.Status: a.DocApproved})
	switch {
	case q.record != opened && q.record != activated && q.record != shut:
		return "REG-001" // a patient never seen (policy §0.4)
	case doorShown(&q) != 0:
		return fmt.Sprintf("ACC-%02d", doorShown(&q))
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

// TestPredicates: all environments together give eight predicates for search, the
// same for retrieve, and one for the existence of a structure's own documents, so
// that prepared statements fit. Each stands in the golden file with every literal
// that it reads, and is proved equal to its SQL in registry/equal_test.go.
func TestPredicates(t *testing.T) {
	t.Parallel()
	g := gate(t, synthetic(t))
	distinct := map[string]bool{}
	rules := map[string]bool{}
	for _, action := range []a.Value{a.Search, a.Retrieve, a.Exists} {
		eachEnvironment(func(env a.State) {
			f, sub := asked(env)
			s := &session{facts: f}
			sc, err := g.Open(t.Context(), s, sub, patientID, a.Purpose{Action: action})
			if err != nil && !sc.Live() {
				distinct[a.Action.Name(action)+"\tfalse"] = true
				return
			}
			distinct[a.Action.Name(action)+"\t"+text(sc.Predicate())] = true
			for _, c := range sc.Predicate().Permits() {
				rules[c.Rule] = true
			}
		})
	}
	var lines []string
	for p := range distinct {
		lines = append(lines, p)
	}
	slices.Sort(lines)
	got := "# What a Scope admits, by action, over all environments (policy §1.3): the literals of its\n" +
		"# permits, and after except those of its forbids. Written by -update.\n" + strings.Join(lines, "\n") + "\n"
	const file = "testdata/predicates.golden"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(golden), got); diff != "" {
		t.Errorf("predicates (-golden +found):\n%s", diff)
	}
	if n := strings.Count(got, "\nsearch\t"); n != 8 {
		t.Errorf("%d predicates of search, policy §1.3 counts 8", n)
	}
	if strings.Count(got, "\nretrieve\t") != 8 || strings.Count(got, "\nexists\t") != 2 {
		t.Errorf("search is not retrieve (Q-01), or exists is more than a structure's own:\n%s", got)
	}
	for _, id := range []string{"R-20", "R-21", "R-22", "R-23", "R-24", "R-25", "R-26", "R-27", "R-45"} {
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

// text writes a predicate without rule names.
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
			literals = append(literals, literalText(l))
		}
		slices.Sort(literals)
		all = append(all, stdcmp.Or(strings.Join(literals, " and "), "true"))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// literalText writes matrix, not maskPS, status approved|archived.
func literalText(l a.Literal) string {
	if a.Domain(l.Attr) == 2 {
		return map[a.Set]string{a.In(a.Yes): l.Attr.String(), a.In(a.No): "not " + l.Attr.String()}[l.Set]
	}
	var names []string
	for v := range a.Domain(l.Attr) {
		if l.Set.Has(v) {
			names = append(names, l.Attr.Name(v))
		}
	}
	return l.Attr.String() + " " + strings.Join(names, "|")
}
