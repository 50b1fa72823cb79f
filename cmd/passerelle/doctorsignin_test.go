package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/config"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/oidc"
	"github.com/passerelle-sante/passerelle/signin"
)

// doctor asks a provider of identities for what it says of itself: one that answers by
// another name is none, and one that is not configured is no fault.
func TestDoctorSignIn(t *testing.T) {
	p := &oidc.Provider{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.Handler().ServeHTTP(w, r) }))
	defer server.Close()
	p.Issuer = server.URL + "/psc"
	cfg := &config.Config{PSC: &signin.Relying{Issuer: p.Issuer}}
	cfg.HTTP.Base = "https://passerelle.example.org"
	for issuer, want := range map[string]string{p.Issuer: verdictOK, p.Issuer + "/": verdictFail, server.URL + "/other": verdictFail} {
		cfg.PSC.Issuer = issuer
		x := &examination{ctx: t.Context()}
		x.signIn(cfg)
		if len(x.lines) != 2 || x.lines[0].Verdict != want || x.lines[1].Verdict != verdictOK || !strings.Contains(x.lines[1].Text, "signin.franceconnect") {
			t.Errorf("%s: %+v", issuer, x.lines)
		}
		if want == verdictOK && !strings.Contains(x.lines[0].Text, "https://passerelle.example.org/pro/connexion/psc/retour") {
			t.Errorf("%+v", x.lines[0])
		}
	}
}
