package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Whoever is signed in changes his password, which closes his other sessions, and where he
// is written to, which counts once it is proved. Nobody else's page does it.
func TestOwnAccount(t *testing.T) {
	t.Parallel()
	base := open(t)
	const account = "/patient/compte"
	b, elsewhere := visitor(t, base, ""), visitor(t, base, "")
	b.signIn("leo", "")
	elsewhere.signIn("leo", "")
	if got := visitor(t, base, "").get(account); got.status != http.StatusSeeOther || !strings.HasPrefix(got.header.Get("Location"), "/patient/connexion") {
		t.Errorf("nobody's account: %d", got.status)
	}
	if got := visitor(t, base, "dr-durand").get(account); got.status != http.StatusSeeOther {
		t.Errorf("a professional has one: %d", got.status)
	}
	if page := b.get("/patient/connexions"); !strings.Contains(page.body, `href="/patient/compte"`) {
		t.Error("no way there")
	}
	if page := b.get(account + "?lang=en"); !strings.Contains(page.body, "Present password") || !strings.Contains(b.get(account+"?lang=fr").body, "leo@sandbox.invalid") {
		t.Errorf("%s", page.body)
	}

	const old, fresh = "le beffroi sonne midi", "le canal gèle en janvier"
	change := func(present, password, again string) answer {
		return b.post(account, account+"/mot-de-passe", url.Values{"actuel": {present}, "motdepasse": {password}, "encore": {again}})
	}
	for _, c := range []struct{ present, password, again, want string }{
		{"pas le bon du tout", fresh, fresh, "pas le bon"}, {old, fresh, "autre", "pas les mêmes"}, {old, "court", "court", "12 caractères"},
	} {
		if got := change(c.present, c.password, c.again); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, c.want) {
			t.Errorf("%s: %d %s", c.want, got.status, got.body)
		}
	}
	if got := change(old, fresh, fresh); got.status != http.StatusSeeOther || got.header.Get("Location") != account {
		t.Fatalf("%d %s", got.status, got.body)
	}
	mailed(t, base, "leo@sandbox.invalid", `(mot de passe de votre compte a été changé)`)
	if got := b.get(account); got.status != http.StatusOK {
		t.Errorf("the session that did it: %d", got.status)
	}
	if got := elsewhere.get(account); got.status != http.StatusSeeOther {
		t.Errorf("another session: %d", got.status)
	}

	contacts := func(password, email, phone string) answer {
		return b.post(account, account+"/coordonnees", url.Values{"actuel": {password}, "email": {email}, "telephone": {phone}})
	}
	for want, got := range map[string]answer{
		"pas le bon": contacts(old, "leo.neuf@sandbox.invalid", ""), "adresse e-mail n&#39;a pas": contacts(fresh, "leo", ""),
		"téléphone n&#39;a pas": contacts(fresh, "leo@sandbox.invalid", "12"), "se remplace": contacts(fresh, "", "06 39 98 00 44"),
	} {
		if got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %s", want, got.status, got.body)
		}
	}
	if got := contacts(fresh, "leo.neuf@sandbox.invalid", "06 39 98 00 44"); got.status != http.StatusSeeOther || got.header.Get("Location") != account+"/code" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	first := mailed(t, base, "leo.neuf@sandbox.invalid", `code[^0-9]*([0-9]{6})`)
	thief := visitor(t, base, "patient:alice")
	thief.cookies["passerelle-etape"] = b.cookies["passerelle-etape"]
	if got := thief.get(account + "/code"); got.status != http.StatusSeeOther || got.header.Get("Location") != account {
		t.Errorf("another account takes the change over: %d", got.status)
	}
	code := func(code string) answer { return b.post(account+"/code", account+"/code", url.Values{"code": {code}}) }
	if got := code("000000"); got.status != http.StatusUnprocessableEntity && first != "000000" {
		t.Errorf("a wrong code: %d", got.status)
	}
	if got := code(first); got.status != http.StatusSeeOther || got.header.Get("Location") != account+"/code" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if page := b.get(account); !strings.Contains(page.body, "leo@sandbox.invalid") || strings.Contains(page.body, "leo.neuf@") {
		t.Errorf("an address counts before all is proved")
	}
	if got := code(mailed(t, base, "+33639980044", `code[^0-9]*([0-9]{6})`)); got.status != http.StatusSeeOther || got.header.Get("Location") != account {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if page := b.get(account); !strings.Contains(page.body, "leo.neuf@sandbox.invalid") || !strings.Contains(page.body, "+33639980044") && !strings.Contains(page.body, "&#43;33639980044") {
		t.Errorf("%s", page.body)
	}
	mailed(t, base, "leo@sandbox.invalid", `(coordonnées de votre compte ont été modifiées)`)
	if got := b.get(account + "/code"); got.status != http.StatusSeeOther || got.header.Get("Location") != account {
		t.Errorf("the change again: %d", got.status)
	}
}
