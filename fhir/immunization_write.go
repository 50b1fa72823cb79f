package fhir

import (
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
)

// Immunization is an act of vaccination as a reader may see it: through a document
// that he sees. There is none without its document.
type Immunization struct {
	vaccination.Entry
	Source  authz.Visible[xds.Document]
	Version int // versionNumber of the document
}

// VersionID is meta.versionId: the version of the document, that of its metadata, and
// the marks of its lineage, which change without one (as ETag).
func (im Immunization) VersionID() string {
	d, _ := im.Source.Value()
	return ImmunizationVersion(im.Version, max(d.Entry.Version, 1), d.Marks)
}

// ImmunizationVersion is the version of an act in a document of this versionNumber,
// with metadata of this version and these marks.
func ImmunizationVersion(document, metadata int, marks xds.Marks) string {
	return strconv.Itoa(document) + "." + strconv.Itoa(metadata) + marksOf(marks)
}

// Updated is meta.lastUpdated: when the document's current metadata were registered.
func (im Immunization) Updated() time.Time {
	d, _ := im.Source.Value()
	return time.Unix(d.Labels.UpdatedUnix, 0).UTC()
}

// Status is the code of Immunization.status.
func (im Immunization) Status() string {
	switch {
	case im.Nullified:
		return "entered-in-error"
	case im.NotDone:
		return "not-done"
	}
	return "completed"
}

const (
	extAbsent       = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
	originSystem    = hl7Terms + "immunization-origin"
	functionSystem  = hl7Terms + "v2-0443"
	conditionStatus = hl7Terms + "condition-ver-status"
	reported        = "418799008" // SNOMED CT: symptom reported by the patient or the respondent
)

// AppendImmunization writes an act as R4 Immunization, by the mapping table of the
// CI-SIS volet (domain §6), with the profiles that the server claims. Of a zero
// Visible it writes nothing.
func AppendImmunization(b []byte, im Immunization, base string, profiles []string) []byte {
	d, ok := im.Source.Value()
	if !ok {
		return b
	}
	w := out{b}
	w.open("", '{')
	w.str("resourceType", "Immunization")
	w.str("id", im.Key)
	w.open("meta", '{')
	w.str("versionId", im.VersionID())
	w.str("lastUpdated", im.Updated().Format(time.RFC3339))
	w.str("source", base+"/DocumentReference/"+ID(d))
	if profiled(im.Act) {
		w.list("profile", profiles...)
	}
	w.codings("security", d.Entry.Confidentiality)
	w.shut('}')
	w.immunizationPeople(im)
	w.open("identifier", '[')
	for _, id := range im.IDs {
		w.instance(id)
	}
	w.shut(']')
	w.str("status", im.Status())
	w.spoken("statusReason", im.Reason)
	w.vaccine(im.Act)
	w.patientReference("patient", d)
	w.when("occurrenceDateTime", im.When)
	if im.Written != "" {
		w.str("recorded", dateTimeOfTS(im.Written))
	}
	w.informant(im.Act)
	if im.Maker != "" {
		w.open("manufacturer", '{')
		w.str("display", im.Maker)
		w.shut('}')
	}
	w.str("lotNumber", im.Lot)
	w.str("expirationDate", dateTimeOfTS(im.Expires))
	w.concept("site", im.Site)
	w.concept("route", im.Route)
	w.quantity("doseQuantity", im.Dose)
	w.performers(im.Act)
	if im.Comment != "" {
		w.open("note", '[')
		w.open("", '{')
		w.str("text", im.Comment)
		w.b = append(w.b, '}', ']')
	}
	w.reactions(im.Reactions)
	w.protocol(im.Act)
	w.shut('}')
	return w.b
}

// profiled tells whether an act holds what the French profile demands (I1): a CIS, a
// date, a route and a site.
func profiled(a vaccination.Act) bool {
	return !a.Code(vaccination.CIS).IsZero() && a.When != "" && !a.Route.IsZero() && !a.Site.IsZero()
}

// immunizationPeople writes the contained resources: who did it, who wrote it, and
// what was observed afterwards.
func (w *out) immunizationPeople(im Immunization) {
	d, _ := im.Source.Value()
	performer, author := authorOf(im.Performer), authorOf(im.Author)
	if performer == nil && author == nil && len(im.Reactions) == 0 {
		return
	}
	w.open("contained", '[')
	if performer != nil {
		w.author("performer", *performer)
	}
	if author != nil {
		w.author("author", *author)
	}
	for i, r := range im.Reactions {
		w.contained("Condition", "reaction"+strconv.Itoa(i+1))
		if r.ID.Root != "" {
			w.open("identifier", '[')
			w.instance(r.ID)
			w.shut(']')
		}
		w.open("verificationStatus", '{')
		w.open("coding", '[')
		w.open("", '{')
		w.str("system", conditionStatus)
		w.str("code", "unconfirmed")
		w.b = append(w.b, '}', ']', '}')
		w.said("code", []xds.Code{r.Code}, r.Text)
		w.patientReference("subject", d)
		w.str("onsetDateTime", dateTimeOfTS(r.On))
		w.shut('}')

		w.contained("Observation", "observation"+strconv.Itoa(i+1))
		w.str("status", "final")
		w.concept("code", xds.Code{Value: reported, Scheme: vaccination.SNOMED, Display: "symptôme rapporté par le patient ou le répondant"})
		w.said("valueCodeableConcept", []xds.Code{r.Code}, r.Text)
		w.shut('}')
	}
	w.shut(']')
}

// authorOf is a person as the author of XDS, nil for nobody and for the patient, who
// is no performer in R4.
func authorOf(p vaccination.Person) *xds.Author {
	if p.IsZero() || byPatient(p) {
		return nil
	}
	var a xds.Author
	if p.ID.Extension != "" || p.Family != "" {
		a.Person = person{resource: "Practitioner", id: newID(p.ID.Extension, p.ID.Root, usualType(p.ID.Root)), family: p.Family, given: p.Given}.xcn()
	}
	if p.Structure.Extension != "" || p.StructureName != "" {
		a.Institutions = []xds.XON{xonOf(p.StructureName, newID(p.Structure.Extension, p.Structure.Root, usualType(p.Structure.Root)))}
	}
	if !p.Specialty.IsZero() {
		a.Specialties = []string{p.Specialty.Value + "^" + p.Specialty.Display + "^" + p.Specialty.Scheme}
	}
	if a.Person == "" && len(a.Institutions) == 0 {
		return nil
	}
	return &a
}

// byPatient tells whether a person is the patient, by the authority of the INS.
func byPatient(p vaccination.Person) bool { return usualType(p.ID.Root) == "NH" }

// instance writes an HL7 v3 instance identifier as an Identifier.
func (w *out) instance(id vaccination.ID) {
	system, value := uriSystem, uriOf(id.Root)
	if id.Extension != "" {
		system, value = value, id.Extension
	}
	if uri, ok := id.System(); ok {
		system = uri
	}
	w.open("", '{')
	w.str("system", system)
	w.str("value", value)
	w.shut('}')
}

// uriOf is the URN of a root, an OID or a UUID.
func uriOf(root string) string {
	if uuid := uuidURN + strings.ToLower(root); xds.IsUUID(uuid) {
		return uuid
	}
	return oidURN + root
}

// vaccine writes vaccineCode: the CIS first, then ATC, CIP and others, and the name.
func (w *out) vaccine(a vaccination.Act) {
	w.said("vaccineCode", a.Vaccine, a.Title())
}

// said writes a CodeableConcept of several codings and a text.
func (w *out) said(name string, codes []xds.Code, text string) {
	w.open(name, '{')
	w.codings("coding", codes)
	w.str("text", text)
	w.shut('}')
}

// codings writes a list of Codings; a code without value is left out.
func (w *out) codings(name string, codes []xds.Code) {
	started := false
	for _, c := range codes {
		if c.Value == "" {
			continue
		}
		if !started {
			w.open(name, '[')
			started = true
		}
		w.open("", '{')
		w.coding(c)
		w.shut('}')
	}
	if started {
		w.shut(']')
	}
}

// spoken writes a CodeableConcept of a code, or of words alone.
func (w *out) spoken(name string, c xds.Code) {
	if c.Value != "" || c.Display != "" {
		w.said(name, []xds.Code{c}, c.Display)
	}
}

func (w *out) patientReference(name string, d xds.Document) {
	w.reference(name, "Patient/"+d.Record)
}

// when writes a date, or that it is not known: the element is obligatory.
func (w *out) when(name, ts string) {
	if ts != "" {
		w.str(name, dateTimeOfTS(ts))
		return
	}
	w.absent(name)
}

// absent writes that the value of an obligatory element is not known.
func (w *out) absent(name string) {
	w.open("_"+name, '{')
	w.open("extension", '[')
	w.open("", '{')
	w.str("url", extAbsent)
	w.str("valueCode", "unknown")
	w.b = append(w.b, '}', ']', '}')
}
