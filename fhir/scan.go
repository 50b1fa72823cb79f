package fhir

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/passerelle-sante/passerelle/xds"
)

// Bounds of a resource as JSON.
const (
	maxDepth   = 40      // nesting of objects and arrays
	maxNodes   = 400_000 // values in one resource
	maxMembers = 200     // properties of one object; no R4 object has as many
)

// scanner reads JSON (RFC 8259) into Nodes and keeps what encoding/json loses:
// duplicate properties, the text of numbers, the order of members.
type scanner struct {
	src      string
	paths    bool                                // whether findings have paths
	lines    func(offset int) (line, column int) // of a text that is no JSON
	pos      int
	depth    int
	nodes    int
	findings xds.Errors
	fatal    bool
}

// scan parses one JSON value that fills src, of our own writing.
func scan(src string) (*Node, error) {
	s := &scanner{src: src}
	if n := s.whole(""); !s.fatal {
		return n, nil
	}
	return nil, s.findings
}

// whole parses one JSON value that fills the text; where is the path of the whole.
func (s *scanner) whole(where string) *Node {
	s.space()
	n := s.value(where)
	if !s.fatal {
		s.space()
		if s.pos < len(s.src) {
			s.stop(where, "texte après la fin de la ressource")
		}
	}
	return n
}

// position gives line and column, from 1, of an offset.
func (s *scanner) position(offset int) (line, column int) {
	if s.lines != nil {
		return s.lines(offset)
	}
	before := s.src[:min(offset, len(s.src))]
	return 1 + strings.Count(before, "\n"), 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
}

// finding records what is wrong at a place of the text.
func (s *scanner) finding(id, where string, offset int, found, expected string) {
	if len(s.findings) >= xds.MaxFindings {
		return
	}
	line, column := s.position(offset)
	s.findings.Add(&xds.Error{ID: id, Where: where, Line: line, Column: column, Found: found, Expected: expected})
}

// stop records a fault after which nothing more can be read.
func (s *scanner) stop(where, what string) {
	if !s.fatal {
		s.finding("FHIR-001", where, s.pos, what, "du JSON (RFC 8259)")
		s.fatal = true
	}
}

func (s *scanner) space() {
	for s.pos < len(s.src) {
		switch s.src[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

func (s *scanner) value(where string) *Node {
	s.nodes++
	switch {
	case s.pos >= len(s.src):
		s.stop(where, "fin du texte")
		return nil
	case s.depth >= maxDepth || s.nodes > maxNodes:
		s.stop(where, "imbrication ou nombre de valeurs hors des limites")
		return nil
	}
	n := &Node{offset: s.pos}
	switch c := s.src[s.pos]; {
	case c == '{':
		s.depth++
		s.object(n, where)
		s.depth--
	case c == '[':
		s.depth++
		s.array(n, where)
		s.depth--
	case c == '"':
		n.Kind, n.Text = String, s.str(where)
	case c == '-' || (c >= '0' && c <= '9'):
		n.Kind, n.Text = Number, s.number(where)
	case s.literal("true"), s.literal("false"):
		n.Kind, n.Text = Boolean, s.src[n.offset:s.pos]
	case s.literal("null"):
		n.Kind = Null
	default:
		s.stop(where, "caractère inattendu "+strconv.QuoteRune(rune(c)))
	}
	return n
}

func (s *scanner) literal(word string) bool {
	if strings.HasPrefix(s.src[s.pos:], word) {
		s.pos += len(word)
		return true
	}
	return false
}

func (s *scanner) object(n *Node, where string) {
	n.Kind = Object
	s.pos++
	s.space()
	for !s.accept('}') {
		if len(n.Members) > 0 && !s.accept(',') || len(n.Members) == maxMembers {
			s.stop(where, "virgule ou fin d'objet attendue")
			return
		}
		s.space()
		at := s.pos
		if !strings.HasPrefix(s.src[s.pos:], `"`) {
			s.stop(where, "nom de propriété attendu")
			return
		}
		name := s.str(where)
		s.space()
		if !s.accept(':') {
			s.stop(where, "deux-points attendu")
		}
		if s.fatal {
			return
		}
		s.space()
		path := s.join(where, name)
		v := s.value(path)
		if s.fatal {
			return
		}
		if n.Get(name) != nil {
			s.finding("FHIR-001", path, at, "propriété répétée", "chaque propriété une fois")
		}
		n.Members = append(n.Members, Member{name, v})
		s.space()
	}
}

func (s *scanner) array(n *Node, where string) {
	n.Kind = Array
	s.pos++
	s.space()
	for !s.accept(']') {
		if len(n.Items) > 0 && !s.accept(',') {
			s.stop(where, "virgule ou fin de liste attendue")
			return
		}
		s.space()
		item := s.value(s.index(where, len(n.Items)))
		if s.fatal {
			return
		}
		n.Items = append(n.Items, item)
		s.space()
	}
}

func (s *scanner) accept(c byte) bool {
	if s.pos < len(s.src) && s.src[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// str reads a string; one without escapes shares the memory of the source.
func (s *scanner) str(where string) string {
	s.pos++
	start := s.pos
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; {
		case c == '"':
			text := s.src[start:s.pos]
			s.pos++
			if !utf8.ValidString(text) {
				s.stop(where, "texte qui n'est pas de l'UTF-8")
			}
			return text
		case c == '\\':
			return s.escaped(start, where)
		case c < ' ':
			s.stop(where, "caractère de contrôle dans un texte")
			return ""
		default:
			s.pos++
		}
	}
	s.stop(where, "texte non terminé")
	return ""
}

var escapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escaped goes on where str met the first escape.
func (s *scanner) escaped(start int, where string) string {
	var b strings.Builder
	b.WriteString(s.src[start:s.pos])
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		s.pos++
		switch {
		case c == '"':
			if !utf8.ValidString(b.String()) {
				s.stop(where, "texte qui n'est pas de l'UTF-8")
			}
			return b.String()
		case c < ' ':
			s.stop(where, "caractère de contrôle dans un texte")
			return ""
		case c != '\\':
			b.WriteByte(c)
		case s.pos < len(s.src) && s.src[s.pos] == 'u':
			b.WriteRune(s.unicode(where))
		case s.pos < len(s.src) && escapes[s.src[s.pos]] != 0:
			b.WriteByte(escapes[s.src[s.pos]])
			s.pos++
		default:
			s.stop(where, "échappement inconnu")
			return ""
		}
		if s.fatal {
			return ""
		}
	}
	s.stop(where, "texte non terminé")
	return ""
}

// unicode reads the rest of \uXXXX, and the second half of a surrogate pair.
func (s *scanner) unicode(where string) rune {
	r, ok := s.hex()
	if ok && utf16.IsSurrogate(r) && strings.HasPrefix(s.src[s.pos:], `\u`) {
		s.pos++
		low, second := s.hex()
		r, ok = utf16.DecodeRune(r, low), second
	}
	if !ok || utf16.IsSurrogate(r) || r == utf8.RuneError || r == 0 {
		s.stop(where, `échappement \u invalide`)
	}
	return r
}

func (s *scanner) hex() (rune, bool) {
	if s.pos+5 > len(s.src) {
		return 0, false
	}
	v, err := strconv.ParseUint(s.src[s.pos+1:s.pos+5], 16, 32)
	s.pos += 5
	return rune(v), err == nil
}

func (s *scanner) number(where string) string {
	start := s.pos
	for s.pos < len(s.src) && strings.IndexByte("+-.eE0123456789", s.src[s.pos]) >= 0 {
		s.pos++
	}
	text := s.src[start:s.pos]
	if !isNumber(text) {
		s.stop(where, "nombre mal formé")
	}
	return text
}

// join and index extend a FHIRPath, when paths are told at all.
func (s *scanner) join(path, name string) string {
	if !s.paths {
		return ""
	}
	return join(path, name)
}

func (s *scanner) index(path string, i int) string {
	if !s.paths {
		return ""
	}
	return path + "[" + strconv.Itoa(i) + "]"
}

// join extends a FHIRPath; a name that no element can have is shortened and made
// visible.
func join(path, name string) string {
	if !isID(name) && !isID(strings.TrimPrefix(name, "_")) {
		name = xds.Shorten(name)
	}
	if path == "" {
		return name
	}
	return path + "." + name
}
