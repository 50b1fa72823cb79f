package soap

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// Part is one document beside the envelope. It is read once, before the next
// part is asked for; io.EOF from Read means that the boundary behind it was seen.
type Part struct {
	ContentID   string // without brackets, percent-decoded once: what Include returns
	ContentType string // as sent
	Header      textproto.MIMEHeader
	body        io.Reader
	failed      *error // of the message, which an unread or broken part makes unfit
}

// Read reads the document, its transfer encoding undone. Errors are xds.Errors:
// MIME-001 when the message is cut short, SOAP-008 beyond Limits.Part.
func (p *Part) Read(b []byte) (int, error) {
	n, err := p.body.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		*p.failed = err
	}
	return n, err
}

// newPart checks the header of a part and undoes its transfer encoding.
func newPart(header textproto.MIMEHeader, raw io.Reader) (*Part, error) {
	p := &Part{Header: header, ContentType: header.Get("Content-Type"), ContentID: cidKey(header.Get("Content-Id"))}
	refuse := func(found, expected string) (*Part, error) {
		return nil, xds.Errors{xds.Found("MIME-001", partName(p.ContentID), found, expected)}
	}
	if strings.HasPrefix(strings.ToLower(p.ContentType), "multipart/") {
		return refuse("multipart dans une partie", "un document par partie")
	}
	if e := header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return refuse("Content-Encoding: "+xds.Shorten(e), "aucun Content-Encoding")
	}
	switch e := strings.ToLower(header.Get("Content-Transfer-Encoding")); e {
	case "", "binary", "8bit", "7bit":
		p.body = raw
	case "base64":
		p.body = base64Body{base64.NewDecoder(base64.StdEncoding, raw), p.ContentID}
	default:
		return refuse("Content-Transfer-Encoding: "+xds.Shorten(e), "binary, 8bit, 7bit ou base64")
	}
	return p, nil
}

func partName(cid string) string { return "partie <" + xds.Shorten(cid) + ">" }

// bounded fails beyond its limit instead of ending there.
type bounded struct {
	src         io.Reader
	left, limit int64
	name        string
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.src.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, xds.Errors{tooLarge(partName(b.name), -1, b.limit)}
	}
	return n, err
}

// base64Body turns the errors of the decoder into findings.
type base64Body struct {
	decoder io.Reader
	name    string
}

func (b base64Body) Read(p []byte) (int, error) {
	n, err := b.decoder.Read(p)
	var corrupt base64.CorruptInputError
	if errors.As(err, &corrupt) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = xds.Errors{xds.Found("MIME-001", partName(b.name), "base64 invalide", "du base64 (RFC 4648)")}
	}
	return n, err
}

// cidKey is the form in which Content-IDs and cid: references are compared:
// without brackets, percent-decoded exactly once (WCF and CXF encode the
// reference, some also the header); + stays +. Case matters.
func cidKey(s string) string {
	s = strings.TrimSpace(s)
	if inner, ok := strings.CutPrefix(s, "<"); ok {
		s = strings.TrimSuffix(inner, ">")
	}
	if decoded, err := url.PathUnescape(s); err == nil {
		return decoded
	}
	return s
}

// stream yields the parts of a multipart, counted, each with a Content-ID of its own.
type stream struct {
	split *multipart
	limit Limits
	parts int
	seen  map[string]bool
}

func (s *stream) next() (*Part, error) {
	header, raw, err := s.split.next()
	if err != nil {
		return nil, err
	}
	if s.parts++; s.parts > s.limit.Parts+1 { // and the envelope
		return nil, s.fail(tooMany("parties", s.limit.Parts))
	}
	part, err := newPart(header, raw)
	if err != nil {
		s.split.broken = err
		return nil, err
	}
	if part.ContentID != "" && s.seen[part.ContentID] {
		return nil, s.fail(xds.Found("MIME-001", partName(part.ContentID), "Content-ID répété", "un Content-ID propre à chaque partie"))
	}
	s.seen[part.ContentID] = true
	return part, nil
}

func (s *stream) fail(e *xds.Error) error {
	s.split.broken = xds.Errors{e}
	return s.split.broken
}

// hold reads a small part into memory, so that those behind it can be read; the
// budget shrinks by its size.
func hold(p *Part, budget *int64, beyond *xds.Error) error {
	content, err := io.ReadAll(io.LimitReader(p.body, *budget+1))
	if err != nil {
		return err
	}
	if *budget -= int64(len(content)); *budget < 0 {
		return xds.Errors{beyond}
	}
	p.body = bytes.NewReader(content)
	return nil
}
