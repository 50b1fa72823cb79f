package saml

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"
)

// parts are a really signed assertion and what attacks are made of.
type parts struct {
	signed    string // the assertion, signed
	bare      string // without its signature
	signature string
	evil      string // bare, of another identity and ID
	twin      string // bare, of another identity under the same ID
}

func split(t testing.TB, s shape) parts {
	signed := s.sign(t, bare(t, doctor()))
	from, to := strings.Index(signed, "<ds:Signature "), strings.Index(signed, "</ds:Signature>")+len("</ds:Signature>")
	p := parts{signed: signed, signature: signed[from:to], bare: signed[:from] + signed[to:]}
	p.twin = strings.Replace(p.bare, canaryID, "899900000666", 1)
	p.evil = strings.Replace(p.twin, `ID="_test-1"`, `ID="_evil"`, 1)
	return p
}

// inside puts a text before the end of an element.
func inside(element, content string) string {
	i := strings.LastIndex(element, "</")
	return element[:i] + content + element[i:]
}

// afterIssuer puts a text where a signature stands.
func afterIssuer(assertion, content string) string {
	return strings.Replace(assertion, "</saml2:Issuer>", "</saml2:Issuer>"+content, 1)
}

func object(content string) string { return "<ds:Object>" + content + "</ds:Object>" }

// TestSignatureAttacks is group B of safety §2.3: each is refused, at once.
func TestSignatureAttacks(t *testing.T) {
	p := split(t, shape{})
	plain := bare(t, doctor())
	resign := func(change func(*shape)) string {
		s := shape{}
		change(&s)
		return envelope(s.sign(t, plain))
	}
	replace := func(old, new string) string {
		if !strings.Contains(p.signed, old) {
			t.Fatalf("no %q in the assertion", old)
		}
		return envelope(strings.Replace(p.signed, old, new, 1))
	}
	nested := inside(p.evil, "<saml2:Advice>"+p.signed+"</saml2:Advice>")
	for _, a := range []struct{ name, id, envelope string }{
		{"29 XSW1 evil before signed", "SAML-001", envelope(p.evil + p.signed)},
		{"30 XSW2 evil after signed", "SAML-001", envelope(p.signed + p.evil)},
		{"31 XSW3 evil wraps signed", "SAML-001", envelope(inside(p.evil, p.signed))},
		{"32 XSW4 signed wraps evil", "SAML-001", envelope(inside(p.signed, p.evil))},
		{"33 XSW5 signature copied to evil, signed behind", "SAML-001", envelope(afterIssuer(p.evil, p.signature) + p.bare)},
		{"34 XSW6 signed inside ds:Object of evil", "SAML-002", envelope(afterIssuer(p.evil, inside(p.signature, object(p.bare))))},
		{"34b ds:Object without an assertion", "SAML-002", envelope(afterIssuer(p.bare, inside(p.signature, object("<x/>"))))},
		{"35 XSW7 signed inside Extensions", "SAML-001", envelope(inside(p.evil, "<Extensions>"+p.signed+"</Extensions>"))},
		{"35b signed inside Advice", "SAML-001", envelope(nested)},
		{"36 XSW8 signed inside Body, evil in Header", "SAML-001", envelopeWith(afterIssuer(p.evil, p.signature), p.signed)},
		{"36b evil alone under the signature of another", "SAML-002", envelope(afterIssuer(p.twin, p.signature))},
		{"37 same ID twice", "SAML-002", envelopeWith(p.signed, `<x ID="_test-1"/>`)},
		{"38 Id", "SAML-002", envelopeWith(p.signed, `<x Id="_test-1"/>`)},
		{"38 xml:id", "SAML-002", envelopeWith(p.signed, `<x xml:id="_test-1"/>`)},
		{"38 e:ID", "SAML-002", envelopeWith(p.signed, `<x xmlns:e="urn:e" e:ID="_test-1"/>`)},
		{"38 id by references", "SAML-002", envelopeWith(p.signed, `<x id="&#95;test-1"/>`)},
		{"38 e:ID on the assertion itself", "SAML-002", replace(`ID="_test-1"`, `ID="_test-1" xmlns:e="urn:e" e:Id="_test-1"`)},
		{"39 two signatures", "SAML-002", envelope(afterIssuer(p.signed, p.signature))},
		{"39b a decoy deeper", "SAML-001", envelope(strings.Replace(p.signed, "<saml2:NameID>", "<saml2:NameID>"+p.signature, 1))},
		{"40 two SignedInfo", "SAML-002", replace("<ds:SignatureValue>", p.signature[strings.Index(p.signature, "<ds:SignedInfo>"):strings.Index(p.signature, "</ds:SignedInfo>")]+"</ds:SignedInfo><ds:SignatureValue>")},
		{"41 two References", "SAML-002", resign(func(s *shape) {
			s.moreReferences = `<ds:Reference URI="#_other"><ds:Transforms/><ds:DigestMethod Algorithm="` + algSHA256 + `"/><ds:DigestValue>AAAA</ds:DigestValue></ds:Reference>`
		})},
		{"42 URI empty", "SAML-002", replace(`URI="#_test-1"`, `URI=""`)},
		{"42 URI without #, signed so", "SAML-002", resign(func(s *shape) { s.uri = "X_test-1" })},
		{"42 URI xpointer, signed so", "SAML-002", resign(func(s *shape) { s.uri = "#xpointer(id('_test-1'))" })},
		{"42 URI external, signed so", "SAML-002", resign(func(s *shape) { s.uri = "http://127.0.0.1:1/x#_test-1" })},
		{"43 transform XSLT", "SAML-007", resign(transforms("http://www.w3.org/TR/1999/REC-xslt-19991116", algExcC14N))},
		{"43 transform XPath", "SAML-007", resign(transforms(algEnveloped, "http://www.w3.org/TR/1999/REC-xpath-19991116"))},
		{"43 transform base64", "SAML-007", resign(transforms("http://www.w3.org/2000/09/xmldsig#base64", algExcC14N))},
		{"43 no transform", "SAML-002", resign(func(s *shape) { s.transforms = " " })},
		{"43 transforms in another order", "SAML-007", resign(transforms(algExcC14N, algEnveloped))},
		{"43 one transform more", "SAML-002", resign(transforms(algEnveloped, algExcC14N, algExcC14N))},
		{"44 c14n with comments", "SAML-007", resign(func(s *shape) { s.c14n = algExcC14N + "WithComments" })},
		{"44 c14n 1.1", "SAML-007", resign(func(s *shape) { s.c14n = "http://www.w3.org/2006/12/xml-c14n11" })},
		{"44 c14n inclusive", "SAML-007", resign(func(s *shape) { s.c14n = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315" })},
		{"44 transform with comments", "SAML-007", resign(transforms(algEnveloped, algExcC14N+"WithComments"))},
		{"45 comment in DigestValue", "XML-002", replace("<ds:DigestValue>", "<ds:DigestValue><!--x-->")},
		{"45b element in DigestValue", "SAML-002", replace("<ds:DigestValue>", "<ds:DigestValue><x/>")},
		{"45c comment in NameID", "XML-002", replace("8999000", "8999<!--x-->000")},
		{"45d PI in NameID", "XML-002", replace("8999000", "8999<?x y?>000")},
		{"46 RSA-SHA1", "SAML-007", resign(func(s *shape) { s.method, s.hash = "http://www.w3.org/2000/09/xmldsig#rsa-sha1", crypto.SHA1 })},
		{"46 SHA-1 digest", "SAML-007", resign(func(s *shape) { s.digest, s.digestHash = "http://www.w3.org/2000/09/xmldsig#sha1", crypto.SHA1 })},
		{"46 MD5", "SAML-007", replace(algRSA256, "http://www.w3.org/2001/04/xmldsig-more#rsa-md5")},
		{"46 HMAC with the public key", "SAML-007", replace(algRSA256, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")},
		{"46 RSA method under an EC key", "SAML-002", resign(func(s *shape) { s.id, s.method = testPKI().ec, algRSA256 })},
		{"46 ECDSA in ASN.1", "SAML-002", resign(func(s *shape) { s.id, s.asn1 = testPKI().ec, true })},
		{"48 KeyValue", "SAML-002", resign(func(s *shape) {
			s.keyInfo = "<ds:KeyInfo><ds:KeyValue><ds:RSAKeyValue/></ds:KeyValue></ds:KeyInfo>"
		})},
		{"48 RetrievalMethod", "SAML-002", resign(func(s *shape) {
			s.keyInfo = `<ds:KeyInfo><ds:RetrievalMethod URI="http://127.0.0.1:1/key"/></ds:KeyInfo>`
		})},
		{"48 SecurityTokenReference", "SAML-002", resign(func(s *shape) {
			s.keyInfo = `<ds:KeyInfo><wsse:SecurityTokenReference xmlns:wsse="` + nsWSSE + `"/></ds:KeyInfo>`
		})},
		{"50 ds prefix of another namespace", "SAML-002", replace(`xmlns:ds="`+nsDS+`"`, `xmlns:ds="urn:other"`)},
		{"51 relative namespace", "XML-002", replace(`<saml2:NameID>`, `<saml2:NameID xmlns:x="relative">`)},
		{"52 SignatureValue empty", "SAML-002", envelope(p.signed[:strings.Index(p.signed, "<ds:SignatureValue>")] + "<ds:SignatureValue/>" + p.signed[strings.Index(p.signed, "<ds:KeyInfo>"):])},
		{"52 DigestValue empty", "SAML-002", envelope(p.signed[:strings.Index(p.signed, "<ds:DigestValue>")] + "<ds:DigestValue/>" + p.signed[strings.Index(p.signed, "</ds:Reference>"):])},
		{"53 10 000 references", "XML-003", replace("</ds:SignedInfo>", strings.Repeat(`<ds:Reference URI="#_a"/>`, 10_000)+"</ds:SignedInfo>")},
		{"54 signature over another element type", "SAML-001", envelope(strings.ReplaceAll(p.signed, "saml2:Assertion", "saml2:Response"))},
		{"55 signature stripped", "SAML-002", envelope(p.bare)},
		{"signed content changed", "SAML-002", replace(canaryID, "899900000666")},
		{"signature value changed", "SAML-002", replace("<ds:SignatureValue>", "<ds:SignatureValue>AAAA")},
		{"5 000 namespaces", "XML-003", replace("<saml2:NameID>", "<saml2:NameID"+spaces(5_000)+">")},
		{"assertion of 200 kB", "XML-003", replace("TEST Alice", strings.Repeat("A", 200<<10))},
		{"truncated certificate", "SAML-010", resign(func(s *shape) {
			s.keyInfo = "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
		})},
	} {
		t.Run(a.name, func(t *testing.T) {
			v := testVerifier(t, nil)
			start := time.Now()
			_, err := v.VerifyEnvelope([]byte(a.envelope))
			if d := time.Since(start); d > time.Second {
				t.Errorf("refused after %v", d)
			}
			refused(t, err, a.id)
		})
	}
}

func transforms(algorithms ...string) func(*shape) {
	return func(s *shape) {
		for _, a := range algorithms {
			s.transforms += `<ds:Transform Algorithm="` + a + `"/>`
		}
	}
}

func spaces(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` xmlns:n%d="urn:n%d"`, i, i)
	}
	return b.String()
}

// TestCertificates is attacks 47 and 49 of safety §2.3: who signs.
func TestCertificates(t *testing.T) {
	p := testPKI()
	ecKey := func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }
	mallory := ecKey()
	self := &authority{key: mallory, cert: &x509.Certificate{Subject: pkix.Name{Country: []string{"FR"}, Organization: []string{"STRUCTURE TEST"}, CommonName: "CERT TEST"}, PublicKey: mallory.Public()}}
	for _, a := range []struct {
		name, id string
		signer   *rsaOrEC
	}{
		{"47 own certificate, self-made", "SAML-003", self.issue(mallory, nil)},
		{"47 own certificate of another root", "SAML-003", p.otherRoot.issue(ecKey(), nil)},
		{"49 expired", "SAML-010", p.root.issue(ecKey(), func(c *x509.Certificate) { c.NotAfter = testNow.Add(-time.Second) })},
		{"49 not yet valid", "SAML-010", p.root.issue(ecKey(), func(c *x509.Certificate) { c.NotBefore = testNow.Add(time.Minute) })},
		{"49 wrong extended key usage", "SAML-010", p.root.issue(ecKey(), func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })},
		{"49 key usage without signature", "SAML-010", p.root.issue(ecKey(), func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment })},
		{"49 an authority", "SAML-010", p.root.issue(ecKey(), func(c *x509.Certificate) { c.IsCA = true })},
		{"49 of another issuer", "SAML-003", p.root.issue(ecKey(), func(c *x509.Certificate) { c.Subject.CommonName = "AUTRE" })},
		{"RSA of 1024 bits", "SAML-010", p.root.issue(must(weakKey()), nil)},
		{"curve P-224", "SAML-010", p.root.issue(must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader)), nil)},
	} {
		t.Run(a.name, func(t *testing.T) {
			s := shape{id: a.signer}
			_, err := testVerifier(t, nil).VerifyEnvelope([]byte(envelope(s.sign(t, bare(t, doctor())))))
			refused(t, err, a.id)
		})
	}
	t.Run("49 another issuer's pinned certificate", func(t *testing.T) {
		const other = "CN=AUTRE,O=STRUCTURE TEST,C=FR"
		v := testVerifier(t, func(c *Config) {
			c.Issuers = map[string]Issuer{testIssuer: {Certificates: []*x509.Certificate{p.rsa.cert}}, other: {Certificates: []*x509.Certificate{p.ec.cert}}}
		})
		n := 0
		inNameOf := func(issuer string) Claims { c := doctor(); c.Issuer = issuer; return c }
		for _, a := range []struct {
			issuer string
			signer *rsaOrEC
			id     string
		}{{testIssuer, p.rsa, ""}, {other, p.ec, ""}, {testIssuer, p.ec, "SAML-003"}, {other, p.rsa, "SAML-003"}} {
			signer := testSigner(a.signer)
			signer.NewID = func() string { n++; return fmt.Sprintf("_%d", n) }
			_, err := v.VerifyEnvelope([]byte(envelope(issue(t, signer, inNameOf(a.issuer)))))
			if a.id != "" {
				refused(t, err, a.id)
			} else if err != nil {
				t.Errorf("%s: %v", a.issuer, err)
			}
			// Without a certificate in the signature the key alone decides.
			_, err = v.VerifyEnvelope([]byte(envelope(withoutKeyInfo(issue(t, signer, inNameOf(a.issuer))))))
			if a.id != "" {
				refused(t, err, "SAML-002")
			} else if err != nil {
				t.Errorf("%s without KeyInfo: %v", a.issuer, err)
			}
		}
	})
	t.Run("49 revoked", func(t *testing.T) {
		v := testVerifier(t, func(c *Config) { c.Revoked = func([]*x509.Certificate) error { return x509.CertificateInvalidError{} } })
		_, err := v.VerifyEnvelope([]byte(envelope(shape{}.sign(t, bare(t, doctor())))))
		refused(t, err, "SAML-010")
	})
	t.Run("47b own certificate before the good one", func(t *testing.T) {
		evil := self.issue(mallory, nil)
		both := "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>" + base64.StdEncoding.EncodeToString(evil.cert.Raw) + "</ds:X509Certificate><ds:X509Certificate>" +
			base64.StdEncoding.EncodeToString(p.rsa.cert.Raw) + "</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
		_, err := testVerifier(t, nil).VerifyEnvelope([]byte(envelope(shape{id: evil, keyInfo: both}.sign(t, bare(t, doctor())))))
		refused(t, err, "SAML-003")
	})
	t.Run("through an intermediate", func(t *testing.T) {
		middle := newAuthority("Intermédiaire", ecKey())
		chained := p.root.issue(middle.key, func(c *x509.Certificate) {
			c.Subject, c.IsCA, c.KeyUsage, c.ExtKeyUsage = middle.cert.Subject, true, x509.KeyUsageCertSign, nil
		})
		leaf := (&authority{cert: chained.cert, key: middle.key}).issue(ecKey(), nil)
		s := testSigner(leaf)
		s.Certificates = append(s.Certificates, chained.cert)
		if _, err := testVerifier(t, nil).VerifyEnvelope([]byte(envelope(issue(t, s, doctor())))); err != nil {
			t.Error(err)
		}
	})
}

func withoutKeyInfo(signed string) string {
	from, to := strings.Index(signed, "<ds:KeyInfo>"), strings.Index(signed, "</ds:KeyInfo>")+len("</ds:KeyInfo>")
	return signed[:from] + signed[to:]
}

// weakKey is an RSA key that is too short, which crypto/rsa makes only when told to.
func weakKey() (*rsa.PrivateKey, error) {
	return rsa.GenerateKey(rand.Reader, 1024)
}
