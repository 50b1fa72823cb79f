package fhir

import (
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// The identifier spaces whose identifier type goes without saying (domain §3.1).
const (
	proSpace       = "1.2.250.1.71.4.2.1"
	structureSpace = "1.2.250.1.71.4.2.2"
)

// insSpaces are the assigning authorities of the INS: NIR, NIA, test, demonstration.
var insSpaces = []string{"1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.9", "1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.11"}

// usualType is the identifier type that HL7 v2 texts carry in a space, when FHIR
// names none.
func usualType(oid string) string {
	switch {
	case oid == proSpace:
		return "IDNPS"
	case oid == structureSpace:
		return "IDNST"
	case slices.Contains(insSpaces, oid):
		return "NH"
	}
	return ""
}

// hl7ID is an identifier as HL7 v2 and FHIR both hold it.
type hl7ID struct {
	value string
	oid   string // assigning authority, an OID or another URI
	kind  string // CX.5, XCN.13, XON.7
}

// newID keeps of an identifier what FHIR can hold: the rest comes back verbatim.
func newID(value, oid, kind string) hl7ID {
	if strings.TrimSpace(value) == "" {
		return hl7ID{}
	}
	if !isURI(oid) {
		oid = ""
	}
	if !isCode(kind) {
		kind = ""
	}
	return hl7ID{value, oid, kind}
}

// hd is the assigning authority as HD component, "" when there is none.
func (id hl7ID) hd() string {
	switch {
	case id.oid == "":
		return ""
	case xds.IsOID(id.oid):
		return "&" + id.oid + "&ISO"
	}
	return "&" + id.oid + "&URI"
}

func (id hl7ID) cx() string {
	return carets(map[int]string{1: id.value, 4: id.hd(), 5: id.kind})
}

// write writes the members of the Identifier; raw is the HL7 v2 text that it must
// give back, as rebuild reads it.
func (id hl7ID) write(w *out, raw, rebuilt string) {
	if raw != rebuilt {
		w.verbatim(raw)
	}
	if id.kind != "" {
		w.open("type", '{')
		w.open("coding", '[')
		w.open("", '{')
		system := v2Types
		if strings.HasPrefix(id.kind, "IDN") {
			system = v2TypesFR
		}
		if strings.HasPrefix(id.kind, "urn:") {
			system = uriSystem
		}
		w.str("system", system)
		w.str("code", id.kind)
		w.b = append(w.b, '}', ']', '}')
	}
	if id.oid != "" {
		w.str("system", systemOfAuthority(id.oid))
	}
	w.str("value", id.value)
}

func systemOfAuthority(oid string) string {
	if xds.IsOID(oid) {
		return oidURN + oid
	}
	return oid
}

// idOf reads an Identifier.
func idOf(p place) hl7ID {
	id := hl7ID{value: p.Str("value"), oid: p.Str("system"), kind: p.follow("type.coding[0]").Str("code")}
	if oid, ok := strings.CutPrefix(id.oid, oidURN); ok {
		id.oid = oid
	}
	if id.kind == "" {
		id.kind = usualType(id.oid)
	}
	return id
}

// bestID chooses among identifiers: a national one, else one of an OID space, else
// the first.
func bestID(p place) (hl7ID, place) {
	var best hl7ID
	var at place
	rank := -1
	for _, item := range p.each() {
		id, r := idOf(item), 0
		switch {
		case id.value == "" && len(verbatimOf(item)) == 0:
			continue
		case usualType(id.oid) != "":
			r = 2
		case xds.IsOID(id.oid):
			r = 1
		}
		if r > rank {
			best, at, rank = id, item, r
		}
	}
	return best, at
}

// cxOf reads an Identifier as CX: the text it carries verbatim, else the one that
// its parts make.
func cxOf(p place) xds.CX {
	if raw := verbatimOf(p); len(raw) == 1 {
		return xds.CX(raw[0])
	}
	if id := idOf(p); id.value != "" {
		return xds.CX(id.cx())
	}
	return ""
}

// cxID takes a CX apart; rebuilt is what cxOf would make of the parts.
func cxID(cx xds.CX) (id hl7ID, rebuilt string) {
	id = newID(cx.ID(), cx.Authority(), cx.Type())
	whole := id
	if whole.kind == "" {
		whole.kind = usualType(id.oid)
	}
	return id, whole.cx()
}

// verbatimOf are the HL7 v2 texts that an element carries beside its FHIR form.
func verbatimOf(p place) []string {
	var texts []string
	for _, x := range p.get("extension").each() {
		if x.Str("url") == extVerbatim {
			texts = append(texts, x.Str("valueString"))
		}
	}
	return texts
}

// carets joins numbered components (from 1) and leaves none empty at the end.
func carets(components map[int]string) string {
	parts := make([]string, 14)
	for n, v := range components {
		parts[n-1] = v
	}
	return strings.TrimRight(strings.Join(parts, "^"), "^")
}

// component is the nth component (from 1) of an HL7 v2 text.
func component(s string, n int) string {
	for range n - 1 {
		i := strings.IndexByte(s, '^')
		if i < 0 {
			return ""
		}
		s = s[i+1:]
	}
	s, _, _ = strings.Cut(s, "^")
	return s
}

// uniqueURI is an XDS uniqueId in the space of URIs, or in that of its OID when it
// has an extension (oid^extension); ok is false for a text that is neither.
func uniqueURI(uid string) (system, value string, ok bool) {
	oid, ext, extended := strings.Cut(uid, "^")
	switch {
	case !extended && xds.IsOID(uid):
		return uriSystem, oidURN + uid, true
	case extended && xds.IsOID(oid) && ext != "":
		return oidURN + oid, ext, true
	case strings.Contains(uid, ":") && isURI(uid) && !strings.HasPrefix(uid, oidURN):
		return uriSystem, uid, true
	}
	return "", uid, false
}

// uniqueIDOf is the XDS uniqueId of an Identifier.
func uniqueIDOf(system, value string) string {
	oid, ok := strings.CutPrefix(system, oidURN)
	if ok && xds.IsOID(oid) {
		return oid + "^" + value
	}
	return strings.TrimPrefix(value, oidURN)
}
