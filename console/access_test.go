package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// entered is the page of the record of who has one, and its address.
func entered(t *testing.T, b *browser) string {
	t.Helper()
	home := b.get("/patient").header.Get("Location")
	if home == "" {
		t.Fatal("no record")
	}
	return home
}

// holds tells that a page has each of the texts.
func holds(t *testing.T, got answer, texts ...string) {
	t.Helper()
	if got.status != http.StatusOK {
		t.Errorf("status %d", got.status)
	}
	for _, text := range texts {
		if !strings.Contains(got.body, text) {
			t.Errorf("the page does not say %q: %s", text, got.body)
		}
	}
}

// lacks tells that a page has none of the texts.
func lacks(t *testing.T, got answer, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(got.body, text) {
			t.Errorf("the page says %q", text)
		}
	}
}

// moved tells that a form was taken, and gives the page that shows its effect.
func moved(t *testing.T, b *browser, got answer) answer {
	t.Helper()
	if got.status != http.StatusSeeOther {
		t.Fatalf("the form was not taken: %d %s", got.status, got.body)
	}
	return b.get(got.header.Get("Location"))
}

// Blocking: he reads nothing any more, not even in an emergency, and still deposits;
// unblocking does not give his access back (S0, S2, R-04, Q-05, Q-12, users §2).
func TestBlock(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice := visitor(t, base, "patient:alice")
	home := entered(t, alice)
	durand := castID(t, base, "dr-durand")
	reads, glass := ask{"as": "dr-durand", "patient": "alice"}, ask{"as": "dr-durand", "patient": "alice", "mode": "bris_de_glace", "reason": "Patient inconscient"}
	if before := searches(t, base, reads); before.door != "" || len(before.ids) == 0 {
		t.Fatalf("before: %v", before)
	}
	holds(t, alice.get(home+"/acces"), "Dr Philippe Durand", "médecin généraliste", "Cabinet médical des Moulins", "avec mon accord", "Dr Serge Bridoux", "Bloqué", "Médecin traitant", "équipe de soins")
	card := home + "/acces/professionnel/" + durand
	holds(t, alice.get(card), "Il ne pourra plus consulter, même en urgence ; il pourra encore déposer.")
	holds(t, moved(t, alice, alice.post(card, card+"/bloquer", nil)), "Ce professionnel est bloqué.", "Le débloquer ne lui rend pas l&#39;accès : il devra à nouveau me demander mon accord.")
	if got := searches(t, base, reads); got.door != "ACC-04" {
		t.Errorf("blocked: %v", got)
	}
	if got := searches(t, base, glass); got.door != "ACC-04" {
		t.Errorf("blocked, in an emergency: %v", got)
	}
	if got := send(t, http.MethodGet, base+"/api/v1/records/"+strings.TrimPrefix(home, "/patient/"), bearer(t, base, reads), ""); !strings.Contains(got, `"forbidden"`) {
		t.Errorf("the existence test: %s", got)
	}
	holds(t, moved(t, alice, alice.post(card, card+"/debloquer", nil)), "Il devra à nouveau me demander mon accord.", "Sans autorisation")
	if got := searches(t, base, reads); got.door != "ACC-23" {
		t.Errorf("unblocked: %v", got)
	}
	if got := searches(t, base, glass); got.door != "" || len(got.ids) == 0 {
		t.Errorf("unblocked, in an emergency: %v", got)
	}
}

// Somebody who is not on the list is found in the directory, and blocked before he comes.
func TestBlockAhead(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice := visitor(t, base, "patient:alice")
	home := entered(t, alice)
	urg := castID(t, base, "dr-urg")
	glass := ask{"as": "dr-urg", "patient": "alice", "mode": "bris_de_glace", "reason": "Détresse respiratoire"}
	if got := searches(t, base, glass); got.door != "" {
		t.Fatalf("before: %v", got)
	}
	found := alice.get(home + "/acces/annuaire?nom=fauvel+ines")
	card := home + "/acces/professionnel/" + urg
	holds(t, found, "Dr Inès Fauvel", "médecin urgentiste", card)
	holds(t, alice.get(home+"/acces/annuaire?nom=Zzyx"), "L&#39;annuaire ne connaît personne de ce nom.")
	lacks(t, alice.get(home+"/acces/annuaire?nom=%3Cscript%3Ealert(1)%3C/script%3E"), "<script>alert")
	moved(t, alice, alice.post(card, card+"/bloquer", nil))
	if got := searches(t, base, glass); got.door != "ACC-04" {
		t.Errorf("blocked ahead: %v", got)
	}
	if got := alice.get(home + "/acces/professionnel/899900009999"); got.status != http.StatusNotFound {
		t.Errorf("a professional who is nobody: %d", got.status)
	}
}

// Ending an authorisation closes the door as before any agreement.
func TestUnlink(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice := visitor(t, base, "patient:alice")
	home := entered(t, alice)
	card := home + "/acces/professionnel/" + castID(t, base, "ide-nadia")
	nadia := ask{"as": "ide-nadia", "patient": "alice"}
	if got := searches(t, base, nadia); got.door != "" {
		t.Fatalf("before: %v", got)
	}
	holds(t, moved(t, alice, alice.post(card, card+"/retirer", nil)), "Sans autorisation")
	if got := searches(t, base, nadia); got.door != "ACC-23" {
		t.Errorf("after: %v", got)
	}
	lacks(t, alice.get(home+"/acces"), "Nadia Haddad")
}

// The médecin traitant is chosen among those who have connected once (S2, C-06); he reads
// what is masked, and the one whom he replaces does not any more.
func TestPhysician(t *testing.T) {
	t.Parallel()
	base := open(t)
	bruno := visitor(t, base, "patient:bruno") // masks everything
	home := entered(t, bruno)
	page := home + "/acces/medecin-traitant"
	durand, traitant := ask{"as": "dr-durand", "patient": "bruno"}, ask{"as": "dr-traitant", "patient": "bruno"}
	own, all := searches(t, base, durand), searches(t, base, traitant)
	if len(all.ids) <= len(own.ids) {
		t.Fatalf("dr-durand finds %v, the médecin traitant %v", own, all)
	}
	shown := bruno.get(page)
	holds(t, shown, "Dr Claire Carpentier", "Dr Philippe Durand")
	lacks(t, shown, "Yann Tisserand", "Serge Bridoux", "Hugo Leclercq")
	holds(t, moved(t, bruno, bruno.post(page, page, url.Values{"professional": {castID(t, base, "dr-durand")}})), "Le médecin traitant est enregistré.")
	if got := searches(t, base, durand); len(got.ids) != len(all.ids) {
		t.Errorf("the new médecin traitant finds %v", got)
	}
	if got := searches(t, base, traitant); got.door != "ACC-23" {
		t.Errorf("the former one finds %v", got)
	}
	if got := bruno.post(page, page, url.Values{"professional": {castID(t, base, "dr-inconnu")}}); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "C-06") {
		t.Errorf("one who never connected: %d %s", got.status, got.body)
	}
	card := home + "/acces/professionnel/" + castID(t, base, "dr-durand")
	lacks(t, bruno.get(card), "Je bloque ce professionnel")
	if got := bruno.post(page, card+"/bloquer", nil); got.status != http.StatusConflict || !strings.Contains(got.body, "C-07") {
		t.Errorf("blocking the médecin traitant: %d", got.status)
	}
	holds(t, moved(t, bruno, bruno.post(page, page+"/retirer", nil)), "Il n&#39;y a plus de médecin traitant.")
	if got := searches(t, base, durand); len(got.ids) != len(own.ids) {
		t.Errorf("after he was removed: %v", got)
	}
}

// Each switch of the emergency settings opens and closes its own door, on both faces (S2,
// S4, R-24…R-27).
func TestEmergency(t *testing.T) {
	t.Parallel()
	base := open(t)
	bruno := visitor(t, base, "patient:bruno") // masks everything
	page := entered(t, bruno) + "/acces/urgence"
	samu := ask{"as": "samu-31", "patient": "bruno", "mode": "centre_15"}
	glass := ask{"as": "dr-urg", "patient": "bruno", "mode": "bris_de_glace", "reason": "Arrêt cardiaque"}
	holds(t, bruno.get(page), "Tous mes documents sont masqués par défaut : personne ne les verra en urgence.")
	for _, c := range []struct {
		ticked      url.Values
		samu, glass string
		masked      bool
	}{
		{url.Values{"samu": {"1"}, "autres": {"1"}}, "", "", false},
		{url.Values{"samu": {"1"}, "autres": {"1"}, "masques": {"1"}}, "", "", true},
		{url.Values{"samu": {"1"}, "masques": {"1"}}, "", "ACC-25", true},
		{url.Values{"autres": {"1"}}, "ACC-24", "", false},
		{url.Values{"masques": {"1"}}, "ACC-24", "ACC-25", false}, // of no effect when both others are off
	} {
		ticks := c.ticked.Encode()
		after := moved(t, bruno, bruno.post(page, page, c.ticked))
		if got := searches(t, base, samu); got.door != c.samu || c.samu == "" && c.masked != (len(got.ids) > 0) {
			t.Errorf("%s: the regulator: %v", ticks, got)
		}
		if got := searches(t, base, glass); got.door != c.glass || c.glass == "" && c.masked != (len(got.ids) > 0) {
			t.Errorf("%s: bris de glace: %v", ticks, got)
		}
		if shown := strings.Contains(after.body, `name="masques" value="1" aria-describedby="effet-masques" checked`); shown != c.masked {
			t.Errorf("%s: the page shows masked documents %v", ticks, shown)
		}
	}
}

// A delegate reads who may enter and changes nothing: his pages have no forms, and what
// he forges is refused.
func TestDelegateChangesNothing(t *testing.T) {
	t.Parallel()
	base := open(t)
	leo := visitor(t, base, "delegate:alice")
	home := entered(t, leo)
	durand := castID(t, base, "dr-durand")
	card := home + "/acces/professionnel/" + durand
	for _, page := range []string{home + "/acces", card, home + "/acces/medecin-traitant", home + "/acces/urgence"} {
		got := leo.get(page)
		holds(t, got, "qui vous en a délégué l&#39;accès")
		lacks(t, got, "<button class=\"danger\"", "J&#39;enregistre", "Je mets fin", "Je retire", "Je remplace", "Je bloque")
	}
	for path, code := range map[string]string{
		card + "/bloquer": "ACC-42", card + "/debloquer": "ACC-42", card + "/retirer": "ACC-44",
		home + "/acces/medecin-traitant/retirer": "ACC-42", home + "/acces/urgence": "ACC-42", home + "/acces/medecin-traitant": "ACC-42",
	} {
		if got := leo.post(home+"/acces/urgence", path, url.Values{"professional": {durand}}); got.status != http.StatusForbidden || !strings.Contains(got.body, code) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if got := searches(t, base, ask{"as": "dr-durand", "patient": "alice"}); got.door != "" {
		t.Errorf("dr-durand finds %v", got)
	}
}

// The pages about who may enter, as people see them.
func TestAccessPages(t *testing.T) {
	t.Parallel()
	base := open(t)
	s := look(t, base, "patient:alice")
	s.open("/patient")
	home := s.path()
	durand := castID(t, base, "dr-durand")
	for name, path := range map[string]string{
		"access-list": "/acces", "access-card": "/acces/professionnel/" + durand, "access-directory": "/acces/annuaire?nom=du",
		"access-physician": "/acces/medecin-traitant", "access-emergency": "/acces/urgence",
	} {
		if status := s.open(home + path); status != http.StatusOK {
			t.Fatalf("%s: %d", path, status)
		}
		s.everyWidth(name)
	}
	s.open(home + "/acces/professionnel/" + durand)
	s.click("button", "Je bloque ce professionnel")
	if got := s.text(".done"); got != "Ce professionnel est bloqué." {
		t.Errorf("after the click: %q", got)
	}
}
