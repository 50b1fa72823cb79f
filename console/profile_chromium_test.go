package console_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestProfileInABrowser: the profile as a patient sees it on a phone and on a desk, its
// forms filled there.
func TestProfileInABrowser(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice := visitor(t, base, "patient:alice")
	home := alice.get("/patient").header.Get("Location")
	for i, m := range [][3]string{{"2026-01-02", "128", "82"}, {"2026-03-02", "141", "90"}, {"2026-05-20", "135", "85"}, {"2026-08-01", "122", "78"}} {
		path := home + "/profil/mesures/ajouter/tension"
		alice.post(path, path, of("quand", m[0], "systolique", m[1], "diastolique", m[2], "commentaire", fmt.Sprint("mesure ", i+1)))
	}
	for _, p := range []struct{ page, kind, name, value string }{
		{"allergies", "allergie", "substance", "Pénicilline"}, {"traitements", "traitement", "nom", "Metformine"}, {"entourage", "urgence", "nom", "Garnier"},
	} {
		path := home + "/profil/" + p.page + "/ajouter/" + p.kind
		alice.post(path, path, of(p.name, p.value, "categorie", "medicament", "lien", "ami", "telephone", "06 12 34 56 78"))
	}
	s := look(t, base, "patient:alice")
	for name, path := range map[string]string{
		"profile": "", "profile-measures": "/mesures", "profile-allergies": "/allergies", "profile-relatives": "/entourage", "profile-vaccines": "/vaccinations", "profile-form": "/mesures/ajouter/tension",
	} {
		if got := s.open(home + "/profil" + path); got != 200 {
			t.Fatalf("%s: %d", path, got)
		}
		s.everyWidth(name)
	}
	s.open(home + "/profil/mesures/ajouter/poids")
	s.fill("quand", "2026-11-01")
	s.fill("valeur", "douze")
	s.click("main button")
	if got := s.text("main"); !strings.Contains(got, "un nombre de 0,3 à 500 kg") {
		t.Errorf("%s", got)
	}
	s.everyWidth("profile-form-wrong")
	s.fill("valeur", "70,5")
	s.click("main button")
	if got := s.text("main"); !strings.Contains(got, "70,5 kg") || s.path() != home+"/profil/mesures" {
		t.Errorf("%s: %s", s.path(), got)
	}
	pro := look(t, base, "dr-traitant")
	pro.open("/pro/" + strings.TrimPrefix(home, "/patient/") + "/profil/mesures")
	pro.everyWidth("profile-pro")
}
