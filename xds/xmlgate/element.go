package xmlgate

import (
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// Name is an expanded XML name.
type Name struct{ Space, Local string }

// Attr is one attribute. Namespace declarations are not attributes here: see
// Element.Namespace.
type Attr struct{ Space, Local, Value string }

// Element is one element of a text that passed the gate. It is not to be
// modified. Its strings are views of the text and keep it alive.
type Element struct {
	Space, Local string
	Attrs        []Attr
	Children     []*Element
	Parent       *Element // nil for the root

	// Text is the character data of the element itself, runs joined, references
	// resolved, line ends normalised. In an element that has children, runs of
	// nothing but white space are left out.
	Text string

	Start, End   int // the element in the text: from its < to behind its last >
	Line, Column int // of Start, from 1; the column counts characters

	doc   []byte
	scope *binding
}

// Name is the expanded name of the element.
func (e *Element) Name() Name { return Name{e.Space, e.Local} }

// Is tells whether the element has this name. It is false on nil.
func (e *Element) Is(space, local string) bool {
	return e != nil && e.Local == local && e.Space == space
}

// Raw are the bytes of the element as received, tags included: a view of the
// text given to Parse. Prefixes that it inherits are not declared in it.
func (e *Element) Raw() []byte { return e.doc[e.Start:e.End:e.End] }

// Child is the first child of this name, nil when there is none or e is nil.
func (e *Element) Child(space, local string) *Element {
	if e == nil {
		return nil
	}
	for _, c := range e.Children {
		if c.Is(space, local) {
			return c
		}
	}
	return nil
}

// ChildrenNamed are the children of this name, in order; none when e is nil.
func (e *Element) ChildrenNamed(space, local string) []*Element {
	if e == nil {
		return nil
	}
	var found []*Element
	for _, c := range e.Children {
		if c.Is(space, local) {
			found = append(found, c)
		}
	}
	return found
}

// Find follows first children of one namespace downwards, nil when a step is
// missing: Find(rim, "RegistryObjectList", "ExtrinsicObject").
func (e *Element) Find(space string, locals ...string) *Element {
	for _, local := range locals {
		e = e.Child(space, local)
	}
	return e
}

// All yields the element and everything below it, in the order of the text.
func (e *Element) All() iter.Seq[*Element] {
	return func(yield func(*Element) bool) { e.walk(yield) }
}

func (e *Element) walk(yield func(*Element) bool) bool {
	if e == nil {
		return true
	}
	if !yield(e) {
		return false
	}
	for _, c := range e.Children {
		if !c.walk(yield) {
			return false
		}
	}
	return true
}

// Attr is the value of an attribute without namespace, "" when absent.
func (e *Element) Attr(local string) string {
	v, _ := e.AttrNS("", local)
	return v
}

// AttrNS is the value of an attribute and whether it is there.
func (e *Element) AttrNS(space, local string) (string, bool) {
	if e == nil {
		return "", false
	}
	for i := range e.Attrs {
		if e.Attrs[i].Local == local && e.Attrs[i].Space == space {
			return e.Attrs[i].Value, true
		}
	}
	return "", false
}

// Trimmed is Text without the white space around it; "" on nil.
func (e *Element) Trimmed() string {
	if e == nil {
		return ""
	}
	return strings.Trim(e.Text, " \t\r\n")
}

// Namespace is the namespace bound to a prefix at this element; "" is the
// prefix of the default namespace.
func (e *Element) Namespace(prefix string) (string, bool) {
	if e == nil {
		return "", false
	}
	return e.scope.lookup(prefix)
}

// Inherited are the namespace declarations of elements around this one that hold in
// it: those that its text lacks when it stands alone, in the order of their prefixes.
func (e *Element) Inherited() []Declaration {
	if e.Parent == nil {
		return nil
	}
	known := []string{"xml"}
	for b := e.scope; b != e.Parent.scope; b = b.next {
		known = append(known, b.prefix)
	}
	var inherited []Declaration
	for b := e.Parent.scope; b != nil; b = b.next {
		if !slices.Contains(known, b.prefix) {
			known = append(known, b.prefix)
			inherited = append(inherited, Declaration{b.prefix, b.uri})
		}
	}
	slices.SortFunc(inherited, func(a, b Declaration) int { return strings.Compare(a.Prefix, b.Prefix) })
	return inherited
}

// Declaration is a namespace declaration; the default namespace has no prefix.
type Declaration struct{ Prefix, URI string }

// QName resolves a qualified name found in a value, such as xsi:type. It is
// false when the text is no such name or its prefix is not declared.
func (e *Element) QName(value string) (Name, bool) {
	value = strings.Trim(value, " \t\r\n")
	prefix, local, prefixed := strings.Cut(value, ":")
	if !prefixed {
		prefix, local = "", value
	}
	if end := ncName(local, 0); end == 0 || end != len(local) {
		return Name{}, false
	}
	if prefix == "" && prefixed {
		return Name{}, false
	}
	space, ok := e.Namespace(prefix)
	return Name{space, local}, ok
}

// Path says where the element is, for people: local names from the root, and a
// rank from 1 where siblings share a name: Envelope/Body/…/Slot[3].
func (e *Element) Path() string {
	if e == nil {
		return ""
	}
	step := e.Local
	if e.Parent == nil {
		return step
	}
	rank, same := 0, 0
	for _, c := range ranked(e.Parent.Children) {
		if c.Is(e.Space, e.Local) {
			same++
		}
		if c == e {
			rank = same
		}
	}
	if same > 1 {
		step += "[" + strconv.Itoa(rank) + "]"
	}
	return e.Parent.Path() + "/" + step
}

// maxRanked bounds the brothers among which Path counts: every finding has a path, and a
// message may hold as many faulty brothers as elements. Line and column tell the rest.
const maxRanked = 250

func ranked(children []*Element) []*Element {
	if len(children) > maxRanked {
		return nil
	}
	return children
}

// Finding is a finding about this element: where it is, line and column.
func (e *Element) Finding(id, found, expected string) *xds.Error {
	return &xds.Error{ID: id, Where: e.Path(), Line: e.Line, Column: e.Column, Found: found, Expected: expected}
}

// Within checks the size of a part of an accepted text against tighter limits:
// depth, elements and namespace declarations, those that it inherits included.
// The error is an xds.Errors of one XML-003.
func (e *Element) Within(l Limits) error {
	l = l.orDefault()
	elements, namespaces := 0, e.scope.n
	for c := range e.All() {
		elements++
		if c != e {
			namespaces += c.scope.n - c.Parent.scope.n
		}
		switch {
		case elements > l.Elements:
			return xds.Errors{c.Finding("XML-003", over(l.Elements, "éléments"), atMost(l.Elements, "éléments dans "+e.Local))}
		case namespaces > l.Namespaces:
			return xds.Errors{c.Finding("XML-003", over(l.Namespaces, "déclarations d'espace de noms"), atMost(l.Namespaces, "déclarations dans "+e.Local))}
		case c.scope.n > l.Scope:
			return xds.Errors{c.Finding("XML-003", over(l.Scope, "espaces de noms en vigueur"), atMost(l.Scope, "à la fois"))}
		}
	}
	return nil
}
