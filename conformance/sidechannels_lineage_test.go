package conformance_test

import (
	"regexp"
	"strings"
	"testing"
)

// The channels of what binds documents to one another.

// associations is SC-07: an association with a hidden end is not there.
func associations(t *testing.T, th *theatre) {
	p := th.pair(t, "addendum of a hidden parent")
	none(t, p.ask(t, th, "podo-paul", "GET /fhir/DocumentReference/{late}"), "relatesTo")
	for _, a := range p.ask(t, th, "podo-paul", "GetSubmissionSetAndContents LeafClass", "{late.setuid}") {
		if n := strings.Count(a, "<rim:Association "); n != 1 {
			t.Errorf("%d associations", n)
		}
	}
	none(t, p.ask(t, th, "podo-paul", "GetAssociations LeafClass", "{late}"), "AssociationType:APND")
	none(t, p.ask(t, th, "podo-paul", "GetRelatedDocuments", "{late}"), "<rim:Association ", "<rim:ObjectRef ")
	for _, w := range p.worlds { // whoever sees both ends sees it
		if whole := w.readReference(t, w.as("dr-durand"), w.ids["late"]).whole; strings.Contains(whole, "relatesTo") != w.with {
			t.Error(whole)
		}
	}
}

// lineages is SC-08: marks are the lineage's, in whatever order it is masked and
// replaced. What remains is accepted: a replacement of a type that the reader's matrix
// has not leaves its predecessor superseded, and nothing else.
func lineages(t *testing.T, th *theatre) {
	for _, name := range []string{"masked, then replaced", "replaced, then masked"} {
		p := th.pair(t, name)
		for _, ask := range []string{"FindDocuments", "GetDocuments", "status=", "GET /fhir/DocumentReference/{hidden"} {
			none(t, p.ask(t, th, "dr-durand", ask), "<hidden")
		}
	}
	p := th.pair(t, "replaced off the matrix")
	var told [2]string
	when := regexp.MustCompile(`PHASE-\d`)
	for i, b := range p.bearers("podo-paul", true) {
		w := p.worlds[i]
		whole := w.normal(th.phases).answer(w.readReference(t, b, w.ids["two"]).whole)
		if strings.Contains(whole, "hidden") || strings.Contains(whole, `"status":"superseded"`) != w.with || !strings.Contains(whole, `"versionId":"1"`) {
			t.Error(whole)
		}
		whole = strings.Replace(whole, `"status":"superseded"`, `"status":"current"`, 1)
		told[i] = regexp.MustCompile(`Content-Length: \d+`).ReplaceAllString(when.ReplaceAllString(whole, "PHASE"), "Content-Length")
	}
	if told[0] != told[1] {
		t.Errorf("a replacement off the matrix shows more than it may:\n%s", differing(told[0], told[1]))
	}
}

// hiddenChildren is SC-09: a visible parent does not tell of its hidden children.
func hiddenChildren(t *testing.T, th *theatre) {
	for _, name := range []string{"addendum off the matrix", "transform off the matrix"} {
		p := th.pair(t, name)
		none(t, p.ask(t, th, "podo-paul", "{one.setuid}"), "<hidden")
		none(t, p.ask(t, th, "podo-paul", "GET /fhir/DocumentReference/{one}"), "<hidden", "relatesTo")
	}
}

// untouchedParents is SC-10: neither the version nor the instant of a parent moves
// when a hidden child is filed.
func untouchedParents(t *testing.T, th *theatre) {
	for _, name := range []string{"addendum off the matrix", "transform off the matrix"} {
		for _, a := range th.pair(t, name).ask(t, th, "podo-paul", "GET /fhir/DocumentReference/{one}") {
			if strings.HasPrefix(a, "200") && !strings.Contains(a, `"versionId":"1","lastUpdated":"PHASE-2"`) {
				t.Error(a)
			}
			if !strings.Contains(a, "Last-Modified: PHASE-2") || !strings.Contains(a, `Etag: W/"1"`) {
				t.Error(a)
			}
		}
	}
}

// randomIDs is SC-19: what the gateway names itself it names at random: the
// metadata version that an act makes, a record.
func randomIDs(t *testing.T, th *theatre) {
	random := regexp.MustCompile(`^(urn:uuid:)?[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for _, w := range th.pair(t, "masked by an act").worlds {
		if !random.MatchString(w.patient.Record) {
			t.Errorf("record %s", w.patient.Record)
		}
		for _, e := range w.getDocuments(t, w.as("patient"), w.ids["hidden.uid"]).entries {
			if !random.MatchString(e.EntryUUID) || e.EntryUUID == e.LogicalID {
				t.Errorf("version %s of %s", e.EntryUUID, e.LogicalID)
			}
		}
	}
}

// companions is SC-42: who wrote one document of a lot sees that one alone.
func companions(t *testing.T, th *theatre) {
	w := th.pair(t, "residuals").worlds[0]
	masked := []string{"MASQUE_PS"}
	w.deposit(t, "chu-lille", member{name: "written", author: "dr-hopital", marks: masked}, member{name: "hidden companion", marks: masked})
	found := w.query(t, w.as("dr-hopital"), "GetSubmissionSetAndContents", kitParam("$XDSSubmissionSetUniqueId", w.ids["written.setuid"]))
	if len(found.ids) != 1 || found.ids[0] != w.ids["written.uid"] || strings.Contains(found.whole, secretWord) {
		t.Errorf("%v %s", found.ids, found.whole)
	}
	if got := w.retrieveSet(t, w.as("dr-hopital"), w.ids["written.uid"], w.ids["hidden companion.uid"]); len(got.ids) != 1 {
		t.Errorf("retrieves %v", got.ids)
	}
}
