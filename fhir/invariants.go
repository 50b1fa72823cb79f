package fhir

import (
	"mime"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// invariants are rules of R4 that one object shows by itself, by the name of its
// structure; the key of the rule stands beside it. Rules on contained resources are
// those of local. Not applied: that a contained resource is referred to (dom-3) and has
// no version of its own (dom-4, dom-5), which the examples of PDSm break.
var invariants = map[string]func(checker, place){
	"Attachment": (checker).attachment,
	"Binary":     (checker).mediaType,
	"Coding":     (checker).codeSystem,
	"Extension":  (checker).extension,
	"Narrative":  (checker).narrative,
	"Period":     (checker).period,
}

// broken is a finding on a rule of R4 (422: the resource is well formed).
func (c checker) broken(p place, found, expected string) {
	c.finding("FHIR-009", p.path, p.offset, found, expected)
}

// ext-1
func (c checker) extension(p place) {
	parts := 0
	for _, m := range p.Members {
		if name := strings.TrimPrefix(m.Name, "_"); strings.HasPrefix(name, "value") && p.Node.Get("_"+m.Name) == nil {
			parts++
		}
	}
	if p.get("extension").there() {
		parts++
	}
	if parts != 1 {
		c.broken(p, "", "une valeur, ou des extensions (ext-1)")
	}
}

// att-1
func (c checker) attachment(p place) {
	if p.get("data").there() && !p.get("contentType").there() {
		c.broken(p, "", "le type du contenu (att-1)")
	}
	c.mediaType(p)
}

// mediaType checks the codes of the value set of media types, which are too many for
// the table (RFC 6838).
func (c checker) mediaType(p place) {
	at := p.get("contentType")
	if !at.there() || at.Kind != String {
		return
	}
	if kind, _, err := mime.ParseMediaType(at.Text); err != nil || !strings.Contains(kind, "/") {
		c.refused(at, "", "un type de contenu tel que application/pdf")
	}
}

// per-1
func (c checker) period(p place) {
	from, _, start := dateRange(p.Str("start"))
	_, to, end := dateRange(p.Str("end"))
	if start && end && !from.Before(to) {
		c.broken(p, "", "un début qui ne suit pas la fin (per-1)")
	}
}

// txt-1, txt-2
func (c checker) narrative(p place) {
	if div := p.get("div"); div.there() && div.Kind == String {
		if fault := narrativeFault(div.Text); fault != "" {
			c.refused(div, fault, "du texte mis en forme, sans rien d'actif (txt-1, txt-2)")
		}
	}
}

// codeSystem warns of a code system that nobody around here publishes: it may be right.
func (c checker) codeSystem(p place) {
	if system := p.Node.Get("system"); system == nil || knownSystem(system.Text) {
		return
	}
	at := p.get("system")
	line, column := c.position(at.offset)
	c.findings.Add(&xds.Error{ID: "FHIR-020", Severity: xds.SeverityWarning, Where: at.path, Line: line, Column: column})
}

// publishers are the addresses under which the code systems of the field are found.
var publishers = []string{
	"http://terminology.hl7.org/", "http://hl7.org/fhir/", "http://loinc.org", "http://snomed.info/sct", "http://unitsofmeasure.org", "http://dicom.nema.org/",
	"http://ihe.net/", "http://profiles.ihe.net/", "https://profiles.ihe.net/", "https://mos.esante.gouv.fr/", "https://smt.esante.gouv.fr/",
	"https://interop.esante.gouv.fr/", "https://hl7.fr/", "http://www.whocc.no/atc", ourBase, "urn:",
}

func knownSystem(uri string) bool {
	if _, known := schemes[uri]; known {
		return true
	}
	for _, base := range publishers {
		if strings.HasPrefix(uri, base) {
			return true
		}
	}
	return false
}

// local checks contained resources and the references to them: no resource is contained
// in a contained one (dom-2), each has an id of its own, and what is referred to is
// there (ref-1).
func (c checker) local(p place) {
	ids := map[string]bool{}
	for _, inner := range p.get("contained").each() {
		id := inner.Str("id")
		switch {
		case inner.get("contained").there():
			c.broken(inner.get("contained"), "", "aucune ressource dans une ressource contenue (dom-2)")
		case id == "":
			c.broken(inner, "", "une ressource contenue avec un id")
		case ids[id]:
			c.broken(inner.get("id"), "", "un id par ressource contenue")
		}
		ids[id] = true
	}
	if dangling(p.Node, ids) {
		c.references(p, ids)
	}
}

// dangling tells whether a reference in n leads to no contained resource. It goes before
// references, which builds a path for everything it meets.
func dangling(n *Node, ids map[string]bool) bool {
	for _, m := range n.Members {
		if m.Name == "reference" && strings.HasPrefix(m.Value.Text, "#") && len(m.Value.Text) > 1 && !ids[m.Value.Text[1:]] || dangling(m.Value, ids) {
			return true
		}
	}
	for _, item := range n.Items {
		if dangling(item, ids) {
			return true
		}
	}
	return false
}

// references checks the references in p to contained resources.
func (c checker) references(p place, ids map[string]bool) {
	for _, m := range p.Members {
		at := place{m.Value, join(p.path, m.Name)}
		if target, local := strings.CutPrefix(at.Text, "#"); local && m.Name == "reference" && target != "" && !ids[target] {
			c.broken(at, "", "une ressource contenue de cet id (ref-1)")
		}
		if at.Kind == Object {
			c.references(at, ids)
		}
		for _, item := range at.each() {
			c.references(item, ids)
		}
	}
}
