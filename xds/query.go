package xds

import (
	"strings"
	"time"
)

// Query asks for objects of one patient. Match rows are joined by AND, the
// values inside one row by OR: stored-query slots and FHIR search parameters
// both parse into it, and one SQL emitter compiles it. A Query can only narrow
// what a Scope admits.
type Query struct {
	Patient CX
	Match   []Match
	Sort    []Order // empty: newest creationTime first, then logicalID
	Limit   int     // entries wanted; 0 = no limit but the server's
	After   *Cursor // keyset position: only entries after it in the order of Sort
	Count   bool    // also count all that matches, before Limit

	Relations bool // also tell whether any of those found relates to another
}

// Operator says how the values of a Match are compared.
type Operator int

// The operators.
const (
	Equals   Operator = iota // any of Texts, or any of Codes
	Like                     // Texts are patterns: % any run, _ one character, \ escapes (TF-2 3.18.4.1.2.3.4)
	Prefix                   // the value starts with a text, without regard to case and accents (FHIR string)
	Contains                 // the same, anywhere
	Within                   // the instant of the attribute lies in Span
	Present                  // the attribute has a value
	Overlaps                 // the range that the value's precision covers meets Span
)

// Match is one condition: attribute, operator, alternatives. Not turns it round.
type Match struct {
	Attribute Attribute
	Op        Operator
	Texts     []string
	Codes     []Code // an empty Value or Scheme matches any
	Span      Span
	Not       bool

	Any []Match // instead of an attribute: at least one of these
	All []Match // instead of an attribute: all of these
}

// AnyOf is the Match for one of several, which itself when there is one alone.
func AnyOf(matches ...Match) Match {
	if len(matches) == 1 {
		return matches[0]
	}
	return Match{Any: matches}
}

// Span is a half-open range of instants; a zero bound is open.
type Span struct{ From, To time.Time }

// Order is one sort key.
type Order struct {
	Attribute  Attribute
	Descending bool
}

// Cursor is a position in an ordered answer: the sort values and the logicalID
// of the last entry seen.
type Cursor struct {
	Values    []string
	LogicalID string
}

// EscapeLike makes a text literal inside a pattern of Like.
func EscapeLike(s string) string { return likeLiteral.Replace(s) }

var likeLiteral = strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`)

// With returns the query narrowed by one more condition.
func (q Query) With(m Match) Query {
	q.Match = append(append([]Match(nil), q.Match...), m)
	return q
}

// EqualTexts is the Match for "the attribute is one of these texts".
func EqualTexts(a Attribute, values ...string) Match {
	return Match{Attribute: a, Op: Equals, Texts: values}
}

// EqualCodes is the Match for "the attribute is one of these codes".
func EqualCodes(a Attribute, codes ...Code) Match {
	return Match{Attribute: a, Op: Equals, Codes: codes}
}

// StatusIs is the Match for availabilityStatus.
func StatusIs(statuses ...Status) Match {
	m := Match{Attribute: AttrAvailabilityStatus, Op: Equals}
	for _, s := range statuses {
		m.Texts = append(m.Texts, string(s))
	}
	return m
}
