package console_test

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/sandboxtest"
)

// browser is a client with the cookies of one visitor.
type browser struct {
	t       *testing.T
	base    string
	http    *http.Client
	cookies map[string]string
}

// open starts a sandbox of its own for one test.
func open(t *testing.T) (base string) {
	t.Helper()
	_, server := sandboxtest.Open(t)
	return server.URL
}

// visitor is a browser that is signed in as somebody of the cast, "" for nobody.
func visitor(t *testing.T, base, as string) *browser {
	t.Helper()
	b := &browser{t: t, base: base, cookies: map[string]string{}, http: &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	if as != "" {
		if got := b.do(http.MethodPost, "/sandbox/session", "application/json", `{"as":"`+as+`"}`); got.status != http.StatusOK {
			t.Fatalf("session of %s: %d %s", as, got.status, got.body)
		}
	}
	return b
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (b *browser) do(method, path, kind, body string) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return b.send(r)
}

// send sends a request and keeps the cookies of its answer.
func (b *browser) send(r *http.Request) answer {
	b.t.Helper()
	got, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer got.Body.Close()
	raw, err := io.ReadAll(got.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range got.Cookies() {
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return answer{got.StatusCode, got.Header, string(raw)}
}

// get reads a page.
func (b *browser) get(path string) answer {
	b.t.Helper()
	return b.do(http.MethodGet, path, "", "")
}

// post sends a form of the page at an address, with its token.
func (b *browser) post(page, path string, fields url.Values) answer {
	b.t.Helper()
	token := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(b.get(page).body)
	if token == nil {
		b.t.Fatalf("no form on %s", page)
	}
	if fields == nil {
		fields = url.Values{}
	}
	fields.Set("csrf", token[1])
	return b.do(http.MethodPost, path, "application/x-www-form-urlencoded", fields.Encode())
}

// A page of a record is for who has a role on it; for everybody else it is one that does
// not exist. A form without the token of its page does nothing.
func TestDoorsOfPages(t *testing.T) {
	t.Parallel()
	base := open(t)
	nobody, alice, bruno, durand := visitor(t, base, ""), visitor(t, base, "patient:alice"), visitor(t, base, "patient:bruno"), visitor(t, base, "dr-durand")
	home := alice.get("/patient").header.Get("Location")
	if got := alice.get(home); got.status != http.StatusOK || !strings.Contains(got.body, "Alice") {
		t.Fatalf("%s: %d %s", home, got.status, got.body)
	}
	if got := nobody.get(home); got.status != http.StatusSeeOther || got.header.Get("Location") != "/patient/connexion?suite="+url.QueryEscape(home) {
		t.Errorf("nobody: %d %s", got.status, got.header.Get("Location"))
	}
	unknown := bruno.get("/patient/3f8c6a52-0000-4000-8000-000000000000")
	if got := bruno.get(home); got.status != http.StatusNotFound || blind(got.body) != blind(unknown.body) {
		t.Errorf("bruno: %d %s", got.status, got.body)
	}
	if got := durand.get(home); got.status != http.StatusSeeOther {
		t.Errorf("a professional's cookie opens a patient's page: %d", got.status)
	}
	if got := alice.do(http.MethodPost, "/patient/deconnexion", "application/x-www-form-urlencoded", "csrf=x"); got.status != http.StatusForbidden || !strings.Contains(got.body, "WEB-001") {
		t.Errorf("without a token: %d", got.status)
	}
	if got := alice.post(home, "/patient/deconnexion", nil); got.status != http.StatusSeeOther {
		t.Errorf("deconnexion: %d %s", got.status, got.body)
	}
	if got := alice.get(home); got.status != http.StatusSeeOther {
		t.Errorf("after signing out: %d", got.status)
	}
}

// blind is a page without what differs between any two: addresses and tokens.
func blind(page string) string {
	return regexp.MustCompile(`[0-9a-f-]{36}|value="[^"]*"`).ReplaceAllString(page, "…")
}

// Every page comes with the headers that keep it to itself, in the language asked for.
func TestFrame(t *testing.T) {
	t.Parallel()
	alice := visitor(t, open(t), "patient:alice")
	home := alice.get("/patient").header.Get("Location")
	page := alice.get(home)
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"} {
		if got := page.header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if csp := page.header.Get("Content-Security-Policy"); strings.Contains(csp, "-inline") || !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("CSP %q", csp)
	}
	if regexp.MustCompile(`<[^>]+ (style|on[a-z]+)=|<style|<script>`).MatchString(page.body) {
		t.Error("inline style or script")
	}
	if !strings.Contains(page.body, `<html lang="fr">`) || !strings.Contains(alice.get(home+"?lang=en").body, "Sign out") || !strings.Contains(alice.get(home).body, `<html lang="en">`) {
		t.Error("the language is not that asked for")
	}
}
