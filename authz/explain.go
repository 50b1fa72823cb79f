package authz

import (
	"fmt"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// Explanation is the path by which a reading was decided: for an operator or in
// the sandbox, never for a refused caller.
type Explanation struct {
	Door  string            // ACC-nn, "" when the record is open
	State map[string]string // the known attributes (policy §1.1)
}

// Explain tells the door and the known state of a reading, without opening
// anything and without a trace.
func (g *Gate) Explain(f Facts, sub Subject, now time.Time) Explanation {
	m := moment{now, g.Policy.At(now)}
	s := g.explained(m, f, sub)
	e := Explanation{State: map[string]string{}}
	for a := Kind; a < firstDocumentAttr; a++ {
		e.State[a.String()] = a.Name(s[a])
	}
	if unseen(s) {
		e.Door = "REG-001"
		return e
	}
	if door := m.policy.door(s); door != 0 {
		e.Door = fmt.Sprintf("ACC-%02d", door)
	}
	return e
}

// ExplainDocument tells how one document is decided for a reading, with the
// document's own state.
func (g *Gate) ExplainDocument(f Facts, sub Subject, now time.Time, d xds.Document) (Decision, map[string]string) {
	m := moment{now, g.Policy.At(now)}
	s := g.explained(m, f, sub)
	predicate := m.policy.residual(s, Retrieve, sub)
	of := predicate.documentState(d)
	state := map[string]string{}
	for a := firstDocumentAttr; a < attrCount; a++ {
		s[a] = of[a]
		state[a.String()] = a.Name(of[a])
	}
	return m.policy.Decide(s), state
}

func (g *Gate) explained(m moment, f Facts, sub Subject) State {
	s := g.state(m, f, sub)
	s[Action] = Retrieve
	return s
}

// Foresee is what one reading in normal access would be under the policy of an
// instant: the predicate, and whether the record is open at all. It opens nothing and
// leaves no trace: an operator counts with it what another version would change.
func (g *Gate) Foresee(f Facts, sub Subject, now time.Time) (p Predicate, open bool) {
	m := moment{now, g.Policy.At(now)}
	s := g.explained(m, f, sub)
	if unseen(s) || m.policy.door(s) != 0 {
		return Predicate{}, false
	}
	return m.policy.residual(s, Retrieve, sub), true
}
