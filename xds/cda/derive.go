package cda

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // XDS defines the hash attribute as SHA-1 (ITI TF-3 4.2.3.2.10)
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// The bounds of a document that is opened; above MaxBytes nothing is read.
const (
	MaxBytes   = 64 << 20
	maxRepeats = 256 // authors, events, orders, related documents
	maxTitle   = 128 // characters (domain §3.1)
)

// hl7 is the namespace of CDA R2.
const hl7 = "urn:hl7-org:v3"

// insRoots are the assigning authorities of an INS (domain §3.1), the order in
// which one is preferred: NIR, NIA, test, demonstration.
var insRoots = []string{"1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.9", "1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.11"}

// Options are what the header alone does not tell.
type Options struct {
	// ClassOf gives the class of a type (ASS_X16 in the DMP); false is a finding.
	// nil leaves classCode empty for the registry to derive.
	ClassOf func(typeCode xds.Code) (xds.Code, bool)
}

// Header is what a CDA header says about its document.
type Header struct {
	// Entry lacks what only a submission or a registry gives: ids, versions,
	// status, repository, and the marks that the sender chooses.
	Entry     xds.DocumentEntry
	Relations []Relation
	SetID     string // as root or root^extension
	Version   int    // versionNumber, 0 when absent
	Templates []string
	Custodian xds.XON
	Origins   []Origin // of the values of Entry, in the order in which they were read
}

// Relation is a relatedDocument: what this document is to an earlier one.
type Relation struct {
	Type   xds.AssociationType
	Target string // uniqueId of the parent document
}

// Replaces is the uniqueId of the document that this one replaces, "" when none.
func (h Header) Replaces() string {
	for _, r := range h.Relations {
		if r.Type == xds.Replaces {
			return r.Target
		}
	}
	return ""
}

// Derive reads the header of a CDA R2 document. All findings come at once, each
// with the element, its line and column, and the metadata attribute that it
// concerns; the Header holds whatever could be read beside them. A text that the
// XML gate refuses gives its finding alone.
func Derive(doc []byte, o Options) (Header, xds.Errors) {
	if len(doc) > MaxBytes {
		return Header{}, xds.Errors{xds.Found("XML-003", "ClinicalDocument", strconv.Itoa(len(doc))+" octets", "au plus "+strconv.Itoa(MaxBytes)+" octets")}
	}
	limits := xmlgate.Payload()
	limits.Elements = 200_000
	root, err := xmlgate.Parse(bytes.TrimPrefix(doc, []byte("\xEF\xBB\xBF")), limits)
	if err != nil {
		return Header{}, findings(err)
	}
	if !root.Is(hl7, "ClinicalDocument") {
		return Header{}, xds.Errors{root.Finding("META-004", root.Local, "un document CDA R2 : ClinicalDocument dans l'espace de noms "+hl7)}
	}
	r := reader{root: root}
	r.Entry.ObjectType = xds.StableDocument
	r.Entry.MimeType = "text/xml"
	r.Entry.Size = int64(len(doc))
	sum := sha1.Sum(doc) //nolint:gosec // see the import
	r.Entry.Hash = hex.EncodeToString(sum[:])
	r.document(o)
	r.patient()
	r.people()
	r.service()
	r.encounter()
	r.orders()
	r.relations()
	return r.Header, r.errs
}

// findings are those of the gate, which reports nothing else.
func findings(err error) xds.Errors {
	if es, ok := err.(xds.Errors); ok { //nolint:errorlint // the gate's documented type, never wrapped
		return es
	}
	return xds.Errors{xds.Found("XML-001", "ClinicalDocument", "", "un document XML")}
}

// document reads what describes the document itself.
func (r *reader) document(o Options) {
	e := &r.Entry
	r.Templates = r.templates()
	r.uniqueID()
	r.SetID = instance(r.root.Child(hl7, "setId"))
	if v, err := strconv.Atoi(r.root.Child(hl7, "versionNumber").Attr("value")); err == nil {
		r.Version = v
	}
	e.TypeCode = r.required("typeCode", "code")
	e.FormatCode = r.format()
	if o.ClassOf != nil && !e.TypeCode.IsZero() {
		class, known := o.ClassOf(e.TypeCode)
		if !known {
			r.errs.Add(r.root.Child(hl7, "code").Finding("META-003", e.TypeCode.Key(), "typeCode : un type du jeu de valeurs, dont la classe est connue"))
		}
		e.ClassCode = class
	}
	r.title()
	e.CreationTime = r.time("creationTime", r.root.Child(hl7, "effectiveTime"), "effectiveTime")
	if level := r.required(ranked("confidentialityCode", 1), "confidentialityCode"); !level.IsZero() {
		e.Confidentiality = []xds.Code{level}
	}
	language := r.root.Child(hl7, "languageCode")
	if e.LanguageCode = clone(language.Attr("code")); e.LanguageCode == "" {
		r.missing("languageCode", "un code tel que fr-FR", "languageCode", "@code")
	} else {
		r.from("languageCode", language)
	}
	custodian := r.root.Find(hl7, "custodian", "assignedCustodian", "representedCustodianOrganization")
	r.Custodian = organisation(custodian)
}

// uniqueID takes id@root; the DMP refuses an extension (domain §3.1), which is
// kept all the same as root^extension, the form of XDS.
func (r *reader) uniqueID() {
	id := r.root.Child(hl7, "id")
	root, extension := id.Attr("root"), id.Attr("extension")
	if root == "" {
		r.missing("uniqueId", "un OID dans @root", "id", "@root")
		return
	}
	r.Entry.UniqueID = instance(id)
	r.from("uniqueId", id)
	if !xds.IsOID(root) {
		f := id.Finding("META-004", root, "uniqueId : un OID d'au plus 64 caractères")
		f.Hint = "un UUID s'écrit en OID sous l'arc 2.25, en décimal"
		r.errs.Add(f)
	}
	if extension != "" {
		f := id.Finding("META-004", "un attribut extension", "uniqueId : un OID seul dans @root")
		f.Hint = "le DMP n'accepte pas d'extension : donner au document un OID complet"
		r.errs.Add(f)
	}
}

// title counts characters and never shows them: a title is a medical fact.
func (r *reader) title() {
	title := r.root.Child(hl7, "title")
	text := strings.Join(strings.Fields(title.Trimmed()), " ")
	if text == "" {
		r.missing("title", "un titre d'au plus 128 caractères", "title")
		return
	}
	if n := utf8.RuneCountInString(text); n > maxTitle {
		r.errs.Add(title.Finding("META-010", strconv.Itoa(n)+" caractères", "title : au plus "+strconv.Itoa(maxTitle)+" caractères"))
	}
	r.Entry.Title = text
	r.from("title", title)
}

// relations reads relatedDocument, each with the origin relatedDocument[n]; a parent
// whose id is no OID cannot be found in a registry, which is a warning since the
// document itself stands.
func (r *reader) relations() {
	types := map[string]xds.AssociationType{"RPLC": xds.Replaces, "APND": xds.Appends, "XFRM": xds.Transforms}
	for _, related := range r.repeated("relatedDocument") {
		kind, known := types[related.Attr("typeCode")]
		if !known {
			r.errs.Add(related.Finding("META-012", related.Attr("typeCode"), "typeCode RPLC, APND ou XFRM"))
			continue
		}
		parent := related.Find(hl7, "parentDocument", "id")
		target := instance(parent)
		if target == "" {
			r.errs.Add(related.Finding("META-001", "", "parentDocument/id/@root : l'identifiant du document visé"))
			continue
		}
		if !xds.IsOID(target) {
			f := parent.Finding("META-004", "", "l'uniqueId du document visé : un OID seul dans @root")
			f.Severity = xds.SeverityWarning
			r.errs.Add(f)
		}
		r.Relations = append(r.Relations, Relation{kind, target})
		r.from(ranked("relatedDocument", len(r.Relations)), parent)
	}
}
