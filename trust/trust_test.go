package trust

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
)

const canaryHolder = "899900000011"

// noIdentity checks that a text names no client.
func noIdentity(t testing.TB, text string) {
	t.Helper()
	for _, canary := range []string{"CANARI", canaryHolder, "1750000001"} {
		if strings.Contains(text, canary) {
			t.Errorf("it names %q: %s", canary, text)
		}
	}
}

func card(c *x509.Certificate) {
	c.Subject = pkix.Name{Country: []string{"FR"}, OrganizationalUnit: []string{"Médecin"}, CommonName: canaryHolder}
}

// TestPeer is who comes in and who does not, certificate by certificate.
func TestPeer(t *testing.T) {
	w := newWorld(t)
	alone := w.middle.client(nil)
	alone.Certificate = alone.Certificate[:1]
	cardAlone := w.cardMiddle.client(card)
	cardAlone.Certificate = cardAlone.Certificate[:1]
	deep := w.middle
	for range 3 {
		deep = newAuthority("AC PROFONDE", deep)
	}
	expiredMiddle := &testAuthority{key: newKey(), up: w.root}
	expiredMiddle.cert = sign(x509.Certificate{Subject: pkix.Name{CommonName: "AC PERIMEE"}, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		NotBefore: testNow.AddDate(-2, 0, 0), NotAfter: testNow.AddDate(0, 0, -1)}, expiredMiddle.key, w.root)
	usage := func(u ...x509.ExtKeyUsage) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.ExtKeyUsage = u }
	}
	for _, c := range []struct {
		name, id string
		client   tls.Certificate
	}{
		{"structure, whole chain", "", w.middle.client(nil)},
		{"structure, without the intermediate that we have", "", alone},
		{"card", "", w.cardMiddle.client(card)},
		{"card without an intermediate that we do not have", "TLS-002", cardAlone},
		{"directly under the root", "", w.root.client(nil)},
		{"nothing", "TLS-001", tls.Certificate{}},
		{"of another root", "TLS-002", w.stranger.client(nil)},
		{"expired", "TLS-006", w.middle.client(func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = testNow.AddDate(-2, 0, 0), testNow.Add(-time.Second)
		})},
		{"not yet", "TLS-006", w.middle.client(func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = testNow.Add(time.Minute), testNow.AddDate(1, 0, 0)
		})},
		{"under an authority that has ended", "TLS-006", expiredMiddle.client(nil)},
		{"usage of a server", "TLS-005", w.middle.client(usage(x509.ExtKeyUsageServerAuth))},
		{"usage of a seal", "TLS-005", w.middle.client(usage(x509.ExtKeyUsageEmailProtection))},
		{"no extended usage", "TLS-005", w.middle.client(usage())},
		{"any usage", "TLS-005", w.middle.client(usage(x509.ExtKeyUsageAny))},
		{"client and server", "", w.middle.client(usage(x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth))},
		{"key usage of a seal", "TLS-005", w.middle.client(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageContentCommitment })},
		{"CA:TRUE", "TLS-005", w.middle.client(func(c *x509.Certificate) { c.IsCA = true })},
		{"curve P-224", "TLS-005", weakClient(w)},
		{"unknown critical extension", "TLS-002", w.middle.client(func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
		})},
		{"six certificates", "TLS-007", deep.client(nil)},
		{"100 names", "", w.middle.client(named(100))},
		{"101 names", "TLS-007", w.middle.client(named(101))},
		{"66 kB", "TLS-007", w.middle.client(func(c *x509.Certificate) { c.Subject.Locality = []string{strings.Repeat("x", 66<<10)} })},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 2 { // and remembered
				peer, err := w.judge.Peer(parse(c.client))
				if got := verdict(t, err); got != c.id {
					t.Fatalf("%v, wanted %q", err, c.id)
				}
				if c.id == "" && (peer.Holder != "") != (peer.Range == "fort") {
					t.Errorf("holder %q in range %s", peer.Holder, peer.Range)
				}
			}
		})
	}
}

func named(n int) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		for i := range n {
			c.DNSNames = append(c.DNSNames, fmt.Sprintf("h%d.example.org", i))
		}
	}
}

func weakClient(w *world) tls.Certificate {
	key := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	leaf := sign(x509.Certificate{KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, key, w.middle)
	return tls.Certificate{Certificate: [][]byte{leaf.Raw, w.middle.cert.Raw}}
}

// A card's CN under the roots of structures makes no card: the range says what is one.
func TestCardsAreOfTheirRange(t *testing.T) {
	w := newWorld(t)
	peer, err := w.judge.Peer(parse(w.middle.client(card)))
	if err != nil || peer.Holder != "" {
		t.Errorf("%+v, %v", peer, err)
	}
}

// A range of cards that names its authorities has no others: an organisation of the
// same root whose certificate bears somebody's number is not he.
func TestCardsAreOfTheirAuthority(t *testing.T) {
	w := newWorld(t)
	organisations := newAuthority("AC ORGANISATIONS DE LA MEME RACINE", w.cardRoot)
	for _, c := range []struct {
		name   string
		listed []*x509.Certificate
		by     *testAuthority
		want   string
	}{
		{"its authority", []*x509.Certificate{w.cardMiddle.cert}, w.cardMiddle, canaryHolder},
		{"another of the root", []*x509.Certificate{w.cardMiddle.cert}, organisations, ""},
		{"the root itself", []*x509.Certificate{w.cardMiddle.cert}, w.cardRoot, ""},
		{"none is listed", nil, organisations, canaryHolder},
	} {
		lists := &Lists{}
		r := Range{Name: "fort", Roots: []*x509.Certificate{w.cardRoot.cert}, Intermediates: c.listed, Cards: true, Unrevocable: true}
		if err := w.judge.Replace([]Range{r}, lists); err != nil {
			t.Fatal(err)
		}
		peer, err := w.judge.Peer(parse(c.by.client(card)))
		if err != nil || peer.Holder != c.want {
			t.Errorf("%s: %+v, %v, want %q", c.name, peer, err, c.want)
		}
	}
}

func TestHolder(t *testing.T) {
	attribute := func(id asn1.ObjectIdentifier, value string) pkix.AttributeTypeAndValue {
		return pkix.AttributeTypeAndValue{Type: id, Value: value}
	}
	for _, c := range []struct {
		want string
		has  []pkix.AttributeTypeAndValue
	}{
		{canaryHolder, []pkix.AttributeTypeAndValue{attribute(oidCommonName, canaryHolder)}},
		{canaryHolder, []pkix.AttributeTypeAndValue{attribute(oidCommonName, "DUPONT JEAN"), attribute(oidSerial, canaryHolder)}},
		{canaryHolder, []pkix.AttributeTypeAndValue{attribute(oidUserID, canaryHolder), attribute(oidCommonName, canaryHolder)}},
		{"3750000001/0042", []pkix.AttributeTypeAndValue{attribute(oidCommonName, "3750000001/0042")}},
		{"", []pkix.AttributeTypeAndValue{attribute(oidCommonName, canaryHolder), attribute(oidSerial, "899900000666")}},
		{"", []pkix.AttributeTypeAndValue{attribute(oidCommonName, "DPI HOPITAL")}},
		{"", []pkix.AttributeTypeAndValue{attribute(asn1.ObjectIdentifier{2, 5, 4, 11}, canaryHolder)}},
		{"", []pkix.AttributeTypeAndValue{attribute(oidCommonName, " "+canaryHolder)}},
		{"", nil},
	} {
		if got := Holder(&x509.Certificate{Subject: pkix.Name{Names: c.has}}); got != c.want {
			t.Errorf("%v: %q", c.has, got)
		}
	}
}

// TestRevocation is every link of the chain against the lists that there are.
func TestRevocation(t *testing.T) {
	w := newWorld(t)
	client := w.middle.client(nil)
	leaf, chain := client.Leaf, parse(client)
	at := func(d time.Duration) func(*x509.RevocationList) {
		return func(l *x509.RevocationList) { l.NextUpdate = testNow.Add(d) }
	}
	root := w.root.listOf(nil)
	point := func(flags ...byte) func(*x509.RevocationList) {
		return func(l *x509.RevocationList) {
			l.ExtraExtensions = []pkix.Extension{{Id: oidScope, Critical: true, Value: append([]byte{0x30, byte(len(flags))}, flags...)}}
		}
	}
	newer := func(l *x509.RevocationList) { l.Number = big.NewInt(2) }
	delta := func(number, base int64) func(*x509.RevocationList) {
		return func(l *x509.RevocationList) {
			l.Number = big.NewInt(number)
			l.ExtraExtensions = []pkix.Extension{{Id: oidDelta, Critical: true, Value: must(asn1.Marshal(base))}}
		}
	}
	forged := (&testAuthority{cert: w.middle.cert, key: w.stranger.key})
	forgedCert := *w.middle.cert
	forgedCert.PublicKey = w.stranger.key.Public()
	forged.cert = &forgedCert
	for _, c := range []struct {
		name, id string
		lists    []*List
	}{
		{"nobody revoked", "", []*List{root, w.middle.listOf(nil)}},
		{"leaf revoked", "TLS-003", []*List{root, w.middle.listOf(nil, leaf)}},
		{"intermediate revoked", "TLS-003", []*List{w.root.listOf(nil, w.middle.cert), w.middle.listOf(nil)}},
		{"no list of the leaf's authority", "TLS-004", []*List{root}},
		{"no list of the root", "TLS-004", []*List{w.middle.listOf(nil)}},
		{"no list at all", "TLS-004", nil},
		{"within the grace", "", []*List{root, w.middle.listOf(at(-6 * time.Hour))}},
		{"beyond the grace", "TLS-004", []*List{root, w.middle.listOf(at(-6*time.Hour - time.Second))}},
		{"the root's beyond the grace", "TLS-004", []*List{w.root.listOf(at(-7 * time.Hour)), w.middle.listOf(nil)}},
		{"revoked by a list that is past its end", "TLS-003", []*List{root, w.middle.listOf(at(-7*time.Hour), leaf)}},
		{"of the future", "TLS-004", []*List{root, w.middle.listOf(func(l *x509.RevocationList) { l.ThisUpdate = testNow.Add(time.Hour) })}},
		{"signed by somebody else", "TLS-004", []*List{root, forged.listOf(nil)}},
		{"signed by somebody else, beside the good one", "", []*List{root, forged.listOf(newer, leaf), w.middle.listOf(nil)}},
		{"the newer of two revokes", "TLS-003", []*List{root, w.middle.listOf(newer, leaf), w.middle.listOf(nil)}},
		{"the older of two revoked", "", []*List{root, w.middle.listOf(nil, leaf), w.middle.listOf(newer)}},
		{"delta revokes", "TLS-003", []*List{root, w.middle.listOf(nil), w.middle.listOf(delta(2, 1), leaf)}},
		{"delta of a base that we do not have", "", []*List{root, w.middle.listOf(nil), w.middle.listOf(delta(3, 2), leaf)}},
		{"delta alone", "TLS-004", []*List{root, w.middle.listOf(delta(2, 1))}},
		{"for users, of the leaf", "", []*List{root, w.middle.listOf(point(0x81, 1, 0xff))}},
		{"for authorities, of the leaf", "TLS-004", []*List{root, w.middle.listOf(point(0x82, 1, 0xff))}},
		{"for users, of the intermediate", "TLS-004", []*List{w.root.listOf(point(0x81, 1, 0xff)), w.middle.listOf(nil)}},
		{"of another distribution point", "TLS-004", []*List{root, w.middle.listOf(point(0xa0, 7, 0xa0, 5, 0x86, 3, 'u', ':', 'x'))}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.replace(t, c.lists...)
			_, err := w.judge.Peer(chain)
			if got := verdict(t, err); got != c.id {
				t.Errorf("%v, wanted %q", err, c.id)
			}
		})
	}
	t.Run("no list asked for", func(t *testing.T) {
		ranges := w.ranges()
		ranges[0].Unrevocable = true
		if err := w.judge.Replace(ranges, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := w.judge.Peer(chain); err != nil {
			t.Error(err)
		}
	})
}

// What would be misread is not read.
func TestParseList(t *testing.T) {
	a := newAuthority("AC", nil)
	extension := func(id asn1.ObjectIdentifier, value ...byte) func(*x509.RevocationList) {
		return func(l *x509.RevocationList) {
			l.ExtraExtensions = []pkix.Extension{{Id: id, Critical: true, Value: value}}
		}
	}
	for name, change := range map[string]func(*x509.RevocationList){
		"unknown critical extension": extension(asn1.ObjectIdentifier{1, 2, 3}, 5, 0),
		"indirect":                   extension(oidScope, 0x30, 3, 0x84, 1, 0xff),
		"some reasons":               extension(oidScope, 0x30, 4, 0x83, 2, 1, 6),
		"attributes":                 extension(oidScope, 0x30, 3, 0x85, 1, 0xff),
		"unreadable scope":           extension(oidScope, 0x04, 0),
		"unreadable base":            extension(oidDelta, 0x30, 0),
		"certificate issuer": func(l *x509.RevocationList) {
			l.RevokedCertificateEntries = []x509.RevocationListEntry{{SerialNumber: big.NewInt(1), RevocationTime: testNow,
				ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 29}, Critical: true, Value: []byte{0x30, 0}}}}}
		},
	} {
		if _, err := ParseList(a.listDER(change)); err == nil {
			t.Errorf("%s: read", name)
		}
	}
	for name, raw := range map[string][]byte{"nothing": nil, "text": []byte("-----BEGIN X509 CRL-----\n-----END X509 CRL-----"), "truncated": a.listDER(nil)[:40]} {
		if _, err := ParseList(raw); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}

// A client that was admitted is judged again: what changes takes effect on the next
// request of an open connection.
func TestJudgedAgain(t *testing.T) {
	w := newWorld(t)
	client := w.middle.client(nil)
	chain := parse(client)
	step := func(name, want string) {
		t.Helper()
		_, err := w.judge.Peer(chain)
		if got := verdict(t, err); got != want {
			t.Errorf("%s: %v, wanted %q", name, err, want)
		}
	}
	step("at first", "")
	w.now = testNow.Add(31 * time.Hour)
	step("its list is past the grace", "TLS-004")
	w.now = testNow.AddDate(3, 0, 0)
	step("it has ended", "TLS-006")
	w.now = testNow
	w.replace(t, w.lists(client.Leaf)...)
	step("revoked", "TLS-003")
	if err := w.judge.Replace([]Range{{Name: "x", Roots: []*x509.Certificate{w.stranger.cert}}}, nil); err != nil {
		t.Fatal(err)
	}
	step("its root is no longer trusted", "TLS-002")
	if err := w.judge.Replace(nil, nil); err != nil {
		t.Fatal(err)
	}
	step("nobody is trusted", "TLS-002")
	if err := w.judge.Replace([]Range{{Name: "x"}}, nil); err == nil {
		t.Error("a range without a root")
	}
}

// Revoked judges a signer's chain by the same lists.
func TestRevokedSigner(t *testing.T) {
	w := newWorld(t)
	client := w.middle.client(nil)
	chain := append(parse(client), w.root.cert)
	if err := w.judge.Revoked(chain); err != nil {
		t.Error(err)
	}
	w.replace(t, w.lists(client.Leaf)...)
	if got := verdict(t, w.judge.Revoked(chain)); got != "TLS-003" {
		t.Error(got)
	}
}
