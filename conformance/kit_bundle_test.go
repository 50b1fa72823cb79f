package conformance_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
)

// kitBundle writes a submission as an ITI-65 bundle, as a sender would who knows the
// mapping of MHD 4.2.3 and nothing of this product.
func kitBundle(t *testing.T, lot xds.Submission, content map[string][]byte) []byte {
	t.Helper()
	entries := []any{kitEntry(lot.Set.EntryUUID, "List", kitList(lot))}
	for i, d := range lot.Documents {
		binary := kitUUID()
		resource := kitReference(t, d, binary)
		resource["relatesTo"] = kitRelations(lot, d.EntryUUID)
		entries = append(entries, kitEntry(lot.Documents[i].EntryUUID, "DocumentReference", resource),
			kitEntry(binary, "Binary", kitMap{"contentType": d.MimeType, "data": base64.StdEncoding.EncodeToString(content[d.EntryUUID])}))
	}
	raw, err := json.Marshal(kitPrune(kitMap{
		"resourceType": "Bundle", "type": "transaction", "entry": entries,
		"meta": kitMap{"profile": []any{"https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD.Comprehensive.ProvideBundle"}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

type kitMap = map[string]any

// kitPrune takes away what is empty: FHIR knows no empty elements.
func kitPrune(v any) any {
	switch v := v.(type) {
	case kitMap:
		for name, member := range v {
			if member = kitPrune(member); member == nil {
				delete(v, name)
			} else {
				v[name] = member
			}
		}
		if len(v) > 0 {
			return v
		}
	case []any:
		var kept []any
		for _, item := range v {
			if item = kitPrune(item); item != nil {
				kept = append(kept, item)
			}
		}
		if kept != nil {
			return kept
		}
	case string:
		if v != "" {
			return v
		}
	default:
		return v
	}
	return nil
}

func kitEntry(url, resourceType string, resource kitMap) kitMap {
	resource["resourceType"] = resourceType
	return kitMap{"fullUrl": url, "resource": resource, "request": kitMap{"method": "POST", "url": resourceType}}
}

// kitList is the SubmissionSet.
func kitList(lot xds.Submission) kitMap {
	set := lot.Set
	contained, source := []any{}, kitMap{}
	for _, a := range set.Authors {
		if a.Person != "" {
			contained = append(contained, kitPerson("author", a.Person))
			source["reference"] = "#author"
		}
		for _, x := range a.Institutions {
			contained = append(contained, kitOrganization("org", x))
			source["extension"] = []any{kitMap{"url": "https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-authorOrg", "valueReference": kitMap{"reference": "#org"}}}
		}
	}
	var items []any
	for _, d := range lot.Documents {
		items = append(items, kitMap{"item": kitMap{"reference": d.EntryUUID}})
	}
	return kitMap{
		"contained": contained, "status": "current", "mode": "working", "title": set.Title, "entry": items, "source": source,
		"code":       kitMap{"coding": []any{kitMap{"system": "https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes", "code": "submissionset"}}},
		"identifier": []any{kitUnique(set.UniqueID), kitMap{"use": "official", "system": "urn:ietf:rfc:3986", "value": set.EntryUUID}},
		"subject":    kitMap{"identifier": kitIdentifier(set.PatientID.ID(), set.PatientID.Authority(), "")}, "date": kitTime(set.SubmissionTime),
		"extension": []any{
			kitMap{"url": "https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-designationType", "valueCodeableConcept": kitConcept(set.ContentType)},
			kitMap{"url": "https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-sourceId", "valueIdentifier": kitMap{"value": "urn:oid:" + set.SourceID}},
		},
	}
}

// kitReference is the DocumentReference of an entry.
func kitReference(t *testing.T, d xds.DocumentEntry, binary string) kitMap {
	t.Helper()
	sha1, err := hex.DecodeString(d.Hash)
	if err != nil {
		t.Fatal(err)
	}
	contained, authors, related := []any{kitSource(d)}, []any{}, []any{}
	for i, a := range d.Authors {
		id := fmt.Sprintf("author%d", i+1)
		contained = append(contained, kitAuthor(id, a)...)
		authors = append(authors, kitMap{"reference": "#" + id})
	}
	if d.LegalAuthenticator != "" {
		contained = append(contained, kitPerson("authenticator", d.LegalAuthenticator))
	}
	for _, cxi := range d.ReferenceIDs {
		id := xds.CX(cxi)
		related = append(related, kitMap{"identifier": kitIdentifier(id.ID(), id.Authority(), id.Type())})
	}
	attachment := kitMap{
		"contentType": d.MimeType, "language": d.LanguageCode, "url": binary, "title": d.Title, "creation": kitTime(d.CreationTime),
		"hash": base64.StdEncoding.EncodeToString(sha1),
	}
	if d.Size > 0 {
		attachment["size"] = d.Size
	}
	return kitMap{
		"contained": contained, "masterIdentifier": kitUnique(d.UniqueID), "status": "current", "description": d.Comments,
		"identifier": []any{kitMap{"use": "official", "system": "urn:ietf:rfc:3986", "value": d.EntryUUID}},
		"type":       kitConcept(d.TypeCode), "category": []any{kitConcept(d.ClassCode)}, "securityLabel": kitConcepts(d.Confidentiality),
		"subject": kitMap{"identifier": kitIdentifier(d.PatientID.ID(), d.PatientID.Authority(), "")}, "date": kitTime(d.CreationTime), "author": authors,
		"authenticator": kitMap{"reference": kitAnchor("authenticator", d.LegalAuthenticator != "")},
		"content":       []any{kitMap{"attachment": attachment, "format": kitCoding(d.FormatCode)}},
		"context": kitMap{
			"event": kitConcepts(d.EventCodes), "period": kitMap{"start": kitTime(d.ServiceStart), "end": kitTime(d.ServiceStop)},
			"facilityType": kitConcept(d.FacilityType), "practiceSetting": kitConcept(d.PracticeSetting),
			"sourcePatientInfo": kitMap{"reference": "#patient"}, "related": related,
		},
	}
}

func kitAnchor(id string, there bool) string {
	if !there {
		return ""
	}
	return "#" + id
}

// kitRelations are the associations of a document.
func kitRelations(lot xds.Submission, document string) []any {
	codes := map[xds.AssociationType]string{xds.Replaces: "replaces", xds.Appends: "appends", xds.Transforms: "transforms"}
	var relations []any
	for _, a := range lot.Associations {
		code := codes[a.Type]
		if code == "" || a.Source != document {
			continue
		}
		target := "DocumentReference/" + kitBare(a.Target)
		for _, d := range lot.Documents {
			if d.EntryUUID == a.Target {
				target = a.Target
			}
		}
		relations = append(relations, kitMap{"code": code, "target": kitMap{"reference": target}})
	}
	return relations
}

func kitIdentifier(value, oid, kind string) kitMap {
	id := kitMap{"system": "urn:oid:" + oid, "value": value}
	if kind != "" {
		system := "http://terminology.hl7.org/CodeSystem/v2-0203"
		if strings.HasPrefix(kind, "urn:") {
			system = "urn:ietf:rfc:3986"
		}
		id["type"] = kitMap{"coding": []any{kitMap{"system": system, "code": kind}}}
	}
	return id
}

func kitUnique(oid string) kitMap {
	return kitMap{"use": "usual", "system": "urn:ietf:rfc:3986", "value": "urn:oid:" + oid}
}

// kitSystems are the coding schemes that senders write as URLs; the others are
// written as OIDs.
var kitSystems = map[string]string{
	"2.16.840.1.113883.6.1": "http://loinc.org", xds.ConfidentialityOID: "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
	xds.MarkScheme: "https://mos.esante.gouv.fr/NOS/TRE_A07-StatutVisibiliteDocument/FHIR/TRE-A07-StatutVisibiliteDocument",
}

func kitCoding(c xds.Code) kitMap {
	if c.IsZero() {
		return nil
	}
	system := kitSystems[c.Scheme]
	if system == "" {
		system = "urn:oid:" + c.Scheme
	}
	return kitMap{"system": system, "code": c.Value, "display": c.Display}
}

func kitConcept(c xds.Code) kitMap {
	if c.IsZero() {
		return nil
	}
	return kitMap{"coding": []any{kitCoding(c)}}
}

func kitConcepts(codes []xds.Code) []any {
	var all []any
	for _, c := range codes {
		all = append(all, kitConcept(c))
	}
	return all
}

// kitTime is a DTM of a day or of a second in UTC.
func kitTime(d xds.DTM) string {
	s := string(d)
	switch len(s) {
	case 8:
		return s[:4] + "-" + s[4:6] + "-" + s[6:]
	case 14:
		return s[:4] + "-" + s[4:6] + "-" + s[6:8] + "T" + s[8:10] + ":" + s[10:12] + ":" + s[12:] + "Z"
	}
	return s
}
