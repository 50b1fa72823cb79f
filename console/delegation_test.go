package console_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/registry/record"
)

// letters are the e-mails that an address got, the latest last.
func letters(t *testing.T, base, to string) (all []string) {
	t.Helper()
	var box struct {
		Mails []struct{ Subject, Text string }
	}
	answer := send(t, http.MethodGet, base+"/sandbox/mail?to="+url.QueryEscape(to), nil, "")
	if err := json.Unmarshal([]byte(answer), &box); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	for _, m := range box.Mails {
		all = append(all, m.Subject+"\n"+m.Text)
	}
	return all
}

// told tells whether an address got an e-mail that says something.
func wrote(t *testing.T, base, to, what string) bool {
	t.Helper()
	return slices.ContainsFunc(letters(t, base, to), func(text string) bool { return strings.Contains(text, what) })
}

var invitationLink = regexp.MustCompile(`/patient/invitation/[a-z2-7-]+`)

// invited has alice invite somebody, and gives the path of the link.
func invited(t *testing.T, base string, alice *browser, home, email string) string {
	t.Helper()
	page := home + "/acces/proches"
	holds(t, moved(t, alice, alice.post(page, page, url.Values{"given": {"Bruno"}, "family": {"MOREL"}, "email": {email}})), "L&#39;invitation est envoyée", "Invitation envoyée")
	for _, text := range slices.Backward(letters(t, base, email)) {
		if link := invitationLink.FindString(text); link != "" {
			if strings.Contains(text, "Alice") || strings.Contains(text, "GARNIER") {
				t.Errorf("the invitation names people: %s", text)
			}
			return link
		}
	}
	t.Fatalf("no invitation for %s: %v", email, letters(t, base, email))
	return ""
}

// A relative is invited, signs in, accepts, reads and deposits, and can do nothing else;
// the holder ends it and there is nothing left of it (S1, R-20, R-30, R-40, R-48, Q-17).
func TestDelegation(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice, bruno, nobody := visitor(t, base, "patient:alice"), visitor(t, base, "patient:bruno"), visitor(t, base, "")
	home := entered(t, alice)
	if got := bruno.get(home); got.status != http.StatusNotFound {
		t.Fatalf("before: %d", got.status)
	}
	link := invited(t, base, alice, home, "bruno.morel@exemple.fr")
	outside := nobody.get(link)
	holds(t, outside, "se connecter", "/patient/connexion?suite="+link)
	lacks(t, outside, "Alice", "Garnier", "GARNIER")
	holds(t, bruno.get(link), "Alice Garnier me propose d&#39;accéder à son dossier")
	holds(t, moved(t, bruno, bruno.post(link, link+"/accepter", nil)), "J&#39;ai maintenant accès à ce dossier.", "qui vous en a délégué l&#39;accès")
	if !wrote(t, base, "alice@sandbox.invalid", "accepté") {
		t.Errorf("alice is not told: %v", letters(t, base, "alice@sandbox.invalid"))
	}
	holds(t, bruno.get("/patient"), "Mon dossier", "Proche qui m&#39;a délégué l&#39;accès")
	for _, path := range []string{"", "/documents", "/historique", "/acces", "/acces/proches"} {
		if got := bruno.get(home + path); got.status != http.StatusOK {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	lacks(t, bruno.get(home+"/acces/proches"), "GARNIER</strong>") // nobody else's delegation
	for _, act := range []string{"/acces/proches", "/acces/urgence", "/acces/medecin-traitant/retirer", "/acces/professionnel/" + castID(t, base, "dr-durand") + "/bloquer"} {
		if got := bruno.post(home+"/acces/proches", home+act, url.Values{"given": {"A"}, "family": {"B"}, "email": {"a@exemple.fr"}}); got.status != http.StatusForbidden || !strings.Contains(got.body, "ACC-42") {
			t.Errorf("%s: %d", act, got.status)
		}
	}
	holds(t, alice.get(home+"/historique"), "MOREL Bruno (proche) a consulté la liste des professionnels", "a accepté l&#39;accès qui lui est délégué")
	if got := bruno.get(link); got.status != http.StatusNotFound || !strings.Contains(got.body, "DLG-002") {
		t.Errorf("the link serves twice: %d", got.status)
	}
	revoke := regexp.MustCompile(`action="([^"]+/retirer)"`).FindAllStringSubmatch(alice.get(home+"/acces/proches").body, -1)
	for _, m := range revoke {
		moved(t, alice, alice.post(home+"/acces/proches", m[1], nil))
	}
	if got := bruno.get(home); len(revoke) != 2 || got.status != http.StatusNotFound {
		t.Errorf("%d revoked: %d", len(revoke), got.status)
	}
	if got := searches(t, base, ask{"as": "delegate:alice", "patient": "alice"}); got.door != "ACC-02" {
		t.Errorf("leo, revoked too: %v", got)
	}
	if !wrote(t, base, "bruno.morel@exemple.fr", "mis fin") {
		t.Error("the relative is not told")
	}
}

// Refusing, withdrawing and renouncing, each told to the other side.
func TestDelegationEnds(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice, bruno, leo := visitor(t, base, "patient:alice"), visitor(t, base, "patient:bruno"), visitor(t, base, "delegate:alice")
	home := entered(t, alice)
	link := invited(t, base, alice, home, "un@exemple.fr")
	moved(t, bruno, bruno.post(link, link+"/refuser", nil))
	if got := bruno.get(home); got.status != http.StatusNotFound || !wrote(t, base, "alice@sandbox.invalid", "refusé") {
		t.Errorf("refused: %d", got.status)
	}
	link = invited(t, base, alice, home, "deux@exemple.fr")
	page := home + "/acces/proches"
	if got := alice.post(page, page, url.Values{"given": {"B"}, "family": {"M"}, "email": {"deux@exemple.fr"}}); got.status != http.StatusConflict || !strings.Contains(got.body, "DLG-001") {
		t.Errorf("the same twice: %d", got.status)
	}
	if got := alice.post(page, page, url.Values{"given": {"<b>B"}, "family": {""}, "email": {"pas une adresse"}, "until": {"2100-01-01"}}); got.status != http.StatusUnprocessableEntity || strings.Count(got.body, "JSON-002") != 3 || strings.Contains(got.body, "<b>B") {
		t.Errorf("nonsense: %d %s", got.status, got.body)
	}
	holds(t, leo.get(home+"/acces/proches"), "Je renonce à cet accès")
	if got := leo.post(home+"/acces/proches", home+"/acces/renoncer", nil); got.status != http.StatusSeeOther {
		t.Errorf("renouncing: %d %s", got.status, got.body)
	}
	if got := searches(t, base, ask{"as": "delegate:alice", "patient": "alice"}); got.door != "ACC-02" || !wrote(t, base, "alice@sandbox.invalid", "renoncé") {
		t.Errorf("renounced: %v", got)
	}
	if got := leo.get(home); got.status != http.StatusNotFound {
		t.Errorf("renounced, in the pages: %d", got.status)
	}
	if got := alice.post(home+"/acces/proches", home+"/acces/renoncer", nil); got.status != http.StatusForbidden {
		t.Errorf("the holder renounces: %d", got.status)
	}
	// Nobody answers: the invitation is over, and says so.
	send(t, http.MethodPost, base+"/sandbox/clock", nil, `{"advance":"15d"}`)
	if got := visitor(t, base, "patient:bruno").get(link); got.status != http.StatusNotFound {
		t.Errorf("an invitation of two weeks ago: %d", got.status)
	}
	holds(t, visitor(t, base, "patient:alice").get(page), "Échue")
}

// A delegation is over at its instant, on every face, and is told to be.
func TestDelegationExpires(t *testing.T) {
	t.Parallel()
	base := open(t)
	leo := ask{"as": "delegate:alice", "patient": "alice"}
	if got := searches(t, base, leo); got.door != "" || len(got.ids) == 0 {
		t.Fatalf("before: %v", got)
	}
	send(t, http.MethodPost, base+"/sandbox/clock", nil, `{"advance":"364d"}`)
	if got := searches(t, base, leo); got.door != "" {
		t.Errorf("the day before: %v", got)
	}
	send(t, http.MethodPost, base+"/sandbox/clock", nil, `{"advance":"2d"}`)
	if got := searches(t, base, leo); got.door != "ACC-02" {
		t.Errorf("after a year: %v", got)
	}
	if !wrote(t, base, "alice@sandbox.invalid", "pris fin") {
		t.Error("alice is not told")
	}
	alice := visitor(t, base, "patient:alice")
	holds(t, alice.get(entered(t, alice)+"/historique"), "La plateforme a constaté la fin d&#39;un accès délégué")
}

// The same by JSON calls.
func TestDelegationCalls(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice := visitor(t, base, "patient:alice")
	calls := base + "/api/v1/records/" + strings.TrimPrefix(entered(t, alice), "/patient/") + "/delegates"
	holder, leo := bearer(t, base, ask{"as": "patient:alice", "patient": "alice"}), bearer(t, base, ask{"as": "delegate:alice", "patient": "alice"})
	var one struct{ ID, State string }
	if answer := send(t, http.MethodPost, calls, holder, `{"family":"Roux","given":"Zoé","email":"zoe@exemple.fr"}`); json.Unmarshal([]byte(answer), &one) != nil || one.State != "pending" {
		t.Fatalf("invite: %s", answer)
	}
	if got := send(t, http.MethodGet, calls, leo, ""); strings.Contains(got, "Roux") || !strings.Contains(got, "Léo") {
		t.Errorf("a delegate lists %s", got)
	}
	for who, header := range map[string]http.Header{"leo": leo, "dr-durand": bearer(t, base, ask{"as": "dr-durand", "patient": "alice"})} {
		if got := send(t, http.MethodPost, calls, header, `{"family":"Roux","given":"Zoé","email":"x@exemple.fr"}`); !strings.Contains(got, "ACC-42") {
			t.Errorf("%s invites: %s", who, got)
		}
	}
	if got := send(t, http.MethodDelete, calls+"/"+one.ID, holder, ""); got != "" {
		t.Errorf("revoke: %s", got)
	}
	if got := send(t, http.MethodDelete, calls+"/"+one.ID, holder, ""); !strings.Contains(got, "JSON-003") {
		t.Errorf("revoke again: %s", got)
	}
	if got := send(t, http.MethodDelete, calls+"/self", leo, ""); got != "" {
		t.Errorf("renounce: %s", got)
	}
	if got := send(t, http.MethodGet, calls, holder, ""); !strings.Contains(got, `"renounced"`) || !strings.Contains(got, `"revoked"`) {
		t.Errorf("afterwards: %s", got)
	}
}

// Invitations go to any address, so no more are sent within a day than anybody needs, however
// many are taken back.
func TestInvitationsOfADay(t *testing.T) {
	t.Parallel()
	base := open(t)
	calls := base + "/api/v1/records/" + strings.TrimPrefix(entered(t, visitor(t, base, "patient:bruno")), "/patient/") + "/delegates"
	holder := bearer(t, base, ask{"as": "patient:bruno", "patient": "bruno"})
	for n := range record.MaxInvitations + 1 {
		var one struct{ ID string }
		answer := send(t, http.MethodPost, calls, holder, `{"family":"Roux","given":"Zoé","email":"zoe@exemple.fr"}`)
		if err := json.Unmarshal([]byte(answer), &one); err != nil || (one.ID != "") != (n < record.MaxInvitations) {
			t.Fatalf("invitation %d: %s", n+1, answer)
		}
		send(t, http.MethodDelete, calls+"/"+one.ID, holder, "")
	}
	if n := len(letters(t, base, "zoe@exemple.fr")); n != record.MaxInvitations {
		t.Errorf("%d e-mails", n)
	}
}

// Delegations as people see them.
func TestDelegationPages(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice := visitor(t, base, "patient:alice")
	link := invited(t, base, alice, entered(t, alice), "x@exemple.fr")
	s := look(t, base, "patient:alice")
	s.open("/patient")
	home := s.path()
	s.open(home + "/acces/proches")
	s.everyWidth("access-relatives")
	bruno := look(t, base, "patient:bruno")
	bruno.open(link)
	bruno.everyWidth("access-invitation")
	bruno.click("button", "J'accepte")
	if got := bruno.text(".acting"); !strings.Contains(got, "Alice") {
		t.Errorf("after the click: %q", got)
	}
}
