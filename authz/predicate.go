package authz

import (
	"slices"

	"github.com/passerelle-sante/passerelle/xds"
)

// TypeSet is a set of document types, as code^^scheme keys: those listed, and
// when Others is set also every type that is not in Known (the generic profile).
type TypeSet struct {
	Allowed []string
	Others  bool
	Known   []string
}

// Has tells whether a type is in the set.
func (t TypeSet) Has(key string) bool {
	return slices.Contains(t.Allowed, key) || t.Others && !slices.Contains(t.Known, key)
}

// Clause is what is left of one rule once the request is known: literals over
// document attributes, all of which must hold.
type Clause struct {
	Rule string
	When []Literal
}

// Predicate is a partially evaluated policy: which documents of a record the
// subject may act on. The zero Predicate admits nothing.
type Predicate struct {
	permits, forbids []Clause
	types            TypeSet
	me               string
	structure        string
	limit            limit
}

// Permits are the clauses of which one must hold.
func (p Predicate) Permits() []Clause { return p.permits }

// Forbids are the clauses of which none may hold.
func (p Predicate) Forbids() []Clause { return p.forbids }

// Types is the set behind the Matrix attribute.
func (p Predicate) Types() TypeSet { return p.types }

// Me is the national id behind the author attributes; "" is no author of anything.
func (p Predicate) Me() string { return p.me }

// Structure is the id behind SameStructure; "" equals no structure.
func (p Predicate) Structure() string { return p.structure }

// Limit are the document types that exist at all for the subject's application, where
// limited is set; all other conditions hold besides.
func (p Predicate) Limit() (types []string, limited bool) { return p.limit.types, p.limit.on }

// simplify drops the clauses that another one absorbs, so that all environments
// give few distinct predicates (policy §1.3).
func (p Predicate) simplify() Predicate {
	p.permits = absorb(p.permits)
	p.forbids = absorb(p.forbids)
	for _, f := range p.forbids {
		if len(f.When) == 0 {
			p.permits = nil
		}
	}
	if len(p.permits) == 0 {
		p.forbids = nil
	}
	return p
}

// absorb keeps the clauses that are not implied by a weaker one.
func absorb(clauses []Clause) []Clause {
	var kept []Clause
	for i, c := range clauses {
		implied := false
		for j, d := range clauses {
			if i != j && weaker(d.When, c.When) && (!weaker(c.When, d.When) || j < i) {
				implied = true
				break
			}
		}
		if !implied {
			kept = append(kept, c)
		}
	}
	return kept
}

// weaker tells whether every state that satisfies b satisfies a.
func weaker(a, b []Literal) bool {
	for _, la := range a {
		if !slices.ContainsFunc(b, func(lb Literal) bool { return lb.Attr == la.Attr && lb.Set&^la.Set == 0 }) {
			return false
		}
	}
	return true
}

// admits evaluates the predicate on one document and names what decided: the forbids
// that hold, else the permits, else the default.
func (p Predicate) admits(d xds.Document) (reasons []string, ok bool) {
	if !p.limit.admits(d.Entry.TypeCode.Key()) {
		return []string{byGrant}, false
	}
	s := p.documentState(d)
	holds := func(c Clause) bool {
		for _, l := range c.When {
			if !l.Set.Has(s[l.Attr]) {
				return false
			}
		}
		return true
	}
	for _, c := range p.forbids {
		if holds(c) {
			reasons = append(reasons, c.Rule)
		}
	}
	if len(reasons) > 0 {
		return reasons, false
	}
	for _, c := range p.permits {
		if holds(c) {
			reasons = append(reasons, c.Rule)
		}
	}
	if len(reasons) == 0 {
		return []string{byDefault}, false
	}
	return reasons, true
}

// documentState reads the document attributes as this predicate's subject sees them.
func (p Predicate) documentState(d xds.Document) State {
	var s State
	s[Matrix] = truth(p.types.Has(d.Entry.TypeCode.Key()))
	s[Author] = truth(p.me != "" && slices.Contains(d.Authors, p.me))
	s[LineageAuthor] = truth(p.me != "" && slices.Contains(d.LineageAuthors, p.me))
	s[SameStructure] = truth(p.structure != "" && d.Structure == p.structure)
	s[MaskedPS] = truth(d.Marks.MaskedPS)
	s[HiddenPatient] = truth(d.Marks.HiddenPatient)
	s[HiddenReps] = truth(d.Marks.HiddenReps)
	s[Status] = statusValue(d.Entry.AvailabilityStatus)
	s[Origin] = originValue(d.Origin)
	return s
}

func truth(b bool) Value {
	if b {
		return Yes
	}
	return No
}

// statusValue maps an availabilityStatus; anything unknown counts as deleted, so
// that it shows to nobody.
func statusValue(s xds.Status) Value {
	switch s {
	case xds.Approved:
		return DocApproved
	case xds.Deprecated:
		return DocDeprecated
	case xds.Archived:
		return DocArchived
	default:
		return DocDeleted
	}
}

func originValue(o xds.Origin) Value {
	switch o {
	case xds.FromPatient:
		return OriginPatient
	case xds.FromInsurer:
		return OriginInsurer
	default:
		return OriginPro
	}
}
