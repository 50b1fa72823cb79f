package france_test

import (
	"math/rand/v2"

	a "github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
)

// eachState calls fn with every state of the domain, up to the attributes that no
// row can still read once action and kind are known: of those it draws one value.
// So it meets every decision that the table can make, and a sample of what the
// table must not look at.
func eachState(fn func(s *a.State)) {
	rnd := rand.New(rand.NewPCG(2026, 11))
	for action := range a.Domain(a.Action) {
		for kind := range a.Domain(a.Kind) {
			var s a.State
			s[a.Action], s[a.Kind] = action, kind
			product(&s, readAttributes(action, kind), rnd, fn)
		}
	}
}

// readAttributes are the attributes of the rows that action and kind leave open.
func readAttributes(action, kind a.Value) map[a.Attr]bool {
	read := map[a.Attr]bool{}
	for _, r := range france.Rules {
		open := r.Effect != a.DoorOnly
		for _, l := range r.When {
			open = open && (l.Attr != a.Action || l.Set.Has(action)) && (l.Attr != a.Kind || l.Set.Has(kind))
		}
		for _, l := range r.When {
			if open {
				read[l.Attr] = true
			}
		}
	}
	return read
}

// product counts through the values of the attributes that are read.
func product(s *a.State, read map[a.Attr]bool, rnd *rand.Rand, fn func(s *a.State)) {
	var open, drawn []a.Attr
	for attr := a.Kind + 1; int(attr) < a.AttrCount; attr++ {
		if read[attr] {
			open = append(open, attr)
		} else {
			drawn = append(drawn, attr)
		}
	}
	for {
		for _, attr := range drawn {
			s[attr] = a.Value(rnd.IntN(int(a.Domain(attr))))
		}
		fn(s)
		i := 0
		for ; i < len(open); i++ {
			if s[open[i]]++; s[open[i]] < a.Domain(open[i]) {
				break
			}
			s[open[i]] = 0
		}
		if i == len(open) {
			return
		}
	}
}

// named writes the state for a failing test.
func named(s a.State) map[string]string {
	m := map[string]string{}
	for attr := a.Attr(0); int(attr) < a.AttrCount; attr++ {
		m[attr.String()] = attr.Name(s[attr])
	}
	return m
}
