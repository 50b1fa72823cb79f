package fhir

import (
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// Generating is a request of ITI-106 as understood.
type Generating struct {
	Document BundleDocument
	Describe bool // only: persist=false
}

// ReadGenerate reads the Parameters of $generate-metadata, or the Binary alone, that
// ReadResource accepted (MHD OperationDefinition generate-metadata; checklist S4).
// persist=false, a parameter of MHD 4.2.1, asks for the description alone.
func ReadGenerate(n *Node) (Generating, xds.Errors) {
	var g Generating
	var findings xds.Errors
	document := place{}
	if at := root(n); at.ResourceType() == "Binary" {
		document = at
	} else {
		for _, p := range at.get("parameter").each() {
			switch name := p.Str("name"); {
			case name == "document" && p.get("resource").there() && !document.there():
				document = p.get("resource")
			case name == "persist" && p.get("valueBoolean").there():
				g.Describe = p.Str("valueBoolean") == "false"
			default:
				findings.Add(xds.Found("FHIR-009", p.path+".name", "", "document, une fois, avec un Binary ; persist"))
			}
		}
	}
	switch {
	case document.ResourceType() == "Bundle":
		findings.Add(&xds.Error{ID: "FHIR-012", Where: document.path})
	case document.ResourceType() != "Binary" || document.Str("data") == "":
		findings.Add(xds.Found("FHIR-009", "Parameters.parameter", "", "document : un Binary avec ses octets (data)"))
	}
	g.Document = BundleDocument{ContentType: document.Str("contentType"), data: document.Str("data")}
	return g, findings
}

// AppendGenerated answers ITI-106 with a DocumentReference of what a document of the
// client's own says of itself; url stands for the document, which is nowhere yet. What is
// registered has a logicalID: of that nothing is written, it takes a Visible.
func AppendGenerated(b []byte, e xds.DocumentEntry, url string) []byte {
	if e.LogicalID != "" || e.EntryUUID != "" || e.RepositoryUniqueID != "" {
		return b
	}
	w := documents{out: out{b}, base: url}
	w.answer("resource", func() { w.write(&xds.Document{Entry: e}, nil) })
	return w.b
}

// AppendGeneratedReference answers ITI-106 with the address of what it registered.
func AppendGeneratedReference(b []byte, logicalID string) []byte {
	w := out{b}
	w.answer("", func() { w.reference("valueReference", "DocumentReference/"+strings.TrimPrefix(logicalID, uuidURN)) })
	return w.b
}

// answer writes the one parameter of an operation's answer.
func (w *out) answer(property string, value func()) {
	w.open("", '{')
	w.str("resourceType", "Parameters")
	w.open("parameter", '[')
	w.open("", '{')
	w.str("name", "DocumentReference")
	if property != "" {
		w.key(property)
	}
	value()
	w.b = append(w.b, '}', ']', '}')
}
