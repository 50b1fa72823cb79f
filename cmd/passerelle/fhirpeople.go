package main

import (
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// authorResources are an author's; the one named id stands for him.
func authorResources(id string, a xds.Author) []any {
	role := resource{"resourceType": "PractitionerRole", "id": id, "code": textsOf(a.Roles), "specialty": textsOf(a.Specialties)}
	var all []any
	if len(a.Institutions) > 0 {
		all = append(all, organisationResource(id+"-org", a.Institutions[0]))
		role["organization"] = resource{"reference": "#" + id + "-org"}
	}
	if a.Person == "" {
		return append(all, role)
	}
	if person := personResource(id, a.Person); person["resourceType"] != "Practitioner" {
		own, _ := person["extension"].([]any)
		person["extension"] = append(own, extensionsOf(role)...)
		return append(all, person)
	}
	role["practitioner"] = resource{"reference": "#" + id + "-person"}
	return append(all, role, personResource(id+"-person", a.Person))
}

// extensionsOf are what XDS says of an author who is no practitioner.
func extensionsOf(role resource) []any {
	var all []any
	if organisation, ok := role["organization"]; ok {
		all = append(all, resource{"url": extensions + "author-institution", "valueReference": organisation})
	}
	for _, more := range []struct{ member, url string }{{"code", "author-role"}, {"specialty", "author-specialty"}} {
		concepts, _ := role[more.member].([]any)
		for _, c := range concepts {
			all = append(all, resource{"url": extensions + more.url, "valueCodeableConcept": c})
		}
	}
	return all
}

// verbatim are texts of HL7 v2 that the form of FHIR would not give back unchanged.
func verbatim(texts ...string) []any {
	var all []any
	for _, text := range texts {
		all = append(all, resource{"url": extensions + "hl7v2-text", "valueString": text})
	}
	return all
}

// plainName undoes the escapes of HL7 v2 (HL7 v2.5 2.7.1).
func plainName(s string) string { return escapes.Replace(s) }

var escapes = strings.NewReplacer(`\S\`, "^", `\T\`, "&", `\R\`, "~", `\F\`, "|", `\E\`, `\`)

// personResource is a practitioner, a patient under his INS, or a device, whose name
// type is U (domain §3.1).
func personResource(id string, x xds.XCN) resource {
	p := practitionerResource(id, x)
	if isDevice(x) {
		delete(p, "name")
		p["resourceType"], p["deviceName"] = "Device", []any{resource{"name": plainName(x.Family()), "type": "model-name"}}
		return p
	}
	if strings.HasPrefix(x.Authority(), "1.2.250.1.213.1.4.") {
		p["resourceType"] = "Patient"
	}
	return p
}

func isDevice(x xds.XCN) bool { return strings.Contains(string(x), "^U^^^") }

// practitionerResource is anybody as a practitioner, the only person that R4 lets
// authenticate a document.
func practitionerResource(id string, x xds.XCN) resource {
	p := resource{
		"resourceType": "Practitioner", "id": id, "identifier": []any{identifierOf(plainName(x.ID()), x.Authority(), "")},
		"name": []any{resource{"family": plainName(x.Family()), "given": []any{plainName(x.Given())}}},
	}
	if isDevice(x) || strings.Contains(string(x), `\`) {
		p["extension"] = verbatim(string(x))
	}
	return p
}

func organisationResource(id string, x xds.XON) resource {
	o := resource{"resourceType": "Organization", "id": id, "identifier": []any{identifierOf(x.ID(), x.Authority(), "")}, "name": plainName(x.Name())}
	if strings.Contains(string(x), `\`) {
		o["extension"] = verbatim(string(x))
	}
	return o
}
