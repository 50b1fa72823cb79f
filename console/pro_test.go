package console_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

func (b *browser) cast(name string) (m struct{ Name, Family, Given, Sex, BirthDate, INS, Record string }) {
	b.t.Helper()
	var all struct {
		Patients []json.RawMessage `json:"patients"`
	}
	if err := json.Unmarshal([]byte(b.get("/sandbox/cast").body), &all); err != nil {
		b.t.Fatal(err)
	}
	for _, raw := range all.Patients {
		if err := json.Unmarshal(raw, &m); err == nil && m.Name == name {
			m.INS = xds.CX(m.INS).ID()
			return m
		}
	}
	b.t.Fatalf("no patient %s in the cast", name)
	return m
}

// find is the page of a patient's record, as a professional comes to it.
func (b *browser) find(patient string) string {
	b.t.Helper()
	got := b.post("/pro", "/pro/recherche", url.Values{"ins": {b.cast(patient).INS}})
	if got.status != http.StatusSeeOther {
		b.t.Fatalf("search of %s: %d %s", patient, got.status, got.body)
	}
	return got.header.Get("Location")
}

// titles are the documents that a page lists.
func titles(page string) (all []string) {
	for _, m := range regexp.MustCompile(`<strong>([^<]*)</strong></(?:a|button)>`).FindAllStringSubmatch(page[max(strings.Index(page, `class="rows documents"`), 0):], -1) {
		all = append(all, html.UnescapeString(m[1]))
	}
	slices.Sort(all)
	return all
}

// token is a bearer token of a professional for a patient.
func (b *browser) token(as, patient, more string) string {
	b.t.Helper()
	var issued struct {
		Token string `json:"access_token"`
	}
	got := b.do(http.MethodPost, "/sandbox/token", "application/json", `{"as":"`+as+`","patient":"`+patient+`"`+more+`}`)
	if err := json.Unmarshal([]byte(got.body), &issued); err != nil || issued.Token == "" {
		b.t.Fatalf("token of %s: %d %s", as, got.status, got.body)
	}
	return issued.Token
}

// onFHIR are the current documents that ITI-67 lists under a token.
func (b *browser) onFHIR(as, patient, more string) (status int, all []string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.base+"/fhir/DocumentReference?status=current&_count=200&patient.identifier="+url.QueryEscape("urn:oid:1.2.250.1.213.1.4.10|"+b.cast(patient).INS), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+b.token(as, patient, more))
	got, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer got.Body.Close()
	var bundle struct {
		Entry []struct {
			Resource struct {
				Content []struct{ Attachment struct{ Title string } }
			}
		}
	}
	if err := json.NewDecoder(got.Body).Decode(&bundle); err != nil {
		b.t.Fatal(err)
	}
	for _, e := range bundle.Entry {
		all = append(all, e.Resource.Content[0].Attachment.Title)
	}
	slices.Sort(all)
	return got.StatusCode, all
}

// onSOAP counts the approved documents that ITI-18 lists under a VIHF.
func (b *browser) onSOAP(as, patient, more string) int {
	b.t.Helper()
	assertion := b.do(http.MethodPost, "/sandbox/vihf", "application/json", `{"as":"`+as+`","patient":"`+patient+`"`+more+`}`).body
	security := []byte(`<wsse:Security xmlns:wsse="` + soap.NSSecurity + `">` + assertion + `</wsse:Security>`)
	query := ebrim.AppendQuery(nil, ebrim.QueryRequest{ID: ebrim.Lookup("FindDocuments").UUID, ReturnType: ebrim.ObjectRef, Params: []ebrim.QueryParam{
		{Name: "$XDSDocumentEntryPatientId", Values: []string{b.cast(patient).INS + "^^^&1.2.250.1.213.1.4.10&ISO"}},
		{Name: "$XDSDocumentEntryStatus", Values: []string{string(xds.Approved)}}}})
	reply, err := (&soap.Client{HTTP: b.http, URL: b.base + "/xds/registry", NewID: service.NewID}).Post(b.t.Context(), "urn:ihe:iti:2007:RegistryStoredQuery", security, func(w *soap.Writer) { w.Raw(query) }, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	defer reply.Close()
	found, findings := ebrim.DecodeQueryResponse(reply.Body)
	if len(findings) > 0 {
		b.t.Fatal(findings)
	}
	return len(found.Refs)
}

// A page lists what the two faces give the same professional, role by role, and no more;
// whom a door is closed to it shows the door, and nothing behind it.
func TestProDocuments(t *testing.T) {
	t.Parallel()
	base := open(t)
	for _, c := range []struct{ as, patient, door string }{
		{"dr-durand", "alice", ""}, {"podo-paul", "alice", ""}, {"ide-nadia", "alice", ""}, {"dr-traitant", "alice", ""}, {"dr-traitant", "bruno", ""}, {"dr-hopital", "alice", ""},
		{"dr-bloque", "alice", "ACC-04"}, {"dr-inconnu", "alice", "ACC-23"}, {"dr-urg", "alice", "ACC-23"}, {"samu-31", "alice", "ACC-23"}, {"dr-durand", "emma", "ACC-01"},
	} {
		b := visitor(t, base, c.as)
		home := b.find(c.patient)
		page := b.get(home + "/documents?tout=1")
		status, want := b.onFHIR(c.as, c.patient, "")
		if c.door != "" {
			if page.status != http.StatusForbidden || status != http.StatusForbidden || !strings.Contains(page.body, c.door) || len(titles(page.body)) > 0 {
				t.Errorf("%s in the record of %s: %d, on FHIR %d\n%s", c.as, c.patient, page.status, status, page.body)
			}
			continue
		}
		if got := titles(page.body); page.status != http.StatusOK || !slices.Equal(got, want) || len(got) == 0 || len(got) != b.onSOAP(c.as, c.patient, "") {
			t.Errorf("%s in the record of %s: %d\n%q\nFHIR %q\nSOAP %d", c.as, c.patient, page.status, got, want, b.onSOAP(c.as, c.patient, ""))
		}
		if strings.Contains(page.body, b.cast(c.patient).INS) {
			t.Errorf("%s reads an INS", c.as)
		}
	}
}

// A search answers as the existence test does: one record or none, by the INS or by all
// five traits, and after a number of failures not at all for a while.
func TestProSearch(t *testing.T) {
	t.Parallel()
	base := open(t)
	b := visitor(t, base, "dr-inconnu")
	alice, farid := b.cast("alice"), b.cast("farid")
	search := func(fields ...string) answer {
		form := url.Values{}
		for i := 0; i < len(fields); i += 2 {
			form.Set(fields[i], fields[i+1])
		}
		return b.post("/pro", "/pro/recherche", form)
	}
	traits := func(p struct{ Name, Family, Given, Sex, BirthDate, INS, Record string }, changes ...string) answer {
		return search(append([]string{"nom", p.Family, "prenom", p.Given, "naissance", p.BirthDate, "sexe", p.Sex}, changes...)...)
	}
	want := "/pro/" + alice.Record
	if got := search("ins", alice.INS); got.status != http.StatusSeeOther || got.header.Get("Location") != want {
		t.Errorf("by INS: %d %s", got.status, got.header.Get("Location"))
	}
	if got := traits(alice, "nom", strings.ToLower(alice.Family)); got.header.Get("Location") != want {
		t.Errorf("by traits: %d %s", got.status, got.body)
	}
	page := b.get(want)
	if strings.Contains(page.body, alice.Family) || !strings.Contains(page.body, "Vous n&#39;avez pas déclaré de lien") {
		t.Errorf("without a link: %s", page.body)
	}
	if got := search("ins", alice.INS[:14]+"9"); got.status == http.StatusSeeOther || !strings.Contains(got.body, "JSON-002") || strings.Contains(got.body, alice.INS[:14]) {
		t.Errorf("a wrong key: %d %s", got.status, got.body)
	}
	never, opposed := search("ins", "290035999900158"), search("ins", farid.INS)
	if never.status != http.StatusUnprocessableEntity || blind(never.body) != blind(opposed.body) || !strings.Contains(never.body, "REG-001") {
		t.Errorf("nobody %d, opposed %d:\n%s", never.status, opposed.status, opposed.body)
	}
	for _, change := range [][]string{{"nom", "GARNIE"}, {"prenom", "Al"}, {"naissance", "1993-03-15"}, {"sexe", "M"}} {
		if got := traits(alice, change...); got.status != never.status || blind(got.body) != blind(never.body) {
			t.Errorf("%v: %d %s", change, got.status, got.body)
		}
	}
	for range 6 {
		search("ins", farid.INS)
	}
	if got := search("ins", alice.INS); got.status != http.StatusTooManyRequests || !strings.Contains(got.body, "WEB-010") {
		t.Errorf("after ten failures: %d", got.status)
	}
	if got := visitor(t, base, "dr-urg").find("alice"); got != want {
		t.Errorf("another professional waits too: %s", got)
	}
}

// The box, its ground and its end open a record (C-08); withdrawn, the door is closed
// again, on the pages and on both faces.
func TestProLink(t *testing.T) {
	t.Parallel()
	b := visitor(t, open(t), "dr-inconnu")
	home := b.find("alice")
	if got := b.post(home, home+"/lien", url.Values{"basis": {"consent"}}); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "C-08") {
		t.Errorf("without the box: %d %s", got.status, got.body)
	}
	if got := b.post(home, home+"/lien", url.Values{"basis": {"consent"}, "attested": {"1"}, "expires": {"2001-01-01"}}); got.status != http.StatusUnprocessableEntity {
		t.Errorf("a past end: %d %s", got.status, got.body)
	}
	if got := b.post(home, home+"/lien", url.Values{"basis": {"team"}, "attested": {"1"}}); got.status != http.StatusSeeOther {
		t.Errorf("declared: %d %s", got.status, got.body)
	}
	page := b.get(home)
	if !strings.Contains(page.body, "comme membre de l&#39;équipe de soins") || !strings.Contains(page.body, b.cast("alice").Family) {
		t.Errorf("%s", page.body)
	}
	if status, all := b.onFHIR("dr-inconnu", "alice", ""); status != http.StatusOK || len(all) == 0 {
		t.Errorf("on FHIR: %d %q", status, all)
	}
	if got := b.post(home, home+"/lien/fin", nil); got.status != http.StatusSeeOther {
		t.Errorf("withdrawn: %d %s", got.status, got.body)
	}
	if status, _ := b.onFHIR("dr-inconnu", "alice", ""); status != http.StatusForbidden || b.get(home+"/documents").status != http.StatusForbidden {
		t.Errorf("after withdrawing: %d", status)
	}
}

// A first search goes two years back, vaccinations apart, and can be widened; each filter
// narrows what the Scope shows and nothing else (domain §3.3, EX_3.1-1030).
func TestProFilters(t *testing.T) {
	t.Parallel()
	b := visitor(t, open(t), "dr-durand")
	home := b.find("alice")
	list := func(query string) []string {
		page := b.get(home + "/documents" + query)
		if page.status != http.StatusOK {
			t.Fatalf("%s: %d", query, page.status)
		}
		return titles(page.body)
	}
	all, first := list("?tout=1"), list("")
	if old := "Consultation : rhinite allergique"; slices.Contains(first, old) || !slices.Contains(all, old) || !slices.Contains(first, "Historique des vaccinations") || len(first) >= len(all) {
		t.Errorf("first %q, all %q", first, all)
	}
	for query, want := range map[string]string{
		"?type=11369-6": "Historique des vaccinations", "?tout=1&auteur=bridoux": "Consultation : rhinite allergique", "?du=2024-05-31&au=2024-05-31": "Consultation : rhinite allergique",
	} {
		if got := list(query); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q", query, got)
		}
	}
	if got := list("?tout=1&type=11369-6&auteur=personne"); len(got) != 0 {
		t.Errorf("%q", got)
	}
	if got := list("?tout=1&etat=obsoletes"); len(got) == 0 || slices.Contains(all, got[0]) && len(got) == len(all) {
		t.Errorf("obsolete: %q", got)
	}
	if got := b.get(home + "/documents?du=hier&page=AAAA"); strings.Count(got.body, "JSON-002") != 2 {
		t.Errorf("a date and a page that are none: %s", got.body)
	}
}
