package fhir

import (
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// listTable are the parameters of ITI-66 (MHD 2:3.66.4.1.2; PDSm 3.1.1, also in the
// spelling of its CapabilityStatement). A SubmissionSet has a source, a Folder has none.
func listTable() map[string]searchParam {
	t := commonTable()
	archived := searchParam{kind: "token", modifiers: []string{"not"}, parse: (*parser).listArchived, text: "ni lot ni classeur n'est archivé"}
	designation := codeParam(xds.AttrContentType)
	sourceID := searchParam{kind: "token", attribute: xds.AttrSourceID, modifiers: tokenModifiers, parse: (*parser).sourceID, text: "un OID"}
	source := searchParam{kind: "reference", attribute: xds.AttrAuthorPerson, also: xds.AttrAuthorInstitution, modifiers: linkModifiers, parse: (*parser).personID, text: "avec :identifier ; sinon source.family, source.given, source.name"}
	authorOrg := searchParam{kind: "reference", attribute: xds.AttrAuthorInstitution, modifiers: linkModifiers, parse: (*parser).organisation, text: "avec :identifier ; sinon authorOrg.name"}
	for name, p := range map[string]searchParam{
		"code":            {kind: "token", modifiers: tokenModifiers, parse: (*parser).listCode, text: "submissionset ou folder ; les deux sans code"},
		"status":          {kind: "token", modifiers: tokenModifiers, parse: (*parser).listStatus, text: "current ou retired ; les deux sans status"},
		"date":            dateParam(xds.AttrSubmissionTime),
		"designationType": designation, "DesignationType": designation,
		"identifier": {kind: "token", modifiers: tokenModifiers, parse: (*parser).identifier, text: "uniqueId ou entryUUID"},
		"_id":        {kind: "token", modifiers: []string{"not"}, attribute: xds.AttrLogicalID, parse: (*parser).id},
		"title":      {kind: "string", attribute: xds.AttrTitle, modifiers: stringModifiers, parse: (*parser).text},
		"isArchived": archived, "PDSm_isArchived": archived,
		"sourceId": sourceID, "SourceId": sourceID,
		"source": source, "PDSm_List_PatientAsSource": source, "PDSm_List_PractitionerRoleAsSource": source,
		"source.identifier": {kind: "token", attribute: xds.AttrAuthorPerson, modifiers: tokenModifiers, parse: (*parser).personIdentifier},
		"source.given":      nameParam(xds.AttrAuthorGiven),
		"source.family":     nameParam(xds.AttrAuthorFamily),
		"source.name":       nameParam(xds.AttrAuthorPerson),
		"authorOrg":         authorOrg, "PDSm_authorOrg": authorOrg,
		"authorOrg.identifier": {kind: "token", attribute: xds.AttrAuthorInstitution, modifiers: tokenModifiers, parse: (*parser).organisationIdentifier},
		"authorOrg.name":       {kind: "string", attribute: xds.AttrInstitutionName, modifiers: stringModifiers, parse: (*parser).text},
	} {
		t[name] = p
	}
	return t
}

// listStatusSystem is the code system of List.status.
const listStatusSystem = "http://hl7.org/fhir/list-status"

// listCode says which of the two are wanted.
func (p *parser) listCode(c condition) {
	var sets, folders bool
	for _, alternative := range c.alternatives() {
		system, code, bar := token(alternative)
		switch {
		case bar && system != listTypes:
		case code == "submissionset":
			sets = true
		case code == "folder":
			folders = true
		case bar && code == "":
			sets, folders = true, true
		default:
			p.refuse(c.name, code, "submissionset ou folder")
			return
		}
	}
	if c.modifier == "not" {
		sets, folders = !sets, !folders
	}
	p.search.Sets, p.search.Folders = p.search.Sets && sets, p.search.Folders && folders
}

func (p *parser) listStatus(c condition) {
	asked := xds.StatusIs()
	for _, alternative := range c.alternatives() {
		system, code, bar := token(alternative)
		switch {
		case bar && system != listStatusSystem:
		case code == "current":
			asked.Texts = append(asked.Texts, string(xds.Approved))
		case code == "retired":
			asked.Texts = append(asked.Texts, string(xds.Deprecated))
		case code == "entered-in-error":
		default:
			p.refuse(c.name, code, "current ou retired")
			return
		}
	}
	asked.Not = c.modifier == "not"
	p.match(asked)
}

func (p *parser) listArchived(c condition) {
	asked := false // for those that are not archived: all
	for _, alternative := range c.alternatives() {
		switch _, code, _ := token(alternative); code {
		case "true":
		case "false":
			asked = true
		default:
			p.refuse(c.name, code, "true ou false")
			return
		}
	}
	if asked == (c.modifier == "not") {
		p.nothing()
	}
}

// sourceID compares an OID, in the form that it has in the extension or bare.
func (p *parser) sourceID(c condition) {
	m := xds.Match{Attribute: xds.AttrSourceID, Op: xds.Equals, Not: c.modifier == "not"}
	for _, alternative := range c.alternatives() {
		system, value, bar := token(alternative)
		switch {
		case value == "":
			p.refuse(c.name, "", "urn:oid:…")
			return
		case !bar || system == uriSystem:
			m.Texts = append(m.Texts, strings.TrimPrefix(value, oidURN))
		}
	}
	p.matchOr(m, len(m.Texts) > 0)
}

func (p *parser) organisation(c condition) {
	if c.modifier != "identifier" {
		p.refuse(c.name, "", c.name+":identifier=système|valeur ou "+c.name+".name")
		return
	}
	p.organisationIdentifier(c)
}

// organisationIdentifier compares XON texts (name^^^^^&oid&ISO^type^^^id).
func (p *parser) organisationIdentifier(c condition) {
	m := xds.Match{Attribute: xds.AttrAuthorInstitution, Op: xds.Like, Not: c.modifier == "not"}
	for _, alternative := range c.alternatives() {
		system, value, _ := token(alternative)
		oid, isOID := strings.CutPrefix(system, oidURN)
		literal := xds.EscapeLike(xds.Escape(value))
		switch {
		case value == "":
			p.refuse(c.name, "", "système|valeur")
			return
		case isOID:
			m.Texts = append(m.Texts, "%^^^^^&"+xds.EscapeLike(oid)+"&ISO^%^^^"+literal)
		case system == "":
			m.Texts = append(m.Texts, "%^%^%^%^%^%^%^%^%^"+literal)
		}
	}
	p.matchOr(m, len(m.Texts) > 0)
}
