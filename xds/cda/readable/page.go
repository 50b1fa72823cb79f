package readable

import (
	"encoding/base64"
	"html"
	"html/template"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// maxHTML bounds the page: a body of a few mebibytes of text reads no better than none.
// Pictures do not count: they are no longer than the source.
const maxHTML = 4 << 20

// HTML is the body of the document, to stand inside a page as it is: headings from h2
// down, and only classes of ours, which start with cda-. It is empty for PDF and File.
//
// href gives the address at which the page serves the attachment of a number (its place
// in Attachments), "" for none: a PDF that stands in the middle of a body is a link to
// it. nil is "" for all.
func (d *Document) HTML(href func(n int) string) template.HTML {
	if href == nil {
		href = func(int) string { return "" }
	}
	p := &page{d: d, href: href, named: map[string]int{}, shown: map[int]bool{}}
	for n, a := range d.Attachments {
		if _, taken := p.named[a.ID]; !taken {
			p.named[a.ID] = n
		}
	}
	switch d.Kind {
	case Sections:
		p.sections(d.body, 2)
	case Text:
		p.tag(`<pre class="cda-text">`)
		p.textOf(d.text)
		p.tag("</pre>")
	case Image:
		p.picture(0, "")
	}
	if p.full {
		d.Omitted = true
	}
	return template.HTML(p.b.String()) //nolint:gosec // the one place that says so: page writes its own tags and escaped text
}

// page writes HTML: tag what this package says, textOf what the document says.
type page struct {
	d        *Document
	href     func(int) string
	b        strings.Builder
	pictures int            // bytes of b that are pictures
	named    map[string]int // attachments by ID
	shown    map[int]bool   // attachments that stand in the page already
	full     bool
}

// tag writes a tag, which is a constant or made of constants and numbers.
func (p *page) tag(s string) { p.b.WriteString(s) }

// textOf writes text of the document.
func (p *page) textOf(s string) {
	if room := maxHTML - (p.b.Len() - p.pictures); len(s) > room {
		p.full = true
		s = strings.ToValidUTF8(s[:max(0, room)], "")
	}
	p.b.WriteString(html.EscapeString(s))
}

// room says whether more may be opened; what was opened is closed in any case.
func (p *page) room() bool {
	p.full = p.full || p.b.Len()-p.pictures > maxHTML
	return !p.full
}

// sections writes the sections below a structuredBody or a section.
func (p *page) sections(parent *xmlgate.Element, level int) {
	for _, component := range parent.ChildrenNamed(hl7, "component") {
		if s := component.Child(hl7, "section"); s != nil && p.room() {
			p.section(s, level)
		}
	}
}

func (p *page) section(s *xmlgate.Element, level int) {
	p.tag(`<section class="cda-section">`)
	if title := line(s.Child(hl7, "title")); title != "" {
		heading := "h" + strconv.Itoa(min(level, 6))
		p.tag("<" + heading + ">")
		p.textOf(title)
		p.tag("</" + heading + ">")
	}
	if text := s.Child(hl7, "text"); text != nil {
		p.narrative(text)
	} else if len(s.ChildrenNamed(hl7, "entry")) > 0 {
		p.d.Omitted = true // data without the narrative that they come with
	}
	p.sections(s, level+1)
	p.tag("</section>")
}

// attachments writes what a renderMultiMedia names: IDREFS.
func (p *page) attachments(refs, caption string) {
	ids := strings.Fields(refs)
	for _, id := range ids {
		n, known := p.named[id]
		if !known {
			p.d.Omitted = true
			continue
		}
		if !p.room() {
			return
		}
		p.attachment(n, caption)
	}
	p.d.Omitted = p.d.Omitted || len(ids) == 0
}

func (p *page) attachment(n int, caption string) {
	a, address := p.d.Attachments[n], p.href(n)
	switch {
	case a.kind() == Image && !p.shown[n]:
		p.picture(n, caption)
	case address == "":
		p.tag(`<span class="cda-file">`)
		p.textOf(a.label(caption))
		p.tag("</span>")
	default:
		p.tag(`<a class="cda-file" href="` + html.EscapeString(address) + `">`)
		p.textOf(a.label(caption))
		p.tag("</a>")
	}
}

// label names a file for people: its caption, else what it is.
func (a Attachment) label(caption string) string {
	if caption != "" {
		return xds.Shorten(caption)
	}
	return strings.ToUpper(strings.TrimPrefix(a.Extension(), "."))
}

// picture embeds a picture, once.
func (p *page) picture(n int, caption string) {
	a := p.d.Attachments[n]
	p.shown[n] = true
	before := p.b.Len()
	p.tag(`<img class="cda-image" alt="`)
	p.textOf(a.label(caption))
	p.tag(`" src="data:` + a.Shown() + ";base64,")
	p.tag(base64.StdEncoding.EncodeToString(a.Content))
	p.tag(`">`)
	p.pictures += p.b.Len() - before
}
