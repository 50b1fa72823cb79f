package saml

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// TestClaimAttacks is group C of safety §2.3, as the issuer's overrides make
// them: the signature is good, the content is not. An empty id is an acceptance.
func TestClaimAttacks(t *testing.T) {
	with := func(change func(*Claims)) Claims { c := doctor(); change(&c); return c }
	omit := func(names ...string) Claims { return with(func(c *Claims) { c.Omit = names }) }
	for _, a := range []struct {
		name, id string
		claims   Claims
	}{
		{"56 not before, in 10 minutes", "SAML-004", with(func(c *Claims) { c.NotBefore = 10 * time.Minute })},
		{"56 not before, at the edge", "", with(func(c *Claims) { c.NotBefore = Skew })},
		{"56 not before, beyond the edge", "SAML-004", with(func(c *Claims) { c.NotBefore = Skew + time.Millisecond })},
		{"56 expired", "SAML-004", with(func(c *Claims) { c.ExpiresIn = -10 * time.Minute })},
		{"56 expired, inside the edge", "", with(func(c *Claims) { c.ExpiresIn = -Skew + time.Millisecond })},
		{"56 expired, at the edge", "SAML-004", with(func(c *Claims) { c.ExpiresIn = -Skew })},
		{"56 ends before it begins", "SAML-004", with(func(c *Claims) { c.NotBefore, c.ExpiresIn = 30*time.Second, 10*time.Second })},
		{"57 no Conditions", "SAML-005", omit("conditions")},
		{"57 no NotOnOrAfter", "SAML-005", omit("exp")},
		{"57 no NotBefore", "SAML-005", omit("nbf")},
		{"58 no audience", "SAML-006", omit("audience")},
		{"58 another audience", "SAML-006", with(func(c *Claims) { c.Audience = "https://autre.example/xds" })},
		{"58 audience with a slash more", "SAML-006", with(func(c *Claims) { c.Audience = testAudience + "/" })},
		{"61 unknown issuer", "SAML-003", with(func(c *Claims) { c.Issuer = "CN=Inconnu" })},
		{"61 issuer with spaces", "SAML-003", with(func(c *Claims) { c.Issuer = testIssuer + " " })},
		{"61 no issuer", "SAML-003", omit("iss")},
		{"63 two professions", "SAML-005", with(func(c *Claims) { c.Specialty, c.SecondRole = "", "60" })},
		{"63 three roles", "SAML-005", with(func(c *Claims) { c.SecondRole = "60" })},
		{"64 role of another code system", "", with(func(c *Claims) { c.Nature = authz.NatureOther })},
		{"two purposes", "SAML-005", with(func(c *Claims) { c.SecondPurpose = "bris_de_glace" })},
		{"no purpose", "SAML-005", omit("mode")},
		{"unknown purpose", "SAML-005", with(func(c *Claims) { c.Mode = "recherche" })},
		{"65 centre 15 by a non-regulator: policy decides", "", with(func(c *Claims) { c.Mode = "centre_15" })},
		{"66 bris de glace with blank reason: policy decides", "", with(func(c *Claims) { c.Mode, c.Reason = "bris_de_glace", "   " })},
		{"71 software certificate", "SAML-008", with(func(c *Claims) { c.AuthnContext = "SoftwarePKI" })},
		{"71 password where a card is needed", "SAML-008", with(func(c *Claims) { c.AuthnContext = "Password" })},
		{"71 unspecified for a person", "SAML-008", with(func(c *Claims) { c.AuthnContext = "unspecified" })},
		{"71 password under AIR", "SAML-008", with(func(c *Claims) { c.Reinforced, c.AuthnContext = true, "Password" })},
		{"71 unspecified for a structure under AIR", "SAML-008", with(func(c *Claims) {
			c.Nature, c.Reinforced, c.AuthnContext = authz.NatureStructure, true, "unspecified"
		})},
		{"71 no class", "SAML-005", omit("acr")},
		{"71 no AuthnStatement", "SAML-005", omit("authnStatement")},
		{"no subject", "SAML-005", omit("subject")},
		{"no NameID", "SAML-005", omit("sub")},
		{"blank NameID", "SAML-005", with(func(c *Claims) { c.ID = " " })},
		{"no ID", "SAML-005", omit("jti")},
		{"no signature", "SAML-002", omit("signature")},
		{"no mode of authentication", "SAML-005", omit(attrAuthn)},
		{"patient without authority", "SAML-005", with(func(c *Claims) { c.Patient = "279035121518989" })},
		{"value too long", "SAML-005", with(func(c *Claims) { c.Reason = strings.Repeat("a", maxValue+1) })},
	} {
		t.Run(a.name, func(t *testing.T) {
			sub, err := testVerifier(t, nil).VerifyEnvelope([]byte(envelope(issue(t, testSigner(testPKI().rsa), a.claims))))
			if a.id != "" {
				refused(t, err, a.id)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if a.claims.Nature == authz.NatureOther && sub.Nature != authz.NatureOther {
				t.Errorf("nature %d", sub.Nature)
			}
		})
	}
}

// TestShapeAttacks is the part of group C that no override makes: the text is
// changed before it is signed.
func TestShapeAttacks(t *testing.T) {
	plain := bare(t, doctor())
	issuerEnd := "</saml2:Issuer>"
	purpose := plain[strings.Index(plain, `<saml2:Attribute Name="`+attrPurpose):]
	purpose = purpose[:strings.Index(purpose, "</saml2:Attribute>")+len("</saml2:Attribute>")]
	secret := func(value string) string {
		return `<saml2:Attribute Name="` + attrSecret + `"><saml2:AttributeValue>` + value + `</saml2:AttributeValue></saml2:Attribute>`
	}
	for _, a := range []struct{ name, id, old, new string }{
		{"58 one restriction of two names another", "SAML-006", "<saml2:AudienceRestriction>", `<saml2:AudienceRestriction><saml2:Audience>urn:x</saml2:Audience></saml2:AudienceRestriction><saml2:AudienceRestriction>`},
		{"58 ours among several", "", "<saml2:Audience>", "<saml2:Audience>urn:x</saml2:Audience><saml2:Audience>"},
		{"58 empty restriction", "SAML-005", "<saml2:AudienceRestriction>", "<saml2:AudienceRestriction/><saml2:AudienceRestriction>"},
		{"unknown condition", "SAML-005", "<saml2:AudienceRestriction>", `<saml2:Condition/><saml2:AudienceRestriction>`},
		{"ProxyRestriction", "SAML-005", "<saml2:AudienceRestriction>", `<saml2:ProxyRestriction Count="0"/><saml2:AudienceRestriction>`},
		{"60 holder-of-key without a key", "SAML-005", cmBearer, cmHolderOfKey},
		{"sender-vouches", "SAML-005", cmBearer, "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"},
		{"two confirmations", "SAML-005", "<saml2:SubjectConfirmation ", `<saml2:SubjectConfirmation Method="x"/><saml2:SubjectConfirmation `},
		{"confirmation expired", "SAML-004", `Method="` + cmBearer + `"/>`, `Method="` + cmBearer + `"><saml2:SubjectConfirmationData NotOnOrAfter="2026-11-22T08:00:00Z" Recipient="https://x"/></saml2:SubjectConfirmation>`},
		{"confirmation in time", "", `Method="` + cmBearer + `"/>`, `Method="` + cmBearer + `"><saml2:SubjectConfirmationData NotOnOrAfter="2026-11-22T09:00:00Z" Recipient="https://x"/></saml2:SubjectConfirmation>`},
		{"63 role attribute repeated", "SAML-005", purpose, purpose + `<saml2:Attribute Name="` + attrRole + `"/>`},
		{"64 wrong OID", "", oidG15, "1.2.250.1.71.1.2.8"},
		{"purpose of another code system", "SAML-005", oidMode, "1.2.3"},
		{"purpose repeated", "SAML-005", purpose, purpose + purpose},
		{"purpose as text", "SAML-005", purpose, `<saml2:Attribute Name="` + attrPurpose + `"><saml2:AttributeValue>normal</saml2:AttributeValue></saml2:Attribute>`},
		{"both spellings of the mode of authentication", "SAML-005", purpose, purpose + `<saml2:Attribute Name="` + attrAuthnOther + `"><saml2:AttributeValue>DIRECTE</saml2:AttributeValue></saml2:Attribute>`},
		{"68 confidentiality-code unknown", "SAML-005", purpose, purpose + secret("INVISIBLE")},
		{"68 confidentiality-code empty", "SAML-005", purpose, purpose + secret("")},
		{"VIHF 2.0", "SAML-005", ">3.0<", ">2.0<"},
		{"VIHF 4.0", "", ">3.0<", ">4.0<"},
		{"SAML 1.1", "SAML-005", `Version="2.0"`, `Version="1.1"`},
		{"70 EncryptedAssertion beside", "SAML-001", issuerEnd, issuerEnd + "<saml2:EncryptedAssertion/>"},
		{"70 EncryptedAttribute", "SAML-005", purpose, purpose + "<saml2:EncryptedAttribute/>"},
		{"70 EncryptedID", "SAML-005", "<saml2:NameID>", "<saml2:EncryptedID/><saml2:NameID>"},
		{"72 Advice", "SAML-005", "<saml2:AuthnStatement", "<saml2:Advice/><saml2:AuthnStatement"},
		{"AuthzDecisionStatement", "SAML-005", "<saml2:AuthnStatement", "<saml2:AuthzDecisionStatement/><saml2:AuthnStatement"},
		{"two NameIDs", "SAML-005", "<saml2:NameID>", "<saml2:NameID>x</saml2:NameID><saml2:NameID>"},
		{"two AttributeStatements", "SAML-005", "<saml2:AttributeStatement>", "<saml2:AttributeStatement/><saml2:AttributeStatement>"},
		{"time without zone", "SAML-005", `AuthnInstant="2026-11-22T08:30:00.000Z"`, `AuthnInstant="2026-11-22T08:30:00"`},
		{"authentication in the future", "SAML-004", `AuthnInstant="2026-11-22T08:30:00.000Z"`, `AuthnInstant="2026-11-22T09:30:00Z"`},
		{"session ended", "SAML-004", `<saml2:AuthnStatement `, `<saml2:AuthnStatement SessionNotOnOrAfter="2026-11-22T08:00:00Z" `},
		{"ID that is no NCName", "SAML-005", `ID="_test-1"`, `ID="1 test"`},
		{"unknown attribute of the assertion", "SAML-005", `Version="2.0"`, `Version="2.0" Other="x"`},
	} {
		t.Run(a.name, func(t *testing.T) {
			if !strings.Contains(plain, a.old) {
				t.Fatalf("no %q in the assertion", a.old)
			}
			signed := shape{}.sign(t, strings.Replace(plain, a.old, a.new, 1))
			sub, err := testVerifier(t, nil).VerifyEnvelope([]byte(envelope(signed)))
			if a.id != "" {
				refused(t, err, a.id)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if a.name == "64 wrong OID" && sub.Nature != authz.NatureOther {
				t.Errorf("nature %d", sub.Nature)
			}
		})
	}
}

// TestPlaces is attack 73 and its like: the right assertion in a wrong place.
func TestPlaces(t *testing.T) {
	signed := shape{}.sign(t, bare(t, doctor()))
	good := envelope(signed)
	for name, message := range map[string]string{
		"73 in the Body":          envelopeWith("", signed),
		"no Security":             strings.Replace(strings.Replace(envelope(""), "<wsse:Security soap:mustUnderstand=\"true\">", "", 1), "</wsse:Security>", "", 1),
		"empty Security":          envelope(""),
		"two Security headers":    strings.Replace(good, "</soap:Header>", "<wsse:Security/></soap:Header>", 1),
		"two Headers":             strings.Replace(good, "<soap:Body>", "<soap:Header/><soap:Body>", 1),
		"Header beside Security":  strings.ReplaceAll(good, "wsse:Security", "wsse:Security2"),
		"70 EncryptedAssertion":   envelope(`<saml2:EncryptedAssertion xmlns:saml2="` + nsSAML + `"/>`),
		"EncryptedData in Body":   envelopeWith(signed, `<EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#"/>`),
		"SAML 1 assertion too":    envelopeWith(signed, `<Assertion xmlns="`+nsSAML1+`"/>`),
		"username token too":      envelope(signed + "<wsse:UsernameToken/>"),
		"SOAP 1.1":                strings.Replace(good, nsSOAP, "http://schemas.xmlsoap.org/soap/envelope/", 1),
		"the assertion as a root": signed,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := testVerifier(t, nil).VerifyEnvelope([]byte(message))
			refused(t, err, "SAML-001")
		})
	}
	t.Run("not XML", func(t *testing.T) {
		_, err := testVerifier(t, nil).VerifyEnvelope([]byte("{}"))
		refused(t, err, "XML-001")
	})
}

// TestReuse is attack 59: reuse within the validity is what XUA does, unless the
// operator or the assertion says otherwise; an ID stands for one content.
func TestReuse(t *testing.T) {
	plain := bare(t, doctor())
	signed := []byte(envelope(shape{}.sign(t, plain)))
	twin := []byte(envelope(shape{}.sign(t, strings.Replace(plain, canaryID, "899900000012", 1))))
	once := []byte(envelope(shape{}.sign(t, strings.Replace(plain, "<saml2:AudienceRestriction>", "<saml2:OneTimeUse/><saml2:AudienceRestriction>", 1))))

	t.Run("59 ID with other bytes", func(t *testing.T) {
		now := testNow
		v := testVerifier(t, func(c *Config) { c.Now = func() time.Time { return now } })
		if _, err := v.VerifyEnvelope(signed); err != nil {
			t.Fatal(err)
		}
		_, err := v.VerifyEnvelope(twin)
		refused(t, err, "SAML-009")
		if _, err := v.VerifyEnvelope(signed); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("59 a refused assertion takes no ID", func(t *testing.T) {
		v := testVerifier(t, nil)
		late := []byte(envelope(shape{}.sign(t, strings.Replace(plain, testAudience, "urn:other", 1))))
		_, err := v.VerifyEnvelope(late)
		refused(t, err, "SAML-006")
		if _, err := v.VerifyEnvelope(signed); err != nil {
			t.Error(err)
		}
	})
	for name, v := range map[string]*Verifier{
		"59 one-time assertions": testVerifier(t, func(c *Config) { c.OneTime = true }),
		"59 OneTimeUse":          testVerifier(t, nil),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := v.VerifyEnvelope(once); err != nil {
				t.Fatal(err)
			}
			_, err := v.VerifyEnvelope(once)
			refused(t, err, "SAML-009")
		})
	}
	t.Run("59 another TLS client", func(t *testing.T) {
		v := testVerifier(t, nil)
		tree := must(xmlgate.Parse(signed, xmlgate.Envelope()))
		one, other := &Client{Certificate: testPKI().rsa.cert, Holder: canaryID}, &Client{Certificate: testPKI().ec.cert, Holder: canaryID}
		for range 2 {
			if _, err := v.VerifyTree(tree, one); err != nil {
				t.Fatal(err)
			}
		}
		_, err := v.VerifyTree(tree, other)
		refused(t, err, "SAML-009")
		_, err = v.VerifyTree(tree, nil)
		refused(t, err, "SAML-009")
	})
}

// TestOptions checks the two options that a deployment may need.
func TestOptions(t *testing.T) {
	unaddressed := doctor()
	unaddressed.Omit = []string{"audience"}
	nobody := doctor()
	nobody.Patient = ""
	lenient := func(c *Config) {
		i := c.Issuers[testIssuer]
		i.AnyAudience = true
		c.Issuers = map[string]Issuer{testIssuer: i}
	}
	other := doctor()
	other.Audience = "urn:other"
	for _, test := range []struct {
		name, id string
		claims   Claims
		change   func(*Config)
	}{
		{"audience waived", "", unaddressed, lenient},
		{"audience waived but another one named", "SAML-006", other, lenient},
		{"no patient", "", nobody, nil},
		{"no patient where one is required", "SAML-005", nobody, func(c *Config) { c.RequirePatient = true }},
		{"69 a test issuer in production", "SAML-003", doctor(), func(c *Config) {
			pool := x509.NewCertPool()
			pool.AddCert(testPKI().otherRoot.cert)
			c.Issuers = map[string]Issuer{testIssuer: {Roots: pool, SubjectDN: testIssuer}}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			sub, err := testVerifier(t, test.change).VerifyEnvelope([]byte(envelope(issue(t, testSigner(testPKI().rsa), test.claims))))
			if test.id != "" {
				refused(t, err, test.id)
			} else if err != nil || sub.Patient != test.claims.Patient {
				t.Errorf("%v, %v", sub.Patient, err)
			}
		})
	}
}

// A transaction about several patients takes a token that names none, also where the
// others must; nothing else about the token is waived.
func TestPanel(t *testing.T) {
	nobody := doctor()
	nobody.Patient = ""
	v := testVerifier(t, func(c *Config) { c.RequirePatient = true })
	read := func(claims Claims) *xmlgate.Element {
		tree, err := xmlgate.Parse([]byte(envelope(issue(t, testSigner(testPKI().rsa), claims))), xmlgate.Envelope())
		if err != nil {
			t.Fatal(err)
		}
		return tree
	}
	if _, err := v.VerifyTree(read(nobody), nil); err == nil {
		t.Error("a token without a patient, for one record")
	}
	if sub, err := v.VerifyPanel(read(nobody), nil); err != nil || sub.ID != nobody.ID || sub.Patient != "" {
		t.Errorf("%+v %v", sub, err)
	}
	other := nobody
	other.Audience = "urn:other"
	_, err := v.VerifyPanel(read(other), nil)
	refused(t, err, "SAML-006")
}
