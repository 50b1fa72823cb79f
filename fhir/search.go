package fhir

import (
	"maps"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// Bounds of a search.
const (
	defaultCount = 50   // entries of a page when the client names no _count
	maxCount     = 200  // entries of a page at most; a larger _count is cut
	maxValues    = 1000 // values of one parameter (design §5)
	maxGiven     = 200  // parameters of one search, each time that one is given
)

// Search is an ITI-66 or ITI-67 request as understood (MHD 2:3.66.4.1.2, 2:3.67.4.1.2).
type Search struct {
	Resource  string    // what is searched for
	Query     xds.Query // conditions, order and limit; the patient is the caller's to set
	Record    string    // patient=Patient/{record}
	Patient   xds.CX    // patient.identifier=system|value
	Named     []Named   // identifier, each time that it was given
	Terms     []Term    // of what is no document: conditions that the caller holds what he finds to
	Sets      bool      // of Lists, SubmissionSets are wanted
	Folders   bool      // of Lists, Folders are
	CountOnly bool      // _summary=count or _count=0
	NoTotal   bool      // _total=none
	Cursor    string    // position to go on from, sealed
	joined    []string  // references that are followed
	used      []parameter
}

// Named are objects by ids of any kind: what is found is one of them, or with Not none.
type Named struct {
	IDs []string
	Not bool
}

type parameter struct{ name, value string }

// byID tells whether the search names documents, so that it may do without a patient
// under a token that names one (D6).
func (s *Search) byID() bool {
	return slices.ContainsFunc(s.used, func(p parameter) bool { return p.name == "_id" || p.name == "identifier" })
}

// NamesPatient tells whether the search says whose documents it wants.
func (s *Search) NamesPatient() bool { return s.Record != "" || s.Patient != "" }

// URL is the address of the search as it was understood: only the parameters used,
// and the record in place of any identifier of the patient (D9). cursor is the
// sealed position of a next link, "" for self.
func (s *Search) URL(base, record, cursor string) string {
	if s.Resource == "Patient" && record != "" {
		return searchURL(base+"/Patient", append([]parameter{{"_id", record}}, s.used...), "", cursor)
	}
	return searchURL(base+"/"+s.Resource, s.used, record, cursor)
}

func searchURL(address string, used []parameter, record, cursor string) string {
	parts := []string{}
	if record != "" {
		parts = append(parts, "patient=Patient/"+url.QueryEscape(record))
	}
	for _, p := range used {
		parts = append(parts, url.QueryEscape(p.name)+"="+escapeQuery(p.value))
	}
	if cursor != "" {
		parts = append(parts, "_cursor="+url.QueryEscape(cursor))
	}
	return address + "?" + strings.Join(parts, "&")
}

// escapeQuery leaves readable what a query may hold.
func escapeQuery(s string) string {
	return strings.NewReplacer("%7C", "|", "%3A", ":", "%2F", "/", "%2C", ",").Replace(url.QueryEscape(s))
}

// Key is what a cursor is sealed to: conditions, order and record, but no page size.
func (s *Search) Key(record string) string { return searchKey(s.Resource, s.used, record) }

func searchKey(resource string, used []parameter, record string) string {
	var b strings.Builder
	b.WriteString(resource + " " + record)
	for _, p := range used {
		if p.name != "_count" && p.name != "_total" {
			b.WriteString("\n" + p.name + "=" + p.value)
		}
	}
	return b.String()
}

// ParseSearch reads the parameters of a search for one type of resource, those of the
// URL and of a POST body together. strict refuses unknown parameters, else they are
// ignored and stand in no link (F10). base is the address of the FHIR face.
func ParseSearch(resource string, values url.Values, base string, strict bool) (Search, xds.Errors) {
	p := parser{refs: References{Base: base}, strict: strict, statuses: known, archived: unarchived}
	p.search.Resource, p.search.Sets, p.search.Folders = resource, true, true
	p.search.Query.Limit, p.search.Query.Count = defaultCount, true
	given := 0
	for _, full := range slices.Sorted(maps.Keys(values)) {
		if given += len(values[full]); given > maxGiven {
			p.refuse(full, "", "au plus "+strconv.Itoa(maxGiven)+" paramètres")
			return p.search, p.findings
		}
		p.parameter(full, values[full])
	}
	if !p.search.NamesPatient() && !p.search.byID() && !p.findings.Failed() {
		p.findings.Add(xds.Found("QRY-002", "patient", "", "patient=Patient/{dossier} ou patient.identifier=urn:oid:…|…"))
	}
	if resource == "DocumentReference" {
		p.match(xds.StatusIs(p.statuses.and(p.archived)...))
	}
	sort.SliceStable(p.search.used, func(i, j int) bool { return p.search.used[i].name < p.search.used[j].name })
	return p.search, p.findings
}

// parser collects one search.
type parser struct {
	refs     References
	strict   bool
	search   Search
	statuses statusSet
	archived statusSet
	aside    bool // the value just read is not used
	findings xds.Errors
}

// parameter reads all values of one parameter name.
func (p *parser) parameter(full string, values []string) {
	name, modifier := splitName(full)
	param, ok := searchTables[p.search.Resource][name]
	switch {
	case !ok && p.strict:
		p.refuse(full, "", "un paramètre annoncé par /metadata")
		return
	case !ok:
		return
	}
	if modifier != "" && !slices.Contains(param.modifiers, modifier) {
		p.refuse(full, ":"+modifier, "un modificateur parmi "+strings.Join(append([]string{"(aucun)"}, param.modifiers...), ", "))
		return
	}
	count := 0
	for _, value := range values {
		count += 1 + strings.Count(value, ",")
	}
	if count > maxValues {
		p.refuse(full, strconv.Itoa(count)+" valeurs", "au plus "+strconv.Itoa(maxValues))
		return
	}
	for _, value := range values {
		before := len(p.findings)
		p.aside = false
		c := condition{name: full, param: param, modifier: modifier, value: value}
		switch {
		case value == "":
			p.refuse(full, "", "une valeur")
		case modifier == "missing":
			p.missing(c)
		default:
			param.parse(p, c)
		}
		if len(p.findings) == before && !param.hidden && !p.aside {
			p.search.used = append(p.search.used, parameter{full, value})
		}
	}
}

// referenced are the types that a reference of ours can be to, and links that a chain
// to a person may follow on its way: an author is written as a role of a person, and
// clients name the one, the other or both.
var (
	referenced = []string{"Patient", "Practitioner", "PractitionerRole", "Organization", "Device", "DocumentReference", "List"}
	onTheWay   = []string{"practitioner", "partOf", "PractitionerRole"}
)

// splitName separates a parameter from its modifier. A type such as :Patient names no
// modifier, and author:PractitionerRole.practitioner.family is author.family.
func splitName(full string) (name, modifier string) {
	var kept []string
	segments := strings.Split(full, ".")
	for i, segment := range segments {
		last := i == len(segments)-1
		link, after, _ := strings.Cut(segment, ":")
		switch {
		case slices.Contains(referenced, after):
		case last:
			modifier = after
		case after != "":
			return full, ""
		}
		if i == 0 || last || !slices.Contains(onTheWay, link) {
			kept = append(kept, link)
		}
	}
	if len(kept) > 1 && strings.HasPrefix(kept[0], "PDSm_List_") {
		kept[0] = "source"
	}
	return strings.Join(kept, "."), modifier
}

func (p *parser) refuse(name, found, expected string) {
	p.findings.Add(xds.Found("FHIR-008", xds.Shorten(name), found, expected))
}

func (p *parser) match(m xds.Match) { p.search.Query = p.search.Query.With(m) }

// nothing makes the search match nothing.
func (p *parser) nothing() { p.match(xds.StatusIs()) }

// matchOr is match where there is a value that can be compared: without one nothing
// is equal, and everything is not.
func (p *parser) matchOr(m xds.Match, comparable bool) {
	switch {
	case comparable:
		p.match(m)
	case !m.Not:
		p.nothing()
	}
}

// missing is name:missing=true|false.
func (p *parser) missing(c condition) {
	switch {
	case c.value != "true" && c.value != "false":
		p.refuse(c.name, "", "true ou false")
	case c.param.attribute == xds.NoAttribute && c.value == "true":
		p.nothing() // every document has it
	case c.param.attribute != xds.NoAttribute:
		present := []xds.Match{{Attribute: c.param.attribute, Op: xds.Present}}
		if c.param.also != xds.NoAttribute {
			present = append(present, xds.Match{Attribute: c.param.also, Op: xds.Present})
		}
		m := xds.AnyOf(present...)
		m.Not = c.value == "true"
		p.match(m)
	}
}

// condition is one value of one parameter.
type condition struct {
	name     string // as the client wrote it
	param    searchParam
	modifier string
	value    string
}

// alternatives splits the value at its commas; \, \| \$ and \\ stand for themselves.
func (c condition) alternatives() []string {
	var all []string
	var b strings.Builder
	for i := 0; i < len(c.value); i++ {
		switch ch := c.value[i]; {
		case ch == '\\' && i+1 < len(c.value) && c.value[i+1] == '|':
			b.WriteString(escapedBar)
			i++
		case ch == '\\' && i+1 < len(c.value):
			i++
			b.WriteByte(c.value[i])
		case ch == ',':
			all = append(all, b.String())
			b.Reset()
		default:
			b.WriteByte(ch)
		}
	}
	return append(all, b.String())
}

// escapedBar stands for \| until the token is split.
const escapedBar = "\x00"

// token is `system|code`; bar tells whether a bar stood in it.
func token(s string) (system, code string, bar bool) {
	system, code, bar = strings.Cut(s, "|")
	if !bar {
		system, code = "", system
	}
	return strings.ReplaceAll(system, escapedBar, "|"), strings.ReplaceAll(code, escapedBar, "|"), bar
}

// statusSet is a set of availability statuses.
type statusSet []xds.Status

var (
	known      = statusSet{xds.Approved, xds.Deprecated, xds.Archived}
	unarchived = statusSet{xds.Approved, xds.Deprecated}
	anyStatus  = statusSet{xds.Approved, xds.Deprecated, xds.Archived, xds.Deleted}
)

func (s statusSet) and(o statusSet) statusSet {
	return slices.DeleteFunc(slices.Clone(s), func(x xds.Status) bool { return !slices.Contains(o, x) })
}

func (s statusSet) without(o statusSet) statusSet {
	return slices.DeleteFunc(slices.Clone(s), func(x xds.Status) bool { return slices.Contains(o, x) })
}
