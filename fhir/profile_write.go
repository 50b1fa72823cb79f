package fhir

import (
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/medical"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
)

// ProfileEntry is an entry of the medical profile as a reader may see it: through a
// document that he sees. There is none without its document.
type ProfileEntry struct {
	medical.Told
	Source authz.Visible[xds.Document]
}

// profileResources say which resource an entry is, by section and kind. Advance
// directives are documents and nothing else.
var profileResources = map[string]string{
	medical.Allergies + "/allergie": "AllergyIntolerance", medical.Allergies + "/aucune": "AllergyIntolerance",
	medical.History + "/personnel": "Condition", medical.History + "/familial": "FamilyMemberHistory",
	medical.Treatments + "/traitement": "MedicationStatement",
	medical.Relatives + "/confiance":   "RelatedPerson", medical.Relatives + "/urgence": "RelatedPerson", medical.Relatives + "/aidant": "RelatedPerson",
	medical.Wishes + "/don": "Observation",
}

// Resource is the type of resource that shows the entry, "" for none.
func (e ProfileEntry) Resource() string {
	if e.Section.ID == medical.Measures {
		return "Observation"
	}
	return profileResources[e.Section.ID+"/"+e.Entry.Kind]
}

// ProfileSections are the sections that a type of resource is made of.
func ProfileSections(resource string) (sections []medical.Section) {
	for _, s := range medical.Sections() {
		for _, k := range s.Kinds {
			e := ProfileEntry{Told: medical.Told{Section: s, Entry: medical.Entry{Kind: k.ID}}}
			if e.Resource() == resource {
				sections = append(sections, s)
				break
			}
		}
	}
	return sections
}

// said is an entry on its way out.
type said struct {
	out
	e    ProfileEntry
	d    xds.Document
	kind medical.Kind
	now  time.Time
}

// AppendProfileEntry writes an entry of the profile as the resource that it is, uncoded
// words as text. Nobody has confirmed what a patient says of himself, and it says so.
func AppendProfileEntry(b []byte, e ProfileEntry, base string, now time.Time) []byte {
	d, ok := e.Source.Value()
	kind, known := e.Section.Kind(e.Entry.Kind)
	resource := e.Resource()
	if !ok || !known || resource == "" {
		return b
	}
	w := said{out: out{b}, e: e, d: d, kind: kind, now: now}
	w.open("", '{')
	w.str("resourceType", resource)
	w.str("id", e.Key)
	w.open("meta", '{')
	w.str("lastUpdated", time.Unix(d.Labels.UpdatedUnix, 0).UTC().Format(time.RFC3339))
	w.str("source", base+"/DocumentReference/"+ID(d))
	w.codings("security", d.Entry.Confidentiality)
	w.shut('}')
	switch resource {
	case "AllergyIntolerance":
		w.allergy()
	case "Condition":
		w.condition()
	case "FamilyMemberHistory":
		w.kin()
	case "MedicationStatement":
		w.treatment()
	case "Observation":
		w.observation()
	case "RelatedPerson":
		w.relative()
	}
	w.shut('}')
	return w.b
}

func (w *said) value(name string) string { return w.e.Values[name] }

// written is when the entry was.
func (w *said) written() string { return dateTimeOfTS(w.e.Written) }

// words is a value as people read it.
func (w *said) words(name string) string {
	f, _ := w.kind.Field(name)
	if value := w.value(name); value != "" {
		return f.Words(value)
	}
	return ""
}

// plain is a CodeableConcept of words alone.
func (w *said) plain(name, text string) {
	if text != "" {
		w.open(name, '{')
		w.str("text", text)
		w.shut('}')
	}
}

func (w *said) who(name string) {
	if w.e.By != "" {
		w.open(name, '{')
		w.str("display", w.e.By)
		w.shut('}')
	}
}

func (w *said) note(texts ...string) {
	if text := strings.Join(nonEmpty(texts), "\n"); text != "" {
		w.open("note", '[')
		w.open("", '{')
		w.str("text", text)
		w.b = append(w.b, '}', ']')
	}
}

func nonEmpty(texts []string) (kept []string) {
	for _, t := range texts {
		if t != "" {
			kept = append(kept, t)
		}
	}
	return kept
}

// status writes a coded status in a terminology of HL7.
func (w *said) status(name, system, code string) {
	w.uriConcept(name, hl7Terms+system, code)
}

// kindOf is the kind of the entry as a CodeableConcept of ours.
func (w *said) kindOf(name string) {
	w.said(name, []xds.Code{w.kind.Code}, w.kind.Title)
}

var (
	allergyCategories  = map[string]string{"medicament": "medication", "aliment": "food", "environnement": "environment"}
	reactionSeverities = map[string]string{"legere": "mild", "moderee": "moderate", "severe": "severe"}
)

func (w *said) allergy() {
	w.status("clinicalStatus", "allergyintolerance-clinical", "active")
	w.status("verificationStatus", "allergyintolerance-verification", "unconfirmed")
	if category := allergyCategories[w.value("categorie")]; category != "" {
		w.list("category", category)
	}
	if w.value("substance") == "" {
		w.kindOf("code")
	} else {
		w.plain("code", w.value("substance"))
	}
	w.patientReference("patient", w.d)
	w.str("onsetDateTime", w.value("depuis"))
	w.str("recordedDate", w.written())
	w.who("asserter")
	w.note(w.value("commentaire"))
	severity := reactionSeverities[w.value("gravite")]
	if w.value("reaction") == "" && severity == "" {
		return
	}
	w.open("reaction", '[')
	w.open("", '{')
	w.open("manifestation", '[')
	if w.value("reaction") == "" {
		w.plain("", "Réaction non précisée")
	} else {
		w.plain("", w.value("reaction"))
	}
	w.shut(']')
	w.str("severity", severity)
	w.b = append(w.b, '}', ']')
}

func (w *said) condition() {
	status := "active"
	if w.value("fin") != "" {
		status = "resolved"
	}
	w.status("clinicalStatus", "condition-clinical", status)
	w.status("verificationStatus", "condition-ver-status", "unconfirmed")
	w.open("category", '[')
	w.status("", "condition-category", "problem-list-item")
	if w.value("sorte") != "" {
		w.plain("", w.words("sorte"))
	}
	w.shut(']')
	w.plain("code", w.value("intitule"))
	w.patientReference("subject", w.d)
	w.str("onsetDateTime", w.value("debut"))
	w.str("abatementDateTime", w.value("fin"))
	w.str("recordedDate", w.written())
	w.who("asserter")
	w.note(w.value("commentaire"))
}

func (w *said) kin() {
	w.str("status", "partial")
	w.patientReference("patient", w.d)
	w.str("date", w.written())
	w.tie("relationship")
	w.open("condition", '[')
	w.open("", '{')
	w.plain("code", w.value("intitule"))
	f, _ := w.kind.Field("age")
	w.measured("onsetAge", f)
	w.b = append(w.b, '}', ']')
	w.note(w.value("commentaire"))
}

// tie writes what somebody is to the patient.
func (w *said) tie(name string) {
	f, _ := w.kind.Field("lien")
	o, _ := f.Option(w.value("lien"))
	w.said(name, []xds.Code{o.Code}, o.Label)
}

// measured writes a number with its unit.
func (w *said) measured(name string, f medical.Field) {
	value := w.value(f.Name)
	if value == "" {
		return
	}
	w.open(name, '{')
	w.key("value")
	w.b = append(w.b, value...)
	w.str("unit", f.UnitName)
	w.str("system", SystemOf(vaccination.UCUM))
	w.str("code", f.Unit)
	w.shut('}')
}

func (w *said) treatment() {
	w.str("status", w.treated())
	w.plain("medicationCodeableConcept", w.value("nom"))
	w.patientReference("subject", w.d)
	if w.value("debut")+w.value("fin") != "" {
		w.open("effectivePeriod", '{')
		w.str("start", w.value("debut"))
		w.str("end", w.value("fin"))
		w.shut('}')
	}
	w.str("dateAsserted", w.written())
	w.who("informationSource")
	if w.value("motif") != "" {
		w.open("reasonCode", '[')
		w.plain("", w.value("motif"))
		w.shut(']')
	}
	w.note(w.value("commentaire"))
	if w.value("posologie") != "" {
		w.open("dosage", '[')
		w.open("", '{')
		w.str("text", w.value("posologie"))
		w.b = append(w.b, '}', ']')
	}
}

// treated is the status of a treatment at the instant that is asked about.
func (w *said) treated() string {
	_, end, err := xds.DTM(strings.ReplaceAll(w.value("fin"), "-", "")).Range()
	start := xds.DTM(strings.ReplaceAll(w.value("debut"), "-", "")).Start()
	switch {
	case err == nil && !w.now.Before(end):
		return "completed"
	case start.After(w.now):
		return "intended"
	}
	return "active"
}

func (w *said) observation() {
	numbers := w.kind.Numbers()
	w.str("status", "final")
	if len(numbers) > 0 {
		category := "vital-signs"
		if w.kind.ID == "glycemie" {
			category = "laboratory"
		}
		w.open("category", '[')
		w.status("", "observation-category", category)
		w.shut(']')
	}
	w.kindOf("code")
	w.patientReference("subject", w.d)
	w.str("effectiveDateTime", w.on())
	if w.e.By != "" {
		w.open("performer", '[')
		w.who("")
		w.shut(']')
	}
	if len(numbers) == 1 {
		w.measured("valueQuantity", numbers[0])
	}
	if position := w.words("position"); position != "" {
		w.plain("valueCodeableConcept", position)
	}
	w.note(w.words("moment"), w.value("commentaire"))
	if len(numbers) < 2 {
		return
	}
	w.open("component", '[')
	for _, f := range numbers {
		w.open("", '{')
		w.said("code", []xds.Code{f.Code}, f.Label)
		w.measured("valueQuantity", f)
		w.shut('}')
	}
	w.shut(']')
}

// on is when an observation was made: that of a wish, when it was written down.
func (w *said) on() string {
	for _, value := range []string{w.value("quand"), w.value("date")} {
		if value != "" {
			return value
		}
	}
	return w.written()
}

func (w *said) relative() {
	w.truth("active", true)
	w.patientReference("patient", w.d)
	w.open("relationship", '[')
	if w.kind.ID == "urgence" {
		w.status("", "v2-0131", "C")
	}
	w.plain("", w.kind.Title)
	w.tie("")
	w.shut(']')
	w.open("name", '[')
	w.name("", w.value("nom"), w.value("prenom"))
	w.shut(']')
	if w.value("telephone")+w.value("email") != "" {
		w.open("telecom", '[')
		for _, c := range [][2]string{{"phone", w.value("telephone")}, {"email", w.value("email")}} {
			if c[1] != "" {
				w.open("", '{')
				w.str("system", c[0])
				w.str("value", c[1])
				w.shut('}')
			}
		}
		w.shut(']')
	}
	if w.value("adresse") != "" {
		w.open("address", '[')
		w.open("", '{')
		w.str("text", w.value("adresse"))
		w.b = append(w.b, '}', ']')
	}
}

// When is the time that an entry covers: that of the measure, else when it was written.
func (e ProfileEntry) When() (from, to time.Time) {
	value := e.Values["quand"]
	if at, err := time.Parse(time.RFC3339, value); err == nil {
		return at, at.Add(time.Second)
	}
	if value == "" {
		return vaccination.Span(e.Written)
	}
	from, to, _ = xds.DTM(strings.ReplaceAll(value, "-", "")).Range()
	return from, to
}

// Order is the place of an entry in an answer: the newest first.
func (e ProfileEntry) Order() string {
	from, _ := e.When()
	return strconv.FormatInt(10_000_000_000_000-max(from.Unix(), -1_000_000_000_000), 10) + e.Key
}
