package fhir

import "github.com/passerelle-sante/passerelle/xds"

// An author of XDS (person, institutions, roles, specialties, telecoms) is a
// contained PractitionerRole that points to a contained person and organisation;
// a person alone stands alone (MHD DocumentEntry mapping). A device or a patient
// cannot have a PractitionerRole: what XDS says more of them is in extensions. Every HL7 v2 text that
// the FHIR form would not give back unchanged goes along in the extension hl7v2-text.

// person is an XCN taken apart.
type person struct {
	resource      string // Practitioner, Patient or Device
	id            hl7ID
	family, given string
}

// personOf takes an XCN apart: name type U is a device, an identifier of the INS a
// patient (domain §3.1).
func personOf(x xds.XCN) person {
	p := person{
		resource: "Practitioner", family: xds.Unescape(x.Family()), given: xds.Unescape(x.Given()),
		id: newID(x.ID(), x.Authority(), component(string(x), 13)),
	}
	switch {
	case component(string(x), 10) == "U":
		p.resource, p.given = "Device", ""
	case p.id.kind == "NH" || usualType(p.id.oid) == "NH":
		p.resource = "Patient"
	}
	return p
}

// xcn puts the parts together as French senders do.
func (p person) xcn() xds.XCN {
	nameType := ""
	switch {
	case p.resource == "Device":
		nameType = "U"
	case p.id.oid != "":
		nameType = "D"
	}
	kind := p.id.kind
	if kind == "" {
		kind = usualType(p.id.oid)
	}
	if kind == "" && p.resource == "Device" {
		kind = "RI"
	}
	return xds.XCN(carets(map[int]string{1: p.id.value, 2: xds.Escape(p.family), 3: xds.Escape(p.given), 9: p.id.hd(), 10: nameType, 13: kind}))
}

// person writes the contained resource of an XCN under an id. who is the author
// that the resource stands for alone, nil when another one names his roles.
func (w *out) person(id string, x xds.XCN, who *xds.Author) {
	w.personAs(id, x, personOf(x), who)
}

// authenticator writes the contained resource of the legalAuthenticator, whoever he
// is: R4 lets authenticator refer to a Practitioner and to no Patient or Device, so a
// patient who signs his own document stands there under his INS.
func (w *out) authenticator(id string, x xds.XCN) {
	p := personOf(x)
	p.resource, p.given = "Practitioner", xds.Unescape(x.Given())
	w.personAs(id, x, p, nil)
}

// personAs writes an XCN as the resource that p names.
func (w *out) personAs(id string, x xds.XCN, p person, who *xds.Author) {
	w.contained(p.resource, id)
	extended := false
	extend := func(url string) {
		if !extended {
			w.open("extension", '[')
			extended = true
		}
		w.open("", '{')
		w.str("url", url)
	}
	if p.xcn() != x {
		extend(extVerbatim)
		w.str("valueString", string(x))
		w.shut('}')
	}
	if who != nil {
		for i := range who.Institutions {
			extend(extInstitution)
			w.reference("valueReference", "#"+orgID(id, i))
			w.shut('}')
		}
		for _, pair := range []struct {
			url   string
			texts []string
		}{{extRole, who.Roles}, {extSpecialty, who.Specialties}} {
			for _, t := range pair.texts {
				extend(pair.url)
				w.key("valueCodeableConcept")
				w.codedText(t)
				w.shut('}')
			}
		}
	}
	if extended {
		w.shut(']')
	}
	if p.id.value != "" {
		w.open("identifier", '[')
		w.open("", '{')
		p.id.write(w, "", "")
		w.b = append(w.b, '}', ']')
	}
	switch {
	case p.resource == "Device" && p.family != "":
		w.open("deviceName", '[')
		w.open("", '{')
		w.str("name", p.family)
		w.str("type", "model-name")
		w.b = append(w.b, '}', ']')
	case p.resource != "Device" && p.family+p.given != "":
		w.open("name", '[')
		w.name("", p.family, p.given)
		w.shut(']')
	}
	if who != nil {
		w.telecoms(contactElement(p.resource), who.Telecoms)
	}
	w.shut('}')
}

// contactElement is where a resource keeps its contact points.
func contactElement(resource string) string {
	if resource == "Device" {
		return "contact"
	}
	return "telecom"
}

// name writes one HumanName.
func (w *out) name(use, family, given string) {
	w.open("", '{')
	w.str("use", use)
	w.str("family", family)
	if given != "" {
		w.open("given", '[')
		w.text(given)
		w.shut(']')
	}
	w.shut('}')
}

func (w *out) contained(resource, id string) {
	w.open("", '{')
	w.str("resourceType", resource)
	w.str("id", id)
}

// readPerson is the XCN of a Practitioner, Patient, Device, RelatedPerson or
// Organization.
func readPerson(p place) xds.XCN {
	if raw := verbatimOf(p); len(raw) == 1 {
		return xds.XCN(raw[0])
	}
	who := person{resource: p.ResourceType()}
	who.id, _ = bestID(p.get("identifier"))
	name := p.follow("name[0]")
	switch who.resource {
	case "Device":
		who.family = p.follow("deviceName[0]").Str("name")
	case "Organization":
		who.family = p.Str("name")
	default:
		who.family, who.given = name.Str("family"), name.get("given").at(0).text()
		if who.family == "" {
			who.family = name.Str("text")
		}
	}
	return who.xcn()
}

// organisation writes the contained resource of an XON.
func (w *out) organisation(id string, x xds.XON) {
	w.contained("Organization", id)
	oid := newID(x.ID(), x.Authority(), component(string(x), 7))
	name := xds.Unescape(x.Name())
	if xonOf(name, oid) != x {
		w.verbatim(string(x))
	}
	if oid.value != "" {
		w.open("identifier", '[')
		w.open("", '{')
		oid.write(w, "", "")
		w.b = append(w.b, '}', ']')
	}
	w.str("name", name)
	w.shut('}')
}

// xonOf puts an organisation together as French senders do.
func xonOf(name string, id hl7ID) xds.XON {
	if id.kind == "" {
		id.kind = usualType(id.oid)
	}
	return xds.XON(carets(map[int]string{1: xds.Escape(name), 6: id.hd(), 7: id.kind, 10: id.value}))
}

func readOrganisation(p place) xds.XON {
	if raw := verbatimOf(p); len(raw) == 1 {
		return xds.XON(raw[0])
	}
	id, _ := bestID(p.get("identifier"))
	return xonOf(p.Str("name"), id)
}

// author writes the contained resources of an author; the one named id stands for him.
func (w *out) author(id string, a xds.Author) {
	for i, x := range a.Institutions {
		w.organisation(orgID(id, i), x)
	}
	if authorResource(a) != "PractitionerRole" {
		w.person(id, a.Person, &a)
		return
	}
	if a.Person != "" {
		w.person(id+"-person", a.Person, nil)
	}
	w.contained("PractitionerRole", id)
	if len(a.Institutions) > 1 {
		w.open("extension", '[')
		for i := range a.Institutions[1:] {
			w.open("", '{')
			w.str("url", extInstitution)
			w.reference("valueReference", "#"+orgID(id, i+1))
			w.shut('}')
		}
		w.shut(']')
	}
	if a.Person != "" {
		w.reference("practitioner", "#"+id+"-person")
	}
	if len(a.Institutions) > 0 {
		w.reference("organization", "#"+orgID(id, 0))
	}
	w.coded("code", a.Roles)
	w.coded("specialty", a.Specialties)
	w.telecoms("telecom", a.Telecoms)
	w.shut('}')
}

// authorResource is what stands for an author.
func authorResource(a xds.Author) string {
	alone := len(a.Institutions)+len(a.Roles)+len(a.Specialties) == 0
	if person := personOf(a.Person).resource; a.Person != "" && (alone || person != "Practitioner") {
		return person
	}
	return "PractitionerRole"
}

func orgID(author string, i int) string { return author + "-org" + string(rune('a'+i%26)) }

func (w *out) reference(name, target string) {
	w.open(name, '{')
	w.str("reference", target)
	w.shut('}')
}
