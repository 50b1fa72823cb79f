package sandbox

import (
	"net/http"
	"strings"
	"testing"
)

// The home page fills alice's health book, once: every section but her wishes has entries,
// each of which the rules of the profile take.
func TestFillBook(t *testing.T) {
	t.Parallel()
	_, server := open(t, Options{})
	k := asker{t, server.URL}
	for range 2 {
		resp, err := http.Post(server.URL+"/sandbox/book", "application/x-www-form-urlencoded", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK { // of the home page that it leads to
			t.Fatal(resp.Status)
		}
	}
	for section, want := range map[string]int{"allergies": 2, "antecedents": 2, "traitements": 1, "mesures": 24, "entourage": 2} {
		got := string(k.as("alice", "GET", "/api/v1/records/"+recordID("alice")+"/profile/"+section, ""))
		if n := strings.Count(got, `"kind":`); n != want {
			t.Errorf("%s: %d entries: %s", section, n, got)
		}
	}
}
