package saml

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

const (
	testAudience = "https://passerelle.example/xds"
	testPatient  = xds.CX("279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH")
	canaryID     = "899900000011"
)

var testNow = time.Date(2026, 11, 22, 8, 30, 0, 0, time.UTC)

// pki is a root and the certificates that the tests sign with.
type pki struct {
	root, otherRoot *authority
	rsa, ec         *rsaOrEC
}

type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

type rsaOrEC struct {
	key  crypto.Signer
	cert *x509.Certificate
}

// fixedKey is the same key in every process: the workers of a fuzz run must
// believe what their coordinator signed.
func fixedKey(seed byte) *ecdsa.PrivateKey {
	return must(ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{seed}, 32)))
}

func newAuthority(name string, key crypto.Signer) *authority {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: testNow.AddDate(-1, 0, 0), NotAfter: testNow.AddDate(10, 0, 0), KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return &authority{must(x509.ParseCertificate(der)), key}
}

// issue makes a certificate that may sign, but for what change says.
func (a *authority) issue(key crypto.Signer, change func(*x509.Certificate)) *rsaOrEC {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{Country: []string{"FR"}, Organization: []string{"STRUCTURE TEST"}, CommonName: "CERT TEST"},
		NotBefore: testNow.AddDate(-1, 0, 0), NotAfter: testNow.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true,
	}
	if change != nil {
		change(template)
	}
	der := must(x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key))
	return &rsaOrEC{key, must(x509.ParseCertificate(der))}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var testPKI = sync.OnceValue(func() pki {
	root := newAuthority("Racine d'essai", fixedKey(1))
	return pki{
		root: root, otherRoot: newAuthority("Autre racine", fixedKey(2)),
		rsa: root.issue(must(rsa.GenerateKey(rand.Reader, 2048)), nil),
		ec:  root.issue(fixedKey(3), nil),
	}
})

const testIssuer = "CN=CERT TEST,O=STRUCTURE TEST,C=FR"

func (p pki) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(p.root.cert)
	return pool
}

func testSigner(id *rsaOrEC) Signer {
	n := 0
	return Signer{
		Key: id.key, Certificates: []*x509.Certificate{id.cert}, Name: testIssuer, Audience: testAudience,
		Now:   func() time.Time { return testNow },
		NewID: func() string { n++; return fmt.Sprintf("_test-%d", n) },
	}
}

// testVerifier trusts the root of the tests for its issuer.
func testVerifier(t testing.TB, change func(*Config)) *Verifier {
	t.Helper()
	c := Config{
		Issuers:  map[string]Issuer{testIssuer: {Roots: testPKI().pool(), SubjectDN: testIssuer}},
		Audience: testAudience, Now: func() time.Time { return testNow },
	}
	if change != nil {
		change(&c)
	}
	v, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func doctor() Claims {
	return Claims{
		Nature: authz.NaturePro, ID: canaryID, Name: "TEST Alice", Profession: "10", Specialty: "SM26",
		Structure: "1999999990", Patient: testPatient,
	}
}

func issue(t testing.TB, s Signer, c Claims) string {
	t.Helper()
	b, err := s.Issue(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// envelope wraps the children of a security header.
func envelope(security string) string { return envelopeWith(security, "<q:Query xmlns:q=\"urn:q\"/>") }

func envelopeWith(security, body string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="` + nsSOAP + `" xmlns:wsse="` + nsWSSE + `" xmlns:wsu="` + nsWSU +
		`"><soap:Header><wsse:Security soap:mustUnderstand="true">` + security + `</wsse:Security></soap:Header><soap:Body>` + body + `</soap:Body></soap:Envelope>`
}

// refused checks that an error is the expected finding and says nothing of anybody.
func refused(t *testing.T, err error, id string) {
	t.Helper()
	var e *xds.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %s", err, id)
	}
	if e.ID != id || e.Problem().ID != id {
		t.Errorf("got %v, want %s", e, id)
	}
	for _, canary := range []string{canaryID, "TEST Alice", "279035121518989", "1999999990", "STRUCTURE TEST"} {
		if strings.Contains(e.Error(), canary) {
			t.Errorf("the error holds %q: %v", canary, e)
		}
	}
}

// shape is a signature laid out by hand, for the forms that Signer does not make.
type shape struct {
	id             *rsaOrEC
	uri            string // default: the assertion's ID
	c14n           string
	c14nPrefixes   string
	method         string
	hash           crypto.Hash
	digest         string
	digestHash     crypto.Hash
	transforms     string // default: enveloped and exclusive c14n
	digestPrefixes string
	moreReferences string
	keyInfo        string // default: the certificate
	asn1           bool
}

func inclusive(prefixes string) string {
	if prefixes == "" {
		return ""
	}
	return `<ec:InclusiveNamespaces xmlns:ec="` + nsEC + `" PrefixList="` + prefixes + `"/>`
}

func (s shape) withDefaults(id string) shape {
	set := func(to *string, value string) {
		if *to == "" {
			*to = value
		}
	}
	set(&s.uri, "#"+id)
	set(&s.c14n, algExcC14N)
	set(&s.digest, algSHA256)
	if s.id == nil {
		s.id = testPKI().rsa
	}
	if s.hash == 0 {
		s.hash = crypto.SHA256
	}
	if s.digestHash == 0 {
		s.digestHash = crypto.SHA256
	}
	if _, ec := s.id.key.(*ecdsa.PrivateKey); ec {
		set(&s.method, algECDSA256)
	}
	set(&s.method, algRSA256)
	set(&s.transforms, `<ds:Transform Algorithm="`+algEnveloped+`"/><ds:Transform Algorithm="`+algExcC14N+`">`+inclusive(s.digestPrefixes)+`</ds:Transform>`)
	set(&s.keyInfo, `<ds:KeyInfo><ds:X509Data><ds:X509Certificate>`+base64.StdEncoding.EncodeToString(s.id.cert.Raw)+`</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`)
	return s
}

// sign signs an assertion that has no signature.
func (s shape) sign(t testing.TB, bare string) string {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromString(bare); err != nil {
		t.Fatal(err)
	}
	root := doc.Root()
	s = s.withDefaults(root.SelectAttrValue("ID", ""))
	content := must2(exclusive(root.Copy(), s.digestPrefixes))
	sum := s.digestHash.New()
	sum.Write(content)
	sig := `<ds:Signature xmlns:ds="` + nsDS + `"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="` + s.c14n + `">` + inclusive(s.c14nPrefixes) +
		`</ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="` + s.method + `"/><ds:Reference URI="` + s.uri + `"><ds:Transforms>` + s.transforms +
		`</ds:Transforms><ds:DigestMethod Algorithm="` + s.digest + `"/><ds:DigestValue>` + base64.StdEncoding.EncodeToString(sum.Sum(nil)) +
		`</ds:DigestValue></ds:Reference>` + s.moreReferences + `</ds:SignedInfo><ds:SignatureValue>@</ds:SignatureValue>` + s.keyInfo + `</ds:Signature>`
	end := strings.Index(bare, "</saml2:Issuer>") + len("</saml2:Issuer>")
	signed := bare[:end] + sig + bare[end:]
	tree, err := parseTree([]byte(signed))
	if err != nil {
		t.Fatal(err)
	}
	info := must2(tree.signedInfo(s.c14nPrefixes))
	h := s.hash.New()
	h.Write(info)
	value := must(s.id.key.Sign(rand.Reader, h.Sum(nil), s.hash))
	if _, ec := s.id.key.(*ecdsa.PrivateKey); ec && !s.asn1 {
		e := etree.NewElement("Signature")
		e.CreateElement("SignatureValue").SetText(base64.StdEncoding.EncodeToString(value))
		if err := sideBySide(e, s.id.key.Public().(*ecdsa.PublicKey)); err != nil {
			t.Fatal(err)
		}
		return strings.Replace(signed, "@</ds:SignatureValue>", e.ChildElements()[0].Text()+"</ds:SignatureValue>", 1)
	}
	return strings.Replace(signed, "@</ds:SignatureValue>", base64.StdEncoding.EncodeToString(value)+"</ds:SignatureValue>", 1)
}

func must2(b []byte, err *xds.Error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// bare is an unsigned assertion.
func bare(t testing.TB, c Claims) string {
	t.Helper()
	c.Omit = append(c.Omit, "signature")
	return issue(t, testSigner(testPKI().rsa), c)
}
