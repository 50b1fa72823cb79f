package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/xds"
)

// The names of MHD that a Provide Document Bundle needs (ITI TF-2 3.65.4.1.2).
const (
	mhd       = "https://profiles.ihe.net/ITI/MHD/"
	uriSystem = "urn:ietf:rfc:3986"
)

// resource is a FHIR element in the making; pruned takes its empty members away.
type resource = map[string]any

// provideBundle writes a lot of one document as an ITI-65 comprehensive bundle.
// replaces is the FHIR id of the document that it replaces, "" when none.
func provideBundle(lot xds.Submission, doc []byte, replaces string) ([]byte, error) {
	d := lot.Documents[0]
	list, reference, binary := "urn:uuid:"+service.NewID(), "urn:uuid:"+service.NewID(), "urn:uuid:"+service.NewID()
	entries := []any{
		bundleEntry(list, "List", setResource(lot.Set, reference)),
		bundleEntry(reference, "DocumentReference", documentResource(d, binary, replaces)),
		bundleEntry(binary, "Binary", resource{"contentType": d.MimeType, "data": base64.StdEncoding.EncodeToString(doc)}),
	}
	return json.Marshal(pruned(resource{
		"resourceType": "Bundle", "type": "transaction", "entry": entries,
		"meta": resource{"profile": []any{mhd + "StructureDefinition/IHE.MHD.Comprehensive.ProvideBundle"}},
	}))
}

func bundleEntry(url, kind string, r resource) resource {
	r["resourceType"] = kind
	return resource{"fullUrl": url, "resource": r, "request": resource{"method": "POST", "url": kind}}
}

// setResource is the SubmissionSet as a List.
func setResource(set xds.SubmissionSet, document string) resource {
	var contained []any
	source := resource{}
	for _, a := range set.Authors {
		if a.Person != "" {
			contained = append(contained, personResource("author", a.Person))
			source["reference"] = "#author"
		}
		for _, x := range a.Institutions {
			contained = append(contained, organisationResource("org", x))
			source["extension"] = []any{resource{"url": mhd + "StructureDefinition/ihe-authorOrg", "valueReference": resource{"reference": "#org"}}}
		}
	}
	return resource{
		"contained": contained, "source": source, "status": "current", "mode": "working", "title": set.Title,
		"code":       resource{"coding": []any{resource{"system": mhd + "CodeSystem/MHDlistTypes", "code": "submissionset"}}},
		"identifier": []any{oidIdentifier(set.UniqueID)},
		"subject":    resource{"identifier": identifierOf(set.PatientID.ID(), set.PatientID.Authority(), "")},
		"date":       dateTimeOf(set.SubmissionTime),
		"note":       []any{resource{"text": set.Comments}},
		"entry":      []any{resource{"item": resource{"reference": document}}},
		"extension": []any{
			resource{"url": mhd + "StructureDefinition/ihe-designationType", "valueCodeableConcept": conceptOf(set.ContentType)},
			resource{"url": mhd + "StructureDefinition/ihe-sourceId", "valueIdentifier": oidIdentifier(set.SourceID)},
		},
	}
}

// documentResource is the DocumentEntry as a DocumentReference.
func documentResource(d xds.DocumentEntry, binary, replaces string) resource {
	contained := []any{sourceResource(d)}
	var authors, related, relations []any
	for i, a := range d.Authors {
		id := "author" + strconv.Itoa(i+1)
		contained = append(contained, authorResources(id, a)...)
		authors = append(authors, resource{"reference": "#" + id})
	}
	authenticator := resource{}
	if d.LegalAuthenticator != "" {
		contained = append(contained, personResource("authenticator", d.LegalAuthenticator))
		authenticator["reference"] = "#authenticator"
	}
	for _, id := range d.ReferenceIDs {
		cx := xds.CX(id)
		related = append(related, resource{"identifier": identifierOf(cx.ID(), cx.Authority(), cx.Type())})
	}
	if replaces != "" {
		relations = []any{resource{"code": "replaces", "target": resource{"reference": "DocumentReference/" + replaces}}}
	}
	sum, _ := hex.DecodeString(d.Hash) // derived from the bytes: always hexadecimal
	return resource{
		"contained": contained, "masterIdentifier": oidIdentifier(d.UniqueID), "status": "current", "description": d.Comments,
		"type": conceptOf(d.TypeCode), "category": []any{conceptOf(d.ClassCode)}, "securityLabel": conceptsOf(d.Confidentiality),
		"subject": resource{"identifier": identifierOf(d.PatientID.ID(), d.PatientID.Authority(), "")},
		"date":    dateTimeOf(d.CreationTime), "author": authors, "authenticator": authenticator, "relatesTo": relations,
		"content": []any{resource{
			"attachment": resource{
				"contentType": d.MimeType, "language": d.LanguageCode, "url": binary, "title": d.Title, "size": d.Size,
				"creation": dateTimeOf(d.CreationTime), "hash": base64.StdEncoding.EncodeToString(sum),
			},
			"format": codingOf(d.FormatCode),
		}},
		"context": resource{
			"event": conceptsOf(d.EventCodes), "period": resource{"start": dateTimeOf(d.ServiceStart), "end": dateTimeOf(d.ServiceStop)},
			"facilityType": conceptOf(d.FacilityType), "practiceSetting": conceptOf(d.PracticeSetting),
			"sourcePatientInfo": resource{"reference": "#patient"}, "related": related,
		},
	}
}

// sourceResource is sourcePatientId and sourcePatientInfo.
func sourceResource(d xds.DocumentEntry) resource {
	p := resource{"resourceType": "Patient", "id": "patient",
		"identifier": []any{identifierOf(d.SourcePatientID.ID(), d.SourcePatientID.Authority(), d.SourcePatientID.Type())}}
	for _, line := range d.SourcePatientInfo {
		field, value, _ := strings.Cut(line, "|")
		switch family, given, _ := strings.Cut(value, "^"); field {
		case "PID-5":
			given, _, _ = strings.Cut(given, "^")
			p["name"] = []any{resource{"use": "official", "family": family, "given": []any{given}}}
		case "PID-7":
			p["birthDate"] = dateTimeOf(xds.DTM(value))
		case "PID-8":
			p["gender"] = map[string]string{"F": "female", "M": "male", "O": "other", "U": "unknown"}[value]
		}
	}
	return p
}

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
		return append(all, person)
	}
	role["practitioner"] = resource{"reference": "#" + id + "-person"}
	return append(all, role, personResource(id+"-person", a.Person))
}

// personResource is a practitioner, a patient under his INS, or a device, whose name
// type is U (domain §3.1).
func personResource(id string, x xds.XCN) resource {
	p := resource{"resourceType": "Practitioner", "id": id, "identifier": []any{identifierOf(x.ID(), x.Authority(), "")}}
	if strings.Contains(string(x), "^U^^^") {
		p["resourceType"], p["deviceName"] = "Device", []any{resource{"name": x.Family(), "type": "model-name"}}
		return p
	}
	p["name"] = []any{resource{"family": x.Family(), "given": []any{x.Given()}}}
	if strings.HasPrefix(x.Authority(), "1.2.250.1.213.1.4.") {
		p["resourceType"] = "Patient"
	}
	return p
}

func organisationResource(id string, x xds.XON) resource {
	return resource{"resourceType": "Organization", "id": id, "identifier": []any{identifierOf(x.ID(), x.Authority(), "")}, "name": x.Name()}
}

func identifierOf(value, oid, kind string) resource {
	if value == "" {
		return nil
	}
	id := resource{"system": "urn:oid:" + oid, "value": value}
	if kind != "" {
		system := "http://terminology.hl7.org/CodeSystem/v2-0203"
		if strings.HasPrefix(kind, "urn:") {
			system = uriSystem
		}
		id["type"] = resource{"coding": []any{resource{"system": system, "code": kind}}}
	}
	return id
}

func oidIdentifier(oid string) resource {
	return resource{"use": "usual", "system": uriSystem, "value": "urn:oid:" + oid}
}

func codingOf(c xds.Code) resource {
	return resource{"system": fhir.SystemOf(c.Scheme), "code": c.Value, "display": c.Display}
}

func conceptOf(c xds.Code) resource { return resource{"coding": []any{codingOf(c)}} }

func conceptsOf(codes []xds.Code) []any {
	var all []any
	for _, c := range codes {
		all = append(all, conceptOf(c))
	}
	return all
}

// textsOf are roles and specialties: code^display^scheme, or a text.
func textsOf(texts []string) []any {
	var all []any
	for _, text := range texts {
		if parts := strings.Split(text, "^"); len(parts) == 3 {
			all = append(all, conceptOf(xds.Code{Value: parts[0], Display: parts[1], Scheme: parts[2]}))
			continue
		}
		all = append(all, resource{"text": text})
	}
	return all
}

// dateTimeOf is a DTM with the precision that FHIR has for it; FHIR knows no hour
// without seconds.
func dateTimeOf(d xds.DTM) string {
	from := d.Start()
	if from.IsZero() {
		return ""
	}
	switch len(d) {
	case 4:
		return from.Format("2006")
	case 6:
		return from.Format("2006-01")
	case 8:
		return from.Format("2006-01-02")
	default:
		return from.Format("2006-01-02T15:04:05Z")
	}
}

// pruned takes away what is empty: FHIR has no empty elements.
func pruned(v any) any {
	switch v := v.(type) {
	case resource:
		out := resource{}
		for name, member := range v {
			if member = pruned(member); member != nil {
				out[name] = member
			}
		}
		if len(out) > 0 {
			return out
		}
	case []any:
		var out []any
		for _, item := range v {
			if item = pruned(item); item != nil {
				out = append(out, item)
			}
		}
		if len(out) > 0 {
			return out
		}
	case string:
		if v != "" {
			return v
		}
	case int64:
		if v != 0 {
			return v
		}
	}
	return nil
}
