package conformance_test

import (
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// kitSource is sourcePatientId and sourcePatientInfo.
func kitSource(d xds.DocumentEntry) kitMap {
	p := kitMap{"resourceType": "Patient", "id": "patient", "identifier": []any{kitIdentifier(d.SourcePatientID.ID(), d.SourcePatientID.Authority(), d.SourcePatientID.Type())}}
	for _, line := range d.SourcePatientInfo {
		field, value, _ := strings.Cut(line, "|")
		switch parts := strings.Split(value+"^", "^"); field {
		case "PID-5":
			p["name"] = []any{kitMap{"use": "official", "family": parts[0], "given": []any{parts[1]}}}
		case "PID-7":
			p["birthDate"] = value[:4] + "-" + value[4:6] + "-" + value[6:]
		case "PID-8":
			p["gender"] = map[string]string{"F": "female", "M": "male"}[value]
		}
	}
	return p
}

// kitExtensions are the gateway's own: what XDS says of an author who is no
// practitioner has no element in FHIR.
const kitExtensions = "https://github.com/passerelle-sante/passerelle/fhir/StructureDefinition/"

// kitAuthor are the resources of an author.
func kitAuthor(id string, a xds.Author) []any {
	var all, extensions []any
	role := kitMap{"resourceType": "PractitionerRole", "id": id, "code": kitTexts(a.Roles), "specialty": kitTexts(a.Specialties)}
	for _, x := range a.Institutions {
		role["organization"] = kitMap{"reference": "#" + id + "o"}
		all = append(all, kitOrganization(id+"o", x))
		extensions = append(extensions, kitMap{"url": kitExtensions + "author-institution", "valueReference": role["organization"]})
	}
	if a.Person == "" {
		return append(all, role)
	}
	if person := kitPerson(id, a.Person); person["resourceType"] != "Practitioner" {
		for _, specialty := range kitTexts(a.Specialties) {
			extensions = append(extensions, kitMap{"url": kitExtensions + "author-specialty", "valueCodeableConcept": specialty})
		}
		own, _ := person["extension"].([]any)
		person["extension"] = append(own, extensions...)
		return append(all, person)
	}
	role["practitioner"] = kitMap{"reference": "#" + id + "p"}
	return append(all, role, kitPerson(id+"p", a.Person))
}

// kitTexts are roles and specialties: code^display^system, or a text.
func kitTexts(texts []string) []any {
	var all []any
	for _, text := range texts {
		if parts := strings.Split(text, "^"); len(parts) == 3 {
			all = append(all, kitConcept(xds.Code{Value: parts[0], Display: parts[1], Scheme: parts[2]}))
		} else {
			all = append(all, kitMap{"text": text})
		}
	}
	return all
}

// kitPerson is a practitioner, a patient under his INS, or a device, whose name type
// is U.
func kitPerson(id string, x xds.XCN) kitMap {
	p := kitMap{
		"resourceType": "Practitioner", "id": id, "identifier": []any{kitIdentifier(x.ID(), x.Authority(), "")},
		"name": []any{kitMap{"family": x.Family(), "given": []any{x.Given()}}},
	}
	switch {
	case strings.Contains(string(x), "^U^^^"):
		delete(p, "name")
		p["resourceType"], p["deviceName"] = "Device", []any{kitMap{"name": x.Family(), "type": "model-name"}}
		p["extension"] = []any{kitMap{"url": kitExtensions + "hl7v2-text", "valueString": string(x)}}
	case strings.HasPrefix(x.Authority(), "1.2.250.1.213.1.4."):
		p["resourceType"] = "Patient"
	}
	return p
}

func kitOrganization(id string, x xds.XON) kitMap {
	return kitMap{"resourceType": "Organization", "id": id, "identifier": []any{kitIdentifier(x.ID(), x.Authority(), "")}, "name": x.Name()}
}
