package fhir

import (
	"regexp"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// dateValue is one value of a date parameter: a prefix and the range that the
// value's precision covers (R4 3.1.1.4.5).
type dateValue struct {
	prefix   string
	from, to time.Time
}

var datePrefix = regexp.MustCompile(`^(eq|ne|gt|ge|lt|le|sa|eb)`)

// dateOf reads a value. A search may leave out seconds and offset, which then is UTC;
// a space stands for the plus that a form decoder took away.
func (p *parser) dateOf(c condition) (d dateValue, ok bool) {
	text := c.value
	d.prefix = datePrefix.FindString(text)
	text = strings.Replace(strings.TrimPrefix(text, d.prefix), " ", "+", 1)
	if d.prefix == "" {
		d.prefix = "eq"
	}
	if len(text) == len("2006-01-02T15:04") {
		d.from, d.to, ok = dateRange(text + ":00Z")
		d.to = d.from.Add(time.Minute)
	} else if len(text) == len("2006-01-02T15:04:05") {
		d.from, d.to, ok = dateRange(text + "Z")
	} else {
		d.from, d.to, ok = dateRange(text)
	}
	if !ok {
		expected := "[eq|ne|gt|ge|lt|le|sa|eb]AAAA[-MM[-JJ[Thh:mm[:ss[+zz:zz]]]]]"
		if strings.Contains(text, ",") {
			expected = "une seule date par paramètre (le répéter pour un intervalle)"
		}
		p.refuse(c.name, c.value, expected)
	}
	return d, ok
}

// date compares a dateTime attribute.
func (p *parser) date(c condition) {
	d, ok := p.dateOf(c)
	if !ok {
		return
	}
	m := xds.Match{Attribute: c.param.attribute, Op: xds.Within}
	switch d.prefix {
	case "eq":
		m.Span = xds.Span{From: d.from, To: d.to}
	case "ne":
		p.match(xds.Match{Attribute: m.Attribute, Op: xds.Present})
		m.Span, m.Not = xds.Span{From: d.from, To: d.to}, true
	case "gt":
		m.Op, m.Span = xds.Overlaps, xds.Span{From: d.to}
	case "ge":
		m.Op, m.Span = xds.Overlaps, xds.Span{From: d.from}
	case "lt":
		m.Op, m.Span = xds.Overlaps, xds.Span{To: d.from}
	case "le":
		m.Op, m.Span = xds.Overlaps, xds.Span{To: d.to}
	case "sa":
		m.Span = xds.Span{From: d.to}
	case "eb":
		m.Span = xds.Span{To: d.from}
	}
	p.match(m)
}

// period compares the time of the service, from start to stop; without a stop it is
// still going on (R4 3.1.1.4.5, Period).
func (p *parser) period(c condition) {
	d, ok := p.dateOf(c)
	if !ok {
		return
	}
	start := func(s xds.Span) { p.match(xds.Match{Attribute: xds.AttrServiceStart, Op: xds.Within, Span: s}) }
	stop := func(s xds.Span, not bool) {
		p.match(xds.Match{Attribute: xds.AttrServiceStop, Op: xds.Within, Span: s, Not: not})
	}
	switch d.prefix {
	case "eq":
		start(xds.Span{From: d.from})
		stop(xds.Span{To: d.to}, false)
	case "gt", "ge":
		bound := d.from
		if d.prefix == "gt" {
			bound = d.to
		}
		p.match(xds.Match{Attribute: xds.AttrServiceStart, Op: xds.Present})
		stop(xds.Span{To: bound}, true)
	case "lt":
		start(xds.Span{To: d.from})
	case "le":
		start(xds.Span{To: d.to})
	case "sa":
		start(xds.Span{From: d.to})
	case "eb":
		stop(xds.Span{To: d.from}, false)
	default:
		p.refuse(c.name, d.prefix, "eq, gt, ge, lt, le, sa ou eb")
	}
}
