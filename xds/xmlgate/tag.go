package xmlgate

import (
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

const (
	xmlSpace   = "http://www.w3.org/XML/1998/namespace"
	xmlnsSpace = "http://www.w3.org/2000/xmlns/"
)

// attribute is one attribute of the tag being read.
type attribute struct {
	prefix, local string
	space, value  string
	offset        int
}

// declares tells whether the attribute declares a namespace, and for which prefix.
func (a *attribute) declares() (prefix string, yes bool) {
	switch {
	case a.prefix == "xmlns":
		return a.local, true
	case a.prefix == "" && a.local == "xmlns":
		return "", true
	}
	return "", false
}

// binding is one namespace declaration and those around it.
type binding struct {
	prefix, uri string
	next        *binding
	n           int // declarations in scope, this one included
}

func (b *binding) lookup(prefix string) (uri string, ok bool) {
	for ; b != nil; b = b.next {
		if b.prefix == prefix {
			return b.uri, true
		}
	}
	return "", prefix == ""
}

func (s *scanner) startTag() *xds.Error {
	start := s.pos
	if len(s.stack) == 0 && s.rooted {
		return s.finding("XML-001", start, "second élément racine", "un seul élément racine")
	}
	s.pos++
	prefix, local, err := s.name("élément")
	if err != nil {
		return err
	}
	name := s.text[start+1 : s.pos]
	empty, err := s.attributes()
	if err != nil {
		return err
	}
	if s.elements++; s.elements > s.lim.Elements {
		return s.finding("XML-003", start, over(s.lim.Elements, "éléments"), atMost(s.lim.Elements, "éléments"))
	}
	if len(s.stack) >= s.lim.Depth {
		return s.finding("XML-003", start, over(s.lim.Depth, "niveaux d'éléments"), atMost(s.lim.Depth, "niveaux"))
	}
	outer := s.scope
	if err := s.declare(); err != nil {
		return err
	}
	space, err := s.resolve(prefix, start)
	if err != nil {
		return err
	}
	if err := s.resolveAttributes(); err != nil {
		return err
	}
	s.rooted = true
	s.open(frame{name: name, start: start, outer: outer}, space, local)
	if empty {
		s.close()
	}
	return nil
}

// open pushes the element; the text buffer of an earlier frame of this depth is reused.
func (s *scanner) open(f frame, space, local string) {
	if n := len(s.stack); n < cap(s.stack) {
		f.runs = s.stack[:n+1][n].runs[:0]
	}
	if s.tree != nil {
		f.element = s.tree.start(s, f.start, space, local)
		f.kids = len(s.tree.kids)
	}
	s.stack = append(s.stack, f)
}

func (s *scanner) close() {
	top := &s.stack[len(s.stack)-1]
	s.tree.end(top, s.pos)
	s.scope = top.outer
	s.stack = s.stack[:len(s.stack)-1]
}

func (s *scanner) endTag() *xds.Error {
	start := s.pos
	s.pos += len("</")
	if len(s.stack) == 0 {
		return s.finding("XML-001", start, "balise fermante sans balise ouvrante", "un élément ouvert")
	}
	open := s.stack[len(s.stack)-1].name
	if !strings.HasPrefix(s.text[s.pos:], open) {
		end := s.pos + strings.IndexAny(s.text[s.pos:]+">", "> \t\r\n")
		return s.finding("XML-001", start, "</"+xds.Shorten(s.text[s.pos:min(end, s.pos+200, len(s.text))])+">", "</"+xds.Shorten(open)+">")
	}
	s.pos += len(open)
	s.skipSpace()
	if s.peek() != '>' {
		return s.finding("XML-001", start, "balise fermante mal formée", "</"+xds.Shorten(open)+">")
	}
	s.pos++
	s.close()
	return nil
}

// attributes reads the rest of a start tag into s.attrs.
func (s *scanner) attributes() (empty bool, err *xds.Error) {
	s.attrs = s.attrs[:0]
	for {
		spaced := s.skipSpace()
		switch s.peek() {
		case '>':
			s.pos++
			return false, nil
		case '/':
			if s.pos++; s.peek() != '>' {
				return false, s.finding("XML-001", s.pos, "/ dans une balise", "/>")
			}
			s.pos++
			return true, nil
		}
		if !spaced {
			return false, s.finding("XML-001", s.pos, "nom ou balise mal formés", "un blanc, > ou />")
		}
		if len(s.attrs) == s.lim.Attributes {
			return false, s.finding("XML-003", s.pos, over(s.lim.Attributes, "attributs dans un élément"), atMost(s.lim.Attributes, "attributs"))
		}
		if err := s.attribute(); err != nil {
			return false, err
		}
	}
}

func (s *scanner) attribute() *xds.Error {
	a := attribute{offset: s.pos}
	var err *xds.Error
	if a.prefix, a.local, err = s.name("attribut"); err != nil {
		return err
	}
	s.skipSpace()
	if s.peek() != '=' {
		return s.finding("XML-001", a.offset, "attribut sans valeur", `nom="valeur"`)
	}
	s.pos++
	s.skipSpace()
	quote := s.peek()
	if quote != '"' && quote != '\'' {
		return s.finding("XML-001", s.pos, "valeur d'attribut sans guillemets", `nom="valeur"`)
	}
	s.pos++
	length := strings.IndexByte(s.text[s.pos:], quote)
	if length < 0 {
		return s.finding("XML-001", a.offset, "valeur d'attribut jamais fermée", "un guillemet fermant")
	}
	raw := s.text[s.pos : s.pos+length]
	if i := strings.IndexByte(raw, '<'); i >= 0 {
		return s.finding("XML-001", s.pos+i, "< dans une valeur d'attribut", "&lt;")
	}
	_, declares := a.declares()
	if a.value, err = s.decode(raw, s.pos, inAttribute, declares || s.tree != nil); err != nil {
		return err
	}
	s.pos += length + 1
	s.attrs = append(s.attrs, a)
	return nil
}

// declare brings the namespace declarations of the tag into scope.
func (s *scanner) declare() *xds.Error {
	for i := range s.attrs {
		a := &s.attrs[i]
		prefix, yes := a.declares()
		if !yes {
			continue
		}
		a.space = xmlnsSpace
		switch {
		case prefix == "xmlns", a.value == xmlnsSpace, (prefix == "xml") != (a.value == xmlSpace):
			return s.finding("XML-001", a.offset, "préfixe xml ou xmlns redéfini", "ces préfixes tels quels")
		case prefix != "" && a.value == "":
			return s.finding("XML-001", a.offset, "xmlns:"+xds.Shorten(prefix)+` vide`, "un espace de noms")
		case a.value != "" && !strings.Contains(a.value, ":"):
			return s.finding("XML-002", a.offset, "espace de noms relatif", "un URI absolu")
		}
		if s.namespaces++; s.namespaces > s.lim.Namespaces {
			return s.finding("XML-003", a.offset, over(s.lim.Namespaces, "déclarations d'espace de noms"), atMost(s.lim.Namespaces, "déclarations"))
		}
		s.scope = &binding{prefix: prefix, uri: a.value, next: s.scope, n: s.scope.n + 1}
		if s.scope.n > s.lim.Scope {
			return s.finding("XML-003", a.offset, over(s.lim.Scope, "espaces de noms en vigueur"), atMost(s.lim.Scope, "à la fois"))
		}
	}
	return nil
}

// resolveAttributes gives attributes their namespace and refuses two of one
// name; the same name written twice is a case of it.
func (s *scanner) resolveAttributes() *xds.Error {
	for i := range s.attrs {
		a := &s.attrs[i]
		if a.prefix != "" && a.space == "" {
			space, err := s.resolve(a.prefix, a.offset)
			if err != nil {
				return err
			}
			a.space = space
		}
		for j := range i {
			if s.attrs[j].local == a.local && s.attrs[j].space == a.space {
				return s.finding("XML-001", a.offset, "attribut "+xds.Shorten(a.local)+" répété", "chaque attribut une fois")
			}
		}
	}
	return nil
}

func (s *scanner) resolve(prefix string, offset int) (string, *xds.Error) {
	uri, ok := s.scope.lookup(prefix)
	if !ok {
		return "", s.finding("XML-001", offset, "préfixe "+xds.Shorten(prefix)+" non déclaré", "xmlns:"+xds.Shorten(prefix)+`="…"`)
	}
	return uri, nil
}

// name reads a qualified name.
func (s *scanner) name(of string) (prefix, local string, err *xds.Error) {
	start := s.pos
	end := ncName(s.text, start)
	if end > start && end < len(s.text) && s.text[end] == ':' {
		prefix, start = s.text[start:end], end+1
		end = ncName(s.text, start)
	}
	if end == start {
		return "", "", s.finding("XML-001", s.pos, "nom d'"+of+" mal formé", "un nom, ou préfixe:nom")
	}
	s.pos = end
	return prefix, s.text[start:end], nil
}

func (s *scanner) skipSpace() bool {
	n := notSpace(s.text[s.pos:])
	s.pos += n
	return n > 0
}

// peek is the next byte, 0 at the end: no text that passed checkCharacters holds it.
func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

func over(n int, what string) string   { return "plus de " + strconv.Itoa(n) + " " + what }
func atMost(n int, what string) string { return "au plus " + strconv.Itoa(n) + " " + what }
