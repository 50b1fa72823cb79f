package soap

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// Client sends messages to one endpoint. It follows no redirect: a token is for
// the address it was meant for.
type Client struct {
	HTTP   *http.Client // TLS, proxies, time; nil = http.DefaultClient
	URL    string
	NewID  func() string // wsa:MessageID: urn:uuid:…
	Limits Limits        // of the answers; the zero value = AnswerLimits
}

// Reply is an answer that is no Fault. Its parts are read from the connection
// by NextPart; Close ends it.
type Reply struct {
	*Message
	Status int // HTTP
	body   io.ReadCloser
}

// Close lets the connection go. Parts not yet read are lost.
func (r *Reply) Close() error { return r.body.Close() }

// FaultError is a SOAP Fault received.
type FaultError struct {
	Status   int    // HTTP
	Code     string // Sender, Receiver, VersionMismatch, MustUnderstand
	Subcode  string // innermost, local name: FailedAuthentication; "" when there is none
	Reason   string // the first text, French from Passerelle
	Findings xds.Errors
}

// Error is the code, subcode and reason.
func (f *FaultError) Error() string {
	code := f.Code
	if f.Subcode != "" {
		code += "/" + f.Subcode
	}
	return "SOAP Fault " + code + " (HTTP " + strconv.Itoa(f.Status) + ") : " + f.Reason
}

// ErrNoAnswer is an HTTP answer that holds no SOAP message.
var ErrNoAnswer = errors.New("soap: la réponse n'est pas un message SOAP")

// Post sends one message and reads the answer. security is a whole
// wsse:Security element, nil for none. Without parts the message is a plain
// envelope, with parts it is MTOM, streamed. A Fault is a *FaultError.
func (c *Client) Post(ctx context.Context, action string, security []byte, body func(*Writer), parts []OutPart) (*Reply, error) {
	h := addressing{action: action, messageID: c.NewID(), to: c.URL, more: func(w *Writer) { w.Raw(security) }}
	r, err := c.request(ctx, h, body, parts)
	if err != nil {
		return nil, err
	}
	response, err := c.do(r)
	if err != nil {
		return nil, err
	}
	reply, err := c.reply(response, h.messageID)
	if err != nil {
		_ = response.Body.Close()
		return nil, err
	}
	return reply, nil
}

// do sends a request and follows no redirect.
func (c *Client) do(r *http.Request) (*http.Response, error) {
	client := http.Client{}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client.Do(r)
}

func (c *Client) request(ctx context.Context, h addressing, body func(*Writer), parts []OutPart) (*http.Request, error) {
	if len(parts) == 0 {
		out := &Writer{}
		writeEnvelope(out, h, body)
		return c.newRequest(ctx, bytes.NewReader(out.Bytes()), soapType(h.action))
	}
	reader, writer := io.Pipe()
	m := mtom{dst: writer, boundary: newBoundary(nil), rootID: "root@passerelle"}
	r, err := c.newRequest(ctx, reader, m.contentType(h.action))
	if err != nil {
		return nil, err
	}
	go func() { writer.CloseWithError(m.write(h, body, parts)) }() // ends with the request, which closes reader
	return r, nil
}

func (c *Client) newRequest(ctx context.Context, body io.Reader, contentType string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", contentType)
	return r, nil
}

func (c *Client) reply(response *http.Response, messageID string) (*Reply, error) {
	l := c.Limits
	if l.Root == 0 {
		l = AnswerLimits()
	}
	m := &Message{limit: l, budget: l.Early}
	in := incoming{header: response.Header, body: response.Body, size: response.ContentLength}
	if err := m.read(in, envelopeRules{}); err != nil {
		if response.StatusCode >= http.StatusMultipleChoices {
			err = errors.Join(ErrNoAnswer, errors.New("HTTP "+response.Status))
		}
		return nil, err
	}
	if m.Body.Is(NS, "Fault") {
		return nil, readFault(m.Body, response.StatusCode)
	}
	if m.RelatesTo != "" && m.RelatesTo != messageID {
		return nil, xds.Errors{xds.Found("SOAP-006", "Envelope/Header/RelatesTo", xds.Shorten(m.RelatesTo), messageID)}
	}
	return &Reply{m, response.StatusCode, response.Body}, nil
}

func readFault(fault *xmlgate.Element, status int) *FaultError {
	f := &FaultError{Status: status, Reason: fault.Find(NS, "Reason", "Text").Trimmed()}
	code := fault.Child(NS, "Code")
	if n, ok := code.QName(code.Child(NS, "Value").Trimmed()); ok {
		f.Code = n.Local
	}
	for sub := code.Child(NS, "Subcode"); sub != nil; sub = sub.Child(NS, "Subcode") {
		value := sub.Child(NS, "Value")
		if n, ok := value.QName(value.Trimmed()); ok {
			f.Subcode = n.Local
		}
	}
	for _, e := range fault.Child(NS, "Detail").ChildrenNamed(NSFinding, "Finding") {
		f.Findings.Add(readFinding(e))
	}
	return f
}

func readFinding(e *xmlgate.Element) *xds.Error {
	finding := &xds.Error{
		ID: e.Attr("code"), Object: e.Attr("object"),
		Where: e.Child(NSFinding, "Where").Trimmed(), Found: e.Child(NSFinding, "Found").Trimmed(),
		Expected: e.Child(NSFinding, "Expected").Trimmed(), Hint: e.Child(NSFinding, "Hint").Trimmed(),
	}
	finding.Line, _ = strconv.Atoi(e.Attr("line"))
	finding.Column, _ = strconv.Atoi(e.Attr("column"))
	if e.Attr("severity") == "Warning" {
		finding.Severity = xds.SeverityWarning
	}
	for _, n := range e.ChildrenNamed(NSFinding, "Nearest") {
		finding.Nearest = append(finding.Nearest, n.Trimmed())
	}
	return finding
}
