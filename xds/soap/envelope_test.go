package soap

import (
	"net/http"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

func TestReadPlain(t *testing.T) {
	env := envelope(headers+`<w:Security xmlns:w="`+NSSecurity+`" s:mustUnderstand="true"><t/></w:Security>`, payload)
	m, err := Read(request(`application/soap+xml; charset=utf-8; action="`+iti41+`"`, env), DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if m.Action != iti41 || m.MessageID != "urn:uuid:1" || !m.Body.Is("urn:x", "q") || m.Security.Child("", "t") == nil || string(m.Root) != env || m.Multipart {
		t.Errorf("got %+v", m)
	}
	if err := m.Drain(); err != nil {
		t.Errorf("a message without parts is whole: %v", err)
	}
}

// TestEnvelopeAttacks are the rows of safety §2.3 D and those of A that need an envelope.
func TestEnvelopeAttacks(t *testing.T) {
	soap := "application/soap+xml"
	for _, c := range []struct {
		name, contentType, body string
		id, says                string
		status                  int
	}{
		{"A-01 DOCTYPE", soap, `<!DOCTYPE a [<!ENTITY e "x">]>` + envelope(headers, payload), "XML-002", "DOCTYPE", 400},
		{"A-19 instruction in the envelope", soap, envelope(headers, "<?x y?>"+payload), "XML-002", "<?x?>", 400},
		{"A-20 comment in the header", soap, envelope(strings.Replace(headers, "uuid:", "uuid:<!-- -->", 1), payload), "XML-002", "commentaire", 400},
		{"A-11 text node larger than the envelope may be", soap, envelope(headers+"<t>"+strings.Repeat("x", 5<<20)+"</t>", payload), "SOAP-008", "MTOM", 413},
		{"header: too many elements", soap, envelope(headers+"<t>"+strings.Repeat("<e/>", 20_001)+"</t>", payload), "XML-003", "20000 éléments", 400},
		{"header: too many namespaces", soap, envelope(headers+strings.Repeat(`<e xmlns:p="u:1"/>`, 257), payload), "XML-003", "256 déclarations", 400},
		{"A-23 SOAP 1.1 namespace", soap, strings.ReplaceAll(envelope(headers, payload), NS, "http://schemas.xmlsoap.org/soap/envelope/"), "SOAP-002", "schemas.xmlsoap.org", 400},
		{"A-23 default namespace flip", soap, `<Envelope xmlns="` + NS + `"><Body xmlns="http://schemas.xmlsoap.org/soap/envelope/"><q/></Body></Envelope>`, "SOAP-001", "aucun Body", 400},
		{"A-28 JSON", "application/json", `{}`, "SOAP-007", "application/json", 415},
		{"A-28 JSON called SOAP", soap, `{}`, "XML-001", "hors de", 400},
		{"D-75 HTTP action differs", soap + `; action="urn:other"`, envelope(headers, payload), "SOAP-005", "urn:other", 400},
		{"D-76 unknown mandatory header", soap, envelope(headers+`<o:h xmlns:o="urn:o" s:mustUnderstand="1"/>`, payload), "SOAP-003", "{urn:o}h", 400},
		{"D-76 mandatory, role next", soap, envelope(headers+`<h s:mustUnderstand="true" s:role="`+NS+`/role/next"/>`, payload), "SOAP-003", "{}h", 400},
		{"D-76 unknown addressing header", soap, envelope(headers+`<a:h s:mustUnderstand="true"/>`, payload), "SOAP-003", "h", 400},
		{"D-76 malformed mustUnderstand", soap, envelope(headers+`<h s:mustUnderstand="yes"/>`, payload), "SOAP-001", "yes", 400},
		{"D-77 ReplyTo elsewhere", soap, envelope(headers+`<a:ReplyTo><a:Address>http://127.0.0.1:1/x</a:Address></a:ReplyTo>`, payload), "SOAP-009", "127.0.0.1", 400},
		{"D-77 FaultTo elsewhere", soap, envelope(headers+`<a:FaultTo><a:Address>http://127.0.0.1:1/x</a:Address></a:FaultTo>`, payload), "SOAP-009", "127.0.0.1", 400},
		{"D-77 second ReplyTo", soap, envelope(headers+strings.Repeat(`<a:ReplyTo><a:Address>`+anonymous+`</a:Address></a:ReplyTo>`, 2), payload), "SOAP-006", "ReplyTo répété", 400},
		{"D-78 MessageID missing", soap, envelope(`<a:Action>urn:x</a:Action>`, payload), "SOAP-006", "MessageID absent", 400},
		{"D-78 MessageID twice", soap, envelope(headers+`<a:MessageID>urn:uuid:2</a:MessageID>`, payload), "SOAP-006", "MessageID répété", 400},
		{"D-78 MessageID empty", soap, envelope(`<a:Action>urn:x</a:Action><a:MessageID/>`, payload), "SOAP-006", "MessageID vide", 400},
		{"Action missing", soap, envelope(`<a:MessageID>urn:uuid:1</a:MessageID>`, payload), "SOAP-006", "Action absent", 400},
		{"Action twice", soap, envelope(headers+`<a:Action>urn:y</a:Action>`, payload), "SOAP-006", "Action répété", 400},
		{"no header at all", soap, `<s:Envelope xmlns:s="` + NS + `"><s:Body>` + payload + `</s:Body></s:Envelope>`, "SOAP-006", "Action absent", 400},
		{"D-79 two children of Body", soap, envelope(headers, payload+payload), "SOAP-001", "plusieurs contenus", 400},
		{"D-79 empty Body", soap, envelope(headers, ""), "SOAP-001", "Body vide", 400},
		{"D-79 two Bodies", soap, strings.Replace(envelope(headers, payload), "</s:Body>", "</s:Body><s:Body>"+payload+"</s:Body>", 1), "SOAP-001", "Body en trop", 400},
		{"D-79 two Headers", soap, strings.Replace(envelope(headers, payload), "</s:Header>", "</s:Header><s:Header/>", 1), "SOAP-001", "aucun Body à sa place", 400},
		{"D-79 Header behind Body", soap, strings.Replace(envelope(headers, payload), "</s:Body>", "</s:Body><s:Header/>", 1), "SOAP-001", "Header en trop", 400},
		{"D-80 SOAP 1.1 media type", "text/xml; charset=utf-8", envelope(headers, payload), "SOAP-002", "text/xml", 400},
		{"D-81 huge MessageID", soap, envelope(`<a:Action>urn:x</a:Action><a:MessageID>urn:`+strings.Repeat("x", 3000)+`</a:MessageID>`, payload), "XML-003", "MessageID", 400},
		{"D-81 huge RelatesTo", soap, envelope(headers+`<a:RelatesTo>urn:`+strings.Repeat("x", 3000)+`</a:RelatesTo>`, payload), "XML-003", "RelatesTo", 400},
		{"two security headers", soap, envelope(headers+strings.Repeat(`<w:Security xmlns:w="`+NSSecurity+`"/>`, 2), payload), "SAML-001", "second wsse:Security", 400},
		{"no envelope", soap, payload, "SOAP-001", "{urn:x}q", 400},
		{"other charset", soap + "; charset=iso-8859-1", envelope(headers, payload), "SOAP-007", "iso-8859-1", 415},
		{"no media type", "", envelope(headers, payload), "SOAP-007", "", 415},
		{"contradicting parameters", soap + "; action=a; action=b", envelope(headers, payload), "SOAP-007", "deux fois", 415},
		{"E-82 XOP without parts", soap, envelope(headers, documents("d1")), "MIME-002", "aucune partie <d1>", 400},
		{"E-82 XOP to a file, without parts", soap, envelope(headers, strings.Replace(documents("d1"), "cid:d1", "file:///etc/passwd", 1)), "MIME-002", "file:", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Read(request(c.contentType, c.body), DefaultLimits())
			wantFinding(t, err, c.id, c.says)
			if w, fault := refuse(t, m.MessageID, err); w.Code != c.status || len(fault.Findings) == 0 {
				t.Errorf("fault: HTTP %d, %d findings; want %d", w.Code, len(fault.Findings), c.status)
			}
		})
	}
}

func TestAllFindingsAtOnce(t *testing.T) {
	_, err := Read(request("application/soap+xml", envelope(`<h s:mustUnderstand="1"/><a:ReplyTo/>`, "")), DefaultLimits())
	for _, id := range []string{"SOAP-001", "SOAP-003", "SOAP-006", "SOAP-009"} {
		wantFinding(t, err, id, "")
	}
}

func TestAcceptedHeaders(t *testing.T) {
	more := `<h s:mustUnderstand="0"/><h/><h s:mustUnderstand="1" s:role="urn:someone-else"/>` +
		`<a:To s:mustUnderstand="1">http://example.org/</a:To><a:From><a:Address>urn:me</a:Address></a:From>` +
		`<a:ReplyTo s:mustUnderstand="true"><a:Address> ` + anonymous + ` </a:Address></a:ReplyTo>` +
		`<o:own xmlns:o="urn:o" s:mustUnderstand="1"/>`
	_, err := Read(request("Application/SOAP+XML", envelope(headers+more, payload)), DefaultLimits(), xmlgate.Name{Space: "urn:o", Local: "own"})
	if err != nil {
		t.Error(err)
	}
}

func TestCompressedBodyIsRefused(t *testing.T) {
	for _, encoding := range []string{"gzip", "deflate", "identity, gzip"} {
		r := request("application/soap+xml", "\x1f\x8b")
		r.Header.Set("Content-Encoding", encoding)
		_, err := Read(r, DefaultLimits())
		wantFinding(t, err, "SOAP-007", encoding)
		if w, _ := refuse(t, "", err); w.Code != http.StatusUnsupportedMediaType {
			t.Errorf("%s: HTTP %d", encoding, w.Code)
		}
	}
}

// TestSizeIsNamed: a body announced too long is refused unread, and says how long it is.
func TestSizeIsNamed(t *testing.T) {
	r := requestFrom("application/soap+xml", unreadable{t})
	r.ContentLength = 12 << 20
	_, err := Read(r, DefaultLimits())
	wantFinding(t, err, "SOAP-008", "12 Mio")
	wantFinding(t, err, "SOAP-008", "au plus 4 Mio")
}

type unreadable struct{ t *testing.T }

func (u unreadable) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, http.ErrBodyReadAfterClose
}

func (unreadable) Close() error { return nil }

// TestSlowBody is A-27: the deadline of the server's connection ends the wait.
func TestSlowBody(t *testing.T) {
	_, err := Read(requestFrom("application/soap+xml", late{}), DefaultLimits())
	wantFinding(t, err, "SOAP-010", "délai")
	if w, _ := refuse(t, "", err); w.Code != http.StatusRequestTimeout {
		t.Errorf("HTTP %d", w.Code)
	}
	_, err = Read(requestFrom(mtomType, late{}), DefaultLimits())
	wantFinding(t, err, "SOAP-010", "délai")
}

type late struct{}

func (late) Read([]byte) (int, error) { return 0, timeout{} }

type timeout struct{}

func (timeout) Error() string   { return "i/o timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

func TestFaultForm(t *testing.T) {
	for _, c := range []struct {
		name, id, code, subcode, action string
		status                          int
	}{
		{"sender", "SOAP-001", "Sender", "", actionFault, 400},
		{"version", "SOAP-002", "VersionMismatch", "", actionFault, 400},
		{"must understand", "SOAP-003", "MustUnderstand", "", actionFault, 400},
		{"addressing", "SOAP-004", "Sender", "ActionNotSupported", actionAddrFault, 400},
		{"addressing, nested", "SOAP-005", "Sender", "ActionMismatch", actionAddrFault, 400},
		{"reply address, nested", "SOAP-009", "Sender", "OnlyAnonymousAddressSupported", actionAddrFault, 400},
		{"security", "SAML-004", "Sender", "SecurityTokenUnavailable", actionFault, 400},
		{"media type", "SOAP-007", "Sender", "", actionFault, 415},
		{"size", "SOAP-008", "Sender", "", actionFault, 413},
		{"ours", "INT-001", "Receiver", "", actionFault, 500},
		{"busy", "REG-006", "Receiver", "", actionFault, 500},
		{"a finding of a registry", "META-003", "Sender", "", actionFault, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, shown := "<&\"\x01", "<&\"·"
			if c.code == "MustUnderstand" {
				found, shown = "{urn:o}h", "{urn:o}h"
			}
			finding := &xds.Error{ID: c.id, Where: "a/b", Line: 3, Column: 7, Found: found, Expected: "é", Nearest: []string{"x", "y"}, Object: "Doc1"}
			w, fault := refuse(t, "urn:uuid:1&", finding)
			if w.Code != c.status || fault.Code != c.code || fault.Subcode != c.subcode {
				t.Errorf("got HTTP %d %s/%s, want %d %s/%s", w.Code, fault.Code, fault.Subcode, c.status, c.code, c.subcode)
			}
			got := fault.Findings[0]
			if got.ID != c.id || got.Where != "a/b" || got.Line != 3 || got.Column != 7 || got.Found != shown || got.Expected != "é" || len(got.Nearest) != 2 || got.Object != "Doc1" {
				t.Errorf("finding: %+v", got)
			}
			root, _ := xmlgate.Parse(w.Body.Bytes(), xmlgate.Limits{})
			header := root.Child(NS, "Header")
			if header.Child(NSAddr, "Action").Text != c.action || header.Child(NSAddr, "RelatesTo").Text != "urn:uuid:1&" || header.Child(NSAddr, "MessageID").Text != "urn:uuid:answer" {
				t.Errorf("addressing of %s", w.Body)
			}
			if (header.Child(NS, "Upgrade") != nil) != (c.code == "VersionMismatch") {
				t.Error("Upgrade goes with VersionMismatch")
			}
			if block := header.Child(NS, "NotUnderstood"); c.code == "MustUnderstand" {
				if n, ok := block.QName(block.Attr("qname")); !ok || n.Space != "urn:o" {
					t.Errorf("NotUnderstood: %v", n)
				}
			}
			reason := root.Find(NS, "Body", "Fault", "Reason").ChildrenNamed(NS, "Text")
			if lang, _ := reason[0].AttrNS("http://www.w3.org/XML/1998/namespace", "lang"); lang != "fr" || !strings.Contains(reason[0].Text, finding.Problem().French) || !strings.Contains(reason[1].Text, finding.Problem().English) {
				t.Errorf("reason: %q %q", reason[0].Text, reason[1].Text)
			}
			for name, want := range map[string]string{"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff", "Content-Type": `application/soap+xml; charset=UTF-8; action="` + c.action + `"`} {
				if got := w.Header().Get(name); got != want {
					t.Errorf("%s: %q", name, got)
				}
			}
		})
	}
}

// TestFaultTellsNothingOfTheInside: an error that is no finding stays in the house.
func TestFaultTellsNothingOfTheInside(t *testing.T) {
	w, fault := refuse(t, "", http.ErrHandlerTimeout)
	if fault.Findings[0].ID != "INT-001" || w.Code != 500 || strings.Contains(w.Body.String(), http.ErrHandlerTimeout.Error()) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}
