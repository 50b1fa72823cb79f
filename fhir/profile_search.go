package fhir

import (
	"slices"

	"github.com/passerelle-sante/passerelle/xds"
)

// profileTable are the parameters of a resource of the medical profile: whose, which,
// and some of its own.
func profileTable(own ...string) map[string]searchParam {
	t := map[string]searchParam{"_id": {kind: "token", parse: (*parser).term}}
	for _, name := range own {
		t[name] = searchParam{kind: "token", parse: (*parser).term}
	}
	if slices.Contains(own, "date") {
		t["date"] = searchParam{kind: "date", parse: (*parser).termDate}
	}
	return termTable(t)
}

// FitsProfile tells whether an entry of the profile holds all terms of the search.
func (s *Search) FitsProfile(e ProfileEntry) bool {
	for _, t := range s.Terms {
		fits := false
		switch t.Name {
		case "_id":
			fits = t.Any("", e.Key)
		case "code":
			fits = slices.ContainsFunc(e.codes(), func(c xds.Code) bool { return t.Any(SystemOf(c.Scheme), c.Value) })
		case "date":
			from, to := e.When()
			fits = !from.IsZero() && slices.ContainsFunc(t.dates, func(d dateValue) bool { return d.holds(from, to) })
		}
		if !fits {
			return false
		}
	}
	return true
}

// codes are what an entry observes: the kind, and the parts of a panel.
func (e ProfileEntry) codes() []xds.Code {
	k, _ := e.Section.Kind(e.Entry.Kind)
	codes := []xds.Code{k.Code}
	if numbers := k.Numbers(); len(numbers) > 1 {
		for _, f := range numbers {
			codes = append(codes, f.Code)
		}
	}
	return codes
}
