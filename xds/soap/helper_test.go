package soap

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

const (
	iti41 = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"

	headers = `<a:Action s:mustUnderstand="1">` + iti41 + `</a:Action><a:MessageID>urn:uuid:1</a:MessageID>`
	payload = `<x:q xmlns:x="urn:x"/>`
)

// envelope is a SOAP 1.2 envelope with these header blocks and body.
func envelope(header, body string) string {
	return `<s:Envelope xmlns:s="` + NS + `" xmlns:a="` + NSAddr + `"><s:Header>` + header + `</s:Header><s:Body>` + body + `</s:Body></s:Envelope>`
}

// documents is a body that refers to the parts of these Content-IDs.
func documents(cids ...string) string {
	var b strings.Builder
	b.WriteString(`<x:q xmlns:x="urn:x">`)
	for _, cid := range cids {
		b.WriteString(`<x:Document><xop:Include xmlns:xop="` + NSXOP + `" href="cid:` + cid + `"/></x:Document>`)
	}
	return b.String() + `</x:q>`
}

const mtomType = `multipart/related; boundary="b"; type="application/xop+xml"; start="<root>"; start-info="application/soap+xml"`

// rootPart and part are pieces of a multipart body of boundary b.
func rootPart(env string) string {
	return "--b\r\nContent-Type: application/xop+xml; charset=UTF-8; type=\"application/soap+xml\"\r\nContent-ID: <root>\r\n\r\n" + env + "\r\n"
}

func part(cid, content string, more ...string) string {
	return "--b\r\nContent-Type: text/plain\r\nContent-ID: <" + cid + ">\r\n" + strings.Join(more, "") + "\r\n" + content + "\r\n"
}

func request(contentType, body string) *http.Request {
	return requestFrom(contentType, strings.NewReader(body))
}

func requestFrom(contentType string, body io.Reader) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", body)
	r.Header.Set("Content-Type", contentType)
	return r
}

// received is all of a message: its documents by Content-ID, in order.
type received struct {
	message *Message
	ids     []string
	content map[string]string
}

// readAll reads a request to its end.
func readAll(r *http.Request, l Limits) (received, error) {
	m, err := Read(r, l)
	got := received{message: m, content: map[string]string{}}
	if err != nil {
		return got, err
	}
	for {
		p, err := m.NextPart()
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return got, err
		}
		got.ids = append(got.ids, p.ContentID)
		got.content[p.ContentID] = string(content)
	}
}

// wantFinding checks that err is findings, one of them of this id saying this.
func wantFinding(t *testing.T, err error, id, says string) {
	t.Helper()
	var es xds.Errors
	if !errors.As(err, &es) {
		t.Fatalf("got %v, want finding %s", err, id)
	}
	for _, e := range es {
		if e.ID == id && strings.Contains(e.Error(), says) {
			return
		}
	}
	t.Errorf("got %v, want %s saying %q", err, id, says)
}

func service() Responder {
	return Responder{NewID: func() string { return "urn:uuid:answer" }, Boundary: func() string { return "edge" }}
}

// refuse answers err as the service does and reads the fault back.
func refuse(t *testing.T, relatesTo string, err error) (*httptest.ResponseRecorder, *FaultError) {
	t.Helper()
	w := httptest.NewRecorder()
	service().WriteFault(w, relatesTo, err)
	root, parseErr := xmlgate.Parse(w.Body.Bytes(), xmlgate.Limits{})
	if parseErr != nil {
		t.Fatalf("the fault is refused by the gate: %v\n%s", parseErr, w.Body)
	}
	return w, readFault(root.Find(NS, "Body", "Fault"), w.Code)
}
