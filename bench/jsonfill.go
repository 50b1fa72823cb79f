package main

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/xds"
)

// What follows fills the structs of jsonGate from the domain, as a server with a model
// of FHIR does before it calls encoding/json. It knows what the documents of the bench
// hold and no more; sameJSON proves that nothing is missing.

func fillBundle(self, base string, documents []xds.Document) *jsonBundle {
	b := &jsonBundle{ResourceType: "Bundle", Type: "searchset", Total: len(documents), Link: []jsonLink{{"self", self}}}
	b.Entry = make([]jsonEntry, len(documents))
	for i := range documents {
		e := &b.Entry[i]
		e.FullURL, e.Search.Mode = base+"/DocumentReference/"+fhir.ID(documents[i]), "match"
		e.Resource = fillReference(base, documents[i])
	}
	return b
}

func fillReference(base string, d xds.Document) *jsonReference {
	e := &d.Entry
	id := fhir.ID(d)
	r := &jsonReference{
		ResourceType: "DocumentReference", ID: id, Status: "current",
		Meta: jsonMeta{VersionID: strconv.Itoa(e.Version), LastUpdated: time.Unix(d.Labels.UpdatedUnix, 0).UTC().Format(time.RFC3339), Profile: jsonProfiles},
		Type: *fillConcept(e.TypeCode), Category: []jsonConcept{*fillConcept(e.ClassCode)}, Date: fillTime(e.CreationTime),
		MasterIdentifier: jsonIdentifier{Use: "usual", System: "urn:ietf:rfc:3986", Value: "urn:oid:" + e.UniqueID},
		Identifier: []jsonIdentifier{{Use: "official", System: "urn:ietf:rfc:3986", Value: e.EntryUUID}, {Use: "secondary", System: "urn:ietf:rfc:3986", Value: e.LogicalID},
			{Use: "usual", System: "urn:ietf:rfc:3986", Value: "urn:oid:" + e.UniqueID}},
		Subject:       jsonPointer{Reference: "Patient/" + d.Record, Identifier: fillCX(e.PatientID)},
		Authenticator: &jsonPointer{Reference: "#authenticator"}, Description: e.Comments,
	}
	for i, a := range e.Authors {
		name := "author" + strconv.Itoa(i+1)
		org := strings.Split(string(a.Institutions[0]), "^")
		identifier := fillID(org[9], org[5], org[6])
		role := jsonPerson{ResourceType: "PractitionerRole", ID: name, Practitioner: &jsonPointer{Reference: "#" + name + "-person"}, Organization: &jsonPointer{Reference: "#" + name + "-orga"}}
		for _, s := range a.Specialties {
			part := strings.Split(s, "^")
			role.Specialty = append(role.Specialty, *fillConcept(xds.Code{Value: part[0], Display: part[1], Scheme: part[2]}))
		}
		r.Contained = append(r.Contained, jsonPerson{ResourceType: "Organization", ID: name + "-orga", Identifier: []jsonIdentifier{*identifier}, Name: org[0]},
			fillPerson(name+"-person", a.Person), role)
		r.Author = append(r.Author, jsonPointer{Reference: "#" + name})
		r.Custodian = &jsonPointer{Identifier: identifier, Display: org[0]}
	}
	r.Contained = append(r.Contained, fillPerson("authenticator", e.LegalAuthenticator), fillPatient(e))
	for _, c := range e.Confidentiality {
		r.SecurityLabel = append(r.SecurityLabel, *fillConcept(c))
	}
	r.Content = make([]jsonContent, 1)
	a := &r.Content[0].Attachment
	a.ContentType, a.Language, a.URL, a.Size, a.Title, a.Creation = e.MimeType, e.LanguageCode, base+"/Binary/"+id, e.Size, e.Title, r.Date
	if raw, err := hex.DecodeString(e.Hash); err == nil {
		a.Hash = base64.StdEncoding.EncodeToString(raw)
	}
	r.Content[0].Format = &fillConcept(e.FormatCode).Coding[0]
	for _, c := range e.EventCodes {
		r.Context.Event = append(r.Context.Event, *fillConcept(c))
	}
	r.Context.Period = &jsonPeriod{Start: fillTime(e.ServiceStart), End: fillTime(e.ServiceStop)}
	r.Context.FacilityType, r.Context.PracticeSetting = fillConcept(e.FacilityType), fillConcept(e.PracticeSetting)
	r.Context.SourcePatient = &jsonPointer{Reference: "#patient"}
	return r
}

var jsonProfiles = []string{"https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD.Comprehensive.DocumentReference",
	"https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-comprehensive-document-reference"}

func fillConcept(c xds.Code) *jsonConcept {
	return &jsonConcept{Coding: []jsonCoding{{System: fhir.SystemOf(c.Scheme), Code: c.Value, Display: c.Display}}}
}

func fillTime(d xds.DTM) string {
	if d == "" {
		return ""
	}
	return d.Start().Format(time.RFC3339)
}

func fillID(value, authority, kind string) *jsonIdentifier {
	system := "http://terminology.hl7.org/CodeSystem/v2-0203"
	if strings.HasPrefix(kind, "IDN") {
		system = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203"
	}
	return &jsonIdentifier{Type: &jsonConcept{Coding: []jsonCoding{{System: system, Code: kind}}}, System: "urn:oid:" + strings.Split(authority, "&")[1], Value: value}
}

func fillCX(cx xds.CX) *jsonIdentifier {
	part := strings.Split(string(cx), "^")
	return fillID(part[0], part[3], part[4])
}

func fillPerson(id string, x xds.XCN) jsonPerson {
	part := strings.Split(string(x), "^")
	return jsonPerson{ResourceType: "Practitioner", ID: id, Identifier: []jsonIdentifier{*fillID(part[0], part[8], part[12])},
		Name: []jsonName{{Family: part[1], Given: []string{part[2]}}}}
}

// fillPatient reads the fields of sourcePatientInfo, which stand there as they came too.
func fillPatient(e *xds.DocumentEntry) jsonPerson {
	p := jsonPerson{ResourceType: "Patient", ID: "patient", Identifier: []jsonIdentifier{*fillCX(e.SourcePatientID)}}
	for _, line := range e.SourcePatientInfo {
		p.Extension = append(p.Extension, jsonExtension{"https://github.com/passerelle-sante/passerelle/fhir/StructureDefinition/hl7v2-text", line})
		field, value, _ := strings.Cut(line, "|")
		switch field {
		case "PID-5":
			part := strings.Split(value, "^")
			p.Name = []jsonName{{Use: "usual", Family: part[0], Given: []string{part[1]}}}
		case "PID-7":
			p.BirthDate = value[:4] + "-" + value[4:6] + "-" + value[6:]
		case "PID-8":
			p.Gender = map[string]string{"F": "female", "M": "male"}[value]
		}
	}
	return p
}
