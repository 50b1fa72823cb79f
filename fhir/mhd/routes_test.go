package mhd

import "testing"

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
