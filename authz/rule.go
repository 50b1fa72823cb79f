package authz

// Literal is one condition of a rule: the attribute has a value of the set.
type Literal struct {
	Attr Attr
	Set  Set
}

// Is is the Literal for one of the values.
func Is(a Attr, values ...Value) Literal { return Literal{a, In(values...)} }

// IsNot is the Literal for none of the values.
func IsNot(a Attr, values ...Value) Literal { return Literal{a, NotIn(a, values...)} }

// Effect is what a rule does when all its literals hold.
type Effect uint8

// Forbid beats Permit; without any Permit the answer is no. A DoorOnly row
// neither permits nor forbids: it names the door that a refusal shows.
const (
	Permit Effect = iota
	Forbid
	DoorOnly
)

// Rule is one row of the policy table. Several rows may share an ID: they are
// the cases of one rule.
type Rule struct {
	ID     string
	Effect Effect
	Door   int // number of the door that it shows when it refuses the whole record (policy §0.1); 0 = none
	When   []Literal
}

// applies tells whether all literals hold in the state.
func (r Rule) applies(s State) bool {
	for _, l := range r.When {
		if !l.Set.Has(s[l.Attr]) {
			return false
		}
	}
	return true
}

// Policy is a country's table of rules with the data that it reads. It is a
// value: a new version is a new Policy.
type Policy struct {
	Version string
	Rules   []Rule
	// Types is the row of the matrice d'habilitation for a subject: the document
	// types that its profession and specialty may consult.
	Types func(Subject) TypeSet
	// Pro tells whether a profession code is one of a health professional
	// (TRE_G15 and the role code systems); any other is of kind other.
	Pro func(profession string) bool
	// Occupational tells whether the subject is an occupational physician (savoir-faire SM25).
	Occupational func(Subject) bool
	// Professions are those that the matrix tells apart, for who asks which may see what.
	Professions []Profession
	// MatrixVersion names the version of the matrix in each trail row.
	MatrixVersion string
}

// Decision is the outcome of Decide with the rules that made it: the forbids
// that hold, or the permits. It goes to the trail and to explain, never to a
// caller that was refused.
type Decision struct {
	Permit  bool
	Reasons []string
}

// Decide applies the table to one state: forbid beats permit, default deny.
func (p *Policy) Decide(s State) Decision {
	var permits, forbids []string
	for i := range p.Rules {
		r := &p.Rules[i]
		if r.Effect == DoorOnly || !r.applies(s) {
			continue
		}
		if r.Effect == Forbid {
			forbids = append(forbids, r.ID)
		} else {
			permits = append(permits, r.ID)
		}
	}
	if len(forbids) > 0 {
		return Decision{Reasons: forbids}
	}
	return Decision{Permit: len(permits) > 0, Reasons: permits}
}

// door is the number of the lowest door that holds for the known part of the
// state, 0 when the record is open for the action (policy §0.1).
func (p *Policy) door(s State) int {
	lowest := 0
	for i := range p.Rules {
		r := &p.Rules[i]
		if r.Door != 0 && (lowest == 0 || r.Door < lowest) && r.applies(s) {
			lowest = r.Door
		}
	}
	return lowest
}

// residual folds the known attributes of s into the table for one action and
// keeps what depends on the document.
func (p *Policy) residual(s State, action Value, sub Subject) Predicate {
	s[Action] = action
	pred := Predicate{types: p.Types(sub), me: sub.ID, structure: sub.Structure}
	for i := range p.Rules {
		r := &p.Rules[i]
		if r.Effect == DoorOnly {
			continue
		}
		rest, holds := fold(r.When, s)
		switch {
		case !holds:
		case r.Effect == Permit:
			pred.permits = append(pred.permits, Clause{r.ID, rest})
		default:
			pred.forbids = append(pred.forbids, Clause{r.ID, rest})
		}
	}
	return pred.simplify()
}

// fold drops the literals that the known part of s satisfies; holds is false
// when one of them fails.
func fold(when []Literal, s State) (rest []Literal, holds bool) {
	for _, l := range when {
		switch {
		case l.Attr >= firstDocumentAttr:
			rest = append(rest, l)
		case !l.Set.Has(s[l.Attr]):
			return nil, false
		}
	}
	return rest, true
}
