package saml

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// cardOf is the TLS client that holds the card of a person.
func cardOf(t *testing.T, holder string) *Client {
	t.Helper()
	id := testPKI().root.issue(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), func(c *x509.Certificate) {
		c.Subject = pkix.Name{Country: []string{"FR"}, OrganizationalUnit: []string{"Médecin"}, CommonName: holder}
	})
	return &Client{Certificate: id.cert, Holder: holder, Roots: testPKI().pool()}
}

// from is an unsigned assertion under a name.
func from(t *testing.T, c Claims, issuer string) string {
	t.Helper()
	c.Issuer = issuer
	return bare(t, c)
}

// TestClient is attacks 60, 62 and 71 of safety §2.3, and the DIRECTE mode: the key,
// the person and the kind of the TLS client.
func TestClient(t *testing.T) {
	p := testPKI()
	held := strings.Replace(bare(t, doctor()), `Method="`+cmBearer+`"/>`, `Method="`+cmHolderOfKey+`"><saml2:SubjectConfirmationData><ds:KeyInfo xmlns:ds="`+nsDS+
		`"><ds:X509Data><ds:X509Certificate>`+base64.StdEncoding.EncodeToString(p.ec.cert.Raw)+`</ds:X509Certificate></ds:X509Data></ds:KeyInfo></saml2:SubjectConfirmationData></saml2:SubjectConfirmation>`, 1)
	signed := func(s string) string { return shape{}.sign(t, s) }
	own, other := cardOf(t, canaryID), cardOf(t, "899900000666")
	name := own.Certificate.Subject.String()
	renewed := p.root.issue(p.ec.key, func(c *x509.Certificate) { c.SerialNumber.SetInt64(77) })
	structure := &Client{Certificate: p.ec.cert}
	air := doctor()
	air.Reinforced = true
	indirect := strings.Replace(bare(t, doctor()), ">"+authnDirect+"<", ">"+authnIndirect+"<", 1)
	automate := func(issuer string) string { // a card's holder who says that he is a hospital
		c := doctor()
		c.Nature, c.Profession, c.Specialty, c.Issuer = authz.NatureStructure, "", "", issuer
		return strings.NewReplacer(">"+authnIndirect+"<", ">"+authnDirect+"<", acClasses+acUnspecified, acClasses+"SmartcardPKI").Replace(bare(t, c))
	}
	with := func(change func(*Issuer)) func(*Config) {
		return func(c *Config) {
			i := c.Issuers[testIssuer]
			change(&i)
			c.Issuers = map[string]Issuer{testIssuer: i}
		}
	}
	for _, test := range []struct {
		name, id, assertion string
		client              *Client
		change              func(*Config)
	}{
		{"60 holder-of-key with the key", "", signed(held), &Client{Certificate: p.ec.cert, Holder: canaryID}, nil},
		{"60 holder-of-key with the key, certificate renewed", "", signed(held), &Client{Certificate: renewed.cert, Holder: canaryID}, nil},
		{"60 holder-of-key with another key", "SAML-005", signed(held), own, nil},
		{"60 holder-of-key without TLS client", "SAML-005", signed(held), nil, nil},

		{"62 NameID of the card", "", signed(bare(t, doctor())), own, nil},
		{"62 NameID of another card", "SAML-005", signed(bare(t, doctor())), other, nil},
		{"71 a structure's certificate where a card is needed", "SAML-008", signed(bare(t, doctor())), structure, nil},
		{"INDIRECTE over a structure's certificate", "", signed(indirect), structure, nil},
		{"AIR over a structure's certificate", "", signed(bare(t, air)), structure, nil},

		{"unsigned, DIRECTE, by the card", "", from(t, doctor(), name), own, nil},
		{"unsigned, by another's card", "SAML-002", from(t, doctor(), name), other, nil},
		{"62 unsigned, one's own name as issuer, another's as NameID", "SAML-005", from(t, doctor(), other.Certificate.Subject.String()), other, nil},
		{"55 unsigned, without TLS client", "SAML-002", from(t, doctor(), name), nil, nil},
		{"55 unsigned, by a structure's certificate", "SAML-002", from(t, doctor(), name), structure, nil},
		{"55 unsigned, in the name of a registered issuer", "SAML-002", bare(t, doctor()), own, nil},
		{"55 unsigned, in the name of a registered issuer, no client", "SAML-002", bare(t, doctor()), nil, nil},
		{"unsigned INDIRECTE", "SAML-002", strings.Replace(indirect, testIssuer, name, 1), own, nil},
		{"unsigned AIR", "SAML-002", from(t, air, name), own, nil},
		{"unsigned, a card that claims to be a structure", "SAML-008", automate(name), own, nil},
		{"signed by a card that claims to be a structure", "SAML-008", shape{id: cardSigner(name)}.sign(t, automate(name)), own, nil},
		{"signed by a registered issuer, a structure with a card", "SAML-008", signed(automate(testIssuer)), nil, nil},
		{"58 unsigned, for somebody else", "SAML-006", strings.Replace(from(t, doctor(), name), testAudience, "urn:other", 1), own, nil},
		{"unsigned, without audience, as the deployed VIHF", "", omitted(t, "audience", name), own, nil},
		{"56 unsigned, expired", "SAML-004", expired(t, name), own, nil},
		{"signed by the card itself", "", shape{id: cardSigner(name)}.sign(t, from(t, doctor(), name)), own, nil},
		{"49 signed by another card of the range", "SAML-003", shape{id: cardSigner("CN=899900000666,OU=Médecin,C=FR")}.sign(t, from(t, doctor(), name)), own, nil},
		{"49 signed by the card, over another's connection", "SAML-003", shape{id: cardSigner(name)}.sign(t, from(t, doctor(), name)), other, nil},
		{"49 signed by the card, without TLS client", "SAML-003", shape{id: cardSigner(name)}.sign(t, from(t, doctor(), name)), nil, nil},

		{"mode that the issuer may claim", "", signed(indirect), nil, with(func(i *Issuer) { i.Modes = []string{authnIndirect} })},
		{"mode that the issuer may not claim", "SAML-008", signed(bare(t, doctor())), nil, with(func(i *Issuer) { i.Modes = []string{authnIndirect} })},
		{"58 audience of the issuer's own", "SAML-006", signed(bare(t, doctor())), nil, with(func(i *Issuer) { i.Audience = "urn:ours" })},
		{"client declared by subject", "", signed(indirect), structure, with(func(i *Issuer) { i.Clients = []string{testIssuer} })},
		{"client declared by key", "", signed(indirect), &Client{Certificate: renewed.cert}, with(func(i *Issuer) { i.Clients = []string{Pin(p.ec.cert)} })},
		{"client of another structure", "SAML-011", signed(indirect), structure, with(func(i *Issuer) { i.Clients = []string{"CN=AUTRE", Pin(p.rsa.cert)} })},
		{"no client where one is declared", "SAML-011", signed(indirect), nil, with(func(i *Issuer) { i.Clients = []string{testIssuer} })},
	} {
		t.Run(test.name, func(t *testing.T) {
			tree := must(xmlgate.Parse([]byte(envelope(test.assertion)), xmlgate.Envelope()))
			v := testVerifier(t, test.change)
			for range 2 { // and remembered
				sub, err := v.VerifyTree(tree, test.client)
				if test.id != "" {
					refused(t, err, test.id)
				} else if err != nil || sub.ID != canaryID {
					t.Errorf("%v, %v", sub.ID, err)
				}
			}
		})
	}
}

func omitted(t *testing.T, what, issuer string) string {
	c := doctor()
	c.Omit = []string{what}
	return from(t, c, issuer)
}

func expired(t *testing.T, issuer string) string {
	c := doctor()
	c.ExpiresIn = -2 * Lifetime
	return from(t, c, issuer)
}

// cardSigner is the signature certificate of a card, under the subject of all its
// certificates.
func cardSigner(name string) *rsaOrEC {
	cn, _, _ := strings.Cut(strings.TrimPrefix(name, "CN="), ",")
	return testPKI().root.issue(fixedKey(9), func(c *x509.Certificate) {
		c.Subject = pkix.Name{Country: []string{"FR"}, OrganizationalUnit: []string{"Médecin"}, CommonName: cn}
		c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageContentCommitment, []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
	})
}

// An unsigned assertion that a card sent is worth nothing from anybody else, also
// once it is remembered.
func TestUnsignedIsNotRemembered(t *testing.T) {
	own, twin := cardOf(t, canaryID), cardOf(t, canaryID)
	tree := must(xmlgate.Parse([]byte(envelope(from(t, doctor(), own.Certificate.Subject.String()))), xmlgate.Envelope()))
	v := testVerifier(t, nil)
	if _, err := v.VerifyTree(tree, own); err != nil {
		t.Fatal(err)
	}
	_, err := v.VerifyTree(tree, nil)
	refused(t, err, "SAML-002")
	_, err = v.VerifyTree(tree, &Client{Certificate: own.Certificate})
	refused(t, err, "SAML-008") // no card any more: its range was declared anew
	_, err = v.VerifyTree(tree, twin)
	refused(t, err, "SAML-009") // a second card of the same person
}
