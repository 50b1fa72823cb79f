package mhd

import (
	"regexp"
	"strings"
	"testing"
)

// A path is compared segment by segment, and _search or an operation is no id.
func TestMatch(t *testing.T) {
	for _, row := range []struct {
		pattern, path string
		id, vid       string
		ok            bool
	}{
		{"", "", "", "", true},
		{"", "metadata", "", "", false},
		{"List/{id}", "List/a-1", "a-1", "", true},
		{"List/{id}", "List", "", "", false},
		{"List/{id}", "List/", "", "", false},
		{"List/{id}", "List/_search", "", "", false},
		{"List/{id}", "List/a/b", "", "", false},
		{"List/{id}/_history/{vid}", "List/a/_history/2", "a", "2", true},
		{"List/{id}/_history/{vid}", "List/a/_history", "", "", false},
		{"List/{id}/_history/{vid}", "List/a", "", "", false},
		{"Subscription/{id}/$status", "Subscription/a/$status", "a", "", true},
		{"Subscription/$status", "Subscription/{id}", "", "", false},
		{"List", "List/a", "", "", false},
	} {
		id, vid, ok := match(row.pattern, row.path)
		if ok != row.ok || ok && (id != row.id || vid != row.vid) {
			t.Errorf("%s on %s: %q %q %v", row.path, row.pattern, id, vid, ok)
		}
	}
}

// TestRoutesAsk: each route that takes a token asks for something that scopes can name,
// else no token with scopes could ever take it, and the SMART configuration would not
// speak of it.
func TestRoutesAsk(t *testing.T) {
	for _, rt := range routes {
		if asked := rt.asks(); !rt.open && (asked.Resource == "" || asked.Letter == "") {
			t.Errorf("%s %s: %s asks for nothing that a scope names", rt.method, rt.path, rt.interaction)
		}
	}
	scopes := supported([]route{
		{resource: "DocumentReference", interaction: "read"}, {resource: "DocumentReference", interaction: "search-type"}, {interaction: "transaction"},
		{resource: "AuditEvent", interaction: "search-type"}, {resource: "List", interaction: "read", open: true},
	})
	if got, want := strings.Join(scopes, " "), "patient/DocumentReference.crs user/AuditEvent.s user/DocumentReference.crs"; got != want {
		t.Errorf("scopes %s, want %s", got, want)
	}
}

// TestOperationIDs: a generator makes a method of each, so that they are names, and no
// two are the same.
func TestOperationIDs(t *testing.T) {
	seen := map[string]bool{}
	name := regexp.MustCompile(`^[a-z][A-Za-z0-9]+$`)
	for _, rt := range routes {
		id := rt.operationID()
		if seen[id] || !name.MatchString(id) {
			t.Errorf("%s %s: %q", rt.method, rt.path, id)
		}
		seen[id] = true
	}
	for _, id := range []string{"postTransaction", "getImmunizationByIdHistoryByVid", "postDocumentReferenceSearch", "postDocumentReferenceGenerateMetadata"} {
		if !seen[id] {
			t.Errorf("no %s", id)
		}
	}
}
