package france_test

import (
	a "github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
)

// papers are all the states of a document, for the product as values of the last
// attributes of a State and for the reading in its own words.
var papers = func() (all struct {
	states [][]a.Value
	words  []paper
}) {
	var s a.State
	attrs := between(a.Matrix, a.Attr(a.AttrCount))
	for more := true; more; more = next(&s, attrs) {
		all.states = append(all.states, append([]a.Value{}, s[a.Matrix:]...))
		all.words = append(all.words, translated(&s).paper)
	}
	return all
}()

// withDocument is the state of an environment with one of the papers.
func withDocument(s a.State, i int) a.State {
	copy(s[a.Matrix:], papers.states[i])
	return s
}

// paperSet is a set of papers by their number.
type paperSet [24]uint64

func (p *paperSet) has(i int) bool { return p[i>>6]&(1<<(i&63)) != 0 }
func (p *paperSet) add(i int)      { p[i>>6] |= 1 << (i & 63) }

// compiledRow is a row with the documents that its document literals admit.
type compiledRow struct {
	effect    a.Effect
	door      int
	request   []a.Literal
	documents paperSet
}

func compiled(rules []a.Rule) []compiledRow {
	var rows []compiledRow
	for _, r := range rules {
		row := compiledRow{effect: r.Effect, door: r.Door}
		var document []a.Literal
		for _, l := range r.When {
			if l.Attr >= a.Matrix {
				document = append(document, l)
			} else {
				row.request = append(row.request, l)
			}
		}
		for i, values := range papers.states {
			holds := true
			for _, l := range document {
				holds = holds && l.Set.Has(values[l.Attr-a.Matrix])
			}
			if holds {
				row.documents.add(i)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// forCell keeps the rows that the action and the kind of a cell leave open, without
// the literals that say so.
func forCell(rows []compiledRow, c cell) []compiledRow {
	var kept []compiledRow
	for _, r := range rows {
		open := true
		var rest []a.Literal
		for _, l := range r.request {
			switch l.Attr {
			case a.Action:
				open = open && l.Set.Has(c.action)
			case a.Kind:
				open = open && l.Set.Has(c.kind)
			default:
				rest = append(rest, l)
			}
		}
		if r.request = rest; open {
			kept = append(kept, r)
		}
	}
	return kept
}

// decided are the documents that the rows permit in an environment, and the door
// that they show. It allocates nothing.
func decided(rows []compiledRow, s *a.State) (permitted paperSet, door int) {
	var forbidden paperSet
rows:
	for i := range rows {
		r := &rows[i]
		for _, l := range r.request {
			if !l.Set.Has(s[l.Attr]) {
				continue rows
			}
		}
		if r.door != 0 && (door == 0 || r.door < door) {
			door = r.door
		}
		switch r.effect {
		case a.Permit:
			for w := range permitted {
				permitted[w] |= r.documents[w]
			}
		case a.Forbid:
			for w := range forbidden {
				forbidden[w] |= r.documents[w]
			}
		}
	}
	for w := range permitted {
		permitted[w] &^= forbidden[w]
	}
	return permitted, door
}

// rowsDoor is the lowest door among the rows that hold in a state.
func rowsDoor(s *a.State) int {
	door := 0
rows:
	for i := range france.Rules {
		r := &france.Rules[i]
		if r.Door == 0 || door != 0 && r.Door >= door {
			continue
		}
		for _, l := range r.When {
			if !l.Set.Has(s[l.Attr]) {
				continue rows
			}
		}
		door = r.Door
	}
	return door
}
