package authz

import (
	"slices"
	"strings"
)

// Interaction is one kind of thing done to the resources of one type, in the letters of
// SMART App Launch 2: c(reate), r(ead), u(pdate), d(elete), s(earch). The zero
// Interaction is none, and nothing reaches it.
type Interaction struct {
	Resource string // R4 type
	Letter   string
}

// String is the scope without its level: DocumentReference.s.
func (i Interaction) String() string { return i.Resource + "." + i.Letter }

// Reach is what a set of SMART scopes allows: "Type.letters" with a space between, the
// types in order, "*" for all of them. The empty Reach allows nothing.
type Reach string

// letters are those of SMART scopes, in the order that they are written in.
const letters = "cruds"

// aliases are the letters of SMART 1.
var aliases = map[string]string{"read": "rs", "write": "cud", "*": letters}

// ReachOf reads scopes whose level is one of those given (patient, user, system).
// Whatever is malformed, or narrower than we can hold it to (a scope with a query),
// allows nothing.
func ReachOf(scopes []string, levels ...string) Reach {
	found := map[string]string{}
	for _, scope := range scopes {
		level, rest, _ := strings.Cut(scope, "/")
		resource, acts, _ := strings.Cut(rest, ".")
		if alias, ok := aliases[acts]; ok {
			acts = alias
		}
		if slices.Contains(levels, level) && isType(resource) && ordered(acts) {
			found[resource] += acts
		}
	}
	var parts []string
	for resource, acts := range found {
		var written strings.Builder
		for _, letter := range letters {
			if strings.ContainsRune(acts, letter) {
				written.WriteRune(letter)
			}
		}
		parts = append(parts, resource+"."+written.String())
	}
	slices.Sort(parts)
	return Reach(strings.Join(parts, " "))
}

// isType tells whether a text can be the type of a scope.
func isType(name string) bool {
	return name == "*" || name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == ""
}

// ordered tells whether a text is some of the letters, each once and in their order.
func ordered(acts string) bool {
	rest := letters
	for _, letter := range acts {
		_, after, found := strings.Cut(rest, string(letter))
		if !found {
			return false
		}
		rest = after
	}
	return acts != ""
}

// Allows tells whether an interaction is within reach. The content of a document is
// read with its DocumentReference: whoever may read the one may read the other.
func (r Reach) Allows(i Interaction) bool {
	if i.Resource == "" || i.Letter == "" {
		return false
	}
	for part := range strings.FieldsSeq(string(r)) {
		resource, acts, _ := strings.Cut(part, ".")
		named := resource == "*" || resource == i.Resource || i.Resource == "Binary" && resource == "DocumentReference"
		if named && strings.Contains(acts, i.Letter) {
			return true
		}
	}
	return false
}

// Within tells whether another reach allows all that this one does.
func (r Reach) Within(other Reach) bool {
	for part := range strings.FieldsSeq(string(r)) {
		resource, acts, _ := strings.Cut(part, ".")
		for _, letter := range acts {
			if !other.Allows(Interaction{resource, string(letter)}) {
				return false
			}
		}
	}
	return true
}

// Scopes writes the reach as scopes of a level.
func (r Reach) Scopes(level string) []string {
	scopes := []string{}
	for part := range strings.FieldsSeq(string(r)) {
		scopes = append(scopes, level+"/"+part)
	}
	return scopes
}
