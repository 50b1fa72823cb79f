package console_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
)

// mailed is the first text of a form in the last message to somebody that has one: what
// others did with his record is told him too, in its own time.
func mailed(t *testing.T, base, to, pattern string) string {
	t.Helper()
	got := visitor(t, base, "").get("/sandbox/mail?to=" + url.QueryEscape(to))
	var answer struct{ Mails []struct{ Text string } }
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil {
		t.Fatal(err)
	}
	for _, m := range answer.Mails {
		if found := regexp.MustCompile(pattern).FindStringSubmatch(m.Text); found != nil {
			return found[1]
		}
	}
	t.Fatalf("no %s in %q", pattern, answer.Mails)
	return ""
}

// credentials are the form of the first step.
func credentials(login string) url.Values {
	return url.Values{"identifiant": {login}, "motdepasse": {"le beffroi sonne midi"}}
}

// signIn goes all the way of a patient: identifier and password, then the code that arrives.
func (b *browser) signIn(login, next string) answer {
	b.t.Helper()
	fields := credentials(login)
	fields.Set("suite", next)
	if got := b.post("/patient/connexion", "/patient/connexion", fields); got.status != http.StatusSeeOther || !strings.HasPrefix(got.header.Get("Location"), "/patient/connexion/code") {
		b.t.Fatalf("%s: %d %s", login, got.status, got.body)
	}
	code := mailed(b.t, b.base, login+"@sandbox.invalid", `connexion : ([0-9]{6})`)
	return b.post("/patient/connexion/code", "/patient/connexion/code", url.Values{"code": {code}, "suite": {next}})
}

// TestSignInPages plays the parts of the sign-in in one sandbox, each with people of its own;
// the last ones shut the address of all, and move the clock.
func TestSignInPages(t *testing.T) {
	t.Parallel()
	base := open(t)
	for _, part := range []struct {
		name string
		play func(*testing.T, string)
	}{
		{"patient signs in", patientSignsIn},
		{"sign in cookies", signInCookies},
		{"sign in forms", signInForms},
		{"sign in tells nothing", signInTellsNothing},
		{"lock out and recovery", lockOutAndRecovery},
		{"where sign in leads", whereSignInLeads},
		{"sessions of pages", sessionsOfPages},
		{"professional signs in", professionalSignsIn},
		{"france connect", franceConnect},
		{"provider mix ups", providerMixUps},
		{"activation", activation},
		{"address is stopped", addressIsStopped},
		{"session times", sessionTimes},
	} {
		t.Run(part.name, func(t *testing.T) { part.play(t, base) })
	}
}

// A patient signs in with password and code, a relative and a representative likewise; each
// comes to the records that are his.
func patientSignsIn(t *testing.T, base string) {
	for login, text := range map[string]string{"alice": "Alice", "leo": "Alice", "rep.chloe": "Chloé"} {
		b := visitor(t, base, "")
		got := b.signIn(login, "")
		if got.status != http.StatusSeeOther || got.header.Get("Location") != "/patient" {
			t.Fatalf("%s: %d %s", login, got.status, got.body)
		}
		if page := b.get(b.get("/patient").header.Get("Location")); page.status != http.StatusOK || !strings.Contains(page.body, text) {
			t.Errorf("%s: %d %s", login, page.status, page.body)
		}
		if again := b.get("/patient/connexion"); again.status != http.StatusSeeOther || again.header.Get("Location") != "/patient" {
			t.Errorf("%s, signed in, is asked again: %d", login, again.status)
		}
	}
}

// The session is a new one, whatever the browser came with, its cookie is closed to scripts
// and to forms of other sites, and nothing of the way there stays.
func signInCookies(t *testing.T, base string) {
	b := visitor(t, base, "")
	b.cookies["passerelle-patient"] = "planted-by-somebody-else"
	got := b.signIn("alice", "")
	all := map[string]*http.Cookie{}
	for _, c := range (&http.Response{Header: got.header}).Cookies() {
		all[c.Name] = c
	}
	session := all["passerelle-patient"]
	if session == nil || session.Value == "planted-by-somebody-else" || len(session.Value) < 43 || !session.HttpOnly || session.SameSite != http.SameSiteLaxMode || session.Path != "/" || session.Domain != "" {
		t.Errorf("session cookie %+v", session)
	}
	if c := all["passerelle-etape"]; c == nil || c.MaxAge >= 0 {
		t.Errorf("the step stays: %+v", c)
	}
	if c := all["passerelle-visite"]; c == nil || c.MaxAge >= 0 {
		t.Errorf("the secret of the forms before stays: %+v", c)
	}
	if c := all["passerelle-appareil"]; c == nil || !c.HttpOnly || c.MaxAge < 86400 {
		t.Errorf("device cookie %+v", c)
	}
	thief := visitor(t, base, "")
	thief.cookies["passerelle-patient"] = "planted-by-somebody-else"
	if got := thief.get("/patient"); got.status != http.StatusSeeOther || !strings.HasPrefix(got.header.Get("Location"), "/patient/connexion") {
		t.Errorf("whoever planted a cookie: %d %s", got.status, got.header.Get("Location"))
	}
}

// Every form of the sign-in wants the token of its own browser's page, which a page of
// another site does not have.
func signInForms(t *testing.T, base string) {
	other := visitor(t, base, "")
	theirs := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(other.get("/patient/connexion").body)[1]
	alice := visitor(t, base, "patient:alice")
	for _, path := range []string{
		"/patient/connexion", "/patient/connexion/code", "/patient/connexion/code/renvoi", "/patient/mot-de-passe-oublie", "/patient/nouveau-mot-de-passe",
		"/patient/activation", "/patient/activation/compte", "/patient/activation/code", "/patient/activation/confirmation", "/patient/opposition",
		"/patient/connexions", "/patient/deconnexion", "/patient/compte/mot-de-passe", "/patient/compte/coordonnees", "/patient/compte/code",
	} {
		for _, b := range []*browser{visitor(t, base, ""), alice} {
			for _, token := range []string{"", "x", theirs} {
				fields := credentials("alice")
				fields.Set("csrf", token)
				got := b.do(http.MethodPost, path, "application/x-www-form-urlencoded", fields.Encode())
				if open := got.status == http.StatusSeeOther && strings.HasPrefix(got.header.Get("Location"), "/patient/connexion?"); !open && (got.status != http.StatusForbidden || !strings.Contains(got.body, "WEB-001")) {
					t.Errorf("%s with %q: %d", path, token, got.status)
				}
			}
		}
	}
	if got := alice.get("/patient/connexions"); got.status != http.StatusOK {
		t.Errorf("alice is out: %d", got.status)
	}
}

// An identifier that is not there, a wrong password and a shut account give one page, byte
// by byte, with one status; so do the links of a recovery.
func signInTellsNothing(t *testing.T, base string) {
	b := visitor(t, base, "")
	try := func(login, password string) string {
		got := b.post("/patient/connexion", "/patient/connexion", url.Values{"identifiant": {login}, "motdepasse": {password}})
		return fmt.Sprint(got.status, got.header.Values("Set-Cookie"), got.header.Get("Content-Length"), got.body)
	}
	wrong := try("bruno", "ce n'est pas le bon")
	for range 4 {
		try("bruno", "ce n'est pas le bon")
	}
	for name, got := range map[string]string{
		"unknown": try("personne", "ce n'est pas le bon"), "shut": try("bruno", "le beffroi sonne midi"), "not storable": try("\x00\xff", "x"),
		"no password": try("bruno", ""), "long": try("bruno", strings.Repeat("é", 400)),
	} {
		if got != wrong {
			t.Errorf("%s differs from a wrong password:\n%s\n%s", name, got, wrong)
		}
	}
	if !strings.Contains(wrong, "Identifiant ou mot de passe incorrect") {
		t.Error(wrong)
	}
	forgotten := func(login string) string {
		got := b.post("/patient/mot-de-passe-oublie", "/patient/mot-de-passe-oublie", url.Values{"identifiant": {login}})
		return fmt.Sprint(got.status, got.header.Values("Set-Cookie"), got.body)
	}
	if known, unknown := forgotten("bruno"), forgotten("personne"); known != unknown || !strings.Contains(known, "Si un compte porte cet identifiant") {
		t.Errorf("%s\n%s", known, unknown)
	}
}

// After five failures even the right password waits, by the clock of the gateway; its owner
// is told, and a link reopens the account at once.
func lockOutAndRecovery(t *testing.T, base string) {
	owner, guesser := visitor(t, base, ""), visitor(t, base, "")
	owner.signIn("david", "")
	for range 5 {
		guesser.post("/patient/connexion", "/patient/connexion", url.Values{"identifiant": {"david"}, "motdepasse": {"devine"}})
	}
	if got := guesser.post("/patient/connexion", "/patient/connexion", credentials("david")); got.status != http.StatusUnauthorized {
		t.Errorf("the right password of a shut account: %d", got.status)
	}
	if minutes := mailed(t, base, "david@sandbox.invalid", `bloquée pendant ([0-9]+) minutes`); minutes != "1" {
		t.Errorf("%s minutes", minutes)
	}
	fresh := visitor(t, base, "")
	fresh.post("/patient/mot-de-passe-oublie", "/patient/mot-de-passe-oublie", url.Values{"identifiant": {"David"}})
	link := mailed(t, base, "david@sandbox.invalid", `(/patient/nouveau-mot-de-passe\?jeton=\S+)`)
	if got := fresh.get(link); got.status != http.StatusSeeOther || got.header.Get("Location") != "/patient/nouveau-mot-de-passe" {
		t.Fatalf("the link: %d %s", got.status, got.header.Get("Location"))
	}
	renew := func(password, again string) answer {
		return fresh.post("/patient/nouveau-mot-de-passe", "/patient/nouveau-mot-de-passe", url.Values{"motdepasse": {password}, "encore": {again}})
	}
	for password, want := range map[string]string{"court": "12 caractères", "motdepasse2026": "trop facile", "deux fois la même chose": "pas les mêmes"} {
		again := password
		if strings.HasPrefix(password, "deux") {
			again = "ou pas"
		}
		if got := renew(password, again); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %s", password, got.status, got.body)
		}
	}
	if got := renew("la brique rouge du nord", "la brique rouge du nord"); got.status != http.StatusSeeOther || got.header.Get("Location") != "/patient/connexion" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := owner.get("/patient/connexions"); got.status != http.StatusSeeOther {
		t.Errorf("a session of before the recovery is open: %d", got.status)
	}
	mailed(t, base, "david@sandbox.invalid", `(mot de passe de votre compte a été changé)`)
	late := visitor(t, base, "")
	if got := late.get(link); got.status != http.StatusSeeOther {
		t.Fatal(got.status)
	}
	if got := late.get("/patient/nouveau-mot-de-passe"); got.status != http.StatusSeeOther || got.header.Get("Location") != "/patient/mot-de-passe-oublie" {
		t.Errorf("the link again: %d", got.status)
	}
	fields := credentials("david")
	fields.Set("motdepasse", "la brique rouge du nord")
	if got := late.post("/patient/connexion", "/patient/connexion", fields); got.status != http.StatusSeeOther {
		t.Errorf("the new password: %d", got.status)
	}
}

// One address is stopped after many failures, and told until when.
func addressIsStopped(t *testing.T, base string) {
	b := visitor(t, base, "")
	token := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(b.get("/patient/mot-de-passe-oublie").body)[1]
	ask := func(i int) answer {
		return b.do(http.MethodPost, "/patient/mot-de-passe-oublie", "application/x-www-form-urlencoded", url.Values{"csrf": {token}, "identifiant": {fmt.Sprint("x", i)}}.Encode())
	}
	tries := 0
	for tries < 30 && ask(tries).status == http.StatusOK {
		tries++
	}
	if got := ask(30); got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, "trop d&#39;essais") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := visitor(t, base, "").do(http.MethodPost, "/sandbox/clock", "application/json", `{"advance":"1h"}`); got.status != http.StatusOK {
		t.Fatal(got.status)
	}
	if got := ask(31); got.status != http.StatusOK {
		t.Errorf("an hour later: %d", got.status)
	}
}

// Where one wanted to go is where one comes to, on this side of this gateway alone.
func whereSignInLeads(t *testing.T, base string) {
	home := visitor(t, base, "patient:alice").get("/patient").header.Get("Location")
	for next, want := range map[string]string{
		home + "?x=1": home + "?x=1", "/patient/connexions": "/patient/connexions",
		"https://evil.example/patient": "/patient", "//evil.example/patient": "/patient", `/\evil.example`: "/patient", "/patient//evil.example": "/patient",
		"/pro": "/patient", "/patientele": "/patient", "javascript:alert(1)": "/patient", "/patient/../sandbox/reset": "/patient", "/patient\r\nSet-Cookie: a=b": "/patient",
		"/patient/connexion": "/patient", "": "/patient", "/patient@evil.example": "/patient",
	} {
		b := visitor(t, base, "patient:alice") // signed in: the page goes straight on
		if got := b.get("/patient/connexion?suite=" + url.QueryEscape(next)); got.status != http.StatusSeeOther || got.header.Get("Location") != want {
			t.Errorf("%q leads to %q, want %q", next, got.header.Get("Location"), want)
		}
	}
	b := visitor(t, base, "")
	if got := b.signIn("alice", "//evil.example"); got.header.Get("Location") != "/patient" {
		t.Errorf("after the code: %q", got.header.Get("Location"))
	}
	if got := b.do(http.MethodGet, "/pro/connexion/psc?suite="+url.QueryEscape("https://evil.example"), "", ""); !strings.HasPrefix(got.header.Get("Location"), base+"/sandbox/oidc/psc/authorize?") {
		t.Errorf("away to %q", got.header.Get("Location"))
	}
}

// A session is seen and ended from another one of its owner, and by nobody else; signing out
// ends it at once.
func sessionsOfPages(t *testing.T, base string) {
	phone, desk, bruno := visitor(t, base, "patient:emma"), visitor(t, base, "patient:emma"), visitor(t, base, "patient:bruno")
	list := phone.get("/patient/connexions").body
	ids := regexp.MustCompile(`name="connexion" value="([0-9a-f-]{36})"`).FindAllStringSubmatch(list, -1)
	if len(ids) != 2 || strings.Count(list, "cet appareil") != 1 {
		t.Fatalf("%d sessions: %s", len(ids), list)
	}
	for _, id := range ids {
		if got := bruno.post("/patient/connexions", "/patient/connexions", url.Values{"connexion": {id[1]}}); got.status != http.StatusSeeOther {
			t.Fatal(got.status)
		}
	}
	for _, b := range []*browser{phone, desk} {
		if got := b.get("/patient/connexions"); got.status != http.StatusOK {
			t.Fatal("somebody else ended a session")
		}
	}
	if got := phone.post("/patient/connexions", "/patient/connexions", url.Values{"connexion": {"autres"}}); got.status != http.StatusSeeOther {
		t.Fatal(got.status)
	}
	if got := desk.get("/patient/connexions"); got.status != http.StatusSeeOther {
		t.Error("the other session is open")
	}
	if got := bruno.get("/patient/connexions"); got.status != http.StatusOK {
		t.Error("somebody else's session ended with it")
	}
	cookie := phone.cookies["passerelle-patient"]
	if got := phone.post("/patient/connexions", "/patient/deconnexion", nil); got.status != http.StatusSeeOther {
		t.Fatal(got.status)
	}
	phone.cookies["passerelle-patient"] = cookie
	if got := phone.get("/patient/connexions"); got.status != http.StatusSeeOther {
		t.Error("the cookie of a session that was left still opens it")
	}
}

// A session ends after a quarter of an hour without a request, and after eight hours in all.
func sessionTimes(t *testing.T, base string) {
	alice := visitor(t, base, "patient:alice")
	if got := visitor(t, base, "").do(http.MethodPost, "/sandbox/clock", "application/json", `{"advance":"1h"}`); got.status != http.StatusOK {
		t.Fatal(got.status)
	}
	if got := alice.get("/patient/connexions"); got.status != http.StatusSeeOther {
		t.Errorf("idle for an hour: %d", got.status)
	}
}

// cross takes a browser to a provider and back, as somebody who is chosen there: what comes
// back is the address of the return, which was not followed yet.
func (b *browser) cross(start, issuer, as string) string {
	b.t.Helper()
	away := b.get(start)
	address, ok := strings.CutPrefix(away.header.Get("Location"), b.base)
	if away.status != http.StatusSeeOther || !ok || !strings.HasPrefix(address, "/sandbox/oidc/"+issuer+"/authorize?") {
		b.t.Fatalf("%s: %d %s", start, away.status, away.header.Get("Location"))
	}
	page := visitor(b.t, b.base, "").get(address)
	link := regexp.MustCompile(`href="(\?[^"]*as=` + regexp.QuoteMeta(as) + `&amp;[^"]*)"`).FindStringSubmatch(page.body)
	if link == nil {
		b.t.Fatalf("%s is not on the page of %s: %s", as, issuer, page.body)
	}
	path, _, _ := strings.Cut(address, "?")
	chosen := visitor(b.t, b.base, "").get(path + html.UnescapeString(link[1]))
	back, ok := strings.CutPrefix(chosen.header.Get("Location"), b.base)
	if chosen.status != http.StatusSeeOther || !ok {
		b.t.Fatalf("%d %s", chosen.status, chosen.header.Get("Location"))
	}
	return back
}

// A professional clicks, chooses himself, and is in; signing out here tells him how to sign
// out there.
func professionalSignsIn(t *testing.T, base string) {
	b := visitor(t, base, "")
	if page := b.get("/pro/connexion").body; !strings.Contains(page, "Se connecter avec Pro Santé Connect") || !strings.Contains(page, "e-CPS") {
		t.Fatal(page)
	}
	b.cookies["passerelle-pro"] = "planted"
	back := b.cross("/pro/connexion/psc?suite=/pro/connexions", "psc", "dr-durand")
	if got := b.get(back); got.status != http.StatusSeeOther || got.header.Get("Location") != "/pro/connexions" || b.cookies["passerelle-pro"] == "planted" {
		t.Fatalf("%d %s %s", got.status, got.header.Get("Location"), got.body)
	}
	if page := b.get("/pro/connexions"); page.status != http.StatusOK || !strings.Contains(page.body, "DURAND Philippe") {
		t.Errorf("%d %s", page.status, page.body)
	}
	if got := visitor(t, base, "").get(back); got.status != http.StatusBadRequest {
		t.Errorf("the same return in another browser: %d", got.status)
	}
	bye := b.post("/pro/connexions", "/pro/deconnexion", nil)
	out := regexp.MustCompile(`href="([^"]*/sandbox/oidc/psc/logout[^"]*)"`).FindStringSubmatch(bye.body)
	if bye.status != http.StatusOK || out == nil {
		t.Fatalf("%d %s", bye.status, bye.body)
	}
	if got := b.get(strings.TrimPrefix(html.UnescapeString(out[1]), base)); got.header.Get("Location") != base+"/pro/connexion" {
		t.Errorf("signed out there: %d %s", got.status, got.header.Get("Location"))
	}
	if got := b.get("/pro/connexions"); got.status != http.StatusSeeOther {
		t.Errorf("still in: %d", got.status)
	}
}

// FranceConnect brings a person to the one active record that has her traits; whoever has
// none, or one that is not active, or is a minor's, is told what to do.
func franceConnect(t *testing.T, base string) {
	for as, want := range map[string]string{"gina": "", "emma": "", "farid": "activé à votre nom", "personne": "activé à votre nom"} {
		b := visitor(t, base, "")
		got := b.get(b.cross("/patient/connexion/franceconnect", "franceconnect", as))
		if want != "" {
			if got.status != http.StatusForbidden || !strings.Contains(got.body, want) || b.cookies["passerelle-patient"] != "" {
				t.Errorf("%s: %d %s", as, got.status, got.body)
			}
			continue
		}
		if got.status != http.StatusSeeOther || got.header.Get("Location") != "/patient" {
			t.Fatalf("%s: %d %s", as, got.status, got.body)
		}
		if home := b.get("/patient").header.Get("Location"); !strings.HasPrefix(home, "/patient/") || strings.Contains(home, "connexion") {
			t.Errorf("%s is led to %q", as, home)
		}
	}
	b := visitor(t, base, "")
	if got := b.get(b.cross("/patient/connexion/franceconnect", "franceconnect", "-")); got.status != http.StatusSeeOther || got.header.Get("Location") != "/patient/connexion" || !strings.Contains(b.get("/patient/connexion").body, "renoncé") {
		t.Errorf("given up: %d %s", got.status, got.body)
	}
}

// What comes back from a provider counts in the browser that went, once, for that provider.
func providerMixUps(t *testing.T, base string) {
	b, other := visitor(t, base, ""), visitor(t, base, "")
	mine, theirs := b.cross("/pro/connexion/psc", "psc", "dr-durand"), other.cross("/pro/connexion/psc", "psc", "dr-urg")
	refused := func(name string, got answer) {
		t.Helper()
		if got.status != http.StatusBadRequest && got.status != http.StatusBadGateway || b.cookies["passerelle-pro"] != "" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	refused("the return of another browser (login CSRF)", b.get(theirs))
	refused("its own, once the flow is spent", b.get(mine))
	mine = b.cross("/pro/connexion/psc", "psc", "dr-durand")
	code := func(address string) string { u, _ := url.Parse(address); return u.Query().Get("code") }
	refused("another one's code under its own state", b.get(strings.Replace(mine, code(mine), code(theirs), 1)))
	mine = b.cross("/pro/connexion/psc", "psc", "dr-durand")
	refused("at the return of the other provider", b.get(strings.Replace(mine, "/pro/connexion/psc/", "/patient/connexion/franceconnect/", 1)))
	mine = b.cross("/pro/connexion/psc", "psc", "dr-durand")
	if got := b.get(mine); got.status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.status, got.body)
	}
	delete(b.cookies, "passerelle-pro")
	refused("twice", b.get(mine))
	refused("without anything", b.get("/pro/connexion/psc/retour"))
}

// The three data of the notice open the way to an account, whose address is proved by a code;
// whichever of them is wrong, the page is the same. A parent who has an account opposes for
// a child, and changes her mind.
func activation(t *testing.T, base string) {
	wave, err := os.ReadFile("../testdata/population/vague-1.csv")
	if err != nil {
		t.Fatal(err)
	}
	b := visitor(t, base, "")
	if got := b.do(http.MethodPost, "/sandbox/population", "text/csv", string(wave)); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	const mother, child, card = "2 67 05 59 999 001 17", "216035999900305", "8025 0000 0123 4567 890"
	const mail = "helene.lemaire@sandbox.invalid"
	codes := map[string]string{"mother": mailed(t, base, mail, `Votre code provisoire : (\S+)`), "child": mailed(t, base, mail, `Le code provisoire : (\S+)`)}
	three := func(code, number, card string) url.Values {
		return url.Values{"code": {code}, "numero": {number}, "carte": {card}, "sur": {"1"}}
	}

	refused := b.post("/patient/activation", "/patient/activation", three("AAAA-BBBB-CCCC", mother, card))
	if refused.status != http.StatusUnprocessableEntity || !strings.Contains(refused.body, "ne vont pas ensemble") {
		t.Fatalf("%d %s", refused.status, refused.body)
	}
	for name, wrong := range map[string]url.Values{
		"the card": three(codes["mother"], mother, "8025 0000 0123 4567 891"), "the number": three(codes["mother"], child, card), "a number that nobody has": three(codes["mother"], "267055999900218", card),
		"a number that is none": three(codes["mother"], "12", card), "nothing": {},
	} {
		if got := b.post("/patient/activation", "/patient/activation", wrong); got.status != refused.status || got.body != refused.body {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}

	if got := b.get("/patient/activation/compte"); got.status != http.StatusSeeOther || got.header.Get("Location") != "/patient/activation" {
		t.Errorf("an account before the three data: %d", got.status)
	}
	if got := b.post("/patient/activation", "/patient/activation", three(strings.ToLower(codes["mother"]), mother, card)); got.status != http.StatusSeeOther || got.header.Get("Location") != "/patient/activation/compte" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	choice := func(change ...string) url.Values {
		form := url.Values{"identifiant": {"Helene.Lemaire"}, "motdepasse": {"la brume sur le canal"}, "encore": {"la brume sur le canal"}, "email": {mail}, "telephone": {"06 39 98 00 12"}}
		for i := 0; i+1 < len(change); i += 2 {
			form.Set(change[i], change[i+1])
		}
		return form
	}
	for want, form := range map[string]url.Values{
		"4 à 64 caractères": choice("identifiant", "é"), "déjà pris": choice("identifiant", "alice"), "12 caractères": choice("motdepasse", "court", "encore", "court"),
		"pas les mêmes": choice("encore", "autre chose du canal"), "adresse e-mail n&#39;a pas": choice("email", "helene"), "téléphone n&#39;a pas": choice("telephone", "12"),
		"Donnez une adresse": choice("email", "", "telephone", ""), "trop facile": choice("motdepasse", "helene.lemaire2026", "encore", "helene.lemaire2026"),
	} {
		if got := b.post("/patient/activation/compte", "/patient/activation/compte", form); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %s", want, got.status, got.body)
		}
	}
	if got := b.post("/patient/activation/compte", "/patient/activation/compte", choice()); got.status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := b.post("/patient/activation/compte", "/patient/activation/code", url.Values{"code": {"000000"}}); got.status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong code: %d", got.status)
	}
	for _, to := range []string{mail, "+33639980012"} { // both are proved, one after the other
		if got := b.post("/patient/activation/compte", "/patient/activation/code", url.Values{"code": {mailed(t, base, to, `code[^0-9]*([0-9]{6})`)}}); got.status != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", to, got.status, got.body)
		}
	}
	if page := b.get("/patient"); page.status != http.StatusOK || !strings.Contains(page.body, "Mon dossier") || !strings.Contains(page.body, "LEMAIRE") {
		t.Fatalf("%d %s", page.status, page.body)
	}
	again := visitor(t, base, "")
	if got := again.post("/patient/activation", "/patient/activation", three(codes["mother"], mother, card)); got.status != http.StatusUnprocessableEntity {
		t.Errorf("the code a second time: %d", got.status)
	}

	if got := again.post("/patient/opposition", "/patient/opposition", url.Values{"code": {codes["child"]}, "numero": {child}, "carte": {card}}); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "Cochez la case") {
		t.Errorf("without the box: %d", got.status)
	}
	if got := again.post("/patient/opposition", "/patient/opposition", three(codes["child"], child, card)); got.status != http.StatusOK || !strings.Contains(got.body, "ne sera pas créé") {
		t.Fatalf("opposition: %d %s", got.status, got.body)
	}
	if got := again.post("/patient/activation", "/patient/activation", three(codes["child"], child, card)); got.status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.status, got.body)
	}
	confirm := again.get("/patient/activation/compte")
	if !strings.Contains(confirm.body, "déjà un compte") || strings.Contains(confirm.body, `name="motdepasse"`) {
		t.Errorf("a second account: %s", confirm.body)
	}
	if got := again.post("/patient/activation/compte", "/patient/activation/confirmation", nil); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "autre parent") {
		t.Errorf("without the other parent: %d %s", got.status, got.body)
	}
	if got := again.post("/patient/activation/compte", "/patient/activation/confirmation", url.Values{"accord": {"1"}}); got.status != http.StatusSeeOther || got.header.Get("Location") != "/patient/connexion" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	theirs := regexp.MustCompile(`href="(/patient/[0-9a-f-]{36})"[^>]*><strong>Inès`).FindStringSubmatch(b.get("/patient").body)
	if theirs == nil {
		t.Fatalf("the child's record is not hers: %s", b.get("/patient").body)
	}
	if page := b.get(theirs[1]); page.status != http.StatusOK {
		t.Errorf("the child's record: %d %s", page.status, page.body)
	}
}
