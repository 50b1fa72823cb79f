package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/xds"
)

const attested = `{"attested":true}`

func (w *world) act(who iua.Claims, id, act, body, want string) map[string]any {
	w.t.Helper()
	return w.want(who, "POST", "/documents/"+id+"/"+act, body, want)
}

// TestActsByID: a document goes by its logicalId and by any entryUUID, with or
// without prefix; an act that changes something makes a version, a repeated one none.
func TestActsByID(t *testing.T) {
	w := newWorld(t)
	id := w.document(doctor("durand"))
	version := func(answer map[string]any, want int) string {
		t.Helper()
		if answer["logicalId"] != id || fmt.Sprint(answer["version"]) != fmt.Sprint(want) {
			t.Errorf("%v, want version %d of %s", answer, want, id)
		}
		return fmt.Sprint(answer["entryUUID"])
	}
	second := version(w.act(w.holder(), id, "mask", "", "200"), 2)
	version(w.act(w.holder(), strings.TrimPrefix(id, "urn:uuid:"), "mask", "", "200"), 2)
	version(w.act(w.holder(), strings.TrimPrefix(second, "urn:uuid:"), "unmask", "", "200"), 3)
	version(w.act(w.holder(), second, "archive", "", "200"), 4)
	version(w.act(w.holder(), id, "archive", "", "200"), 4)
	version(w.act(w.holder(), id, "unarchive", "", "200"), 5)
	version(w.act(w.holder(), id, "unarchive", "", "200"), 5)
	version(w.act(doctor("durand"), second, "delete", "", "200"), 6)
	w.act(doctor("durand"), id, "delete", "", "404 JSON-003")
	w.act(w.holder(), id, "shred", "", "404 JSON-003")
}

// TestActsRefused: the code of each act on a document that is seen, and the answer
// of an unknown id for one that is not (policy §0.2, §0.3).
func TestActsRefused(t *testing.T) {
	w := newWorld(t)
	plain, hidden := w.document(chu), w.document(chu, xds.MarkHiddenPatient)
	w.want(nadia, "PUT", "/links/nadia", `{"basis":"team","attested":true}`, "200")
	for _, c := range []struct {
		who       iua.Claims
		id, act   string
		body      string
		want, why string
	}{
		{nadia, plain, "mask", attested, "403 ACC-39", "not his"},
		{nadia, plain, "archive", "", "403 ACC-39", "not his"},
		{nadia, plain, "reveal-patient", "", "403 ACC-39", "not his"},
		{nadia, plain, "delete", "", "403 ACC-34", "not his"},
		{leo, plain, "mask", "", "403 ACC-37", "a delegate"},
		{w.holder(), plain, "reveal-representatives", "", "403 ACC-37", "the holder reveals nothing"},
		{w.holder(), plain, "delete", "", "403 ACC-34", "of a professional"},
		{doctor("traitant"), plain, "delete", "", "403 ACC-34", "the administrator is no author"},
		{chu, plain, "mask", attested, "403 ACC-03", "a structure"},
		{doctor("traitant"), plain, "mask", "", "422 C-11", "no attestation"},
		{doctor("traitant"), plain, "unmask", `{"attested":false}`, "422 C-11", "no attestation"},
		{doctor("traitant"), hidden, "mask", attested, "422 C-02", "cumul"},
		{w.holder(), hidden, "mask", "", "404 JSON-003", "hidden from him"},
		{doctor("inconnu"), plain, "mask", attested, "404 JSON-003", "no link"},
		{doctor("traitant"), plain, "mask", `{"attested":1}`, "422 JSON-002", "no boolean"},
	} {
		w.act(c.who, c.id, c.act, c.body, c.want)
	}
	same := func(path string) string {
		return w.ask(w.holder(), "POST", path, "").Body.String()
	}
	if hidden, unknown := same("/documents/"+hidden+"/unmask"), same("/documents/"+newID()+"/unmask"); hidden != unknown {
		t.Errorf("hidden %s, unknown %s", hidden, unknown)
	}
	w.act(doctor("traitant"), hidden, "reveal-patient", "", "200")
	w.act(w.holder(), hidden, "mask", "", "200")
}

func (w *world) history(who iua.Claims, query string) []map[string]any {
	w.t.Helper()
	answer := w.want(who, "GET", "/history"+query, "", "200")
	list, ok := answer["entries"].([]any)
	if !ok {
		w.t.Fatalf("%s: %v", query, answer)
	}
	var entries []map[string]any
	for _, e := range list {
		entries = append(entries, e.(map[string]any))
	}
	return entries
}

func TestHistory(t *testing.T) {
	w := newWorld(t)
	hidden := w.document(chu, xds.MarkHiddenPatient)
	emergency := doctor("inconnu")
	emergency.Mode, emergency.Reason = "bris_de_glace", "détresse"
	w.want(emergency, "GET", "/history", "", "403 ACC-07")
	w.want(doctor("inconnu"), "POST", "/documents/"+hidden+"/mask", attested, "404 JSON-003")

	own := w.history(doctor("inconnu"), "")
	if len(own) != 2 || own[0]["action"] != "mask" || own[0]["outcome"] != "deny" || own[0]["document"] != nil || own[0]["own"] != true ||
		own[1]["mode"] != "bris_de_glace" || own[1]["outcome"] != "deny" || own[1]["reason"] != "détresse" {
		t.Errorf("own lines: %v", own)
	}
	about := func(entries []map[string]any) (n int) {
		for _, e := range entries {
			if e["document"] == hidden {
				n++
			}
		}
		return n
	}
	if all := w.history(doctor("traitant"), ""); about(all) != 2 {
		t.Errorf("the administrator reads %d lines of the hidden document, want its deposit and the act", about(all))
	}
	if lines := w.history(w.holder(), "?actor=inconnu"); len(lines) != 2 { // bris de glace, own history; not the act
		t.Errorf("before the reveal: %v", lines)
	}
	w.act(doctor("traitant"), hidden, "reveal-patient", "", "200")
	if lines := w.history(w.holder(), ""); about(lines) != 3 {
		t.Errorf("after the reveal: %d lines of the document, want 3", about(lines))
	}
	w.want(chu, "GET", "/history", "", "403 ACC-03")
	w.want(insurer, "GET", "/history", "", "403 ACC-02")
	if lines := w.history(doctor("durand"), "?actor=inconnu"); len(lines) != 0 {
		t.Errorf("durand reads lines of another: %v", lines)
	}
}

// TestHistoryPeriod: days are in the period to their end, instants are half open.
func TestHistoryPeriod(t *testing.T) {
	w := newWorld(t)
	w.history(doctor("inconnu"), "")
	at := fmt.Sprint(w.history(w.holder(), "?actor=inconnu")[0]["at"])
	instant, err := time.Parse(time.RFC3339, at)
	if err != nil {
		t.Fatal(err)
	}
	day := func(n int) string { return instant.AddDate(0, 0, n).Format(time.DateOnly) }
	for query, want := range map[string]int{
		"from=" + day(-1) + "&to=" + day(1): 1, "from=" + day(1): 0, "to=" + day(-1): 0, "from=" + day(0) + "&to=" + day(0): 1,
		"from=" + url.QueryEscape(at): 1, "to=" + url.QueryEscape(at): 0,
	} {
		if got := w.history(w.holder(), "?actor=inconnu&"+query); len(got) != want {
			t.Errorf("%s: %d lines, want %d", query, len(got), want)
		}
	}
	w.want(w.holder(), "GET", "/history?from=soon&to=later", "", "422 JSON-002")
	w.want(w.holder(), "GET", "/history?page=x", "", "422 JSON-002")
}

// TestHistoryPages: 100 lines a page, and none twice.
func TestHistoryPages(t *testing.T) {
	w := newWorld(t)
	for range 130 {
		w.access(doctor("inconnu"), "none")
	}
	seen := map[string]bool{}
	page := "?actor=inconnu"
	for n := range 3 {
		answer := w.want(w.holder(), "GET", "/history"+page, "", "200")
		for _, e := range answer["entries"].([]any) {
			seen[fmt.Sprint(e.(map[string]any)["at"])] = true
		}
		next, more := answer["next"].(string)
		if !more {
			if n != 1 || len(seen) != 130 {
				t.Errorf("%d pages, %d lines", n+1, len(seen))
			}
			return
		}
		page = "?actor=inconnu&page=" + url.QueryEscape(next)
	}
	t.Error("the history does not end")
}
