package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// of is a form of names and values.
func of(pairs ...string) url.Values {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values
}

// TestProfilePages: each section is written and read without a script; what is wrong is
// told all at once beside what was typed; words never become markup.
func TestProfilePages(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice, leo, traitant := visitor(t, base, "patient:alice"), visitor(t, base, "delegate:alice"), visitor(t, base, "dr-traitant")
	home := alice.get("/patient").header.Get("Location")
	record := strings.TrimPrefix(home, "/patient/")
	add := func(b *browser, page, kind string, fields url.Values) answer {
		t.Helper()
		path := "/patient/" + record + "/profil/" + page + "/ajouter/" + kind
		return b.post(path, path, fields)
	}
	const evil = `<script>alert(1)</script>"'>`
	for _, c := range []struct {
		page, kind string
		fields     url.Values
		shows      string
	}{
		{"allergies", "allergie", of("substance", "Pénicilline "+evil, "categorie", "medicament", "gravite", "severe", "reaction", evil, "depuis", "05/2001", "commentaire", evil), "mai|05/2001"},
		{"antecedents", "personnel", of("intitule", "Appendicite "+evil, "debut", "2010", "commentaire", evil), "2010"},
		{"antecedents", "familial", of("lien", "mere", "intitule", "Diabète "+evil, "age", "50"), "50 ans"},
		{"traitements", "traitement", of("nom", "Metformine "+evil, "posologie", evil, "motif", evil, "fin", "31/12/2040"), "31 décembre 2040"},
		{"mesures", "tension", of("quand", "2026-01-02", "quand-heure", "08:30", "systolique", "121,5", "diastolique", "80", "commentaire", evil), "121,5 / 80 mmHg"},
		{"mesures", "tension", of("quand", "2026-02-02", "systolique", "130", "diastolique", "85"), "130 / 85 mmHg"},
		{"entourage", "confiance", of("nom", "GARNIER "+evil, "prenom", "Léo", "lien", "fratrie", "telephone", "06 12 34 56 78", "adresse", evil, "accord", "oui"), "Léo GARNIER"},
		{"entourage", "don", of("position", "refus", "commentaire", evil), "Je refuse"},
		{"entourage", "directives", of("texte", "Je souhaite\n"+evil, "date", "05/01/2026", "lieu", evil), "Je souhaite"},
	} {
		if got := add(alice, c.page, c.kind, c.fields); got.status != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", c.kind, got.status, got.body)
		}
		page := alice.get(home + "/profil/" + c.page)
		if page.status != http.StatusOK || !regexp.MustCompile(c.shows).MatchString(page.body) || strings.Contains(page.body, "<script>a") || strings.Contains(page.body, `"'>`) {
			t.Errorf("%s: %d %s", c.page, page.status, page.body)
		}
	}
	// Each section is a document, with a page of its own; directives stand among those of
	// their category.
	for _, page := range []string{"allergies", "entourage"} {
		for _, link := range regexp.MustCompile(`href="(/patient/[^"]+/documents/[0-9a-f-]{36})"`).FindAllStringSubmatch(alice.get(home+"/profil/"+page).body, -1) {
			if got := alice.get(link[1]); got.status != http.StatusOK || strings.Contains(got.body, "<script>a") {
				t.Errorf("%s of %s: %d", link[1], page, got.status)
			}
		}
	}
	if got := alice.get(home + "/documents?categorie=dir_ant"); !strings.Contains(got.body, "Directives anticipées") {
		t.Errorf("directives among documents: %d %s", got.status, got.body)
	}
	measures := alice.get(home + "/profil/mesures").body
	for _, text := range []string{`<polyline points=`, `class="line-2"`, "2 mesures du 2 janvier 2026 au 2 février 2026", "2 janvier 2026 à 08 h 30"} {
		if !strings.Contains(measures, text) {
			t.Errorf("the chart has no %s: %s", text, measures)
		}
	}

	// All that is wrong at once, and what was typed stays.
	got := add(alice, "mesures", "tension", of("quand", "2031-01-01", "systolique", "12", "diastolique", "<b>"))
	if got.status != http.StatusUnprocessableEntity || strings.Count(got.body, "aria-invalid") != 3 || !strings.Contains(got.body, `value="12"`) || strings.Contains(got.body, "<b>") {
		t.Errorf("%d %s", got.status, got.body)
	}

	// One entry is changed, another taken out; the last one takes its document along.
	key := func(b *browser, page string) string {
		t.Helper()
		m := regexp.MustCompile(`/modifier/([a-z2-7]{52})"`).FindStringSubmatch(b.get(home + "/profil/" + page).body)
		if m == nil {
			t.Fatalf("%s: nothing to change", page)
		}
		return m[1]
	}
	path := home + "/profil/allergies/modifier/" + key(alice, "allergies")
	if got := alice.post(path, path, of("substance", "Amoxicilline", "categorie", "medicament")); got.status != http.StatusSeeOther {
		t.Errorf("change: %d %s", got.status, got.body)
	}
	if page := alice.get(home + "/profil/allergies").body; !strings.Contains(page, "Amoxicilline") || strings.Contains(page, "Pénicilline") {
		t.Errorf("after the change: %s", page)
	}

	// A delegate adds beside what is there and changes nothing.
	if got := add(leo, "allergies", "allergie", of("substance", "Pollen", "categorie", "environnement")); got.status != http.StatusSeeOther {
		t.Errorf("the delegate adds: %d %s", got.status, got.body)
	}
	if page := leo.get(home + "/profil/allergies").body; strings.Contains(page, "/modifier/") || !strings.Contains(page, "Pollen") || !strings.Contains(page, "Amoxicilline") {
		t.Errorf("the delegate's page: %s", page)
	}
	remove := home + "/profil/allergies/supprimer/"
	if got := leo.post(home+"/profil/allergies/ajouter/allergie", remove+key(alice, "allergies"), nil); got.status != http.StatusForbidden {
		t.Errorf("the delegate removes: %d %s", got.status, got.body)
	}
	for range 2 {
		if got := alice.post(home+"/profil/allergies", remove+key(alice, "allergies"), nil); got.status != http.StatusSeeOther {
			t.Errorf("remove: %d %s", got.status, got.body)
		}
	}
	if page := alice.get(home + "/profil/allergies").body; strings.Contains(page, "Pollen") || strings.Contains(page, "Amoxicilline") {
		t.Errorf("after removing: %s", page)
	}

	// A professional reads the same pages, and has no form; bruno has none of it.
	pro := traitant.get("/pro/" + record + "/profil/mesures")
	if pro.status != http.StatusOK || !strings.Contains(pro.body, "121,5 / 80 mmHg") || strings.Contains(pro.body, "/ajouter/") {
		t.Errorf("the médecin traitant: %d %s", pro.status, pro.body)
	}
	who := traitant.cast("alice")
	for _, page := range []string{"/profil", "/profil/mesures", "/profil/vaccinations", "/profil/vaccinations/ajouter", "/deposer", "/historique"} {
		if got := traitant.get("/pro/" + record + page); !strings.Contains(got.body, `class="patient"><strong>`+who.Given+" "+who.Family) || !strings.Contains(got.body, "Je suis son médecin traitant") {
			t.Errorf("%s does not say whose it is: %d %s", page, got.status, got.body)
		}
		if got := visitor(t, base, "dr-inconnu").get("/pro/" + record + page); strings.Contains(got.body, `class="patient"`) {
			t.Errorf("%s says a stranger whose it is", page)
		}
	}
	if got := alice.get(home + "/profil"); strings.Contains(got.body, `class="patient"`) {
		t.Error("alice's own page has the strip of a professional")
	}
	if got := visitor(t, base, "patient:bruno").get(home + "/profil/mesures"); got.status != http.StatusNotFound {
		t.Errorf("bruno: %d", got.status)
	}
	if got := visitor(t, base, "dr-inconnu").get("/pro/" + record + "/profil/mesures"); got.status != http.StatusForbidden || strings.Contains(got.body, "121") {
		t.Errorf("a stranger: %d %s", got.status, got.body)
	}
}

// TestVaccinationBook: what the patient remembers is a note of hers that the calendar
// counts, and that she alone takes out.
func TestVaccinationBook(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice, traitant := visitor(t, base, "patient:alice"), visitor(t, base, "dr-traitant")
	home := alice.get("/patient").header.Get("Location")
	book, form := home+"/profil/vaccinations", home+"/profil/vaccinations/ajouter"
	page := alice.get(book).body
	if !strings.Contains(page, "Calendrier vaccinal") || strings.Contains(page, "/supprimer/") {
		t.Fatalf("%s", page)
	}
	if got := alice.post(form, form, of("vaccin", "J07AM", "quand", "2031", "lot", strings.Repeat("x", 41))); got.status != http.StatusUnprocessableEntity || strings.Count(got.body, "aria-invalid") != 2 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := alice.post(form, form, of("vaccin", "J07AM", "nom", "<b>Tétavax</b>", "quand", "03/2015", "lot", "<i>L1</i>", "vaccinateur", "Dr <u>X</u>")); got.status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.status, got.body)
	}
	page = alice.get(book).body
	for _, text := range []string{"&lt;b&gt;Tétavax", "&lt;i&gt;L1", "Dr &lt;u&gt;X", "tétanos", "Ajoutée par le patient", "/supprimer/"} {
		if !strings.Contains(page, text) {
			t.Errorf("the book has no %s: %s", text, page)
		}
	}
	pro := "/pro/" + strings.TrimPrefix(book, "/patient/")
	if got := traitant.get(pro); !strings.Contains(got.body, "Tétavax") || strings.Contains(got.body, "/supprimer/") {
		t.Errorf("the médecin traitant: %d %s", got.status, got.body)
	}
	if got := traitant.post(pro+"/ajouter", pro+"/ajouter", of("vaccin", "J07BB", "quand", "01/10/2026")); got.status != http.StatusSeeOther {
		t.Errorf("the médecin traitant writes: %d %s", got.status, got.body)
	}
	remove := regexp.MustCompile(`/supprimer/[a-z2-7]{52}`).FindAllString(alice.get(book).body, -1)
	if len(remove) != 1 {
		t.Fatalf("alice may take out %d", len(remove))
	}
	if got := alice.post(book, book+remove[0], nil); got.status != http.StatusSeeOther || strings.Contains(alice.get(book).body, "Tétavax") {
		t.Errorf("remove: %d %s", got.status, got.body)
	}

	reminders := book + "/rappels"
	for _, c := range []struct {
		fields  url.Values
		checked bool
	}{{nil, true}, {of(), false}, {of("rappels", "oui"), true}} {
		if c.fields != nil {
			if got := alice.post(reminders, reminders, c.fields); got.status != http.StatusSeeOther {
				t.Errorf("reminders: %d %s", got.status, got.body)
			}
		}
		if got := alice.get(reminders); strings.Contains(got.body, " checked") != c.checked {
			t.Errorf("reminders after %v: %s", c.fields, got.body)
		}
	}
	if got := visitor(t, base, "delegate:alice").post(form, reminders, of()); got.status != http.StatusForbidden {
		t.Errorf("a delegate sets reminders: %d", got.status)
	}
}
