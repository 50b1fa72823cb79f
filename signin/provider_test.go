package signin

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/oidc"
)

// stage is a provider and one who relies on it, at a clock that can be moved.
type stage struct {
	*oidc.Provider
	relying *Provider
	now     time.Time
	bend    func(http.Handler) http.Handler // between them; nil: nothing
}

const redirect = "https://passerelle.example/pro/connexion/retour"

func newStage(t *testing.T) *stage {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return s.now }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := s.Handler()
		if s.bend != nil {
			h = s.bend(h)
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.Provider = &oidc.Provider{Issuer: server.URL + "/oidc", Title: "Test", Level: "eidas1", Key: key, Now: clock,
		Clients: map[string]oidc.Client{"passerelle": {Secret: "s3cret", Redirects: []string{redirect}, Backs: []string{"https://passerelle.example/pro"}}},
		People: func() []oidc.Person {
			return []oidc.Person{{Key: "dr-durand", Claims: map[string]any{"sub": "f:1:8999", "SubjectNameID": "8999", "acr": "eidas3"}}, {Key: "other", Claims: map[string]any{"sub": "f:1:8998"}}}
		}}
	s.relying = NewProvider(Relying{Issuer: s.Issuer, ClientID: "passerelle", Secret: func() string { return "s3cret" }, Scopes: []string{"openid"},
		Level: "eidas1", Redirect: redirect, Back: "https://passerelle.example/pro", Now: clock})
	return s
}

// ask takes a question to the provider as a browser does, and gives what comes back.
func (s *stage) ask(t *testing.T, as string) (Question, url.Values) {
	t.Helper()
	q, address, err := s.relying.Ask(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return q, s.follow(t, address, as)
}

// follow is the browser of who chooses himself on the page of the provider.
func (s *stage) follow(t *testing.T, address, as string) url.Values {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Get(address + "&as=" + as)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	back, err := answer.Location()
	if err != nil || !strings.HasPrefix(back.String(), redirect+"?") {
		t.Fatalf("back to %v, %v", back, err)
	}
	return back.Query()
}

func TestProvider(t *testing.T) {
	s := newStage(t)
	q, back := s.ask(t, "dr-durand")
	who, err := s.relying.Answer(t.Context(), q, back)
	if err != nil || who.Subject != "f:1:8999" {
		t.Fatalf("%+v, %v", who, err)
	}
	var claims map[string]any
	if err := json.Unmarshal(who.Claims, &claims); err != nil || claims["SubjectNameID"] != "8999" || claims["acr"] != "eidas1" {
		t.Errorf("claims %v, %v: what is signed must stand over the rest", claims, err)
	}
	out := s.relying.SignOut(t.Context(), who.Hint)
	if u, err := url.Parse(out); err != nil || u.Query().Get("id_token_hint") != who.Hint || u.Query().Get("post_logout_redirect_uri") != "https://passerelle.example/pro" {
		t.Errorf("sign-out %q, %v", out, err)
	}
	if _, err := s.relying.Answer(t.Context(), q, back); !errors.Is(err, ErrProvider) {
		t.Errorf("a code replayed: %v", err)
	}
}

// Whatever of an answer is that of another question, browser or provider, is refused.
func TestProviderMixUps(t *testing.T) {
	for name, c := range map[string]struct {
		bend func(q *Question, back url.Values, other Question, theirs url.Values)
		want error
	}{
		"the state of another browser": {func(_ *Question, back url.Values, _ Question, theirs url.Values) {
			back.Set("state", theirs.Get("state"))
		}, ErrMismatch},
		"no state":    {func(_ *Question, back url.Values, _ Question, _ url.Values) { back.Del("state") }, ErrMismatch},
		"no question": {func(q *Question, back url.Values, _ Question, _ url.Values) { *q = Question{}; back.Set("state", "") }, ErrMismatch},
		"two states":  {func(_ *Question, back url.Values, _ Question, _ url.Values) { back.Add("state", "x") }, ErrMismatch},
		"the code of another browser": {func(_ *Question, back url.Values, _ Question, theirs url.Values) {
			back.Set("code", theirs.Get("code"))
		}, ErrProvider},
		"another verifier": {func(q *Question, _ url.Values, other Question, _ url.Values) { q.Verifier = other.Verifier }, ErrProvider},
		"another nonce":    {func(q *Question, _ url.Values, other Question, _ url.Values) { q.Nonce = other.Nonce }, ErrMismatch},
		"no nonce":         {func(q *Question, _ url.Values, _ Question, _ url.Values) { q.Nonce = "" }, ErrMismatch},
		"another provider": {func(_ *Question, back url.Values, _ Question, _ url.Values) { back.Set("iss", "https://other.example") }, ErrMismatch},
		"no code":          {func(_ *Question, back url.Values, _ Question, _ url.Values) { back.Del("code") }, ErrMismatch},
		"a long code": {func(_ *Question, back url.Values, _ Question, _ url.Values) {
			back.Set("code", strings.Repeat("x", 5000))
		}, ErrMismatch},
		"given up": {func(_ *Question, back url.Values, _ Question, _ url.Values) { back.Set("error", "access_denied") }, ErrCancelled},
		"given up by another": {func(_ *Question, back url.Values, _ Question, _ url.Values) {
			back.Set("error", "access_denied")
			back.Set("state", "x")
		}, ErrMismatch},
		"an error": {func(_ *Question, back url.Values, _ Question, _ url.Values) { back.Set("error", "server_error") }, ErrProvider},
	} {
		s := newStage(t)
		q, back := s.ask(t, "dr-durand")
		other, theirs := s.ask(t, "other")
		c.bend(&q, back, other, theirs)
		if who, err := s.relying.Answer(t.Context(), q, back); !errors.Is(err, c.want) || who.Subject != "" {
			t.Errorf("%s: %+v, %v, want %v", name, who, err, c.want)
		}
	}
}

// rewritten bends the JSON answers of one path.
func rewritten(path string, change func(map[string]any)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, path) {
				next.ServeHTTP(w, r)
				return
			}
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			var answer map[string]any
			_ = json.Unmarshal(rec.Body.Bytes(), &answer)
			change(answer)
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(answer)
		})
	}
}

// A provider that answers as it must not lets nobody in.
func TestProviderAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		bend func(*stage)
		want error
	}{
		"UserInfo of somebody else": {func(s *stage) { s.bend = rewritten("/userinfo", func(a map[string]any) { a["sub"] = "f:1:8998" }) }, ErrMismatch},
		"no ID token":               {func(s *stage) { s.bend = rewritten("/token", func(a map[string]any) { delete(a, "id_token") }) }, ErrProvider},
		"a token of another key": {func(s *stage) {
			s.bend = rewritten("/token", func(a map[string]any) {
				parts := strings.Split(a["id_token"].(string), ".")
				a["id_token"] = parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2]))
			})
		}, ErrProvider},
		"no signature": {func(s *stage) {
			s.bend = rewritten("/token", func(a map[string]any) {
				a["id_token"] = "eyJhbGciOiJub25lIn0." + strings.Split(a["id_token"].(string), ".")[1] + "."
			})
		}, ErrProvider},
		"an expired token": {func(s *stage) {
			later := s.now.Add(time.Hour)
			s.relying.Now = func() time.Time { return later }
		}, ErrProvider},
		"another client": {func(s *stage) { s.relying.ClientID, s.Clients["x"] = "x", s.Clients["passerelle"] }, ErrProvider},
		"another secret": {func(s *stage) { s.relying.Secret = func() string { return "wrong" } }, ErrProvider},
		"too weak":       {func(s *stage) { s.relying.Level = "eidas2" }, ErrLevel},
		"no level":       {func(s *stage) { s.Level = "" }, ErrLevel},
		"an endless answer": {func(s *stage) {
			s.bend = rewritten("/userinfo", func(a map[string]any) { a["x"] = strings.Repeat("x", maxAnswer) })
		}, ErrProvider},
		"nobody there": {func(s *stage) {
			s.bend = func(http.Handler) http.Handler { return http.NotFoundHandler() }
		}, ErrProvider},
	} {
		s := newStage(t)
		q, back := s.ask(t, "dr-durand")
		c.bend(s)
		if who, err := s.relying.Answer(t.Context(), q, back); !errors.Is(err, c.want) || who.Subject != "" {
			t.Errorf("%s: %+v, %v, want %v", name, who, err, c.want)
		}
	}
}

// A provider that was down is asked again; one of another name is not believed.
func TestProviderDiscovery(t *testing.T) {
	s := newStage(t)
	s.bend = func(http.Handler) http.Handler { return http.NotFoundHandler() }
	if _, _, err := s.relying.Ask(t.Context()); !errors.Is(err, ErrProvider) {
		t.Errorf("down: %v", err)
	}
	s.bend = rewritten("/openid-configuration", func(a map[string]any) { a["issuer"] = "https://other.example" })
	if _, _, err := s.relying.Ask(t.Context()); !errors.Is(err, ErrProvider) {
		t.Errorf("another name: %v", err)
	}
	s.bend = nil
	if _, _, err := s.relying.Ask(t.Context()); err != nil {
		t.Errorf("up again: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if out := NewProvider(s.relying.Relying).SignOut(gone, "hint"); out != "" {
		t.Errorf("sign-out at one that does not answer: %q", out)
	}
}
