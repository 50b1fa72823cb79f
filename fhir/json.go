package fhir

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"unicode/utf8"

	"github.com/passerelle-sante/passerelle/xds"
)

// out appends JSON. It puts commas by itself: one before every value that does
// not open an object, a list or a property.
type out struct{ b []byte }

func (w *out) comma() {
	if len(w.b) == 0 {
		return
	}
	switch w.b[len(w.b)-1] {
	case '{', '[', ':', ',':
	default:
		w.b = append(w.b, ',')
	}
}

// key starts a property.
func (w *out) key(name string) {
	w.comma()
	w.b = append(append(append(w.b, '"'), name...), '"', ':')
}

// open starts an object or a list, as the property name unless name is empty.
func (w *out) open(name string, bracket byte) {
	if name != "" {
		w.key(name)
	} else {
		w.comma()
	}
	w.b = append(w.b, bracket)
}

func (w *out) shut(bracket byte) { w.b = append(w.b, bracket) }

// str is a text property; an empty text is an absent element.
func (w *out) str(name, value string) {
	if value != "" {
		w.key(name)
		w.text(value)
	}
}

func (w *out) number(name string, value int64) {
	w.key(name)
	w.b = strconv.AppendInt(w.b, value, 10)
}

func (w *out) truth(name string, value bool) {
	w.key(name)
	w.b = strconv.AppendBool(w.b, value)
}

// plain holds the bytes that stand for themselves in a JSON string: a run of them
// is copied at once.
var plain = func() (plain [utf8.RuneSelf]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		plain[c] = c != '"' && c != '\\'
	}
	return plain
}()

// text appends a JSON string; bytes that are no UTF-8 become U+FFFD, and so do the
// control characters that R4 and XML know in no text.
func (w *out) text(s string) {
	b := append(w.b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf && plain[c] {
			i++
			continue
		}
		size := 1
		if c >= utf8.RuneSelf {
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); isCharacter(r) && (r != utf8.RuneError || size != 1) {
				i += size
				continue
			}
		}
		b = append(b, s[start:i]...)
		switch {
		case c >= utf8.RuneSelf:
			b = append(b, "\ufffd"...)
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, "\ufffd"...)
		}
		i += size
		start = i
	}
	w.b = append(append(b, s[start:]...), '"')
}

// coding writes the members of a Coding.
func (w *out) coding(c xds.Code) {
	w.str("system", SystemOf(c.Scheme))
	w.str("code", c.Value)
	w.str("display", c.Display)
}

// concept writes a CodeableConcept with one coding, nothing for an absent code.
func (w *out) concept(name string, c xds.Code) {
	if c.IsZero() {
		return
	}
	w.open(name, '{')
	w.open("coding", '[')
	w.open("", '{')
	w.coding(c)
	w.b = append(w.b, '}', ']', '}')
}

// concepts writes a list of CodeableConcepts, one for each code.
func (w *out) concepts(name string, codes []xds.Code) {
	if len(codes) == 0 {
		return
	}
	w.open(name, '[')
	for _, c := range codes {
		w.concept("", c)
	}
	w.shut(']')
}

// identifier writes an Identifier of the space of URIs.
func (w *out) identifier(name, use, uri string) {
	w.open(name, '{')
	w.str("use", use)
	w.str("system", uriSystem)
	w.str("value", uri)
	w.shut('}')
}

// dateTime writes a DTM; what R4 cannot express comes back by the extension hl7v2.
func (w *out) dateTime(name string, d xds.DTM) {
	if d == "" {
		return
	}
	s, exact := dateTimeOf(d)
	w.str(name, s)
	if !exact {
		w.open("_"+name, '{')
		w.verbatim(string(d))
		w.shut('}')
	}
}

// verbatim writes the extension that carries an HL7 v2 text which the FHIR form
// would not give back unchanged.
func (w *out) verbatim(texts ...string) {
	w.open("extension", '[')
	for _, t := range texts {
		w.open("", '{')
		w.str("url", extVerbatim)
		w.str("valueString", t)
		w.shut('}')
	}
	w.shut(']')
}

// base64Hash is a hexadecimal SHA-1 as Attachment.hash, "" when it is none.
func base64Hash(hexHash string) string {
	raw, err := hex.DecodeString(hexHash)
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// hexHash is Attachment.hash as hexadecimal SHA-1. The examples of MHD carry the
// base64 of the hexadecimal text: that is understood too.
func hexHash(base64Text string) (string, bool) {
	raw, err := base64.StdEncoding.DecodeString(base64Text)
	if err != nil {
		return "", false
	}
	if len(raw) == 40 {
		if inner, err := hex.DecodeString(string(raw)); err == nil {
			raw = inner
		}
	}
	return hex.EncodeToString(raw), len(raw) == 20
}
