package xmlgate

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/passerelle-sante/passerelle/xds"
)

// context is where a run of characters stands, which decides what is decoded.
type context int

const (
	inText context = iota
	inAttribute
	inCDATA
)

// special are the bytes that make a run differ from its value. White space in
// attributes is normalised as XML 1.0 section 3.3.3 says of CDATA attributes.
var special = [...]string{inText: "&\r", inAttribute: "&\r\n\t", inCDATA: "\r"}

// decode is the value of a run of characters: references resolved, line ends
// and white space normalised. A run without any is returned as it is; otherwise
// the value is built only when it is kept.
func (s *scanner) decode(raw string, offset int, c context, keep bool) (string, *xds.Error) {
	next := indexAny(raw, special[c])
	if next == len(raw) {
		return raw, nil
	}
	out := s.scratch[:0]
	for rest := raw; ; {
		out = append(out, rest[:next]...)
		rest = rest[next:]
		if rest == "" {
			break
		}
		used := 1
		switch {
		case rest[0] == '&':
			r, n := reference(rest)
			if n == 0 {
				return "", s.badReference(rest, offset+len(raw)-len(rest))
			}
			out, used = utf8.AppendRune(out, r), n
		case c == inAttribute:
			out = append(out, ' ')
			if strings.HasPrefix(rest, "\r\n") {
				used = 2
			}
		default: // CR or CRLF
			out = append(out, '\n')
			if strings.HasPrefix(rest, "\r\n") {
				used = 2
			}
		}
		rest = rest[used:]
		next = indexAny(rest, special[c])
	}
	s.scratch = out
	if !keep {
		return "", nil
	}
	return string(out), nil
}

// indexAny is the first of the bytes of set in s, or len(s). One vectorised
// search a byte beats a loop over long values such as base64.
func indexAny(s, set string) int {
	for i := range len(set) {
		if n := strings.IndexByte(s, set[i]); n >= 0 {
			s = s[:n]
		}
	}
	return len(s)
}

// entities are the only ones: there is no DTD to declare others.
var entities = [...]struct {
	text string
	r    rune
}{{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}}

// longestReference bounds the search for the end of a reference; senders may
// pad character references with zeros.
const longestReference = 32

// reference reads &name; or &#n; at the front of s: the character and how many
// bytes it takes, 0 when there is no such reference.
func reference(s string) (rune, int) {
	for _, e := range entities {
		if strings.HasPrefix(s, e.text) {
			return e.r, len(e.text)
		}
	}
	end := strings.IndexByte(s[:min(len(s), longestReference)], ';')
	if end < 0 || !strings.HasPrefix(s, "&#") {
		return 0, 0
	}
	digits, base := s[2:end], 10
	if strings.HasPrefix(digits, "x") {
		digits, base = digits[1:], 16
	}
	if strings.ContainsAny(digits, "+-_") {
		return 0, 0
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || !isChar(n) {
		return 0, 0
	}
	return rune(n), end + 1
}

func (s *scanner) badReference(rest string, offset int) *xds.Error {
	if strings.HasPrefix(rest, "&#") {
		return s.finding("XML-001", offset, "référence de caractère invalide", "un caractère permis par XML 1.0")
	}
	if name := rest[1:ncName(rest, 1)]; name != "" && strings.HasPrefix(rest[1+len(name):], ";") {
		return s.finding("XML-002", offset, "&"+xds.Shorten(name)+";", "&lt; &gt; &amp; &quot; &apos; ou &#n;")
	}
	return s.finding("XML-001", offset, "& isolé", "&amp;")
}

// isChar is the Char production of XML 1.0.
func isChar(n uint64) bool {
	return n == '\t' || n == '\n' || n == '\r' ||
		n >= 0x20 && n <= 0xD7FF || n >= 0xE000 && n <= 0xFFFD || n >= 0x10000 && n <= 0x10FFFF
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// notSpace is how many bytes of white space s begins with.
func notSpace(s string) int {
	for i := range len(s) {
		if !isSpace(s[i]) {
			return i
		}
	}
	return len(s)
}

// Classes of the bytes of a name.
const (
	nameStart = 1 << iota
	nameMore
)

var nameClass = func() (t [256]uint8) {
	for c := range 128 {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		switch {
		case letter:
			t[c] = nameStart | nameMore
		case c >= '0' && c <= '9' || c == '-' || c == '.':
			t[c] = nameMore
		}
	}
	return t
}()

// ncName is where the name that begins at i ends; i itself when there is none.
// Beside ASCII, names hold the letters of Latin-1 (À to ÿ): what schemas of the
// field could ever use, and what all readers agree on.
func ncName(s string, i int) int {
	want := uint8(nameStart)
	for i < len(s) {
		switch c := s[i]; {
		case nameClass[c]&want != 0:
			i++
		case c == 0xC3 && i+1 < len(s) && s[i+1] >= 0x80 && s[i+1] <= 0xBF && s[i+1] != 0x97 && s[i+1] != 0xB7:
			i += 2
		default:
			return i
		}
		want = nameMore
	}
	return i
}
