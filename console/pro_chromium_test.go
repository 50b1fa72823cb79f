package console_test

import (
	"strings"
	"testing"
)

// TestProInABrowser: the pages of professionals on a phone and on a desk, as a newcomer
// goes through them; what is typed into them never becomes a part of them.
func TestProInABrowser(t *testing.T) {
	t.Parallel()
	base := open(t)
	b := visitor(t, base, "dr-durand")
	home := b.find("alice")
	for _, d := range [][]string{{"titre", `<img src=x onerror=alert(1)>`}, {"titre", "Biopsie", "cache", "1"}} {
		if got := b.deposit(home+"/deposer", "a.pdf", pdf, append(d, "type", "11488-4", "date", "2026-01-10")...); got.status != 303 {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	s := look(t, base, "dr-durand")
	for _, p := range [][2]string{
		{"pro-home", "/pro"}, {"pro-annonces", "/pro/annonces"}, {"pro-record", home}, {"pro-documents", home + "/documents?tout=1"}, {"pro-deposer", home + "/deposer"}, {"pro-historique", home + "/historique"},
	} {
		if got := s.open(p[1]); got != 200 {
			t.Fatalf("%s: %d", p[1], got)
		}
		s.everyWidth(p[0])
	}
	s.open(home + "/documents")
	s.click("main a", "<img src=x onerror=alert(1)>")
	s.everyWidth("pro-document")
	s.open(home + "/documents")
	s.click("main a", "Biopsie")
	if got := s.text("main"); !strings.Contains(got, "n'est pas visible du patient") {
		t.Errorf("%s", got)
	}
	s.everyWidth("pro-document-cache")
	physician := look(t, base, "dr-traitant")
	for _, p := range [][2]string{{"pro-record-traitant", home}, {"pro-professionnels", home + "/professionnels?nom=durand"}} {
		physician.open(p[1])
		physician.everyWidth(p[0])
	}
}

// TestUrgencyInABrowser: a professional breaks the glass in a browser without JavaScript,
// reads under the banner, and ends the access.
func TestUrgencyInABrowser(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice := visitor(t, base, "").cast("alice")
	s := look(t, base, "dr-urg")
	s.withoutScript()
	s.open("/pro")
	s.fill("ins", alice.INS)
	s.click("main button", "Chercher")
	if s.path() != "/pro/"+alice.Record {
		t.Fatalf("the search led to %s", s.path())
	}
	s.everyWidth("pro-record-sans-lien")
	s.click("main a", "Accéder en urgence")
	s.everyWidth("pro-urgence")
	fill := func(reason string) {
		s.fill("nom", alice.Family)
		s.fill("prenom", alice.Given)
		s.fill("naissance", alice.BirthDate)
		s.fill("raison", reason)
		s.click("main button", "Ouvrir le dossier en urgence")
	}
	fill(" ")
	if got := s.text("main"); !strings.Contains(got, "ACC-25") {
		t.Errorf("%s", got)
	}
	s.everyWidth("pro-urgence-refus")
	fill("Douleur thoracique <b>aiguë</b>")
	if got := s.text(".emergency"); !strings.Contains(got, "Douleur thoracique <b>aiguë</b>") {
		t.Fatalf("no banner: %s", got)
	}
	s.everyWidth("pro-urgence-documents")
	s.click(".documents button")
	if got := s.text(".emergency"); !strings.Contains(got, "Bris de glace") || s.count(".menu") != 0 {
		t.Errorf("the banner of a document: %s", got)
	}
	s.everyWidth("pro-urgence-document")
	s.click(".emergency button", "Terminer")
	if got := s.text("main"); s.path() != "/pro" || !strings.Contains(got, "L'accès en urgence est terminé.") {
		t.Errorf("%s: %s", s.path(), got)
	}
	s.open("/pro/" + alice.Record + "/documents")
	if got := s.text("main"); !strings.Contains(got, "ACC-23") {
		t.Errorf("after the end: %s", got)
	}
	s.everyWidth("pro-porte")
}
