package france_test

import (
	"math/rand/v2"
	"os"
	"strings"

	a "github.com/passerelle-sante/passerelle/authz"
)

// long tells whether the tests run in their full size (make conformance).
func long() bool { return os.Getenv("PASSERELLE_LONG") == "1" }

// cell is one kind of person with one action, and the attributes on which the
// second reading says that the answer depends.
type cell struct {
	action, kind a.Value
	bears, idle  []a.Attr
}

// cells are the 150 of the domain. What bears on them is the reading's word, so a
// row that looks at something else is caught instead of followed.
func cells() []cell {
	var all []cell
	for action := range a.Domain(a.Action) {
		for kind := range a.Domain(a.Kind) {
			c := cell{action: action, kind: kind}
			line := strings.Fields(bearings[a.Kind.Name(kind)+" "+a.Action.Name(action)])
			for attr := a.Kind + 1; int(attr) < a.AttrCount; attr++ {
				if containsWord(line, attr.String()) {
					c.bears = append(c.bears, attr)
				} else {
					c.idle = append(c.idle, attr)
				}
			}
			all = append(all, c)
		}
	}
	return all
}

func containsWord(words []string, word string) bool {
	for _, w := range words {
		if w == word {
			return true
		}
	}
	return false
}

// each calls fn with the product of what bears on the cell, as often as it takes to
// make at least floor states; everything else is drawn anew for each.
func (c cell) each(floor int, rnd *rand.Rand, fn func(s *a.State)) {
	for made := 0; ; {
		s := a.State{a.Action: c.action, a.Kind: c.kind}
		for more := true; more; more = next(&s, c.bears) {
			for _, attr := range c.idle {
				s[attr] = draw(rnd, attr)
			}
			fn(&s)
			made++
		}
		if made >= floor {
			return
		}
	}
}

// next counts one further through the values of some attributes, false after the last.
func next(s *a.State, attrs []a.Attr) bool {
	for _, attr := range attrs {
		if s[attr]++; s[attr] < a.Domain(attr) {
			return true
		}
		s[attr] = 0
	}
	return false
}

func draw(rnd *rand.Rand, attr a.Attr) a.Value { return a.Value(rnd.IntN(int(a.Domain(attr)))) }

// between are the attributes from one to before another.
func between(from, to a.Attr) []a.Attr {
	var attrs []a.Attr
	for attr := from; attr < to; attr++ {
		attrs = append(attrs, attr)
	}
	return attrs
}

// named writes the state for a failing test.
func named(s a.State) map[string]string {
	m := map[string]string{}
	for attr := a.Attr(0); int(attr) < a.AttrCount; attr++ {
		m[attr.String()] = attr.Name(s[attr])
	}
	return m
}
