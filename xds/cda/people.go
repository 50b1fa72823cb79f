package cda

import (
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// The identifiers of professionals and structures (domain §3.1).
const (
	personRoot    = "1.2.250.1.71.4.2.1"
	structureRoot = "1.2.250.1.71.4.2.2"
)

// patient reads recordTarget: the INS, the local number and the traits.
func (r *reader) patient() {
	const attribute = "patientId"
	targets := r.repeated("recordTarget")
	if len(targets) > 1 {
		r.errs.Add(targets[1].Finding("META-002", "", attribute+" : un seul patient par document"))
	}
	role := r.root.Find(hl7, "recordTarget", "patientRole")
	var ins, local *xmlgate.Element
	for _, id := range role.ChildrenNamed(hl7, "id") {
		rank := slices.Index(insRoots, id.Attr("root"))
		switch {
		case id.Attr("extension") == "":
		case rank < 0 && local == nil:
			local = id
		case rank >= 0 && (ins == nil || rank < slices.Index(insRoots, ins.Attr("root"))):
			ins = id
		}
	}
	e := &r.Entry
	if ins == nil {
		r.missing(attribute, "l'INS : id dont @root est "+strings.Join(insRoots, ", "), "recordTarget", "patientRole", "id")
	} else {
		e.PatientID = r.identifier(attribute, ins, "NH")
		e.SourcePatientID = e.PatientID
	}
	source := ins
	if local != nil {
		e.SourcePatientID = r.identifier("sourcePatientId", local, "PI")
		source = local
	}
	r.from(attribute, ins)
	r.from("sourcePatientId", source)
	r.traits(role.Child(hl7, "patient"), source)
}

func (r *reader) identifier(attribute string, id *xmlgate.Element, kind string) xds.CX {
	cx := xds.NewCX(id.Attr("extension"), id.Attr("root"), kind)
	if !cx.Valid() {
		r.errs.Add(id.Finding("META-004", "", attribute+" : @root, un OID, et @extension, une valeur sans espace ni séparateur ^ & ~ |"))
	}
	return cx
}

// traits writes sourcePatientInfo: PID-3, PID-5 (birth name L, then name in use
// D when it differs), PID-7 and PID-8 (ITI TF-3 4.2.3.2.23).
func (r *reader) traits(patient, id *xmlgate.Element) {
	const attribute = "sourcePatientInfo"
	path := []string{"recordTarget", "patientRole", "patient"}
	var info []string
	add := func(field, value string, e *xmlgate.Element) {
		info = append(info, field+"|"+value)
		r.from(ranked(attribute, len(info)), e)
	}
	if r.Entry.SourcePatientID != "" {
		add("PID-3", string(r.Entry.SourcePatientID), id)
	}
	if name := patientName(patient.Child(hl7, "name")); name != "" {
		add("PID-5", name, patient.Child(hl7, "name"))
	} else {
		r.missing(attribute, "les nom et prénom de naissance", append(path, "name")...)
	}
	birth := patient.Child(hl7, "birthTime")
	born := xds.DTM(clone(birth.Attr("value")))
	if len(born) > len("YYYYMMDD") {
		born = born[:len("YYYYMMDD")]
	}
	switch _, _, err := born.Range(); {
	case born == "":
		r.missing(attribute, "la date de naissance", append(path, "birthTime", "@value")...)
	case err != nil:
		r.errs.Add(birth.Finding("META-004", "", attribute+" : une date de naissance AAAAMMJJ"))
	default:
		add("PID-7", string(born), birth)
	}
	genders := map[string]string{"F": "F", "M": "M", "UN": "U"}
	sex := patient.Child(hl7, "administrativeGenderCode")
	if gender, known := genders[sex.Attr("code")]; known {
		add("PID-8", gender, sex)
	} else {
		r.missing(attribute, "le sexe, F, M ou UN", append(path, "administrativeGenderCode", "@code")...)
	}
	r.Entry.SourcePatientInfo = info
}

// patientName is XPN: birth family name, first given name, list of given names.
func patientName(name *xmlgate.Element) string {
	birthFamily, family := part(name, "family", "BR"), part(name, "family", "CL")
	birthGiven, given, list := part(name, "given", "BR"), part(name, "given", "CL"), part(name, "given", "")
	if birthFamily == "" {
		birthFamily = part(name, "family", "")
	}
	if birthGiven == "" {
		birthGiven = list
	}
	if birthFamily == "" || birthGiven == "" {
		return ""
	}
	if list == birthGiven {
		list = ""
	}
	legal := birthFamily + "^" + birthGiven + "^" + list + "^^^^L"
	if given == "" {
		given = birthGiven
	}
	if family == "" || family == birthFamily && given == birthGiven {
		return legal
	}
	return legal + "~" + family + "^" + given + "^^^^^D"
}

// part is the first part of a name with this qualifier, ready for HL7 v2.
func part(name *xmlgate.Element, local, qualifier string) string {
	for _, p := range name.ChildrenNamed(hl7, local) {
		if p.Attr("qualifier") == qualifier {
			return escape(p.Text)
		}
	}
	return ""
}

// people reads the authors and the legal authenticator.
func (r *reader) people() {
	authors := r.repeated("author")
	if len(authors) == 0 {
		r.missing("author", "au moins un auteur", "author")
	}
	for i, a := range authors {
		r.Entry.Authors = append(r.Entry.Authors, r.author(ranked("author", i+1), a))
	}
	signers := r.repeated("legalAuthenticator")
	if len(signers) == 0 {
		r.missing("legalAuthenticator", "exactement un responsable du document", "legalAuthenticator")
		return
	}
	if len(signers) > 1 {
		r.errs.Add(signers[1].Finding("META-002", "", "legalAuthenticator : exactement un"))
	}
	entity := signers[0].Child(hl7, "assignedEntity")
	r.Entry.LegalAuthenticator = r.person("legalAuthenticator", entity, signers[0])
	r.from("legalAuthenticator", entity.Child(hl7, "id"))
}

// author reads one author; attribute is author[1] and so on.
func (r *reader) author(attribute string, a *xmlgate.Element) xds.Author {
	assigned := a.Child(hl7, "assignedAuthor")
	author := xds.Author{Person: r.person("author.authorPerson", assigned, a)}
	r.from(attribute+".authorPerson", assigned.Child(hl7, "id"))
	structure := assigned.Child(hl7, "representedOrganization")
	if xon := r.institution(structure); xon != "" {
		author.Institutions = []xds.XON{xon}
		r.from(attribute+".authorInstitution", structure)
	}
	function := a.Child(hl7, "functionCode")
	if role := function.Attr("displayName"); role != "" {
		author.Roles = []string{clone(role)}
		r.from(attribute+".authorRole", function)
	}
	specialty := assigned.Child(hl7, "code")
	if c := code(specialty); c.Value != "" {
		author.Specialties = []string{c.Value + "^" + escape(c.Display) + "^" + c.Scheme}
		r.from(attribute+".authorSpecialty", specialty)
	}
	return author
}

// person writes an XCN from assignedAuthor or assignedEntity. A device has name
// type U and identifier type RI, its software and model standing for the names;
// a patient has the type of his INS (domain §3.1).
func (r *reader) person(attribute string, assigned, around *xmlgate.Element) xds.XCN {
	id := assigned.Child(hl7, "id")
	value, root := id.Attr("extension"), id.Attr("root")
	if value == "" || root == "" {
		r.errs.Add(around.Finding("META-001", "", attribute+" : id avec @root et @extension"))
		return ""
	}
	value = escape(value)
	if device := assigned.Child(hl7, "assignedAuthoringDevice"); device != nil {
		software, model := device.Child(hl7, "softwareName"), device.Child(hl7, "manufacturerModelName")
		return xds.XCN(value + "^" + escape(software.Trimmed()) + "^" + escape(model.Trimmed()) + "^^^^^^&" + root + "&ISO^U^^^RI")
	}
	name := assigned.Find(hl7, "assignedPerson", "name")
	family, given := escape(name.Child(hl7, "family").Trimmed()), escape(name.Child(hl7, "given").Trimmed())
	if family == "" {
		r.errs.Add(around.Finding("META-001", "", attribute+" : assignedPerson/name/family"))
	}
	kind := "IDNPS"
	if slices.Contains(insRoots, root) {
		kind = "NH"
	}
	return xds.NewXCN(value, family, given, clone(root), kind)
}

// institution is the XON of an author's structure. XDS demands a name (ITI TF-3
// Table 4.2.3.1.7-2, XON.1) and CDA does not: a structure known by its identifier
// alone takes the name that the header gives it elsewhere, else its identifier, with
// a warning, since leaving it out would lose whose document it is.
func (r *reader) institution(o *xmlgate.Element) xds.XON {
	id := o.Child(hl7, "id")
	value := id.Attr("extension")
	if o == nil || o.Child(hl7, "name").Trimmed() != "" || value == "" || id.Attr("root") == "" {
		return organisation(o)
	}
	xon := organisation(r.namesake(id))
	if xon.Name() == "" {
		xon = xds.NewXON(escape(value), clone(id.Attr("root")), structureType(id.Attr("root")), escape(value))
		f := o.Finding("META-001", "", "author.authorInstitution : name, le nom de la structure")
		f.Severity, f.Hint = xds.SeverityWarning, "donner representedOrganization/name ; l'identifiant en tient lieu"
		r.errs.Add(f)
	}
	return xon
}

// namesake is the first organisation of the header that has this id and a name.
func (r *reader) namesake(id *xmlgate.Element) *xmlgate.Element {
	for _, child := range r.root.Children {
		if child.Is(hl7, "component") {
			break // the body
		}
		for e := range child.All() {
			same := e.Child(hl7, "id")
			if same.Attr("root") == id.Attr("root") && same.Attr("extension") == id.Attr("extension") && isOrganisation(e) && e.Child(hl7, "name").Trimmed() != "" {
				return e
			}
		}
	}
	return nil
}

func isOrganisation(e *xmlgate.Element) bool {
	return e.Is(hl7, "representedOrganization") || e.Is(hl7, "representedCustodianOrganization") || e.Is(hl7, "serviceProviderOrganization")
}

// structureType is the identifier type of a structure's authority (domain §3.1).
func structureType(root string) string {
	if root == structureRoot {
		return "IDNST"
	}
	return ""
}

// organisation writes an XON; without identifier it is the name alone.
func organisation(o *xmlgate.Element) xds.XON {
	name, id := escape(o.Child(hl7, "name").Trimmed()), o.Child(hl7, "id")
	value, root := id.Attr("extension"), id.Attr("root")
	if value == "" || root == "" {
		return xds.XON(name)
	}
	return xds.NewXON(name, clone(root), structureType(root), escape(value))
}
