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
