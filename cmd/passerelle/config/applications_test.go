package config

import (
	"strings"
	"testing"
	"time"
)

// TestApplications: the catalogue, the portals and the provider of opaque tokens, and
// what in them would trust too much.
func TestApplications(t *testing.T) {
	dir, text := filled(t)
	const jwks = `jwks = "confiance/jetons-exemple.json"`
	app := func(lines ...string) string {
		return text + "\n[[applications]]\n" + strings.Join(lines, "\n") + "\n"
	}
	good := []string{`client="suivi"`, `name="Suivi"`, `publisher="Éditeur"`, `scopes=["patient/DocumentReference.read"]`, `longest_days=90`}
	but := func(i int, line string) string {
		lines := append([]string{}, good...)
		lines[i] = line
		return app(lines...)
	}
	tokens := func(lines string) string { return strings.Replace(text, jwks, lines, 1) }
	for _, c := range []struct{ name, text, want string }{
		{"good", app(good...), ""},
		{"of some types", app(append(good, `types=["11502-2^^2.16.840.1.113883.6.1"]`)...), ""},
		{"nothing", app("longest_days=1"), "CONF-004 applications[0].client, CONF-004 applications[0].name, CONF-004 applications[0].publisher, CONF-004 applications[0].scopes"},
		{"a client with a slash", but(0, `client="https://a"`), "CONF-005 applications[0].client"},
		{"scopes of users", but(3, `scopes=["user/DocumentReference.rs"]`), "CONF-005 applications[0].scopes[0]"},
		{"the history", but(3, `scopes=["patient/AuditEvent.rs"]`), "CONF-005 applications[0].scopes[0]"},
		{"everything", but(3, `scopes=["patient/*.cruds"]`), "CONF-005 applications[0].scopes[0]"},
		{"for ever", but(4, `longest_days=0`), "CONF-005 applications[0].longest_days"},
		{"types without a scheme", app(append(good, `types=["11502-2"]`)...), "CONF-005 applications[0].types[0]"},
		{"no types", app(append(good, `types=[]`)...), "CONF-005 applications[0].types"},
		{"twice", app(append(good, "[[applications]]", strings.Join(good, "\n"))...), "CONF-006 applications[1].client"},
		{"a portal", strings.Replace(app(good...), jwks, jwks+"\nportals=[\"suivi\"]", 1), "CONF-006 applications[0].client"},
		{"userinfo", tokens(`userinfo="https://auth.example.org/userinfo"`), ""},
		{"userinfo in clear", tokens(`userinfo="http://auth.example.org/userinfo"`), "CONF-009 tokens[0].userinfo"},
		{"two of them", tokens(jwks + "\nuserinfo=\"https://a.example.org/u\"\n[[tokens]]\nissuer=\"https://b.example.org\"\nuserinfo=\"https://b.example.org/u\""), "CONF-006 tokens[1].userinfo"},
		{"neither keys nor userinfo", tokens(""), "CONF-004 tokens[0].jwks"},
	} {
		loaded, found := load(t, dir, c.text)
		var got []string
		for _, e := range found {
			got = append(got, e.ID+" "+e.Where)
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if c.name == "good" {
			if a := loaded.Catalogue[0]; a.Client != "suivi" || a.Reach != "DocumentReference.rs" || a.Types != nil || a.Longest != 90*24*time.Hour {
				t.Errorf("%+v", a)
			}
		}
	}
}
