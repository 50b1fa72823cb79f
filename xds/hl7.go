package xds

import (
	"strings"
	"unicode"
)

// The HL7 v2 data types of the metadata (ITI TF-3 Table 4.2.3.1.7-2) are kept
// as the text that came in, so that what a sender wrote comes back unchanged;
// the methods read the components that rules and queries need.

// CX is a patient identifier: `id^^^&authority&ISO^type`.
type CX string

// XCN is a person: `id^family^given^^^^^^&authority&ISO^nametype^^^idtype`.
type XCN string

// XON is an organisation: `name^^^^^&authority&ISO^idtype^^^id`.
type XON string

// NewCX builds the canonical text of an identifier of the given assigning
// authority (an OID); typ is the identifier type (CX.5, `NH` for the INS) and may be empty.
func NewCX(id, authority, typ string) CX {
	s := id + "^^^&" + authority + "&ISO"
	if typ != "" {
		s += "^" + typ
	}
	return CX(s)
}

// component returns the nth component (from 1) of an HL7 value, "" when absent.
func component(s string, n int) string {
	for ; n > 1; n-- {
		i := strings.IndexByte(s, '^')
		if i < 0 {
			return ""
		}
		s = s[i+1:]
	}
	if i := strings.IndexByte(s, '^'); i >= 0 {
		s = s[:i]
	}
	return s
}

// authority returns the universal id of an HD component such as `&1.2.3&ISO`.
func authority(hd string) string {
	parts := strings.Split(hd, "&")
	if len(parts) < 2 {
		return ""
	}
	return parts[1]
}

// ID is CX.1.
func (c CX) ID() string { return component(string(c), 1) }

// Authority is the OID of CX.4, the assigning authority.
func (c CX) Authority() string { return authority(component(string(c), 4)) }

// Type is CX.5, the kind of identifier (`NH`, `PI`, …).
func (c CX) Type() string { return component(string(c), 5) }

// Same tells whether two identifiers name the same patient: same value and same
// assigning authority. An identifier without value or authority equals nothing.
func (c CX) Same(o CX) bool {
	return c.ID() != "" && c.Authority() != "" && c.ID() == o.ID() && c.Authority() == o.Authority()
}

// Key is the identifier without its type: `id^^^&authority&ISO`, the form that
// identifies a patient in the registry.
func (c CX) Key() CX { return NewCX(c.ID(), c.Authority(), "") }

// Valid tells whether the text has the form that XDS demands of a patient
// identifier: a value, an OID as assigning authority, type ISO, nothing else in
// CX.2, CX.3 and CX.4.1 (ITI TF-3 Table 4.2.3.1.7-2).
func (c CX) Valid() bool {
	parts := strings.Split(string(c), "^")
	if len(parts) < 4 || len(parts) > 5 || parts[1] != "" || parts[2] != "" || !plain(parts[0]) {
		return false
	}
	hd := strings.Split(parts[3], "&")
	return len(hd) == 3 && hd[0] == "" && IsOID(hd[1]) && hd[2] == "ISO" && (len(parts) == 4 || plain(parts[4]))
}

// plain refuses the separators, escapes, blanks and control characters that could
// make one identifier read as another.
func plain(s string) bool {
	return s != "" && !strings.ContainsAny(s, `&~\|^ `) && !strings.ContainsFunc(s, unicode.IsControl)
}

// Unescape is the text that a component stands for, Escape the component of a text
// (HL7 v2.5 chapter 2.7): the separators of HL7 v2 stand in it escaped.
func Unescape(component string) string { return unescaper.Replace(component) }

// Escape is told of with Unescape.
func Escape(text string) string { return escaper.Replace(text) }

var (
	unescaper = strings.NewReplacer(`\F\`, "|", `\S\`, "^", `\T\`, "&", `\R\`, "~", `\E\`, `\`)
	escaper   = strings.NewReplacer("|", `\F\`, "^", `\S\`, "&", `\T\`, "~", `\R\`, `\`, `\E\`)
)

// ID is XCN.1.
func (x XCN) ID() string { return component(string(x), 1) }

// Family is XCN.2.
func (x XCN) Family() string { return component(string(x), 2) }

// Given is XCN.3.
func (x XCN) Given() string { return component(string(x), 3) }

// Authority is the OID of XCN.9.
func (x XCN) Authority() string { return authority(component(string(x), 9)) }

// NewXCN builds the text of a professional as French senders write it: national
// id, family and given name, authority, name type D and identifier type.
func NewXCN(id, family, given, authority, idType string) XCN {
	return XCN(id + "^" + family + "^" + given + "^^^^^^&" + authority + "&ISO^D^^^" + idType)
}

// Name is XON.1.
func (x XON) Name() string { return component(string(x), 1) }

// ID is XON.10, the identifier on which structures are compared (policy §1.1, attribute author).
func (x XON) ID() string { return component(string(x), 10) }

// Authority is the OID of XON.6.
func (x XON) Authority() string { return authority(component(string(x), 6)) }

// NewXON builds the text of a structure: name, authority, identifier type and identifier.
func NewXON(name, authority, idType, id string) XON {
	return XON(name + "^^^^^&" + authority + "&ISO^" + idType + "^^^" + id)
}

// IsOID tells whether s is a dotted object identifier of at most 64 characters
// without leading zeros (ITI TF-3 Table 4.2.3.1.7-2, OID).
func IsOID(s string) bool {
	if len(s) == 0 || len(s) > 64 || s[0] < '0' || s[0] > '2' {
		return false
	}
	arcs, start := 1, 0 // of the arc that is read
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			if i == start {
				return false
			}
			arcs, start = arcs+1, i+1
		case c < '0' || c > '9' || i > start && s[start] == '0':
			return false
		}
	}
	return arcs > 1 && start < len(s)
}

// IsUUID tells whether s is `urn:uuid:` followed by a lower-case UUID, the form
// of a registry object id (ITI TF-3 Table 4.2.3.1.7-2, UUID).
func IsUUID(s string) bool {
	u, ok := strings.CutPrefix(s, "urn:uuid:")
	if !ok || len(u) != 36 {
		return false
	}
	for i := range len(u) {
		c := u[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}
