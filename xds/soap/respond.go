package soap

import (
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Responder writes the answers of a service.
type Responder struct {
	NewID    func() string // wsa:MessageID of an answer: urn:uuid:…
	Boundary func() string // of a multipart answer; nil = random
}

// OutPart is one document beside an envelope that is written. The body is read
// when its turn comes, and closed if it is an io.Closer.
type OutPart struct {
	ContentID   string // as given to Writer.Include
	ContentType string // of the document; application/octet-stream when it is no media type
	Body        io.Reader

	// Next, when set, makes this entry stand for several parts, in an order that only
	// their source knows: it is asked until io.EOF. Body closes the source; what else
	// this entry says is not used.
	Next func() (OutPart, error)
}

// addressing are the header blocks of an envelope that is written.
type addressing struct {
	action, messageID, relatesTo, to string
	more                             func(*Writer) // further header blocks
}

// writeEnvelope writes a whole envelope.
func writeEnvelope(w *Writer, h addressing, body func(*Writer)) {
	w.Raw([]byte(`<?xml version="1.0" encoding="UTF-8"?>`))
	w.Start("soap:Envelope", "xmlns:soap", NS, "xmlns:wsa", NSAddr)
	w.Start("soap:Header")
	w.Leaf("wsa:Action", h.action, "soap:mustUnderstand", "true")
	w.Leaf("wsa:MessageID", h.messageID)
	if h.relatesTo != "" {
		w.Leaf("wsa:RelatesTo", h.relatesTo)
	}
	if h.to != "" {
		w.Start("wsa:ReplyTo")
		w.Leaf("wsa:Address", anonymous)
		w.End()
		w.Leaf("wsa:To", h.to, "soap:mustUnderstand", "true")
	}
	if h.more != nil {
		h.more(w)
	}
	w.End()
	w.Start("soap:Body")
	body(w)
	w.End()
	w.End()
}

// WriteEnvelope answers 200 with one envelope. Small answers carry a
// Content-Length; long ones are sent as they are written.
func (s Responder) WriteEnvelope(w http.ResponseWriter, action, relatesTo string, body func(*Writer)) {
	s.write(w, http.StatusOK, addressing{action: action, messageID: s.NewID(), relatesTo: relatesTo}, body)
}

func (s Responder) write(w http.ResponseWriter, status int, h addressing, body func(*Writer)) {
	setHeaders(w.Header(), soapType(h.action))
	out := &Writer{dst: &statusWriter{w, status, false}}
	writeEnvelope(out, h, body)
	if !out.sent {
		w.Header().Set("Content-Length", strconv.Itoa(len(out.buf)))
	}
	out.flush(0)
}

// statusWriter sends the status before the first bytes.
type statusWriter struct {
	http.ResponseWriter
	status int
	sent   bool
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if !w.sent {
		w.WriteHeader(w.status)
		w.sent = true
	}
	return w.ResponseWriter.Write(p)
}

// setHeaders are the headers of every answer: nothing of it may be kept by a
// cache nor read as another type.
func setHeaders(h http.Header, contentType string) {
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "private, no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}

func soapType(action string) string {
	return typeSOAP + `; charset=UTF-8; action="` + quoted(action) + `"`
}

// quoted makes a text safe inside the quotes of a header.
func quoted(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, s)
}

// WriteMTOM answers 200 with an envelope and documents beside it, streamed one
// after another. When a document cannot be read to its end the connection is
// cut (it panics with http.ErrAbortHandler): the client must never take the
// beginning of an answer for the whole. cut hears why, just before; nil ignores it.
func (s Responder) WriteMTOM(w http.ResponseWriter, action, relatesTo string, body func(*Writer), parts []OutPart, cut func(error)) {
	m := mtom{dst: w, boundary: newBoundary(s.Boundary), rootID: "root@passerelle"}
	setHeaders(w.Header(), m.contentType(action))
	w.WriteHeader(http.StatusOK)
	h := addressing{action: action, messageID: s.NewID(), relatesTo: relatesTo}
	if err := m.write(h, body, parts); err != nil {
		if cut != nil {
			cut(err)
		}
		panic(http.ErrAbortHandler)
	}
}

func newBoundary(injected func() string) string {
	if injected != nil {
		return injected()
	}
	return "passerelle-" + rand.Text()
}

// mtom writes one multipart/related message.
type mtom struct {
	dst              io.Writer
	boundary, rootID string
}

func (m mtom) contentType(action string) string {
	return typeMultipart + `; boundary="` + m.boundary + `"; type="` + typeXOP + `"; start="<` + m.rootID +
		`>"; start-info="` + typeSOAP + `"; action="` + quoted(action) + `"`
}

// write sends the message. Whatever happens, every part is closed.
func (m mtom) write(h addressing, body func(*Writer), parts []OutPart) error {
	defer func() {
		for _, p := range parts {
			_ = closePart(p.Body)
		}
	}()
	root := typeXOP + `; charset=UTF-8; type="` + typeSOAP + `"`
	if err := m.partHeader("", root, m.rootID); err != nil {
		return err
	}
	out := &Writer{dst: m.dst}
	writeEnvelope(out, h, body)
	out.flush(0)
	if out.err != nil {
		return out.err
	}
	for len(parts) > 0 {
		if err := m.entry(parts[0]); err != nil {
			return err
		}
		parts = parts[1:]
	}
	_, err := io.WriteString(m.dst, "\r\n--"+m.boundary+"--\r\n")
	return err
}

// entry sends a part, or all those that it stands for.
func (m mtom) entry(p OutPart) error {
	if p.Next == nil {
		return m.part(p)
	}
	for {
		next, err := p.Next()
		if errors.Is(err, io.EOF) {
			return closePart(p.Body)
		}
		if err == nil {
			err = m.part(next)
		}
		if err != nil {
			return err
		}
	}
}

func (m mtom) part(p OutPart) error {
	if err := m.partHeader("\r\n", documentType(p.ContentType), escapeCID(p.ContentID)); err != nil {
		return err
	}
	return copyPart(m.dst, p.Body)
}

func (m mtom) partHeader(before, contentType, id string) error {
	_, err := io.WriteString(m.dst, before+"--"+m.boundary+"\r\nContent-Type: "+contentType+
		"\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <"+id+">\r\n\r\n")
	return err
}

// copyPart sends a body in blocks: its own when it writes itself, else ours.
func copyPart(dst io.Writer, body io.Reader) error {
	plain := struct{ io.Writer }{dst}
	var err error
	if own, ok := body.(io.WriterTo); ok {
		_, err = own.WriteTo(plain)
	} else {
		_, err = io.CopyBuffer(plain, body, make([]byte, blockSize))
	}
	if err != nil {
		return err
	}
	return closePart(body)
}

func closePart(body io.Reader) error {
	if c, ok := body.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// documentType lets nothing but a media type into a part header.
func documentType(s string) string {
	if t, err := parseMediaType(s); err != nil || !strings.Contains(t.name, "/") || strings.HasPrefix(t.name, "multipart/") || quoted(s) != strings.ReplaceAll(s, `"`, "") {
		return "application/octet-stream"
	}
	return s
}
