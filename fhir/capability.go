package fhir

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Capability is what the CapabilityStatement says of this server.
type Capability struct {
	Base        string
	Software    string // version of the product
	Date        time.Time
	Interaction []string // of the whole system
	Patch       []string // media types of PATCH
	Resources   []ResourceCapability
}

// ResourceCapability is what the server does with one type of resource.
type ResourceCapability struct {
	Type        string
	Profiles    []string
	Interaction []string // codes of R4's type-restful-interaction
	Operations  []string // names, without $
	Params      []Param
	Include     []string
	RevInclude  []string
	Conditional []string // conditionalCreate, conditionalUpdate, …: those that hold
	Topics      []string // canonical addresses of subscription topics
	Text        string   // documentation, "" = none
}

// Param is a search parameter that works.
type Param struct {
	Name string
	Kind string // token, date, string, reference, uri, …
	Text string
}

// DocumentProfiles are the profiles that a DocumentReference of this server may claim.
func DocumentProfiles() []string { return []string{mhdMinimalDocument, mhdDocument, pdsmDocument} }

// DocumentParams are the search parameters of ITI-67, from the table that parses them.
func DocumentParams() []Param { return announced(searchTables["DocumentReference"]) }

// SearchParams are the search parameters of a resource, from the table that parses them.
func SearchParams(resource string) []Param { return announced(searchTables[resource]) }

// announced are the parameters of a table that are no mere control of the answer.
func announced(table map[string]searchParam) []Param {
	var params []Param
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if p := table[name]; p.kind != "" {
			params = append(params, Param{Name: name, Kind: p.kind, Text: strings.TrimSpace(p.text + modifierText(p))})
		}
	}
	return params
}

func modifierText(p searchParam) string {
	if len(p.modifiers) == 0 {
		return ""
	}
	return " (:" + strings.Join(p.modifiers, ", :") + ")"
}

// AppendCapability writes the CapabilityStatement of GET /metadata: what works, and
// nothing else (F1).
func AppendCapability(b []byte, c Capability) []byte {
	w := out{b}
	w.open("", '{')
	w.str("resourceType", "CapabilityStatement")
	w.str("status", "active")
	w.str("date", c.Date.UTC().Format(time.RFC3339))
	w.str("kind", "instance")
	w.open("software", '{')
	w.str("name", "Passerelle")
	w.str("version", c.Software)
	w.shut('}')
	w.open("implementation", '{')
	w.str("description", "Passerelle : partage de documents de santé (MHD 4.2.3, PDSm 3.1.1)")
	w.str("url", c.Base)
	w.shut('}')
	w.str("fhirVersion", "4.0.1")
	w.list("format", "json", "xml")
	w.list("patchFormat", c.Patch...)
	w.open("rest", '[')
	w.open("", '{')
	w.str("mode", "server")
	w.str("documentation", "Lot ITI-65 : 64 Mio au plus, 250 documents. Recherche : 1 000 valeurs par paramètre, 200 entrées par page. Les mêmes routes en OpenAPI : "+c.Base+"/openapi.json")
	w.open("security", '{')
	w.str("description", "Jeton porteur (JWT) dans Authorization ; /metadata est libre.")
	w.shut('}')
	w.open("resource", '[')
	for _, r := range c.Resources {
		w.resourceCapability(r)
	}
	w.shut(']')
	w.interactions(c.Interaction)
	w.b = append(w.b, '}', ']', '}')
	return w.b
}

// list writes a list of texts, nothing for an empty one.
func (w *out) list(name string, texts ...string) {
	if len(texts) == 0 {
		return
	}
	w.open(name, '[')
	for _, t := range texts {
		w.comma()
		w.text(t)
	}
	w.shut(']')
}

func (w *out) interactions(codes []string) {
	if len(codes) == 0 {
		return
	}
	w.open("interaction", '[')
	for _, code := range codes {
		w.open("", '{')
		w.str("code", code)
		w.shut('}')
	}
	w.shut(']')
}

// resourceCapability writes one rest.resource.
func (w *out) resourceCapability(r ResourceCapability) {
	w.open("", '{')
	if len(r.Topics) > 0 {
		w.open("extension", '[')
		for _, topic := range r.Topics {
			w.extended(extTopic, "valueCanonical", topic)
		}
		w.shut(']')
	}
	w.str("type", r.Type)
	w.list("supportedProfile", r.Profiles...)
	w.str("documentation", r.Text)
	w.interactions(r.Interaction)
	w.versions(r)
	w.list("searchInclude", r.Include...)
	w.list("searchRevInclude", r.RevInclude...)
	if len(r.Params) > 0 {
		w.open("searchParam", '[')
		for _, p := range r.Params {
			w.open("", '{')
			w.str("name", p.Name)
			w.str("type", p.Kind)
			w.str("documentation", p.Text)
			w.shut('}')
		}
		w.shut(']')
	}
	if len(r.Operations) > 0 {
		w.open("operation", '[')
		for _, name := range r.Operations {
			w.open("", '{')
			w.str("name", name)
			w.str("definition", operationDefinitions[name])
			w.shut('}')
		}
		w.shut(']')
	}
	w.shut('}')
}

// versions writes what a client may rely on about versions and conditions. Nothing is
// made by an update, and If-Modified-Since is not looked at: marks change within a second.
func (w *out) versions(r ResourceCapability) {
	offers := func(codes ...string) bool {
		return slices.ContainsFunc(codes, func(code string) bool { return slices.Contains(r.Interaction, code) })
	}
	if offers("vread", "update", "patch") {
		w.str("versioning", "versioned")
	} else {
		w.str("versioning", "no-version")
	}
	w.truth("readHistory", offers("vread"))
	if offers("update") {
		w.truth("updateCreate", false)
	}
	if offers("create") {
		w.truth("conditionalCreate", slices.Contains(r.Conditional, "conditionalCreate"))
	}
	if offers("read") {
		w.str("conditionalRead", "not-match")
	}
	if offers("update") {
		w.truth("conditionalUpdate", slices.Contains(r.Conditional, "conditionalUpdate"))
	}
	if offers("delete") {
		w.str("conditionalDelete", "not-supported")
	}
}

// operationDefinitions are the canonical addresses of the operations, by name.
var operationDefinitions = map[string]string{
	"generate-metadata": "https://profiles.ihe.net/ITI/MHD/OperationDefinition/generate-metadata",
	"status":            "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-status",
}
