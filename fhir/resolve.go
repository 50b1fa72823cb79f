package fhir

import (
	"net/url"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// resolve follows a Reference to a contained resource or to one of the same bundle;
// the empty place when it leads elsewhere.
func (r *reading) resolve(p place) place {
	target := p.Str("reference")
	if id, ok := strings.CutPrefix(target, "#"); ok && id != "" {
		for _, c := range r.resource.get("contained").each() {
			if c.Str("id") == id {
				return c
			}
		}
	}
	if n := r.refs.entries[target]; n != nil && target != "" {
		return root(n)
	}
	return place{}
}

// local is a relative reference, or an absolute one under the base, without the base.
func (refs References) local(target string) string {
	if refs.Base == "" {
		return target
	}
	return strings.TrimPrefix(target, strings.TrimSuffix(refs.Base, "/")+"/")
}

// author reads a Reference to a PractitionerRole, Practitioner, Organization,
// Device, Patient or RelatedPerson.
func (r *reading) author(p place) xds.Author {
	at := r.resolve(p)
	switch at.ResourceType() {
	case "PractitionerRole":
		return r.role(at)
	case "Organization":
		if !strings.HasPrefix(p.path[strings.LastIndexByte(p.path, '.')+1:], "author[") {
			return xds.Author{Person: readPerson(at)}
		}
		return xds.Author{Institutions: []xds.XON{readOrganisation(at)}, Telecoms: readTelecoms(at.get("telecom"))}
	case "Practitioner", "Device", "Patient", "RelatedPerson":
		return r.someone(at)
	}
	if id := idOf(p.get("identifier")); id.value != "" {
		family := p.Str("display")
		kind, _, _ := strings.Cut(r.refs.local(p.Str("reference")), "/")
		return xds.Author{Person: person{resource: kind, id: id, family: family}.xcn()}
	}
	r.refuse(p, "référence qui ne mène à aucune ressource du message", "une ressource contenue (contained), ou un identifiant")
	return xds.Author{}
}

// someone reads an author without a PractitionerRole.
func (r *reading) someone(at place) xds.Author {
	a := xds.Author{
		Person: readPerson(at), Roles: readCoded(at.extensions(extRole, "valueCodeableConcept")),
		Specialties: readCoded(at.extensions(extSpecialty, "valueCodeableConcept")), Telecoms: readTelecoms(at.get(contactElement(at.ResourceType()))),
	}
	r.institutions(&a, at.extensions(extInstitution, "valueReference"))
	return a
}

// role reads a PractitionerRole.
func (r *reading) role(at place) xds.Author {
	a := xds.Author{Roles: readCoded(at.get("code").each()), Specialties: readCoded(at.get("specialty").each()), Telecoms: readTelecoms(at.get("telecom"))}
	switch who := at.get("practitioner"); {
	case r.resolve(who).there():
		someone := r.resolve(who)
		a.Person = readPerson(someone)
		a.Telecoms = append(a.Telecoms, readTelecoms(someone.get(contactElement(someone.ResourceType())))...)
	case who.get("identifier").there():
		a.Person = person{resource: "Practitioner", id: idOf(who.get("identifier")), family: who.Str("display")}.xcn()
	case at.get("identifier").there():
		id, _ := bestID(at.get("identifier"))
		a.Person = person{resource: "Practitioner", id: id, family: who.Str("display")}.xcn()
	}
	r.institutions(&a, append([]place{at.get("organization")}, at.extensions(extInstitution, "valueReference")...))
	return a
}

func (r *reading) institutions(a *xds.Author, references []place) {
	for _, ref := range references {
		if org := r.institution(ref); org != "" {
			a.Institutions = append(a.Institutions, org)
		}
	}
}

// institution reads a Reference to an Organization, "" when it is absent.
func (r *reading) institution(ref place) xds.XON {
	if at := r.resolve(ref); at.ResourceType() == "Organization" {
		return readOrganisation(at)
	}
	if id := idOf(ref.get("identifier")); id.value != "" {
		return xonOf(ref.Str("display"), id)
	}
	if ref.there() {
		r.refuse(ref, "référence qui ne mène à aucune organisation du message", "une Organization contenue (contained), ou un identifiant")
	}
	return ""
}

// patient reads the subject of an object: a logical identifier, a conditional
// reference Patient?identifier=…, a Patient of the message, or Patient/{record}
// (P8). What it names in two ways must be one patient.
func (r *reading) patient(p place) xds.CX {
	var named []xds.CX
	if cx := cxOf(p.get("identifier")); cx != "" {
		named = append(named, cx)
	}
	at := r.resolve(p)
	switch {
	case at.ResourceType() == "Patient":
		if _, id := bestID(at.get("identifier")); id.there() {
			named = append(named, cxOf(id))
		}
	case p.get("reference").there():
		if cx := r.record(p); cx != "" {
			named = append(named, cx)
		} else if len(named) == 0 {
			r.findings.Add(xds.Found("REG-001", p.path+".reference", "", "un patient connu"))
			return ""
		}
	}
	if len(named) == 0 {
		r.findings.Add(xds.Found("META-001", p.path, "", "l'identifiant du patient"))
		return ""
	}
	for _, cx := range named[1:] {
		if !cx.Same(named[0]) {
			r.findings.Add(xds.Found("META-016", p.path, "", "un seul patient"))
		}
	}
	return named[0]
}

// record resolves Patient?identifier=system|value and Patient/{record}.
func (r *reading) record(p place) xds.CX {
	target := r.refs.local(p.Str("reference"))
	if query, ok := strings.CutPrefix(target, "Patient?"); ok {
		return conditionalPatient(query)
	}
	id, ok := strings.CutPrefix(target, "Patient/")
	if !ok || r.refs.Patient == nil {
		return ""
	}
	id, _, _ = strings.Cut(id, "/_history/")
	return r.refs.Patient(id)
}

// conditionalPatient is the identifier in `identifier=system|value`, "" for any
// other search.
func conditionalPatient(query string) xds.CX {
	values, err := url.ParseQuery(query)
	if err != nil || len(values) != 1 || len(values["identifier"]) != 1 {
		return ""
	}
	return tokenCX(values.Get("identifier"))
}

// tokenCX is a token system|value as patient identifier, "" when a part is missing
// or there is more than one.
func tokenCX(token string) xds.CX {
	system, value, ok := strings.Cut(token, "|")
	oid, urn := strings.CutPrefix(system, oidURN)
	cx := xds.CX(hl7ID{value: value, oid: oid, kind: usualType(oid)}.cx())
	if !ok || !urn || !cx.Valid() || strings.Contains(value, ",") {
		return ""
	}
	return cx
}
