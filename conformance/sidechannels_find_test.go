package conformance_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
)

// The channels of searches: what is counted, listed, sorted, paged, linked.

// counts is SC-01: what is counted is what is seen.
func counts(t *testing.T, th *theatre) {
	p := th.pair(t, "masked")
	for _, w := range p.worlds {
		seen := w.findDocuments(t, w.as("dr-durand"), w.patient.INS, xds.Approved, xds.Deprecated)
		if n := len(w.findReferences(t, w.as("dr-durand"), w.patient, "").ids); n != 3 || len(seen.ids) != 3 {
			t.Errorf("%d by ITI-67, %d by ITI-18", n, len(seen.ids))
		}
		want := map[bool]int{true: 4, false: 3}[w.with]
		if held := w.findDocuments(t, w.as("dr-traitant"), w.patient.INS, xds.Approved); len(held.ids) != want {
			t.Errorf("the administrator sees %d", len(held.ids))
		}
	}
	all(t, p.ask(t, th, "dr-durand", "GET", "?patient={record}&_count=0"), `"total":3`)
	all(t, p.ask(t, th, "dr-durand", "GET", "?patient={record}&_total=estimate"), `"total":3`)
	for _, a := range p.ask(t, th, "dr-durand", "/fhir/DocumentReference", "_summary=count") {
		if !strings.Contains(a, `"total":3`) && !strings.Contains(a, `"total":0`) {
			t.Error(a)
		}
	}
	for _, a := range p.ask(t, th, "dr-durand", "FindDocuments LeafClass", "Deprecated", "$MetadataLevel") {
		if n := strings.Count(a, "<rim:ExtrinsicObject "); n != 3 {
			t.Errorf("%d ExtrinsicObjects", n)
		}
	}
}

// objectRefs is SC-02: ids alone are filtered as whole objects are.
func objectRefs(t *testing.T, th *theatre) {
	p := th.pair(t, "masked")
	none(t, p.ask(t, th, "dr-durand", "ITI-18", "ObjectRef"), "<hidden")
	for _, a := range p.ask(t, th, "dr-durand", "FindDocuments ObjectRef", "$MetadataLevel") {
		if n := strings.Count(a, "<rim:ObjectRef "); n != 3 {
			t.Errorf("%d ObjectRefs", n)
		}
	}
}

// paging is SC-18: pages without holes, to the end, of what is seen alone.
func paging(t *testing.T, th *theatre) {
	p := th.pair(t, "masked")
	for _, a := range p.ask(t, th, "dr-durand", "GET /fhir/DocumentReference", "_count=1") {
		if pages := strings.Count(a, "--- next page"); pages != 2 || strings.Count(a, `"mode":"match"`) != 3 {
			t.Errorf("%d pages", pages+1)
		}
	}
}

// searchControls is SC-20: order, missing values and joins look at what is seen.
func searchControls(t *testing.T, th *theatre) {
	for _, name := range []string{"masked", "addendum of a hidden parent", "addendum off the matrix"} {
		p := th.pair(t, name)
		for _, control := range []string{"_sort", "_include", ":missing", "relatesto", ":not="} {
			none(t, p.ask(t, th, p.readers[0], control), `"value":"urn:oid:<hidden.uid>"`) // the link repeats what was asked
		}
	}
}

// links is SC-21: a link holds what the client sent and the record, nothing of the
// filter that the gateway put before it.
func links(t *testing.T, th *theatre) {
	p := th.pair(t, "masked")
	self := regexp.MustCompile(`"relation":"self","url":"[^"]*/fhir/DocumentReference\?([^"]*)"`)
	sent := map[string]string{
		"status=current": "patient=Patient/RECORD&status=current",
		"_count=3":       "patient=Patient/RECORD&_count=3",
		"{ins.token}":    "patient=Patient/RECORD",
	}
	for asked, want := range sent {
		for _, q := range p.about(t, "GET /fhir/DocumentReference ?", asked) {
			if strings.Count(q.text, "&") > 1 || strings.Contains(q.text, "superseded") {
				continue
			}
			answer := p.same(t, th.phases, p.bearers("dr-durand", true), q)
			if m := self.FindStringSubmatch(answer); m == nil || m[1] != want {
				t.Errorf("%s: %v", q.text, m)
			}
		}
	}
}

// labels is SC-22: a mark may be asked for, and finds nothing.
func labels(t *testing.T, th *theatre) {
	for name, label := range map[string]string{"masked": "MASQUE_PS", "hidden from the patient": "INVISIBLE_PATIENT", "hidden from representatives": "INVISIBLE_REPRESENTANTS_LEGAUX"} {
		p := th.pair(t, name)
		all(t, p.ask(t, th, p.readers[0], "security-label="+label), `"total":0`)
	}
	p := th.pair(t, "masked")
	answers := p.ask(t, th, "dr-durand", "FindDocuments", "ConfidentialityCode=MASQUE_PS")
	all(t, answers, "ResponseStatusType:Success")
	none(t, answers, "<rim:ExtrinsicObject ", "<rim:ObjectRef ")
}

// noWarnings is SC-23: no answer says that something is left out.
func noWarnings(t *testing.T, th *theatre) {
	for _, name := range []string{"masked", "one of two members"} {
		p := th.pair(t, name)
		none(t, p.ask(t, th, "dr-durand", "FindDocuments", "$MetadataLevel"), "RegistryErrorList")
		none(t, p.ask(t, th, "dr-durand", "GET /fhir/DocumentReference", "status=current"), "OperationOutcome", `"mode":"outcome"`)
	}
	none(t, th.pair(t, "one of two members").ask(t, th, "dr-durand", "GetSubmissionSetAndContents", "{shared.setuid}", "FormatCode"), "RegistryErrorList")
}

// thresholds is SC-24: what bounds an answer is compared with what is seen. The
// bound of ITI-18 is the same one: a page that has a next one.
func thresholds(t *testing.T, th *theatre) {
	none(t, th.pair(t, "masked").ask(t, th, "dr-durand", "GET", "_count=3"), `"relation":"next"`)
}

// derived is SC-29: resources made of documents are not offered, whatever they are
// made of; a List is there by a member that is seen.
func derived(t *testing.T, th *theatre) {
	p := th.pair(t, "masked")
	for _, path := range []string{"/fhir/List/{hidden", "/fhir/Provenance", "$everything", "/{hidden}/_history"} {
		all(t, p.ask(t, th, "dr-durand", "GET", path), "404\n")
	}
}

// auditSearch is SC-28: what the search of the audit trail (ITI-81) tells a reader names no
// document that he may not see, and finds none by it.
func auditSearch(t *testing.T, th *theatre) {
	p := th.pair(t, "masked")
	none(t, p.ask(t, th, "dr-durand", "/fhir/AuditEvent", "_count=200"), "<hidden>")
	none(t, p.ask(t, th, "dr-durand", "/fhir/AuditEvent", "&entity=DocumentReference/{hidden}"), `"mode":"match"`)
	all(t, p.ask(t, th, "dr-durand", "GET /fhir/AuditEvent/{hidden}"), "404\n")
}

// nothingBuilt is SC-31: the server makes no document of others, and serves no
// resource but these.
func nothingBuilt(t *testing.T, th *theatre) {
	var statement struct {
		Rest []struct{ Resource []struct{ Type string } }
	}
	th.must(t, http.MethodGet, "/fhir/metadata", "", nil, &statement)
	known := []string{
		"DocumentReference", "Binary", // the documents themselves
		"List",                                                     // with members that were seen
		"Immunization", "ImmunizationRecommendation", "Provenance", // read from a document that was seen, each time
		"AllergyIntolerance", "Condition", "FamilyMemberHistory", "MedicationStatement", "Observation", "RelatedPerson", // likewise
		"Patient", "CareTeam", "Consent", // the record's own state, and the rights on it
		"AuditEvent",   // the history, as the JSON call tells it to the same reader
		"Subscription", // the subscriber's own words; what it tells is judged at each delivery
	}
	for _, r := range statement.Rest[0].Resource {
		if !slices.Contains(known, r.Type) {
			t.Errorf("%s is served: whose rights does it carry?", r.Type)
		}
	}
}
