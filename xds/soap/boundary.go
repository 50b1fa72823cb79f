package soap

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// checkBoundary is RFC 2046: 1 to 70 characters, here any that is printable
// ASCII but the quote, and no space at the end.
func checkBoundary(b string) *xds.Error {
	ok := len(b) >= 1 && len(b) <= 70 && !strings.HasSuffix(b, " ") &&
		!strings.ContainsFunc(b, func(r rune) bool { return r < ' ' || r > '~' || r == '"' })
	if ok {
		return nil
	}
	e := xds.Found("MIME-001", "Content-Type: boundary", "frontière absente ou mal formée", "boundary=\"…\", de 1 à 70 caractères ASCII imprimables")
	e.Hint = "donner dans Content-Type la frontière du corps, sans ses deux premiers tirets"
	return e
}

// preamble skips to the first boundary line.
func (m *multipart) preamble() error {
	for m.w-m.r < len(m.dash) {
		if err := m.fill(); err != nil {
			return m.unannounced(err, m.buf[m.r:m.w])
		}
	}
	start := bytes.Clone(m.buf[m.r:min(m.w, m.r+maxBoundary)])
	if bytes.HasPrefix(m.buf[m.r:m.w], []byte(m.dash)) {
		return nil
	}
	m.stop, m.newline, m.inBody = []byte("\n"+m.dash), "\n", true
	for skipped := 0; ; {
		chunk, err := m.content()
		if errors.Is(err, io.EOF) {
			m.r += len(m.newline)
			return nil
		}
		if err != nil {
			return m.unannounced(err, start)
		}
		if skipped += len(chunk); skipped > maxAside {
			return xds.Errors{xds.Found("MIME-001", "multipart", "préambule de plus de 64 Kio", "la première frontière")}
		}
		m.use(len(chunk))
	}
}

// maxBoundary is a boundary line: two dashes and 70 characters (RFC 2046 §5.1.1).
const maxBoundary = 72

// unannounced says what a body without the announced boundary looks like, so that a
// wrong boundary does not read as a cut message.
func (m *multipart) unannounced(err error, start []byte) error {
	if !m.ended {
		return err
	}
	line, _, _ := bytes.Cut(start, []byte("\n"))
	e := xds.Found("MIME-001", "Content-Type: boundary", "la frontière annoncée n'est pas dans le corps", m.dash)
	switch {
	case len(start) == 0:
		e.Where, e.Found = "multipart", "corps vide"
	case bytes.HasPrefix(line, []byte("--")):
		e.Found += ", qui commence par " + string(bytes.TrimSpace(line))
		e.Hint = "recopier dans Content-Type la frontière du corps, sans ses deux premiers tirets"
	}
	return xds.Errors{e}
}

// delimiter reads a boundary line from its dashes on; last tells the closing one.
func (m *multipart) delimiter() (last bool, err error) {
	m.r += len(m.dash)
	if last, err = m.startsWith("--"); err != nil {
		return false, err
	}
	if last {
		m.r += 2
	}
	for {
		if m.r == m.w {
			if err := m.fill(); err != nil {
				if last && m.ended {
					return true, nil
				}
				return false, err
			}
		}
		switch c := m.buf[m.r]; {
		case c == ' ' || c == '\t':
			m.r++
			continue
		case c == '\r' || c == '\n':
			return last, m.endOfLine(last)
		}
		return false, xds.Errors{xds.Found("MIME-001", "multipart", "ligne de frontière mal formée", "une fin de ligne après la frontière")}
	}
}

// endOfLine reads the line end of a boundary line. The first decides for the message.
func (m *multipart) endOfLine(last bool) error {
	if last { // the epilogue is ignored, its first line end with it
		return m.endOfMessage()
	}
	newline := "\n"
	if m.buf[m.r] == '\r' {
		newline = "\r\n"
	}
	whole, err := m.startsWith(newline)
	if err != nil {
		return err
	}
	if !whole || m.serial > 0 && newline != m.newline {
		return xds.Errors{xds.Found("MIME-001", "multipart", "fins de ligne CRLF et LF mêlées", "CRLF partout")}
	}
	if m.serial == 0 {
		m.newline, m.stop = newline, []byte(newline+m.dash)
	}
	m.r += len(newline)
	return nil
}

// endOfMessage stands behind the closing boundary, on CR or LF: the line end of the
// message, or one of any kind that nothing follows. A line end of another kind with more
// behind it would be a boundary that other readers do not see.
func (m *multipart) endOfMessage() error {
	for m.w-m.r < 3 && !m.ended {
		if err := m.fill(); err != nil && !m.ended {
			return err
		}
	}
	rest := m.buf[m.r:m.w]
	if m.serial == 0 || bytes.HasPrefix(rest, []byte(m.newline)) || m.ended && len(bytes.Trim(rest, "\r\n")) == 0 {
		return nil
	}
	return xds.Errors{xds.Found("MIME-001", "multipart", "une autre fin de ligne après la frontière de fin", "celle du reste du message, ou rien")}
}

func (m *multipart) startsWith(s string) (bool, error) {
	for m.w-m.r < len(s) {
		if err := m.fill(); err != nil {
			return false, err
		}
	}
	return bytes.HasPrefix(m.buf[m.r:m.w], []byte(s)), nil
}

// epilogue reads the body to its end.
func (m *multipart) epilogue() error {
	for skipped := 0; ; {
		if skipped += m.w - m.r; skipped > maxAside {
			return xds.Errors{xds.Found("MIME-001", "multipart", "épilogue de plus de 64 Kio", "rien après la frontière de fin")}
		}
		m.r = m.w
		if err := m.fill(); err != nil {
			if m.ended {
				return nil
			}
			return err
		}
	}
}
