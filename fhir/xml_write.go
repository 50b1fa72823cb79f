package fhir

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

const (
	fhirSpace  = "http://hl7.org/fhir"
	xhtmlSpace = "http://www.w3.org/1999/xhtml"
)

// AppendXML writes a resource as FHIR XML (R4 xml.html): elements in the order of the
// specification, primitives as value attributes, narrative as it is. A resource or an
// element outside the element table is an error: nothing is left out silently.
func AppendXML(b []byte, n *Node, pretty bool) ([]byte, error) {
	w := xmlOut{b: append(b, `<?xml version="1.0" encoding="UTF-8"?>`...), pretty: pretty}
	w.resource(n)
	return w.b, w.err
}

// xmlOut appends XML; the first fault stays in err.
type xmlOut struct {
	b      []byte
	pretty bool
	depth  int
	err    error
}

func (w *xmlOut) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("FHIR XML: "+format, args...)
	}
}

func (w *xmlOut) resource(n *Node) {
	name := n.ResourceType()
	s := r4().structures[name]
	if s == nil || !r4().resources[name] {
		w.fail("resource %q is not in the element table", name)
		return
	}
	w.line()
	w.b = append(append(w.b, '<'), name...)
	if w.depth == 0 {
		w.attribute("xmlns", fhirSpace)
	}
	w.content(name, s, n)
}

// content writes what follows the name in a start tag: its end, the elements in it and
// the end tag.
func (w *xmlOut) content(name string, s *structure, n *Node) {
	parts := w.parts(name, s, n)
	if len(parts) == 0 {
		w.b = append(w.b, '/', '>')
		return
	}
	w.b = append(w.b, '>')
	w.depth++
	for _, p := range parts {
		w.element(p)
	}
	w.depth--
	w.line()
	w.b = append(append(append(w.b, '<', '/'), name...), '>')
}

// part is one property of an object, to be written at its rank.
type part struct {
	*element
	rank      int
	value     *Node
	companion *Node // the id and extensions of a primitive, nil for none
}

// parts are the properties of an object in the order of XML.
func (w *xmlOut) parts(name string, s *structure, n *Node) []part {
	parts := make([]part, 0, len(n.Members))
	for _, m := range n.Members {
		of, isCompanion := strings.CutPrefix(m.Name, "_")
		e := s.lookup(m.Name)
		switch {
		case s.isAttribute(m.Name):
			continue
		case e != nil:
			parts = append(parts, part{e, s.rank(e), m.Value, n.Get("_" + m.Name)})
		case !isCompanion || s.lookup(of) == nil:
			w.fail("%s.%s is not in the element table", name, m.Name)
		case n.Get(of) == nil:
			parts = append(parts, part{s.lookup(of), s.rank(s.lookup(of)), nil, m.Value})
		}
	}
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(a.rank, b.rank) })
	return parts
}

func (w *xmlOut) element(p part) {
	if !p.array {
		w.one(p.element, p.value, p.companion)
		return
	}
	count := max(p.value.length(), p.companion.length())
	for i := range count {
		w.one(p.element, p.value.At(i), p.companion.At(i))
	}
}

// one writes one element.
func (w *xmlOut) one(e *element, value, companion *Node) {
	w.line()
	if e.kind == "xhtml" {
		w.b = append(w.b, value.text()...)
		return
	}
	w.b = append(append(w.b, '<'), e.name...)
	_, primitive := primitives[e.kind]
	switch {
	case primitive:
		w.id(companion)
		if value != nil && value.Kind != Null {
			w.attribute("value", value.Text)
		}
		if companion == nil {
			companion = &Node{}
		}
		w.content(e.name, bare, companion)
	case e.kind == "Resource":
		w.b = append(w.b, '>')
		w.depth++
		w.resource(value)
		w.depth--
		w.line()
		w.b = append(append(append(w.b, '<', '/'), e.name...), '>')
	default:
		w.id(value)
		if e.kind == "Extension" {
			w.attribute("url", value.Str("url"))
		}
		w.content(e.name, r4().structures[e.kind], value)
	}
}

func (w *xmlOut) id(n *Node) {
	if id := n.Str("id"); id != "" {
		w.attribute("id", id)
	}
}

func (w *xmlOut) attribute(name, value string) {
	w.b = append(append(append(w.b, ' '), name...), '=', '"')
	w.b = append(xmlgate.AppendEscaped(w.b, value, true), '"')
}

// line starts a line of pretty XML.
func (w *xmlOut) line() {
	if w.pretty {
		w.b = append(w.b, '\n')
		for range w.depth {
			w.b = append(w.b, ' ', ' ')
		}
	}
}
