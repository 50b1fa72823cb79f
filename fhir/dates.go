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

var datePrefix = regexp.MustCompile(`^(eq|ne|gt|ge|lt|le|sa|eb|ap)`)

// dateOf reads a value. A search may leave out seconds and offset, which then is UTC;
// a space stands for the plus that a form decoder took away.
func dateOf(text string) (d dateValue, ok bool) {
	d.prefix = datePrefix.FindString(text)
	text = strings.Replace(strings.TrimPrefix(text, d.prefix), " ", "+", 1)
	if d.prefix == "" {
		d.prefix = "eq"
	}
	day, clock, timed := strings.Cut(text, "T")
	if !timed {
		d.from, d.to, ok = dateRange(text)
		return d, ok
	}
	zone := ""
	if i := strings.IndexAny(clock, "Z+-"); i >= 0 {
		clock, zone = clock[:i], clock[i:]
	}
	if zone == "" {
		zone = "Z"
	}
	precision := time.Duration(0)
	if len(clock) == len("15:04") {
		clock, precision = clock+":00", time.Minute
	}
	if d.from, d.to, ok = dateRange(day + "T" + clock + zone); precision != 0 {
		d.to = d.from.Add(precision)
	}
	return d, ok
}

// near is the range that ap means: as much again on either side (R4 leaves the width
// to the server; one that does not move with the clock keeps the pages of an answer).
func (d dateValue) near() xds.Span {
	return xds.Span{From: d.from.Add(d.from.Sub(d.to)), To: d.to.Add(d.to.Sub(d.from))}
}

// dates are the alternatives of a date parameter, any of which may hold.
func (p *parser) dates(c condition, match func(dateValue) xds.Match) {
	var any []xds.Match
	for _, alternative := range c.alternatives() {
		d, ok := dateOf(alternative)
		if !ok {
			p.refuse(c.name, alternative, "[eq|ne|gt|ge|lt|le|sa|eb|ap]AAAA[-MM[-JJ[Thh:mm[:ss[+zz:zz]]]]]")
			return
		}
		any = append(any, match(d))
	}
	p.match(xds.AnyOf(any...))
}

// date compares a dateTime attribute.
func (p *parser) date(c condition) {
	p.dates(c, func(d dateValue) xds.Match {
		m := xds.Match{Attribute: c.param.attribute, Op: xds.Within}
		switch d.prefix {
		case "eq":
			m.Span = xds.Span{From: d.from, To: d.to}
		case "ne":
			m.Span, m.Not = xds.Span{From: d.from, To: d.to}, true
			return xds.Match{All: []xds.Match{{Attribute: m.Attribute, Op: xds.Present}, m}}
		case "ap":
			m.Op, m.Span = xds.Overlaps, d.near()
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
		return m
	})
}

// period compares the time of the service, from start to stop; an end that is not
// said is open (R4 3.1.1.4.5, Period).
func (p *parser) period(c condition) {
	start := func(s xds.Span) xds.Match { return xds.Match{Attribute: xds.AttrServiceStart, Op: xds.Within, Span: s} }
	stop := func(s xds.Span) xds.Match { return xds.Match{Attribute: xds.AttrServiceStop, Op: xds.Within, Span: s} }
	not := func(m xds.Match) xds.Match { m.Not = true; return m }
	there := xds.AnyOf(xds.Match{Attribute: xds.AttrServiceStart, Op: xds.Present}, xds.Match{Attribute: xds.AttrServiceStop, Op: xds.Present})
	p.dates(c, func(d dateValue) xds.Match {
		inside := xds.Match{All: []xds.Match{start(xds.Span{From: d.from}), stop(xds.Span{To: d.to})}}
		switch d.prefix {
		case "ne":
			return xds.Match{All: []xds.Match{there, not(inside)}}
		case "gt":
			return xds.Match{All: []xds.Match{there, not(stop(xds.Span{To: d.to}))}}
		case "ge":
			return xds.Match{All: []xds.Match{there, not(stop(xds.Span{To: d.from}))}}
		case "lt":
			return xds.Match{All: []xds.Match{there, not(start(xds.Span{From: d.from}))}}
		case "le":
			return xds.Match{All: []xds.Match{there, not(start(xds.Span{From: d.to}))}}
		case "ap":
			near := d.near()
			return xds.Match{All: []xds.Match{there, not(start(xds.Span{From: near.To})), not(stop(xds.Span{To: near.From}))}}
		case "sa":
			return start(xds.Span{From: d.to})
		case "eb":
			return stop(xds.Span{To: d.from})
		}
		return inside
	})
}
