package fhir

import (
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// constraint is one line of the profiles of ITI-65: how often an element stands.
type constraint struct {
	path     string
	min, max int // max 0 = forbidden, -1 = as in R4
	from     level
}

// level orders the profiles: each one adds to the one before.
type level int

const (
	minimal level = iota
	comprehensive
	pdsm
)

func levelOf(profile string) level {
	switch profile {
	case minimalBundle:
		return minimal
	case pdsmBundle:
		return pdsm
	}
	return comprehensive
}

// documentConstraints are those of IHE.MHD.Minimal and Comprehensive.DocumentReference
// (4.2.3) and of pdsm-comprehensive-document-reference (3.1.1). custodian and
// contained, which PDSm asks for, are left to the token and to the references (D5).
var documentConstraints = []constraint{
	{"modifierExtension", 0, 0, minimal},
	{"masterIdentifier", 1, 1, minimal},
	{"docStatus", 0, 0, minimal},
	{"subject", 1, 1, minimal}, // optional in Minimal; a document without a patient cannot be registered
	{"category", 0, 1, minimal},
	{"content", 1, 1, minimal},
	{"content[0].attachment.contentType", 1, 1, minimal},
	{"content[0].attachment.url", 1, 1, minimal},
	{"content[0].attachment.data", 0, 0, minimal},
	{"type", 1, 1, comprehensive},
	{"category", 1, 1, comprehensive},
	{"securityLabel", 1, -1, comprehensive},
	{"content[0].attachment.language", 1, 1, comprehensive},
	{"content[0].attachment.creation", 1, 1, comprehensive},
	{"content[0].format", 1, 1, comprehensive},
	{"context.facilityType", 1, 1, comprehensive},
	{"context.practiceSetting", 1, 1, comprehensive},
	{"context.sourcePatientInfo", 1, 1, comprehensive},
	{"date", 1, 1, pdsm},
	{"author", 1, -1, pdsm},
	{"content[0].attachment.size", 1, 1, pdsm},
	{"content[0].attachment.hash", 1, 1, pdsm},
	{"content[0].attachment.title", 1, 1, pdsm},
	{"context.period.start", 1, 1, pdsm},
}

// setConstraints are those of the SubmissionSet profiles.
var setConstraints = []constraint{
	{"modifierExtension", 0, 0, minimal},
	{"date", 1, 1, minimal},
	{"subject", 1, 1, minimal},
	{"encounter", 0, 0, minimal},
	{"orderedBy", 0, 0, minimal},
	{"emptyReason", 0, 0, minimal},
	{"note", 0, 1, minimal},
	{"source", 1, 1, pdsm},
}

// check compares a resource with the constraints of a profile.
func (r *reading) check(constraints []constraint, profile string) {
	for _, c := range constraints {
		if c.from > levelOf(profile) {
			continue
		}
		p := r.resource.follow(c.path)
		n := 0
		if p.there() {
			n = 1
			if p.Kind == Array {
				n = len(p.Items)
			}
		}
		switch {
		case n < c.min:
			r.refuse(p, "", "élément demandé par le profil")
		case c.max == 0 && n > 0:
			r.refuse(p, "", "élément exclu par le profil")
		case c.max > 0 && n > c.max:
			r.refuse(p, "", "une seule fois")
		}
	}
}

func (r *reading) constraints(profile string) { r.check(documentConstraints, profile) }

// containment demands of Comprehensive and PDSm that people are contained in the
// resource that speaks of them (P4); UnContained and Minimal leave that open.
func (r *reading) containment(profile string) {
	if profile != fullBundle && profile != pdsmBundle {
		return
	}
	references := r.resource.get("author").each()
	references = append(references, r.resource.get("authenticator"), r.resource.follow("context.sourcePatientInfo"))
	for _, p := range references {
		if at := p.get("reference"); at.there() && !strings.HasPrefix(at.text(), "#") {
			r.refuse(at, "", "une ressource contenue (#…) ; le profil UnContained permet les autres")
		}
	}
}

// submissionSet reads a List (MHD SubmissionSet mapping).
func (r *reading) submissionSet(profile string) xds.SubmissionSet {
	p := r.resource
	r.check(setConstraints, profile)
	set := xds.SubmissionSet{
		Title: p.Str("title"), Comments: p.follow("note[0]").Str("text"), SubmissionTime: readDTM(p, "date"),
		ContentType: conceptOf(p.extension(extDesignation).get("valueCodeableConcept")), SourceID: sourceID(p.extension(extSourceID).get("valueIdentifier")),
	}
	for _, pair := range [][2]string{{"status", "current"}, {"mode", "working"}} {
		if found := p.Str(pair[0]); found != pair[1] {
			r.refuse(p.get(pair[0]), found, pair[1])
		}
	}
	if set.SourceID == "" {
		r.refuse(p.get("extension"), "", "ihe-sourceId avec un OID (urn:oid:…)")
	}
	if set.ContentType.IsZero() && levelOf(profile) >= comprehensive {
		r.refuse(p.get("extension"), "", "ihe-designationType")
	}
	if n := len(p.extensions(extDesignation, "valueCodeableConcept")); n > 1 {
		r.refuse(p.get("extension"), strconv.Itoa(n)+" ihe-designationType", "un seul")
	}
	for _, id := range p.get("identifier").each() {
		if id.Str("use") == "usual" || id.Str("use") == "" && set.UniqueID == "" {
			set.UniqueID = uniqueIDOf(id.Str("system"), id.Str("value"))
		}
	}
	if subject := p.get("subject"); subject.there() {
		set.PatientID = r.patient(subject)
	}
	if a, ok := r.source(p.get("source")); ok {
		set.Authors = []xds.Author{a}
	}
	for _, x := range p.get("extension").each() {
		if url := x.Str("url"); url == extRecipient || url == extRecipientPDSm {
			set.IntendedRecipients = append(set.IntendedRecipients, r.recipient(x.get("valueReference")))
			r.findings.Add(&xds.Error{ID: "META-021", Severity: xds.SeverityWarning, Where: x.path})
		}
	}
	return set
}

// recipient is an intendedRecipient as XON|XCN (ITI TF-3 4.2.3.3.7).
func (r *reading) recipient(p place) string {
	if r.resolve(p).ResourceType() == "Organization" {
		return string(r.institution(p))
	}
	a := r.author(p)
	organisation := xds.XON("")
	if len(a.Institutions) > 0 {
		organisation = a.Institutions[0]
	}
	return string(organisation) + "|" + string(a.Person)
}

// source is the author of the set: List.source, with the organisation of its extension.
func (r *reading) source(p place) (xds.Author, bool) {
	if !p.there() {
		return xds.Author{}, false
	}
	var a xds.Author
	if p.get("reference").there() || p.get("identifier").there() {
		a = r.author(p)
	}
	if org := r.institution(p.extension(extAuthorOrg).get("valueReference")); org != "" && len(a.Institutions) == 0 {
		a.Institutions = []xds.XON{org}
	}
	return a, true
}

// sourceID is the OID of the source: the value as URN, else the system.
func sourceID(p place) string {
	for _, text := range []string{p.Str("value"), p.Str("system")} {
		if oid := strings.TrimPrefix(text, oidURN); xds.IsOID(oid) {
			return oid
		}
	}
	return ""
}
