package saml

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// TestSubject checks the mapping of the VIHF, member by member of the cast.
func TestSubject(t *testing.T) {
	base := authz.Subject{Issuer: testIssuer, Expires: testNow.Add(Lifetime)}
	as := func(change func(*authz.Subject)) authz.Subject { s := base; change(&s); return s }
	for _, test := range []struct {
		name   string
		claims Claims
		want   authz.Subject
	}{
		{"physician", doctor(), as(func(s *authz.Subject) {
			s.Nature, s.ID, s.Name, s.Profession, s.Specialty = authz.NaturePro, canaryID, "TEST Alice", "10", "SM26"
			s.Structure, s.Patient = "1999999990", testPatient
		})},
		{"pharmacist", Claims{Nature: authz.NaturePro, ID: "8", Profession: "21", Specialty: "A"}, as(func(s *authz.Subject) {
			s.Nature, s.ID, s.Profession, s.Specialty = authz.NaturePro, "8", "21", "A"
		})},
		{"nurse by AIR", Claims{Nature: authz.NaturePro, ID: "8", Profession: "60", Reinforced: true}, as(func(s *authz.Subject) {
			s.Nature, s.ID, s.Profession, s.Reinforced = authz.NaturePro, "8", "60", true
		})},
		{"regulator in centre 15", Claims{Nature: authz.NaturePro, ID: "8", Profession: "10", Mode: "centre_15"}, as(func(s *authz.Subject) {
			s.Nature, s.ID, s.Profession, s.Mode = authz.NaturePro, "8", "10", authz.Centre15
		})},
		{"bris de glace", Claims{Nature: authz.NaturePro, ID: "8", Profession: "10", Mode: "bris_de_glace", Reason: "inconscient & seul",
			Traits: authz.Traits{Family: "DURAND", Given: "Zoé", BirthDate: "19800101"}}, as(func(s *authz.Subject) {
			s.Nature, s.ID, s.Profession, s.Mode, s.Reason = authz.NaturePro, "8", "10", authz.BrisDeGlace, "inconscient & seul"
			s.Traits = authz.Traits{Family: "DURAND", Given: "Zoé", BirthDate: "19800101"}
		})},
		{"structure", Claims{Nature: authz.NatureStructure, ID: "1999999993", Structure: "1999999993", StructureName: "LABO"}, as(func(s *authz.Subject) {
			s.Nature, s.ID, s.Structure, s.StructureName = authz.NatureStructure, "1999999993", "1999999993", "LABO"
		})},
		{"holder", Claims{Nature: authz.NaturePerson, ID: "r-1"}, as(func(s *authz.Subject) { s.Nature, s.ID = authz.NaturePerson, "r-1" })},
		{"insurer", Claims{Nature: authz.NatureOther, ID: "x", Profession: "ALIM_AM"}, as(func(s *authz.Subject) {
			s.Nature, s.ID, s.Profession = authz.NatureOther, "x", "ALIM_AM"
		})},
		{"no role at all", Claims{Nature: authz.NaturePro, ID: "x", Profession: "10", Structure: "1", Omit: []string{"profession"}}, as(func(s *authz.Subject) {
			s.Nature, s.ID, s.Structure = authz.NatureOther, "x", "1"
		})},
		{"secret connection", Claims{Nature: authz.NaturePro, ID: "8", Profession: "10", Secret: true}, as(func(s *authz.Subject) {
			s.Nature, s.ID, s.Profession, s.Secret = authz.NaturePro, "8", "10", true
		})},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.want.TokenID = "_test-1"
			got, err := testVerifier(t, nil).VerifyEnvelope([]byte(envelope(issue(t, testSigner(testPKI().rsa), test.claims))))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestForms are the legitimate forms that different stacks send.
func TestForms(t *testing.T) {
	p := testPKI()
	plain := bare(t, doctor())
	inherit := func(signed string) string { // the declarations move to the envelope
		for _, d := range []string{` xmlns:saml2="` + nsSAML + `"`, ` xmlns:xsi="` + nsXSI + `"`, ` xmlns:xs="urn:xs"`} {
			if !strings.Contains(signed, d) {
				t.Fatalf("no %s", d)
			}
			signed = strings.Replace(signed, d, "", 1)
		}
		return strings.Replace(envelope(signed), "<soap:Envelope", `<soap:Envelope xmlns:saml2="`+nsSAML+`" xmlns:xs="urn:xs" xmlns:xsi="urn:shadowed"`, 1)
	}
	withXS := strings.Replace(plain, "<saml2:Assertion", `<saml2:Assertion xmlns:xs="urn:xs"`, 1)
	java := inherit(shape{digestPrefixes: "xs xsi", c14nPrefixes: "xs"}.sign(t, withXS))
	java = strings.Replace(java, "<wsse:Security ", `<wsse:Security xmlns:xsi="`+nsXSI+`" `, 1)
	pretty := shape{}.sign(t, strings.ReplaceAll(plain, "><saml2:", ">\n  <saml2:"))
	wrapped := shape{}.sign(t, plain)
	i := strings.Index(wrapped, "<ds:SignatureValue>") + len("<ds:SignatureValue>")
	p384 := p.root.issue(must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)), nil)
	for _, form := range []struct{ name, envelope string }{
		{"as issued, RSA", envelope(issue(t, testSigner(p.rsa), doctor()))},
		{"as issued, ECDSA r‖s", envelope(issue(t, testSigner(p.ec), doctor()))},
		{"pretty-printed", envelope("\n " + pretty + "\n ")},
		{"prefixes inherited and PrefixList, Java style", java},
		{"base64 in lines, carriage returns as references", envelope(wrapped[:i] + "&#13;\n" + wrapped[i:i+40] + "&#13;\n" + wrapped[i+40:])},
		{"SHA-512, ECDSA P-384", envelope(shape{id: p384, method: "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", hash: crypto.SHA384,
			digest: "http://www.w3.org/2001/04/xmlenc#sha512", digestHash: crypto.SHA512}.sign(t, plain))},
		{"CDATA and character references", envelope(strings.Replace(strings.Replace(wrapped, "TEST Alice", "<![CDATA[TEST Alice]]>", 1), ">normal", ">&#110;ormal", 1))},
		{"beside a wsu:Timestamp", envelope(`<wsu:Timestamp wsu:Id="TS-1"><wsu:Created>2026-11-22T08:30:00Z</wsu:Created></wsu:Timestamp>` + wrapped)},
		{"Authentification_Mode", envelope(shape{}.sign(t, strings.Replace(plain, attrAuthn, attrAuthnOther, 1)))},
		{"without SubjectConfirmation", envelope(shape{}.sign(t, strings.Replace(plain, `<saml2:SubjectConfirmation Method="`+cmBearer+`"/>`, "", 1)))},
	} {
		t.Run(form.name, func(t *testing.T) {
			got, err := testVerifier(t, nil).VerifyEnvelope([]byte(form.envelope))
			if err != nil {
				t.Fatal(err)
			}
			if got.ID != canaryID || got.Profession != "10" || got.Name != "TEST Alice" || got.Patient != testPatient {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// TestStandalone checks that an assertion is also verified outside an envelope.
func TestStandalone(t *testing.T) {
	v := testVerifier(t, nil)
	if _, err := v.Verify([]byte(issue(t, testSigner(testPKI().rsa), doctor()))); err != nil {
		t.Error(err)
	}
	_, err := v.Verify([]byte(envelope("")))
	refused(t, err, "SAML-001")
}

// TestPinned checks trust by certificate, with and without KeyInfo.
func TestPinned(t *testing.T) {
	p := testPKI()
	other := p.root.issue(p.ec.key, func(c *x509.Certificate) { c.SerialNumber.SetInt64(99) })
	pinned := func(certs ...*x509.Certificate) func(*Config) {
		return func(c *Config) { c.Issuers = map[string]Issuer{testIssuer: {Certificates: certs}} }
	}
	signed := envelope(shape{}.sign(t, bare(t, doctor())))
	absent := envelope(strings.Replace(shape{keyInfo: "-"}.sign(t, bare(t, doctor())), "-</ds:Signature>", "</ds:Signature>", 1))
	for _, test := range []struct {
		name, envelope, want string
		trust                func(*Config)
	}{
		{"pinned", signed, "", pinned(p.ec.cert, p.rsa.cert)},
		{"pinned, no KeyInfo", absent, "", pinned(p.ec.cert, p.rsa.cert)},
		{"another pinned", signed, "SAML-003", pinned(p.ec.cert)},
		{"another pinned, no KeyInfo", absent, "SAML-002", pinned(p.ec.cert)},
		{"same key, another certificate", envelope(shape{id: p.ec}.sign(t, bare(t, doctor()))), "SAML-003", pinned(other.cert)},
		{"no KeyInfo and roots alone", absent, "SAML-003", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := testVerifier(t, test.trust).VerifyEnvelope([]byte(test.envelope))
			if test.want != "" {
				refused(t, err, test.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestJava verifies what another implementation signed (testdata/ORIGIN), alone
// and with its declarations moved to the envelope.
func TestJava(t *testing.T) {
	signed := string(must(os.ReadFile("testdata/java.xml")))
	trust := func(c *Config) {
		c.Issuers = map[string]Issuer{testIssuer: {Certificates: []*x509.Certificate{testPKI().ec.cert}}}
	}
	got, err := testVerifier(t, trust).Verify([]byte(signed))
	if err != nil || got.ID != canaryID || got.Specialty != "SM26" {
		t.Errorf("%+v, %v", got, err)
	}
	moved, outer := signed, ""
	for _, d := range []string{` xmlns:saml2="` + nsSAML + `"`, ` xmlns:xs="http://www.w3.org/2001/XMLSchema"`, ` xmlns:xsi="` + nsXSI + `"`} {
		moved, outer = strings.Replace(moved, d, "", 1), outer+d
	}
	message := strings.Replace(envelope(moved), "<soap:Envelope", "<soap:Envelope"+outer, 1)
	if _, err := testVerifier(t, trust).VerifyEnvelope([]byte(message)); err != nil {
		t.Error(err)
	}
	_, err = testVerifier(t, trust).VerifyEnvelope([]byte(strings.Replace(message, "SM26", "SM25", 1)))
	refused(t, err, "SAML-002")
}

// TestConfig checks that trust left out or misspelled stops the start (safety §2.5).
func TestConfig(t *testing.T) {
	now := func() time.Time { return testNow }
	good := map[string]Issuer{testIssuer: {Certificates: []*x509.Certificate{testPKI().rsa.cert}}}
	for name, c := range map[string]Config{
		"no clock":       {Issuers: good, Audience: testAudience},
		"no audience":    {Issuers: good, Now: now},
		"no issuer":      {Audience: testAudience, Now: now},
		"empty trust":    {Audience: testAudience, Now: now, Issuers: map[string]Issuer{testIssuer: {}}},
		"whole root":     {Audience: testAudience, Now: now, Issuers: map[string]Issuer{testIssuer: {Roots: testPKI().pool()}}},
		"issuer unnamed": {Audience: testAudience, Now: now, Issuers: map[string]Issuer{"": good[testIssuer]}},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestRemembered checks that a remembered assertion is judged again.
func TestRemembered(t *testing.T) {
	now := testNow
	revoked := false
	v := testVerifier(t, func(c *Config) {
		c.Now = func() time.Time { return now }
		c.Revoked = func(chain []*x509.Certificate) error {
			if revoked && len(chain) == 2 {
				return errors.New("revoked")
			}
			return nil
		}
	})
	message := []byte(envelope(issue(t, testSigner(testPKI().rsa), doctor())))
	verify := func() error { _, err := v.VerifyEnvelope(message); return err }
	for range 3 {
		if err := verify(); err != nil {
			t.Fatal(err)
		}
	}
	revoked = true
	refused(t, verify(), "SAML-010")
	revoked = false
	now = testNow.Add(Lifetime + Skew)
	refused(t, verify(), "SAML-004")
	now = testNow
	if err := verify(); err != nil {
		t.Fatal(err)
	}
	other := testPKI().otherRoot.cert
	pool := x509.NewCertPool()
	pool.AddCert(other)
	if err := v.Trust(map[string]Issuer{testIssuer: {Roots: pool, SubjectDN: testIssuer}}); err != nil {
		t.Fatal(err)
	}
	refused(t, verify(), "SAML-003")
}

// TestCertificateEnds checks that a remembered assertion ends with the
// certificate that signed it.
func TestCertificateEnds(t *testing.T) {
	now := testNow
	short := testPKI().root.issue(fixedKey(4), func(c *x509.Certificate) { c.NotAfter = testNow.Add(10 * time.Minute) })
	v := testVerifier(t, func(c *Config) { c.Now = func() time.Time { return now } })
	message := []byte(envelope(issue(t, testSigner(short), doctor())))
	if _, err := v.VerifyEnvelope(message); err != nil {
		t.Fatal(err)
	}
	now = testNow.Add(20 * time.Minute)
	_, err := v.VerifyEnvelope(message)
	refused(t, err, "SAML-010")
}

// TestCanonical compares the canonical forms with those of the recommendation
// (Exclusive XML Canonicalization 1.0 §3), written by hand: tests that sign and
// verify with the same code would not see it err.
func TestCanonical(t *testing.T) {
	doc := `<a:A xmlns:a="urn:a" xmlns:xs="urn:xs" xmlns:u="urn:unused" ID="i"><ds:Signature xmlns:ds="` + nsDS +
		`"><ds:SignedInfo  z='1' b = "2"><ds:X/></ds:SignedInfo></ds:Signature><a:B xs:t="&quot;&#xD;"  >é&gt;&#xD;<![CDATA[<]]></a:B><c xmlns="urn:c"><d xmlns=""/></c></a:A>`
	tree, err := parseTree([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ got, want string }{
		{string(must2(tree.signedInfo(""))), `<ds:SignedInfo xmlns:ds="` + nsDS + `" b="2" z="1"><ds:X></ds:X></ds:SignedInfo>`},
		{string(must2(tree.signedInfo("xs"))), `<ds:SignedInfo xmlns:ds="` + nsDS + `" xmlns:xs="urn:xs" b="2" z="1"><ds:X></ds:X></ds:SignedInfo>`},
		{string(must2(tree.content(""))), `<a:A xmlns:a="urn:a" ID="i"><a:B xmlns:xs="urn:xs" xs:t="&quot;&#xD;">é&gt;&#xD;&lt;</a:B><c xmlns="urn:c"><d xmlns=""></d></c></a:A>`},
		{string(must2(tree.content("xs  u"))), `<a:A xmlns:a="urn:a" xmlns:u="urn:unused" xmlns:xs="urn:xs" ID="i"><a:B xs:t="&quot;&#xD;">é&gt;&#xD;&lt;</a:B><c xmlns="urn:c"><d xmlns=""></d></c></a:A>`},
	} {
		if test.got != test.want {
			t.Errorf("got  %s\nwant %s", test.got, test.want)
		}
	}
}

// BenchmarkVerify is the assertion alone: the gate parses the envelope once for the
// whole request.
func BenchmarkVerify(b *testing.B) {
	message, err := xmlgate.Parse([]byte(envelope(issue(b, testSigner(testPKI().rsa), doctor()))), xmlgate.Envelope())
	if err != nil {
		b.Fatal(err)
	}
	verify := func(b *testing.B, v *Verifier) {
		if _, err := v.VerifyTree(message, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("first", func(b *testing.B) {
		v := testVerifier(b, nil)
		for b.Loop() {
			v.memory = newMemory()
			verify(b, v)
		}
	})
	b.Run("remembered", func(b *testing.B) {
		v := testVerifier(b, nil)
		for b.Loop() {
			verify(b, v)
		}
	})
}
