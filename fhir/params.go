package fhir

import (
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// searchParam is one parameter of a search: what it compares and how.
type searchParam struct {
	kind      string // token, date, string, reference; "" = a control parameter, not announced
	attribute xds.Attribute
	also      xds.Attribute // :missing wants both absent
	modifiers []string
	hidden    bool // never stands in a link: it may hold the patient's identifier
	parse     func(*parser, condition)
	text      string // documentation in the CapabilityStatement
}

var (
	tokenModifiers  = []string{"not", "missing"}
	stringModifiers = []string{"exact", "contains", "missing"}
	dateModifiers   = []string{"missing"}
	linkModifiers   = []string{"identifier", "missing"}
)

func codeParam(a xds.Attribute) searchParam {
	return searchParam{kind: "token", attribute: a, modifiers: tokenModifiers, parse: (*parser).codes}
}

func dateParam(a xds.Attribute) searchParam {
	return searchParam{kind: "date", attribute: a, modifiers: dateModifiers, parse: (*parser).date}
}

func nameParam(a xds.Attribute) searchParam {
	return searchParam{kind: "string", attribute: a, modifiers: stringModifiers, parse: (*parser).personName}
}

// searchTables are all parameters that work, and no other, by resource: the
// CapabilityStatement is written from them.
var searchTables = map[string]map[string]searchParam{"DocumentReference": documentTable(), "List": listTable(),
	"Patient": patientTable(), "CareTeam": rightsTable("participant"), "Consent": rightsTable("actor"), "AuditEvent": auditTable(),
	"AllergyIntolerance": profileTable(), "Condition": profileTable(), "FamilyMemberHistory": profileTable(), "MedicationStatement": profileTable(),
	"Observation": profileTable("code", "date"), "RelatedPerson": profileTable()}

// commonTable are the parameters that every search here knows.
func commonTable() map[string]searchParam {
	patient := searchParam{kind: "reference", modifiers: []string{"identifier"}, hidden: true, parse: (*parser).patient, text: "Patient/{dossier}, ou :identifier=urn:oid:…|…"}
	patientIdentifier := searchParam{kind: "token", hidden: true, parse: (*parser).patientIdentifier, text: "urn:oid:…|…"}
	control := func(parse func(*parser, condition)) searchParam { return searchParam{parse: parse} }
	join := searchParam{modifiers: []string{"iterate", "recurse"}, parse: (*parser).join}
	ignored := searchParam{hidden: true, parse: func(*parser, condition) {}}
	updated := dateParam(xds.AttrLastUpdateTime)
	return map[string]searchParam{
		"patient": patient, "subject": patient, "patient.identifier": patientIdentifier, "subject.identifier": patientIdentifier,
		"_lastUpdated": updated, "_lastupdated": updated, // as MHD 4.2.3 spells it
		"_include": join, "_revinclude": join,
		"_count":   control((*parser).count),
		"_total":   control((*parser).total),
		"_summary": control((*parser).summary), "_elements": control(func(*parser, condition) {}),
		"_sort":   control((*parser).sort),
		"_cursor": {hidden: true, parse: func(p *parser, c condition) { p.search.Cursor = c.value }},
		"_format": ignored, "_pretty": ignored,
	}
}

// documentTable are the parameters of ITI-67 (MHD 2:3.67.4.1.2; PDSm 3.1.1, also in
// the spelling of its CapabilityStatement).
func documentTable() map[string]searchParam {
	t := commonTable()
	archived := searchParam{kind: "token", modifiers: []string{"not"}, parse: (*parser).isArchived, text: "true pour les documents archivés ; sinon jamais rendus"}
	start, stop := dateParam(xds.AttrServiceStart), dateParam(xds.AttrServiceStop)
	for name, p := range map[string]searchParam{
		"status":     {kind: "token", modifiers: tokenModifiers, parse: (*parser).status, text: "sans status : current et superseded"},
		"isArchived": archived, "PDSm_isArchived": archived,
		"identifier":     {kind: "token", modifiers: tokenModifiers, parse: (*parser).identifier, text: "uniqueId, entryUUID ou logicalId"},
		"_id":            {kind: "token", modifiers: []string{"not"}, attribute: xds.AttrLogicalID, parse: (*parser).id},
		"type":           codeParam(xds.AttrTypeCode),
		"category":       codeParam(xds.AttrClassCode),
		"format":         codeParam(xds.AttrFormatCode),
		"facility":       codeParam(xds.AttrFacilityType),
		"setting":        codeParam(xds.AttrPracticeSetting),
		"event":          codeParam(xds.AttrEventCodes),
		"security-label": codeParam(xds.AttrConfidentiality),
		"date":           dateParam(xds.AttrCreationTime),
		"creation":       dateParam(xds.AttrCreationTime),
		"period-start":   start, "PDSm_DocumentReference_period-start": start,
		"period-end": stop, "PDSm_DocumentReference_period-end": stop,
		"period":             {kind: "date", attribute: xds.AttrServiceStart, also: xds.AttrServiceStop, modifiers: dateModifiers, parse: (*parser).period},
		"relatesto":          {kind: "reference", attribute: xds.AttrRelatesTo, modifiers: []string{"missing"}, parse: (*parser).relatesTo, text: "DocumentReference/{id}"},
		"related":            {kind: "reference", attribute: xds.AttrReferenceIDs, modifiers: linkModifiers, parse: (*parser).related, text: "avec :identifier"},
		"related.identifier": {kind: "token", attribute: xds.AttrReferenceIDs, modifiers: tokenModifiers, parse: (*parser).relatedIdentifier},
		"author":             {kind: "reference", attribute: xds.AttrAuthorPerson, also: xds.AttrAuthorInstitution, modifiers: linkModifiers, parse: (*parser).personID, text: "avec :identifier ; sinon author.family, author.given, author.name"},
		"author.identifier":  {kind: "token", attribute: xds.AttrAuthorPerson, modifiers: tokenModifiers, parse: (*parser).personIdentifier},
		"author.given":       nameParam(xds.AttrAuthorGiven),
		"author.family":      nameParam(xds.AttrAuthorFamily),
		"author.name":        nameParam(xds.AttrAuthorPerson),
	} {
		t[name] = p
	}
	return t
}

// codes reads token values of a coded attribute (Q4): |code asks for a code without
// a system, which no document has.
func (p *parser) codes(c condition) {
	m := xds.Match{Attribute: c.param.attribute, Op: xds.Equals, Not: c.modifier == "not"}
	for _, alternative := range c.alternatives() {
		system, code, bar := token(alternative)
		switch {
		case system == "" && code == "":
			p.refuse(c.name, "", "système|code")
			return
		case bar && system == "":
		default:
			m.Codes = append(m.Codes, confidentiality(xds.Code{Value: code, Scheme: SchemeOf(system)}))
		}
	}
	p.matchOr(m, len(m.Codes) > 0)
}

// statusSystem is the code system of DocumentReference.status.
const statusSystem = "http://hl7.org/fhir/document-reference-status"

func (p *parser) status(c condition) {
	var asked statusSet
	for _, alternative := range c.alternatives() {
		system, code, bar := token(alternative)
		switch {
		case bar && system != statusSystem:
		case code == "current":
			asked = append(asked, xds.Approved, xds.Archived)
		case code == "superseded":
			asked = append(asked, xds.Deprecated)
		case code == "entered-in-error":
			asked = append(asked, xds.Deleted)
		default:
			p.refuse(c.name, code, "current ou superseded")
			return
		}
	}
	if c.modifier == "not" {
		asked = anyStatus.without(asked)
	}
	p.statuses = p.statuses.and(asked)
}

func (p *parser) isArchived(c condition) {
	var asked statusSet
	for _, alternative := range c.alternatives() {
		switch _, code, _ := token(alternative); code {
		case "true":
			asked = append(asked, xds.Archived)
		case "false":
			asked = append(asked, unarchived...)
		default:
			p.refuse(c.name, code, "true ou false")
			return
		}
	}
	if c.modifier == "not" {
		asked = known.without(asked)
	}
	p.archived = asked
}

func (p *parser) count(c condition) {
	n, err := strconv.Atoi(c.value)
	switch {
	case err != nil || n < 0:
		p.refuse(c.name, c.value, "un entier à partir de 0")
	case n == 0:
		p.search.CountOnly = true
	default:
		p.search.Query.Limit = min(n, maxCount)
	}
}

func (p *parser) total(c condition) {
	switch c.value {
	case "none":
		p.search.NoTotal, p.search.Query.Count = true, false
	case "estimate", "accurate":
	default:
		p.refuse(c.name, c.value, "none, estimate ou accurate")
	}
}

func (p *parser) summary(c condition) {
	switch c.value {
	case "count":
		p.search.CountOnly = true
	case "true", "text", "data", "false": // the rendering's to do: ParseSubset
	default:
		p.refuse(c.name, c.value, "true, text, data, count ou false")
	}
}

// sortKeys are the keys that _sort may name, by resource.
var sortKeys = map[string]map[string]xds.Attribute{
	"DocumentReference": {
		"date": xds.AttrCreationTime, "creation": xds.AttrCreationTime, "_lastUpdated": xds.AttrLastUpdateTime, "_id": xds.AttrLogicalID,
		"period": xds.AttrServiceStart, "period-start": xds.AttrServiceStart, "period-end": xds.AttrServiceStop, "status": xds.AttrAvailabilityStatus,
		"type": xds.AttrTypeCode, "category": xds.AttrClassCode, "format": xds.AttrFormatCode, "facility": xds.AttrFacilityType, "setting": xds.AttrPracticeSetting,
	},
	"List": {"date": xds.AttrSubmissionTime, "_lastUpdated": xds.AttrLastUpdateTime},
}

func (p *parser) sort(c condition) {
	for _, key := range c.alternatives() {
		name, descending := strings.CutPrefix(key, "-")
		a, ok := sortKeys[p.search.Resource][name]
		if !ok {
			p.refuse(c.name, name, "date, _lastUpdated, … avec - pour l'ordre inverse")
			return
		}
		if slices.ContainsFunc(p.search.Query.Sort, func(o xds.Order) bool { return o.Attribute == a }) {
			continue // a key named again orders nothing more
		}
		p.search.Query.Sort = append(p.search.Query.Sort, xds.Order{Attribute: a, Descending: descending})
	}
}
