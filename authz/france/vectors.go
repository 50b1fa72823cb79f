package france

import (
	"slices"

	a "github.com/passerelle-sante/passerelle/authz"
)

// Vector is a set of states that the policy decides alike, in a form that another
// implementation can be held against: one value or more for each attribute, any
// combination of which gives this decision. The vectors of an action are disjoint
// and cover its whole domain.
type Vector struct {
	// Values are those of each attribute; all values where the attribute does not
	// matter.
	Values [a.AttrCount]a.Set
	// Permit is the decision, Rules the forbids that hold or else the permits, in the
	// order of the table (authz.Decision).
	Permit bool
	Rules  []string
	// Door is the number of the refusal of the whole record, nn of ACC-nn, 0 for none
	// (policy §0.1). It is Unseen where the record answers as that of a patient never
	// seen (§0.4), before any door.
	Door int
}

// Unseen is the Door of a record that does not show at all (policy §0.4).
const Unseen = -1

// Any tells whether the attribute does not matter.
func (v *Vector) Any(attr a.Attr) bool { return v.Values[attr] == a.NotIn(attr) }

// Vectors gives the vectors of a policy one after the other, always in the same
// order, by action; it stops when yield says so. They are found by splitting: one
// attribute after the other is given its values, and values that leave the same rows
// with the same conditions stay together.
func Vectors(p *a.Policy, yield func(v *Vector) bool) {
	var v Vector
	for attr := range v.Values {
		v.Values[attr] = a.NotIn(a.Attr(attr))
	}
	var open []openRow
	for i := range p.Rules {
		open = append(open, openRow{&p.Rules[i], p.Rules[i].When})
	}
	for i := range unseen {
		open = append(open, openRow{&unseen[i], unseen[i].When})
	}
	split(v, open, splitOrder, yield)
}

// splitOrder starts with what most rows ask for, so that they fall away early.
var splitOrder = []a.Attr{
	a.Action, a.Kind, a.Profile, a.Minor, a.Blocked, a.Mode, a.Occupational, a.Administrator, a.Link, a.Regulator,
	a.SamuOK, a.BdgOK, a.MaskedOK, a.MaskAll, a.Status, a.HiddenPatient, a.HiddenReps, a.Origin, a.SameStructure,
	a.LineageAuthor, a.Author, a.Matrix, a.MaskedPS,
}

// openRow is a row of which no literal has failed, with those still to be judged.
type openRow struct {
	rule *a.Rule
	when []a.Literal
}

// split gives the first attribute of the order its values and goes on with the rest.
func split(v Vector, open []openRow, order []a.Attr, yield func(v *Vector) bool) bool {
	if len(order) == 0 {
		v.decide(open)
		return yield(&v)
	}
	attr := order[0]
	var groups [][]openRow
	var values []a.Set
	for value := range a.Domain(attr) {
		rest := judge(open, attr, value)
		g := slices.IndexFunc(groups, func(other []openRow) bool { return slices.EqualFunc(other, rest, sameOpen) })
		if g < 0 || attr == a.Action {
			groups, values = append(groups, rest), append(values, a.In(value))
		} else {
			values[g] |= a.In(value)
		}
	}
	for g, rest := range groups {
		v.Values[attr] = values[g]
		if !split(v, rest, order[1:], yield) {
			return false
		}
	}
	return true
}

// judge drops the rows that fail with the value, and from the others what it fulfils.
func judge(open []openRow, attr a.Attr, value a.Value) []openRow {
	var rest []openRow
	for _, r := range open {
		fails := false
		when := slices.DeleteFunc(slices.Clone(r.when), func(l a.Literal) bool {
			if l.Attr != attr {
				return false
			}
			fails = fails || !l.Set.Has(value)
			return true
		})
		if !fails {
			rest = append(rest, openRow{r.rule, when})
		}
	}
	return rest
}

func sameOpen(x, y openRow) bool { return x.rule == y.rule && slices.Equal(x.when, y.when) }

// decide reads the rows that hold: forbid beats permit, the lowest door is shown.
func (v *Vector) decide(holding []openRow) {
	var permits, forbids []string
	for _, r := range holding {
		switch r.rule.Effect {
		case a.Permit:
			permits = append(permits, r.rule.ID)
		case a.Forbid:
			forbids = append(forbids, r.rule.ID)
		}
		if d := r.rule.Door; d != 0 && (v.Door == 0 || d < v.Door) {
			v.Door = d
		}
	}
	if v.Rules = forbids; len(forbids) == 0 {
		v.Permit, v.Rules = len(permits) > 0, permits
	}
}

// unseen are the states in which the Gate answers as for a patient never seen (§0.4).
var unseen = []a.Rule{
	door(Unseen, "unseen", a.IsNot(a.Profile, a.ProfileOpen, a.ProfileActive, a.ProfileClosed), kindNot(a.Patient, a.Representative)),
	door(Unseen, "unseen", a.IsNot(a.Profile, a.ProfileOpen, a.ProfileActive, a.ProfileClosed), actionNot(a.ReadState, a.Activate, a.Oppose), holders),
}
