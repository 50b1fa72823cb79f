package conformance_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/cast"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/postgres"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/repository/repositorytest"
	"github.com/passerelle-sante/passerelle/repository/vault"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

// The secrets of a site: none may ever be read anywhere but in its file.
const (
	siteAccessKey = "passerelle" // of the S3 server; no secret
	sitePassword  = "mot-de-passe-canari-7315"
	siteCursor    = "curseur-canari-0123456789abcdef-0123456789abcdef"
	siteBase      = "https://passerelle.chu.example.org"
	siteIssuer    = "https://auth.example.org"
	siteProvider  = "https://psc.example.org" // of opaque tokens
)

// site is an installation as an operator makes one: a PostgreSQL and an S3 that run
// by themselves, issuers of its own, a certificate, a configuration.
type site struct {
	*kit
	binary   string
	dir      string
	database string // folder of the PostgreSQL cluster
	server   *postgres.Server
	vihf     saml.Signer
	tokens   iua.Issuer
	patient  kitPatient // with an INS of the real authority, made up
	tester   kitPatient // with a test INS
}

// openSite makes an installation with an empty database.
func openSite(t *testing.T, binary string) *site {
	t.Helper()
	s := &site{binary: binary, dir: t.TempDir(), database: filepath.Join(openFolder(t), "pg")}
	s.startDatabase(t)
	pool := s.issue(t)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 8}
	t.Cleanup(transport.CloseIdleConnections)
	s.kit = &kit{http: &http.Client{Transport: transport}, people: cast.All(time.Now())}
	s.configure(t, s.bucket(t))
	return s
}

func (s *site) startDatabase(t *testing.T) {
	t.Helper()
	server, err := postgres.Start(t.Context(), postgres.Options{Dir: s.database})
	if err != nil {
		t.Fatal(err)
	}
	s.server = server
	t.Cleanup(func() { s.stopDatabase(t) })
}

func (s *site) stopDatabase(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.server.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// bucket is a real S3 server, or one in this process where there is none.
func (s *site) bucket(t *testing.T) repository.S3Options {
	t.Helper()
	if o, ok := repositorytest.S3Server(t); ok {
		return o
	}
	memory := s3mem.New()
	if err := memory.CreateBucket("blobs"); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(gofakes3.New(memory, gofakes3.WithLogger(gofakes3.DiscardLog())).Server())
	t.Cleanup(web.Close)
	return repository.S3Options{Endpoint: strings.TrimPrefix(web.URL, "http://"), Bucket: "blobs", AccessKey: siteAccessKey, SecretKey: "passerelle-test", Spool: t.TempDir()}
}

// issue makes the certificate of the listeners and both issuers.
func (s *site) issue(t *testing.T) *x509.CertPool {
	t.Helper()
	server, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	token, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	front := s.certify(t, "serveur", x509.Certificate{Subject: pkix.Name{CommonName: "passerelle.chu.example.org"},
		DNSNames: []string{"passerelle.chu.example.org"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}, server, server.Public())
	s.write(t, "serveur.key", pemOf(t, server))
	name := pkix.Name{Country: []string{"FR"}, Organization: []string{"CHU EXEMPLE"}, CommonName: "EMETTEUR VIHF"}
	cert := s.certify(t, "vihf", x509.Certificate{Subject: name, KeyUsage: x509.KeyUsageDigitalSignature}, signer, signer.Public())
	s.vihf = saml.Signer{Key: signer, Certificates: []*x509.Certificate{cert}, Name: name.String(), Audience: siteBase + "/xds", Now: time.Now,
		NewID: func() string { return "_" + kitBare(kitUUID()) }}
	s.tokens = iua.Issuer{Key: token, Name: siteIssuer, Audience: siteBase, Now: time.Now, NewID: kitUUID}
	keys, err := s.tokens.JWKS()
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "jetons.json", keys)
	pool := x509.NewCertPool()
	pool.AddCert(front)
	return pool
}

func (s *site) certify(t *testing.T, name string, template x509.Certificate, key, public any) *x509.Certificate {
	t.Helper()
	template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(1), time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0)
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, public, key)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, name+".pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func pemOf(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// write makes a file that its owner alone may read.
func (s *site) write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// configure writes passerelle.toml.
func (s *site) configure(t *testing.T, o repository.S3Options) {
	t.Helper()
	for name, content := range map[string]string{"base": sitePassword, "curseur": siteCursor, "maitresse": siteCursor, "signature": siteCursor, "s3-acces": o.AccessKey, "s3-secret": o.SecretKey} {
		s.write(t, name, []byte(content+"\n"))
	}
	if _, err := vault.Create(filepath.Join(s.dir, "cles"), vault.Master([]byte(siteCursor+"\n"))); err != nil {
		t.Fatal(err)
	}
	s.write(t, "passerelle.toml", fmt.Appendf(nil, `[site]
repository_id = "1.2.250.1.213.99.7"
provisional_matrix = true
[http]
listen = ["127.0.0.1:0"]
base = %q
certificate = "serveur.pem"
key = "serveur.key"
[database]
dsn = %q
password_file = "base"
[repository.s3]
endpoint = %q
bucket = %q
region = "us-east-1"
access_key_file = "s3-acces"
secret_key_file = "s3-secret"
tls = false
spool = %q
[keys]
directory = "cles"
master_file = "maitresse"
signature_file = "signature"
[[vihf]]
issuer = %q
certificates = ["vihf.pem"]
[[tokens]]
issuer = %q
jwks = "jetons.json"
[[tokens]]
issuer = %q
userinfo = %q
ca_file = "psc.pem"
without_patient = true
[[applications]]
client = "suivi"
name = "Suivi"
publisher = "Éditeur"
scopes = ["patient/DocumentReference.rs"]
longest_days = 30
[secrets]
cursor_file = "curseur"
[metrics]
listen = "127.0.0.1:0"
[limits]
soap = 2
[shutdown]
lame_duck = "300ms"
`, siteBase, s.server.DSN(""), o.Endpoint, o.Bucket, o.Spool, s.vihf.Name, siteIssuer, siteProvider, s.provider(t)))
}

// admit writes two records and the people of the cast straight into the database:
// the life cycle has no call yet.
func (s *site) admit(t *testing.T) {
	t.Helper()
	pool, err := postgres.Open(t.Context(), s.server.DSN(""))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	alice := s.people.Patients[0]
	s.patient = kitPatient{Name: "alice", Record: kitBare(kitUUID()), Family: alice.Family, Given: alice.Given, Sex: alice.Sex, BirthDate: alice.BirthDate,
		INS: xds.CX(strings.Replace(string(alice.INS), cast.TestINS, "1.2.250.1.213.1.4.8", 1))}
	s.tester = s.patient
	s.tester.Record, s.tester.INS = kitBare(kitUUID()), alice.INS
	r := registry.Open(pool, registry.Registry{Now: time.Now, NewID: func() string { return kitBare(kitUUID()) }})
	system := authz.AsSystem("test")
	err = r.Write(t.Context(), func(session *registry.Session) error {
		var all error
		for _, p := range s.people.Professionals {
			all = errors.Join(all, record.Enlist(t.Context(), session.Handle(), system, record.Professional{
				ID: p.ID, Name: p.Name, Kind: p.Kind, Family: p.Family, Given: p.Given, Profession: p.Profession, Specialty: p.Specialty,
				Structure: p.Structure.ID, StructureName: p.Structure.Name}))
		}
		administrator, _ := s.people.Professional("dr-traitant")
		for _, p := range []kitPatient{s.patient, s.tester} {
			all = errors.Join(all, record.Create(t.Context(), session.Handle(), system, record.Holder{
				Record: p.Record, Patient: p.INS, Sex: p.Sex, Settings: authz.DefaultSettings, Profile: authz.ProfileActive,
				Traits: authz.Traits{Family: p.Family, Given: p.Given, BirthDate: strings.ReplaceAll(p.BirthDate, "-", "")}}),
				record.SeedAdministrator(t.Context(), session.Handle(), system, p.Record, administrator.ID))
		}
		return all
	})
	if err != nil {
		t.Fatal(err)
	}
}

// as is a member of the cast by the site's own issuers; patient "" names none.
func (s *site) as(t *testing.T, name string, patient xds.CX) *kitBearer {
	t.Helper()
	who, _ := s.people.Professional(name)
	nature := authz.NaturePro
	if who.Kind == cast.KindStruct {
		nature = authz.NatureStructure
	}
	c := saml.Claims{Nature: nature, ID: who.ID, Name: strings.TrimSpace(who.Family + " " + who.Given), Profession: who.Profession, Specialty: who.Specialty,
		Structure: who.Structure.ID, StructureName: who.Structure.Name, Patient: patient}
	assertion, err := s.vihf.Issue(c)
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.tokens.Issue(iua.Claims{Nature: c.Nature, ID: c.ID, Name: c.Name, Profession: c.Profession, Specialty: c.Specialty,
		Structure: c.Structure, StructureName: c.StructureName, Patient: c.Patient})
	if err != nil {
		t.Fatal(err)
	}
	return &kitBearer{assertion: assertion, token: token}
}

// run carries out a command of the program on the site's configuration.
func (s *site) run(t *testing.T, verb string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), s.binary, append(append(strings.Fields(verb), "-c", s.dir), args...)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// gateway is a running `passerelle serve`, or a sandbox.
type gateway struct {
	cmd     *exec.Cmd
	ended   chan error
	log     *lockedBuffer
	metrics string // address
	listen  string
	soap    string // address of the SOAP faces in mutual TLS, "" without one
}

// lockedBuffer is what a process writes, read while it writes.
type lockedBuffer struct {
	mutex sync.Mutex
	b     bytes.Buffer
}

// Write implements io.Writer.
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.b.String()
}

// serve starts the gateway and points the kit at it.
func (s *site) serve(t *testing.T) *gateway {
	t.Helper()
	g := startGateway(t, s.binary, "serve", "-c", s.dir, "-o", "json")
	s.url = "https://" + g.listen
	return g
}

// startGateway starts a command that prints one JSON object when it is ready.
func startGateway(t *testing.T, binary string, args ...string) *gateway {
	t.Helper()
	g := &gateway{cmd: exec.Command(binary, args...), ended: make(chan error, 1), log: &lockedBuffer{}}
	g.cmd.Stderr = g.log
	out, err := g.cmd.StdoutPipe()
	if err == nil {
		err = g.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var at struct {
		Listen, SOAP  []string
		Metrics, Base string
	}
	err = json.NewDecoder(out).Decode(&at)
	go func() { g.ended <- g.cmd.Wait() }()
	t.Cleanup(func() { _ = g.cmd.Process.Kill() })
	if err != nil {
		t.Fatalf("%s did not start: %v\n%s", args[0], err, g.log)
	}
	g.metrics, g.listen = at.Metrics, strings.TrimPrefix(at.Base, "http://")
	if len(at.Listen) > 0 {
		g.listen = at.Listen[0]
	}
	if len(at.SOAP) > 0 {
		g.soap = at.SOAP[0]
	}
	return g
}

// stop sends a signal and waits for the end.
func (g *gateway) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := g.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// wait gives the exit code.
func (g *gateway) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-g.ended:
		return g.cmd.ProcessState.ExitCode()
	case <-time.After(40 * time.Second):
		t.Fatalf("the gateway does not stop\n%s", g.log)
		return -1
	}
}

// probe asks a page of the metrics address.
func (g *gateway) probe(t *testing.T, path string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+g.metrics+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, b.String()
}

// eventually asks until the answer is yes, for a minute at most.
func eventually(t *testing.T, what string, yes func() bool) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	limit := time.After(time.Minute)
	for !yes() {
		select {
		case <-limit:
			t.Fatalf("never: %s", what)
		case <-again.C:
		}
	}
}
