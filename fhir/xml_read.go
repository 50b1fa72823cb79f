package fhir

import (
	"bytes"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// xmlLimits bound a resource as XML, by the same measure as JSON. Comments and
// instructions are read over (R4 xml.html); a DTD or an entity is XML-002 (F7).
var xmlLimits = xmlgate.Limits{
	Depth: maxDepth, Elements: maxNodes / 2, Attributes: 16, Namespaces: 16_384, Scope: 16,
	AllowComments: true, AllowPI: true, AllowBOM: true,
}

// ReadXML reads one R4 resource from XML into the Node that its JSON would give, as
// strictly as ReadResource: elements and attributes of the table alone, in the order of
// R4, no text between them, the narrative verbatim (R4 xml.html).
func ReadXML(r io.Reader, limit int64, types ...string) (*Node, xds.Errors) {
	var text bytes.Buffer
	if findings := readAll(&text, r, limit); findings != nil {
		return nil, findings
	}
	doc := text.Bytes()
	top, err := xmlgate.Parse(doc, xmlLimits)
	if err != nil {
		findings, _ := xds.FindingsOf(err)
		return nil, findings
	}
	return twice(func(paths bool) (*Node, xds.Errors) {
		s := &scanner{lines: func(offset int) (int, int) { return lineOf(doc, offset) }, paths: paths}
		return xmlReader{checker{s}}.read(top, types)
	})
}

// read reads the root of a text as one of the types.
func (x xmlReader) read(top *xmlgate.Element, types []string) (*Node, xds.Errors) {
	if len(types) > 0 && (top.Space != fhirSpace || !slices.Contains(types, top.Local)) {
		x.finding("FHIR-001", "resourceType", top.Start, xds.Shorten(top.Local), strings.Join(types, " ou ")+", de l'espace de noms "+fhirSpace)
		return nil, x.findings
	}
	n := x.resource(top, top.Local)
	if n == nil {
		return nil, x.findings
	}
	x.checker.resource(root(n), false)
	return n, x.findings
}

// lineOf gives line and column, from 1, of an offset.
func lineOf(doc []byte, offset int) (line, column int) {
	before := doc[:min(offset, len(doc))]
	return 1 + bytes.Count(before, []byte{'\n'}), 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
}

// xmlReader turns elements into Nodes. What it cannot place in a Node is its finding;
// what the Node holds is the checker's to judge.
type xmlReader struct{ checker }

func (x xmlReader) refuse(e *xmlgate.Element, path, found, expected string) {
	x.finding("FHIR-001", path, e.Start, found, expected)
}

// resource reads an element that is named after its resource, nil when the table does
// not know it: without a table there is no telling what it holds.
func (x xmlReader) resource(e *xmlgate.Element, path string) *Node {
	s := r4().structures[e.Local]
	if e.Space != fhirSpace || s == nil || !s.resource {
		x.refuse(e, path, xds.Shorten(e.Local), "une ressource de FHIR R4 que la passerelle lit, de l'espace de noms "+fhirSpace)
		return nil
	}
	x.attributes(e, path)
	n := &Node{Kind: Object, offset: e.Start, Members: []Member{{"resourceType", &Node{Kind: String, Text: e.Local, offset: e.Start}}}}
	x.children(n, s, e, path)
	return n
}

// attributes refuses all attributes but those named.
func (x xmlReader) attributes(e *xmlgate.Element, path string, known ...string) {
	for _, a := range e.Attrs {
		hint := a.Space == "http://www.w3.org/2001/XMLSchema-instance" && a.Local == "schemaLocation" && e.Parent == nil
		if !hint && (a.Space != "" || !slices.Contains(known, a.Local)) {
			x.refuse(e, x.join(path, a.Local), "attribut inconnu", "les attributs de FHIR R4")
		}
	}
}

// children reads the elements in e, those of one name together, since R4 keeps them so.
func (x xmlReader) children(n *Node, s *structure, e *xmlgate.Element, path string) {
	if e.Trimmed() != "" {
		x.refuse(e, path, "texte entre les éléments", "des valeurs dans l'attribut value")
	}
	last := -3
	for rest := e.Children; len(rest) > 0; {
		c := rest[0]
		same := 1
		for same < len(rest) && rest[same].Is(c.Space, c.Local) {
			same++
		}
		run := rest[:same]
		rest = rest[same:]
		at := x.join(path, c.Local)
		of := s.lookup(c.Local)
		switch {
		case of == nil || s.isAttribute(c.Local) || c.Space != spaceOf(of):
			x.refuse(c, at, "élément inconnu", "un élément de FHIR R4")
			continue
		case s.rank(of) <= last:
			x.refuse(c, at, "élément qui n'est pas à sa place", "l'ordre de FHIR R4")
			continue
		case !of.array && same > 1:
			x.refuse(run[1], at, "élément répété", "un seul")
		}
		last = s.rank(of)
		x.property(n, of, run, at)
	}
}

func spaceOf(e *element) string {
	if e.kind == "xhtml" {
		return xhtmlSpace
	}
	return fhirSpace
}

// property adds the elements of one name to n, and what they say beside their values.
func (x xmlReader) property(n *Node, of *element, run []*xmlgate.Element, path string) {
	if !of.array {
		value, companion := x.value(run[0], of, path)
		n.add(of.name, value)
		n.add("_"+of.name, companion)
		return
	}
	values := &Node{Kind: Array, offset: run[0].Start}
	companions := &Node{Kind: Array, offset: run[0].Start}
	valued, accompanied := false, false
	for i, e := range run {
		value, companion := x.value(e, of, x.index(path, i))
		valued, accompanied = valued || value != nil, accompanied || companion != nil
		values.Items = append(values.Items, orNull(value, e))
		companions.Items = append(companions.Items, orNull(companion, e))
	}
	if valued {
		n.add(of.name, values)
	}
	if accompanied {
		n.add("_"+of.name, companions)
	}
}

func orNull(n *Node, e *xmlgate.Element) *Node {
	if n == nil {
		return &Node{offset: e.Start}
	}
	return n
}

// add adds a property, nothing for an absent one.
func (n *Node) add(name string, value *Node) {
	if value != nil {
		n.Members = append(n.Members, Member{name, value})
	}
}

// value reads one element: its value, and the companion of a primitive.
func (x xmlReader) value(e *xmlgate.Element, of *element, path string) (value, companion *Node) {
	p, primitive := primitives[of.kind]
	switch {
	case of.kind == "xhtml":
		return &Node{Kind: String, Text: string(e.Raw()), offset: e.Start}, nil
	case primitive:
		return x.primitive(e, p, path)
	case of.kind == "Resource":
		x.attributes(e, path)
		if len(e.Children) != 1 || e.Trimmed() != "" {
			x.refuse(e, path, strconv.Itoa(len(e.Children))+" éléments", "une ressource")
			return nil, nil
		}
		return x.resource(e.Children[0], path), nil
	}
	n := &Node{Kind: Object, offset: e.Start}
	known := []string{"id"}
	if of.kind == "Extension" {
		known = append(known, "url")
	}
	x.attributes(e, path, known...)
	for _, name := range known {
		n.add(name, attribute(e, name))
	}
	x.children(n, r4().structures[of.kind], e, path)
	return n, nil
}

// primitive reads the value of a primitive, and its id and extensions.
func (x xmlReader) primitive(e *xmlgate.Element, p primitive, path string) (value, companion *Node) {
	x.attributes(e, path, "value", "id")
	if value = attribute(e, "value"); value != nil {
		value.Kind = p.kind
		if p.kind == Number {
			value.Text = strings.TrimPrefix(value.Text, "+") // which JSON cannot say
		}
	}
	companion = &Node{Kind: Object, offset: e.Start}
	companion.add("id", attribute(e, "id"))
	x.children(companion, bare, e, path)
	if len(companion.Members) == 0 {
		companion = nil
	}
	if value == nil && companion == nil {
		x.refuse(e, path, "élément vide", "une valeur")
	}
	return value, companion
}

func attribute(e *xmlgate.Element, name string) *Node {
	text, there := e.AttrNS("", name)
	if !there {
		return nil
	}
	return &Node{Kind: String, Text: text, offset: e.Start}
}
