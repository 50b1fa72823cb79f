package conformance_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The profiles that hold a whole answer, which no answer claims by itself.
const (
	mhdProfile       = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD."
	findResponse     = mhdProfile + "FindDocumentReferencesComprehensiveResponseMessage"
	provideResponse  = mhdProfile + "ProvideDocumentBundleResponse"
	listsResponse    = mhdProfile + "FindDocumentListsResponseMessage"
	servedAlice      = "{alice}"    // in a path: alice's record
	servedINS        = "{ins}"      // her identifier, as a token
	servedDocument   = "{document}" // one of her documents
	servedHook       = "{subscription}"
	servedOwnProfile = "" // what the resource claims by itself, and R4
)

// servedRow is one kind of answer of the FHIR face and how a client comes by it.
type servedRow struct {
	kind     string
	as       string // of the cast, "" = without a token
	method   string
	path     string // below /fhir/
	body     func(s *servedSet, t *testing.T) []byte
	status   int
	profiles string // separated by a space, besides those that are claimed
}

var servedRows = []servedRow{
	{"CapabilityStatement", "", "GET", "metadata", nil, 200, servedOwnProfile},
	{"DocumentReference, searchset", "dr-traitant", "GET", "DocumentReference?patient={alice}&_count=100", nil, 200, findResponse},
	{"DocumentReference, searchset of the patient", "patient:alice", "GET", "DocumentReference?patient={alice}", nil, 200, findResponse},
	{"DocumentReference, page", "dr-traitant", "GET", "DocumentReference?patient={alice}&_count=3", nil, 200, findResponse},
	{"DocumentReference, none found", "dr-traitant", "GET", "DocumentReference?patient={alice}&type=nothing", nil, 200, findResponse},
	{"DocumentReference, subsets", "dr-traitant", "GET", "DocumentReference?patient={alice}&_elements=status,type,category,content&_count=4", nil, 200, servedOwnProfile},
	{"DocumentReference, summaries", "dr-traitant", "GET", "DocumentReference?patient={alice}&_summary=true&_count=4", nil, 200, servedOwnProfile},
	{"DocumentReference, read", "dr-traitant", "GET", "DocumentReference/{document}", nil, 200, servedOwnProfile},
	{"DocumentReference, vread", "dr-traitant", "GET", "DocumentReference/{document}/_history/1", nil, 200, servedOwnProfile},
	{"Binary", "dr-traitant", "GET", "Binary/{document}", nil, 200, servedOwnProfile},
	{"ITI-65, response", "chu-lille", "POST", "", (*servedSet).bundle, 200, provideResponse},
	{"ITI-105, created", "dr-hopital", "POST", "DocumentReference", (*servedSet).publication, 201, servedOwnProfile},
	{"ITI-106, Parameters", "dr-hopital", "POST", "DocumentReference/$generate-metadata", (*servedSet).generation, 200, servedOwnProfile},
	{"DocumentReference, patched", "patient:alice", "PATCH", "DocumentReference/{document}", (*servedSet).masking, 200, servedOwnProfile},
	{"Immunization, created", "dr-traitant", "POST", "Immunization", (*servedSet).vaccination, 201, servedOwnProfile},
	{"Immunization, searchset", "dr-traitant", "GET", "Immunization?patient={alice}&_revinclude=Provenance:target", nil, 200, servedOwnProfile},
	{"Immunization, not done, of the patient", "patient:alice", "POST", "Immunization", (*servedSet).refusal, 201, servedOwnProfile},
	{"ImmunizationRecommendation, searchset", "patient:alice", "GET", "ImmunizationRecommendation?patient={alice}", nil, 200, servedOwnProfile},
	{"ImmunizationRecommendation, read", "dr-traitant", "GET", "ImmunizationRecommendation/{alice}", nil, 200, servedOwnProfile},
	{"Patient, searchset", "dr-traitant", "GET", "Patient?identifier={ins}", nil, 200, servedOwnProfile},
	{"Patient, read", "dr-traitant", "GET", "Patient/{alice}", nil, 200, servedOwnProfile},
	{"Patient, read by the patient", "patient:alice", "GET", "Patient/{alice}", nil, 200, servedOwnProfile},
	{"CareTeam, searchset", "patient:alice", "GET", "CareTeam?patient={alice}", nil, 200, servedOwnProfile},
	{"Consent, searchset", "patient:alice", "GET", "Consent?patient={alice}", nil, 200, servedOwnProfile},
	{"Subscription, created", "dr-traitant", "POST", "Subscription", (*servedSet).subscription, 201, servedOwnProfile},
	{"Subscription, searchset", "dr-traitant", "GET", "Subscription", nil, 200, servedOwnProfile},
	{"Subscription, status", "dr-traitant", "GET", "Subscription/{subscription}/$status", nil, 200, servedOwnProfile},
	{"List, SubmissionSets", "dr-traitant", "GET", "List?patient={alice}&code=submissionset&status=current", nil, 200, listsResponse},
	{"List, SubmissionSets and their items", "dr-traitant", "GET", "List?patient={alice}&code=submissionset&status=current&_include=List:item", nil, 200, servedOwnProfile},
	{"List, Folders", "dr-traitant", "GET", "List?patient={alice}&code=folder&status=current", nil, 200, listsResponse},
	{"AuditEvent, searchset of the patient", "patient:alice", "GET", "AuditEvent?patient={alice}&_count=200", nil, 200, servedOwnProfile},
	{"AuditEvent, searchset of her physician", "dr-traitant", "GET", "AuditEvent?patient={alice}&_count=20", nil, 200, servedOwnProfile},
	{"AllergyIntolerance, searchset", "dr-durand", "GET", "AllergyIntolerance?patient={alice}", nil, 200, servedOwnProfile},
	{"Condition, searchset", "dr-durand", "GET", "Condition?patient={alice}", nil, 200, servedOwnProfile},
	{"FamilyMemberHistory, searchset", "dr-durand", "GET", "FamilyMemberHistory?patient={alice}", nil, 200, servedOwnProfile},
	{"MedicationStatement, searchset", "dr-durand", "GET", "MedicationStatement?patient={alice}", nil, 200, servedOwnProfile},
	{"Observation, searchset", "dr-durand", "GET", "Observation?patient={alice}", nil, 200, servedOwnProfile},
	{"RelatedPerson, searchset", "dr-durand", "GET", "RelatedPerson?patient={alice}", nil, 200, servedOwnProfile},
	{"OperationOutcome, 400", "dr-traitant", "GET", "DocumentReference?status=current&date=x", nil, 400, servedOwnProfile},
	{"OperationOutcome, 400 of two findings", "dr-traitant", "GET", "DocumentReference?patient={alice}&date=x&_count=x", nil, 400, servedOwnProfile},
	{"OperationOutcome, 401", "", "GET", "DocumentReference?patient={alice}", nil, 401, servedOwnProfile},
	{"OperationOutcome, 403", "dr-bloque", "GET", "DocumentReference?patient={alice}", nil, 403, servedOwnProfile},
	{"OperationOutcome, 404 of a document", "dr-traitant", "GET", "DocumentReference/00000000-0000-4000-8000-000000000000", nil, 404, servedOwnProfile},
	{"OperationOutcome, 404 of a path", "", "GET", "Nothing", nil, 404, servedOwnProfile},
	{"OperationOutcome, 405", "", "DELETE", "metadata", nil, 405, servedOwnProfile},
	{"OperationOutcome, ITI-65 refused", "chu-lille", "POST", "", (*servedSet).badBundle, 422, servedOwnProfile},
}

// TestServedResources asks for every kind of answer of the FHIR face, in each of its
// forms, and leaves them in the folder of PASSERELLE_FHIR_OUT, when it is set, for
// the validator of HL7 (conformance/fhir.sh).
func TestServedResources(t *testing.T) {
	s := &servedSet{kit: openKit(t)}
	s.alice = s.seeded(t, "alice")
	if filled := s.send(t, http.MethodPost, "/sandbox/book", "", nil, nil); filled.status != http.StatusSeeOther {
		t.Fatalf("her health book: %d %s", filled.status, filled.body)
	}
	s.id = kitBare(s.held(t, "alice")[0].LogicalID)
	for _, row := range servedRows {
		t.Run(row.kind, func(t *testing.T) { s.ask(t, row) })
	}
	s.everyResource(t)
	s.leave(t)
}

// servedSet is the sandbox that serves, and what it served.
type servedSet struct {
	*kit
	alice      kitPatient
	id         string // of one of her documents
	subscribed string // id of the Subscription that was created
	masked     bool
	files      []servedFile
}

type servedFile struct {
	name string
	row  servedRow
	body []byte
}

// forms are the media types in which every answer is asked for.
var forms = []struct{ extension, mediaType string }{{"json", kitJSON}, {"xml", "application/fhir+xml"}}

func (s *servedSet) ask(t *testing.T, row servedRow) {
	ins := url.QueryEscape("urn:oid:" + s.alice.INS.Authority() + "|" + s.alice.INS.ID())
	path := strings.NewReplacer(servedAlice, s.alice.Record, servedINS, ins, servedDocument, s.id, servedHook, s.subscribed).Replace(row.path)
	for _, form := range forms {
		token, header := "", http.Header{"Accept": {form.mediaType}, "Prefer": {"return=representation"}}
		if row.as != "" {
			token = s.token(t, kitClaims{As: row.as, Patient: s.alice.Name})
		}
		var body []byte
		if row.body != nil {
			body = row.body(s, t)
			header.Set("Content-Type", kitJSON)
		}
		if row.method == http.MethodPatch {
			header.Set("Content-Type", "application/json-patch+json")
		}
		r := s.send(t, row.method, strings.TrimSuffix("/fhir/"+path, "/"), token, header, body)
		if kind := r.header.Get("Content-Type"); r.status != row.status || !strings.HasPrefix(kind, form.mediaType) {
			t.Errorf("%s: %d %s, want %d %s: %.900s", form.extension, r.status, kind, row.status, form.mediaType, r.body)
			continue
		}
		if _, id, ok := strings.Cut(r.header.Get("Location"), "/Subscription/"); ok {
			s.subscribed, _, _ = strings.Cut(id, "/")
		}
		s.files = append(s.files, servedFile{fmt.Sprintf("%03d.%s", len(s.files), form.extension), row, r.body})
	}
}

// everyResource checks that each resource of the CapabilityStatement was asked for.
func (s *servedSet) everyResource(t *testing.T) {
	var stated struct {
		Rest []struct{ Resource []struct{ Type string } }
	}
	s.send(t, http.MethodGet, "/fhir/metadata", "", http.Header{"Accept": {kitJSON}}, nil).decode(t, &stated)
	for _, r := range stated.Rest[0].Resource {
		if !slices.ContainsFunc(s.files, func(f servedFile) bool { return bytes.Contains(f.body, []byte(`"resourceType":"`+r.Type+`"`)) }) {
			t.Errorf("no answer of servedRows holds a %s", r.Type)
		}
	}
}

// bundle is a submission of one document for alice.
func (s *servedSet) bundle(t *testing.T) []byte {
	lot, content := s.lot(s.alice, "chu-lille", s.kit.document(t, s.alice, "chu-lille", "chu-lille", "11488-4"))
	return kitBundle(t, lot, content)
}

// badBundle is one whose document is not as its metadata say.
func (s *servedSet) badBundle(t *testing.T) []byte {
	d := s.kit.document(t, s.alice, "chu-lille", "chu-lille", "11488-4")
	d.entry.Hash = strings.Repeat("0", 40)
	lot, content := s.lot(s.alice, "chu-lille", d)
	return kitBundle(t, lot, content)
}

// publication is a document for ITI-105.
func (s *servedSet) publication(*testing.T) []byte {
	return fmt.Appendf(nil, `{"resourceType":"DocumentReference","status":"current","date":"2026-11-21T07:00:00Z",
"masterIdentifier":{"system":"urn:ietf:rfc:3986","value":"urn:oid:%s"},"subject":{"reference":"Patient/%s"},
"type":{"coding":[{"system":"http://loinc.org","code":"15508-5","display":"CR d'accouchement"}]},
"author":[{"identifier":{"system":"urn:oid:1.2.250.1.71.4.2.1","value":"899900001324"},"display":"LECLERCQ Hugo"}],
"custodian":{"identifier":{"system":"urn:oid:1.2.250.1.71.4.2.2","value":"1599990017"}},
"content":[{"attachment":{"contentType":"text/xml","title":"Compte rendu","data":"%s"}}]}`, kitOID(), s.alice.Record, s.cda())
}

// generation asks for the metadata of a CDA (ITI-106).
func (s *servedSet) generation(*testing.T) []byte {
	return fmt.Appendf(nil, `{"resourceType":"Parameters","parameter":[{"name":"document","resource":{"resourceType":"Binary","contentType":"text/xml","data":"%s"}}]}`, s.cda())
}

// cda is a document of the project about alice, under an id of its own, in base64.
func (s *servedSet) cda() string {
	raw, err := os.ReadFile(filepath.Join("..", "testdata", "cda", "cr-accouchement.xml"))
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(bytes.Replace(raw, []byte("2.25.111222333444555666777888999000111222"), []byte(kitOID()), 1))
}

// masking masks the document, and unmasks it the next time.
func (s *servedSet) masking(*testing.T) []byte {
	system, code := "https://mos.esante.gouv.fr/NOS/TRE_A07-StatutVisibiliteDocument/FHIR/TRE-A07-StatutVisibiliteDocument", "MASQUE_PS"
	if s.masked = !s.masked; !s.masked {
		system, code = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "N"
	}
	return fmt.Appendf(nil, `[{"op":"replace","path":"/securityLabel/0","value":{"coding":[{"system":%q,"code":%q}]}}]`, system, code)
}

// vaccination is one with all that a note can hold.
func (s *servedSet) vaccination(*testing.T) []byte {
	return []byte(`{"resourceType":"Immunization","contained":[{"resourceType":"Observation","id":"o","status":"final","code":{"text":"réaction"},
 "valueCodeableConcept":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"R50.2","display":"Drug-induced fever"}],"text":"Fièvre"}}],
 "identifier":[{"system":"https://lgc.example/vaccinations","value":"` + kitUUID() + `"}],"status":"completed",
 "vaccineCode":{"coding":[{"system":"https://smt.esante.gouv.fr/terminologie-bdpm","code":"68747507"},{"system":"http://www.whocc.no/atc","code":"J07AM"}]},
 "patient":{"reference":"Patient/` + s.alice.Record + `"},"occurrenceDateTime":"2026-01-20T10:15:00+01:00","lotNumber":"L-42","expirationDate":"2027-12",
 "site":{"coding":[{"system":"http://snomed.info/sct","code":"16217701000119102"}]},"route":{"coding":[{"system":"http://standardterms.edqm.eu","code":"20035000"}]},
 "doseQuantity":{"value":0.50,"unit":"mL","system":"http://unitsofmeasure.org","code":"mL"},"note":[{"text":"Bien supporté"}],
 "reaction":[{"date":"2026-01-21","detail":{"reference":"#o"}}],"protocolApplied":[{"series":"BOOSTER","doseNumberPositiveInt":3}]}`)
}

// refusal is one that the patient tells and that was not done.
func (s *servedSet) refusal(*testing.T) []byte {
	return []byte(`{"resourceType":"Immunization","status":"not-done","statusReason":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"PATOBJ"}]},
 "vaccineCode":{"text":"Vaccin contre la grippe"},"patient":{"reference":"Patient/` + s.alice.Record + `"},"occurrenceDateTime":"2026-01-20","primarySource":false,
 "reportOrigin":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/immunization-origin","code":"recall"}]}}`)
}

// subscription is told of alice's documents, by a topic of the R5 backport.
func (s *servedSet) subscription(*testing.T) []byte {
	const backport = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
	return fmt.Appendf(nil, `{"resourceType":"Subscription","status":"requested","reason":"nouveaux documents",
"criteria":"https://profiles.ihe.net/ITI/DSUBm/SubscriptionTopic/DSUBm-SubscriptionTopic-DocumentReference-PatientDependent",
"_criteria":{"extension":[{"url":"`+backport+`backport-filter-criteria","valueString":"DocumentReference?patient=Patient/%s"}]},
"channel":{"type":"rest-hook","endpoint":"http://127.0.0.1:9/hook","payload":"application/fhir+json",
"_payload":{"extension":[{"url":"`+backport+`backport-payload-content","valueCode":"id-only"}]}}}`, s.alice.Record)
}

// leave writes the answers, and index.tsv: file, kind, profiles.
func (s *servedSet) leave(t *testing.T) {
	t.Helper()
	out := os.Getenv("PASSERELLE_FHIR_OUT")
	var index strings.Builder
	for _, f := range s.files {
		if f.name[len(f.name)-4:] == "json" && !json.Valid(f.body) {
			t.Errorf("%s: no JSON", f.row.kind)
		}
		fmt.Fprintf(&index, "%s\t%s\t%s\n", f.name, f.row.kind, f.row.profiles)
		if out == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(out, f.name), f.body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out != "" {
		if err := os.WriteFile(filepath.Join(out, "index.tsv"), []byte(index.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
