package console_test

import (
	"net/http"
	"strings"
	"testing"
)

// A record that is announced, from the pages of who is signed in: the opening is refused,
// nobody finds it, then the refusal is taken back by activating it (S2, S3, R-50, R-51).
func TestNotifiedPages(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice := visitor(t, base, "patient:alice")
	own := entered(t, alice)
	line := "ins,nom,prenom,sexe,naissance,courriel,adresse,carte,parent,autre_parent\n" +
		"120035999900177^^^&1.2.250.1.213.1.4.10&ISO^NH,GARNIER,Noé,M,2020-03-21,alice@sandbox.invalid,,8025000001234567890," + castINS(t, base, "alice") + ",\n"
	if got := alice.do(http.MethodPost, "/sandbox/population", "text/csv", line); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	child := ""
	for _, part := range strings.Split(alice.get("/patient").body, `href="`)[1:] {
		if path, _, _ := strings.Cut(part, `"`); len(path) == len(own) && strings.HasPrefix(path, "/patient/") && path != own {
			child = path
		}
	}
	page := child + "/parametres/vie"
	if got := alice.get(child); child == "" || got.header.Get("Location") != page {
		t.Fatalf("the home of %q: %d %s", child, got.status, got.header.Get("Location"))
	}
	holds(t, alice.get(page), "La création du dossier est annoncée", "J&#39;active le dossier", "Je refuse l&#39;ouverture du dossier")
	s := look(t, base, "patient:alice")
	s.open(page)
	s.everyWidth("settings-notified")
	holds(t, moved(t, alice, alice.post(page, page+"/refuser", nil)), "L&#39;ouverture du dossier est refusée", "J&#39;active le dossier")
	if got := alice.post(page, page+"/refuser", nil); got.status < 400 || !strings.Contains(got.body, "LIFE-001") {
		t.Errorf("refused twice: %d", got.status)
	}
	if got := alice.get(child + "/documents"); got.status < 400 {
		t.Errorf("documents of a refused record: %d", got.status)
	}
	holds(t, moved(t, alice, alice.post(page, page+"/activer", nil)), "Le dossier est activé")
	if got := alice.get(child + "/documents"); got.status != http.StatusOK {
		t.Errorf("activated: %d", got.status)
	}
}
