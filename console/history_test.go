package console_test

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What a blocked doctor tried stands in the history in plain words, both times, and what
// the one who broke the glass gave as a reason (users §4 (e) 4 and 6).
func TestHistoryOfBlockedDoctor(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice := visitor(t, base, "patient:alice")
	home := entered(t, alice)
	searches(t, base, ask{"as": "dr-bloque", "patient": "alice"})
	searches(t, base, ask{"as": "dr-bloque", "patient": "alice", "mode": "bris_de_glace", "reason": "Malaise"})
	searches(t, base, ask{"as": "dr-urg", "patient": "alice", "mode": "bris_de_glace", "reason": `<script>alert("é")</script>`})
	page := alice.get(home + "/historique")
	holds(t, page, "Dr Inès Fauvel (médecin urgentiste) a consulté la liste des documents", "Urgence (bris de glace)",
		"« &lt;script&gt;alert(&#34;é&#34;)&lt;/script&gt; »", "Centre hospitalier d&#39;Arras-Test", home+"/acces/professionnel/"+castID(t, base, "dr-urg"))
	lacks(t, page, "<script>alert", "J&#39;ai consulté")
	tries := alice.get(home + "/historique?type=refus&acteur=" + castID(t, base, "dr-bloque"))
	holds(t, tries, "Motif donné : « Malaise »")
	if n := strings.Count(tries.body, "Dr Serge Bridoux (médecin généraliste) a voulu consulter la liste des documents : refusé"); n != 4 { // twice on each face
		t.Errorf("%d refusals of the blocked doctor: %s", n, tries.body)
	}
	lacks(t, tries, "Fauvel (")
	holds(t, alice.get(home+"/historique?moi=1"), "J&#39;ai consulté l&#39;historique")
	holds(t, alice.get(home+"/historique?du=2020-01-01&au=2020-01-02"), "Rien ne correspond à ce choix.")
	if got := alice.get(home + "/historique?du=hier"); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "AAAA-MM-JJ") {
		t.Errorf("a day that is none: %d", got.status)
	}
	if got := alice.get(home + "/historique?suite=x"); got.status != http.StatusUnprocessableEntity {
		t.Errorf("a page that is none: %d", got.status)
	}
}

// Filters narrow the history by day of Paris and kind of action, and pages go through all
// of it without a line twice.
func TestHistoryPages(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice := visitor(t, base, "patient:alice")
	home := entered(t, alice)
	lines := regexp.MustCompile(`<time datetime="([^"]+)"`)
	next := regexp.MustCompile(`href="([^"]+)" rel="next"`)
	token := bearer(t, base, ask{"as": "dr-durand", "patient": "alice"})
	for range 30 {
		send(t, http.MethodGet, base+"/api/v1/records/"+strings.TrimPrefix(home, "/patient/"), token, "")
	}
	var all []string
	pages := 0
	for path := home + "/historique"; path != ""; pages++ {
		got := alice.get(path)
		for _, m := range lines.FindAllStringSubmatch(got.body, -1) {
			all = append(all, m[1])
		}
		m := next.FindStringSubmatch(got.body)
		if path = ""; m != nil {
			path = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	if pages < 2 || len(all) <= 50 || !slices.IsSortedFunc(all, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Errorf("%d lines on %d pages", len(all), pages)
	}
	sheet := csv.NewReader(strings.NewReader(strings.TrimPrefix(alice.get(home+"/historique/export?format=csv").body, "\ufeff")))
	sheet.Comma = ';'
	records, err := sheet.ReadAll()
	if err != nil || len(records) != len(all)+1 {
		t.Errorf("%d lines exported, %d shown, %v", len(records), len(all), err)
	}
	deposits := alice.get(home + "/historique?type=documents")
	holds(t, deposits, "a déposé un document", "Laboratoire Bio-Lab des Flandres")
	lacks(t, deposits, "a consulté la liste")
	one := alice.documents("")[0]
	of := alice.get(home + "/historique?document=" + one[strings.LastIndex(one, "/")+1:])
	holds(t, of, "Seulement ce qui concerne un document", "a déposé un document")
	lacks(t, of, "a consulté la liste")
	for _, path := range []string{"/patient/nulle-part", home + "/nulle-part", "/pro/nulle/part"} {
		if got := alice.get(path); got.status != http.StatusNotFound || !strings.Contains(got.body, "JSON-003") {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

// An export says what the page says, as a spreadsheet or as JSON, and no cell of it is a
// formula.
func TestHistoryExport(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice := visitor(t, base, "patient:alice")
	home := entered(t, alice)
	searches(t, base, ask{"as": "dr-urg", "patient": "alice", "mode": "bris_de_glace", "reason": "=cmd|'/c calc'!A1"})
	sheet := alice.get(home + "/historique/export?format=csv&type=urgence")
	if kind := sheet.header.Get("Content-Type"); kind != "text/csv; charset=utf-8" || !strings.HasPrefix(sheet.body, "\ufeffDate et heure;Qui;") || sheet.header.Get("Content-Disposition") != `attachment; filename="historique.csv"` {
		t.Errorf("%s: %.200s", kind, sheet.body)
	}
	if !strings.Contains(sheet.body, "Dr Inès Fauvel (médecin urgentiste);") || !strings.Contains(sheet.body, "'=cmd|") || strings.Contains(sheet.body, ";=cmd") {
		t.Errorf("the sheet: %s", sheet.body)
	}
	var lines []struct {
		Actor, Action, Text, Reason string
		Permit                      bool
	}
	if err := json.Unmarshal([]byte(alice.get(home+"/historique/export?format=json&type=urgence").body), &lines); err != nil {
		t.Fatal(err)
	}
	urg := castID(t, base, "dr-urg")
	if !slices.ContainsFunc(lines, func(l struct {
		Actor, Action, Text, Reason string
		Permit                      bool
	}) bool {
		return l.Actor == urg && l.Action == "search" && l.Permit && l.Reason == "=cmd|'/c calc'!A1"
	}) {
		t.Errorf("JSON: %v", lines)
	}
	if empty := alice.get(home + "/historique/export?format=json&du=2020-01-01&au=2020-01-02"); strings.TrimSpace(empty.body) != "[\n]" {
		t.Errorf("nothing, exported: %q", empty.body)
	}
	holds(t, alice.get(home+"/historique?moi=1"), "J&#39;ai exporté l&#39;historique")
}

// Nothing that was done with a document hidden from the reader is in his pages or exports
// (Q-15, J-3): not its id, not that anything happened.
func TestHistoryWithholds(t *testing.T) {
	t.Parallel()
	base := open(t)
	gina, rep := visitor(t, base, "patient:gina"), visitor(t, base, "rep:chloe")
	for _, c := range []struct {
		b               *browser
		patient, sees   string
		reader, forgets ask
	}{
		{gina, "gina", "patient:gina", ask{"as": "patient:gina", "patient": "gina"}, ask{"as": "dr-traitant", "patient": "gina"}},
		{rep, "chloe", "rep:chloe", ask{"as": "rep:chloe", "patient": "chloe"}, ask{"as": "dr-traitant", "patient": "chloe"}},
	} {
		home := entered(t, c.b)
		var hidden []string
		visible := searches(t, base, c.reader).ids
		for _, id := range searches(t, base, c.forgets).ids {
			if !slices.Contains(visible, id) {
				hidden = append(hidden, id)
			}
		}
		if len(hidden) == 0 {
			t.Fatalf("%s: nothing is hidden", c.patient)
		}
		whole := func() (text string) {
			for _, path := range []string{"/historique", "/historique?moi=1", "/historique/export?format=csv", "/historique/export?format=json", "/acces", "/acces/medecin-traitant"} {
				got := c.b.get(home + path)
				if got.status != http.StatusOK {
					t.Fatalf("%s: %d", path, got.status)
				}
				text += got.body
			}
			return text
		}
		before := strings.Count(whole(), "a consulté un document")
		for _, id := range hidden { // the médecin traitant reads them
			read(t, base, c.forgets, id)
		}
		after := whole()
		if n := strings.Count(after, "a consulté un document"); n != before {
			t.Errorf("%s is told of %d reads of what is hidden from him", c.sees, n-before)
		}
		for _, id := range hidden {
			if lid := logical(t, base, c.forgets, id); strings.Contains(after, lid) || strings.Contains(after, id) {
				t.Errorf("%s: %s is in his history", c.sees, id)
			}
		}
		read(t, base, c.forgets, visible[0])
		if n := strings.Count(whole(), "a consulté un document"); n == before {
			t.Errorf("%s is told of no read at all", c.sees)
		}
	}
}

// resource is a document as ITI-67 tells somebody of it, by its uniqueId.
func resource(t *testing.T, base string, who ask, uniqueID string) (id, attachment string) {
	t.Helper()
	ins, authority, _ := strings.Cut(castINS(t, base, who["patient"]), "^^^&")
	oid, _, _ := strings.Cut(authority, "&")
	var bundle struct {
		Entry []struct {
			Resource struct {
				ID      string
				Content []struct{ Attachment struct{ URL string } }
			}
		}
	}
	answer := send(t, http.MethodGet, base+"/fhir/DocumentReference?patient.identifier=urn:oid:"+oid+"%7C"+ins+"&identifier="+url.QueryEscape("urn:ietf:rfc:3986|urn:oid:"+uniqueID), bearer(t, base, who), "")
	if err := json.Unmarshal([]byte(answer), &bundle); err != nil || len(bundle.Entry) != 1 {
		t.Fatalf("%s: %v %s", uniqueID, err, answer)
	}
	return bundle.Entry[0].Resource.ID, bundle.Entry[0].Resource.Content[0].Attachment.URL
}

func logical(t *testing.T, base string, who ask, uniqueID string) string {
	t.Helper()
	id, _ := resource(t, base, who, uniqueID)
	return id
}

// read retrieves a document, as ITI-68.
func read(t *testing.T, base string, who ask, uniqueID string) {
	t.Helper()
	_, attachment := resource(t, base, who, uniqueID)
	if got := send(t, http.MethodGet, attachment, bearer(t, base, who), ""); len(got) < 50 {
		t.Fatalf("%s: %s", uniqueID, got)
	}
}

// The history as people see it.
func TestHistoryPage(t *testing.T) {
	t.Parallel()
	base := open(t)
	searches(t, base, ask{"as": "dr-urg", "patient": "alice", "mode": "bris_de_glace", "reason": "Détresse respiratoire, patiente inconsciente"})
	s := look(t, base, "patient:alice")
	s.open("/patient")
	home := s.path()
	s.open(home + "/historique")
	s.everyWidth("history")
	s.open(home + "/historique?type=urgence&moi=1")
	s.everyWidth("history-filtered")
}
