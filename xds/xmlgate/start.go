package xmlgate

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/passerelle-sante/passerelle/xds"
)

const utf8BOM = "\xEF\xBB\xBF"

// checkStart refuses by name the encodings that the first bytes give away.
func (s *scanner) checkStart() *xds.Error {
	if s.lim.AllowBOM && bytes.HasPrefix(s.doc, []byte(utf8BOM)) {
		s.pos = len(utf8BOM)
		return nil
	}
	for _, sign := range []struct{ bytes, name string }{
		{utf8BOM, "marque d'ordre des octets UTF-8 (BOM)"},
		{"\x00\x00\xFE\xFF", "UTF-32"}, {"\xFF\xFE\x00\x00", "UTF-32"},
		{"\xFE\xFF", "UTF-16"}, {"\xFF\xFE", "UTF-16"}, {"\x00<", "UTF-16"}, {"<\x00", "UTF-16"},
	} {
		if bytes.HasPrefix(s.doc, []byte(sign.bytes)) {
			e := s.finding("XML-002", 0, sign.name, "UTF-8 sans marque d'ordre (BOM)")
			e.Hint = "envoyer le message en UTF-8, sans octets avant le premier <"
			return e
		}
	}
	return nil
}

// declaration reads <?xml version encoding standalone?> when the text begins with it.
func (s *scanner) declaration() *xds.Error {
	rest, begins := strings.CutPrefix(s.text[s.pos:], "<?xml")
	if !begins || notSpace(rest) == 0 {
		return nil
	}
	end := strings.Index(rest, "?>")
	if end < 0 {
		return s.finding("XML-001", 0, "déclaration <?xml jamais fermée", "?>")
	}
	s.pos += len("<?xml") + end + len("?>")
	rest = rest[:end]
	version, rest, ok := pseudoAttribute(rest, "version")
	if !ok {
		return s.finding("XML-001", 0, "déclaration sans version", `<?xml version="1.0" encoding="UTF-8"?>`)
	}
	if version != "1.0" {
		return s.finding("XML-002", 0, "XML "+xds.Shorten(version), "XML 1.0")
	}
	encoding, rest, ok := pseudoAttribute(rest, "encoding")
	if ok && !strings.EqualFold(encoding, "UTF-8") {
		e := s.finding("XML-002", 0, "encoding="+xds.Shorten(encoding), "UTF-8")
		e.Hint = "convertir le message en UTF-8 et le déclarer ainsi"
		return e
	}
	standalone, rest, ok := pseudoAttribute(rest, "standalone")
	if ok && standalone != "yes" && standalone != "no" || notSpace(rest) < len(rest) {
		return s.finding("XML-001", 0, "déclaration mal formée", `<?xml version="1.0" encoding="UTF-8"?>`)
	}
	return nil
}

// pseudoAttribute takes ` name="value"` from the front of s.
func pseudoAttribute(s, name string) (value, rest string, ok bool) {
	p := notSpace(s)
	if p == 0 || !strings.HasPrefix(s[p:], name) {
		return "", s, false
	}
	p += len(name)
	p += notSpace(s[p:])
	if p >= len(s) || s[p] != '=' {
		return "", s, false
	}
	p++
	p += notSpace(s[p:])
	if p >= len(s) || s[p] != '"' && s[p] != '\'' {
		return "", s, false
	}
	end := strings.IndexByte(s[p+1:], s[p])
	if end < 0 {
		return "", s, false
	}
	return s[p+1 : p+1+end], s[p+end+2:], true
}

// checkCharacters refuses what is not UTF-8 and what is no character of XML 1.0.
func (s *scanner) checkCharacters() *xds.Error {
	if !utf8.Valid(s.doc) {
		bad := 0
		for bad < len(s.doc) {
			r, size := utf8.DecodeRune(s.doc[bad:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			bad += size
		}
		e := s.finding("XML-001", bad, "octet 0x"+hex(uint64(s.doc[bad])), "du texte UTF-8")
		e.Hint = "convertir le texte en UTF-8 : iconv -f ISO-8859-1 -t UTF-8, ou -f WINDOWS-1252"
		return e
	}
	for i, c := range s.doc {
		if c < ' ' && c != '\n' && c != '\t' && c != '\r' {
			return s.finding("XML-001", i, "caractère U+00"+hex(uint64(c)), "les caractères permis par XML 1.0")
		}
	}
	for _, never := range []string{"\uFFFE", "\uFFFF"} {
		if i := strings.Index(s.text, never); i >= 0 {
			return s.finding("XML-001", i, "caractère U+FFFE ou U+FFFF", "les caractères permis par XML 1.0")
		}
	}
	return nil
}

func hex(n uint64) string {
	h := strings.ToUpper(strconv.FormatUint(n, 16))
	if len(h) < 2 {
		h = "0" + h
	}
	return h
}

// position turns an offset into line and column, from 1; columns are characters.
func position(doc []byte, offset int) (line, column int) {
	before := doc[:min(offset, len(doc))]
	lineStart := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte{'\n'}) + 1, utf8.RuneCount(before[lineStart:]) + 1
}

// countTags bounds the number of elements from above.
func countTags(doc []byte) int {
	return bytes.Count(doc, []byte{'<'}) - bytes.Count(doc, []byte("</"))
}
