package console_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// An access is reported from the history, the operator reads and answers it, and its
// author alone reads the answer (S4, users §2).
func TestReports(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice, leo := visitor(t, base, "patient:alice"), visitor(t, base, "delegate:alice")
	home := entered(t, alice)
	link := regexp.MustCompile(`href="([^"]+/signaler\?acces[^"]+)"`).FindStringSubmatch(alice.get(home + "/historique").body)
	if link == nil {
		t.Fatal("nothing can be reported from the history")
	}
	draft := html.UnescapeString(link[1])
	holds(t, alice.get(draft), "Un accès", "2000 caractères")
	fields, _ := url.ParseQuery(draft[strings.Index(draft, "?")+1:])
	fields.Set("texte", `Je ne connais pas ce médecin <script>alert(1)</script>`)
	sent := moved(t, alice, alice.post(draft, home+"/signaler", fields))
	holds(t, sent, "Reçu", "&lt;script&gt;alert(1)")
	lacks(t, sent, "<script>alert")
	operator := bearer(t, base, ask{"as": "operateur"})
	var open struct {
		Reports []struct{ Number, Text, About, State string }
	}
	if answer := send(t, http.MethodGet, base+"/api/v1/reports", operator, ""); json.Unmarshal([]byte(answer), &open) != nil || len(open.Reports) != 1 || open.Reports[0].About != "access" {
		t.Fatalf("the operator reads %s", answer)
	}
	one := base + "/api/v1/reports/" + open.Reports[0].Number
	for _, as := range []string{"dr-traitant", "patient:alice"} {
		other := bearer(t, base, ask{"as": as, "patient": "alice"})
		if got := send(t, http.MethodGet, base+"/api/v1/reports", other, "") + send(t, http.MethodPut, one, other, `{"answer":"x"}`); strings.Count(got, `"code":"OPS-001"`) != 2 || strings.Contains(got, "connais") {
			t.Errorf("%s: %s", as, got)
		}
	}
	if got := send(t, http.MethodPut, one, operator, ``); !strings.Contains(got, `"handled"`) {
		t.Errorf("taken up: %s", got)
	}
	holds(t, alice.get(home+"/signalements"), "En cours de traitement")
	send(t, http.MethodPut, one, operator, `{"answer":"Ce médecin a reçu un rappel à la loi."}`)
	holds(t, alice.get(home+"/signalements"), "Clos", "rappel à la loi")
	if !wrote(t, base, "alice@sandbox.invalid", open.Reports[0].Number) || wrote(t, base, "alice@sandbox.invalid", "rappel à la loi") {
		t.Errorf("e-mails: %v", letters(t, base, "alice@sandbox.invalid"))
	}
	// What is not seen cannot be reported, and a delegate reports nothing.
	unknown := url.Values{"document": {"3f8c6a52-0000-4000-8000-000000000000"}, "texte": {"x"}}
	if got := alice.post(draft, home+"/signaler", unknown); got.status != http.StatusNotFound {
		t.Errorf("an unknown document: %d", got.status)
	}
	gina := visitor(t, base, "patient:gina")
	traitant := ask{"as": "dr-traitant", "patient": "gina"}
	seen := strings.Join(searches(t, base, ask{"as": "patient:gina", "patient": "gina"}).ids, " ")
	mine := logical(t, base, ask{"as": "patient:alice", "patient": "alice"}, searches(t, base, ask{"as": "patient:alice", "patient": "alice"}).ids[0])
	holds(t, alice.get(home+"/documents/"+mine), home+"/signaler?document="+mine)
	lacks(t, leo.get(home+"/documents/"+mine), "/signaler")
	holds(t, alice.get(home+"/signaler?document="+mine), "Un document")
	holds(t, alice.get(home+"/historique"), home+"/signalements")
	lacks(t, leo.get(home+"/historique"), "/signalements")
	for _, id := range searches(t, base, traitant).ids {
		path := entered(t, gina) + "/signaler?document=" + logical(t, base, traitant, id)
		if got := gina.get(path); (got.status == http.StatusOK) != strings.Contains(seen, id) {
			t.Errorf("%s: %d", id, got.status)
		}
	}
	if got := alice.post(draft, home+"/signaler", url.Values{"acteur": {castID(t, base, "dr-durand")}, "texte": {strings.Repeat("é", 2001)}}); got.status != http.StatusUnprocessableEntity {
		t.Errorf("too long: %d", got.status)
	}
	if got := leo.post(home+"/acces/proches", home+"/signaler", fields); got.status != http.StatusForbidden {
		t.Errorf("a delegate reports: %d", got.status)
	}
	lacks(t, leo.get(home+"/signalements"), "connais pas")
	s := look(t, base, "patient:alice")
	s.open(draft)
	s.everyWidth("report-form")
	s.open(home + "/signalements")
	s.everyWidth("report-list")
}
