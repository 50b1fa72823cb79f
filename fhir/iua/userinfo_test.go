package iua

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// told is the answer of a UserInfo endpoint in the form of Pro Santé Connect.
func told(id string, more map[string]any) map[string]any {
	answer := map[string]any{
		"sub": "f:0000:" + id, "SubjectNameID": id, "preferred_username": id, "given_name": "ALICE", "family_name": "TEST",
		"Secteur_Activite": "SA07^1.2.250.1.71.4.2.4", "SubjectOrganization": "CABINET", "SubjectOrganizationID": "1999999990",
		"Mode_Acces_Raison": "", "Acces_Regulation_Medicale": "FAUX", "SubjectRole": []string{"10^1.2.250.1.213.1.1.5.5"}, "authMode": "CARD",
		"otherIds": []any{map[string]any{"identifiant": "899900000099", "origine": "RPPS", "qualite": 1}},
		"SubjectRefPro": map[string]any{"exercices": []any{map[string]any{
			"codeProfession": "10", "codeTypeSavoirFaire": "S", "codeSavoirFaire": "SM26", "activities": []any{map[string]any{"codeSectionPharmacien": ""}},
		}}},
	}
	for name, value := range more {
		answer[name] = value
	}
	return answer
}

// endpoint is a provider that answers as it is told to, and counts.
type endpoint struct {
	*httptest.Server
	asked  atomic.Int32
	answer func(http.ResponseWriter, *http.Request)
}

func newEndpoint(t *testing.T) *endpoint {
	e := &endpoint{}
	e.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.asked.Add(1)
		e.answer(w, r)
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) says(answer any) {
	raw := must(json.Marshal(answer))
	e.answer = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(raw) }
}

const psc = "https://psc.example"

// asking is a verifier that asks the endpoint, with a clock that moves.
func (e *endpoint) asking(t *testing.T, change func(*Config)) (*Verifier, *time.Time) {
	t.Helper()
	now := testNow
	roots := x509.NewCertPool()
	roots.AddCert(e.Certificate())
	c := Config{Issuers: map[string][]byte{testBase: must(testIssuer(rsaKey()).JWKS())}, Audience: testBase, Now: func() time.Time { return now },
		UserInfo: &UserInfo{Issuer: psc, URL: e.URL + "/userinfo", Roots: roots}}
	if change != nil {
		change(&c)
	}
	return must(New(c)), &now
}

// TestUserInfo checks that an opaque token is whose the provider says, who reads and
// never feeds (C-13), and that everything else is refused.
func TestUserInfo(t *testing.T) {
	want := authz.Subject{
		Nature: authz.NaturePro, ID: canaryID, Name: "TEST ALICE", Profession: "10", Specialty: "SM26", Structure: "1999999990", StructureName: "CABINET",
		Reinforced: true, Issuer: psc, Expires: testNow.Add(trusted),
	}
	e := newEndpoint(t)
	for _, test := range []struct {
		name  string
		token string
		more  map[string]any
		want  func(*authz.Subject) // nil: refused
		id    string
	}{
		{"opaque", "2YotnFZFEjr1zCsicMWpAA", nil, func(*authz.Subject) {}, ""},
		{"regulator", "regul", map[string]any{"Acces_Regulation_Medicale": "VRAI", "Mode_Acces_Raison": "regulation"}, func(s *authz.Subject) { s.Regulator, s.Reason = true, "regulation" }, ""},
		{"a patient added by the provider", "with-patient", map[string]any{"patient": string(testPatient)}, func(s *authz.Subject) { s.Patient = testPatient }, ""},
		{"a JWT of the provider", must(Issuer{Key: ecKey(), Name: psc, Audience: "other", Now: func() time.Time { return testNow }, NewID: func() string { return "x" }}.Issue(doctor())), nil, func(*authz.Subject) {}, ""},
		{"expires sooner", "soon", map[string]any{"exp": testNow.Add(time.Second).Unix()}, func(s *authz.Subject) { s.Expires = testNow.Add(time.Second) }, ""},
		{"expired", "x", map[string]any{"exp": testNow.Add(-time.Hour).Unix()}, nil, "TOK-003"},
		{"another issuer", "i", map[string]any{"iss": "https://other.example"}, nil, "TOK-007"},
		{"nobody", "n", map[string]any{"SubjectNameID": ""}, nil, "TOK-002"},
		{"two professions", "d", map[string]any{"SubjectRole": []string{"10^1.2.250.1.213.1.1.5.5", "60^1.2.250.1.213.1.1.5.5"}}, nil, "TOK-002"},
		{"our own description beside", "o", map[string]any{"profession": "10"}, nil, "TOK-002"},
		{"no token of a header", "a b", nil, nil, "TOK-002"},
		{"a JWT of nobody", must(Issuer{Key: ecKey(), Name: "https://nobody.example", Audience: testBase, Now: func() time.Time { return testNow }, NewID: func() string { return "x" }}.Issue(doctor())), nil, nil, "TOK-007"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e.says(told(canaryID, test.more))
			v, _ := e.asking(t, nil)
			got, err := v.Verify(test.token)
			if test.want == nil {
				refused(t, err, test.id)
				return
			}
			expected := want
			test.want(&expected)
			if !strings.HasPrefix(got.TokenID, "sha256:") || strings.Contains(got.TokenID, test.token) {
				t.Errorf("token id %q", got.TokenID)
			}
			got.TokenID = ""
			if diff := gocmp.Diff(expected, got); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
}

// TestUserInfoAnswers: whatever the provider does, the answer is bounded and comes; no
// redirection takes the token elsewhere.
func TestUserInfoAnswers(t *testing.T) {
	e, elsewhere := newEndpoint(t), newEndpoint(t)
	elsewhere.says(told(canaryID, nil))
	status := func(code int) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	text := func(body string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
	}
	for name, test := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request)
		id     string
	}{
		"refused":      {status(401), "TOK-002"},
		"forbidden":    {status(403), "TOK-002"},
		"in trouble":   {status(500), "TOK-009"},
		"redirected":   {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) }, "TOK-009"},
		"not JSON":     {text("<html>"), "TOK-009"},
		"a name twice": {text(`{"SubjectNameID":"1","SubjectNameID":"2"}`), "TOK-009"},
		"too long":     {text(`{"x":"` + strings.Repeat("a", maxAnswer) + `"}`), "TOK-009"},
		"cut": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{"))
		}, "TOK-009"},
	} {
		e.answer = test.answer
		v, _ := e.asking(t, nil)
		_, err := v.Verify("token")
		if got := err.(*xds.Error); got.ID != test.id {
			t.Errorf("%s: %v", name, got)
		}
	}
	if elsewhere.asked.Load() != 0 {
		t.Error("the token went elsewhere")
	}
	// A server that nobody vouches for is not asked.
	v, _ := e.asking(t, func(c *Config) { c.UserInfo.Roots = x509.NewCertPool() })
	before := e.asked.Load()
	if _, err := v.Verify("token"); err.(*xds.Error).ID != "TOK-009" || e.asked.Load() != before {
		t.Errorf("%v", err)
	}
	// All places taken: the request waits no longer than its own end.
	v, _ = e.asking(t, nil)
	for range askedAtOne {
		v.provider.places <- struct{}{}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.bearer(ended, "token", nil); err.(*xds.Error).ID != "TOK-009" {
		t.Errorf("no place: %v", err)
	}
}

// TestUserInfoRemembered: an answer counts for a minute and a refusal for ten seconds;
// a provider in trouble is asked again.
func TestUserInfoRemembered(t *testing.T) {
	e := newEndpoint(t)
	v, now := e.asking(t, nil)
	ask := func(token, id string, questions int32) {
		t.Helper()
		before := e.asked.Load()
		_, err := v.Verify(token)
		got := ""
		if err != nil {
			got = err.(*xds.Error).ID
		}
		if asked := e.asked.Load() - before; got != id || asked != questions {
			t.Errorf("%s: %q after %d questions, want %q after %d", token, got, asked, id, questions)
		}
	}
	e.says(told(canaryID, nil))
	ask("a", "", 1)
	e.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }
	ask("a", "", 0)
	ask("b", "TOK-002", 1)
	ask("b", "TOK-002", 0)
	*now = now.Add(distrusted)
	ask("b", "TOK-002", 1)
	*now = now.Add(trusted - distrusted)
	ask("a", "TOK-002", 1)
	e.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	ask("c", "TOK-009", 1)
	ask("c", "TOK-009", 1)
}

// TestUserInfoConfig: an endpoint that others could read or answer stops the start, and
// without one an opaque token is refused.
func TestUserInfoConfig(t *testing.T) {
	e := newEndpoint(t)
	for _, u := range []UserInfo{{Issuer: psc}, {URL: "https://psc.example/u"}, {Issuer: psc, URL: "http://psc.example/u"}, {Issuer: psc, URL: "https://a:b@psc.example/u"}, {Issuer: psc, URL: "https://psc.example/u?x=1"}} {
		if _, err := New(Config{Issuers: map[string][]byte{testBase: must(testIssuer(rsaKey()).JWKS())}, Audience: testBase, Now: time.Now, UserInfo: &u}); err == nil {
			t.Errorf("%+v: accepted", u)
		}
	}
	e.says(told(canaryID, nil))
	for name, test := range map[string]struct {
		change func(*Config)
		id     string
	}{
		"none":                     {func(c *Config) { c.UserInfo = nil }, "TOK-002"},
		"a patient is required":    {func(c *Config) { c.RequirePatient = true }, "TOK-002"},
		"but not of this provider": {func(c *Config) { c.RequirePatient, c.UserInfo.WithoutPatient = true, true }, ""},
	} {
		v, _ := e.asking(t, test.change)
		_, err := v.Verify("token")
		if got, _ := err.(*xds.Error); (got != nil) != (test.id != "") || got != nil && got.ID != test.id {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUserInfoSamples reads the published shape of Pro Santé Connect, where it is at hand.
func TestUserInfoSamples(t *testing.T) {
	e := newEndpoint(t)
	shared := cmp.Or(os.Getenv("PASSERELLE_SHARED"), "../../../shared")
	for name, want := range map[string]authz.Subject{
		"psc-userinfo-medecin.json":    {ID: "899900000011"},
		"psc-userinfo-regulateur.json": {ID: "899900000012", Regulator: true, Reason: "regulation"},
	} {
		raw, err := os.ReadFile(shared + "/dmp/vihf/" + name)
		if err != nil {
			t.Logf("no %s beside the tree: its shape is that of TestUserInfo", name)
			continue
		}
		e.answer = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(raw) }
		v, _ := e.asking(t, nil)
		got, err := v.Verify("token-" + name)
		want.Nature, want.Name, want.Profession, want.Specialty, want.Structure, want.StructureName = authz.NaturePro, "TEST ALICE", "10", "SM26", "1999999990", "CABINET TEST"
		want.Reinforced, want.Issuer, want.Expires, want.TokenID = true, psc, testNow.Add(trusted), got.TokenID
		if diff := gocmp.Diff(want, got); err != nil || diff != "" {
			t.Error(name, err, diff)
		}
	}
}
