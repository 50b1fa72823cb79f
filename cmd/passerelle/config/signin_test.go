package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSignIn: the providers of identities and the relays, and what in them would trust too
// much; each finding stands at its line.
func TestSignIn(t *testing.T) {
	dir, text := filled(t)
	for name, mode := range map[string]os.FileMode{"psc": 0o400, "ouvert": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, "secrets", name), []byte("s3cret\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	good := []string{`issuer="https://auth.esw.esante.gouv.fr/auth/realms/esante-wallet"`, `client_id="passerelle"`, `secret_file="secrets/psc"`}
	psc := func(lines ...string) string { return text + "\n[signin.psc]\n" + strings.Join(lines, "\n") + "\n" }
	but := func(i int, line string) string {
		lines := slices.Clone(good)
		lines[i] = line
		return psc(lines...)
	}
	relays := func(list string) string {
		return strings.Replace(text, "\n[signin]\n", "\n[signin]\nrelays = "+list+"\n", 1)
	}
	for _, c := range []struct{ name, text, want string }{
		{"none", text, ""},
		{"good", psc(good...), ""},
		{"an empty table", psc(""), "CONF-004 signin.psc.issuer"},
		{"no secret", psc(good[:2]...), "CONF-004 signin.psc.secret_file"},
		{"no client", psc(good[0], good[2]), "CONF-004 signin.psc.client_id"},
		{"in clear", but(0, `issuer="http://auth.example.org"`), "CONF-009 signin.psc.issuer"},
		{"of this machine", but(0, `issuer="https://127.0.0.1/sandbox/oidc/psc"`), "CONF-009 signin.psc.issuer"},
		{"with a password", but(0, `issuer="https://a:b@auth.example.org"`), "CONF-009 signin.psc.issuer"},
		{"a secret that others read", but(2, `secret_file="secrets/ouvert"`), "CONF-008 signin.psc.secret_file"},
		{"a secret that is not there", but(2, `secret_file="secrets/nulle-part"`), "CONF-007 signin.psc.secret_file"},
		{"a secret in the file", psc(append(good, `secret="s3cret"`)...), "CONF-002 signin.psc.secret"},
		{"scopes without openid", psc(append(good, `scopes=["scope_all"]`)...), "CONF-005 signin.psc.scopes"},
		{"a level that there is not", psc(append(good, `level="eidas9"`)...), "CONF-005 signin.psc.level"},
		{"relays", relays(`["10.0.0.2", "2001:db8::/64"]`), ""},
		{"relays by name", relays(`["relais.example.org"]`), "CONF-005 signin.relays[0]"},
		{"everybody a relay", relays(`["10.0.0.2", "0.0.0.0/0"]`), "CONF-009 signin.relays[1]"},
	} {
		loaded, found := load(t, dir, c.text)
		var got []string
		for _, e := range found {
			got = append(got, e.ID+" "+e.Where)
			if e.Line == 0 || strings.Contains(e.Error(), "s3cret") {
				t.Errorf("%s: %v has no line, or tells the secret", c.name, e)
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		switch c.name {
		case "good":
			if p := loaded.PSC; p.Secret() != "s3cret" || !slices.Equal(p.Scopes, []string{"openid", "scope_all"}) || p.Level != "eidas1" || loaded.FranceConnect != nil {
				t.Errorf("%+v", p)
			}
		case "relays":
			if !slices.Equal(loaded.Relays, []netip.Prefix{netip.MustParsePrefix("10.0.0.2/32"), netip.MustParsePrefix("2001:db8::/64")}) {
				t.Errorf("%v", loaded.Relays)
			}
		case "none":
			if loaded.PSC != nil || loaded.FranceConnect != nil {
				t.Error("providers that nobody configured")
			}
		}
	}
}
