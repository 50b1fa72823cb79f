package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/xds"
)

// The names of MHD that a Provide Document Bundle needs (ITI TF-2 3.65.4.1.2), and
// those of the gateway's own extensions, for what XDS says and FHIR has no element for.
const (
	mhd        = "https://profiles.ihe.net/ITI/MHD/"
	uriSystem  = "urn:ietf:rfc:3986"
	extensions = "https://github.com/passerelle-sante/passerelle/fhir/StructureDefinition/"
)

// resource is a FHIR element in the making; pruned takes its empty members away.
type resource = map[string]any

// relationCodes are the associations as relatesTo codes (MHD ConceptMap
// AssociationTypeVsRelatesTo).
var relationCodes = map[xds.AssociationType]string{xds.Replaces: "replaces", xds.Appends: "appends", xds.Transforms: "transforms"}

// provideBundle writes a lot of one document as an ITI-65 comprehensive bundle: a
// stream of size bytes, which turns the document into base64 as it is read. The
// target of a relation is a FHIR id, or a uniqueId.
func provideBundle(lot xds.Submission, doc io.Reader) (bundle io.Reader, size int64, err error) {
	d := lot.Documents[0]
	list, reference, binary := "urn:uuid:"+service.NewID(), "urn:uuid:"+service.NewID(), "urn:uuid:"+service.NewID()
	entries := []any{
		bundleEntry(list, "List", setResource(lot.Set, reference)),
		bundleEntry(reference, "DocumentReference", documentResource(d, binary, lot.Associations)),
		bundleEntry(binary, "Binary", resource{"contentType": d.MimeType, "data": binary}),
	}
	text, err := json.Marshal(pruned(resource{
		"resourceType": "Bundle", "type": "transaction", "entry": entries,
		"meta": resource{"profile": []any{mhd + "StructureDefinition/IHE.MHD.Comprehensive.ProvideBundle"}},
	}))
	if err != nil {
		return nil, 0, err
	}
	// Only the data of the Binary is both this UUID and a member named data.
	before, after, _ := bytes.Cut(text, []byte(`"data":"`+binary+`"`))
	before, after = append(before[:len(before):len(before)], `"data":"`...), append([]byte(`"`), after...)
	size = int64(len(before)) + int64(base64.StdEncoding.EncodedLen(int(d.Size))) + int64(len(after))
	return io.MultiReader(bytes.NewReader(before), inBase64(doc), bytes.NewReader(after)), size, nil
}

// inBase64 is a stream as base64. Nothing is left running once it has been read to
// its end, or doc has failed.
func inBase64(doc io.Reader) io.Reader {
	var out bytes.Buffer
	return &encoding{doc: doc, out: &out, encoder: base64.NewEncoder(base64.StdEncoding, &out)}
}

// encoding pulls a document through an encoder, one block at a time.
type encoding struct {
	doc     io.Reader
	out     *bytes.Buffer
	encoder io.WriteCloser
	ended   error
	block   [48 << 10]byte
}

func (e *encoding) Read(p []byte) (int, error) {
	for e.out.Len() == 0 && e.ended == nil {
		n, err := e.doc.Read(e.block[:])
		_, _ = e.encoder.Write(e.block[:n]) // bytes.Buffer does not fail
		if e.ended = err; errors.Is(err, io.EOF) {
			_ = e.encoder.Close()
		}
	}
	if e.out.Len() == 0 {
		return 0, e.ended
	}
	return e.out.Read(p)
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
func documentResource(d xds.DocumentEntry, binary string, associations []xds.Association) resource {
	contained := []any{sourceResource(d)}
	var authors, related, relations []any
	for i, a := range d.Authors {
		id := "author" + strconv.Itoa(i+1)
		contained = append(contained, authorResources(id, a)...)
		authors = append(authors, resource{"reference": "#" + id})
	}
	authenticator := resource{}
	if d.LegalAuthenticator != "" {
		contained = append(contained, practitionerResource("authenticator", d.LegalAuthenticator))
		authenticator["reference"] = "#authenticator"
	}
	for _, id := range d.ReferenceIDs {
		cx := xds.CX(id)
		related = append(related, resource{"identifier": identifierOf(cx.ID(), cx.Authority(), cx.Type())})
	}
	for _, a := range associations {
		if code := relationCodes[a.Type]; code != "" {
			relations = append(relations, resource{"code": code, "target": targetReference(a.Target)})
		}
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

// targetReference names a registered document by its FHIR id, or by its uniqueId.
func targetReference(id string) resource {
	if xds.IsOID(id) {
		return resource{"identifier": resource{"system": uriSystem, "value": "urn:oid:" + id}}
	}
	return resource{"reference": "DocumentReference/" + id}
}

// sourceResource is sourcePatientId and sourcePatientInfo.
func sourceResource(d xds.DocumentEntry) resource {
	p := resource{"resourceType": "Patient", "id": "patient", "extension": verbatim(d.SourcePatientInfo...),
		"identifier": []any{identifierOf(d.SourcePatientID.ID(), d.SourcePatientID.Authority(), d.SourcePatientID.Type())}}
	for _, line := range d.SourcePatientInfo {
		field, value, _ := strings.Cut(line, "|")
		switch family, given, _ := strings.Cut(value, "^"); field {
		case "PID-5":
			given, _, _ = strings.Cut(given, "^")
			p["name"] = []any{resource{"use": "official", "family": plainName(family), "given": []any{plainName(given)}}}
		case "PID-7":
			p["birthDate"] = dateTimeOf(xds.DTM(value))
		case "PID-8":
			p["gender"] = map[string]string{"F": "female", "M": "male", "O": "other", "U": "unknown"}[value]
		}
	}
	return p
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
