package config

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox"
	"github.com/passerelle-sante/passerelle/xds"
)

// filled is the example with what `init --prod` asks the operator to supply.
func filled(t *testing.T) (dir, text string) {
	t.Helper()
	dir = t.TempDir()
	for _, sub := range []string{"secrets", "tls", "confiance", "documents", "cles", "spool"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cert, key := certificate(t, pkix.Name{CommonName: "passerelle.example.org"})
	root, _ := certificate(t, pkix.Name{CommonName: "RACINE"})
	public, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public.Public(), KeyID: "1", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"tls/serveur.pem": cert, "tls/serveur.key": key, "tls/autorite-s3.pem": root, "confiance/vihf-exemple.pem": cert, "confiance/racine.pem": root,
		"confiance/jetons-exemple.json": keys, "secrets/base": []byte("hunter2\n"), "secrets/s3-acces": []byte("id"), "secrets/s3-secret": []byte("sesame"),
		"secrets/pagination": bytes.Repeat([]byte("x"), 64), "secrets/cles-maitresse": bytes.Repeat([]byte("m"), 64), "secrets/signature": bytes.Repeat([]byte("s"), 64),
	} {
		write(t, filepath.Join(dir, name), content, 0o400)
	}
	return dir, strings.Replace(string(Example), `repository_id = ""`, `repository_id = "1.2.250.1.213.99.1"`, 1)
}

func write(t *testing.T, name string, content []byte, mode os.FileMode) {
	t.Helper()
	if err := errors.Join(os.WriteFile(name, content, 0o600), os.Chmod(name, mode)); err != nil {
		t.Fatal(err)
	}
}

func certificate(t *testing.T, subject pkix.Name) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: subject, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true, IsCA: subject.CommonName == "RACINE"}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

func load(t *testing.T, dir, text string) (*Config, xds.Errors) {
	t.Helper()
	name := filepath.Join(dir, "passerelle.toml")
	write(t, name, []byte(text), 0o600)
	c, err := Load(name)
	all, told := xds.FindingsOf(err)
	if err != nil && !told {
		t.Fatal(err)
	}
	return c, all
}

// inBucket is the same text with the table [repository.s3] in force.
func inBucket(text string) string {
	text = strings.Replace(text, `directory = "documents"`, "", 1)
	from, to := strings.Index(text, "#[repository.s3]"), strings.Index(text, "# Un émetteur de VIHF")
	return text[:from] + uncomment(text[from:to]) + text[to:]
}

// uncomment puts commented settings in force: a # with no space after it.
func uncomment(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if len(line) > 1 && line[0] == '#' && line[1] != ' ' && line[1] != '\n' {
			line = line[1:]
		}
		out.WriteString(line)
	}
	return out.String()
}

func TestExampleLoads(t *testing.T) {
	dir, text := filled(t)
	c, all := load(t, dir, text)
	if all != nil {
		t.Fatal(all)
	}
	if c.Password.Reveal() != "hunter2" || c.Certificate == nil || len(c.Issuers) != 1 || len(c.Keys) != 1 || c.Shutdown.Drain != 30*time.Second {
		t.Errorf("%+v", c)
	}
	bucket, all := load(t, dir, inBucket(text))
	if all != nil {
		t.Fatal(all)
	}
	if bucket.SecretKey.Reveal() != "sesame" || bucket.S3Roots == nil || bucket.Cursor != c.Cursor || bucket.Cursor == [32]byte{} {
		t.Errorf("%+v", bucket)
	}
}

// The example explains every key, and says the default of those that have one.
func TestExampleIsComplete(t *testing.T) {
	var plain File
	plain, d, ok := decode([]byte(uncomment(string(Example))))
	if !ok || len(d.findings) > 0 {
		t.Fatal(d.findings)
	}
	var walk func(path string, at reflect.Type)
	walk = func(path string, at reflect.Type) {
		for i := range at.NumField() {
			f := at.Field(i)
			key := join(path, f.Tag.Get("toml"))
			switch {
			case f.Type.Kind() == reflect.Struct:
				walk(key, f.Type)
				continue
			case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
				walk(key+"[0]", f.Type.Elem())
				continue
			}
			if _, there := d.places[key]; !there {
				t.Errorf("the example has no %s", key)
			}
		}
	}
	walk("", reflect.TypeFor[File]())
	want := defaults()
	for name, pair := range map[string][2]any{
		"site.profile": {plain.Site.Profile, want.Site.Profile}, "limits": {plain.Limits, want.Limits}, "log": {plain.Log, want.Log},
		"housekeeping": {plain.Housekeeping, want.Housekeeping}, "announcements": {plain.Announced, want.Announced}, "shutdown": {plain.Shutdown, want.Shutdown},
		"database.max_connections": {plain.Database.MaxConnections, want.Database.MaxConnections}, "repository.s3.tls": {plain.Repository.S3.TLS, want.Repository.S3.TLS},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: the example says %v, the default is %v", name, pair[0], pair[1])
		}
	}
	previous := "#"
	for line := range strings.Lines(string(Example)) {
		name, _, setting := strings.Cut(strings.TrimPrefix(line, "#"), " = ")
		if setting && !strings.Contains(name, " ") && !strings.HasPrefix(previous, "#") && !strings.Contains("key fhir api secret_key_file bucket subject drain age", name) {
			t.Errorf("no comment above %q", line)
		}
		previous = line
	}
	if SandboxRepository != sandbox.RepositoryID {
		t.Error("the sandbox's repositoryUniqueId is another one")
	}
}

// Every way to get it wrong: what is changed, and the finding that must come.
func TestRefusals(t *testing.T) {
	dir, text := filled(t)
	sandboxCert, _ := certificate(t, pkix.Name{CommonName: "EMETTEUR VIHF BAC A SABLE", Organization: []string{"PASSERELLE BAC A SABLE"}})
	testRoot, _ := certificate(t, pkix.Name{CommonName: "TEST AC RACINE IGC-SANTE ELEMENTAIRE ORGANISATIONS"})
	write(t, filepath.Join(dir, "sandbox.pem"), sandboxCert, 0o644)
	write(t, filepath.Join(dir, "test.pem"), testRoot, 0o644)
	write(t, filepath.Join(dir, "open"), []byte("hunter2"), 0o644)
	write(t, filepath.Join(dir, "group"), bytes.Repeat([]byte("x"), 64), 0o640)
	write(t, filepath.Join(dir, "short"), []byte("x"), 0o600)
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "ouvert"), 0o700), os.Chmod(filepath.Join(dir, "ouvert"), 0o750)); err != nil {
		t.Fatal(err)
	}
	const dsn = `dsn = "postgres://passerelle@db.example.org:5432/passerelle?sslmode=verify-full"`
	for _, c := range []struct{ old, new, want string }{
		{`certificates = ["confiance`, `certificats = ["confiance`, `CONF-002 vihf[0].certificats nearest certificates`},
		{`[limits]`, `[limites]`, `CONF-002 limites nearest limits`},
		{`any_audience = false`, `any_audiance = false`, `CONF-002 vihf[0].any_audiance nearest any_audience`},
		{`soap = 128`, `soap = "128"`, `CONF-003 limits.soap`},
		{`listen = ["0.0.0.0:8443"]`, `listen = "0.0.0.0:8443"`, `CONF-003 http.listen`},
		{`listen = ["0.0.0.0:8443"]`, `listen = ["0.0.0.0:8443", 8080]`, `CONF-003 http.listen[1]`},
		{`listen = ["0.0.0.0:8443"]`, `listen = ["passerelle.example.org"]`, `CONF-005 http.listen[0]`},
		{`listen = ["0.0.0.0:8443"]`, `listen = []`, `CONF-004 http.listen`},
		{`drain = "30s"`, `drain = 30`, `CONF-003 shutdown.drain`},
		{`drain = "30s"`, `drain = "30 s"`, `CONF-005 shutdown.drain`},
		{`drain = "30s"`, `drain = "3h"`, `CONF-005 shutdown.drain`},
		{"\n[[vihf]]\n", "\n[vihf]\n", `CONF-003 vihf`},
		{`repository_id = "1.2.250.1.213.99.1"`, ``, `CONF-004 site.repository_id`},
		{`"1.2.250.1.213.99.1"`, `"1.2.x"`, `CONF-005 site.repository_id`},
		{`"1.2.250.1.213.99.1"`, `"` + SandboxRepository + `"`, `CONF-009 site.repository_id`},
		{`profile = "dmp"`, `profile = "dpm"`, `CONF-005 site.profile nearest dmp`},
		{`base = "https://passerelle.example.org"`, ``, `CONF-004 http.base`},
		{`"https://passerelle.example.org"`, `"http://passerelle.example.org"`, `CONF-009 http.base`},
		{`"https://passerelle.example.org"`, `"https://passerelle.example.org/"`, `CONF-005 http.base`},
		{`certificate = "tls/serveur.pem"`, ``, `CONF-006 http`},
		{"certificate = \"tls/serveur.pem\"\nkey = \"tls/serveur.key\"", ``, `CONF-009 http`},
		{`allow_plain_http = false`, `allow_plain_http = true`, `CONF-006 http.allow_plain_http`},
		{`certificate = "tls/serveur.pem"`, `certificate = "test.pem"`, `CONF-005 http.certificate`},
		{`key = "tls/serveur.key"`, `key = "open"`, `CONF-008 http.key`},
		{dsn, ``, `CONF-004 database.dsn`},
		{dsn, `dsn = "postgres://passerelle:hunter2@db.example.org/passerelle?sslmode=verify-full"`, `CONF-009 database.dsn`},
		{dsn, `dsn = "host=db.example.org password=hunter2 user=u dbname=d sslmode=require"`, `CONF-009 database.dsn`},
		{dsn, `dsn = "postgres://passerelle@db.example.org/passerelle"`, `CONF-009 database.dsn`},
		{dsn, `dsn = "postgres://passerelle:hunter2@[::1"`, `CONF-005 database.dsn`},
		{`password_file = "secrets/base"`, `password = "hunter2"`, `CONF-002 database.password nearest password_file`},
		{`password_file = "secrets/base"`, `password_file = "open"`, `CONF-008 database.password_file`},
		{`password_file = "secrets/base"`, `password_file = "hunter3"`, `CONF-007 database.password_file`},
		{`max_connections = 32`, `max_connections = 1`, `CONF-005 database.max_connections`},
		{`directory = "documents"`, ``, `CONF-004 repository.directory`},
		{`directory = "documents"`, `directory = "elsewhere"`, `CONF-007 repository.directory`},
		{`directory = "documents"`, `directory = "open"`, `CONF-007 repository.directory`},
		{`#endpoint`, "[repository.s3]\nendpoint", `CONF-006 repository`},
		{`cursor_file = "secrets/pagination"`, `cursor_file = "group"`, `CONF-008 secrets.cursor_file`},
		{`cursor_file = "secrets/pagination"`, `cursor_file = "short"`, `CONF-005 secrets.cursor_file`},
		{`cursor_file = "secrets/pagination"`, ``, `CONF-004 secrets.cursor_file`},
		{`directory = "cles"`, ``, `CONF-004 keys.directory`},
		{`directory = "cles"`, `directory = "absent"`, `CONF-007 keys.directory`},
		{`directory = "cles"`, `directory = "documents"`, `CONF-009 keys.directory`},
		{`directory = "cles"`, `directory = "."`, `CONF-009 keys.directory`},
		{`directory = "cles"`, `directory = "ouvert"`, `CONF-008 keys.directory`},
		{`master_file = "secrets/cles-maitresse"`, `master_file = "group"`, `CONF-008 keys.master_file`},
		{`master_file = "secrets/cles-maitresse"`, `master_file = "short"`, `CONF-005 keys.master_file`},
		{`signature_file = "secrets/signature"`, ``, `CONF-004 keys.signature_file`},
		{`certificates = ["confiance/vihf-exemple.pem"]`, ``, `CONF-004 vihf[0].certificates`},
		{`certificates = ["confiance/vihf-exemple.pem"]`, `roots = ["confiance/racine.pem"]`, `CONF-009 vihf[0].subject`},
		{`certificates = ["confiance/vihf-exemple.pem"]`, `certificates = ["confiance/racine.pem"]`, `CONF-009 vihf[0].certificates`},
		{`certificates = ["confiance/vihf-exemple.pem"]`, `certificates = ["sandbox.pem"]`, `CONF-009 vihf[0].certificates[0]`},
		{`certificates = ["confiance/vihf-exemple.pem"]`, `certificates = ["test.pem"]`, `CONF-009 vihf[0].certificates[0]`},
		{`certificates = ["confiance/vihf-exemple.pem"]`, `certificates = ["open"]`, `CONF-005 vihf[0].certificates[0]`},
		{`issuer = "https://auth.example.org"`, `issuer = "http://127.0.0.1:8080"`, `CONF-009 tokens[0].issuer`},
		{`issuer = "https://auth.example.org"`, ``, `CONF-004 tokens[0].issuer`},
		{`jwks = "confiance/jetons-exemple.json"`, `jwks = "open"`, `CONF-005 tokens[0].jwks`},
		{`jwks = "confiance/jetons-exemple.json"`, `jwks = "absent.json"`, `CONF-007 tokens[0].jwks`},
		{`listen = "127.0.0.1:9464"`, `listen = "0.0.0.0:8443"`, `CONF-006 metrics.listen`},
		{`[secrets]`, "[[senders]]\nname = \"x\"\n[secrets]", `CONF-004 senders[0].structure`},
		{`[secrets]`, "[[senders]]\nname = \"x\"\nsubject = \"1\"\n[[senders]]\nname = \"y\"\nsubject = \"1\"\n[secrets]", `CONF-006 senders[1]`},
		{`[secrets]`, "[[senders]]\nname = \"x\"\nstructure = \"1\"\nreplay = \"yes\"\n[secrets]", `CONF-005 senders[0].replay`},
		{`address = ""`, `address = "tls://audit"` + "\nsource_id = \"x\"", `CONF-005 atna.address`},
		{`address = ""`, `address = "udp://audit:514"` + "\nsource_id = \"x\"", `CONF-009 atna.address`},
		{`address = ""`, `address = "tls://audit:6514"`, `CONF-004 atna.source_id`},
		{`address = ""`, `source_id = "x"`, `CONF-004 atna.address`},
		{`address = ""`, `address = "tls://audit:6514"` + "\nsource_id = \"x\"\ncertificate = \"c.pem\"", `CONF-006 atna`},
		{`address = ""`, `address = "tls://audit:6514"` + "\nsource_id = \"x\"\nca_file = \"absent.pem\"", `CONF-007 atna.ca_file[0]`},
		{`keep = "720h"`, `keep = "1s"` + "\n", `CONF-005 atna.keep`},
		{`longest = "744h"`, `longest = "1s"`, `CONF-005 dsub.longest`},
		{`server = ""`, `server = "smtp.example.org"`, `CONF-005 mail.server`},
		{`server = ""`, `server = "smtp.example.org:587"`, `CONF-004 mail.from`},
		{`server = ""`, `from = "a@example.org"`, `CONF-004 mail.server`},
		{`server = ""`, "server = \"smtp.example.org:587\"\nfrom = \"Espace <a@example.org>\"", `CONF-005 mail.from`},
		{"server = \"\"", "server = \"smtp.example.org:587\"\nfrom = \"a@example.org\"\nuser = \"u\"", `CONF-006 mail`},
		{"server = \"\"", "server = \"smtp.example.org:587\"\nfrom = \"a@example.org\"\nuser = \"u\"\npassword_file = \"group\"", `CONF-008 mail.password_file`},
		{"server = \"\"", "server = \"smtp.example.org:587\"\nfrom = \"a@example.org\"\nca_file = \"open\"", `CONF-005 mail.ca_file[0]`},
		{`url = ""`, `url = "http://sms.example.org/"`, `CONF-009 sms.url`},
		{`clamd = ""`, `clamd = "/run/clamd"`, `CONF-005 scan.clamd`},
		{`clamd = ""`, `clamd = "tcp:clamd"`, `CONF-005 scan.clamd`},
		{`clamd = ""`, `command = ["clamdscan"]`, `CONF-005 scan.command`},
		{`clamd = ""`, "clamd = \"unix:/run/clamd\"\ncommand = [\"/usr/bin/clamdscan\"]", `CONF-006 scan.command`},
		{`url = ""`, `url = "sms.example.org"`, `CONF-005 sms.url`},
		{`url = ""`, `token_file = "secrets/sms"`, `CONF-004 sms.url`},
		{`url = ""`, "url = \"https://sms.example.org/\"\ntoken_file = \"group\"", `CONF-008 sms.token_file`},
		{`[limits]`, "[[dsub.consumer]]\nurl = \"http://dpi.example.org/n\"\n[limits]", `CONF-009 dsub.consumer[0].url`},
		{`[limits]`, "[[dsub.consumer]]\nurl = \"dpi.example.org\"\n[limits]", `CONF-005 dsub.consumer[0].url`},
		{`[limits]`, "[[dsub.consumer]]\nurl = \"https://dpi.example.org/n\"\naddresses = [\"10.0.0.0/40\"]\n[limits]", `CONF-005 dsub.consumer[0].addresses[0]`},
		{`age = "24h"`, `age = "1s"`, `CONF-005 housekeeping.age`},
		{`remind_after = "336h"`, `remind_after = "1h"`, `CONF-005 announcements.remind_after`},
		{`level = "info"`, `level = "infos"`, `CONF-005 log.level nearest info`},
		{`level = "info"`, `level = info`, `CONF-001 fichier`},
		{`level = "info"`, "level = \"info\"\nlevel = \"warn\"", `CONF-001 fichier`},
	} {
		if !strings.Contains(text, c.old) {
			t.Errorf("the example has no %q", c.old)
			continue
		}
		_, all := load(t, dir, strings.Replace(text, c.old, c.new, 1))
		refusal(t, c.new, c.want, all)
	}
	for _, c := range []struct{ old, new, want string }{
		{`endpoint = "s3.example.org"`, `endpoint = "https://s3.example.org"`, `CONF-005 repository.s3.endpoint`},
		{`tls = true`, `tls = false`, `CONF-009 repository.s3.tls`},
		{`bucket = "passerelle"`, ``, `CONF-004 repository.s3.bucket`},
		{`secret_key_file = "secrets/s3-secret"`, `secret_key_file = "open"`, `CONF-008 repository.s3.secret_key_file`},
		{`spool = "spool"`, `spool = "nowhere"`, `CONF-007 repository.s3.spool`},
		{`ca_file = "tls/autorite-s3.pem"`, `ca_file = "open"`, `CONF-005 repository.s3.ca_file[0]`},
	} {
		_, all := load(t, dir, strings.Replace(inBucket(text), c.old, c.new, 1))
		refusal(t, c.new, c.want, all)
	}
}

// What people are written by: STARTTLS is asked for unless the server is this machine's.
func TestMailTLS(t *testing.T) {
	dir, text := filled(t)
	with := func(server, tls string) (*Config, xds.Errors) {
		text := strings.Replace(text, `server = ""`, `server = "`+server+`"`+"\nfrom = \"a@example.org\"", 1)
		return load(t, dir, strings.Replace(text, `tls = "starttls"`, `tls = "`+tls+`"`, 1))
	}
	for _, c := range []struct {
		server, tls     string
		plain, implicit bool
	}{{"smtp.example.org:587", "starttls", false, false}, {"smtp.example.org:465", "implicit", false, true}, {"127.0.0.1:25", "none", true, false}} {
		cfg, all := with(c.server, c.tls)
		if len(all) > 0 || cfg.Post == nil || (cfg.Post.TLS == nil) != c.plain || cfg.Post.Implicit != c.implicit || cfg.Post.From != "a@example.org" {
			t.Errorf("%s %s: %v", c.server, c.tls, all)
		}
	}
	for _, tls := range []string{"none", "opportunistic", ""} {
		if _, all := with("smtp.example.org:25", tls); len(all) != 1 || all[0].Where != "mail.tls" {
			t.Errorf("%q to another machine: %v", tls, all)
		}
	}
	if cfg, all := load(t, dir, text); len(all) > 0 || cfg.Post != nil || cfg.Phones != nil {
		t.Errorf("without a server: %v", all)
	}
}

func refusal(t *testing.T, change, want string, all xds.Errors) {
	t.Helper()
	i := slices.IndexFunc(all, func(e *xds.Error) bool {
		got := e.ID + " " + e.Where
		if len(e.Nearest) > 0 {
			got += " nearest " + e.Nearest[0]
		}
		return got == want
	})
	if i < 0 {
		t.Errorf("%q: wanted %s, got %v", change, want, all)
		return
	}
	if missing := all[i].ID == "CONF-004"; all[i].Line == 0 && !missing {
		t.Errorf("%q: %s without a line", change, want)
	}
	if all[i].Expected == "" || all[i].HintText() == "" && all[i].Expected == "" {
		t.Errorf("%q: %s does not say how to mend it", change, want)
	}
	if text := all.Error(); strings.Contains(text, "hunter2") || strings.Contains(text, "sesame") {
		t.Errorf("%q: a secret is told: %s", change, text)
	}
}

// All findings come at once, each on its line.
func TestAllFindingsAtOnce(t *testing.T) {
	_, all := load(t, t.TempDir(), `[site]
profil = "dmp"
[http]
listen = "0.0.0.0:80"
base = "http://x"
[database]
dsn = "postgres://u:hunter2@h/d?sslmode=verify-full"
[[vihf]]
issuer = "CN=a"
[[vihf]]
issuer = "CN=a"
certificates = ["absent.pem"]
`)
	var got []string
	for _, e := range all {
		got = append(got, fmt.Sprintf("%d %s %s", e.Line, e.ID, e.Where))
	}
	for _, want := range []string{
		"2 CONF-002 site.profil", "4 CONF-003 http.listen", "5 CONF-009 http.base", "3 CONF-009 http", "7 CONF-009 database.dsn",
		"1 CONF-004 site.repository_id", "8 CONF-004 vihf[0].certificates", "11 CONF-006 vihf[1].issuer", "12 CONF-007 vihf[1].certificates[0]",
		"0 CONF-004 tokens", "0 CONF-004 secrets.cursor_file", "0 CONF-004 repository.directory",
		"0 CONF-004 keys.directory", "0 CONF-004 keys.master_file", "0 CONF-004 keys.signature_file",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, strings.Join(got, "\n"))
		}
	}
	if len(got) != 15 {
		t.Errorf("%d findings:\n%s", len(got), strings.Join(got, "\n"))
	}
}

// A secret shows itself in no way that anything is shown.
func TestSecretIsNeverShown(t *testing.T) {
	dir, text := filled(t)
	c, all := load(t, dir, text)
	if all != nil {
		t.Fatal(all)
	}
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "password", c.Password, "config", c.Database)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "password", c.Password, "all", struct{ P Secret }{c.Password})
	raw, err := json.Marshal(c.Password)
	fmt.Fprintf(&out, "%v %+v %#v %s %q %x %d %s %v", c.Password, c, c.Password, c.Password, c.Password, c.Password, c.Password, raw, err)
	if strings.Contains(out.String(), "hunter2") || strings.Contains(out.String(), fmt.Sprintf("%x", "hunter2")) {
		t.Error(out.String())
	}
}
