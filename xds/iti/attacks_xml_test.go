package iti_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

const (
	malformed = "Fault 400 Sender XML-001"
	forbidden = "Fault 400 Sender XML-002"
	beyond    = "Fault 400 Sender XML-003"
	noXOP     = "Fault 400 Sender MIME-002"
	noMIME    = "Fault 400 Sender MIME-001"
	shape     = "Fault 400 Sender SOAP-001"
	tooBig    = "Fault 413 Sender SOAP-008"
	noMedia   = "Fault 415 Sender SOAP-007"
	mismatch  = "Fault 400 Sender/InvalidAddressingHeader/ActionMismatch SOAP-005"
	version   = "Fault 400 VersionMismatch SOAP-002"
)

// TestAttacksXML is group A of safety §2.3 against the real endpoint: what the text of
// the envelope can do. It runs alone, because it measures memory.
func TestAttacksXML(t *testing.T) {
	a := newAssault(t)
	xml := func(name, message, want string) attack { return attack{name, soapType, message, want} }
	doctype := func(subset, reference string) string {
		return "<!DOCTYPE s [" + subset + "]>" + a.in("CR d'examens", reference)
	}
	open := a.good[:strings.Index(a.good, ">")]
	a.repel(t, "/xds/repository", []attack{
		xml("01 DOCTYPE with an internal entity", doctype(`<!ENTITY e "x">`, "&e;"), forbidden),
		xml("02 external entity of a file", doctype(`<!ENTITY e SYSTEM "file:///etc/passwd">`, "&e;"), forbidden),
		xml("02 external entity by http", doctype(`<!ENTITY e SYSTEM "`+a.outside+`/x">`, "&e;"), forbidden),
		xml("02 external DTD", `<!DOCTYPE s SYSTEM "`+a.outside+`/x.dtd">`+a.good, forbidden),
		xml("03 parameter entity", doctype(`<!ENTITY % p SYSTEM "`+a.outside+`/x"> %p;`, "x"), forbidden),
		xml("04 billion laughs", doctype(`<!ENTITY l "ha"><!ENTITY m "&l;&l;&l;&l;&l;&l;&l;&l;"><!ENTITY e "&m;&m;&m;&m;&m;&m;&m;&m;">`, "&e;"), forbidden),
		xml("05 quadratic blow-up", doctype(`<!ENTITY e "`+strings.Repeat("x", 1<<20)+`">`, strings.Repeat("&e;", 1000)), forbidden),
		xml("06 depth 100 000", a.in("<s:Body>", "<s:Body>"+strings.Repeat("<a>", 100_000)), beyond),
		xml("07 a million siblings", a.in("<s:Body>", "<s:Body>"+strings.Repeat("<a/>", 1_000_000)), beyond),
		xml("08 100 000 attributes", a.in("<s:Body>", "<s:Body"+numbered(100_000, ` a%d=""`)+">"), beyond),
		xml("09 5 000 namespaces on one element", a.in("<s:Body>", "<s:Body"+numbered(5_000, ` xmlns:p%d="urn:p%[1]d"`)+">"), beyond),
		xml("09 5 000 namespaces in the token", a.in("<saml2:NameID>", "<saml2:NameID>"+numbered(5_000, `<x xmlns:p%d="urn:p%[1]d"/>`)), beyond),
		xml("10 namespaces nested 3 000 deep", a.in("<s:Body>", "<s:Body>"+numbered(3_000, `<a xmlns:p%d="urn:p%[1]d">`)), beyond),
		xml("11 text of 64 MB in the header", a.in("</s:Header>", "<t>"+strings.Repeat("x", 64<<20)+"</t></s:Header>"), tooBig),
		xml("12 duplicate attribute", a.in("<s:Body>", `<s:Body a="1" a="2">`), malformed),
		xml("13 duplicate attribute through two prefixes", a.in("<s:Body>", `<s:Body xmlns:p="u:1" xmlns:q="u:1" p:a="1" q:a="2">`), malformed),
		xml("14 undeclared prefix", a.in("<s:Body>", "<s:Body><nope:x/>"), malformed),
		xml("15 second root", a.good+a.good, malformed),
		xml("15 trailing text", a.good+"x", malformed),
		xml("16 UTF-16 with a byte order mark", "\xff\xfe"+utf16(a.good), forbidden),
		xml("17 ISO-8859-1 declared over UTF-8", `<?xml version="1.0" encoding="ISO-8859-1"?>`+a.good, forbidden),
		xml("18 overlong UTF-8", a.in("CR d'examens", "CR \xc0\xbc"), malformed),
		xml("18 NUL", a.in("CR d'examens", "CR \x00"), malformed),
		xml("18 U+FFFE", a.in("CR d'examens", "CR \ufffe"), malformed),
		xml("19 processing instruction before the envelope", "<?x y?>"+a.good, forbidden),
		xml("19 processing instruction inside", a.in("<s:Body>", "<?x y?><s:Body>"), forbidden),
		xml("20 comment inside a value of the token", a.in(">"+hospital+"</saml2:NameID>", ">"+hospital[:4]+"<!-- -->"+hospital[4:]+"</saml2:NameID>"), forbidden),
		xml("20 comment in the body", a.in("<s:Body>", "<s:Body><!-- -->"), forbidden),
		xml("23 the default namespace turns into that of SOAP 1.1", `<Envelope xmlns="`+soap.NS+`"><Body xmlns="http://schemas.xmlsoap.org/soap/envelope/"><q/></Body></Envelope>`, shape+" SOAP-006 SOAP-006"),
		xml("23 SOAP 1.1 under the prefix of SOAP 1.2", strings.ReplaceAll(a.good, soap.NS, "http://schemas.xmlsoap.org/soap/envelope/"), version),
		xml("24 xml:id of the assertion on another element", strings.Replace(a.good, "<s:Body>", `<s:Body xml:id="`+idOf(a.good)+`">`, 1), "Fault 400 Sender/FailedCheck SAML-002"),
		xml("25 zero-width space in the patient", a.changed(func(lot *xds.Submission) { lot.Set.PatientID, lot.Documents[0].PatientID = spoilt(a), spoilt(a) }), "200 Failure; ACC-67 XDSRepositoryError"),
		xml("25 digit of another script in an OID", a.changed(first(func(d *xds.DocumentEntry) { d.UniqueID += ".٣" })), "200 Failure; META-004 XDSRepositoryMetadataError"),
		{"28 JSON at the SOAP endpoint", "application/json", `{"resourceType":"Bundle"}`, noMedia},
		{"28 JSON called SOAP", soapType, `{"resourceType":"Bundle"}`, malformed},
	})

	t.Run("20 comment inside a document", func(t *testing.T) {
		lot := a.world.lot(server, a.alice)
		const content = "<?xml-stylesheet href='x.xsl'?><ClinicalDocument><!-- a note --></ClinicalDocument>"
		if got := a.push(on(server, a.alice), lot, attached("Document01", content)); got != "Success" {
			t.Error(got)
		}
	})
	t.Run("21 CDATA and character references", func(t *testing.T) {
		lot := a.world.lot(server, a.alice)
		message := a.within(a.inline(lot), ">20260131120000<", "><![CDATA[2026013112]]>&#x30;&#48;00<")
		a.accept(t, "/xds/repository", soapType, message)
		if got := a.entry(a.alice, lot.Documents[0].UniqueID).CreationTime; got != "20260131120000" {
			t.Errorf("read as %s", got)
		}
	})
	t.Run("22 XInclude and schemaLocation", func(t *testing.T) {
		message := a.within(a.inline(a.world.lot(server, a.alice)), "</s:Header>", `<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="`+a.outside+`/x"/></s:Header>`)
		a.accept(t, "/xds/repository", soapType, a.within(message, open, open+` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="`+soap.NS+` `+a.outside+`/x.xsd"`))
	})
	t.Run("24 xml:base is not followed", func(t *testing.T) {
		a.accept(t, "/xds/repository", soapType, a.within(a.inline(a.world.lot(server, a.alice)), open, open+` xml:base="`+a.outside+`/"`))
	})
	t.Run("26 compressed body", func(t *testing.T) {
		for _, encoding := range []string{"gzip", "deflate", "br"} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.server.URL+"/xds/repository", strings.NewReader(a.good))
			if err != nil {
				t.Fatal(err)
			}
			request.Header = http.Header{"Content-Type": {soapType}, "Content-Encoding": {encoding}}
			rec := &recorder{t: t}
			response, err := rec.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			if got := answerLine(response.StatusCode, rec.body); got != noMedia {
				t.Errorf("%s: %s", encoding, got)
			}
		}
	})
	t.Run("27 chunked body that never ends", a.neverEnding)
}

// neverEnding sends a body that stops in its midst: the deadline of the server, here
// a short one, makes of it 408, and nothing stays.
func (a *assault) neverEnding(t *testing.T) {
	before := a.left()
	impatient := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
			t.Error(err)
		}
		a.server.Config.Handler.ServeHTTP(w, r)
	}))
	defer impatient.Close()
	whole := mtom(a.mtom, "d1", canary)
	for name, sent := range map[string]string{
		"in the envelope": whole[:2000], "in the document": whole[:strings.Index(whole, canary)+5],
	} {
		conn, err := net.Dial("tcp", impatient.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /xds/repository HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", mtomType, len(sent), sent)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := io.ReadAll(response.Body)
		_ = conn.Close()
		if got := answerLine(response.StatusCode, raw); got != "Fault 408 Sender SOAP-010" {
			t.Errorf("%s: %s\n%s", name, got, raw)
		}
	}
	if after := a.left(); after != before {
		t.Errorf("%s, then %s", before, after)
	}
	if lines := a.trail(a.alice, "ITI-41"); !slices.Contains(lines, hospital+" true SOAP-010") {
		t.Errorf("the trail does not tell of the document that never came: %v", lines)
	}
}

// spoilt is alice's identifier with a zero-width space in it.
func spoilt(a *assault) xds.CX { return "279035121\u200b518989" + a.alice.ins[len("279035121518989"):] }

// idOf is the ID of the assertion of a message.
func idOf(message string) string {
	_, rest, _ := strings.Cut(message, ` ID="`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

func utf16(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteByte(byte(r))
		b.WriteByte(byte(r >> 8))
	}
	return b.String()
}
