package readable

import (
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// Header is what a reader wants to know before the body. All values are text as the
// document gives it: a page escapes them. Identifiers, the INS above all, are left out.
type Header struct {
	Title     string
	Type      string // label of the type
	At        string // date of the document: 10/01/2026, or 10/01/2026 23:15 +0100
	Version   string
	Patient   Patient
	Authors   []Person
	Signer    Person // legalAuthenticator
	Custodian string
	From, To  string // the documented act
	Events    []string
}

// Patient is whom the document is about.
type Patient struct{ Family, BirthFamily, Given, Born, Sex string }

// Person is who wrote or signed: a professional, the patient, or a device.
type Person struct{ Family, Given, Role, Organisation string }

// maxPersons bounds the summary, which repeats what a header may hold by the thousand.
const maxPersons = 20

func header(root *xmlgate.Element) Header {
	h := Header{
		Title: line(root.Child(hl7, "title")), Type: root.Child(hl7, "code").Attr("displayName"),
		At: Date(root.Child(hl7, "effectiveTime").Attr("value")), Version: root.Child(hl7, "versionNumber").Attr("value"),
		Custodian: line(root.Find(hl7, "custodian", "assignedCustodian", "representedCustodianOrganization", "name")),
		Patient:   patient(root.Find(hl7, "recordTarget", "patientRole", "patient")),
		Signer:    person(root.Find(hl7, "legalAuthenticator", "assignedEntity")),
	}
	for _, a := range first(root.ChildrenNamed(hl7, "author")) {
		p := person(a.Child(hl7, "assignedAuthor"))
		if role := a.Child(hl7, "functionCode").Attr("displayName"); role != "" {
			p.Role = role
		}
		h.Authors = append(h.Authors, p)
	}
	for i, d := range first(root.ChildrenNamed(hl7, "documentationOf")) {
		event := d.Child(hl7, "serviceEvent")
		if name := event.Child(hl7, "code").Attr("displayName"); name != "" {
			h.Events = append(h.Events, name)
		}
		if i == 0 {
			when := event.Child(hl7, "effectiveTime")
			h.From, h.To = Date(when.Child(hl7, "low").Attr("value")), Date(when.Child(hl7, "high").Attr("value"))
		}
	}
	return h
}

func first(all []*xmlgate.Element) []*xmlgate.Element { return all[:min(len(all), maxPersons)] }

func patient(e *xmlgate.Element) Patient {
	name := e.Child(hl7, "name")
	birth, used := qualified(name, "family", "BR"), qualified(name, "family", "CL", "SP", "")
	if used == "" {
		used = birth
	}
	if birth == used {
		birth = ""
	}
	return Patient{Family: used, BirthFamily: birth, Given: qualified(name, "given", "CL", "BR", ""),
		Born: Date(e.Child(hl7, "birthTime").Attr("value")), Sex: e.Child(hl7, "administrativeGenderCode").Attr("code")}
}

// qualified is the part of a name with the first of these qualifiers that is there.
func qualified(name *xmlgate.Element, local string, qualifiers ...string) string {
	parts := name.ChildrenNamed(hl7, local)
	for _, q := range qualifiers {
		if i := slices.IndexFunc(parts, func(p *xmlgate.Element) bool { return p.Attr("qualifier") == q }); i >= 0 {
			return line(parts[i])
		}
	}
	return ""
}

// person reads assignedAuthor or assignedEntity.
func person(e *xmlgate.Element) Person {
	name := e.Find(hl7, "assignedPerson", "name")
	p := Person{Family: line(name.Child(hl7, "family")), Given: line(name.Child(hl7, "given")),
		Role: e.Child(hl7, "code").Attr("displayName"), Organisation: line(e.Find(hl7, "representedOrganization", "name"))}
	if p.Family == "" && p.Given == "" {
		p.Family = line(name) // a name in one piece
	}
	if device := e.Child(hl7, "assignedAuthoringDevice"); device != nil {
		p.Family, p.Given = line(device.Child(hl7, "softwareName")), line(device.Child(hl7, "manufacturerModelName"))
	}
	return p
}

// Date writes an HL7 TS as people read it, at its precision, with the offset that it has;
// what is none is "".
func Date(ts string) string {
	digits, offset := ts, ""
	if i := strings.IndexAny(ts, "+-"); i >= 0 {
		digits, offset = ts[:i], ts[i:]
	}
	digits, _, _ = strings.Cut(digits, ".")
	if strings.Trim(digits, "0123456789") != "" || strings.Trim(offset, "+-0123456789") != "" || len(offset) > 5 {
		return ""
	}
	switch n := len(digits); {
	case n == 4:
		return digits
	case n == 6:
		return digits[4:6] + "/" + digits[:4]
	case n == 8, n == 10:
		return digits[6:8] + "/" + digits[4:6] + "/" + digits[:4]
	case n == 12, n == 14:
		return strings.TrimSpace(digits[6:8] + "/" + digits[4:6] + "/" + digits[:4] + " " + digits[8:10] + ":" + digits[10:12] + " " + offset)
	}
	return ""
}

// line is the text of an element as one line.
func line(e *xmlgate.Element) string { return strings.Join(strings.Fields(e.Trimmed()), " ") }
