package fhir

import (
	"maps"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
)

// ImmunizationSearch is a search on Immunization as understood (QEDm PCC-44; R4
// Immunization, search parameters). It runs on the acts that a reader may see: it can
// only narrow.
type ImmunizationSearch struct {
	Record    string // patient=Patient/{record}
	Patient   xds.CX // patient.identifier=system|value
	Count     int
	CountOnly bool // _summary=count or _count=0
	NoTotal   bool // _total=none
	Origins   bool // _revinclude=Provenance:target
	Cursor    string

	tests []func(Immunization) bool
	order []immunizationOrder
	used  []parameter
}

type immunizationOrder struct {
	key        func(Immunization) string // sorts as text
	descending bool
}

// immunizationParam is one parameter of a search on Immunization.
type immunizationParam struct {
	kind      string // "" = a control of the answer, not announced
	modifiers []string
	hidden    bool // never stands in a link
	parse     func(*immunizationParser, condition)
	text      string
}

var textModifiers = []string{"exact", "contains"}

// immunizationParams are all parameters that work.
var immunizationParams = immunizationTable()

func immunizationTable() map[string]immunizationParam {
	patient := immunizationParam{kind: "reference", modifiers: []string{"identifier"}, hidden: true, parse: (*immunizationParser).patient, text: "Patient/{dossier}, ou :identifier=urn:oid:…|…"}
	byIdentifier := immunizationParam{kind: "token", hidden: true, parse: (*immunizationParser).patientIdentifier, text: "urn:oid:…|…"}
	control := func(parse func(*immunizationParser, condition)) immunizationParam {
		return immunizationParam{parse: parse}
	}
	ignored := immunizationParam{hidden: true, parse: func(*immunizationParser, condition) {}}
	return map[string]immunizationParam{
		"patient": patient, "patient.identifier": byIdentifier,
		"_id":                  {kind: "token", parse: (*immunizationParser).id},
		"_lastUpdated":         {kind: "date", parse: dated(func(im Immunization) (from, to time.Time) { return im.Updated(), im.Updated().Add(time.Second) })},
		"date":                 {kind: "date", parse: dated(func(im Immunization) (from, to time.Time) { return vaccination.Span(im.When) })},
		"status":               {kind: "token", modifiers: []string{"not"}, parse: (*immunizationParser).status},
		"vaccine-code":         {kind: "token", modifiers: []string{"not"}, parse: (*immunizationParser).vaccine, text: "CIS, ATC ou CIP"},
		"lot-number":           {kind: "string", modifiers: textModifiers, parse: (*immunizationParser).lot},
		"series":               {kind: "string", modifiers: textModifiers, parse: (*immunizationParser).series},
		"identifier":           {kind: "token", parse: (*immunizationParser).identifier},
		"performer":            {kind: "reference", modifiers: []string{"identifier"}, parse: (*immunizationParser).performer, text: "avec :identifier"},
		"performer.identifier": {kind: "token", parse: (*immunizationParser).performerIdentifier},
		"_count":               control((*immunizationParser).count),
		"_total":               control((*immunizationParser).total),
		"_summary":             control((*immunizationParser).summary),
		"_sort":                control((*immunizationParser).sort),
		"_revinclude":          control((*immunizationParser).revinclude),
		"_cursor":              {hidden: true, parse: func(p *immunizationParser, c condition) { p.search.Cursor = c.value }},
		"_format":              ignored, "_pretty": ignored,
	}
}

// ImmunizationParams are the parameters of the table, for the CapabilityStatement.
func ImmunizationParams() []Param {
	var params []Param
	for _, name := range slices.Sorted(maps.Keys(immunizationParams)) {
		if p := immunizationParams[name]; p.kind != "" {
			params = append(params, Param{Name: name, Kind: p.kind, Text: strings.TrimSpace(p.text + modifierText(searchParam{modifiers: p.modifiers}))})
		}
	}
	return params
}

// ParseImmunizationSearch reads the parameters of a search, as ParseSearch does.
func ParseImmunizationSearch(values url.Values, base string, strict bool) (ImmunizationSearch, xds.Errors) {
	p := immunizationParser{refs: References{Base: base}, strict: strict}
	p.search.Count = defaultCount
	given := 0
	for _, full := range slices.Sorted(maps.Keys(values)) {
		if given += len(values[full]); given > maxGiven {
			p.refuse(full, "", "au plus "+strconv.Itoa(maxGiven)+" paramètres")
			return p.search, p.findings
		}
		p.parameter(full, values[full])
	}
	sort.SliceStable(p.search.used, func(i, j int) bool { return p.search.used[i].name < p.search.used[j].name })
	if len(p.search.order) == 0 {
		p.search.order = []immunizationOrder{{immunizationKeys["date"], true}}
	}
	return p.search, p.findings
}

// immunizationParser collects one search.
type immunizationParser struct {
	refs     References
	strict   bool
	search   ImmunizationSearch
	findings xds.Errors
}

func (p *immunizationParser) refuse(name, found, expected string) {
	p.findings.Add(xds.Found("FHIR-008", xds.Shorten(name), found, expected))
}

func (p *immunizationParser) test(fn func(Immunization) bool) {
	p.search.tests = append(p.search.tests, fn)
}

// parameter reads all values of one parameter name.
func (p *immunizationParser) parameter(full string, values []string) {
	name, modifier := splitName(full)
	param, ok := immunizationParams[name]
	switch {
	case !ok && p.strict:
		p.refuse(full, "", "un paramètre annoncé par /metadata")
		return
	case !ok:
		return
	case modifier != "" && !slices.Contains(param.modifiers, modifier):
		p.refuse(full, ":"+modifier, "un modificateur parmi "+strings.Join(append([]string{"(aucun)"}, param.modifiers...), ", "))
		return
	}
	for _, value := range values {
		before := len(p.findings)
		switch {
		case value == "":
			p.refuse(full, "", "une valeur")
		case strings.Count(value, ",") >= maxValues:
			p.refuse(full, "", "au plus "+strconv.Itoa(maxValues)+" valeurs")
		default:
			param.parse(p, condition{name: full, modifier: modifier, value: value})
		}
		if len(p.findings) == before && !param.hidden {
			p.search.used = append(p.search.used, parameter{full, value})
		}
	}
}

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

// Matches tells whether an act meets all conditions.
func (s *ImmunizationSearch) Matches(im Immunization) bool {
	for _, test := range s.tests {
		if !test(im) {
			return false
		}
	}
	return true
}

// Compare orders two acts; the id breaks ties.
func (s *ImmunizationSearch) Compare(a, b Immunization) int {
	return s.compare(s.Position(a), s.Position(b))
}

// Position is where an act stands in the order of the answer.
func (s *ImmunizationSearch) Position(im Immunization) xds.Cursor {
	at := xds.Cursor{LogicalID: im.Key}
	for _, o := range s.order {
		at.Values = append(at.Values, o.key(im))
	}
	return at
}

// After tells whether an act comes after a position.
func (s *ImmunizationSearch) After(im Immunization, at xds.Cursor) bool {
	return len(at.Values) == len(s.order) && s.compare(s.Position(im), at) > 0
}

func (s *ImmunizationSearch) compare(a, b xds.Cursor) int {
	for i, o := range s.order {
		if c := strings.Compare(a.Values[i], b.Values[i]); c != 0 {
			if o.descending {
				return -c
			}
			return c
		}
	}
	return strings.Compare(a.LogicalID, b.LogicalID)
}

// URL is the address of the search as it was understood (D9).
func (s *ImmunizationSearch) URL(base, record, cursor string) string {
	return searchURL(base+"/Immunization", s.used, record, cursor)
}

// Key is what a cursor is sealed to.
func (s *ImmunizationSearch) Key(record string) string {
	return searchKey("Immunization", s.used, record)
}
