package console_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// The life of a record from its pages, each state held on both faces: closed, reopened
// with what it had, deleted for good and activated anew, empty (S3, R-50…R-54).
func TestLifePages(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice := visitor(t, base, "patient:alice")
	home := entered(t, alice)
	page := home + "/parametres/vie"
	durand, own := ask{"as": "dr-traitant", "patient": "alice"}, ask{"as": "patient:alice", "patient": "alice"}
	before := searches(t, base, own)
	holds(t, alice.get(page), "Les données sont gardées dix ans", "Rien ne pourra être récupéré")
	holds(t, moved(t, alice, alice.post(page, page+"/fermer", nil)), "Le dossier est fermé", "Je rouvre le dossier")
	for _, who := range []ask{durand, own} {
		if got := searches(t, base, who); got.door != "ACC-01" {
			t.Errorf("closed: %v finds %v", who, got)
		}
	}
	holds(t, alice.get(home+"/historique?moi=1"), "J&#39;ai fermé le dossier")
	if got := alice.get(home); got.header.Get("Location") != page {
		t.Errorf("the home of a closed record: %d", got.status)
	}
	holds(t, moved(t, alice, alice.post(page, page+"/rouvrir", nil)), "Le dossier est activé")
	if got := searches(t, base, own); len(got.ids) != len(before.ids) {
		t.Errorf("reopened: %v", got)
	}
	if got := alice.post(page, page+"/supprimer", url.Values{"confirm": {"oui"}}); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "LIFE-002") {
		t.Errorf("not confirmed: %d", got.status)
	}
	if got := alice.post(page, page+"/dissoudre", nil); got.status != http.StatusNotFound {
		t.Errorf("an act that there is not: %d", got.status)
	}
	holds(t, moved(t, alice, alice.post(page, page+"/supprimer", url.Values{"confirm": {"SUPPRIMER"}})), "Tout est supprimé.", "Télécharger le certificat", "J&#39;active le dossier")
	if got := alice.get(home + "/parametres/certificat"); got.status != http.StatusOK || !json.Valid([]byte(got.body)) || strings.Contains(got.body, "GARNIER") {
		t.Errorf("the certificate: %d %s", got.status, got.body)
	}
	holds(t, moved(t, alice, alice.post(page, page+"/activer", nil)), "Le dossier est activé")
	if got := searches(t, base, own); got.door != "" || len(got.ids) != 0 {
		t.Errorf("activated anew: %v", got)
	}
}

// A delegate decides nothing of it, whatever he forges.
func TestLifeOfDelegate(t *testing.T) {
	t.Parallel()
	base := open(t)
	leo := visitor(t, base, "delegate:alice")
	home := entered(t, leo)
	page := home + "/parametres/vie"
	lacks(t, leo.get(page), "Je ferme", "Je supprime")
	for path, fields := range map[string]url.Values{
		page + "/fermer": nil, page + "/supprimer": {"confirm": {"SUPPRIMER"}}, home + "/parametres/notifications": nil,
		home + "/parametres/applications/mes-documents": {"scope": {"patient/DocumentReference.rs"}}, home + "/parametres/applications/mes-documents/retirer": nil,
	} {
		if got := leo.post(page, path, fields); got.status != http.StatusForbidden || !strings.Contains(got.body, "ACC-42") {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	if got := searches(t, base, ask{"as": "delegate:alice", "patient": "alice"}); got.door != "" || len(got.ids) == 0 {
		t.Errorf("afterwards: %v", got)
	}
}

// An application reads what it was authorised for, and nothing once that is taken back.
func TestApplicationPages(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice := visitor(t, base, "patient:alice")
	home := entered(t, alice)
	page := home + "/parametres/applications"
	reads := func() string {
		token := bearer(t, base, ask{"as": "patient:alice", "patient": "alice", "client": "mes-documents", "scope": "patient/DocumentReference.rs"})
		return send(t, http.MethodGet, base+"/fhir/DocumentReference?patient=Patient/"+strings.TrimPrefix(home, "/patient/"), token, "")
	}
	if got := reads(); !strings.Contains(got, "APP-001") {
		t.Fatalf("before: %.300s", got)
	}
	holds(t, alice.get(page), "Mes documents", "ajouter : les documents", "lire : les vaccinations")
	holds(t, moved(t, alice, alice.post(page, page+"/mes-documents", url.Values{"scope": {"patient/DocumentReference.rs"}})), "Cette application est autorisée.", "lire : les documents")
	if got := reads(); !strings.Contains(got, "masterIdentifier") {
		t.Errorf("authorised: %.300s", got)
	}
	if got := alice.post(page, page+"/mes-documents", url.Values{"scope": {"patient/*.cruds"}, "until": {"2199-01-01"}}); got.status != http.StatusUnprocessableEntity || strings.Count(got.body, "JSON-002") != 2 {
		t.Errorf("more than the catalogue: %d", got.status)
	}
	holds(t, moved(t, alice, alice.post(page, page+"/mes-documents/retirer", nil)), "Aucune application n&#39;est autorisée.")
	if got := reads(); !strings.Contains(got, "APP-001") {
		t.Errorf("taken back: %.300s", got)
	}
}

// What somebody declines he is not written of; what the law has him told of he is.
func TestNotificationPages(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice := visitor(t, base, "patient:alice")
	page := entered(t, alice) + "/parametres/notifications"
	holds(t, alice.get(page), "alice@sandbox.invalid", `value="AJOUT_DOCUMENT" checked`, "premier accès")
	after := moved(t, alice, alice.post(page, page, url.Values{"event": {"SUPP_DOC"}, "digest": {"1"}, "readings": {"1"}}))
	holds(t, after, `value="SUPP_DOC" checked`, `name="digest" value="1" checked`, `name="readings" value="1" checked`)
	lacks(t, after, `value="AJOUT_DOCUMENT" checked`)
	known := len(letters(t, base, "alice@sandbox.invalid"))
	searches(t, base, ask{"as": "dr-urg", "patient": "alice", "mode": "bris_de_glace", "reason": "Hémorragie digestive"})
	news := letters(t, base, "alice@sandbox.invalid")
	if len(news) <= known {
		t.Error("an emergency waits for the digest")
	}
	for _, text := range news {
		if strings.Contains(text, "Hémorragie") || strings.Contains(text, "Fauvel") || strings.Contains(text, "GARNIER") {
			t.Errorf("an e-mail says %s", text)
		}
	}
}

// The settings as people see them.
func TestSettingsPages(t *testing.T) {
	t.Parallel()
	base := open(t)
	s := look(t, base, "patient:alice")
	s.open("/patient")
	home := s.path()
	for _, name := range []string{"", "/notifications", "/applications", "/vie"} {
		if status := s.open(home + "/parametres" + name); status != http.StatusOK {
			t.Fatalf("%s: %d", name, status)
		}
		s.everyWidth("settings-" + strings.TrimPrefix(name, "/"))
	}
	rep := look(t, base, "rep:chloe")
	rep.open("/patient")
	rep.open(rep.path() + "/parametres/vie")
	if got := rep.text(".acting"); !strings.Contains(got, "Chloé") {
		t.Errorf("a representative is told %q", got)
	}
	rep.everyWidth("settings-rep")
}
