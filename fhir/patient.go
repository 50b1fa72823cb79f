package fhir

import (
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// sourcePatient writes the contained Patient that holds sourcePatientId and
// sourcePatientInfo (MHD DocumentEntry mapping: PID-3, 5, 7, 8).
func (w *out) sourcePatient(id string, cx xds.CX, info []string) {
	p := patientFields{cx: cx, info: info}
	w.contained("Patient", id)
	if !slices.Equal(p.canonical(), info) {
		w.verbatim(info...)
	}
	if cx != "" {
		w.open("identifier", '[')
		w.open("", '{')
		parts, rebuilt := cxID(cx)
		parts.write(w, string(cx), rebuilt)
		w.b = append(w.b, '}', ']')
	}
	if names := p.field("PID-5"); names != "" {
		w.open("name", '[')
		for name := range strings.SplitSeq(names, "~") {
			if family, given := component(name, 1), component(name, 2); family+given != "" {
				w.name(nameUses[component(name, 7)], family, given)
			}
		}
		w.shut(']')
	}
	w.str("gender", genders[p.field("PID-8")])
	if born, _ := dateTimeOf(xds.DTM(p.field("PID-7"))); isDate(born) {
		w.str("birthDate", born)
	}
	w.shut('}')
}

// patientFields reads sourcePatientInfo lines.
type patientFields struct {
	cx   xds.CX
	info []string
}

func (p patientFields) field(name string) string {
	for _, line := range p.info {
		if value, ok := strings.CutPrefix(line, name+"|"); ok {
			return value
		}
	}
	return ""
}

// canonical is what readSourcePatient makes of the Patient without its verbatim texts.
func (p patientFields) canonical() []string {
	var lines []string
	add := func(field, value string) {
		if value != "" {
			lines = append(lines, field+"|"+value)
		}
	}
	var names []string
	for name := range strings.SplitSeq(p.field("PID-5"), "~") {
		family, given, kind := component(name, 1), component(name, 2), component(name, 7)
		if family+given != "" {
			names = append(names, pidName(nameUses[kind], family, given))
		}
	}
	add("PID-5", strings.Join(names, "~"))
	if born := xds.DTM(p.field("PID-7")); len(born) <= 8 {
		if _, exact := dateTimeOf(born); exact {
			add("PID-7", string(born))
		}
	}
	if sex := p.field("PID-8"); genders[sex] != "" {
		add("PID-8", sex)
	}
	return withID(p.cx, lines)
}

// withID puts the identifier before the traits; without any trait there is no
// sourcePatientInfo at all.
func withID(cx xds.CX, traits []string) []string {
	if cx == "" || len(traits) == 0 {
		return traits
	}
	return append([]string{"PID-3|" + string(cx)}, traits...)
}

// nameUses are the name types of HL7 v2 that HumanName.use knows.
var nameUses = map[string]string{"L": "official", "D": "usual", "M": "maiden"}

// genders are the codes of PID-8.
var genders = map[string]string{"M": "male", "F": "female", "O": "other", "U": "unknown"}

func pidName(use, family, given string) string {
	kind := ""
	for k, u := range nameUses {
		if u == use {
			kind = k
		}
	}
	return carets(map[int]string{1: family, 2: given, 7: kind})
}

// readSourcePatient is sourcePatientId and sourcePatientInfo of a Patient.
func readSourcePatient(p place) (xds.CX, []string) {
	_, at := bestID(p.get("identifier"))
	cx := cxOf(at)
	if raw := verbatimOf(p); len(raw) > 0 {
		return cx, raw
	}
	var lines, names []string
	add := func(field, value string) {
		if value != "" {
			lines = append(lines, field+"|"+value)
		}
	}
	for _, n := range p.get("name").each() {
		family := n.Str("family")
		if family == "" {
			family = n.Str("text")
		}
		names = append(names, pidName(n.Str("use"), family, n.get("given").at(0).text()))
	}
	add("PID-5", strings.Join(names, "~"))
	add("PID-7", string(dtmOf(p.Str("birthDate"))))
	for code, gender := range genders {
		if gender == p.Str("gender") {
			add("PID-8", code)
		}
	}
	if a := p.follow("address[0]"); a.there() {
		add("PID-11", carets(map[int]string{1: a.get("line").at(0).text(), 3: a.Str("city"), 4: a.Str("state"), 5: a.Str("postalCode"), 6: a.Str("country")}))
	}
	return cx, withID(cx, lines)
}
