package fhir

import (
	"net/url"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// patient reads patient=Patient/{record}, {record} or patient:identifier=…; one
// search is about one patient.
func (p *parser) patient(c condition) {
	if c.modifier == "identifier" {
		p.patientIdentifier(c)
		return
	}
	record := strings.TrimPrefix(p.refs.local(c.value), "Patient/")
	switch {
	case !isID(record):
		p.refuse(c.name, "", "Patient/{dossier}")
	case p.search.Record != "" && p.search.Record != record:
		p.findings.Add(xds.Found("QRY-005", c.name, "", "un seul patient"))
	default:
		p.search.Record = record
	}
}

func (p *parser) patientIdentifier(c condition) {
	cx := tokenCX(c.value)
	switch {
	case cx == "":
		p.refuse(c.name, "", "urn:oid:{autorité}|{identifiant}")
	case p.search.Patient != "" && !p.search.Patient.Same(cx):
		p.findings.Add(xds.Found("QRY-005", c.name, "", "un seul patient"))
	default:
		p.search.Patient = cx
	}
}

// identifier reads uniqueIds, entryUUIDs and logicalIDs in every form: with the
// system of URIs, as URN, bare, and OID|extension (Q5, D2).
func (p *parser) identifier(c condition) {
	var ids []string
	for _, alternative := range c.alternatives() {
		system, value, bar := token(alternative)
		switch {
		case value == "":
			p.refuse(c.name, "", "système|valeur")
			return
		case bar && system != uriSystem && !strings.HasPrefix(system, oidURN):
		case strings.HasPrefix(system, oidURN):
			ids = append(ids, uniqueIDOf(system, value))
		case xds.IsUUID(uuidURN + strings.ToLower(strings.TrimPrefix(value, uuidURN))):
			ids = append(ids, uuidURN+strings.ToLower(strings.TrimPrefix(value, uuidURN)))
		default:
			ids = append(ids, strings.TrimPrefix(value, oidURN))
		}
	}
	p.search.Named = append(p.search.Named, Named{ids, c.modifier == "not"})
}

// ParseIdentifier reads the condition of a conditional interaction: identifier, once
// and alone beside what controls the answer (R4 http.html, conditional update and patch).
func ParseIdentifier(values url.Values) ([]string, error) {
	p := parser{}
	for name, given := range values {
		switch {
		case name == "identifier" && len(given) == 1:
			p.identifier(condition{name: name, value: given[0]})
		case strings.HasPrefix(name, "_"):
		default:
			p.refuse(name, "", "identifier=système|valeur, une fois")
		}
	}
	if len(p.search.Named) == 0 && !p.findings.Failed() {
		p.refuse("identifier", "", "identifier=système|valeur")
	}
	if err := p.findings.Err(); err != nil {
		return nil, err
	}
	return p.search.Named[0].IDs, nil
}

func (p *parser) id(c condition) {
	m := xds.Match{Attribute: xds.AttrLogicalID, Op: xds.Equals, Not: c.modifier == "not"}
	for _, id := range c.alternatives() {
		if lid := LogicalID(id); lid != "" {
			m.Texts = append(m.Texts, lid)
		}
	}
	p.match(m)
}

// relatesTo finds the documents that relate to one of those that are named.
func (p *parser) relatesTo(c condition) {
	m := xds.Match{Attribute: xds.AttrRelatesTo, Op: xds.Equals}
	for _, alternative := range c.alternatives() {
		id := strings.TrimPrefix(p.refs.local(alternative), "DocumentReference/")
		if !isID(id) {
			p.refuse(c.name, "", "DocumentReference/{id}")
			return
		}
		if lid := LogicalID(id); lid != "" {
			m.Texts = append(m.Texts, lid)
		}
	}
	p.matchOr(m, len(m.Texts) > 0)
}

func (p *parser) related(c condition) {
	if c.modifier != "identifier" {
		p.refuse(c.name, "", "related:identifier=système|valeur")
		return
	}
	p.relatedIdentifier(c)
}

// relatedIdentifier compares CXi texts (value^^^&oid&ISO^type).
func (p *parser) relatedIdentifier(c condition) {
	m := xds.Match{Attribute: c.param.attribute, Op: xds.Like, Not: c.modifier == "not"}
	for _, alternative := range c.alternatives() {
		system, value, _ := token(alternative)
		oid, isOID := strings.CutPrefix(system, oidURN)
		literal := xds.EscapeLike(strings.TrimPrefix(value, oidURN))
		switch {
		case value == "":
			p.refuse(c.name, "", "système|valeur")
			return
		case isOID:
			m.Texts = append(m.Texts, xds.EscapeLike(value)+"^^^&"+xds.EscapeLike(oid)+"&ISO%")
		case system == uriSystem:
			m.Texts = append(m.Texts, literal+"^^^^%")
		case system == "":
			m.Texts = append(m.Texts, literal, literal+"^%")
		}
	}
	p.matchOr(m, len(m.Texts) > 0)
}

// personID and personIdentifier find an author by his identifier.
func (p *parser) personID(c condition) {
	if c.modifier != "identifier" {
		p.refuse(c.name, "", c.name+":identifier=système|valeur, "+c.name+".family, "+c.name+".given ou "+c.name+".name")
		return
	}
	p.personIdentifier(c)
}

// personIdentifier compares XCN texts (id^family^given^^^^^^&oid&ISO^…).
func (p *parser) personIdentifier(c condition) {
	m := xds.Match{Attribute: c.param.attribute, Op: xds.Like, Not: c.modifier == "not"}
	for _, alternative := range c.alternatives() {
		system, value, _ := token(alternative)
		oid, isOID := strings.CutPrefix(system, oidURN)
		switch {
		case value == "":
			p.refuse(c.name, "", "système|valeur")
			return
		case isOID:
			m.Texts = append(m.Texts, xds.EscapeLike(xds.Escape(value))+"^%&"+xds.EscapeLike(oid)+"&ISO%")
		case system == "":
			literal := xds.EscapeLike(xds.Escape(value))
			m.Texts = append(m.Texts, literal, literal+"^%")
		}
	}
	p.matchOr(m, len(m.Texts) > 0)
}

// personName compares a name of an author: its beginning without case and accents;
// the whole of it with :exact, any part with :contains (Q4). The name alone is family
// name or given name.
func (p *parser) personName(c condition) {
	m, ok := p.texts(c)
	if ok && m.Attribute == xds.AttrAuthorPerson {
		family, given := m, m
		family.Attribute, given.Attribute = xds.AttrAuthorFamily, xds.AttrAuthorGiven
		m = xds.AnyOf(family, given)
	}
	if ok {
		p.match(m)
	}
}

// text compares any other text in the same way.
func (p *parser) text(c condition) {
	if m, ok := p.texts(c); ok {
		p.match(m)
	}
}

func (p *parser) texts(c condition) (m xds.Match, ok bool) {
	m = xds.Match{Attribute: c.param.attribute, Op: xds.Prefix}
	switch c.modifier {
	case "exact":
		m.Op = xds.Equals
	case "contains":
		m.Op = xds.Contains
	}
	for _, text := range c.alternatives() {
		if text = strings.ReplaceAll(text, escapedBar, "|"); strings.TrimSpace(text) == "" {
			p.refuse(c.name, "", "un texte")
			return m, false
		}
		m.Texts = append(m.Texts, text)
	}
	return m, true
}
