package registry

import (
	"fmt"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
)

// statement collects the text and the arguments of one SQL statement.
type statement struct {
	args []any
}

// arg adds an argument and gives its placeholder.
func (st *statement) arg(v any) string {
	st.args = append(st.args, v)
	return fmt.Sprintf("$%d", len(st.args))
}

// predicateSQL compiles what a Scope admits, over document_entry d and lineage l.
// An empty predicate is false.
func predicateSQL(p authz.Predicate, st *statement) string {
	c := compiler{predicate: p, st: st, placeholders: map[string]string{}}
	return c.where()
}

// where is the whole condition.
func (c *compiler) where() string {
	p := c.predicate
	if len(p.Permits()) == 0 {
		return "false"
	}
	var permits []string
	for _, clause := range p.Permits() {
		permits = append(permits, c.clause(clause))
	}
	where := "(" + strings.Join(permits, " or ") + ")"
	for _, clause := range p.Forbids() {
		where += " and not " + c.clause(clause)
	}
	if types, limited := p.Limit(); limited {
		if types == nil {
			types = []string{} // a nil slice would be sent as NULL
		}
		where += " and " + among(c.once("limit", types))
	}
	return where
}

// compiler shares the placeholders of one predicate.
type compiler struct {
	predicate    authz.Predicate
	st           *statement
	placeholders map[string]string
}

// clause is the conjunction of its literals, true when there is none.
func (c *compiler) clause(clause authz.Clause) string {
	if len(clause.When) == 0 {
		return "(true)"
	}
	var parts []string
	for _, l := range clause.When {
		parts = append(parts, c.literal(l))
	}
	return "(" + strings.Join(parts, " and ") + ")"
}

// literal compiles one condition on a document. An attribute without a column
// here would be a hole, so it compiles to false.
func (c *compiler) literal(l authz.Literal) string {
	switch l.Attr {
	case authz.Status:
		return "d.status in (" + values(l) + ")"
	case authz.Origin:
		return "d.origin in (" + values(l) + ")"
	}
	yes, no := l.Set.Has(authz.Yes), l.Set.Has(authz.No)
	if yes && no {
		return "true" // before its placeholder is taken: PostgreSQL refuses an unused argument
	}
	sql, known := "", yes || no
	if known {
		sql, known = c.truth(l.Attr)
	}
	switch {
	case !known:
		return "false"
	case yes:
		return sql
	default:
		return "not (" + sql + ")"
	}
}

// truth is the SQL of an attribute that is true or false.
func (c *compiler) truth(attr authz.Attr) (sql string, known bool) {
	switch attr {
	case authz.Matrix:
		return c.types(), true
	case authz.Author:
		return c.mine("d.authors"), true
	case authz.LineageAuthor:
		return c.mine("l.authors"), true
	case authz.SameStructure:
		if c.predicate.Structure() == "" {
			return "false", true
		}
		return "d.structure = " + c.once("structure", c.predicate.Structure()), true
	case authz.MaskedPS:
		return "l.mask_ps", true
	case authz.HiddenPatient:
		return "l.hide_patient", true
	case authz.HiddenReps:
		return "l.hide_reps", true
	default:
		return "", false
	}
}

// once gives one placeholder for a value however often it is used.
func (c *compiler) once(name string, v any) string {
	if c.placeholders[name] == "" {
		c.placeholders[name] = c.st.arg(v)
	}
	return c.placeholders[name]
}

func (c *compiler) mine(column string) string {
	if c.predicate.Me() == "" {
		return "false"
	}
	return c.once("me", c.predicate.Me()) + "::text = any(" + column + ")"
}

func (c *compiler) types() string {
	set := c.predicate.Types()
	allowed := set.Allowed
	if allowed == nil {
		allowed = []string{} // a nil slice would be sent as NULL
	}
	sql := among(c.once("types", allowed))
	if set.Others {
		known := set.Known
		if known == nil {
			known = []string{}
		}
		sql = "(" + sql + " or not " + among(c.once("known", known)) + ")"
	}
	return sql
}

// among asks whether a type is one of a list, by hash: a hundred comparisons a row
// would cost more than all the rest. "is true" keeps the planner from making a join
// of it, whose order it would have to choose.
func among(list string) string {
	return "((d.type_key in (select unnest(" + list + "::text[]))) is true)"
}

// values lists the members of a literal's set, -1 when it is empty.
func values(l authz.Literal) string {
	list := []string{"-1"}
	for v := range authz.Domain(l.Attr) {
		if l.Set.Has(v) {
			list = append(list, fmt.Sprint(v))
		}
	}
	return strings.Join(list, ", ")
}
