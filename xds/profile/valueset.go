package profile

import (
	"cmp"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// ValueSet is a set of codes that an attribute takes its values from.
type ValueSet struct {
	Name      string // JDV_J66
	OID       string
	Codes     []xds.Code
	AnyScheme bool // codes are compared without their scheme
	Partial   bool // the set is not known whole: an unknown code is a warning
	Open      bool // a code of a scheme that the set does not use is a warning
}

// String names the set in a finding.
func (v *ValueSet) String() string {
	if v.OID == "" {
		return v.Name
	}
	return v.Name + " (" + v.OID + ")"
}

// Find is the code of the set that is the same code, with its display name.
func (v *ValueSet) Find(c xds.Code) (xds.Code, bool) {
	i := slices.IndexFunc(v.Codes, func(o xds.Code) bool { return o.Value == c.Value && (v.AnyScheme || o.Scheme == c.Scheme) })
	if i < 0 {
		return xds.Code{}, false
	}
	return v.Codes[i], true
}

// judge tells whether a code may stand, and how bad it is when not.
func (v *ValueSet) judge(c xds.Code) (xds.Severity, bool) {
	if _, ok := v.Find(c); ok {
		return 0, true
	}
	foreign := !slices.ContainsFunc(v.Codes, func(o xds.Code) bool { return o.Scheme == c.Scheme })
	if v.Partial || v.Open && foreign {
		return xds.SeverityWarning, false
	}
	return xds.SeverityError, false
}

// Nearest are up to n codes that somebody who wrote text may have meant, nearest
// first: by beginning, then by edit distance, then by display name.
func (v *ValueSet) Nearest(text string, n int) []string {
	const longest = 40 // bytes compared: the cost of a distance grows with both texts
	text = strings.ToLower(text[:min(len(text), longest)])
	type candidate struct {
		code  xds.Code
		score int
	}
	all := make([]candidate, 0, len(v.Codes))
	for _, c := range v.Codes {
		code := strings.ToLower(c.Value)
		score := 2 * xds.Distance(text, code)
		switch {
		case text == "":
		case strings.HasPrefix(code, text), strings.HasPrefix(text, code):
			score = min(score, 1)
		case len(text) > 3 && strings.Contains(strings.ToLower(c.Display), text):
			score = min(score, 2)
		}
		if score < 2*max(len(text), 1) {
			all = append(all, candidate{c, score})
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(a.score, b.score) })
	var nearest []string
	for _, c := range all[:min(n, len(all))] {
		s := c.code.Key()
		if v.AnyScheme || c.code.Scheme == "" {
			s = c.code.Value
		}
		if c.code.Display != "" {
			s += " (" + c.code.Display + ")"
		}
		nearest = append(nearest, s)
	}
	return nearest
}
