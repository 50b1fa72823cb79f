package iti_test

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/passerelle-sante/passerelle/xds/soap"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

const soapType = "application/soap+xml; charset=UTF-8"

// mtomType is the Content-Type of what mtom lays out.
const mtomType = `multipart/related; boundary="edge"; type="application/xop+xml"; start="<root>"; start-info="application/soap+xml"`

// envelope lays out a message by hand.
func envelope(action string, security, body []byte) string {
	return `<s:Envelope xmlns:s="` + soap.NS + `" xmlns:a="` + soap.NSAddr + `"><s:Header><a:Action s:mustUnderstand="1">` + action +
		`</a:Action><a:MessageID>urn:uuid:` + newID() + `</a:MessageID>` + string(security) + `</s:Header><s:Body>` + string(body) + `</s:Body></s:Envelope>`
}

// mtom lays out a multipart of boundary edge: the envelope, then parts by
// Content-ID and content in turn.
func mtom(envelope string, parts ...string) string {
	var b strings.Builder
	b.WriteString("--edge\r\nContent-Type: application/xop+xml; charset=UTF-8; type=\"application/soap+xml\"\r\nContent-ID: <root>\r\n\r\n" + envelope)
	for i := 0; i+1 < len(parts); i += 2 {
		b.WriteString("\r\n--edge\r\nContent-Type: text/xml\r\nContent-ID: <" + parts[i] + ">\r\n\r\n" + parts[i+1])
	}
	return b.String() + "\r\n--edge--\r\n"
}

// send posts a body as it is, checks the answer as any other, and gives it in one
// line with its bytes.
func (w *world) send(path, contentType, body string) (outcome string, raw []byte) {
	w.t.Helper()
	rec := &recorder{t: w.t}
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.server.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	response, err := rec.RoundTrip(request)
	if err != nil {
		w.t.Fatal(err)
	}
	return answerLine(response.StatusCode, rec.body), rec.body
}

// answerLine is the status of a RegistryResponse with the codes of its errors, or
// a Fault with its code, subcode and findings, read from an envelope.
func answerLine(status int, raw []byte) string {
	root, err := xmlgate.Parse(raw, xmlgate.Envelope())
	if err != nil {
		return err.Error()
	}
	local := func(s string) string { return s[strings.LastIndex(s, ":")+1:] }
	fault := root.Find(soap.NS, "Body", "Fault")
	if fault == nil {
		line := fmt.Sprint(status)
		for e := range root.All() {
			switch {
			case e.Attr("status") != "" && line == fmt.Sprint(status):
				line += " " + local(e.Attr("status"))
			case e.Local == "RegistryError":
				id, _, _ := strings.Cut(e.Attr("codeContext"), " ")
				line += "; " + id + " " + e.Attr("errorCode")
			}
		}
		return line
	}
	line := fmt.Sprintf("Fault %d %s", status, local(fault.Find(soap.NS, "Code", "Value").Trimmed()))
	for sub := fault.Find(soap.NS, "Code", "Subcode"); sub != nil; sub = sub.Child(soap.NS, "Subcode") {
		line += "/" + local(sub.Child(soap.NS, "Value").Trimmed())
	}
	for _, f := range fault.Child(soap.NS, "Detail").ChildrenNamed(soap.NSFinding, "Finding") {
		line += " " + f.Attr("code")
	}
	return line
}
