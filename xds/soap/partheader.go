package soap

import (
	"bytes"
	"net/textproto"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// header reads the header of a part and leaves the body in front.
func (m *multipart) header() (textproto.MIMEHeader, error) {
	header := textproto.MIMEHeader{}
	last, used := "", 0
	var value []byte // of last, its folded lines joined
	for {
		line, err := m.line(m.limit.PartHeader - used)
		if err != nil {
			return nil, err
		}
		if line == "" {
			if last != "" {
				header[last] = []string{string(value)}
			}
			return header, m.beginBody()
		}
		used += len(line) + len(m.newline)
		m.r += len(line) + len(m.newline)
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return nil, badHeader("caractère de contrôle")
		}
		if line[0] == ' ' || line[0] == '\t' { // folded
			if last == "" {
				return nil, badHeader("ligne de suite sans en-tête")
			}
			value = append(append(value, ' '), strings.TrimSpace(line)...)
			continue
		}
		if last != "" {
			header[last] = []string{string(value)}
		}
		name, text, ok := strings.Cut(line, ":")
		if last = textproto.CanonicalMIMEHeaderKey(strings.TrimRight(name, " \t")); !ok || last == "" || strings.ContainsFunc(last, noToken) {
			return nil, badHeader("ligne sans nom")
		}
		if header[last] != nil {
			return nil, badHeader(xds.Shorten(last) + " répété")
		}
		value = append(value[:0], strings.TrimSpace(text)...)
	}
}

// noToken tells a character that no header name has (RFC 9110 section 5.6.2).
func noToken(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}

func badHeader(found string) error {
	return xds.Errors{xds.Found("MIME-001", "en-tête de partie", found, "Nom: valeur")}
}

// line is the next line, which stays in the buffer, without its line end.
func (m *multipart) line(limit int) (string, error) {
	for seen := 0; ; {
		window := m.buf[m.r:m.w]
		if i := bytes.Index(window[seen:], []byte(m.newline)); i >= 0 && seen+i <= limit {
			return string(window[:seen+i]), nil
		}
		if len(window) > limit {
			return "", xds.Errors{xds.Found("MIME-003", "en-tête de partie", "plus de "+bytesText(int64(m.limit.PartHeader)), "au plus "+bytesText(int64(m.limit.PartHeader)))}
		}
		seen = max(0, len(window)-1)
		if err := m.fill(); err != nil {
			return "", err
		}
	}
}

// beginBody stands on the empty line that ends a header. Its line end may at
// once be that of the next boundary: then the body is empty.
func (m *multipart) beginBody() error {
	m.clean = 0
	for m.w-m.r <= len(m.stop) && !m.ended {
		if err := m.fill(); err != nil && !m.ended {
			return err
		}
	}
	if _, stop := m.scan(); !stop {
		m.r += len(m.newline)
	}
	return nil
}
