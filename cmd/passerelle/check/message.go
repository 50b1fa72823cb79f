package check

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/iti"
	"github.com/passerelle-sante/passerelle/xds/saml"
	"github.com/passerelle-sante/passerelle/xds/soap"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// message is one XDS.b message while it is judged.
type message struct {
	*Checker
	Result
	file  *io.SectionReader
	soap  *soap.Message    // nil: the body alone was given
	body  *xmlgate.Element // nil when it could not be read
	alone bool             // no document came with the message
	token saml.Inspection
}

// capture judges a message as it went over the network.
func (c *Checker) capture(file *io.SectionReader, k kind, start []byte) (Result, error) {
	request, err := requestOf(file, k, start)
	if err != nil {
		return Result{Findings: refusedHTTP()}, nil
	}
	m := &message{Checker: c, file: file}
	return m.read(request)
}

// requestOf is the request that a capture holds; the error is that of its header.
func requestOf(file *io.SectionReader, k kind, start []byte) (*http.Request, error) {
	text := bufio.NewReader(file)
	if k == kindHTTP {
		return http.ReadRequest(text)
	}
	header := textproto.MIMEHeader{}
	if k == kindHeaders {
		var err error
		if header, err = textproto.NewReader(text).ReadMIMEHeader(); err != nil {
			return nil, err
		}
	} else {
		header.Set("Content-Type", `multipart/related; type="application/xop+xml"; start-info="application/soap+xml"; boundary="`+string(boundary.FindSubmatch(start)[1])+`"`)
	}
	return &http.Request{Method: http.MethodPost, Header: http.Header(header), Body: io.NopCloser(text), ContentLength: -1}, nil
}

func refusedHTTP() xds.Errors {
	return xds.Errors{xds.Found("SOAP-001", "HTTP", "un en-tête illisible", "l'en-tête de la requête, une ligne vide, puis le corps")}
}

// envelope judges an envelope alone. Documents that it refers to did not come with
// it: they are taken to be there, and are not judged.
func (c *Checker) envelope(file *io.SectionReader) (Result, error) {
	text, err := whole(file, soap.DefaultLimits().Root)
	if err != nil {
		return Result{}, err
	}
	m := &message{Checker: c, file: file}
	request := &http.Request{Method: http.MethodPost, Header: http.Header{"Content-Type": {"application/soap+xml; charset=UTF-8"}},
		Body: io.NopCloser(bytes.NewReader(text)), ContentLength: int64(len(text))}
	if cids := references(text); len(cids) > 0 {
		m.alone = true
		request.Header.Set("Content-Type", `multipart/related; type="application/xop+xml"; start-info="application/soap+xml"; start="<`+standIn+`>"; boundary="`+standIn+`"`)
		request.Body, request.ContentLength = io.NopCloser(strings.NewReader(withParts(string(text), cids))), -1
	}
	return m.read(request)
}

// standIn names what is made up around an envelope that came without its parts.
const standIn = "passerelle.check"

// references are the parts that the body of an envelope refers to.
func references(text []byte) []string {
	root, err := xmlgate.Parse(text, xmlgate.Envelope())
	if err != nil {
		return nil // reading it says so
	}
	var all []string
	for e := range root.All() {
		if !e.Is(soap.NSXOP, "Include") || strings.HasPrefix(e.Path(), "Envelope/Header/") {
			continue
		}
		encoded, isCID := strings.CutPrefix(e.Attr("href"), "cid:")
		cid, err := url.PathUnescape(encoded)
		if !isCID || err != nil || cid == "" || strings.ContainsAny(cid, "<>\r\n") {
			return nil // reading it says so
		}
		all = append(all, cid)
	}
	return all
}

// withParts is an envelope as the root of a message whose parts are empty.
func withParts(envelope string, cids []string) string {
	var b strings.Builder
	part := func(id, contentType, content string) {
		fmt.Fprintf(&b, "--%s\r\nContent-Type: %s\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <%s>\r\n\r\n%s\r\n", standIn, contentType, id, content)
	}
	part(standIn, `application/xop+xml; charset=UTF-8; type="application/soap+xml"`, envelope)
	for _, cid := range cids {
		part(cid, "application/octet-stream", "")
	}
	b.WriteString("--" + standIn + "--\r\n")
	return b.String()
}

// read opens the message as the server does, then judges its token and its body,
// even when the envelope is refused, as far as they could be read.
func (m *message) read(request *http.Request) (Result, error) {
	var err error
	m.soap, err = soap.Read(request, soap.DefaultLimits())
	if err != nil {
		found, told := xds.FindingsOf(err)
		if !told {
			return Result{}, err
		}
		m.add(found)
	}
	m.Kind = "soap"
	if m.soap.Envelope != nil {
		m.vihf()
	}
	m.body = m.soap.Body
	if m.body != nil && err == nil {
		m.action()
	}
	if m.body != nil {
		if err := m.request(); err != nil {
			return Result{}, err
		}
	}
	shift(m.Findings, m.offset(m.soap.Root))
	m.sort()
	return m.Result, nil
}

// bare judges the content of a soap:Body alone.
func (c *Checker) bare(file *io.SectionReader) (Result, error) {
	text, err := whole(file, soap.DefaultLimits().Root)
	if err != nil {
		return Result{}, err
	}
	m := &message{Checker: c, file: file, alone: true}
	body, err := xmlgate.Parse(text, xmlgate.Envelope())
	if found, told := xds.FindingsOf(err); told {
		m.add(found)
		return m.Result, nil
	}
	m.body = body
	m.note("enveloppe et jeton non contrôlés : le corps seul est donné", "envelope and token not checked: the body alone was given")
	if err := m.request(); err != nil {
		return Result{}, err
	}
	m.sort()
	return m.Result, nil
}

// vihf judges the assertion of the security header.
func (m *message) vihf() {
	inspector := saml.Inspector{At: m.At, Audience: m.Audience, Roots: m.Roots}
	var found xds.Errors
	m.token, found = inspector.Envelope(m.soap.Envelope)
	m.add(found)
	if m.token.Signed && !m.token.Trusted && m.Roots == nil {
		m.noteUnverified()
	}
}

// noteUnverified says what a signature without known issuer is worth.
func (r *Result) noteUnverified() {
	r.note("signature non vérifiée : pas d'émetteur donné (--ca)", "signature not verified: no issuer was given (--ca)")
}

// action compares wsa:Action with the body, as the dispatch of the server does.
func (m *message) action() {
	body, known := iti.Announces(m.soap.Action)
	switch {
	case !known:
		m.add(xds.Errors{{ID: "SOAP-004", Where: "Envelope/Header/Action", Found: m.soap.Action, Nearest: xds.Nearest(m.soap.Action, iti.Actions(), 3)}})
	case m.body.Name() != body:
		m.add(xds.Errors{m.body.Finding("SOAP-005", m.body.Local, body.Local)})
	}
}

// offset is how many lines of the file come before a text that stands in it.
func (m *message) offset(text []byte) int {
	const searched = 8 << 20
	start, err := whole(m.file, searched)
	if err != nil || len(text) == 0 {
		return 0
	}
	at := bytes.Index(start, text[:min(len(text), 512)])
	return bytes.Count(start[:max(at, 0)], []byte("\n"))
}

// shift moves findings down by lines.
func shift(found xds.Errors, lines int) {
	for _, e := range found {
		if e.Line > 0 {
			e.Line += lines
		}
	}
}

// sort puts the findings in the order of the message, those without line last.
func (r *Result) sort() {
	slices.SortStableFunc(r.Findings, func(a, b *xds.Error) int { return before(a) - before(b) })
}

func before(e *xds.Error) int {
	if e.Line == 0 {
		return 1 << 30
	}
	return e.Line
}
