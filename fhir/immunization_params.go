package fhir

import (
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
)

// shared lends the reading of one value to the parser of ITI-67.
func (p *immunizationParser) shared(read func(*parser)) parser {
	shared := parser{refs: p.refs}
	shared.search.Record, shared.search.Patient = p.search.Record, p.search.Patient
	read(&shared)
	p.findings.AddAll(shared.findings)
	return shared
}

func (p *immunizationParser) patient(c condition) {
	shared := p.shared(func(s *parser) { s.patient(c) })
	p.search.Record, p.search.Patient = shared.search.Record, shared.search.Patient
}

func (p *immunizationParser) patientIdentifier(c condition) {
	shared := p.shared(func(s *parser) { s.patientIdentifier(c) })
	p.search.Record, p.search.Patient = shared.search.Record, shared.search.Patient
}

func (p *immunizationParser) id(c condition) {
	ids := c.alternatives()
	p.test(func(im Immunization) bool { return slices.Contains(ids, im.Key) })
}

// dated makes the reading of a date parameter on a span of the act.
func dated(span func(Immunization) (from, to time.Time)) func(*immunizationParser, condition) {
	return func(p *immunizationParser, c condition) {
		var any []dateValue
		for _, alternative := range c.alternatives() {
			d, ok := dateOf(alternative)
			if !ok {
				p.refuse(c.name, alternative, "[eq|ne|gt|ge|lt|le|sa|eb|ap]AAAA[-MM[-JJ[Thh:mm[:ss[+zz:zz]]]]]")
				return
			}
			any = append(any, d)
		}
		p.test(func(im Immunization) bool {
			from, to := span(im)
			return !from.IsZero() && slices.ContainsFunc(any, func(d dateValue) bool { return d.holds(from, to) })
		})
	}
}

// holds compares the time that a value covers with that of the parameter (R4 3.1.1.4.5).
func (d dateValue) holds(from, to time.Time) bool {
	within := !from.Before(d.from) && !to.After(d.to)
	switch d.prefix {
	case "ne":
		return !within
	case "gt":
		return to.After(d.to)
	case "ge":
		return to.After(d.from)
	case "lt":
		return from.Before(d.from)
	case "le":
		return from.Before(d.to)
	case "sa":
		return !from.Before(d.to)
	case "eb":
		return !to.After(d.from)
	case "ap":
		near := d.near()
		return from.Before(near.To) && to.After(near.From)
	}
	return within
}

// immunizationStatuses is the code system of Immunization.status.
const immunizationStatuses = "http://hl7.org/fhir/event-status"

func (p *immunizationParser) status(c condition) {
	var asked []string
	for _, alternative := range c.alternatives() {
		switch system, code, bar := token(alternative); {
		case bar && system != immunizationStatuses:
		case slices.Contains([]string{"completed", "entered-in-error", "not-done"}, code):
			asked = append(asked, code)
		default:
			p.refuse(c.name, code, "completed, entered-in-error ou not-done")
			return
		}
	}
	p.test(func(im Immunization) bool { return slices.Contains(asked, im.Status()) != (c.modifier == "not") })
}

func (p *immunizationParser) vaccine(c condition) {
	var wanted []xds.Code
	for _, alternative := range c.alternatives() {
		switch system, code, bar := token(alternative); {
		case system == "" && code == "":
			p.refuse(c.name, "", "système|code")
			return
		case bar && system == "": // no code here lacks a system
		default:
			wanted = append(wanted, xds.Code{Value: code, Scheme: SchemeOf(system)})
		}
	}
	p.test(func(im Immunization) bool {
		has := slices.ContainsFunc(im.Vaccine, func(v xds.Code) bool {
			return slices.ContainsFunc(wanted, func(w xds.Code) bool {
				return (w.Value == "" || w.Value == v.Value) && (w.Scheme == "" || w.Scheme == v.Scheme)
			})
		})
		return has != (c.modifier == "not")
	})
}

// text compares a text: its beginning without case; the whole with :exact, any part
// with :contains (Q4).
func (p *immunizationParser) text(c condition, of func(Immunization) string) {
	wanted := c.alternatives()
	p.test(func(im Immunization) bool {
		got := of(im)
		return got != "" && slices.ContainsFunc(wanted, func(want string) bool {
			folded, part := strings.ToLower(got), strings.ToLower(want)
			switch c.modifier {
			case "exact":
				return got == want
			case "contains":
				return strings.Contains(folded, part)
			}
			return strings.HasPrefix(folded, part)
		})
	})
}

func (p *immunizationParser) lot(c condition) {
	p.text(c, func(im Immunization) string { return im.Lot })
}

func (p *immunizationParser) series(c condition) {
	p.text(c, func(im Immunization) string { return im.Series })
}

// identifier compares the ids of the entry: system|value, |value has none, value alone
// is of any system.
func (p *immunizationParser) identifier(c condition) {
	p.matching(c, func(im Immunization) []vaccination.ID { return im.IDs })
}

func (p *immunizationParser) performer(c condition) {
	if c.modifier != "identifier" {
		p.refuse(c.name, "", "performer:identifier=système|valeur")
		return
	}
	p.performerIdentifier(c)
}

func (p *immunizationParser) performerIdentifier(c condition) {
	p.matching(c, func(im Immunization) []vaccination.ID {
		return []vaccination.ID{im.Performer.ID, im.Performer.Structure}
	})
}

// matching tests that one of the identifiers is one of those asked for.
func (p *immunizationParser) matching(c condition, of func(Immunization) []vaccination.ID) {
	var exact []vaccination.ID
	var values []string
	for _, alternative := range c.alternatives() {
		switch system, value, bar := token(alternative); {
		case value == "":
			p.refuse(c.name, "", "système|valeur")
			return
		case bar && system == "":
		case system != "":
			exact = append(exact, instanceOf(system, value))
		default:
			values = append(values, strings.ToLower(value))
		}
	}
	p.test(func(im Immunization) bool {
		return slices.ContainsFunc(of(im), func(id vaccination.ID) bool {
			bare := id.Extension
			if bare == "" {
				bare = id.Root
			}
			return id.Root != "" && (slices.Contains(values, strings.ToLower(bare)) || id.Extension == "" && slices.Contains(values, uriOf(id.Root)) ||
				slices.ContainsFunc(exact, id.Same))
		})
	})
}

// instanceOf is an Identifier as HL7 v3 instance identifier: a URN is its root, an OID
// its root and value its extension; another URI has a root made of it.
func instanceOf(system, value string) vaccination.ID {
	if system == uriSystem {
		system, value = value, ""
	}
	if oid, ok := strings.CutPrefix(system, oidURN); ok && xds.IsOID(oid) {
		return vaccination.ID{Root: oid, Extension: value}
	}
	if lower := strings.ToLower(system); xds.IsUUID(lower) {
		return vaccination.ID{Root: strings.TrimPrefix(lower, uuidURN), Extension: value}
	}
	return vaccination.InSystem(system, value)
}

func (p *immunizationParser) count(c condition) {
	shared := p.shared(func(s *parser) { s.count(c) })
	p.search.CountOnly = p.search.CountOnly || shared.search.CountOnly
	if n := shared.search.Query.Limit; n > 0 {
		p.search.Count = n
	}
}

func (p *immunizationParser) total(c condition) {
	p.search.NoTotal = p.shared(func(s *parser) { s.total(c) }).search.NoTotal
}

func (p *immunizationParser) summary(c condition) {
	p.search.CountOnly = p.shared(func(s *parser) { s.summary(c) }).search.CountOnly || p.search.CountOnly
}

// immunizationKeys are the keys that _sort may name; what is not known comes first.
var immunizationKeys = map[string]func(Immunization) string{
	"date": func(im Immunization) string {
		from, _ := vaccination.Span(im.When)
		return sortable(from)
	},
	"_lastUpdated": func(im Immunization) string { return sortable(im.Updated()) },
}

func sortable(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("20060102150405")
}

func (p *immunizationParser) sort(c condition) {
	for _, name := range c.alternatives() {
		bare, descending := strings.CutPrefix(name, "-")
		key, ok := immunizationKeys[bare]
		if !ok {
			p.refuse(c.name, bare, "date ou _lastUpdated, avec - pour l'ordre inverse")
			return
		}
		p.search.order = append(p.search.order, immunizationOrder{key, descending})
	}
}

func (p *immunizationParser) revinclude(c condition) {
	if c.value != "Provenance:target" {
		p.refuse(c.name, c.value, "Provenance:target")
		return
	}
	p.search.Origins = true
}
