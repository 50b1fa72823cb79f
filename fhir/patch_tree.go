package fhir

import (
	"slices"
	"strconv"
	"strings"
)

const absent = "un chemin qui mène à un élément présent"

// walk follows steps from a Node, nil when they lead nowhere.
func (n *Node) walk(steps []string) *Node {
	for _, step := range steps {
		switch {
		case n == nil:
			return nil
		case n.Kind == Array:
			i := n.position(step)
			if i < 0 || i >= len(n.Items) {
				return nil
			}
			n = n.Items[i]
		default:
			n = n.Get(n.named(step))
		}
	}
	return n
}

// named is the property that a step means: value is the value of an extension,
// whatever its type.
func (n *Node) named(step string) string {
	if step == "value" && n.Get("url") != nil {
		for _, m := range n.Members {
			if strings.HasPrefix(m.Name, "value") {
				return m.Name
			}
		}
	}
	return step
}

// position is the item of an array that a step means, -1 when it means none.
func (n *Node) position(step string) int {
	if condition, ok := strings.CutPrefix(step, "?"); ok {
		path, value, _ := strings.Cut(condition, "=")
		return slices.IndexFunc(n.Items, func(item *Node) bool { return item.holds(strings.Split(path, "."), value) })
	}
	i, err := strconv.Atoi(step)
	if err != nil || strconv.Itoa(i) != step {
		return -1
	}
	return i
}

// holds tells whether a path leads to a text, through any item of the lists on its way.
func (n *Node) holds(path []string, text string) bool {
	switch {
	case n == nil:
		return false
	case n.Kind == Array:
		return slices.ContainsFunc(n.Items, func(item *Node) bool { return item.holds(path, text) })
	case len(path) == 0:
		return n.Text == text
	}
	return n.Get(path[0]).holds(path[1:], text)
}

func (n *Node) insert(step string, value *Node) bool {
	if n.Kind == Object {
		if !n.replace(step, value) {
			n.Members = append(n.Members, Member{step, value})
		}
		return true
	}
	i := len(n.Items)
	if step != "-" {
		i = n.position(step)
	}
	if n.Kind != Array || i < 0 || i > len(n.Items) {
		return false
	}
	n.Items = slices.Insert(n.Items, i, value)
	return true
}

func (n *Node) replace(step string, value *Node) bool {
	if n.Kind == Array {
		i := n.position(step)
		if i < 0 || i >= len(n.Items) {
			return false
		}
		n.Items[i] = value
		return true
	}
	step = n.named(step)
	for i := range n.Members {
		if n.Members[i].Name == step {
			n.Members[i].Value = value
			return true
		}
	}
	return false
}

func (n *Node) remove(step string) bool {
	if n == nil {
		return false
	}
	if n.Kind == Array {
		i := n.position(step)
		if i < 0 || i >= len(n.Items) {
			return false
		}
		n.Items = slices.Delete(n.Items, i, i+1)
		return true
	}
	step = n.named(step)
	before := len(n.Members)
	n.Members = slices.DeleteFunc(n.Members, func(m Member) bool { return m.Name == step })
	return len(n.Members) < before
}

func (n *Node) clone() *Node {
	if n == nil {
		return nil
	}
	c := *n
	c.Members, c.Items = slices.Clone(n.Members), slices.Clone(n.Items)
	for i := range c.Members {
		c.Members[i].Value = c.Members[i].Value.clone()
	}
	for i := range c.Items {
		c.Items[i] = c.Items[i].clone()
	}
	return &c
}

// equal compares two values as JSON does: the order of properties does not matter.
func (n *Node) equal(o *Node) bool {
	if n == nil || o == nil {
		return n == o
	}
	if n.Kind != o.Kind || n.Text != o.Text || len(n.Members) != len(o.Members) || len(n.Items) != len(o.Items) {
		return false
	}
	for _, m := range n.Members {
		if !m.Value.equal(o.Get(m.Name)) {
			return false
		}
	}
	for i := range n.Items {
		if !n.Items[i].equal(o.Items[i]) {
			return false
		}
	}
	return true
}
