package vaccination

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// The bounds of a document that is read for its acts.
const (
	MaxBytes     = 8 << 20
	MaxActs      = 500
	maxReactions = 20
	maxIDs       = 8
	maxCodes     = 16
)

const (
	hl7   = "urn:hl7-org:v3"
	pharm = "urn:ihe:pharm:medication"

	actTemplate  = "1.2.250.1.213.1.1.3.45"         // FR-Vaccination
	pccTemplate  = "1.3.6.1.4.1.19376.1.5.3.1.4.12" // IHE PCC Immunizations
	rankTemplate = "1.2.250.1.213.1.1.3.82"         // FR-Rang-de-la-vaccination
	rankCode     = "30973-2"                        // LOINC, dose number
	commentCode  = "48767-8"                        // LOINC, annotation comment
	clinical     = "ClinicalDocument"
)

// Read reads the acts of a vaccination document. Findings are what the document gets
// wrong, by place; an act that cannot be read is left out with a finding, and a text
// that the XML gate refuses has no act at all.
func Read(doc []byte) (Document, xds.Errors) {
	if len(doc) > MaxBytes {
		return Document{}, xds.Errors{xds.Found("XML-003", clinical, strconv.Itoa(len(doc))+" octets", "au plus "+strconv.Itoa(MaxBytes)+" octets")}
	}
	limits := xmlgate.Payload()
	limits.Elements = 100_000
	root, err := xmlgate.Parse(bytes.TrimPrefix(doc, []byte("\xEF\xBB\xBF")), limits)
	if err != nil {
		return Document{}, findings(err)
	}
	if !root.Is(hl7, clinical) {
		return Document{}, xds.Errors{root.Finding("META-004", root.Local, "un document CDA R2")}
	}
	r := &reader{texts: narrative(root)}
	r.UniqueID = instance(root.Child(hl7, "id"))
	r.Type = clone(root.Child(hl7, "code").Attr("code"))
	r.SetID = instance(root.Child(hl7, "setId"))
	r.Version = 1
	if v, err := strconv.Atoi(root.Child(hl7, "versionNumber").Attr("value")); err == nil && v > 0 {
		r.Version = v
	}
	for _, component := range root.Find(hl7, "component", "structuredBody").ChildrenNamed(hl7, "component") {
		r.section(component.Child(hl7, "section"))
	}
	return r.Document, r.errs
}

func findings(err error) xds.Errors {
	if es, ok := err.(xds.Errors); ok { //nolint:errorlint // the gate's documented type, never wrapped
		return es
	}
	return xds.Errors{xds.Found("XML-001", clinical, "", "un document XML")}
}

// reader collects the acts of one document.
type reader struct {
	Document
	texts map[string]*xmlgate.Element // narrative parts by ID
	errs  xds.Errors
}

// narrative are the parts of the text that entries refer to.
func narrative(root *xmlgate.Element) map[string]*xmlgate.Element {
	texts := map[string]*xmlgate.Element{}
	for e := range root.All() {
		if id := e.Attr("ID"); id != "" && texts[id] == nil {
			texts[id] = e
		}
	}
	return texts
}

func (r *reader) section(section *xmlgate.Element) {
	for _, entry := range section.ChildrenNamed(hl7, "entry") {
		administration := entry.Child(hl7, "substanceAdministration")
		if !isAct(administration) {
			continue
		}
		if len(r.Acts) == MaxActs {
			r.errs.Add(administration.Finding("META-015", "", "au plus "+strconv.Itoa(MaxActs)+" vaccinations par document"))
			return
		}
		if a, ok := r.act(administration); ok {
			r.Acts = append(r.Acts, a)
		}
	}
}

// isAct tells an act that took place, or was refused, from what is only planned.
func isAct(e *xmlgate.Element) bool {
	if e == nil || e.Attr("moodCode") != "EVN" {
		return false
	}
	return slices.ContainsFunc(e.ChildrenNamed(hl7, "templateId"), func(t *xmlgate.Element) bool {
		return t.Attr("root") == actTemplate || t.Attr("root") == pccTemplate
	})
}

// act reads one entry; ok is false when it cannot stand.
func (r *reader) act(e *xmlgate.Element) (a Act, ok bool) {
	for _, id := range e.ChildrenNamed(hl7, "id") {
		if id := idOf(id); id.Root != "" && len(a.IDs) < maxIDs {
			a.IDs = append(a.IDs, id)
		}
	}
	if len(a.IDs) == 0 {
		r.errs.Add(e.Finding("META-001", "", "id/@root : l'identifiant de la vaccination"))
		return a, false
	}
	switch status := e.Child(hl7, "statusCode").Attr("code"); status {
	case "completed", "":
	case "nullified":
		a.Nullified = true
	default:
		r.errs.Add(e.Child(hl7, "statusCode").Finding("META-003", status, "completed ou nullified"))
		return a, false
	}
	if a.When, ok = when(e.Child(hl7, "effectiveTime")); !ok {
		r.errs.Add(e.Child(hl7, "effectiveTime").Finding("META-004", "", "une date AAAA[MM[JJ[hhmm[ss]±hhmm]]]"))
		return a, false
	}
	a.NotDone = e.Attr("negationInd") == "true"
	a.Series = clone(e.Child(hl7, "code").Attr("code"))
	a.Route, a.Site = code(e.Child(hl7, "routeCode")), code(e.Child(hl7, "approachSiteCode"))
	if dose := e.Child(hl7, "doseQuantity"); decimal(dose.Attr("value")) {
		a.Dose = Quantity{clone(dose.Attr("value")), clone(dose.Attr("unit"))}
	}
	r.material(&a, e)
	a.Performer = person(e.Find(hl7, "performer", "assignedEntity"), "assignedPerson")
	author := e.Child(hl7, "author")
	a.Author = person(author.Child(hl7, "assignedAuthor"), "assignedPerson")
	a.Written, _ = when(author.Child(hl7, "time"))
	for _, related := range e.ChildrenNamed(hl7, "entryRelationship") {
		r.related(&a, related)
	}
	return a, true
}

// material reads the product: its codes (the main one first), its name and its lot.
func (r *reader) material(a *Act, e *xmlgate.Element) {
	product := e.Find(hl7, "consumable", "manufacturedProduct")
	material := product.Child(hl7, "manufacturedMaterial")
	main := material.Child(hl7, "code")
	for _, c := range append([]*xmlgate.Element{main}, main.ChildrenNamed(hl7, "translation")...) {
		if c := code(c); !c.IsZero() && len(a.Vaccine) < maxCodes {
			a.Vaccine = append(a.Vaccine, c)
		}
	}
	for _, name := range []string{r.words(main.Child(hl7, "originalText")), oneLine(material.Child(hl7, "name").Trimmed()), r.words(e.Child(hl7, "text"))} {
		if a.Name == "" {
			a.Name = name
		}
	}
	a.Lot = oneLine(material.Child(hl7, "lotNumberText").Trimmed())
	if expires, ok := when(material.Child(pharm, "expirationTime")); ok && len(expires) <= len("YYYYMMDD") {
		a.Expires = expires
	}
	a.Maker = oneLine(product.Find(hl7, "manufacturerOrganization", "name").Trimmed())
}

// related reads one entryRelationship: the rank, a reaction, the comment, or why the
// act was not done.
func (r *reader) related(a *Act, e *xmlgate.Element) {
	observation, act := e.Child(hl7, "observation"), e.Child(hl7, "act")
	switch {
	case e.Attr("typeCode") == "CAUS" && observation != nil:
		if len(a.Reactions) < maxReactions {
			a.Reactions = append(a.Reactions, r.reaction(observation))
		}
	case e.Attr("typeCode") == "RSON" && act != nil:
		a.Reason = code(act.Child(hl7, "code"))
		if a.Reason.IsZero() {
			a.Reason.Display = r.words(act.Child(hl7, "text"))
		}
	case observation.Child(hl7, "code").Attr("code") == rankCode:
		if n, err := strconv.Atoi(observation.Child(hl7, "value").Attr("value")); err == nil && n > 0 {
			a.Rank = n
		}
	case act.Child(hl7, "code").Attr("code") == commentCode:
		a.Comment = r.words(act.Child(hl7, "text"))
	}
}

func (r *reader) reaction(e *xmlgate.Element) Reaction {
	value := e.Child(hl7, "value")
	reaction := Reaction{ID: idOf(e.Child(hl7, "id")), Code: code(value), Text: r.words(value.Child(hl7, "originalText"))}
	if reaction.Text == "" {
		reaction.Text = r.words(e.Child(hl7, "text"))
	}
	reaction.On, _ = when(e.Child(hl7, "effectiveTime"))
	return reaction
}

// person reads an assignedEntity or assignedAuthor.
func person(e *xmlgate.Element, inner string) Person {
	name, structure := e.Find(hl7, inner, "name"), e.Child(hl7, "representedOrganization")
	return Person{
		ID: idOf(e.Child(hl7, "id")), Family: oneLine(name.Child(hl7, "family").Trimmed()), Given: oneLine(name.Child(hl7, "given").Trimmed()),
		Specialty: code(e.Child(hl7, "code")), Structure: idOf(structure.Child(hl7, "id")), StructureName: oneLine(structure.Child(hl7, "name").Trimmed()),
	}
}

// words is the text of an element, or of the part of the narrative that it refers to.
func (r *reader) words(e *xmlgate.Element) string {
	if text := oneLine(e.Trimmed()); text != "" {
		return text
	}
	id := strings.TrimPrefix(e.Child(hl7, "reference").Attr("value"), "#")
	var b strings.Builder
	for part := range r.texts[id].All() {
		b.WriteString(" " + part.Text)
	}
	return oneLine(b.String())
}

// code reads a CD or CE; a nullFlavor has no code and reads as the zero Code.
func code(e *xmlgate.Element) xds.Code {
	value, scheme := e.Attr("code"), e.Attr("codeSystem")
	if value == "" || scheme == "" {
		return xds.Code{}
	}
	return xds.Code{Value: clone(value), Scheme: clone(scheme), Display: oneLine(e.Attr("displayName"))}
}

func idOf(e *xmlgate.Element) ID {
	return ID{clone(strings.TrimSpace(e.Attr("root"))), clone(strings.TrimSpace(e.Attr("extension"))), oneLine(e.Attr("assigningAuthorityName"))}
}

// instance writes an II as XDS writes ids.
func instance(e *xmlgate.Element) string {
	id := idOf(e)
	if id.Root == "" || id.Extension == "" {
		return id.Root
	}
	return id.Root + "^" + id.Extension
}

// oneLine is a text of its own, free of the document that it was a view of.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func clone(s string) string { return strings.Clone(s) }
