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
	s := g.explained(f, sub, now)
	e := Explanation{State: map[string]string{}}
	for a := Kind; a < firstDocumentAttr; a++ {
		e.State[a.String()] = a.Name(s[a])
	}
	if unseen(s) {
		e.Door = "REG-001"
		return e
	}
	if door := g.Policy.door(s); door != 0 {
		e.Door = fmt.Sprintf("ACC-%02d", door)
	}
	return e
}

// ExplainDocument tells how one document is decided for a reading, with the
// document's own state.
func (g *Gate) ExplainDocument(f Facts, sub Subject, now time.Time, d xds.Document) (Decision, map[string]string) {
	s := g.explained(f, sub, now)
	predicate := g.Policy.residual(s, Retrieve, sub)
	of := predicate.documentState(d)
	state := map[string]string{}
	for a := firstDocumentAttr; a < attrCount; a++ {
		s[a] = of[a]
		state[a.String()] = a.Name(of[a])
	}
	return g.Policy.Decide(s), state
}

func (g *Gate) explained(f Facts, sub Subject, now time.Time) State {
	s := g.state(f, sub, now)
	s[Action] = Retrieve
	return s
}
