package iti_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/saml"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// TestHostileMessages: each message that no client should send is the Fault that
// says so. Nothing is stored, no record is opened, and the gateway goes on.
func TestHostileMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.security(on(server, w.alice))
	lot := w.lot(server, w.alice)
	body := ebrim.AppendProvideAndRegister(nil, &lot, []ebrim.SentDocument{{ID: "Document01", Inline: []byte(canary)}})
	good := envelope(actionSubmit, token, body)
	query := ebrim.AppendQuery(nil, storedQuery("FindDocuments", ebrim.LeafClass, "$XDSDocumentEntryPatientId", string(w.alice.ins), "$XDSDocumentEntryStatus", string(xds.Approved)))
	replaced := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the message has no %q", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	signed := func(change func(*saml.Claims)) string {
		c := on(server, w.alice)
		change(&c)
		return envelope(actionSubmit, w.security(c), body)
	}
	for _, c := range []struct{ name, contentType, message, want string }{
		{"nothing", soapType, "", "Fault 400 Sender XML-001"},
		{"no XML", soapType, "hello", "Fault 400 Sender XML-001"},
		{"cut short", soapType, good[:len(good)-20], "Fault 400 Sender XML-001"},
		{"no UTF-8", soapType, replaced("CR d'examens", "CR d\xe9xamens"), "Fault 400 Sender XML-001"},
		{"NUL", soapType, replaced("CR d'examens", "CR\x00"), "Fault 400 Sender XML-001"},
		{"undeclared prefix", soapType, replaced("<lcm:SubmitObjectsRequest", "<nope:SubmitObjectsRequest"), "Fault 400 Sender XML-001"},
		{"DTD", soapType, `<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + good, "Fault 400 Sender XML-002"},
		{"entity", soapType, replaced("CR d'examens", "&x;"), "Fault 400 Sender XML-002"},
		{"processing instruction", soapType, replaced("<s:Body>", "<?php x?><s:Body>"), "Fault 400 Sender XML-002"},
		{"comment", soapType, replaced("<s:Body>", "<!-- x --><s:Body>"), "Fault 400 Sender XML-002"},
		{"too deep", soapType, replaced("<lcm:", strings.Repeat("<a>", 100)+"<lcm:"), "Fault 400 Sender XML-003"},
		{"UTF-16", "application/soap+xml; charset=UTF-16", good, "Fault 415 Sender SOAP-007"},
		{"media type", "application/xml", good, "Fault 415 Sender SOAP-007"},
		{"JSON", "application/json", "{}", "Fault 415 Sender SOAP-007"},
		{"no media type", "", good, "Fault 415 Sender SOAP-007"},
		{"SOAP 1.1 by media type", "text/xml; charset=UTF-8", good, "Fault 400 VersionMismatch SOAP-002"},
		{"SOAP 1.1 by namespace", soapType, strings.ReplaceAll(good, soap.NS, "http://schemas.xmlsoap.org/soap/envelope/"), "Fault 400 VersionMismatch SOAP-002"},
		{"another root", soapType, `<a/>`, "Fault 400 Sender SOAP-001"},
		{"two Bodies", soapType, replaced("</s:Body>", "</s:Body><s:Body><x/></s:Body>"), "Fault 400 Sender SOAP-001"},
		{"two contents in the Body", soapType, replaced("</s:Body>", "<x/></s:Body>"), "Fault 400 Sender SOAP-001"},
		{"empty Body", soapType, envelope(actionSubmit, token, nil), "Fault 400 Sender SOAP-001"},
		{"a header that must be understood", soapType, replaced("</s:Header>", `<x:y xmlns:x="urn:x" s:mustUnderstand="1"/></s:Header>`), "Fault 400 MustUnderstand SOAP-003"},
		{"an answer elsewhere", soapType, replaced("</s:Header>", "<a:ReplyTo><a:Address>http://10.0.0.1/</a:Address></a:ReplyTo></s:Header>"),
			"Fault 400 Sender/InvalidAddressingHeader/OnlyAnonymousAddressSupported SOAP-009"},
		{"unknown action", soapType, envelope("urn:x", token, body), "Fault 400 Sender/ActionNotSupported SOAP-004"},
		{"action of the registry", soapType, envelope(actionQuery, token, query), "Fault 400 Sender/ActionNotSupported SOAP-004"},
		{"action of another body", soapType, envelope(actionSubmit, token, query), "Fault 400 Sender/InvalidAddressingHeader/ActionMismatch SOAP-005"},
		{"HTTP says another action", soapType + `; action="` + actionRetrieve + `"`, good, "Fault 400 Sender/InvalidAddressingHeader/ActionMismatch SOAP-005"},
		{"no action", soapType, replaced(`<a:Action s:mustUnderstand="1">`+actionSubmit+`</a:Action>`, ""), "Fault 400 Sender/MessageAddressingHeaderRequired SOAP-006"},
		{"no token", soapType, envelope(actionSubmit, nil, body), "Fault 400 Sender/InvalidSecurity SAML-001"},
		{"two tokens", soapType, envelope(actionSubmit, append(w.security(on(server, w.alice)), token...), body), "Fault 400 Sender/InvalidSecurity SAML-001"},
		{"unsigned token", soapType, signed(func(c *saml.Claims) { c.Omit = []string{"signature"} }), "Fault 400 Sender/FailedCheck SAML-002"},
		{"tampered token", soapType, replaced(">"+hospital+"</saml2:NameID>", ">"+practice+"</saml2:NameID>"), "Fault 400 Sender/FailedCheck SAML-002"},
		{"expired token", soapType, signed(func(c *saml.Claims) { c.ExpiresIn = -2 * time.Minute }), "Fault 400 Sender/SecurityTokenUnavailable SAML-004"},
		{"token of tomorrow", soapType, signed(func(c *saml.Claims) { c.NotBefore = 10 * time.Minute }), "Fault 400 Sender/SecurityTokenUnavailable SAML-004"},
		{"token for another service", soapType, signed(func(c *saml.Claims) { c.Audience = "https://other.example/xds" }), "Fault 400 Sender/FailedAuthentication SAML-006"},
		{"token of an unknown issuer", soapType, signed(func(c *saml.Claims) { c.Issuer = "CN=other" }), "Fault 400 Sender/FailedAuthentication SAML-003"},
		{"no boundary", "multipart/related; type=\"application/xop+xml\"", mtom(good), "Fault 400 Sender MIME-001"},
		{"multipart of text", `multipart/related; boundary="edge"; type="text/plain"`, mtom(good), "Fault 415 Sender SOAP-007"},
		{"multipart of nothing", mtomType, "--edge--\r\n", "Fault 400 Sender MIME-001"},
		{"a submission of nothing", soapType, envelope(actionSubmit, token, []byte(`<x:ProvideAndRegisterDocumentSetRequest xmlns:x="`+ebrim.NamespaceXDS+`"/>`)), "Fault 400 Sender SOAP-001"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, raw := w.send("/xds/repository", c.contentType, c.message)
			if got != c.want {
				t.Errorf("got %s\n%s", got, raw)
			}
			for _, secret := range []string{w.alice.ins.ID(), "DURAND", canary, "passwd\""} {
				if bytes.Contains(raw, []byte(secret)) {
					t.Errorf("the answer holds %q: %s", secret, raw)
				}
			}
			if left := w.left(); left != "" {
				t.Errorf("left: %s", left)
			}
		})
	}
	if got, raw := w.send("/xds/repository", soapType, good); got != "200 Success" {
		t.Errorf("a good message: %s %s", got, raw)
	}
	if lines := w.trail(w.alice, "ITI-41"); len(lines) > 2 {
		t.Errorf("trail: %v", lines)
	}
}

// TestOtherMethods: what is no message gets a plain answer, and ?wsdl the
// description of the endpoint.
func TestOtherMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		method, path string
		status       int
		says         string
	}{
		{"GET", "/xds/registry", 405, "?wsdl"}, {"PUT", "/xds/repository", 405, "POST"}, {"DELETE", "/xds/repository?wsdl", 405, "POST"},
		{"GET", "/xds/registry?wsdl", 200, actionQuery}, {"GET", "/xds/repository?wsdl", 200, actionRetrieve},
	} {
		request, err := http.NewRequestWithContext(t.Context(), c.method, w.server.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != c.status || !strings.Contains(string(body), c.says) {
			t.Errorf("%s %s: %d %s", c.method, c.path, response.StatusCode, body)
		}
	}
}
