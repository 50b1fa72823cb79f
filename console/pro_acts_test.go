package console_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// deposit sends the form of a deposit with a file.
func (b *browser) deposit(page, name string, file []byte, fields ...string) answer {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	token := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(b.get(page).body)
	if token == nil {
		b.t.Fatalf("no form on %s", page)
	}
	all := append([]string{"csrf", token[1]}, fields...)
	for i := 0; i < len(all); i += 2 {
		_ = form.WriteField(all[i], all[i+1])
	}
	part, _ := form.CreateFormFile("fichier", name)
	_, _ = part.Write(file)
	_ = form.Close()
	return b.do(http.MethodPost, page, form.FormDataContentType(), body.String())
}

var pdf = []byte("%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")

// linked is the address of a document that a list names.
func linked(t *testing.T, page, title string) string {
	t.Helper()
	m := regexp.MustCompile(`<a href="([^"]+)"><strong>` + regexp.QuoteMeta(title) + `</strong>`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no document %q in %s", title, page)
	}
	return m[1]
}

// A PDF is deposited with its marks in the professional's own name, and the faces give it;
// what is wrong with a form stands by its field, and nothing is stored.
func TestProDeposit(t *testing.T) {
	t.Parallel()
	b := visitor(t, open(t), "dr-durand")
	home := b.find("alice")
	form := home + "/deposer"
	today := []string{"type", "CR ou fiche de consultation ou de visite (11488-4)", "date", "2026-01-10"}
	const title = `Suivi <script>alert(1)</script> & "bilan"`
	if got := b.deposit(form, "a.pdf", pdf, append(today, "titre", title)...); got.status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.status, got.body)
	}
	list := b.get(home + "/documents")
	if !slices.Contains(titles(list.body), title) || strings.Contains(list.body, "<script>alert") {
		t.Errorf("%q", titles(list.body))
	}
	if _, all := b.onFHIR("dr-durand", "alice", ""); !slices.Contains(all, title) {
		t.Errorf("not on FHIR: %q", all)
	}
	at := linked(t, list.body, "Suivi &lt;script&gt;alert(1)&lt;/script&gt; &amp; &#34;bilan&#34;")
	page := b.get(at)
	if !strings.Contains(page.body, "iframe") || !strings.Contains(page.body, "Remplacer par une nouvelle version") || strings.Contains(page.body, "<script>alert") {
		t.Errorf("%s", page.body)
	}
	if got := b.get(at + "/fichier?partie=0"); got.body != string(pdf) || got.header.Get("Content-Type") != "application/pdf" || !strings.Contains(got.header.Get("Content-Disposition"), "inline") {
		t.Errorf("the PDF: %d %v", got.status, got.header)
	}
	if got := b.deposit(form, "a.exe", []byte("MZ"), "titre", "", "type", "biologie", "date", "2999-01-01"); got.status != http.StatusUnprocessableEntity {
		t.Errorf("%d", got.status)
	} else {
		for _, field := range []string{"(Titre)", "(Type de document)", "(Date de l&#39;acte)", "(Fichier)"} {
			if !strings.Contains(got.body, field) {
				t.Errorf("no finding about %s", field)
			}
		}
	}
	if got := b.deposit(form, "a.pdf", pdf, append(today, "titre", "Deux marques", "masque", "1", "cache", "1")...); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "C-02") || !strings.Contains(got.body, "(Confidentialité)") {
		t.Errorf("two marks that exclude each other: %d %s", got.status, got.body)
	}
	if got := b.deposit(form, "a.pdf", pdf, append(today, "titre", "Secret", "secret", "1")...); !strings.Contains(got.body, "C-03") {
		t.Errorf("hidden from the representatives of an adult: %d", got.status)
	}
	if got := b.do(http.MethodPost, form, "application/x-www-form-urlencoded", "titre=x"); got.status != http.StatusForbidden || !strings.Contains(got.body, "WEB-001") {
		t.Errorf("without a token: %d", got.status)
	}
	id := at[strings.LastIndex(at, "/")+1:]
	if got := b.deposit(form+"?remplace="+id, "b.pdf", append(pdf, '\n'), append(today, "titre", "Version 2", "remplace", id)...); got.status != http.StatusSeeOther {
		t.Errorf("a new version: %d %s", got.status, got.body)
	}
	if got := titles(b.get(home + "/documents").body); !slices.Contains(got, "Version 2") || slices.Contains(got, title) {
		t.Errorf("after the new version: %q", got)
	}
	if got := titles(b.get(home + "/documents?etat=obsoletes&tout=1").body); !slices.Contains(got, title) {
		t.Errorf("obsolete: %q", got)
	}
}

// Who may do what with a document, and what each act changes on both faces.
func TestProActs(t *testing.T) {
	t.Parallel()
	base := open(t)
	durand, nadia, traitant := visitor(t, base, "dr-durand"), visitor(t, base, "ide-nadia"), visitor(t, base, "dr-traitant")
	home := durand.find("alice")
	if got := durand.deposit(home+"/deposer", "a.pdf", pdf, "titre", "Bilan du jour", "type", "11488-4", "date", "2026-01-10"); got.status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.status, got.body)
	}
	at := linked(t, durand.get(home+"/documents").body, "Bilan du jour")
	act := func(b *browser, name string, more ...string) answer {
		form := url.Values{"acte": {name}}
		for i := 0; i < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		return b.post(home+"/documents", at+"/acte", form)
	}
	sees := func(b *browser, as string) bool {
		_, all := b.onFHIR(as, "alice", "")
		onPage := slices.Contains(titles(b.get(home+"/documents?tout=1").body), "Bilan du jour")
		if onFHIR := slices.Contains(all, "Bilan du jour"); onFHIR != onPage {
			t.Errorf("%s: page %v, FHIR %v", as, onPage, onFHIR)
		}
		return onPage
	}
	if got := nadia.get(at); strings.Contains(got.body, "Ce que je peux faire") || got.status != http.StatusOK {
		t.Errorf("a reader is offered acts: %d", got.status)
	}
	if got := act(nadia, "mask", "attested", "1"); got.status != http.StatusForbidden || !strings.Contains(got.body, "ACC-39") {
		t.Errorf("a reader masks: %d", got.status)
	}
	if got := act(durand, "mask"); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "C-11") {
		t.Errorf("not at the patient's request: %d %s", got.status, got.body)
	}
	if got := act(durand, "mask", "attested", "1"); got.status != http.StatusSeeOther || sees(nadia, "ide-nadia") || !sees(durand, "dr-durand") || !sees(traitant, "dr-traitant") {
		t.Errorf("masked: %d", got.status)
	}
	hidden, unknown := nadia.get(at), nadia.get(home+"/documents/3f8c6a52-0000-4000-8000-000000000000")
	if hidden.status != http.StatusNotFound || blind(hidden.body) != blind(unknown.body) {
		t.Errorf("hidden %d, unknown %d:\n%s\n%s", hidden.status, unknown.status, hidden.body, unknown.body)
	}
	was, never := act(nadia, "delete", "confirme", "1"), nadia.post(home+"/documents", home+"/documents/3f8c6a52-0000-4000-8000-000000000000/acte", url.Values{"acte": {"delete"}, "confirme": {"1"}})
	if was.status != http.StatusNotFound || blind(was.body) != blind(never.body) {
		t.Errorf("an act on a hidden one %d, on an unknown one %d", was.status, never.status)
	}
	if got := traitant.get(at); !strings.Contains(got.body, "Démasquer ce document") || !strings.Contains(got.body, "Masqué aux professionnels") || strings.Contains(got.body, "Supprimer ce document") {
		t.Errorf("to the médecin traitant: %s", got.body)
	}
	if got := act(traitant, "unmask", "attested", "1"); got.status != http.StatusSeeOther || !sees(nadia, "ide-nadia") {
		t.Errorf("unmasked by the médecin traitant: %d", got.status)
	}
	if got := act(durand, "delete"); got.status != http.StatusUnprocessableEntity || !sees(nadia, "ide-nadia") {
		t.Errorf("deleted without the box: %d", got.status)
	}
	if got := act(durand, "delete", "confirme", "1"); got.status != http.StatusSeeOther || sees(nadia, "ide-nadia") || sees(durand, "dr-durand") {
		t.Errorf("deleted: %d", got.status)
	}
}

// A document hidden until it is announced: the patient knows nothing of it, its author is
// reminded and releases it, nothing does so by itself (S0, Q-19).
func TestProAnnouncement(t *testing.T) {
	t.Parallel()
	base := open(t)
	b, gina := visitor(t, base, "dr-durand"), visitor(t, base, "patient:gina")
	home := b.find("gina")
	if got := b.deposit(home+"/deposer", "a.pdf", pdf, "titre", "Biopsie à annoncer", "type", "11526-1", "date", "2026-01-10", "cache", "1"); got.status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.status, got.body)
	}
	patient := gina.get("/patient").header.Get("Location")
	if strings.Contains(gina.get(patient+"/documents").body, "Biopsie à annoncer") {
		t.Error("gina reads it")
	}
	todo := b.get("/pro/annonces")
	at := linked(t, todo.body, "Biopsie à annoncer")
	if page := b.get(at); !strings.Contains(page.body, "pas visible du patient") || strings.Contains(page.body, "iframe") {
		t.Errorf("no warning before it is opened: %s", page.body)
	}
	if page := b.get(at + "?ouvrir=1"); !strings.Contains(page.body, "iframe") {
		t.Errorf("not opened after it: %s", page.body)
	}
	b.do(http.MethodPost, "/sandbox/clock", "application/json", `{"advance":"15d"}`)
	mails := b.get("/sandbox/mail?to=dr-durand@sandbox.invalid")
	if !strings.Contains(mails.body, "/pro/annonces") || strings.Contains(mails.body, "Biopsie") || strings.Contains(strings.ToLower(mails.body), "gina") {
		t.Errorf("the reminder: %s", mails.body)
	}
	if n := strings.Count(mails.body, "/pro/annonces"); strings.Count(b.get("/sandbox/mail?to=dr-durand@sandbox.invalid").body, "/pro/annonces") != n {
		t.Error("reminded twice")
	}
	b, gina = visitor(t, base, "dr-durand"), visitor(t, base, "patient:gina")
	if strings.Contains(gina.get(patient+"/documents").body, "Biopsie à annoncer") {
		t.Error("it showed itself")
	}
	if got := b.post(at, at+"/acte", url.Values{"acte": {"reveal-patient"}}); got.status != http.StatusUnprocessableEntity {
		t.Errorf("released without the box: %d", got.status)
	}
	if got := b.post(at, at+"/acte", url.Values{"acte": {"reveal-patient"}, "confirme": {"1"}}); got.status != http.StatusSeeOther {
		t.Errorf("released: %d %s", got.status, got.body)
	}
	if !strings.Contains(gina.get(patient+"/documents").body, "Biopsie à annoncer") || strings.Contains(b.get("/pro/annonces").body, "Biopsie à annoncer") {
		t.Error("after the release")
	}
}

// The médecin traitant bars a professional at the patient's request, reads the whole
// history, and may leave his role; others do none of it.
func TestProPhysician(t *testing.T) {
	t.Parallel()
	base := open(t)
	b, durand := visitor(t, base, "dr-traitant"), visitor(t, base, "dr-durand")
	home := b.find("alice")
	podo := regexp.MustCompile(`Podo|podologue`)
	team := b.get(home + "/professionnels")
	if !podo.MatchString(team.body) {
		t.Fatalf("%s", team.body)
	}
	id := regexp.MustCompile(`(?s)podologue.*?name="professionnel" value="([^"]+)"`).FindStringSubmatch(team.body)[1]
	if got := b.post(home+"/professionnels", home+"/professionnels/bloquer", url.Values{"professionnel": {id}}); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "C-11") {
		t.Errorf("not at the patient's request: %d", got.status)
	}
	if got := b.post(home+"/professionnels", home+"/professionnels/bloquer", url.Values{"professionnel": {id}, "attested": {"1"}}); got.status != http.StatusSeeOther {
		t.Errorf("%d %s", got.status, got.body)
	}
	if status, _ := b.onFHIR("podo-paul", "alice", ""); status != http.StatusForbidden {
		t.Errorf("podo-paul reads on: %d", status)
	}
	if got := b.get(home + "/historique"); !strings.Contains(got.body, "Durand") {
		t.Errorf("the whole history: %s", got.body)
	}
	if got := durand.get(home + "/historique"); got.status != http.StatusOK || strings.Contains(got.body, "Traitant") || !strings.Contains(got.body, "Mes propres accès") {
		t.Errorf("one's own history: %d %s", got.status, got.body)
	}
	if got := durand.get(home + "/professionnels"); got.status != http.StatusForbidden {
		t.Errorf("another professional's list: %d", got.status)
	}
	if got := durand.post(home+"/documents", home+"/professionnels/bloquer", url.Values{"professionnel": {id}, "attested": {"1"}}); got.status != http.StatusForbidden {
		t.Errorf("another professional bars: %d", got.status)
	}
	if got := b.post(home, home+"/demission", url.Values{"confirme": {"1"}}); got.status != http.StatusSeeOther || b.get(home+"/documents").status != http.StatusForbidden {
		t.Errorf("left: %d", got.status)
	}
}

// What a minor wants kept from his representatives is hidden from them from its deposit
// on, on pages and in the history, and shown to them by an act that cannot be undone (S0,
// C-03, C-04).
func TestProSecret(t *testing.T) {
	t.Parallel()
	base := open(t)
	b, rep := visitor(t, base, "dr-durand"), visitor(t, base, "rep:chloe")
	home := b.find("chloe")
	if page := b.get(home + "/deposer"); !strings.Contains(page.body, `name="secret"`) || strings.Contains(b.get(b.find("alice")+"/deposer").body, `name="secret"`) {
		t.Error("the mark is offered for minors alone")
	}
	if got := b.deposit(home+"/deposer", "a.pdf", pdf, "titre", "Contraception", "type", "11488-4", "date", "2026-01-10", "secret", "1"); got.status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.status, got.body)
	}
	parent := rep.get("/patient").header.Get("Location")
	at := linked(t, b.get(home+"/documents").body, "Contraception")
	path := strings.Replace(at, "/pro/", "/patient/", 1)
	deposits := func() int { return strings.Count(rep.get(parent+"/historique").body, "a déposé un document") }
	before := deposits()
	if got := rep.get(path); got.status != http.StatusNotFound || strings.Contains(rep.get(parent+"/documents").body, "Contraception") {
		t.Errorf("the representative: %d", got.status)
	}
	if page := b.get(at); !strings.Contains(page.body, "Non visible des représentants légaux") || !strings.Contains(page.body, "C&#39;est irréversible") {
		t.Errorf("%s", page.body)
	}
	if got := b.post(at, at+"/acte", url.Values{"acte": {"reveal-representatives"}}); got.status != http.StatusUnprocessableEntity || rep.get(path).status != http.StatusNotFound {
		t.Errorf("without the box: %d", got.status)
	}
	if got := b.post(at, at+"/acte", url.Values{"acte": {"reveal-representatives"}, "confirme": {"1"}}); got.status != http.StatusSeeOther || rep.get(path).status != http.StatusOK {
		t.Errorf("revealed: %d", got.status)
	}
	if after := deposits(); after != before+1 {
		t.Errorf("the history tells %d deposits, then %d", before, after)
	}
}
