package ebrim

import (
	"strconv"

	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// encoder appends XML with fixed prefixes to a buffer. Elements are written as
// open, attr…, then more … close, or empty.
type encoder struct{ buf []byte }

func (e *encoder) open(name string) {
	e.buf = append(e.buf, '<')
	e.buf = append(e.buf, name...)
}

// attr writes one attribute; attrIf leaves an empty one out.
func (e *encoder) attr(name, value string) {
	e.buf = append(e.buf, ' ')
	e.buf = append(e.buf, name...)
	e.buf = append(e.buf, '=', '"')
	e.buf = xmlgate.AppendEscaped(e.buf, value, true)
	e.buf = append(e.buf, '"')
}

func (e *encoder) attrIf(name, value string) {
	if value != "" {
		e.attr(name, value)
	}
}

func (e *encoder) more()  { e.buf = append(e.buf, '>') }
func (e *encoder) empty() { e.buf = append(e.buf, '/', '>') }

func (e *encoder) close(name string) {
	e.buf = append(e.buf, '<', '/')
	e.buf = append(e.buf, name...)
	e.buf = append(e.buf, '>')
}

// text writes an element that holds nothing but text.
func (e *encoder) text(name, value string) {
	e.open(name)
	e.more()
	e.buf = xmlgate.AppendEscaped(e.buf, value, false)
	e.close(name)
}

// slot writes a Slot with its values; none when there are no values.
func (e *encoder) slot(name string, values ...string) {
	if len(values) == 0 {
		return
	}
	e.open("rim:Slot")
	e.attr("name", name)
	e.more()
	e.open("rim:ValueList")
	e.more()
	for _, v := range values {
		e.text("rim:Value", v)
	}
	e.close("rim:ValueList")
	e.close("rim:Slot")
}

// localized writes Name or Description.
func (e *encoder) localized(element, value string) {
	if value == "" {
		return
	}
	e.open(element)
	e.more()
	e.open("rim:LocalizedString")
	e.attr("value", value)
	e.empty()
	e.close(element)
}

// derivedID writes the id of a part of a registry object. Nothing refers to it,
// but ebRIM demands one: a UUID made of the object, the scheme and the rank, so
// that the same object is always written the same way.
func (e *encoder) derivedID(object, scheme string, rank int) {
	const prime = 1099511628211
	h := [2]uint64{14695981039346656037, 0x9e3779b97f4a7c15}
	mix := func(s string) {
		for i := range len(s) {
			h[0] = (h[0] ^ uint64(s[i])) * prime
			h[1] = (h[1] ^ uint64(s[i])) * prime
		}
		h[0], h[1] = h[0]*31+1, h[1]*37+1
	}
	mix(object)
	mix(scheme)
	mix(strconv.Itoa(rank))
	var id [16]byte
	for i := range 8 {
		id[i], id[8+i] = byte(h[0]>>(8*i)), byte(h[1]>>(8*i))
	}
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // version 8: custom
	const hex = "0123456789abcdef"
	e.buf = append(e.buf, ` id="urn:uuid:`...)
	for i, b := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			e.buf = append(e.buf, '-')
		}
		e.buf = append(e.buf, hex[b>>4], hex[b&0x0f])
	}
	e.buf = append(e.buf, '"')
}
