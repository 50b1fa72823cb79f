package fhir

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func subset(t *testing.T, n *Node, query string) *Node {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseSubset(values)
	if err != nil {
		t.Fatal(err)
	}
	return s.of(n)
}

// names are the properties of a resource.
func names(n *Node) string {
	var all []string
	for _, m := range n.Members {
		all = append(all, m.Name)
	}
	return strings.Join(all, " ")
}

// TestSubsets: what is mandatory, what changes the meaning of the rest and what is
// referred to stays, the result is a resource of R4, and it says that it is a part.
func TestSubsets(t *testing.T) {
	patient := read(t, []byte(strings.Replace(file(t, "patient.json"), `"active":true`, `"active":true,"photo":[{"contentType":"image/png","title":"x"}]`, 1)))
	whole := content(patient)
	document := read(t, answers(t)["document"])
	for _, c := range []struct {
		resource    *Node
		query, want string
	}{
		{patient, "_summary=true", "resourceType id meta modifierExtension active birthDate _birthDate name _gender managingOrganization contained"},
		{patient, "_summary=text", "resourceType id meta text modifierExtension active"},
		{patient, "_summary=data", "resourceType id meta contained modifierExtension extension active photo birthDate _birthDate name _gender managingOrganization multipleBirthInteger"},
		{patient, "_elements=name,%20photo,nothing", "resourceType id meta modifierExtension active photo name"},
		{patient, "_elements=Patient.managingOrganization", "resourceType id meta modifierExtension active managingOrganization contained"},
		{patient, "_elements=multipleBirth", "resourceType id meta modifierExtension active multipleBirthInteger"},
		{document, "_summary=text", "resourceType id meta status content"},
		{document, "_elements=subject", "resourceType id meta status subject content"},
	} {
		part := subset(t, c.resource, c.query)
		if diff := cmp.Diff(c.want, names(part)); diff != "" {
			t.Errorf("%s of %s: %s", c.query, c.resource.ResourceType(), diff)
		}
		if tag := root(part).get("meta").get("tag"); tag.At(tag.length()-1).Str("code") != "SUBSETTED" {
			t.Errorf("%s: not marked: %s", c.query, AppendJSON(nil, part, false))
		}
		if root(part).get("meta").get("profile").there() {
			t.Errorf("%s: a part claims the profiles of the whole", c.query)
		}
		read(t, AppendJSON(nil, part, false))
	}
	if content(patient) != whole {
		t.Error("the whole was changed")
	}
	for _, query := range []string{"", "_summary=false", "_summary=count"} {
		if subset(t, patient, query) != patient {
			t.Errorf("%q is a part", query)
		}
	}
	for _, query := range []string{"_summary=all", "_elements=" + strings.Repeat("a,", 2000)} {
		values, _ := url.ParseQuery(query)
		if _, err := ParseSubset(values); err == nil {
			t.Errorf("%.20s is taken", query)
		}
	}
}

// TestSummaryGoesDown: what a summary leaves out of a data type is left out of all of them.
func TestSummaryGoesDown(t *testing.T) {
	part := root(subset(t, read(t, answers(t)["document"]), "_summary=true"))
	if context := part.get("context"); !context.get("period").there() || context.get("facilityType").there() {
		t.Errorf("context: %s", AppendJSON(nil, part.Node, true))
	}
	if part.get("author").there() && len(part.get("contained").Items) == 0 {
		t.Error("a reference leads nowhere")
	}
}

// TestSubsetOfABundle: that of the resources found; the envelope stays, and so does an outcome.
func TestSubsetOfABundle(t *testing.T) {
	set := read(t, answers(t)["searchset"])
	part := subset(t, set, "_elements=type")
	if names(part) != names(set) || len(part.Get("entry").Items) != len(set.Get("entry").Items) {
		t.Errorf("%s", AppendJSON(nil, part, false))
	}
	if first := part.Get("entry").At(0); names(first.Get("resource")) != "resourceType id meta status type content" || first.Str("fullUrl") == "" {
		t.Errorf("%s", AppendJSON(nil, first, false))
	}
	read(t, AppendJSON(nil, part, false), "Bundle")
}
