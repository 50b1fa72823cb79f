package xds

import "strings"

// Code is a coded value: a code, the coding scheme that defines it (an OID for
// the French and IHE value sets) and its display name.
// ITI TF-3 4.2.3.1.2 (Coding Scheme).
type Code struct {
	Value   string
	Scheme  string
	Display string
}

// Key is the code and its scheme as `value^^scheme`, the form of stored-query
// parameters (ITI TF-2 3.18.4.1.2.3.4). Two codes with one Key are the same code.
func (c Code) Key() string { return c.Value + "^^" + c.Scheme }

// IsZero tells whether no code was given at all.
func (c Code) IsZero() bool { return c == Code{} }

// Same compares value and scheme and leaves the display name aside.
func (c Code) Same(o Code) bool { return c.Value == o.Value && c.Scheme == o.Scheme }

// ParseCode reads `value^^scheme`. ok is false when either part is missing.
func ParseCode(s string) (c Code, ok bool) {
	value, scheme, found := strings.Cut(s, "^^")
	return Code{Value: value, Scheme: scheme}, found && value != "" && scheme != ""
}

// HasCode tells whether codes holds one with this value, whatever its scheme.
func HasCode(codes []Code, value string) bool {
	for _, c := range codes {
		if c.Value == value {
			return true
		}
	}
	return false
}
