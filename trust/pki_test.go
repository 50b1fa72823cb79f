package trust

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// testNow is the instant of the tests: certificates are made around it.
var testNow = time.Date(2026, 11, 22, 8, 30, 0, 0, time.UTC)

// authority is a test authority, root or intermediate.
type testAuthority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	up   *testAuthority
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newKey() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

var serial = big.NewInt(1000)

// sign makes a certificate; up nil signs it by itself.
func sign(template x509.Certificate, key crypto.Signer, up *testAuthority) *x509.Certificate {
	serial = new(big.Int).Add(serial, big.NewInt(1))
	template.SerialNumber, template.BasicConstraintsValid = serial, true
	if template.NotBefore.IsZero() {
		template.NotBefore, template.NotAfter = testNow.AddDate(-1, 0, 0), testNow.AddDate(2, 0, 0)
	}
	parent, signer := &template, key
	if up != nil {
		parent, signer = up.cert, up.key
	}
	return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, &template, parent, key.Public(), signer))))
}

func newAuthority(name string, up *testAuthority) *testAuthority {
	a := &testAuthority{key: newKey(), up: up}
	a.cert = sign(x509.Certificate{Subject: pkix.Name{Country: []string{"FR"}, CommonName: name}, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}, a.key, up)
	return a
}

// client makes the certificate of a client, but for what change says, with the chain
// below the root.
func (a *testAuthority) client(change func(*x509.Certificate)) tls.Certificate {
	key := newKey()
	template := x509.Certificate{
		Subject:  pkix.Name{Country: []string{"FR"}, Organization: []string{"HOPITAL CANARI"}, OrganizationalUnit: []string{"1750000001"}, CommonName: "DPI CANARI"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(&template)
	}
	leaf := sign(template, key, a)
	c := tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
	for up := a; up.up != nil; up = up.up {
		c.Certificate = append(c.Certificate, up.cert.Raw)
	}
	return c
}

// listOf is a revocation list, but for what change says.
func (a *testAuthority) listOf(change func(*x509.RevocationList), revoked ...*x509.Certificate) *List {
	return must(ParseList(a.listDER(change, revoked...)))
}

func (a *testAuthority) listDER(change func(*x509.RevocationList), revoked ...*x509.Certificate) []byte {
	l := x509.RevocationList{Number: big.NewInt(1), ThisUpdate: testNow.Add(-48 * time.Hour), NextUpdate: testNow.Add(24 * time.Hour)}
	for _, c := range revoked {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: testNow.Add(-2 * time.Hour)})
	}
	if change != nil {
		change(&l)
	}
	return must(x509.CreateRevocationList(rand.Reader, &l, a.cert, a.key))
}

// parse is the chain of a client as crypto/tls gives it.
func parse(c tls.Certificate) (all []*x509.Certificate) {
	for _, der := range c.Certificate {
		all = append(all, must(x509.ParseCertificate(der)))
	}
	return all
}

// world is two ranges as in the field: software certificates of structures and cards
// of persons, each a root and an intermediate, with their revocation lists.
type world struct {
	root, middle         *testAuthority // structures
	cardRoot, cardMiddle *testAuthority
	stranger             *testAuthority
	server               tls.Certificate
	judge                *Judge
	now                  time.Time
}

var authorities = sync.OnceValue(func() world {
	w := world{root: newAuthority("AC RACINE ESSAI ELEMENTAIRE", nil), cardRoot: newAuthority("AC RACINE ESSAI FORT", nil), stranger: newAuthority("AUTRE RACINE", nil)}
	w.middle, w.cardMiddle = newAuthority("AC ESSAI ORGANISATIONS", w.root), newAuthority("AC ESSAI PERSONNES", w.cardRoot)
	key := newKey()
	cert := sign(x509.Certificate{Subject: pkix.Name{CommonName: "passerelle"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature}, key, w.root)
	w.server = tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
	return w
})

// newWorld has every list, and nobody revoked.
func newWorld(t testing.TB, revoked ...*x509.Certificate) *world {
	t.Helper()
	w := authorities()
	w.now = testNow
	w.judge = &Judge{Now: func() time.Time { return w.now }, Grace: 6 * time.Hour}
	w.replace(t, w.lists(revoked...)...)
	return &w
}

// lists are those of every authority, each with the certificates of its own.
func (w *world) lists(revoked ...*x509.Certificate) (all []*List) {
	for _, a := range []*testAuthority{w.root, w.middle, w.cardRoot, w.cardMiddle} {
		own := slices.DeleteFunc(slices.Clone(revoked), func(c *x509.Certificate) bool { return c.CheckSignatureFrom(a.cert) != nil })
		all = append(all, a.listOf(nil, own...))
	}
	return all
}

func (w *world) ranges() []Range {
	return []Range{
		{Name: "elementaire", Roots: []*x509.Certificate{w.root.cert}, Intermediates: []*x509.Certificate{w.middle.cert}},
		{Name: "fort", Roots: []*x509.Certificate{w.cardRoot.cert}, Cards: true},
	}
}

func (w *world) replace(t testing.TB, lists ...*List) {
	t.Helper()
	if err := w.judge.Replace(w.ranges(), NewLists(lists...)); err != nil {
		t.Fatal(err)
	}
}

// verdict is the code of a refusal, "" of an admission; a refusal names nobody.
func verdict(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *xds.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no finding", err)
	}
	noIdentity(t, e.Error())
	return e.ID
}
