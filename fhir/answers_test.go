package fhir

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// admitSet admits a SubmissionSet through a member, as the registry does.
func admitSet(t testing.TB, set xds.SubmissionSet, member authz.Visible[xds.Document]) authz.Visible[xds.SubmissionSet] {
	t.Helper()
	seen := authz.NewSeen(openScope(t))
	seen.Document(member)
	d, _ := member.Value()
	v, ok := seen.AdmitSet(set, []string{d.Entry.EntryUUID})
	if !ok {
		t.Fatal("set not admitted")
	}
	return v
}

// answers are one of each thing that the package writes.
func answers(t testing.TB) map[string][]byte {
	t.Helper()
	plain, odd := crDocument(), crDocument()
	odd.Entry.AvailabilityStatus, odd.Entry.LegalAuthenticator = xds.Archived, "^\"x\\\x01^"
	odd.Entry.LogicalID, odd.Entry.CreationTime, odd.Entry.TypeCode.Scheme = "urn:uuid:22222222-2222-4333-8444-555555555555", "2026061208", "Connect-a-thon codes"
	docs := admit(t, plain, odd)
	set := admitSet(t, xds.SubmissionSet{
		EntryUUID: "urn:uuid:33333333-2222-4333-8444-555555555555", UniqueID: "1.2.3.4", SourceID: "1.2.3", PatientID: plain.Entry.PatientID, SubmissionTime: "20260612080500",
		ContentType: xds.Code{Value: "04", Scheme: "1.2.250.1.213.2.2"}, Title: "Sortie", Comments: "x", Authors: plain.Entry.Authors[:1],
	}, docs[0])
	total := 12
	findings := xds.Errors{{ID: "ACC-04"}, {ID: "META-003", Where: "Bundle.entry[1].resource.type", Found: "x", Expected: "y"}, {ID: "META-018", Severity: xds.SeverityWarning}}
	before, after := AppendBinary(nil, docs[0])
	relations := func(v authz.Visible[xds.Document]) []Relation { return []Relation{{xds.TransReplace, v}} }
	return map[string][]byte{
		"document":  AppendDocumentReference(nil, docs[1], testBase, Relation{xds.Appends, docs[0]}),
		"searchset": AppendSearchset(nil, Searchset{Base: testBase, Self: testBase + "/DocumentReference?x", Next: testBase + "/DocumentReference?y", Total: &total, Warnings: findings[2:]}, docs, relations),
		"empty":     AppendSearchset(nil, Searchset{Base: testBase, Self: testBase}, nil, nil),
		"outcome":   AppendOutcome(nil, findings, true),
		"response":  AppendTransactionResponse(nil, testBase, []EntryResponse{{Status: "201 Created", Location: "List/1", ETag: `W/"1"`, Outcome: findings[2:]}, {Status: "200 OK"}}),
		"list":      AppendList(nil, List{Set: set, Documents: docs, Record: testRecord, Changed: time.Unix(0, 0)}),
		"capability": AppendCapability(nil, Capability{
			Base: testBase, Software: "1.0", Date: time.Unix(0, 0), Interaction: []string{"transaction"},
			Resources: []ResourceCapability{{Type: "DocumentReference", Profiles: DocumentProfiles(), Interaction: []string{"read"}, Params: DocumentParams(), Operations: []string{"generate-metadata"}}},
		}),
		"binary": append(append(before, "SGVsbG8="...), after...),
	}
}

// TestAnswersReadStrictly: the product's own reader finds nothing wrong with what
// the product writes.
func TestAnswersReadStrictly(t *testing.T) {
	for name, raw := range answers(t) {
		if _, findings := ReadResource(strings.NewReader(string(raw)), 1<<20); len(findings) > 0 {
			t.Errorf("%s: %v\n%s", name, findings, raw)
		}
	}
}

// TestAnswersFollowTheSchema asks the JSON Schema of FHIR R4 as a second opinion. It
// is no part of the repository: FHIR_SCHEMA names fhir.schema.json where there is one.
func TestAnswersFollowTheSchema(t *testing.T) {
	path := os.Getenv("FHIR_SCHEMA")
	if path == "" {
		return
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The copy in npm refers to two types that it does not define.
	whole := strings.Replace(string(raw), `"definitions": {`, `"definitions": {"integer64": {}, "Resource": {},`, 1)
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("fhir.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("fhir.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range answers(t) {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOutcome(t *testing.T) {
	var got struct {
		ResourceType string
		Issue        []struct {
			Severity, Code, Diagnostics string
			Details                     struct {
				Coding []struct{ System, Code string }
			}
			Expression []string
		}
	}
	precondition := string(AppendOutcome(nil, xds.Errors{{ID: "C-11"}}, false))
	if !strings.Contains(precondition, `"text":"C-11 `) {
		t.Errorf("the text of a precondition does not start with its code: %s", precondition)
	}
	raw := AppendOutcome(nil, xds.Errors{{ID: "META-003", Where: "DocumentReference.type", Found: "x"}}, true)
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	issue := got.Issue[0]
	if issue.Severity != "error" || issue.Code != "business-rule" || issue.Expression[0] != "DocumentReference.type" || !strings.Contains(issue.Diagnostics, "trouvé") {
		t.Errorf("%+v", issue)
	}
	codes := []string{issue.Details.Coding[0].System + "|" + issue.Details.Coding[0].Code, issue.Details.Coding[1].Code}
	if !slices.Equal(codes, []string{ProblemSystem + "|META-003", "XDSRepositoryMetadataError"}) {
		t.Errorf("codings %v", codes)
	}
}

func TestStatusOfFindings(t *testing.T) {
	for want, ids := range map[int][]string{
		http.StatusOK: {}, http.StatusBadRequest: {"META-003", "FHIR-001"}, http.StatusForbidden: {"ACC-04"},
		http.StatusUnprocessableEntity: {"META-003"}, http.StatusInternalServerError: {"FHIR-001", "INT-001"}, http.StatusConflict: {"REG-003", "META-001"},
	} {
		var errs xds.Errors
		for _, id := range ids {
			errs.Add(&xds.Error{ID: id})
		}
		errs.Add(&xds.Error{ID: "META-018", Severity: xds.SeverityWarning})
		if got := Status(errs); got != want {
			t.Errorf("%v: %d", ids, got)
		}
	}
}

// TestCapabilitySaysWhatWorks: the announced parameters are those that parse.
func TestCapabilitySaysWhatWorks(t *testing.T) {
	n := read(t, answers(t)["capability"], "CapabilityStatement")
	announced := 0
	for _, p := range root(n).follow("rest[0].resource[0].searchParam").each() {
		announced++
		if _, ok := searchTables["DocumentReference"][p.Str("name")]; !ok {
			t.Errorf("%s does not work", p.Str("name"))
		}
	}
	if announced < 20 {
		t.Errorf("%d parameters announced", announced)
	}
}

// TestNothingIsWrittenForNobody: without a Visible there is no resource at all.
func TestNothingIsWrittenForNobody(t *testing.T) {
	var none authz.Visible[xds.SubmissionSet]
	if got := AppendList(nil, List{Set: none, Record: testRecord}); len(got) != 0 {
		t.Errorf("wrote %s", got)
	}
	if before, after := AppendBinary(nil, authz.Visible[xds.Document]{}); len(before)+len(after) != 0 {
		t.Errorf("wrote %s", before)
	}
	if got := AppendSearchset(nil, Searchset{Base: testBase}, make([]authz.Visible[xds.Document], 3), nil); strings.Contains(string(got), "entry") {
		t.Errorf("wrote %s", got)
	}
}
