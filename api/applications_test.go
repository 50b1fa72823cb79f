package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir/iua"
)

// TestApplications: the holder authorises applications of the catalogue within what they
// may have, sees every grant, and takes it back; each change stands in the history.
func TestApplications(t *testing.T) {
	w := newWorld(t)
	const report, other = "11502-2^^2.16.840.1.113883.6.1", "34133-9^^2.16.840.1.113883.6.1"
	w.server.Rights.Listed = []authz.Application{
		{Client: "tracker", Name: "Suivi", Publisher: "Exemple SAS", Reach: "DocumentReference.rs Immunization.crs", Types: []string{report}, Longest: 90 * 24 * time.Hour},
	}
	catalogue := w.want(w.holder(), "GET", "/api/v1/applications", "", "200")
	if got := fmt.Sprint(catalogue); !strings.Contains(got, "longest:90") || !strings.Contains(got, "patient/Immunization.crs") {
		t.Errorf("catalogue %s", got)
	}
	day := func(days int) string { return time.Now().AddDate(0, 0, days).UTC().Format(time.DateOnly) }
	for body, want := range map[string]string{
		`{"scopes":["patient/DocumentReference.rs"]}`: "200",
		`{"scopes":["patient/DocumentReference.s","patient/Immunization.cs"],"types":["` + report + `"],"expires":"` + day(30) + `"}`: "200",
		`{}`:                          "422 JSON-002",
		`{"scopes":[]}`:               "422 JSON-002",
		`{"scopes":["patient/*.rs"]}`: "422 JSON-002",
		`{"scopes":["patient/DocumentReference.cruds"]}`:                                         "422 JSON-002",
		`{"scopes":["user/DocumentReference.rs"]}`:                                               "422 JSON-002",
		`{"scopes":["patient/DocumentReference.rs","patient/List.rs"]}`:                          "422 JSON-002",
		`{"scopes":["patient/DocumentReference.rs"],"types":[]}`:                                 "422 JSON-002",
		`{"scopes":["patient/DocumentReference.rs"],"types":["` + other + `"]}`:                  "422 JSON-002",
		`{"scopes":["patient/DocumentReference.rs"],"types":["11502-2"]}`:                        "422 JSON-002",
		`{"scopes":["patient/DocumentReference.rs"],"expires":"` + day(100) + `"}`:               "422 JSON-002",
		`{"scopes":["patient/DocumentReference.rs"],"expires":"` + day(-1) + `"}`:                "422 JSON-002",
		`{"scopes":["patient/DocumentReference.rs"],"expires":"` + day(10) + `","rights":"all"}`: "422 JSON-002",
	} {
		w.want(w.holder(), "PUT", "/applications/tracker", body, want)
	}
	w.want(w.holder(), "PUT", "/applications/unknown", `{"scopes":["patient/DocumentReference.rs"]}`, "404 JSON-003")

	// Who may: the holder, not those whom he lets in, nor the application itself.
	grant := `{"scopes":["patient/DocumentReference.rs"]}`
	app := w.holder()
	app.Client, app.Scope = "tracker", "patient/*.cruds"
	narrow := doctor("traitant")
	narrow.Scope = "user/DocumentReference.cruds"
	for who, want := range map[*iua.Claims]string{
		&leo: "403 ACC-42", ref(doctor("traitant")): "403 ACC-42", ref(doctor("inconnu")): "403 ACC-42", &insurer: "403 ACC-02", &app: "403 TOK-008", &narrow: "403 TOK-008",
	} {
		w.want(*who, "PUT", "/applications/tracker", grant, want)
		w.want(*who, "DELETE", "/applications/tracker", "", want)
	}
	for _, path := range []string{"", "/history", "/applications", "/api/v1/applications"} {
		w.want(app, "GET", path, "", "403 TOK-008")
	}

	w.want(w.holder(), "PUT", "/applications/tracker", `{"scopes":["patient/DocumentReference.read"],"types":["`+report+`"],"expires":"`+day(30)+`"}`, "200")
	listed := w.want(w.holder(), "GET", "/applications", "", "200")["applications"].([]any)
	if len(listed) != 1 {
		t.Fatalf("%v", listed)
	}
	got := listed[0].(map[string]any)
	if got["active"] != true || got["name"] != "Suivi" || got["person"] != w.record || fmt.Sprint(got["scopes"], got["types"]) != "[patient/DocumentReference.rs] ["+report+"]" {
		t.Errorf("%v", got)
	}
	w.want(leo, "GET", "/applications", "", "200")
	w.want(doctor("traitant"), "GET", "/applications", "", "403 ACC-42")

	w.ahead = 40 * 24 * time.Hour
	if got := w.want(w.holder(), "GET", "/applications", "", "200")["applications"].([]any)[0].(map[string]any); got["active"] != false {
		t.Errorf("expired: %v", got)
	}
	w.want(w.holder(), "DELETE", "/applications/tracker", "", "204")
	w.want(w.holder(), "DELETE", "/applications/tracker", "", "204")
	if left := w.want(w.holder(), "GET", "/applications", "", "200")["applications"].([]any); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	history := fmt.Sprint(w.want(w.holder(), "GET", "/history", "", "200"))
	for _, line := range []string{"transaction:JSON:authorize-application", "transaction:JSON:revoke-application", "application:tracker"} {
		if !strings.Contains(history, line) {
			t.Errorf("no %s in the history", line)
		}
	}
}
