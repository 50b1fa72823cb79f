package fhir

import (
	"net/url"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// Subset is the part of resources that a client asks for by _summary or _elements (R4
// search.html). The zero Subset is the whole.
type Subset struct {
	Summary  string // true, text or data; "" for none of them
	Elements string // names, with commas
}

// maxElements bounds _elements in bytes.
const maxElements = 2000

// ParseSubset reads _summary and _elements. _summary=count is about a search, not about
// resources; beside a summary, _elements says nothing.
func ParseSubset(values url.Values) (Subset, error) {
	var s Subset
	switch summary := values.Get("_summary"); summary {
	case "true", "text", "data":
		s.Summary = summary
	case "", "false", "count":
		s.Elements = values.Get("_elements")
	default:
		return s, xds.Found("FHIR-008", "_summary", summary, "true, text, data, count ou false")
	}
	if len(s.Elements) > maxElements {
		return s, xds.Found("FHIR-008", "_elements", "", "une liste plus courte")
	}
	return s, nil
}

// of is the part of a resource that was asked for; of a Bundle, that of the resources
// found. It changes nothing of n.
func (s Subset) of(n *Node) *Node {
	if s == (Subset{}) || n.ResourceType() == "OperationOutcome" {
		return n
	}
	if n.ResourceType() != "Bundle" {
		return s.resource(n)
	}
	return n.with("entry", func(entries *Node) *Node {
		found := *entries
		found.Items = nil
		for _, e := range entries.Items {
			found.Items = append(found.Items, e.with("resource", s.of))
		}
		return &found
	})
}

// with is n with another value of one property, n itself when it has no such property.
func (n *Node) with(name string, change func(*Node) *Node) *Node {
	i := slices.IndexFunc(n.Members, func(m Member) bool { return m.Name == name })
	if i < 0 {
		return n
	}
	changed := *n
	changed.Members = slices.Clone(n.Members)
	changed.Members[i].Value = change(n.Members[i].Value)
	return &changed
}

// resource keeps what was asked for and what no reader may miss: the id, meta, what is
// mandatory, and what changes the meaning of the rest. A contained resource stays when
// something that stays refers to it. The tag SUBSETTED says that this is a part.
func (s Subset) resource(n *Node) *Node {
	table := r4().structures[n.ResourceType()]
	if table == nil {
		return n
	}
	asked := strings.Split(s.Elements, ",")
	for i, name := range asked {
		asked[i] = strings.TrimPrefix(strings.TrimSpace(name), n.ResourceType()+".")
	}
	kept := table.only(n, func(e *element) bool {
		switch {
		case e == resourceID, e.of == "meta", e.min > 0, e.modifier:
			return true
		case s.Summary == "true":
			return e.summary
		case s.Summary == "text":
			return e.of == "text"
		case s.Summary == "data":
			return e.of != "text"
		}
		return slices.Contains(asked, e.of)
	})
	if s.Summary == "true" {
		kept = table.summarised(kept)
	}
	return subsetted(withContained(kept, n))
}

// only are the properties of n, and their companions, that keep takes.
func (s *structure) only(n *Node, keep func(*element) bool) *Node {
	part := *n
	part.Members = nil
	for _, m := range n.Members {
		e := s.lookup(strings.TrimPrefix(m.Name, "_"))
		if m.Name == "resourceType" || e != nil && keep(e) {
			part.Members = append(part.Members, m)
		}
	}
	return &part
}

// summarised goes on with the summary below the first level.
func (s *structure) summarised(n *Node) *Node {
	part := *n
	part.Members = slices.Clone(n.Members)
	for i, m := range part.Members {
		e := s.lookup(m.Name)
		if e == nil || e.kind == "Extension" || e.kind == "Resource" || e.kind == "Meta" || r4().structures[e.kind] == nil {
			continue
		}
		inner := r4().structures[e.kind]
		short := func(v *Node) *Node {
			if short := inner.only(v, inSummary); len(short.Members) > 0 {
				return inner.summarised(short)
			}
			return v
		}
		if !e.array {
			part.Members[i].Value = short(m.Value)
			continue
		}
		items := *m.Value
		items.Items = nil
		for _, item := range m.Value.Items {
			items.Items = append(items.Items, short(item))
		}
		part.Members[i].Value = &items
	}
	return &part
}

func inSummary(e *element) bool { return e == elementID || e.summary || e.min > 0 || e.modifier }

// withContained adds to a part the contained resources of the whole that it refers to.
func withContained(part, whole *Node) *Node {
	all := whole.Get("contained")
	if all == nil || part.Get("contained") != nil {
		return part
	}
	var stay []*Node
	for queue := []*Node{part}; len(queue) > 0; queue = queue[1:] {
		for target := range localReferences(queue[0]) {
			for _, c := range all.Items {
				if "#"+c.Str("id") == target && !slices.Contains(stay, c) {
					stay, queue = append(stay, c), append(queue, c)
				}
			}
		}
	}
	if len(stay) == 0 {
		return part
	}
	slices.SortFunc(stay, func(a, b *Node) int { return slices.Index(all.Items, a) - slices.Index(all.Items, b) })
	with := *part
	with.Members = append(slices.Clone(part.Members), Member{"contained", &Node{Kind: Array, Items: stay}})
	return &with
}

// localReferences are the references of n to contained resources.
func localReferences(n *Node) map[string]bool {
	found := map[string]bool{}
	var walk func(*Node)
	walk = func(n *Node) {
		for _, m := range n.Members {
			if m.Name == "reference" && strings.HasPrefix(m.Value.Text, "#") {
				found[m.Value.Text] = true
			}
			walk(m.Value)
		}
		for _, item := range n.Items {
			walk(item)
		}
	}
	walk(n)
	return found
}

// subsetted adds the tag, and takes away the profiles: a part claims none of them, since
// it lacks what they ask for.
func subsetted(n *Node) *Node {
	text := func(s string) *Node { return &Node{Kind: String, Text: s} }
	tag := &Node{Kind: Object, Members: []Member{
		{"system", text("http://terminology.hl7.org/CodeSystem/v3-ObservationValue")}, {"code", text("SUBSETTED")},
	}}
	tags := func(all *Node) *Node { return &Node{Kind: Array, Items: append(slices.Clone(all.Items), tag)} }
	if n.Get("meta") == nil {
		marked := *n
		meta := Member{"meta", &Node{Kind: Object, Members: []Member{{"tag", tags(&Node{})}}}}
		marked.Members = append([]Member{n.Members[0], meta}, n.Members[1:]...)
		return &marked
	}
	return n.with("meta", func(meta *Node) *Node {
		whole := *meta
		whole.Members = slices.DeleteFunc(slices.Clone(meta.Members), func(m Member) bool { return m.Name == "profile" })
		meta = &whole
		if meta.Get("tag") != nil {
			return meta.with("tag", tags)
		}
		marked := *meta
		marked.Members = append(slices.Clone(meta.Members), Member{"tag", tags(&Node{})})
		return &marked
	})
}
