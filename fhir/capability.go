package fhir

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Capability is what the CapabilityStatement says of this server.
type Capability struct {
	Base     string
	Software string // version of the product
	Date     time.Time
}

// AppendCapability writes the CapabilityStatement of GET /metadata: what works, and
// nothing else (F1). The search parameters are those of the table that parses them.
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
	w.list("format", "json")
	w.open("rest", '[')
	w.open("", '{')
	w.str("mode", "server")
	w.str("documentation", "Lot ITI-65 : 64 Mio au plus, 250 documents. Recherche : 1 000 valeurs par paramètre, 200 entrées par page.")
	w.open("security", '{')
	w.str("description", "Jeton porteur (JWT) dans Authorization ; /metadata est libre.")
	w.shut('}')
	w.open("resource", '[')
	w.documentCapability()
	w.resourceCapability("Binary", []string{"read"})
	w.shut('}')
	w.shut(']')
	w.interactions("transaction")
	w.b = append(w.b, '}', ']', '}')
	return w.b
}

func (w *out) list(name string, texts ...string) {
	w.open(name, '[')
	for _, t := range texts {
		w.comma()
		w.text(t)
	}
	w.shut(']')
}

func (w *out) interactions(codes ...string) {
	w.open("interaction", '[')
	for _, code := range codes {
		w.open("", '{')
		w.str("code", code)
		w.shut('}')
	}
	w.shut(']')
}

// resourceCapability opens a resource; the caller shuts it.
func (w *out) resourceCapability(name string, interactions []string) {
	w.open("", '{')
	w.str("type", name)
	w.interactions(interactions...)
}

func (w *out) documentCapability() {
	w.resourceCapability("DocumentReference", []string{"read", "search-type"})
	w.list("supportedProfile", mhdDocument, pdsmDocument)
	w.str("versioning", "versioned")
	w.open("searchParam", '[')
	for _, name := range slices.Sorted(maps.Keys(searchParams)) {
		p := searchParams[name]
		if p.kind == "" {
			continue
		}
		w.open("", '{')
		w.str("name", name)
		w.str("type", p.kind)
		w.str("documentation", strings.TrimSpace(p.text+modifierText(p)))
		w.shut('}')
	}
	w.shut(']')
	w.shut('}')
}

func modifierText(p searchParam) string {
	if len(p.modifiers) == 0 {
		return ""
	}
	return " (:" + strings.Join(p.modifiers, ", :") + ")"
}
