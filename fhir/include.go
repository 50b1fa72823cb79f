package fhir

import (
	"slices"
	"strings"
)

// joins are the references that a search follows, by resource and by parameter. What is
// contained (author, source) comes with its resource, and is asked for at no cost.
var joins = map[string]map[string][]string{
	"DocumentReference": {
		"_include":    {"DocumentReference:relatesto", "DocumentReference:patient", "DocumentReference:subject", "DocumentReference:author"},
		"_revinclude": {"List:item"},
	},
	"List": {"_include": {"List:item", "List:patient", "List:subject", "List:source"}},
}

// Includes and RevIncludes are what the CapabilityStatement says of them.
func Includes(resource string) []string { return joins[resource]["_include"] }

// RevIncludes is told of with Includes.
func RevIncludes(resource string) []string { return joins[resource]["_revinclude"] }

// JoinsPatient tells whether the patient is wanted with what is found.
func (s *Search) JoinsPatient() bool {
	return s.Joins(s.Resource+":patient") || s.Joins(s.Resource+":subject")
}

// Joins tells whether a search wants a reference followed: "DocumentReference:relatesto".
func (s *Search) Joins(reference string) bool { return slices.Contains(s.joined, reference) }

// join reads _include and _revinclude. One that is not offered is left aside as an
// unknown parameter is, unless the client wants to hear of it (F10).
func (p *parser) join(c condition) {
	parameter, _ := splitName(c.name)
	name, target := c.value, ""
	if parts := strings.Split(c.value, ":"); len(parts) == 3 {
		name, target = parts[0]+":"+parts[1], parts[2]
	}
	offered := slices.Contains(joins[p.search.Resource][parameter], name) && (target == "" || slices.Contains(referenced, target))
	switch {
	case c.modifier == "" && offered:
		p.search.joined = append(p.search.joined, name)
	case p.strict:
		p.refuse(c.name, c.value, "une référence annoncée par /metadata")
	default:
		p.aside = true
	}
}
