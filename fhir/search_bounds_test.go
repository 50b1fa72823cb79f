package fhir

import (
	"net/url"
	"strings"
	"testing"
)

// A key that is named again orders nothing more: the condition of a page grows with
// the square of the keys.
func TestSortKeysCountOnce(t *testing.T) {
	values := url.Values{"patient": {"1"}, "_sort": {strings.Repeat("date,-creation,_lastUpdated,", 300) + "date", "-date"}}
	s, findings := ParseSearch("DocumentReference", values, "", false)
	if len(findings) > 0 || len(s.Query.Sort) != 2 {
		t.Errorf("%d keys, %v; want the time of creation and that of the last change", len(s.Query.Sort), findings)
	}
}

func TestParametersAreBounded(t *testing.T) {
	values := url.Values{"patient": {"1"}, "author.family": make([]string, maxGiven)}
	for i := range values["author.family"] {
		values["author.family"][i] = "a"
	}
	if _, findings := ParseSearch("DocumentReference", values, "", false); len(findings) != 1 || findings[0].ID != "FHIR-008" {
		t.Errorf("%d parameters: %v", maxGiven+1, findings)
	}
	values["author.family"] = values["author.family"][1:]
	if _, findings := ParseSearch("DocumentReference", values, "", false); len(findings) != 0 {
		t.Errorf("%d parameters: %v", maxGiven, findings)
	}
}
