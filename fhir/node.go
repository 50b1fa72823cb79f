package fhir

import (
	"strconv"
	"strings"
)

// Kind is the JSON kind of a Node.
type Kind uint8

// The JSON kinds.
const (
	Null Kind = iota
	Object
	Array
	String
	Number
	Boolean
)

// Node is one JSON value of a resource. Numbers keep their text (0.50 stays 0.50)
// and members their order. Methods of a nil Node answer as an absent element.
type Node struct {
	Kind    Kind
	Text    string // of a String, Number or Boolean
	Members []Member
	Items   []*Node
	offset  int
}

// Member is one property of an object.
type Member struct {
	Name  string
	Value *Node
}

// Get is a property of an object, nil when absent.
func (n *Node) Get(name string) *Node {
	if n == nil {
		return nil
	}
	for i := range n.Members {
		if n.Members[i].Name == name {
			return n.Members[i].Value
		}
	}
	return nil
}

// At is an item of an array, nil when there is none. At(0) of a value that is no
// array is the value.
func (n *Node) At(i int) *Node {
	switch {
	case n == nil:
		return nil
	case n.Kind != Array && i == 0:
		return n
	case i < len(n.Items):
		return n.Items[i]
	}
	return nil
}

// length is the number of items of an array, 1 for another value, 0 for none.
func (n *Node) length() int {
	switch {
	case n == nil:
		return 0
	case n.Kind == Array:
		return len(n.Items)
	}
	return 1
}

// Str is the text of a primitive property, "" when absent.
func (n *Node) Str(name string) string { return n.Get(name).text() }

func (n *Node) text() string {
	if n == nil {
		return ""
	}
	return n.Text
}

// ResourceType is the type of a resource, "" when the object names none.
func (n *Node) ResourceType() string { return n.Str("resourceType") }

// place is a Node with its FHIRPath, for findings.
type place struct {
	*Node
	path string
}

// root is the place of a resource.
func root(n *Node) place { return place{n, n.ResourceType()} }

// get follows a property; its array, if it is one, is entered by each or at.
func (p place) get(name string) place { return place{p.Node.Get(name), p.path + "." + name} }

// at is an item of an array.
func (p place) at(i int) place {
	return place{p.Node.At(i), p.path + "[" + strconv.Itoa(i) + "]"}
}

// each lists the items of an array, none when it is absent.
func (p place) each() []place {
	if p.Node == nil || p.Kind != Array {
		return nil
	}
	items := make([]place, len(p.Items))
	for i := range p.Items {
		items[i] = p.at(i)
	}
	return items
}

// follow walks a path such as `content[0].attachment.title`.
func (p place) follow(path string) place {
	for step := range strings.SplitSeq(path, ".") {
		name, first := strings.CutSuffix(step, "[0]")
		p = p.get(name)
		if first {
			p = p.at(0)
		}
	}
	return p
}

// there tells whether the element is present.
func (p place) there() bool { return p.Node != nil }

// extension is the value of the first extension with this URL.
func (p place) extension(url string) place {
	for _, x := range p.get("extension").each() {
		if x.Str("url") == url {
			return x
		}
	}
	return place{}
}

// extensions are the values of all extensions with this URL.
func (p place) extensions(url, value string) []place {
	var values []place
	for _, x := range p.get("extension").each() {
		if x.Str("url") == url {
			values = append(values, x.get(value))
		}
	}
	return values
}
