package fhir

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"time"
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

// fixed appends properties as they are, in a single run: those that stand in every
// resource of a long answer.
func (w *out) fixed(text string) {
	w.comma()
	w.b = append(w.b, text...)
}

// key starts a property.
func (w *out) key(name string) {
	w.comma()
	b := append(w.b, '"')
	b = append(b, name...)
	w.b = append(b, '"', ':')
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

// plainPrefix is the length of a prefix, in whole eights, that stands for itself. A
// byte below ' ', a quote and a backslash set the high bit of a difference, and so
// may their neighbours: those are looked at one by one.
func plainPrefix(s string) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		v := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		if (v|(v-ones*' ')|((v^ones*'"')-ones)|((v^ones*'\\')-ones))&high != 0 {
			break
		}
	}
	return i
}

// text appends a JSON string; bytes that are no UTF-8 become U+FFFD, and so do the
// control characters that R4 and XML know in no text.
func (w *out) text(s string) {
	w.b = append(w.b, '"')
	w.escaped(s)
	w.b = append(w.b, '"')
}

// escaped appends what stands between the quotes.
func (w *out) escaped(s string) {
	b := w.b
	start, i := 0, plainPrefix(s)
	if i > 0 && len(s)-i < 8 && plainPrefix(s[len(s)-8:]) == 8 {
		i = len(s)
	}
	for i < len(s) {
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
	w.b = append(b, s[start:]...)
}

// joined is a text property of several parts.
func (w *out) joined(name string, parts ...string) {
	w.key(name)
	w.b = append(w.b, '"')
	for _, s := range parts {
		w.escaped(s)
	}
	w.b = append(w.b, '"')
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
	w.fixed(`"system":"` + uriSystem + `","value":`)
	w.text(uri)
	w.shut('}')
}

// dateTime writes a DTM; what R4 cannot express comes back by the extension hl7v2.
func (w *out) dateTime(name string, d xds.DTM) {
	if d == "" {
		return
	}
	if w.plainInstant(name, d) {
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

// instant writes the first instant of a DTM, as DocumentReference.date demands.
func (w *out) instant(name string, d xds.DTM) {
	if w.plainInstant(name, d) {
		return
	}
	if from := d.Start(); !from.IsZero() {
		w.str(name, from.Format(time.RFC3339))
	}
}

// plainInstant writes an instant to the second that plainly exists, as nearly all do.
func (w *out) plainInstant(name string, d xds.DTM) bool {
	if !isPlainInstant(d) {
		return false
	}
	w.key(name)
	w.b = append(w.b, '"', d[0], d[1], d[2], d[3], '-', d[4], d[5], '-', d[6], d[7], 'T', d[8], d[9], ':', d[10], d[11], ':', d[12], d[13], 'Z', '"')
	return true
}

// isPlainInstant tells of most instants to the second that they exist; of the last
// days of months xds.DTM knows more.
func isPlainInstant(d xds.DTM) bool {
	if len(d) != 14 {
		return false
	}
	for i := range len(d) {
		if d[i] < '0' || d[i] > '9' {
			return false
		}
	}
	return d[:4] != "0000" && "00" < d[4:6] && d[4:6] <= "12" && "00" < d[6:8] && d[6:8] <= "28" && d[8:10] <= "23" && d[10:12] <= "59" && d[12:14] <= "59"
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

// hash writes a hexadecimal SHA-1 as Attachment.hash, and nothing that is none.
func (w *out) hash(name, hexHash string) {
	var raw [sha1.Size]byte
	if len(hexHash) != 2*len(raw) {
		return
	}
	if _, err := hex.Decode(raw[:], []byte(hexHash)); err != nil {
		return
	}
	w.key(name)
	w.b = append(base64.StdEncoding.AppendEncode(append(w.b, '"'), raw[:]), '"')
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
