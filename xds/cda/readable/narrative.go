package readable

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// narrative writes a section's text. The tree of the gate does not keep where between two
// children a text stands, so the tokens of the same bytes are read beside it: they give
// the order, the tree the names. What the gate accepted, encoding/xml reads the same.
func (p *page) narrative(text *xmlgate.Element) {
	n := narrator{page: p, tokens: xml.NewDecoder(bytes.NewReader(text.Raw()))}
	if _, err := n.tokens.RawToken(); err != nil { // the start of text itself
		p.d.Omitted = true
		return
	}
	p.tag(`<div class="cda-narrative">`)
	n.inside(text, write)
	p.tag("</div>")
}

type narrator struct {
	*page
	tokens *xml.Decoder
}

// mode is what becomes of the character data of an element.
type mode int

const (
	write mode = iota
	only       // only white space may stand here: text is an author's slip, and is shown
	drop       // a program or a style
)

// inside writes what stands between the tags of e.
func (n *narrator) inside(e *xmlgate.Element, m mode) {
	next := 0
	for {
		token, err := n.tokens.RawToken()
		if err != nil {
			n.d.Omitted = true
			return
		}
		switch t := token.(type) {
		case xml.EndElement:
			return
		case xml.CharData:
			if m == write || m == only && len(bytes.TrimSpace(t)) > 0 {
				n.textOf(string(t))
			}
		case xml.StartElement:
			child := e.Children[next]
			next++
			if m == drop || !n.room() {
				n.inside(child, drop)
				continue
			}
			n.element(child)
		}
	}
}

// simple are the elements of the narrative (NarrativeBlock.xsd) that are one of HTML's and
// may stand anywhere.
var simple = map[string]string{"sub": "sub", "sup": "sup", "footnote": "small"}

// nested are those that HTML knows inside some parent alone; elsewhere they are their text.
var nested = map[string]struct {
	tag     string
	parents []string
}{
	"thead": {"thead", []string{"table"}}, "tbody": {"tbody", []string{"table"}}, "tfoot": {"tfoot", []string{"table"}},
	"tr": {"tr", []string{"table", "thead", "tbody", "tfoot"}}, "item": {"li", []string{"list"}},
}

// element writes one element of a narrative and what it holds.
func (n *narrator) element(e *xmlgate.Element) {
	if e.Local == "script" || e.Local == "style" {
		n.d.Omitted = true
		n.inside(e, drop)
		return
	}
	if e.Space != hl7 {
		n.unknown(e)
		return
	}
	if tag, ok := simple[e.Local]; ok {
		n.wrapped(e, tag, "", write)
		return
	}
	if in, ok := nested[e.Local]; ok && under(e, in.parents...) {
		m := only
		if e.Local == "item" {
			m = write
		}
		n.wrapped(e, in.tag, "", m)
		return
	}
	switch e.Local {
	case "br":
		n.tag("<br>")
		n.inside(e, write)
	case "paragraph":
		if blocks(e) {
			n.wrapped(e, "div", ` class="cda-paragraph"`, write)
		} else {
			n.wrapped(e, "p", "", write)
		}
	case "content":
		n.content(e)
	case "list":
		tag := "ul"
		if e.Attr("listType") == "ordered" {
			tag = "ol"
		}
		n.wrapped(e, tag, "", only)
	case "table":
		n.tag(`<div class="cda-table">`) // scrolls by itself on a phone
		n.wrapped(e, "table", "", only)
		n.tag("</div>")
	case "td", "th":
		n.cell(e)
	case "caption":
		n.caption(e)
	case "linkHtml":
		n.link(e)
	case "renderMultiMedia":
		n.inside(e, drop) // its caption is the label
		n.attachments(e.Attr("referencedObject"), line(e.Child(hl7, "caption")))
	case "footnoteRef", "col", "colgroup":
		n.inside(e, drop) // a mark without text, or the style of columns
	default:
		n.unknown(e)
	}
}

// unknown shows an element that is not the narrative's by its text.
func (n *narrator) unknown(e *xmlgate.Element) {
	n.wrapped(e, "span", "", write)
}

func (n *narrator) wrapped(e *xmlgate.Element, tag, attributes string, m mode) {
	n.tag("<" + tag + attributes + ">")
	n.inside(e, m)
	n.tag("</" + tag + ">")
}

// content is text in a style, or text that a revision put in or took out: what was taken
// out must not read as if it held.
func (n *narrator) content(e *xmlgate.Element) {
	switch e.Attr("revised") {
	case "delete":
		n.wrapped(e, "del", "", write)
		return
	case "insert":
		n.wrapped(e, "ins", "", write)
		return
	}
	tag := "span"
	for _, style := range strings.Fields(e.Attr("styleCode")) {
		switch style {
		case "Bold":
			tag = "strong"
		case "Italics", "Emphasis":
			tag = "em"
		}
	}
	n.wrapped(e, tag, "", write)
}

// maxSpan bounds the columns and rows that a cell may claim to cover.
const maxSpan = 100

// cell is a cell of a table.
func (n *narrator) cell(e *xmlgate.Element) {
	if !under(e, "tr") || !under(e.Parent, "table", "thead", "tbody", "tfoot") {
		n.unknown(e)
		return
	}
	attributes := ""
	for _, span := range []string{"colspan", "rowspan"} {
		if v, err := strconv.Atoi(e.Attr(span)); err == nil && v > 1 && v <= maxSpan {
			attributes += " " + span + `="` + strconv.Itoa(v) + `"`
		}
	}
	if e.Local == "th" {
		scope := "row"
		if under(e.Parent, "thead") {
			scope = "col"
		}
		attributes += ` scope="` + scope + `"`
	}
	n.wrapped(e, e.Local, attributes, write)
}

func (n *narrator) caption(e *xmlgate.Element) {
	switch {
	case under(e, "table"):
		n.wrapped(e, "caption", "", write)
	case under(e, "list"):
		n.wrapped(e, "li", ` class="cda-caption"`, write)
	default:
		n.wrapped(e, "strong", ` class="cda-caption"`, write)
	}
}

// link is its text, and its address as text when it is one of the web: nobody leaves a
// record by a click that somebody else's document offers.
func (n *narrator) link(e *xmlgate.Element) {
	n.wrapped(e, "span", ` class="cda-link"`, write)
	address := strings.TrimSpace(e.Attr("href"))
	lower := strings.ToLower(address)
	if (strings.HasPrefix(lower, "https://") || strings.HasPrefix(lower, "http://")) && address != line(e) {
		n.textOf(" (" + address + ")")
	}
}

func under(e *xmlgate.Element, parents ...string) bool {
	for _, p := range parents {
		if e.Parent.Is(hl7, p) {
			return true
		}
	}
	return false
}

// blocks tells whether a paragraph holds what HTML's does not.
func blocks(e *xmlgate.Element) bool {
	for c := range e.All() {
		if c != e && c.Space == hl7 && (c.Local == "paragraph" || c.Local == "list" || c.Local == "table") {
			return true
		}
	}
	return false
}
