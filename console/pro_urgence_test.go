package console_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// glass is the form of bris de glace, filled in.
func (b *browser) glass(patient, reason string) url.Values {
	p := b.cast(patient)
	return url.Values{"nom": {p.Family}, "prenom": {p.Given}, "naissance": {p.BirthDate}, "raison": {reason}}
}

var sealedIn = regexp.MustCompile(`name="acces" value="([^"]+)"`)

// sealed is the access that a page carries.
func sealed(t *testing.T, page answer) string {
	t.Helper()
	m := sealedIn.FindStringSubmatch(page.body)
	if m == nil {
		t.Fatalf("no emergency access: %d %s", page.status, page.body)
	}
	return m[1]
}

// Bris de glace opens the record for its form alone, shows what both faces show in that
// mode, and tells the patient who, how and why (S0, EX_0.3-1050).
func TestBreakTheGlass(t *testing.T) {
	t.Parallel()
	b := visitor(t, open(t), "dr-urg")
	home := b.find("alice")
	const reason = `Choc <b>"anaphylactique"</b> & collapsus`
	opened := b.post(home+"/urgence", home+"/urgence", b.glass("alice", reason))
	access := sealed(t, opened)
	for _, part := range []string{"Bris de glace", "Choc &lt;b&gt;&#34;anaphylactique&#34;&lt;/b&gt; &amp; collapsus", "Terminer l&#39;accès"} {
		if !strings.Contains(opened.body, part) {
			t.Errorf("the banner has no %s", part)
		}
	}
	wide := b.post(home+"/urgence", home+"/urgence/documents", url.Values{"acces": {access}, "tout": {"1"}})
	more := `,"mode":"bris_de_glace","reason":"x"`
	if _, want := b.onFHIR("dr-urg", "alice", more); len(want) == 0 || !slices.Equal(titles(wide.body), want) || len(want) != b.onSOAP("dr-urg", "alice", more) {
		t.Errorf("%q, FHIR %q", titles(wide.body), want)
	}
	id := regexp.MustCompile(`name="document" value="([^"]+)"`).FindStringSubmatch(wide.body)[1]
	one := b.post(home+"/urgence", home+"/urgence/document", url.Values{"acces": {access}, "document": {id}})
	if one.status != http.StatusOK || !strings.Contains(one.body, "anaphylactique") || strings.Contains(one.body, "Ce que je peux faire") {
		t.Errorf("a document: %d %s", one.status, one.body)
	}
	file := b.post(home+"/urgence", home+"/urgence/fichier", url.Values{"acces": {access}, "document": {id}, "partie": {""}})
	if file.status != http.StatusOK || !strings.Contains(file.body, "ClinicalDocument") {
		t.Errorf("the file: %d", file.status)
	}
	// Nothing is remembered: the same pages without the values are closed (C-12).
	if got := b.get(home + "/documents"); got.status != http.StatusForbidden || !strings.Contains(got.body, "ACC-23") {
		t.Errorf("without the values: %d", got.status)
	}
	if got := b.post(home+"/urgence", home+"/urgence/fin", nil); got.status != http.StatusSeeOther || got.header.Get("Location") != "/pro" {
		t.Errorf("the end: %d", got.status)
	}
	r := b.bearer("patient:alice", "GET", "/api/v1/records/"+b.cast("alice").Record+"/history", "")
	if lines := strings.Count(r.body, "anaphylactique"); r.status != http.StatusOK || lines != 4 || !strings.Contains(r.body, "bris_de_glace") && !strings.Contains(r.body, `"mode":"bdg"`) {
		t.Errorf("the history of alice, %d lines: %s", lines, r.body)
	}
}

// bearer asks an API in somebody's name.
func (b *browser) bearer(as, method, path, body string) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	patient := strings.TrimPrefix(as, "patient:")
	if patient == as {
		patient = "alice"
	}
	r.Header.Set("Authorization", "Bearer "+b.token(as, patient, ""))
	r.Header.Set("Content-Type", "application/json")
	return b.send(r)
}

// The refusals of the emergency modes: values that are missing or wrong, a patient who
// refused, a professional who is barred or no regulator.
func TestEmergencyRefused(t *testing.T) {
	t.Parallel()
	base := open(t)
	urg, samu, barred := visitor(t, base, "dr-urg"), visitor(t, base, "samu-31"), visitor(t, base, "dr-bloque")
	for _, c := range []struct {
		name    string
		b       *browser
		patient string
		change  url.Values
		want    string
	}{
		{"no justification", urg, "alice", url.Values{"raison": {" "}}, "ACC-25"},
		{"another name", urg, "alice", url.Values{"nom": {"MARTIN"}}, "ACC-25"},
		{"another birth date", urg, "alice", url.Values{"naissance": {"1990-01-01"}}, "ACC-25"},
		{"no birth date", urg, "alice", url.Values{"naissance": {""}}, "ACC-25"},
		{"the patient refused", urg, "david", nil, "ACC-25"},
		{"barred", barred, "alice", nil, "ACC-04"},
		{"no regulator", urg, "alice", url.Values{"mode": {"centre15"}}, "ACC-24"},
		{"a regulator, refused", samu, "david", url.Values{"mode": {"centre15"}}, "ACC-24"},
	} {
		home := c.b.find(c.patient)
		form := c.b.glass(c.patient, "Malaise")
		for name, value := range c.change {
			form[name] = value
		}
		got := c.b.post(home+"/urgence", home+"/urgence", form)
		if got.status != http.StatusForbidden || !strings.Contains(got.body, c.want) || sealedIn.MatchString(got.body) || len(titles(got.body)) > 0 {
			t.Errorf("%s: %d %s", c.name, got.status, got.body)
		}
	}
	home := samu.find("alice")
	if !strings.Contains(samu.get(home+"/urgence").body, "centre15") || strings.Contains(urg.get(home+"/urgence").body, "centre15") {
		t.Error("the centre 15 is offered to regulators, and to nobody else")
	}
	page := samu.post(home+"/urgence", home+"/urgence", url.Values{"mode": {"centre15"}})
	wide := samu.post(home+"/urgence", home+"/urgence/documents", url.Values{"acces": {sealed(t, page)}, "tout": {"1"}})
	if _, want := samu.onFHIR("samu-31", "alice", `,"mode":"centre_15"`); len(want) == 0 || !slices.Equal(titles(wide.body), want) || !strings.Contains(page.body, "Régulation du centre 15") {
		t.Errorf("%q, FHIR %q", titles(wide.body), want)
	}
}

// The access that a page carries is of one session, one record and fifteen minutes.
func TestEmergencySeal(t *testing.T) {
	t.Parallel()
	base := open(t)
	b, other, again := visitor(t, base, "dr-urg"), visitor(t, base, "dr-inconnu"), visitor(t, base, "dr-urg")
	alice, bruno := b.find("alice"), b.find("bruno")
	access := sealed(t, b.post(alice+"/urgence", alice+"/urgence", b.glass("alice", "Malaise")))
	use := func(b *browser, home, access string) answer {
		return b.post(home+"/urgence", home+"/urgence/documents", url.Values{"acces": {access}})
	}
	if got := use(b, alice, access); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	raw, err := base64.RawURLEncoding.DecodeString(access)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "Malaise") {
		t.Error("the access is legible")
	}
	for i := range raw {
		raw[i] ^= 1
		if i%7 == 0 || i == len(raw)-1 {
			if got := use(b, alice, base64.RawURLEncoding.EncodeToString(raw)); !strings.Contains(got.body, "WEB-011") {
				t.Fatalf("byte %d altered: %d", i, got.status)
			}
		}
		raw[i] ^= 1
	}
	for name, got := range map[string]answer{
		"another professional": use(other, alice, access), "another session": use(again, alice, access), "another record": use(b, bruno, access), "nothing": use(b, alice, ""), "noise": use(b, alice, "AAAA"),
	} {
		if got.status != http.StatusForbidden || !strings.Contains(got.body, "WEB-011") || len(titles(got.body)) > 0 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	b.do(http.MethodPost, "/sandbox/clock", "application/json", `{"advance":"14min"}`)
	if got := use(b, alice, access); got.status != http.StatusOK {
		t.Errorf("after 14 minutes: %d", got.status)
	}
	b.do(http.MethodPost, "/sandbox/clock", "application/json", `{"advance":"1min"}`)
	if got := use(b, alice, access); got.status != http.StatusForbidden || !strings.Contains(got.body, "WEB-011") {
		t.Errorf("after 15 minutes: %d", got.status)
	}
}

// What an emergency does not show is not there: a masked document answers as an unknown
// id, in the list, by its page and as a file (Q-03, policy §0.2).
func TestEmergencyHidden(t *testing.T) {
	t.Parallel()
	base := open(t)
	b, traitant := visitor(t, base, "dr-urg"), visitor(t, base, "dr-traitant")
	home := b.find("bruno")
	list := traitant.get(home + "/documents?tout=1")
	id := regexp.MustCompile(`/documents/([0-9a-f-]{36})"`).FindStringSubmatch(list.body)
	if id == nil {
		t.Fatalf("the médecin traitant sees nothing: %s", list.body)
	}
	access := sealed(t, b.post(home+"/urgence", home+"/urgence", b.glass("bruno", "Malaise")))
	for _, page := range []string{"document", "fichier"} {
		ask := func(id string) answer {
			return b.post(home+"/urgence", home+"/urgence/"+page, url.Values{"acces": {access}, "document": {id}, "partie": {"0"}})
		}
		hidden, unknown := ask(id[1]), ask("3f8c6a52-0000-4000-8000-000000000000")
		if hidden.status != http.StatusNotFound || blind(hidden.body) != blind(unknown.body) {
			t.Errorf("%s: hidden %d, unknown %d", page, hidden.status, unknown.status)
		}
	}
	if all := b.post(home+"/urgence", home+"/urgence/documents", url.Values{"acces": {access}, "tout": {"1"}}); all.status != http.StatusOK || len(titles(all.body)) > 0 {
		t.Errorf("%d %q", all.status, titles(all.body))
	}
}
