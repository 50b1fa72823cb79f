package iti

import (
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// Some attributes stand in no column of the registry: conditions on them are judged
// here, on documents that were admitted.

// apart takes them out of the conditions of a query.
func apart(match []xds.Match) (columns, rest []xds.Match) {
	for _, m := range match {
		if m.Attribute == xds.AttrTitle || m.Attribute == xds.AttrAvailability {
			rest = append(rest, m)
		} else {
			columns = append(columns, m)
		}
	}
	return columns, rest
}

// agrees tells whether a document meets all conditions.
func agrees(v authz.Visible[xds.Document], match []xds.Match) bool {
	d, _ := v.Value()
	for _, m := range match {
		if m.Attribute == xds.AttrTitle && !slices.ContainsFunc(m.Texts, func(p string) bool { return like(d.Entry.Title, p) }) {
			return false
		}
		if m.Attribute == xds.AttrAvailability && !slices.ContainsFunc(m.Texts, func(t string) bool { return bare(t) == bare(d.Entry.Availability) }) {
			return false
		}
	}
	return true
}

// bare is a documentAvailability without its namespace; an entry that says nothing is
// online (ITI TF-3 4.2.3.2.30).
func bare(availability string) string {
	if availability == "" {
		return "Online"
	}
	return strings.TrimPrefix(availability, xds.AvailabilityPrefix)
}

// like is SQL's: % is any run, _ one character, \ makes the next one stand for itself
// (ITI TF-2 3.18.4.1.2.3.4). The time is bounded by the product of the lengths.
func like(text, pattern string) bool {
	at, sign := []rune(text), []rune(pattern)
	i, j, back, again := 0, 0, -1, 0
	for i < len(at) {
		one, next := matches(sign, j, at[i])
		switch {
		case j < len(sign) && sign[j] == '%':
			back, again = j, i
			j++
		case one:
			i, j = i+1, next
		case back >= 0:
			again++
			i, j = again, back+1
		default:
			return false
		}
	}
	for j < len(sign) && sign[j] == '%' {
		j++
	}
	return j == len(sign)
}

// matches tells whether the sign at j stands for a character, and where the next is.
func matches(sign []rune, j int, c rune) (one bool, next int) {
	switch {
	case j >= len(sign) || sign[j] == '%':
		return false, j
	case sign[j] == '\\' && j+1 < len(sign):
		return sign[j+1] == c, j + 2
	default:
		return sign[j] == '_' || sign[j] == c, j + 1
	}
}
