package xmlgate

import "unicode/utf8"

// plain holds, for a text and for the value of an attribute, the bytes that stand
// for themselves: a run of them is copied at once.
var plain = [2][256]bool{plainBytes("&<>\r"), plainBytes("&<>\r\"\n\t")}

func plainBytes(special string) (plain [256]bool) {
	for c := range utf8.RuneSelf {
		plain[c] = c >= ' ' || c == '\n' || c == '\t'
	}
	for _, c := range []byte(special) {
		plain[c] = false
	}
	return plain
}

// AppendEscaped appends a text, or the value of an attribute, as XML carries it: what
// XML 1.0 cannot hold becomes U+FFFD, and white space that a reader would normalise
// away is written as a reference.
func AppendEscaped(dst []byte, s string, attribute bool) []byte {
	stands := &plain[0]
	if attribute {
		stands = &plain[1]
	}
	from := 0
	for i := 0; i < len(s); {
		if stands[s[i]] {
			i++
			continue
		}
		as, size := escaped(s[i:])
		if as != "" {
			dst = append(append(dst, s[from:i]...), as...)
			from = i + size
		}
		i += size
	}
	return append(dst, s[from:]...)
}

// escaped is how the first character of s is written, "" for as it is.
func escaped(s string) (as string, size int) {
	switch c := s[0]; {
	case c == '&':
		return "&amp;", 1
	case c == '<':
		return "&lt;", 1
	case c == '>':
		return "&gt;", 1
	case c == '\r':
		return "&#13;", 1
	case c == '"':
		return "&quot;", 1
	case c == '\n':
		return "&#10;", 1
	case c == '\t':
		return "&#9;", 1
	case c < utf8.RuneSelf:
		return "\uFFFD", 1
	}
	r, size := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError || r == 0xFFFE || r == 0xFFFF {
		return "\uFFFD", size
	}
	return "", size
}
