package iti_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/saml"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

const (
	misplaced = "Fault 400 Sender/InvalidSecurity SAML-001"
	forged    = "Fault 400 Sender/FailedCheck SAML-002"
	untrusted = "Fault 400 Sender/FailedAuthentication SAML-003"
	outOfTime = "Fault 400 Sender/SecurityTokenUnavailable SAML-004"
	badToken  = "Fault 400 Sender/InvalidSecurityToken SAML-005"
	notForUs  = "Fault 400 Sender/FailedAuthentication SAML-006"
	algorithm = "Fault 400 Sender/UnsupportedAlgorithm SAML-007"
)

// pieces are the texts of a genuine assertion that forgeries are made of.
type pieces struct {
	signed, bare, signature string // the assertion, without its signature, the signature
	evil                    string // another subject and ID, no signature
	twin                    string // another subject under the same ID, no signature
}

var dsSignature = regexp.MustCompile(`(?s)<ds:Signature[ >].*</ds:Signature>`)

// cut takes apart the assertion of a stranger who wants to be durand.
func (a *assault) cut(t *testing.T) pieces {
	t.Helper()
	assertion, err := a.signer().Issue(on(stranger, a.alice))
	if err != nil {
		t.Fatal(err)
	}
	p := pieces{signed: string(assertion)}
	p.signature = dsSignature.FindString(p.signed)
	p.bare = strings.Replace(p.signed, p.signature, "", 1)
	p.twin = strings.ReplaceAll(p.bare, stranger.ID, durand.ID)
	p.evil = strings.Replace(p.twin, ` ID="`, ` ID="_evil`, 1)
	if p.signature == "" || p.twin == p.bare {
		t.Fatal("the assertion is not what the forgeries expect")
	}
	return p
}

// withSignature puts a signature behind the issuer, where the schema has it.
func withSignature(assertion, signature string) string {
	return strings.Replace(assertion, "</saml2:Issuer>", "</saml2:Issuer>"+signature, 1)
}

// inside puts a text before the end tag of the outer element.
func inside(outer, text string) string {
	i := strings.LastIndex(outer, "</")
	return outer[:i] + text + outer[i:]
}

// TestAttacksToken is groups B and C of safety §2.3 against the real endpoint: an
// assertion of somebody without any right on alice, dressed up as that of her doctor.
// Those that have to be signed anew are in xds/saml.
func TestAttacksToken(t *testing.T) {
	a := newAssault(t)
	p := a.cut(t)
	body := string(ebrim.AppendQuery(nil, storedQuery("FindDocuments", ebrim.LeafClass, "$XDSDocumentEntryPatientId", string(a.alice.ins), "$XDSDocumentEntryStatus", string(xds.Approved))))
	security := func(content string) []byte {
		return []byte(`<wsse:Security xmlns:wsse="` + soap.NSSecurity + `">` + content + `</wsse:Security>`)
	}
	token := func(name, content, want string) attack {
		return attack{name, soapType, envelope(actionQuery, security(content), []byte(body)), want}
	}
	changed := func(name, old, new, want string) attack {
		if !strings.Contains(p.signed, old) {
			t.Fatalf("%s: no %q in %s", name, old, p.signed)
		}
		return token(name, strings.Replace(p.signed, old, new, 1), want)
	}
	object := func(content string) string {
		return inside(p.signature, `<ds:Object xmlns:ds="http://www.w3.org/2000/09/xmldsig#">`+content+`</ds:Object>`)
	}
	info := p.signature[strings.Index(p.signature, "<ds:SignedInfo"):strings.Index(p.signature, "<ds:SignatureValue")]
	reference := info[strings.Index(info, "<ds:Reference"):strings.Index(info, "</ds:SignedInfo")]
	uri := `URI="#` + idOf(p.signed) + `"`
	id := idOf(p.signed)
	outsideID := func(name, attribute string) attack {
		return attack{name, soapType, envelope(actionQuery, []byte(string(security(p.signed))+`<x `+attribute+`="`+id+`"/>`), []byte(body)), forged}
	}
	a.repel(t, "/xds/registry", []attack{
		token("29 XSW1 evil before the signed one", p.evil+p.signed, misplaced),
		token("30 XSW2 evil behind the signed one", p.signed+p.evil, misplaced),
		token("31 XSW3 evil wraps the signed one", inside(p.evil, p.signed), misplaced),
		token("32 XSW4 the signed one wraps evil", inside(p.signed, p.evil), misplaced),
		token("33 XSW5 signature copied to evil", withSignature(p.evil, p.signature)+p.bare, misplaced),
		token("34 XSW6 the signed one in a ds:Object of evil", withSignature(p.evil, object(p.bare)), forged),
		token("35 XSW7 the signed one in Extensions", inside(p.evil, "<Extensions>"+p.signed+"</Extensions>"), misplaced),
		{"36 XSW8 the signed one in the Body", soapType, envelope(actionQuery, security(withSignature(p.evil, p.signature)), []byte(inside(body, p.signed))), misplaced},
		token("36 evil under the signature of the signed one", withSignature(p.twin, p.signature), forged),
		outsideID("37 the same ID twice", "ID"), outsideID("38 Id", "Id"), outsideID("38 xml:id", "xml:id"), outsideID("38 e:ID", `xmlns:e="urn:e" e:ID`),
		token("39 two signatures", withSignature(p.signed, p.signature), forged),
		changed("40 two SignedInfo", "<ds:SignatureValue", info+"<ds:SignatureValue", forged),
		changed("41 two References", "</ds:SignedInfo>", reference+"</ds:SignedInfo>", forged),
		changed("42 URI empty", uri, `URI=""`, forged),
		changed("42 URI without #", uri, `URI="X`+id+`"`, forged),
		changed("42 URI xpointer", uri, `URI="#xpointer(id('`+id+`'))"`, forged),
		changed("42 URI external", uri, `URI="`+a.outside+`/x"`, forged),
		changed("43 transform XSLT", "http://www.w3.org/2000/09/xmldsig#enveloped-signature", "http://www.w3.org/TR/1999/REC-xslt-19991116", forged),
		changed("44 canonicalisation with comments", "http://www.w3.org/2001/10/xml-exc-c14n#", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments", algorithm),
		changed("45 comment in DigestValue", "<ds:DigestValue>", "<ds:DigestValue><!-- -->", forbidden),
		changed("50 ds prefix of another namespace", `xmlns:ds="http://www.w3.org/2000/09/xmldsig#"`, `xmlns:ds="urn:other"`, forged),
		changed("51 relative namespace", "<saml2:NameID>", `<saml2:NameID xmlns:x="relative">`, forbidden),
		changed("53 10 000 References", "</ds:SignedInfo>", strings.Repeat(`<ds:Reference URI="#_a"/>`, 10_000)+"</ds:SignedInfo>", beyond),
		token("54 signature over another element", strings.ReplaceAll(p.signed, "saml2:Assertion", "saml2:Response"), misplaced),
		token("55 signature stripped", p.bare, forged),
		token("55 signature stripped, another subject", p.twin, forged),
	})
	t.Run("52 empty values", func(t *testing.T) {
		for _, element := range []string{"SignatureValue", "DigestValue"} {
			empty := regexp.MustCompile(`<ds:`+element+`>[^<]*<`).ReplaceAllString(p.signed, `<ds:`+element+`><`)
			if got, raw := a.send("/xds/registry", soapType, envelope(actionQuery, security(empty), []byte(body))); got != forged {
				t.Errorf("%s: %s\n%s", element, got, raw)
			}
		}
	})

	claims := func(name string, change func(*saml.Claims), want string) attack {
		c := on(durand, a.alice)
		change(&c)
		return attack{name, soapType, envelope(actionQuery, a.security(c), []byte(body)), want}
	}
	omitted := func(name, what, want string) attack {
		return claims(name, func(c *saml.Claims) { c.Omit = []string{what} }, want)
	}
	door := func(code string) string { return "200 Failure; " + code + " XDSRegistryError" }
	a.repel(t, "/xds/registry", []attack{
		claims("56 NotBefore in ten minutes", func(c *saml.Claims) { c.NotBefore = 10 * time.Minute }, outOfTime),
		claims("56 expired two minutes ago", func(c *saml.Claims) { c.ExpiresIn = -2 * time.Minute }, outOfTime),
		omitted("57 no Conditions", "conditions", badToken),
		omitted("57 no end", "exp", badToken),
		claims("58 another audience", func(c *saml.Claims) { c.Audience = "https://other.example/xds" }, notForUs),
		omitted("58 no audience", "aud", notForUs),
		claims("61 issuer unknown", func(c *saml.Claims) { c.Issuer = "CN=other" }, untrusted),
		claims("61 issuer with a space", func(c *saml.Claims) { c.Issuer = "CN=VIHF " }, untrusted),
		claims("63 two purposes of use", func(c *saml.Claims) { c.SecondPurpose = "bris_de_glace" }, badToken),
		claims("64 role outside the code system", func(c *saml.Claims) { c.Profession = "999" }, door("ACC-02")),
		claims("65 centre 15 by one who regulates nothing", func(c *saml.Claims) { c.Mode = "centre_15" }, door("ACC-24")),
		claims("66 bris de glace with a blank reason", func(c *saml.Claims) { c.Mode, c.Reason, c.Traits = "bris_de_glace", " \u00a0", a.alice.traits }, door("ACC-25")),
		claims("66 bris de glace without a reason", func(c *saml.Claims) { c.Mode, c.Traits = "bris_de_glace", a.alice.traits }, door("ACC-25")),
		claims("67 the token names another patient", func(c *saml.Claims) { c.Patient = a.bruno.ins }, door("ACC-67")),
		token("70 EncryptedAssertion", `<saml2:EncryptedAssertion xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion"/>`, misplaced),
		{"73 the assertion in the Body", soapType, envelope(actionQuery, nil, []byte(inside(body, p.signed))), misplaced},
	})
	t.Run("59 an assertion used again", func(t *testing.T) {
		message := envelope(actionQuery, a.reader, []byte(body))
		a.accept(t, "/xds/registry", soapType, message)
		a.accept(t, "/xds/registry", soapType, message)
		other := a.signer()
		other.NewID = func() string { return idOf(string(a.reader)) }
		again, err := other.Issue(on(stranger, a.alice))
		if err != nil {
			t.Fatal(err)
		}
		if got, raw := a.send("/xds/registry", soapType, envelope(actionQuery, security(string(again)), []byte(body))); got != "Fault 400 Sender/FailedAuthentication SAML-009" {
			t.Errorf("its ID with other bytes: %s\n%s", got, raw)
		}
	})
}
