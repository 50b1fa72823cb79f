package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	rowOfAnswers = regexp.MustCompile(`(?s)<tr><th scope="row">(.*?)</tr>`)
	answers      = regexp.MustCompile(`<span class="tag (?:good|bad)">(Oui|Non)</span>`)
	tagged       = regexp.MustCompile(`(?s) *<span.*?</span>|<.*?>`)
	cdaID        = regexp.MustCompile(`<id root="([0-9.]+)"`)
)

// foretold is what a page says of who sees a document: by table and by line, now and then.
func foretold(t *testing.T, page string) map[string][2]bool {
	t.Helper()
	all := map[string][2]bool{}
	for i, table := range strings.Split(page, `<table class="sees">`)[1:] {
		for _, row := range rowOfAnswers.FindAllStringSubmatch(table, -1) {
			head, rest, _ := strings.Cut(row[1], "</th>")
			var yes [2]bool
			found := answers.FindAllStringSubmatch(rest, -1)
			for j := range found {
				yes[j] = found[j][1] == "Oui"
			}
			all[fmt.Sprint(i, " ", strings.TrimSpace(tagged.ReplaceAllString(head, "")))] = yes
		}
	}
	if len(all) < 20 {
		t.Fatalf("%d answers in %s", len(all), page)
	}
	return all
}

// uniqueID is that of the document at an address, as its own header says it.
func (b *browser) uniqueID(path string) string {
	b.t.Helper()
	m := cdaID.FindStringSubmatch(b.get(path + "/fichier").body)
	if m == nil {
		b.t.Fatalf("%s has no id", path)
	}
	return m[1]
}

// What the page says about who sees a document is what both faces then show each of
// them: now, and after the change that it announces (users §3 row 51, §4 e 2 and 3).
func TestAudienceIsWhatFacesShow(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice := visitor(t, base, "patient:alice")
	lines := map[string]ask{
		"0 Dr Claire Carpentier, médecin généraliste": {"as": "dr-traitant"}, "0 Dr Philippe Durand, médecin généraliste": {"as": "dr-durand"},
		"0 Dr Hugo Leclercq, médecin": {"as": "dr-hopital"}, "0 Nadia Haddad, infirmier": {"as": "ide-nadia"}, "0 Paul Pruvost, pédicure-podologue": {"as": "podo-paul"},
		"0 Dr Rose Delattre, chirurgien-dentiste": {"as": "dent-rose"}, "0 Dr Serge Bridoux, médecin généraliste": {"as": "dr-bloque"},
		"2 Médecin régulateur du Samu (Centre 15)": {"as": "samu-31", "mode": "centre_15"}, "2 Médecin": {"as": "dr-urg", "mode": "bris_de_glace", "reason": "détresse vitale"},
		"1 Infirmier": {"as": "ide-nadia"}, "1 Pédicure-podologue": {"as": "podo-paul"},
	}
	documents := alice.documents("")
	unique := map[string]string{}
	for _, path := range documents {
		unique[path] = alice.uniqueID(path)
	}
	agree := func(when int, pages map[string]map[string][2]bool) {
		t.Helper()
		for line, who := range lines {
			who["patient"] = "alice"
			shown := searches(t, base, who)
			for path, page := range pages {
				said, told := page[line]
				if !told {
					t.Fatalf("%s: no line %q of %v", path, line, page)
				}
				own := strings.HasPrefix(line, "1 ") && page[linkedAs[line]] != said // an author sees his own in any case
				if sees := slices.Contains(shown.ids, unique[path]); said[when] != sees && !own {
					t.Errorf("%s: the page says %v of %s, the faces show it: %v", path, said, line, sees)
				}
			}
		}
	}
	pages := map[string]map[string][2]bool{}
	for _, path := range documents {
		pages[path] = foretold(t, alice.get(path+"/confidentialite").body)
	}
	agree(0, pages)

	changed := map[string]map[string][2]bool{}
	for _, title := range []string{"Fiche de suivi", "podologique", "Consultation de soutien", "Hémogramme et ferritine"} {
		path := alice.documents("?q=" + url.QueryEscape(title))[0]
		word := "oui"
		if strings.Contains(alice.get(path+"/confidentialite").body, `name="masque" value="non"`) {
			word = "non"
		}
		if got := alice.post(path+"/confidentialite", path+"/confidentialite", url.Values{"masque": {word}}); got.status != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", title, got.status, got.body)
		}
		changed[path] = pages[path]
	}
	agree(1, changed)
	if got := alice.get(documents[0] + "/confidentialite").body; strings.Count(got, `class="tag good"`) == 0 {
		t.Error("nobody sees anything")
	}
}

// linkedAs are the lines by name of those who stand for a profession.
var linkedAs = map[string]string{"1 Infirmier": "0 Nadia Haddad, infirmier", "1 Pédicure-podologue": "0 Paul Pruvost, pédicure-podologue"}

// Everything masked: gone on both faces for who is authorised, there for the médecin
// traitant; the page of the setting says so before.
func TestMaskAll(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice := visitor(t, base, "patient:alice")
	page := alice.record() + "/confidentialite"
	durand, traitant := ask{"as": "dr-durand", "patient": "alice"}, ask{"as": "dr-traitant", "patient": "alice"}
	before, all := searches(t, base, durand), searches(t, base, traitant)
	if got := alice.post(page, page, url.Values{"tout": {"oui"}}); got.status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.status, got.body)
	}
	own := searches(t, base, durand)
	if len(own.ids) == 0 || len(own.ids) >= len(before.ids) {
		t.Errorf("dr-durand finds %d of %d: his own alone are to stay", len(own.ids), len(before.ids))
	}
	if got := searches(t, base, traitant); len(got.ids) != len(all.ids) {
		t.Errorf("the médecin traitant finds %d of %d", len(got.ids), len(all.ids))
	}
	if got := alice.get(alice.record() + "/documents").body; !strings.Contains(got, "Tous mes documents sont masqués par défaut") {
		t.Error("the list does not say so")
	}
	if got := alice.post(page, page, url.Values{"tout": {"non"}}); got.status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := searches(t, base, durand); !slices.Equal(got.ids, before.ids) {
		t.Errorf("%d of %d are back", len(got.ids), len(before.ids))
	}
}

// A relative reads who sees what, and is offered no change; a form that he forges is
// refused by its code.
func TestDelegateMasksNothing(t *testing.T) {
	t.Parallel()
	base := open(t)
	leo := visitor(t, base, "delegate:alice")
	path := leo.documents("")[0]
	page := leo.get(path + "/confidentialite")
	if page.status != http.StatusOK || strings.Contains(page.body, `name="masque"`) || strings.Contains(page.body, "Après") {
		t.Errorf("%d %s", page.status, page.body)
	}
	one := leo.get(path).body
	for _, button := range []string{"/archiver", "/supprimer", "/remplacer"} {
		if strings.Contains(one, button) {
			t.Errorf("the page offers %s", button)
		}
	}
	for at, want := range map[string]string{path + "/confidentialite": "ACC-37", path + "/archiver": "ACC-37", leo.record() + "/confidentialite": "ACC-42"} {
		got := leo.post(path, at, url.Values{"masque": {"oui"}, "tout": {"oui"}})
		if got.status != http.StatusForbidden || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %s", at, got.status, got.body)
		}
	}
}

// A document that is hidden from its reader is in no page of his, and at its address is
// what an unknown id is, whatever is asked of it.
func TestHiddenIsNowhere(t *testing.T) {
	t.Parallel()
	base := open(t)
	gina, alice := visitor(t, base, "patient:gina"), visitor(t, base, "patient:alice")
	record := gina.record()
	hidden := hiddenDocument(t, base, "gina")
	pages := []string{record, record + "/documents", record + "/documents?q=anatomie", record + "/documents?etat=anciens", record + "/documents?etat=archives", record + "/confidentialite"}
	for _, path := range gina.documents("") {
		pages = append(pages, path, path+"/confidentialite")
	}
	for _, page := range pages {
		body := strings.ToLower(gina.get(page).body)
		for _, word := range []string{"microbiopsie mammaire", "carcinome", "cytologie", hidden} {
			if strings.Contains(body, word) {
				t.Errorf("%s tells of %s", page, word)
			}
		}
	}
	elsewhere := strings.TrimPrefix(alice.documents("")[0], alice.record()+"/documents/")
	for _, end := range []string{"", "/fichier", "/piece/0", "/confidentialite"} {
		unknown := gina.get(record + "/documents/3f8c6a52-0000-4000-8000-000000000000" + end)
		for _, id := range []string{hidden, elsewhere, "x"} {
			if got := gina.get(record + "/documents/" + id + end); got.status != http.StatusNotFound || id != "x" && blind(got.body) != blind(unknown.body) {
				t.Errorf("%s%s: %d %s", id, end, got.status, got.body)
			}
		}
	}
	for _, act := range []string{"/archiver", "/desarchiver", "/confidentialite"} {
		for _, id := range []string{hidden, elsewhere} {
			if got := gina.post(record, record+"/documents/"+id+act, url.Values{"masque": {"oui"}}); got.status != http.StatusNotFound {
				t.Errorf("%s%s: %d", id, act, got.status)
			}
		}
	}
}

// hiddenDocument is the id of the one document that a patient does not see and her doctor
// does.
func hiddenDocument(t *testing.T, base, patient string) string {
	t.Helper()
	id, authority, _ := strings.Cut(castINS(t, base, patient), "^^^&")
	oid, _, _ := strings.Cut(authority, "&")
	find := func(as string) (all []string) {
		answer := send(t, http.MethodGet, base+"/fhir/DocumentReference?_count=100&patient.identifier=urn:oid:"+oid+"%7C"+id, bearer(t, base, ask{"as": as, "patient": patient}), "")
		for _, m := range regexp.MustCompile(`"fullUrl": ?"[^"]*/DocumentReference/([0-9a-f-]{36})"`).FindAllStringSubmatch(answer, -1) {
			all = append(all, m[1])
		}
		return all
	}
	own := find("patient:" + patient)
	for _, one := range find("dr-traitant") {
		if !slices.Contains(own, one) {
			return one
		}
	}
	t.Fatal("nothing is hidden")
	return ""
}
