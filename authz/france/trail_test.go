package france_test

import (
	"math/rand/v2"
	"testing"

	a "github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
)

// TestEveryTrailRowSaysWhy: whatever was asked by whomever, and however it was
// answered, the row names the version of the policy, that of the matrix and what
// decided: the permits that held or, of a refusal, its code.
func TestEveryTrailRowSaysWhy(t *testing.T) {
	t.Parallel()
	p := synthetic(t)
	g := gate(t, p)
	rnd := rand.New(rand.NewPCG(10, 7))
	permitted, refused := map[a.Value]int{}, map[a.Value]int{}
	check := func(env a.State) {
		f, sub := asked(env)
		for action := range a.Domain(a.Action) {
			s := &session{facts: f}
			code, _ := answerIn(t, s, g, sub, action, document(drawDocument(env, rnd)))
			if code == "REG-001" {
				continue // no record, no row
			}
			if len(s.traces) != 1 {
				t.Fatalf("%d rows: %s of %v", len(s.traces), a.Action.Name(action), named(env))
			}
			row := s.traces[0]
			if row.Policy != france.Version || row.Matrix != p.MatrixVersion || row.Matrix == "" || len(row.Rules) == 0 || row.Rules[0] == "" {
				t.Fatalf("policy %q, matrix %q, rules %q, code %q: %s answered %q: %v", row.Policy, row.Matrix, row.Rules, row.Code, a.Action.Name(action), code, named(env))
			}
			if code == "" {
				permitted[action]++
			} else {
				refused[action]++
			}
		}
	}
	for range 3000 {
		check(drawProfessional(rnd))
		env := drawProfessional(rnd)
		env[a.Kind] = draw(rnd, a.Kind)
		check(env)
	}
	for action := range a.Domain(a.Action) {
		if refused[action] == 0 {
			t.Errorf("%s was never refused", a.Action.Name(action))
		}
		if permitted[action] == 0 && action != a.Activate && action != a.Oppose {
			t.Errorf("%s was never permitted", a.Action.Name(action))
		}
	}
}
