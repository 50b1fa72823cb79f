package france_test

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"

	a "github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
)

// bitset holds one bit for each state of the domain.
type bitset []uint64

// domain is a part of the product of what bears on each cell, and states around every
// row and mutant, with what the second reading says of each, laid out so that a whole
// table is judged by a few passes.
type domain struct {
	words     int
	value     [][]bitset // attribute, value → the states that have it
	permitted bitset     // by the reading
	doors     map[int]bitset
	rows      []bitset // where each row of the table holds
	effects   [3]group // by effect
	shown     map[int]group
}

// group is the union of some rows: where one holds, and where two or more do, so
// that the union without one of them is at hand.
type group struct{ once, twice bitset }

func (g *group) add(rows bitset) {
	for w, r := range rows {
		g.twice[w] |= g.once[w] & r
		g.once[w] |= r
	}
}

// without is the union without one of its members.
func (g group) without(row bitset, w int) uint64 { return g.once[w]&^row[w] | g.twice[w] }

func newDomain(all []mutant) *domain {
	states := around(all)
	rnd := rand.New(rand.NewPCG(8, 11))
	for _, c := range cells() {
		made := 0
		c.each(300, rnd, func(s *a.State) {
			if made++; made <= 5000 || rnd.IntN(16) == 0 {
				states = append(states, *s)
			}
		})
	}
	d := &domain{words: (len(states) + 63) / 64, doors: map[int]bitset{}, shown: map[int]group{}}
	for attr := a.Attr(0); int(attr) < a.AttrCount; attr++ {
		values := make([]bitset, a.Domain(attr))
		for v := range values {
			values[v] = d.empty()
		}
		for i, s := range states {
			values[s[attr]][i>>6] |= 1 << (i & 63)
		}
		d.value = append(d.value, values)
	}
	d.permitted = d.empty()
	for i := range states {
		q := translated(&states[i])
		if mayBeDone(&q) {
			d.permitted[i>>6] |= 1 << (i & 63)
		}
		n := doorShown(&q)
		if d.doors[n] == nil {
			d.doors[n] = d.empty()
		}
		d.doors[n][i>>6] |= 1 << (i & 63)
	}
	for e := range d.effects {
		d.effects[e] = group{d.empty(), d.empty()}
	}
	for _, r := range france.Rules {
		row := d.holds(r)
		d.rows = append(d.rows, row)
		d.effects[r.Effect].add(row)
		if r.Door != 0 {
			if d.shown[r.Door].once == nil {
				d.shown[r.Door] = group{d.empty(), d.empty()}
			}
			g := d.shown[r.Door]
			g.add(row)
		}
	}
	return d
}

// around draws states in which the row of each mutant holds, as it was and as it has
// become; in half of them the rest is as it mostly is, so that other rows decide less.
func around(all []mutant) []a.State {
	var states []a.State
	rnd := rand.New(rand.NewPCG(4, 11))
	usual := a.State{a.Profile: a.ProfileActive, a.Mode: a.Normal, a.Status: a.DocApproved}
	for _, m := range all {
		for n := range 120 {
			s := usual
			for attr := a.Attr(0); int(attr) < a.AttrCount; attr++ {
				if n%2 == 0 || attr < a.Mode || rnd.IntN(4) == 0 {
					s[attr] = draw(rnd, attr)
				}
			}
			rule := m.rule
			if m.gone || n%3 == 0 {
				rule = france.Rules[m.row]
			}
			for _, l := range rule.When {
				for l.Set != 0 && !l.Set.Has(s[l.Attr]) {
					s[l.Attr] = draw(rnd, l.Attr)
				}
			}
			states = append(states, s)
		}
	}
	return states
}

func (d *domain) empty() bitset { return make(bitset, d.words) }

// holds are the states in which all literals of a row hold.
func (d *domain) holds(r a.Rule) bitset {
	row := d.empty()
	for w := range row {
		row[w] = d.holdsIn(r, w)
	}
	return row
}

// holdsIn is one word of them.
func (d *domain) holdsIn(r a.Rule, w int) uint64 {
	all := d.value[a.Minor][a.No][w] | d.value[a.Minor][a.Yes][w] // every state there is
	for _, l := range r.When {
		var some uint64
		for v := range a.Domain(l.Attr) {
			if l.Set.Has(v) {
				some |= d.value[l.Attr][v][w]
			}
		}
		all &= some
	}
	return all
}

// killed tells whether the reading differs from a mutant in a decision or a door.
func (d *domain) killed(m mutant) bool {
	former, rule := d.rows[m.row], france.Rules[m.row]
	var numbers []int
	for n := range d.shown {
		numbers = append(numbers, n)
	}
	if m.rule.Door != 0 && !slices.Contains(numbers, m.rule.Door) {
		numbers = append(numbers, m.rule.Door)
	}
	slices.Sort(numbers)
	doors := rule.Door != 0 || m.rule.Door != 0
	for w := range d.words {
		var row uint64
		if !m.gone {
			row = d.holdsIn(m.rule, w)
		}
		union := func(e a.Effect) uint64 {
			some := d.effects[e].once[w]
			if rule.Effect == e {
				some = d.effects[e].without(former, w)
			}
			if !m.gone && m.rule.Effect == e {
				some |= row
			}
			return some
		}
		if union(a.Permit)&^union(a.Forbid) != d.permitted[w] {
			return true
		}
		lower := uint64(0)
		for _, n := range numbers {
			if !doors {
				break
			}
			var some uint64
			if g, ok := d.shown[n]; ok {
				if some = g.once[w]; rule.Door == n {
					some = g.without(former, w)
				}
			}
			if !m.gone && m.rule.Door == n {
				some |= row
			}
			var wanted uint64
			if of := d.doors[n]; of != nil {
				wanted = of[w]
			}
			if some&^lower != wanted {
				return true
			}
			lower |= some
		}
	}
	return false
}

// covered says which other rows decide what a widened row has come to hold in, so
// that it makes no difference there: the fewest that a greedy choice finds.
func (d *domain) covered(m mutant) string {
	added := d.holds(m.rule)
	for w, was := range d.rows[m.row] {
		added[w] &^= was
	}
	var parts []string
	cover := func(verb string, of func(i int, r a.Rule) bool) {
		var by []string
		for {
			best, most := -1, 0
			for i, r := range france.Rules {
				if i != m.row && of(i, r) {
					if n := overlap(added, d.rows[i]); n > most {
						best, most = i, n
					}
				}
			}
			if best < 0 {
				break
			}
			for w, row := range d.rows[best] {
				added[w] &^= row
			}
			by = append(by, france.Rules[best].ID)
		}
		if slices.Sort(by); len(by) > 0 {
			parts = append(parts, verb+" "+strings.Join(slices.Compact(by), " "))
		}
	}
	if m.rule.Door != 0 { // what decides is also what shows a door no higher
		cover("behind the door of", func(_ int, r a.Rule) bool {
			return r.Door != 0 && r.Door <= m.rule.Door && (m.rule.Effect == a.DoorOnly || r.Effect == a.Forbid)
		})
	} else {
		cover("forbidden by", func(_ int, r a.Rule) bool { return r.Effect == a.Forbid })
	}
	if m.rule.Effect == a.Permit {
		cover("permitted by", func(_ int, r a.Rule) bool { return r.Effect == a.Permit })
	}
	if overlap(added, added) > 0 {
		parts = append(parts, "permitted by nothing")
	}
	if len(parts) == 0 {
		return "holds nowhere else"
	}
	return strings.Join(parts, ", ")
}

func overlap(x, y bitset) int {
	n := 0
	for w := range x {
		n += bits.OnesCount64(x[w] & y[w])
	}
	return n
}
