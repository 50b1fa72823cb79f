package xmlgate

import "unicode/utf8"

// AppendEscaped appends a text, or the value of an attribute, as XML carries it: what
// XML 1.0 cannot hold becomes U+FFFD, and white space that a reader would normalise
// away is written as a reference.
func AppendEscaped(dst []byte, s string, attribute bool) []byte {
	from := 0
	for i := 0; i < len(s); {
		c, size := s[i], 1
		var as string
		switch {
		case c == '&':
			as = "&amp;"
		case c == '<':
			as = "&lt;"
		case c == '>':
			as = "&gt;"
		case c == '\r':
			as = "&#13;"
		case c == '"' && attribute:
			as = "&quot;"
		case c == '\n' && attribute:
			as = "&#10;"
		case c == '\t' && attribute:
			as = "&#9;"
		case c < ' ' && c != '\n' && c != '\t':
			as = "\uFFFD"
		case c >= utf8.RuneSelf:
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); r == utf8.RuneError || r == 0xFFFE || r == 0xFFFF {
				as = "\uFFFD"
			}
		}
		if as != "" {
			dst = append(append(dst, s[from:i]...), as...)
			from = i + size
		}
		i += size
	}
	return append(dst, s[from:]...)
}
