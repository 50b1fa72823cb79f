package conformance_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The profiles that hold a whole answer, which no answer claims by itself.
const (
	mhdProfile       = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD."
	findResponse     = mhdProfile + "FindDocumentReferencesComprehensiveResponseMessage"
	provideResponse  = mhdProfile + "ProvideDocumentBundleResponse"
	servedAlice      = "{alice}"    // in a path: alice's record
	servedDocument   = "{document}" // one of her documents
	servedOwnProfile = ""           // what the resource claims by itself, and R4
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
	{"DocumentReference, read", "dr-traitant", "GET", "DocumentReference/{document}", nil, 200, servedOwnProfile},
	{"ITI-65, response", "chu-lille", "POST", "", (*servedSet).bundle, 200, provideResponse},
	{"Patient, searchset", "dr-traitant", "GET", "Patient?_id={alice}", nil, 200, servedOwnProfile},
	{"Patient, read by the patient", "patient:alice", "GET", "Patient/{alice}", nil, 200, servedOwnProfile},
	{"CareTeam, searchset", "patient:alice", "GET", "CareTeam?patient={alice}", nil, 200, servedOwnProfile},
	{"Consent, searchset", "patient:alice", "GET", "Consent?patient={alice}", nil, 200, servedOwnProfile},
	{"AuditEvent, searchset", "patient:alice", "GET", "AuditEvent?patient={alice}&_count=200", nil, 200, servedOwnProfile},
	{"Immunization, searchset", "dr-traitant", "GET", "Immunization?patient={alice}&_revinclude=Provenance:target", nil, 200, servedOwnProfile},
	{"Immunization, created", "dr-traitant", "POST", "Immunization", (*servedSet).vaccination, 201, servedOwnProfile},
	{"Immunization, not done, of the patient", "patient:alice", "POST", "Immunization", (*servedSet).refusal, 201, servedOwnProfile},
	{"ImmunizationRecommendation, searchset", "patient:alice", "GET", "ImmunizationRecommendation?patient={alice}", nil, 200, servedOwnProfile},
	{"ImmunizationRecommendation, read", "dr-traitant", "GET", "ImmunizationRecommendation/{alice}", nil, 200, servedOwnProfile},
	{"OperationOutcome, 400", "dr-traitant", "GET", "DocumentReference?status=current", nil, 400, servedOwnProfile},
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
	s.document = kitBare(s.held(t, "alice")[0].LogicalID)
	for _, row := range servedRows {
		t.Run(row.kind, func(t *testing.T) { s.ask(t, row) })
	}
	s.leave(t)
}

// servedSet is the sandbox that serves, and what it served.
type servedSet struct {
	*kit
	alice    kitPatient
	document string
	files    []servedFile
}

type servedFile struct {
	name string
	row  servedRow
	body []byte
}

// forms are the media types in which every answer is asked for.
var forms = []struct{ extension, mediaType string }{{"json", kitJSON}}

func (s *servedSet) ask(t *testing.T, row servedRow) {
	path := strings.NewReplacer(servedAlice, s.alice.Record, servedDocument, s.document).Replace(row.path)
	for _, form := range forms {
		token, header := "", http.Header{"Accept": {form.mediaType}}
		if row.as != "" {
			token = s.token(t, kitClaims{As: row.as, Patient: s.alice.Name})
		}
		var body []byte
		if row.body != nil {
			body = row.body(s, t)
			header.Set("Content-Type", kitJSON)
		}
		r := s.send(t, row.method, strings.TrimSuffix("/fhir/"+path, "/"), token, header, body)
		if kind := r.header.Get("Content-Type"); r.status != row.status || !strings.HasPrefix(kind, form.mediaType) {
			t.Errorf("%s: %d %s, want %d %s: %.500s", form.extension, r.status, kind, row.status, form.mediaType, r.body)
			continue
		}
		s.files = append(s.files, servedFile{fmt.Sprintf("%03d.%s", len(s.files), form.extension), row, r.body})
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

// vaccination is one with all that a note can hold.
func (s *servedSet) vaccination(*testing.T) []byte {
	return []byte(`{"resourceType":"Immunization","contained":[{"resourceType":"Observation","id":"o","status":"final","code":{"text":"réaction"},
 "valueCodeableConcept":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"R50.2","display":"Drug-induced fever"}],"text":"Fièvre"}}],
 "identifier":[{"system":"https://lgc.example/vaccinations","value":"v-1"}],"status":"completed",
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
