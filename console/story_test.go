package console_test

import (
	"archive/zip"
	"bytes"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/signed"
)

// story is one sandbox in which the steps of a patient follow each other.
type story struct {
	base     string
	home     string // alice's record
	document string // the page of the report that she masks
	title    string
	uniqueID string
}

// TestPatientStory plays the patient's story in a real browser, on a phone, as one chain in
// one sandbox: from the notice to the certificate of deletion, each step in the world that
// those before it left (users §4 e). What each page does in detail is in the tests of its
// own; here it is that they add up.
func TestPatientStory(t *testing.T) {
	t.Parallel()
	s := story{base: open(t), title: "Bilan de contrôle"}
	for _, step := range []struct {
		name string
		play func(*story, *testing.T)
	}{
		{"1 activates, opposes or does nothing", (*story).begins},
		{"2 sees what is new", (*story).reads},
		{"3 masks it", (*story).masks},
		{"4 blocks a doctor", (*story).blocks},
		{"5 sets the emergency", (*story).sets},
		{"6 the glass is broken", (*story).broken},
		{"7 gina is told", (*story).announced},
		{"8 chloe comes of age", (*story).ofAge},
		{"9 takes everything, closes, deletes", (*story).ends},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.play(&s, t) }) {
			return
		}
	}
}

// pressed types into the fields of a form, name and value, and presses its button.
func (s *screen) pressed(button string, fields ...string) {
	s.t.Helper()
	for i := 0; i < len(fields); i += 2 {
		s.fill(fields[i], fields[i+1])
	}
	s.click("main button", button)
}

// says tells that the page has each of the texts, as its reader sees them.
func (s *screen) says(texts ...string) {
	s.t.Helper()
	page := s.text("main")
	for _, text := range texts {
		if !strings.Contains(page, text) {
			s.t.Fatalf("%s does not say %q: %s", s.path(), text, page)
		}
	}
}

// ticks sets a box of a form.
func (s *screen) ticks(name string, on bool) {
	s.t.Helper()
	eval[bool](s, `(() => { const box = document.querySelector(`+quoted(`[name="`+name+`"]`)+`); if (box.checked != `+quoted(on)+`) box.click(); return true })()`)
}

// advance moves the clock of the sandbox; whatever is due by then is done.
func (y *story) advance(t *testing.T, by string) {
	t.Helper()
	if got := visitor(t, y.base, "").do(http.MethodPost, "/sandbox/clock", "application/json", `{"advance":"`+by+`"}`); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
}

// deposits sends a report of laboratory, another one each time, to a patient's record.
func (y *story) deposits(t *testing.T, report, patient, uniqueID string) answer {
	t.Helper()
	b := visitor(t, y.base, "")
	report = strings.ReplaceAll(report, b.cast("alice").INS, b.cast(patient).INS)
	report = strings.Replace(report, cdaID.FindStringSubmatch(report)[1], uniqueID, 1)
	report = regexp.MustCompile(`<title>[^<]*</title>`).ReplaceAllString(report, "<title>"+y.title+"</title>")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, y.base+"/intake/cda", strings.NewReader(report))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = bearer(t, y.base, ask{"as": "bio-lab", "patient": patient})
	r.Header.Set("Content-Type", "text/xml")
	return b.send(r)
}

// begins: of those who are told of their record, one activates it, one opposes, one does
// nothing; six weeks later the third is open, and the second like that of farid is not there.
func (y *story) begins(t *testing.T) {
	b := visitor(t, y.base, "")
	wave, err := os.ReadFile("../testdata/population/vague-1.csv")
	if err != nil {
		t.Fatal(err)
	}
	if got := b.do(http.MethodPost, "/sandbox/population", "text/csv", string(wave)); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := b.do(http.MethodPost, "/sandbox/patients", "application/json", `{"name":"gaston","birthDate":"1993-03-14","state":"notified"}`); got.status >= 300 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	const mail, mother, child, card = "helene.lemaire@sandbox.invalid", "267055999900117", "216035999900305", "8025000001234567890"

	s := look(t, y.base, "")
	s.open("/patient/activation")
	s.pressed("Continuer", "code", mailed(t, y.base, mail, `Votre code provisoire : (\S+)`), "numero", mother, "carte", card)
	s.pressed("Continuer", "identifiant", "helene", "motdepasse", "la brume sur le canal", "encore", "la brume sur le canal", "email", mail)
	s.pressed("Vérifier", "code", mailed(t, y.base, mail, `code[^0-9]*([0-9]{6})`))
	if s.open("/patient"); !strings.Contains(s.text("body"), "LEMAIRE") {
		t.Fatalf("activated: %s: %s", s.path(), s.text("body"))
	}
	s = look(t, y.base, "")
	s.open("/patient/opposition")
	s.ticks("sur", true)
	s.pressed("M'opposer", "code", mailed(t, y.base, mail, `Le code provisoire : (\S+)`), "numero", child, "carte", card)
	s.says("ne sera pas créé")

	durand, report := visitor(t, y.base, "dr-durand"), y.report(t)
	there := func(by url.Values) bool {
		got := durand.post("/pro", "/pro/recherche", by)
		if got.status != http.StatusSeeOther && !strings.Contains(got.body, "REG-001") {
			t.Fatalf("%v: %d %s", by, got.status, got.body)
		}
		return got.status == http.StatusSeeOther
	}
	gaston, farid := url.Values{"ins": {b.cast("gaston").INS}}, url.Values{"ins": {b.cast("farid").INS}}
	helene := url.Values{"nom": {"LEMAIRE"}, "prenom": {"Hélène"}, "naissance": {"1967-05-12"}, "sexe": {"F"}}
	ines := url.Values{"nom": {"LEMAIRE"}, "prenom": {"Inès"}, "naissance": {"2016-03-21"}, "sexe": {"F"}}
	if !there(helene) || there(gaston) {
		t.Error("before the six weeks: the activated record is found, the announced one is not")
	}
	y.advance(t, "6w")
	durand = visitor(t, y.base, "dr-durand")
	if !there(gaston) || there(ines) || there(farid) {
		t.Errorf("after six weeks: who did nothing is open %v, who opposed is shut %v %v", there(gaston), !there(ines), !there(farid))
	}
	if got := y.deposits(t, report, "farid", "2.25.7001"); got.status < 400 || !strings.Contains(got.body, "REG-001") {
		t.Errorf("a deposit for farid: %d %s", got.status, got.body)
	}
}

// report is a real one, which the laboratory of the cast had deposited.
func (y *story) report(t *testing.T) string {
	t.Helper()
	alice := visitor(t, y.base, "patient:alice")
	return alice.get(alice.titled("Bilan de début de grossesse") + "/fichier").body
}

// reads: the home of alice counts what came since her last visit, and leads to it and to
// who may see it, by profession and by name.
func (y *story) reads(t *testing.T) {
	report := y.report(t)
	alice := visitor(t, y.base, "patient:alice")
	y.home = alice.record()
	holds(t, alice.get(y.home), "Accueil")
	y.uniqueID = "2.25.7002"
	if got := y.deposits(t, report, "alice", y.uniqueID); got.status >= 300 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	s := look(t, y.base, "")
	s.open("/patient/connexion")
	s.pressed("Continuer", "identifiant", "alice", "motdepasse", "le beffroi sonne midi")
	s.pressed("Me connecter", "code", mailed(t, y.base, "alice@sandbox.invalid", `connexion : ([0-9]{6})`))
	if s.path() != y.home {
		t.Fatalf("signed in, alice is at %s", s.path())
	}
	s.says("1 nouveau document")
	s.click("main a", y.title)
	y.document = s.path()
	s.says("Rubéole, IgG")
	s.click("main a", "Qui peut voir ce document ?")
	s.says("Nadia Haddad, infirmier", "Dr Claire Carpentier, médecin généraliste", "Infirmier", "Pédicure-podologue")
}

// masks: the effect is said before it is saved, and is what both faces then do.
func (y *story) masks(t *testing.T) {
	nadia, traitant := ask{"as": "ide-nadia", "patient": "alice"}, ask{"as": "dr-traitant", "patient": "alice"}
	finds := func(who ask) bool { return slices.Contains(searches(t, y.base, who).ids, y.uniqueID) }
	if !finds(nadia) || !finds(traitant) {
		t.Fatal("before: nadia and the médecin traitant find it")
	}
	s := look(t, y.base, "patient:alice")
	s.open(y.document + "/confidentialite")
	s.says("Visible par moi, la personne qui l'a déposé et mon médecin traitant.")
	s.click("main button", "Masquer ce document")
	if finds(nadia) || !finds(traitant) {
		t.Errorf("masked: nadia finds it %v, the médecin traitant %v", finds(nadia), finds(traitant))
	}
	id := logical(t, y.base, traitant, y.uniqueID)
	if got := send(t, http.MethodGet, y.base+"/fhir/DocumentReference/"+id, bearer(t, y.base, traitant), ""); !strings.Contains(got, `"MASQUE_PS"`) {
		t.Errorf("without its label: %s", got)
	}
}

// blocks: a blocked doctor reads nothing, not even in an emergency, and still deposits;
// what he tried is in the history.
func (y *story) blocks(t *testing.T) {
	s := look(t, y.base, "patient:alice")
	s.open(y.home + "/acces/professionnel/" + castID(t, y.base, "dr-bloque"))
	s.click("main button", "Je débloque ce professionnel")
	s.says("Il ne pourra plus consulter, même en urgence ; il pourra encore déposer.")
	s.click("main button", "Je bloque ce professionnel")
	bloque := visitor(t, y.base, "dr-bloque")
	form := bloque.find("alice") + "/deposer"
	if got := bloque.deposit(form, "a.pdf", pdf, "titre", "Courrier du docteur Bridoux", "type", "11488-4", "date", "2026-01-10"); got.status != http.StatusSeeOther {
		t.Errorf("a blocked doctor deposits: %d %s", got.status, got.body)
	}
	for _, who := range []ask{{"as": "dr-bloque", "patient": "alice"}, {"as": "dr-bloque", "patient": "alice", "mode": "bris_de_glace", "reason": "Malaise dans la rue"}} {
		if got := searches(t, y.base, who); got.door != "ACC-04" {
			t.Errorf("%v: %v", who, got)
		}
	}
	s.open(y.home + "/historique?acteur=" + castID(t, y.base, "dr-bloque"))
	s.says("Dr Serge Bridoux (médecin généraliste) a voulu consulter la liste des documents : refusé", "Malaise dans la rue", "Urgence (bris de glace)", "a déposé un document")
}

// sets: each switch of the emergency, to what it is in the story.
func (y *story) sets(t *testing.T) {
	s := look(t, y.base, "patient:alice")
	for _, masked := range []bool{true, false} {
		s.open(y.home + "/acces/urgence")
		s.ticks("samu", true)
		s.ticks("autres", true)
		s.ticks("masques", masked)
		s.click("main button", "J'enregistre mes choix")
		got := searches(t, y.base, ask{"as": "samu-31", "patient": "alice", "mode": "centre_15"})
		if got.door != "" || len(got.ids) == 0 || slices.Contains(got.ids, y.uniqueID) != masked {
			t.Errorf("masked documents in an emergency %v: %v", masked, got)
		}
	}
}

// broken: a doctor who does not know alice opens her record for a reason, and sees what is
// not masked; she is told at once, of nothing medical, and reads the reason in her history.
func (y *story) broken(t *testing.T) {
	const reason = "Choc anaphylactique, patiente inconsciente"
	known := len(letters(t, y.base, "alice@sandbox.invalid"))
	alice := visitor(t, y.base, "").cast("alice")
	s := look(t, y.base, "dr-urg")
	s.open("/pro")
	s.pressed("Chercher", "ins", alice.INS)
	s.click("main a", "Accéder en urgence")
	s.pressed("Ouvrir le dossier en urgence", "nom", alice.Family, "prenom", alice.Given, "naissance", alice.BirthDate, "raison", reason)
	if list := s.text("main"); !strings.Contains(s.text(".emergency"), reason) || !strings.Contains(list, "Hyperglycémie provoquée") || strings.Contains(list, y.title) {
		t.Errorf("%s: %s", s.text(".emergency"), list)
	}
	news := letters(t, y.base, "alice@sandbox.invalid")
	if len(news) <= known || !slices.ContainsFunc(news, func(text string) bool { return strings.Contains(text, "y a accédé en urgence") }) {
		t.Fatalf("alice is not told: %q", news)
	}
	for _, text := range news {
		for _, word := range []string{"anaphylactique", "Fauvel", "Arras", alice.Family, "Hyperglycémie", y.title} {
			if strings.Contains(text, word) {
				t.Errorf("an e-mail says %q: %s", word, text)
			}
		}
	}
	s = look(t, y.base, "patient:alice")
	s.open(y.home + "/historique?type=urgence")
	s.says("Dr Inès Fauvel (médecin urgentiste) a consulté la liste des documents", reason)
}

// announced: gina learns of nothing until who wrote the result releases it, then she is
// told and reads it.
func (y *story) announced(t *testing.T) {
	hidden, at := hiddenDocument(t, y.base, "gina"), visitor(t, y.base, "patient:gina").record()
	gina := look(t, y.base, "patient:gina")
	if status := gina.open(at + "/documents/" + hidden); status != http.StatusNotFound {
		t.Fatalf("before: %d", status)
	}
	known := len(letters(t, y.base, "gina@sandbox.invalid"))
	author := look(t, y.base, "dr-hopital")
	author.open(strings.Replace(at, "/patient/", "/pro/", 1))
	author.ticks("attested", true)
	author.click("main button", "Déclarer")
	author.open(author.path() + "/documents/" + hidden)
	author.says("Ce document n'est pas visible du patient.")
	eval[bool](author, `(() => { document.querySelector('form:has([value="reveal-patient"]) [name=confirme]').click(); return true })()`)
	author.click(`form:has([value="reveal-patient"]) button`)
	if news := letters(t, y.base, "gina@sandbox.invalid"); len(news) <= known || !slices.ContainsFunc(news, func(text string) bool { return strings.Contains(text, "devenu visible pour vous") }) {
		t.Errorf("gina is not told: %q", news)
	}
	if status := gina.open(at + "/documents/" + hidden); status != http.StatusOK {
		t.Errorf("released: %d", status)
	}
}

// ofAge: what chloe kept from her parents neither of them sees; at eighteen the record is
// hers, with it, and not theirs.
func (y *story) ofAge(t *testing.T) {
	const secret = "Première consultation de contraception"
	at := ""
	for _, parent := range []string{"rep:chloe", "rep:chloe:2"} {
		s := look(t, y.base, parent)
		s.open("/patient")
		at = s.path()
		s.open(at + "/documents")
		s.says("Certificat de non-contre-indication")
		if strings.Contains(s.text("main"), secret) {
			t.Errorf("%s sees it", parent)
		}
	}
	y.advance(t, "3y")
	s := look(t, y.base, "patient:chloe")
	s.open(at + "/documents")
	s.says(secret)
	if got := searches(t, y.base, ask{"as": "rep:chloe:2", "patient": "chloe"}); got.door != "ACC-06" {
		t.Errorf("a parent of an adult: %v", got)
	}
}

// ends: alice takes her record with her, closes it and has it deleted: what she took and
// the certificate are verified, and nothing is left to be read.
func (y *story) ends(t *testing.T) {
	s, alice := look(t, y.base, "patient:alice"), visitor(t, y.base, "patient:alice")
	s.open(y.home + "/emporter")
	file := alice.get(eval[string](s, `document.querySelector("main a[download]").getAttribute("href")`))
	z, err := zip.NewReader(bytes.NewReader([]byte(file.body)), int64(len(file.body)))
	if err != nil {
		t.Fatalf("%d %v", file.status, err)
	}
	manifest, _, faults, err := signed.ReadExport(z)
	if err != nil || len(faults) > 0 || manifest.Documents < 10 {
		t.Errorf("%d documents, %v %v", manifest.Documents, faults, err)
	}

	life := y.home + "/parametres/vie"
	s.open(life)
	s.click("main button", "Je ferme le dossier")
	s.says("Je rouvre le dossier")
	if got := searches(t, y.base, ask{"as": "dr-traitant", "patient": "alice"}); got.door != "ACC-01" {
		t.Errorf("closed: %v", got)
	}
	s.pressed("Je supprime tout", "confirm", "SUPPRIMER")
	s.says("Télécharger le certificat")

	deletion, signature, err := signed.ReadCertificate([]byte(alice.get(y.home + "/parametres/certificat").body))
	if err != nil {
		t.Fatal(err)
	}
	if at := strings.TrimPrefix(y.home, "/patient/"); deletion.Record != at || deletion.Keys != 1 || deletion.Documents < manifest.Documents {
		t.Errorf("the certificate says %+v, she took %d documents", deletion, manifest.Documents)
	}
	if published := alice.get("/.well-known/passerelle-signature").body; !strings.Contains(published, signature.Fingerprint) {
		t.Errorf("published: %s", published)
	}
	for _, page := range []string{y.document, y.document + "/fichier", y.home + "/documents", y.home + "/historique", y.home + "/emporter/dossier.zip"} {
		if got := alice.get(page); got.status == http.StatusOK || strings.Contains(got.body, y.title) {
			t.Errorf("%s is still read: %d", page, got.status)
		}
	}
	traitant := visitor(t, y.base, "dr-traitant")
	if got := traitant.post("/pro", "/pro/recherche", url.Values{"ins": {alice.cast("alice").INS}}); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "REG-001") {
		t.Errorf("a professional finds it: %d %s", got.status, got.body)
	}
}
