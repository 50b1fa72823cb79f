package fhir

import "strings"

// auditTable are the parameters of ITI-81 that narrow what the reader is told; they look
// at what the event shows, so that they find nothing of what it does not.
func auditTable() map[string]searchParam {
	token := func(text string) searchParam { return searchParam{kind: "token", parse: (*parser).term, text: text} }
	return termTable(map[string]searchParam{
		"_id": token(""), "date": {kind: "date", parse: (*parser).termDate}, "action": token("C, R, U, D ou E"), "outcome": token("0 accordé, 8 refusé"), "type": token(""), "subtype": token("interaction, ITI-nn, transaction ou action"),
		"agent": {kind: "reference", modifiers: []string{"identifier"}, parse: (*parser).professional, text: "avec :identifier"}, "agent.identifier": token("identifiant de l'auteur de l'acte"),
		"entity": {kind: "reference", parse: (*parser).term, text: "DocumentReference/…"},
		"_sort":  {parse: (*parser).newestFirst},
	})
}

// newestFirst is the one order of the trail.
func (p *parser) newestFirst(c condition) {
	if c.value != "-date" {
		p.refuse(c.name, c.value, "-date")
	}
}

// Fits tells whether the event holds all terms of a search.
func (a Audit) Fits(terms []Term) bool {
	k := a.kind()
	for _, t := range terms {
		fits := false
		switch t.Name {
		case "_id":
			fits = t.Any("", a.ID)
		case "date":
			fits = t.At(a.At)
		case "action":
			fits = t.Any("http://hl7.org/fhir/audit-event-action", k.action)
		case "outcome":
			fits = t.Any("http://hl7.org/fhir/audit-event-outcome", a.outcome())
		case "type":
			fits = t.Any(k.system, k.code)
		case "subtype":
			for _, s := range a.subtypes(k) {
				fits = fits || t.Any(s.System, s.Code)
			}
		case "agent":
			fits = t.Any(a.space(), a.Actor) || a.Structure != "" && t.Any(oidURN+structureSpace, a.Structure)
		case "entity:reference":
			for _, token := range t.Tokens {
				fits = fits || a.names(token.Code)
			}
		}
		if !fits {
			return false
		}
	}
	return true
}

// names tells whether an entity of the event refers to a resource.
func (a Audit) names(reference string) bool {
	kind, id, typed := strings.Cut(reference, "/")
	if !typed {
		kind, id = "", reference
	}
	for _, entity := range [][2]string{{"Patient", a.Record}, {"DocumentReference", a.Document}} {
		if id != "" && id == entity[1] && (kind == "" || kind == entity[0]) {
			return true
		}
	}
	return false
}
