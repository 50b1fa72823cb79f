package conformance_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

// issuing is a certificate authority of a partner.
type issuing struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	up   *issuing
	n    int64
}

func mutualKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// certify signs a certificate; up nil signs it by itself.
func (a *issuing) certify(t *testing.T, template x509.Certificate, public any) *x509.Certificate {
	t.Helper()
	a.n++
	template.SerialNumber, template.BasicConstraintsValid = big.NewInt(a.n), true
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0)
	parent := a.cert
	if parent == nil {
		parent = &template
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, public, a.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// newIssuing makes a root, or an authority under another.
func newIssuing(t *testing.T, name string, up *issuing) *issuing {
	t.Helper()
	a := &issuing{key: mutualKey(t), up: up}
	by := a
	if up != nil {
		by = up
	}
	a.cert = by.certify(t, x509.Certificate{Subject: pkix.Name{Country: []string{"FR"}, CommonName: name}, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}, a.key.Public())
	return a
}

// client makes a client's certificate, with the chain below the root.
func (a *issuing) client(t *testing.T, name pkix.Name) tls.Certificate {
	t.Helper()
	key := mutualKey(t)
	leaf := a.certify(t, x509.Certificate{Subject: name, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, key.Public())
	return tls.Certificate{Certificate: [][]byte{leaf.Raw, a.cert.Raw}, PrivateKey: key, Leaf: leaf}
}

// list is the authority's revocation list.
func (a *issuing) list(t *testing.T, revoked ...*x509.Certificate) []byte {
	t.Helper()
	a.n++
	l := x509.RevocationList{Number: big.NewInt(a.n), ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Hour)}
	for _, c := range revoked {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, &l, a.cert, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func pemCertificate(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// partners are a site's clients: a hospital's software and a physician's card, each
// in a range of its own.
type partners struct {
	*site
	gateway                           *gateway
	root, middle, cardRoot, cards     *issuing
	hospital, card, colleague, forged tls.Certificate
	server                            *x509.CertPool
}

// over is the kit on the SOAP port with a client certificate; nil has none.
func (p *partners) over(t *testing.T, client *tls.Certificate) *kit {
	t.Helper()
	c := &tls.Config{RootCAs: p.server}
	if client != nil {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return client, nil }
	}
	transport := &http.Transport{TLSClientConfig: c}
	t.Cleanup(transport.CloseIdleConnections)
	return &kit{url: "https://" + p.gateway.soap, http: &http.Client{Transport: transport, Timeout: 20 * time.Second}, people: p.people}
}

// openPartners makes a site whose SOAP faces are in mutual TLS, and starts it.
func openPartners(t *testing.T, binary string) *partners {
	t.Helper()
	p := &partners{site: openSite(t, binary)}
	p.server = x509.NewCertPool()
	p.root, p.cardRoot = newIssuing(t, "AC RACINE ELEMENTAIRE", nil), newIssuing(t, "AC RACINE FORT", nil)
	p.middle, p.cards = newIssuing(t, "AC ORGANISATIONS", p.root), newIssuing(t, "AC PERSONNES", p.cardRoot)
	doctor, _ := p.people.Professional("dr-traitant")
	other, _ := p.people.Professional("dr-durand")
	p.hospital = p.middle.client(t, pkix.Name{Country: []string{"FR"}, Organization: []string{"CHU EXEMPLE"}, CommonName: "DPI CANARI"})
	p.card = p.cards.client(t, pkix.Name{Country: []string{"FR"}, CommonName: doctor.ID})
	p.colleague = p.cards.client(t, pkix.Name{Country: []string{"FR"}, CommonName: other.ID})
	p.forged = newIssuing(t, "AUTRE RACINE", nil).client(t, pkix.Name{CommonName: doctor.ID})
	p.write(t, "racine.pem", pemCertificate(p.root.cert))
	p.write(t, "racine-cartes.pem", pemCertificate(p.cardRoot.cert))
	p.write(t, "personnes.pem", pemCertificate(p.cards.cert))
	if err := os.Mkdir(p.dir+"/crl", 0o700); err != nil {
		t.Fatal(err)
	}
	for name, a := range map[string]*issuing{"racine": p.root, "organisations": p.middle, "racine-cartes": p.cardRoot, "personnes": p.cards} {
		p.write(t, "crl/"+name+".crl", a.list(t))
	}
	p.renew(t)
	name := p.dir + "/passerelle.toml"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "passerelle.toml", []byte(strings.Replace(string(text), "soap = 2", "soap = 64", 1)+`
[soap]
listen = ["127.0.0.1:0"]
[tls]
reload = "1s"
crl = ["crl"]
[[tls.client]]
name = "elementaire"
roots = ["racine.pem"]
[[tls.client]]
name = "fort"
roots = ["racine-cartes.pem"]
intermediates = ["personnes.pem"]
cards = true
`))
	if code, stdout, stderr := p.run(t, "migrate"); code != 0 {
		t.Fatalf("migrate: %d %s %s", code, stdout, stderr)
	}
	p.admit(t)
	p.gateway = p.serve(t)
	return p
}

// renew gives the gateway a new certificate under its own name.
func (p *partners) renew(t *testing.T) {
	t.Helper()
	key := mutualKey(t)
	own := &issuing{key: key, n: time.Now().UnixNano()}
	cert := own.certify(t, x509.Certificate{Subject: pkix.Name{CommonName: "passerelle.chu.example.org"}, DNSNames: []string{"passerelle.chu.example.org"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}, key.Public())
	p.server.AddCert(cert)
	p.write(t, "serveur.pem", pemCertificate(cert))
	p.write(t, "serveur.key", pemOf(t, key))
}

// as is the fault code that a stored query gets, "" for an answer.
func (p *partners) asks(t *testing.T, k *kit, b *kitBearer) string {
	t.Helper()
	body := ebrim.AppendQuery(nil, ebrim.QueryRequest{ID: ebrim.Lookup("FindDocuments").UUID, ReturnType: ebrim.ObjectRef, Params: []ebrim.QueryParam{
		{Name: "$XDSDocumentEntryPatientId", Values: []string{string(p.patient.INS)}}, {Name: "$XDSDocumentEntryStatus", Values: []string{string(xds.Approved)}},
	}})
	_, fault, whole := k.post(t, b, kitQuery, body)
	if fault == nil {
		return ""
	}
	for _, word := range strings.FieldsFunc(whole, func(r rune) bool { return strings.ContainsRune("<> \n\t", r) }) {
		if strings.HasPrefix(word, "SAML-") || strings.HasPrefix(word, "TLS-") {
			return word
		}
	}
	return whole
}

// vihf is an assertion of the site's own issuer, but for what change says.
func (p *partners) vihf(t *testing.T, change func(*saml.Claims)) *kitBearer {
	t.Helper()
	who, _ := p.people.Professional("dr-traitant")
	c := saml.Claims{ID: who.ID, Name: "TRAITANT", Profession: who.Profession, Specialty: who.Specialty, Structure: who.Structure.ID, Patient: p.patient.INS}
	if change != nil {
		change(&c)
	}
	assertion, err := p.site.vihf.Issue(c)
	if err != nil {
		t.Fatal(err)
	}
	return &kitBearer{assertion: assertion}
}

// TestMutualTLS runs an installation whose SOAP faces ask for client certificates
// (safety §2.4, §4.3 FM-25 and FM-26).
func TestMutualTLS(t *testing.T) {
	p := openPartners(t, buildBinary(t))
	p.bindings(t)
	p.doctored(t)
	p.rotates(t)
	p.keepsTheOld(t)
	p.revokes(t)
	for _, canary := range []string{"CANARI", p.card.Leaf.Subject.CommonName, p.colleague.Leaf.Subject.CommonName} {
		if strings.Contains(p.gateway.log.String(), canary) {
			t.Errorf("the log names %s", canary)
		}
	}
	p.gateway.signal(t, syscall.SIGTERM)
	if code := p.gateway.wait(t); code != 0 {
		t.Errorf("exit %d\n%s", code, p.gateway.log)
	}
}

// bindings: which assertion over which certificate.
func (p *partners) bindings(t *testing.T) {
	air := func(c *saml.Claims) { c.Reinforced = true }
	unsigned := func(c *saml.Claims) { c.Issuer, c.Omit = p.card.Leaf.Subject.String(), []string{"signature"} }
	for _, c := range []struct {
		name   string
		client *tls.Certificate
		change func(*saml.Claims)
		want   string
	}{
		{"signed DIRECTE over the card", &p.card, nil, ""},
		{"unsigned DIRECTE over the card", &p.card, unsigned, ""},
		{"AIR over the hospital's certificate", &p.hospital, air, ""},
		{"DIRECTE over the hospital's certificate", &p.hospital, nil, "SAML-008"},
		{"unsigned over the hospital's certificate", &p.hospital, unsigned, "SAML-002"},
		{"signed DIRECTE over a colleague's card", &p.colleague, nil, "SAML-005"},
		{"unsigned DIRECTE over a colleague's card", &p.colleague, unsigned, "SAML-002"},
	} {
		if got := p.asks(t, p.over(t, c.client), p.vihf(t, c.change)); got != c.want {
			t.Errorf("%s: %q, wanted %q", c.name, got, c.want)
		}
	}
	for name, client := range map[string]*tls.Certificate{"TLS-001": nil, "TLS-002": &p.forged} {
		if answer, err := p.over(t, client).http.Get("https://" + p.gateway.soap + "/xds/registry?wsdl"); err == nil {
			answer.Body.Close()
			t.Errorf("%s: admitted", name)
		}
		eventually(t, "the log says "+name, func() bool { return strings.Contains(p.gateway.log.String(), name) })
	}
	common := *p.site.kit
	common.http = p.over(t, nil).http
	if got := p.asks(t, &common, p.vihf(t, nil)); got != "TLS-001" {
		t.Errorf("the common port answers %q", got)
	}
	answer, err := p.over(t, &p.hospital).http.Get("https://" + p.gateway.soap + "/fhir/metadata")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusNotFound {
		t.Errorf("FHIR on the SOAP port: %d", answer.StatusCode)
	}
}

// doctored: doctor and metrics know the certificates and lists.
func (p *partners) doctored(t *testing.T) {
	code, stdout, _ := p.run(t, "doctor")
	for _, want := range []string{"OK    CRL AC RACINE FORT", "OK    gamme fort", "OK    certificat tls.client[0].roots"} {
		if code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("doctor: %d, no %q\n%s", code, want, stdout)
		}
	}
	_, metrics := p.gateway.probe(t, "/metrics")
	for _, want := range []string{`passerelle_certificate_expiry_seconds{kind="server"}`, `{kind="client_root"}`, `{kind="peer"}`,
		`passerelle_crl_age_seconds{authority="AC PERSONNES"}`, "passerelle_tls_refused_total 2"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
}

// rotates: the gateway's certificate changes under load, and no handshake fails.
func (p *partners) rotates(t *testing.T) {
	ask := func(k *kit) (serial string, err error) {
		answer, err := k.http.Get(k.url + "/xds/registry?wsdl")
		if err != nil {
			return "", err
		}
		defer answer.Body.Close()
		if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK {
			return "", fmt.Errorf("HTTP %d, %w", answer.StatusCode, err)
		}
		return answer.TLS.PeerCertificates[0].SerialNumber.String(), nil
	}
	var load sync.WaitGroup
	over := make(chan struct{})
	workers := []*kit{p.over(t, &p.hospital), p.over(t, &p.card)}
	pool := p.server.Clone()
	key := mutualKey(t)
	own := &issuing{key: key, n: time.Now().UnixNano()}
	next := own.certify(t, x509.Certificate{Subject: pkix.Name{CommonName: "passerelle.chu.example.org"}, DNSNames: []string{"passerelle.chu.example.org"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}, key.Public())
	pool.AddCert(next)
	for _, k := range workers {
		transport := k.http.Transport.(*http.Transport)
		transport.TLSClientConfig.RootCAs, transport.DisableKeepAlives = pool, true
		load.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				if _, err := ask(k); err != nil {
					t.Errorf("a handshake is lost: %v", err)
					return
				}
			}
		})
	}
	p.server.AddCert(next)
	p.write(t, "serveur.key", pemOf(t, key)) // the old certificate does not fit it: nothing changes yet
	p.gateway.signal(t, syscall.SIGHUP)
	eventually(t, "half a rotation is refused", func() bool { return strings.Contains(p.gateway.log.String(), "the old ones go on") })
	p.write(t, "serveur.pem", pemCertificate(next))
	p.gateway.signal(t, syscall.SIGHUP)
	probe := p.over(t, &p.hospital)
	probe.http.Transport.(*http.Transport).DisableKeepAlives = true
	eventually(t, "the new certificate is shown", func() bool {
		serial, err := ask(probe)
		if err != nil {
			t.Fatal(err)
		}
		return serial == next.SerialNumber.String()
	})
	close(over)
	load.Wait()
}

// keepsTheOld: a root that cannot be read changes nothing, and is told.
func (p *partners) keepsTheOld(t *testing.T) {
	p.write(t, "racine.pem", []byte("-----BEGIN CERTIFICATE-----\n"))
	_, before := p.gateway.probe(t, "/metrics")
	if !strings.Contains(before, `passerelle_trust_reloads_total{outcome="refused"} 1`) {
		t.Error("half a rotation was not counted")
	}
	eventually(t, "a bad root is refused", func() bool {
		_, metrics := p.gateway.probe(t, "/metrics")
		return strings.Contains(metrics, `passerelle_trust_reloads_total{outcome="refused"} 2`)
	})
	if got := p.asks(t, p.over(t, &p.hospital), p.vihf(t, func(c *saml.Claims) { c.Reinforced = true })); got != "" {
		t.Errorf("the old root does not go on: %s", got)
	}
	p.write(t, "racine.pem", pemCertificate(p.root.cert))
}

// revokes: a list that comes while a connection is open takes effect on its next
// request.
func (p *partners) revokes(t *testing.T) {
	k := p.over(t, &p.card)
	if got := p.asks(t, k, p.vihf(t, nil)); got != "" {
		t.Fatalf("before: %s", got)
	}
	p.write(t, "crl/personnes.crl", p.cards.list(t, p.card.Leaf))
	eventually(t, "the card is refused on its open connection", func() bool { return p.asks(t, k, p.vihf(t, nil)) == "TLS-003" })
	if got := p.asks(t, p.over(t, &p.colleague), p.vihf(t, func(c *saml.Claims) { c.ID = p.colleague.Leaf.Subject.CommonName })); got != "" {
		t.Errorf("a colleague's card: %s", got)
	}
}
