package fhir

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Term is a condition of a search on a resource that is made of rights and traces and
// not of documents (Patient, CareTeam, Consent, AuditEvent): the caller finds what
// concerns the patient, and keeps what fits every term.
type Term struct {
	Name   string
	Tokens []Token // one of them fits
	dates  []dateValue
}

// Token is one value `system|code` (R4 3.1.1.4.10); a reference is a code alone.
type Token struct {
	System, Code string
	Bar          bool // a bar stood in it: an empty system means none
}

// Any tells whether a token of the term names the code.
func (t Term) Any(system, code string) bool {
	return slices.ContainsFunc(t.Tokens, func(token Token) bool {
		return (token.Code == "" || token.Code == code) && (!token.Bar || token.System == system)
	})
}

// At tells whether an instant is in one of the dates of the term.
func (t Term) At(at time.Time) bool {
	return slices.ContainsFunc(t.dates, func(d dateValue) bool {
		switch d.prefix {
		case "ne":
			return at.Before(d.from) || !at.Before(d.to)
		case "gt", "sa":
			return !at.Before(d.to)
		case "ge":
			return !at.Before(d.from)
		case "lt", "eb":
			return at.Before(d.from)
		case "le":
			return at.Before(d.to)
		case "ap":
			near := d.near()
			return !at.Before(near.From) && at.Before(near.To)
		default:
			return !at.Before(d.from) && at.Before(d.to)
		}
	})
}

// term reads a token or a reference. A reference is relative; under :identifier, or by a
// name that ends so, it is a token.
func (p *parser) term(c condition) {
	name, _ := splitName(c.name)
	t := Term{Name: strings.TrimSuffix(name, ".identifier")}
	for _, alternative := range c.alternatives() {
		system, code, bar := token(alternative)
		if code == "" && system == "" {
			p.refuse(c.name, "", "système|code")
			return
		}
		if c.param.kind == "reference" && c.modifier == "" {
			t.Name, code = name+":reference", p.refs.local(code)
		}
		t.Tokens = append(t.Tokens, Token{System: system, Code: code, Bar: bar})
	}
	p.search.Terms = append(p.search.Terms, t)
}

// termDate reads a date.
func (p *parser) termDate(c condition) {
	t := Term{Name: c.name}
	for _, alternative := range c.alternatives() {
		d, ok := dateOf(alternative)
		if !ok {
			p.refuse(c.name, alternative, "[eq|ne|gt|ge|lt|le|sa|eb|ap]AAAA[-MM[-JJ[Thh:mm[:ss[+zz:zz]]]]]")
			return
		}
		t.dates = append(t.dates, d)
	}
	p.search.Terms = append(p.search.Terms, t)
}

// termTable are the parameters of a resource made of rights and traces: its own ones
// beside whose it is and how the answer is cut. It is in no order that a client may
// choose, and was not updated.
func termTable(own map[string]searchParam) map[string]searchParam {
	t := commonTable()
	for _, name := range []string{"subject", "subject.identifier", "_lastUpdated", "_lastupdated", "_sort"} {
		delete(t, name)
	}
	maps.Copy(t, own)
	return t
}

// Fits tells whether a view of rights holds all terms of the search: its id, its status,
// and the professionals that it is about.
func (s *Search) Fits(resource, id, status string, professionals []string) bool {
	for _, t := range s.Terms {
		fits := false
		switch t.Name {
		case "_id":
			fits = t.Any("", id)
		case "status":
			fits = t.Any(statusSystems[resource], status)
		case "actor", "participant":
			fits = slices.ContainsFunc(professionals, func(p string) bool { return t.Any(oidURN+proSpace, p) })
		}
		if !fits {
			return false
		}
	}
	return true
}

// statusSystems are the code systems of the statuses of R4.
var statusSystems = map[string]string{"CareTeam": "http://hl7.org/fhir/care-team-status", "Consent": "http://hl7.org/fhir/consent-state-codes"}

// rightsTable are the parameters of a view of rights; who is the one that names a
// professional, by identifier alone: there is no Practitioner to refer to.
func rightsTable(who string) map[string]searchParam {
	professional := searchParam{kind: "reference", modifiers: []string{"identifier"}, parse: (*parser).professional, text: "avec :identifier=urn:oid:1.2.250.1.71.4.2.1|…"}
	return termTable(map[string]searchParam{
		"_id": {kind: "token", parse: (*parser).term}, "status": {kind: "token", parse: (*parser).term},
		who: professional, who + ".identifier": {kind: "token", parse: (*parser).term},
	})
}

func (p *parser) professional(c condition) {
	if c.modifier != "identifier" {
		p.refuse(c.name, "", c.name+":identifier=système|valeur")
		return
	}
	p.term(c)
}
