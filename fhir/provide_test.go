package fhir

import (
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/passerelle-sante/passerelle/xds"
)

func provideText(t testing.TB) string {
	t.Helper()
	raw, err := os.ReadFile("testdata/provide.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// provide reads a bundle; record 5c1b… is the one of the test patient.
func provide(t testing.TB, text string) (Provided, xds.Errors) {
	t.Helper()
	n, findings := ReadResource(strings.NewReader(text), 1<<20, "Bundle")
	if len(findings) > 0 {
		return Provided{}, findings
	}
	return ReadProvideBundle(n, References{Base: testBase, Patient: func(record string) xds.CX {
		if record == "5c1b" {
			return "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH"
		}
		return ""
	}, Document: func(uniqueID string) string {
		if uniqueID == "1.2.3.4" {
			return "urn:uuid:22222222-2222-4333-8444-555555555555"
		}
		return ""
	}})
}

func TestProvideBundle(t *testing.T) {
	got, findings := provide(t, provideText(t))
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	person, org := xds.XCN("899900063480^MAX^LIBRE^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"), xds.XON("CHU DE DEMONSTRATION^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1310781406")
	author := []xds.Author{{Person: person, Institutions: []xds.XON{org}}}
	want := xds.Submission{
		Set: xds.SubmissionSet{
			EntryUUID: "SubmissionSet", UniqueID: "1.2.250.1.999.7.1", SourceID: "1.2.250.1.999.7", Title: "Sortie", SubmissionTime: "20260612080500",
			PatientID: "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH", ContentType: xds.Code{Value: "04", Scheme: "1.2.250.1.213.2.2", Display: "Hospitalisation de jour"}, Authors: author,
		},
		Documents: []xds.DocumentEntry{{
			EntryUUID: "DocumentReference-1", ObjectType: xds.StableDocument, AvailabilityStatus: xds.Approved, Title: "Lettre de liaison",
			ClassCode: xds.Code{Value: "11", Scheme: "1.2.250.1.213.1.1.4.1", Display: "Synthèse"}, TypeCode: xds.Code{Value: "11490-0", Scheme: loincOID, Display: "Lettre de liaison à la sortie"},
			FormatCode: xds.Code{Value: "urn:ihe:iti:xds-sd:text:2008", Scheme: formatOID}, FacilityType: xds.Code{Value: "SA01", Scheme: "1.2.250.1.71.4.2.4"},
			PracticeSetting: xds.Code{Value: "ETABLISSEMENT", Scheme: "1.2.250.1.213.1.1.4.9"}, Confidentiality: []xds.Code{{Value: "N", Scheme: xds.ConfidentialityOID}},
			CreationTime: "20260612080000", ServiceStart: "20260610", LanguageCode: "fr-FR", MimeType: "text/plain", Hash: "0a4d55a8d778e5022fab701977c5d840bbc486d0", Size: 11,
			LegalAuthenticator: person, PatientID: "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH", SourcePatientID: "8123^^^&1.2.250.1.999.1&ISO^PI",
			SourcePatientInfo: []string{"PID-3|8123^^^&1.2.250.1.999.1&ISO^PI", "PID-5|DURAND^Alice^^^^^L", "PID-7|19790312", "PID-8|F"},
			ReferenceIDs:      []string{"ACC-1^^^&1.2.250.1.999.2&ISO^urn:ihe:iti:xds:2013:accession"}, UniqueID: "1.2.250.1.999.7.2", Authors: author,
		}},
		Associations: []xds.Association{{EntryUUID: "Association-1", Type: xds.HasMember, Source: "SubmissionSet", Target: "DocumentReference-1", SetStatus: "Original"}},
	}
	if diff := cmp.Diff(want, got.Submission); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	plan := []PlannedEntry{{Resource: "List", EntryID: "SubmissionSet"}, {Resource: "DocumentReference", EntryID: "DocumentReference-1"}, {Resource: "Binary", EntryID: "DocumentReference-1"}}
	if !slices.Equal(got.Plan, plan) {
		t.Errorf("plan %v", got.Plan)
	}
	content, err := io.ReadAll(got.Documents[0].Open())
	if err != nil || string(content) != "Hello World" {
		t.Errorf("content %q %v", content, err)
	}
}

const documentStatus = `"status": "current",
        "type"`

// TestReplacement: relatesTo alone makes the RPLC, in every form of the target; the
// PATCH entry may go along.
func TestReplacement(t *testing.T) {
	const target = "11111111-2222-4333-8444-555555555555"
	patch := `{"fullUrl":"urn:uuid:00000000-0000-4000-8000-000000000004","resource":{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"replace"},{"name":"path","valueString":"DocumentReference.status"},{"name":"value","valueCode":"superseded"}]}]},"request":{"method":"PATCH","url":"DocumentReference/` + target + `"}},`
	for name, c := range map[string]struct{ relates, want string }{
		"relative":    {`{"reference":"DocumentReference/` + target + `"}`, "urn:uuid:" + target},
		"absolute":    {`{"reference":"` + testBase + `/DocumentReference/` + target + `"}`, "urn:uuid:" + target},
		"identifier":  {`{"identifier":{"system":"urn:ietf:rfc:3986","value":"urn:oid:1.2.3.4"}}`, "urn:uuid:22222222-2222-4333-8444-555555555555"},
		"entryUUID":   {`{"identifier":{"system":"urn:ietf:rfc:3986","value":"urn:uuid:` + target + `"}}`, "urn:uuid:" + target},
		"conditional": {`{"reference":"DocumentReference?identifier=urn:ietf:rfc:3986|urn:oid:1.2.3.4"}`, "urn:uuid:22222222-2222-4333-8444-555555555555"},
	} {
		text := strings.Replace(provideText(t), documentStatus, `"relatesTo":[{"code":"replaces","target":`+c.relates+`}],`+documentStatus, 1)
		got, findings := provide(t, text)
		want := xds.Association{EntryUUID: "Association-2", Type: xds.Replaces, Source: "DocumentReference-1", Target: c.want}
		if len(findings) > 0 || len(got.Submission.Associations) != 2 || !cmp.Equal(got.Submission.Associations[1], want) {
			t.Errorf("%s: %v %+v", name, findings, got.Submission.Associations)
		}
		if name != "relative" {
			continue
		}
		text = strings.Replace(text, `"entry": [`, `"entry": [`+patch, 1)
		if got, findings = provide(t, text); len(findings) > 0 || got.Plan[0].Resource != "Parameters" {
			t.Errorf("with PATCH: %v %v", findings, got.Plan)
		}
		text = strings.Replace(text, "valueCode\":\"superseded", "valueCode\":\"current", 1)
		if _, findings = provide(t, text); !has(findings, "FHIR-009", "Bundle.entry[0].resource") {
			t.Errorf("PATCH of another value: %v", findings)
		}
	}
}

func has(findings xds.Errors, id, where string) bool {
	return slices.ContainsFunc(findings, func(e *xds.Error) bool { return e.ID == id && strings.HasPrefix(e.Where, where) })
}

// TestBadBundles: each fault gives its own finding at its own place.
func TestBadBundles(t *testing.T) {
	const list, doc = "Bundle.entry[0].resource", "Bundle.entry[1].resource"
	for name, c := range map[string]struct{ old, new, id, where string }{
		"not JSON":              {`"type": "transaction",`, `"type": "transaction"`, "FHIR-001", "Bundle"},
		"repeated property":     {`"mode": "working",`, `"mode": "working", "mode": "working",`, "FHIR-001", list + ".mode"},
		"unknown element":       {`"mode": "working",`, `"mode": "working", "mood": "happy",`, "FHIR-001", list + ".mood"},
		"wrong kind":            {`"size": 11`, `"size": "11"`, "FHIR-001", doc + ".content[0].attachment.size"},
		"list for one":          {`"title": "Sortie"`, `"title": ["Sortie"]`, "FHIR-001", list + ".title"},
		"date that is not":      {`"start": "2026-06-10"`, `"start": "2026-02-31"`, "FHIR-002", doc + ".context.period.start"},
		"code of binding":       {documentStatus, strings.Replace(documentStatus, "current", "final", 1), "FHIR-002", doc + ".status"},
		"no base64":             {`"SGVsbG8gV29ybGQ="`, `"SGVsbG8gV29ybGQ"`, "FHIR-002", "Bundle.entry[2].resource.data"},
		"unknown resource":      {`"resourceType": "Binary"`, `"resourceType": "Binaire"`, "FHIR-001", "Bundle.entry[2].resource.resourceType"},
		"other bundle":          {`"transaction"`, `"batch"`, "FHIR-009", "Bundle.type"},
		"no profile":            {`Comprehensive.ProvideBundle`, `Other.ProvideBundle`, "FHIR-009", "Bundle.meta.profile"},
		"closed slicing":        {`"method": "POST", "url": "Binary"`, `"method": "PUT", "url": "Binary/1"`, "FHIR-009", "Bundle.entry[2]"},
		"other endpoint":        {`"url": "Binary"`, `"url": "Patient"`, "FHIR-009", "Bundle.entry[2].request.url"},
		"fullUrl twice":         {`"fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000003"`, `"fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000002"`, "FHIR-009", "Bundle.entry[2].fullUrl"},
		"folder alone":          {`"code": "submissionset"`, `"code": "folder"`, "FHIR-009", "Bundle.entry"},
		"conditional entry":     {`"method": "POST", "url": "Binary"`, `"method": "POST", "url": "Binary", "ifNoneExist": "identifier=1"`, "FHIR-009", "Bundle.entry[2].request.ifNoneExist"},
		"flag of a member":      {`"entry": [{ "item"`, `"entry": [{ "deleted": true, "item"`, "FHIR-009", list + ".entry[0].deleted"},
		"author not contained":  {`{ "reference": "#role" }`, `{ "reference": "Practitioner/1", "identifier": { "value": "1" } }`, "FHIR-009", doc + ".author[0].reference"},
		"delayed assembly":      {`"size": 11`, `"size": 0`, "FHIR-009", doc + ".content[0].attachment.size"},
		"superseded at birth":   {documentStatus, strings.Replace(documentStatus, "current", "superseded", 1), "FHIR-009", doc + ".status"},
		"no type":               {`"type": { "coding": [{ "system": "http://loinc.org", "code": "11490-0", "display": "Lettre de liaison à la sortie" }] },`, ``, "FHIR-009", doc + ".type"},
		"docStatus":             {documentStatus, `"docStatus": "final",` + documentStatus, "FHIR-009", doc + ".docStatus"},
		"dates that differ":     {`"date": "2026-06-12T10:00:00+02:00"`, `"date": "2026-06-13T10:00:00+02:00"`, "FHIR-009", doc + ".date"},
		"hash of another kind":  {`Ck1VqNd45QIvq3AZd8XYQLvEhtA=`, `aGVsbG8=`, "FHIR-009", doc + ".content[0].attachment.hash"},
		"no such Binary":        {`"url": "urn:uuid:00000000-0000-4000-8000-000000000003"`, `"url": "urn:uuid:00000000-0000-4000-8000-000000000009"`, "DOC-001", doc + ".content[0].attachment.url"},
		"Binary without a word": {`"url": "urn:uuid:00000000-0000-4000-8000-000000000003"`, `"url": "urn:uuid:00000000-0000-4000-8000-000000000009"`, "DOC-002", "Bundle.entry[2].resource"},
		"other media type":      {`"resourceType": "Binary", "contentType": "text/plain"`, `"resourceType": "Binary", "contentType": "text/html"`, "FHIR-009", "Bundle.entry[2].resource.contentType"},
		"author from nowhere":   {`{ "reference": "#role" }`, `{ "reference": "#nobody" }`, "FHIR-009", doc + ".author[0]"},
		"two patients":          {`Patient?identifier=urn:oid:1.2.250.1.213.1.4.10|279035121518989`, `Patient?identifier=urn:oid:1.2.250.1.213.1.4.10|179035121518989`, "META-016", "Bundle.entry"},
		"unknown record":        {`Patient?identifier=urn:oid:1.2.250.1.213.1.4.10|279035121518989`, `Patient/unknown`, "REG-001", list + ".subject.reference"},
		"target from nowhere":   {documentStatus, `"relatesTo": [{ "code": "appends", "target": { "reference": "DocumentReference/doc-x" } }],` + documentStatus, "REG-004", doc + ".relatesTo[0].target"},
		"unknown uniqueId":      {documentStatus, `"relatesTo": [{ "code": "appends", "target": { "identifier": { "value": "urn:oid:1.2.9" } } }],` + documentStatus, "REG-004", doc + ".relatesTo[0].target"},
		"not in the set":        {`"entry": [{ "item": { "reference": "urn:uuid:00000000-0000-4000-8000-000000000002" } }]`, `"note": [{ "text": "vide" }]`, "FHIR-009", list + ".entry"},
		"no source":             {`"value": "urn:oid:1.2.250.1.999.7" }`, `"value": "urn:uuid:5" }`, "FHIR-009", list + ".extension"},
	} {
		t.Run(name, func(t *testing.T) {
			text := provideText(t)
			if !strings.Contains(text, c.old) {
				t.Fatalf("the bundle has no %s", c.old)
			}
			if _, findings := provide(t, strings.Replace(text, c.old, c.new, 1)); !has(findings, c.id, c.where) {
				t.Errorf("want %s at %s, got %v", c.id, c.where, findings)
			}
		})
	}
}

// TestAllFindingsAtOnce: one answer names every fault.
func TestAllFindingsAtOnce(t *testing.T) {
	text := strings.NewReplacer(`"size": 11`, `"size": "11"`, `2026-06-10`, `2026-02-31`, `"title": "Sortie",`, `"title": "Sortie", "mood": 1,`).Replace(provideText(t))
	if _, findings := provide(t, text); len(findings) != 3 {
		t.Errorf("got %v", findings)
	}
}

// TestMemberByReference: a set may name a document that the registry has already.
func TestMemberByReference(t *testing.T) {
	text := strings.Replace(provideText(t), `"entry": [{ "item"`, `"entry": [{ "item": { "reference": "DocumentReference/11111111-2222-4333-8444-555555555555" } }, { "item"`, 1)
	got, findings := provide(t, text)
	want := xds.Association{EntryUUID: "Association-1", Type: xds.HasMember, Source: "SubmissionSet", Target: "urn:uuid:11111111-2222-4333-8444-555555555555", SetStatus: "Reference"}
	if len(findings) > 0 || !cmp.Equal(got.Submission.Associations[0], want) {
		t.Errorf("%v %+v", findings, got.Submission.Associations)
	}
}

// TestRecordAsSubject: Patient/{record} is resolved by the caller.
func TestRecordAsSubject(t *testing.T) {
	text := strings.Replace(provideText(t), `Patient?identifier=urn:oid:1.2.250.1.213.1.4.10|279035121518989`, testBase+`/Patient/5c1b`, 1)
	if _, findings := provide(t, text); len(findings) > 0 {
		t.Error(findings)
	}
}

// TestFindingsHoldNoIdentity: no error text repeats a name, an identifier or a title.
func TestFindingsHoldNoIdentity(t *testing.T) {
	text := strings.NewReplacer(`"family": "DURAND"`, `"family": 7`, `"value": "279035121518989"`, `"value": 279035121518989`, `"birthDate": "1979-03-12"`, `"birthDate": "1979-13-12"`,
		`"title": "Lettre de liaison"`, `"title": ["Lettre de liaison"]`, `Patient?identifier=urn:oid:1.2.250.1.213.1.4.10|279035121518989`, `Patient?identifier=279035121518989`).Replace(provideText(t))
	_, findings := provide(t, text)
	for _, secret := range []string{"279035121518989", "1979-13", "DURAND", "Lettre"} {
		if strings.Contains(findings.Error(), secret) {
			t.Errorf("%q in %v", secret, findings)
		}
	}
}
