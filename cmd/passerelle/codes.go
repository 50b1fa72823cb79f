package main

import (
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
)

// codeOf reads `code` or `code^^scheme`. A bare code gets the scheme that the dmp
// value set of the attribute gives it, or fallback when the set has none.
func codeOf(a xds.Attribute, text string, fallback string) (xds.Code, error) {
	if code, ok := xds.ParseCode(text); ok {
		for _, known := range dmp.ValueSets()[a].Codes {
			if known.Same(code) {
				return known, nil
			}
		}
		return code, nil
	}
	for _, known := range dmp.ValueSets()[a].Codes {
		if known.Value == text {
			return known, nil
		}
	}
	if fallback == "" || strings.ContainsAny(text, "^ ") {
		return xds.Code{}, misuse(a.String()+" : « "+text+" » n'est pas un code du DMP", "l'écrire code^^système, par exemple 15508-5^^2.16.840.1.113883.6.1")
	}
	return xds.Code{Value: text, Scheme: fallback}, nil
}

// codesOf reads several codes as values of a stored query.
func codesOf(a xds.Attribute, texts []string) ([]xds.Code, error) {
	var all []xds.Code
	for _, text := range texts {
		code, err := codeOf(a, text, "")
		if err != nil {
			return nil, err
		}
		all = append(all, code)
	}
	return all, nil
}

// markOf reads a confidentiality code that push adds: a mark by its name, or any
// code as code^^scheme.
func markOf(text string) (xds.Code, error) {
	for _, mark := range (xds.Marks{MaskedPS: true, HiddenPatient: true, HiddenReps: true}).Codes() {
		if mark.Value == text {
			return mark, nil
		}
	}
	return codeOf(xds.AttrConfidentiality, text, "")
}

// statuses are the words for availabilityStatus.
var statuses = map[string]xds.Status{
	"approved": xds.Approved, "deprecated": xds.Deprecated, "archived": xds.Archived, "deleted": xds.Deleted,
}

// statusWord is the word for a status, the URN itself when it has none.
func statusWord(s xds.Status) string {
	for word, status := range statuses {
		if status == s {
			return word
		}
	}
	return string(s)
}
