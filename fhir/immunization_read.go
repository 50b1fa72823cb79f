package fhir

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
)

// SentImmunization is an Immunization that a client sent, on its way into a note.
type SentImmunization struct {
	ID            string // the one that it names itself
	Patient       xds.CX
	Act           vaccination.Act
	Marks         []xds.Code // of meta.security: those that the sender chooses
	PrimarySource string     // true, false, "" = not said
	Recall        bool       // reportOrigin: the patient says so
}

// ReadImmunization reads an Immunization that ReadResource accepted. What a CDA note
// has no place for is refused by its name, never dropped in silence (domain §6); what
// the server alone says (versions, profiles, the text, recorded) is the server's.
func ReadImmunization(n *Node, refs References) (SentImmunization, xds.Errors) {
	r := &reading{refs: refs, resource: root(n), pushed: true}
	p := r.resource
	r.only(p, "un élément d'une note de vaccination CDA (table de correspondance : /fhir/metadata)",
		"resourceType", "id", "meta", "text", "contained", "identifier", "status", "statusReason", "vaccineCode", "patient", "occurrenceDateTime", "recorded",
		"primarySource", "reportOrigin", "manufacturer", "lotNumber", "expirationDate", "site", "route", "doseQuantity", "performer", "note",
		"reasonReference", "reaction", "protocolApplied")
	sent := SentImmunization{ID: n.Str("id"), Patient: r.patient(p.get("patient")), PrimarySource: p.Str("primarySource")}
	for _, label := range p.get("meta").get("security").each() {
		sent.Marks = append(sent.Marks, codeOf(label))
	}
	_, marks := xds.SplitMarks(sent.Marks)
	sent.Marks = marks.Codes()
	a := &sent.Act
	for _, id := range p.get("identifier").each() {
		r.identifierOf(a, id)
	}
	a.Nullified, a.NotDone = n.Str("status") == "entered-in-error", n.Str("status") == "not-done"
	r.reason(a, p.get("statusReason"))
	r.vaccineOf(a, p.get("vaccineCode"))
	r.occurrence(a, p)
	sent.Recall = r.origin(p.get("reportOrigin"))
	a.Maker = r.display(p.get("manufacturer"))
	a.Lot, a.Expires = n.Str("lotNumber"), strings.ReplaceAll(n.Str("expirationDate"), "-", "")
	a.Route, a.Site = r.oneCode(p.get("route")), r.oneCode(p.get("site"))
	a.Dose = r.dose(p.get("doseQuantity"))
	r.performersOf(a, p.get("performer").each())
	r.notes(a, p.get("note").each())
	r.observed(a, p)
	r.protocolOf(a, p.get("protocolApplied").each())
	return sent, r.findings
}

// only refuses what an object holds beside the named properties.
func (r *reading) only(p place, expected string, names ...string) {
	if p.Node == nil {
		return
	}
	for _, m := range p.Members {
		if !slices.Contains(names, strings.TrimPrefix(m.Name, "_")) {
			r.refuse(place{m.Value, join(p.path, m.Name)}, "", expected)
		}
	}
}

const noPlace = "rien ici : la note de vaccination CDA n'a pas de place pour cet élément"

func (r *reading) identifierOf(a *vaccination.Act, p place) {
	r.only(p, noPlace, "use", "system", "value")
	system, value := p.Str("system"), p.Str("value")
	id := instanceOf(system, value)
	_, uri := id.System()
	switch {
	case system == "" || value == "":
		r.refuse(p, "", "un système et une valeur")
	case system == uriSystem && uri:
		r.refuse(p.get("value"), "", "urn:uuid:… ou urn:oid:…")
	case len(value) > 200 || len(system) > 400:
		r.refuse(p, "", "un identifiant d'au plus 200 caractères")
	case len(a.IDs) == 8:
		r.refuse(p, "", "au plus 8 identifiants")
	default:
		a.IDs = append(a.IDs, id)
	}
}

// reason reads why an act was not done; R4 asks for it without demanding it.
func (r *reading) reason(a *vaccination.Act, p place) {
	switch {
	case !p.there() && a.NotDone:
		r.findings.Add(&xds.Error{ID: "FHIR-009", Severity: xds.SeverityWarning, Where: p.path, Expected: "le motif (v3-ActReason : IMMUNE, MEDPREC, OSTOCK, PATOBJ)"})
	case p.there() && !a.NotDone:
		r.refuse(p, "", "un motif avec le statut not-done seulement")
	}
	a.Reason = r.oneCode(p)
}

// oneCode reads a CodeableConcept of one coding that CDA can hold, or of words alone.
func (r *reading) oneCode(p place) xds.Code {
	codes := r.codes(p)
	if len(codes) > 1 {
		r.refuse(p.get("coding").at(1), "", "un seul code : la note de vaccination n'en tient qu'un")
	}
	if len(codes) > 0 {
		if codes[0].Display == "" {
			codes[0].Display = p.Str("text")
		}
		return codes[0]
	}
	return xds.Code{Display: p.Str("text")}
}

// codes are the codings of a concept. A code system of CDA is an OID: one that has
// none is left out with a warning, as one that is unknown (issue of model, R4 4.7).
func (r *reading) codes(p place) []xds.Code {
	r.only(p, noPlace, "id", "coding", "text")
	var all []xds.Code
	for _, coding := range p.get("coding").each() {
		r.only(coding, noPlace, "id", "system", "version", "code", "display", "userSelected")
		c := codeOf(coding)
		switch {
		case c.Value == "":
			r.warn(coding, "code absent")
		case !xds.IsOID(c.Scheme):
			r.warn(coding.get("system"), "terminologie sans OID connu, que CDA ne peut nommer")
		default:
			all = append(all, c)
		}
	}
	return all
}

// vaccineForms are what the codes of the three systems look like.
var vaccineForms = map[string]struct {
	form     *regexp.Regexp
	expected string
}{
	vaccination.CIS: {regexp.MustCompile(`^[0-9]{8}$`), "un code CIS de 8 chiffres (BDPM)"},
	vaccination.CIP: {regexp.MustCompile(`^([0-9]{7}|[0-9]{13})$`), "un code CIP de 7 ou 13 chiffres"},
	vaccination.ATC: {regexp.MustCompile(`^[A-Z]([0-9]{2}([A-Z]([A-Z]([0-9]{2})?)?)?)?$`), "un code ATC"},
}

func (r *reading) vaccineOf(a *vaccination.Act, p place) {
	a.Vaccine, a.Name = r.codes(p), strings.Join(strings.Fields(p.Str("text")), " ")
	for i := range a.Vaccine {
		c := &a.Vaccine[i]
		if f, known := vaccineForms[c.Scheme]; known && !f.form.MatchString(c.Value) {
			r.refuse(p.get("coding"), c.Value, f.expected)
			continue
		} else if name := vaccination.NameOf(*c); name != "" && c.Display == "" {
			c.Display = name
		} else if name == "" && known {
			r.findings.Add(&xds.Error{ID: "META-003", Severity: xds.SeverityWarning, Where: p.get("coding").path, Found: c.Value, Expected: "un vaccin de la table de la passerelle ; le code est gardé tel quel"})
		}
	}
	// The CIS is the material's own code, the others are its translations.
	slices.SortStableFunc(a.Vaccine, func(x, y xds.Code) int { return rankOf(x) - rankOf(y) })
	if len(a.Vaccine) == 0 && a.Name == "" {
		r.refuse(p, "", "un code CIS, ATC ou CIP, ou un texte")
	}
	if len(a.Vaccine) > 16 {
		r.refuse(p.get("coding"), strconv.Itoa(len(a.Vaccine))+" codes", "au plus 16")
	}
	if len(a.Vaccine) > 0 && a.Vaccine[0].Scheme != vaccination.CIS {
		r.findings.Add(&xds.Error{ID: "META-001", Severity: xds.SeverityWarning, Where: p.path, Expected: "le code CIS de la spécialité (BDPM), que le volet demande"})
	}
	if a.Name == "" {
		a.Name = a.Title()
	}
}

func rankOf(c xds.Code) int {
	return slices.Index([]string{vaccination.CIS, vaccination.ATC, vaccination.CIP}, c.Scheme) & 3 // others last
}

func (r *reading) occurrence(a *vaccination.Act, p place) {
	at := p.get("occurrenceDateTime")
	if !at.there() {
		r.refuse(p.get("occurrenceDateTime"), "", "une date (occurrenceString n'a pas de place dans une note)")
		return
	}
	a.When = tsOf(at.Text)
}

// tsOf is a dateTime as HL7 v3 TS, to the second.
func tsOf(s string) string {
	day, clock, timed := strings.Cut(s, "T")
	ts := strings.ReplaceAll(day, "-", "")
	if !timed {
		return ts
	}
	zone := "+0000"
	if i := strings.IndexAny(clock, "+-"); i >= 0 {
		clock, zone = clock[:i], strings.ReplaceAll(clock[i:], ":", "")
	}
	return ts + strings.ReplaceAll(clock, ":", "")[:6] + zone
}

// origin tells whether the act is told from memory by the patient's side.
func (r *reading) origin(p place) bool {
	if !p.there() {
		return false
	}
	coding := p.follow("coding[0]")
	if coding.Str("system") != originSystem || coding.Str("code") != "recall" {
		r.refuse(p, "", originSystem+"|recall, du patient seul")
	}
	return true
}

func (r *reading) display(p place) string {
	if !p.there() {
		return ""
	}
	r.only(p, noPlace, "display")
	return p.Str("display")
}

func (r *reading) dose(p place) vaccination.Quantity {
	r.only(p, noPlace, "value", "unit", "system", "code")
	q := vaccination.Quantity{Value: p.Str("value"), Unit: p.Str("code")}
	if q.Unit == "" {
		q.Unit = p.Str("unit")
	}
	switch {
	case !p.there():
	case q.Value == "" || strings.ContainsAny(q.Value, "eE") || strings.HasPrefix(q.Value, "-") || len(q.Value) > 20:
		r.refuse(p.get("value"), "", "un nombre positif, sans exposant")
	case p.Str("system") != "" && p.Str("system") != SystemOf(vaccination.UCUM):
		r.refuse(p.get("system"), "", SystemOf(vaccination.UCUM))
	case strings.ContainsAny(q.Unit, " \t\n") || len(q.Unit) > 40:
		r.refuse(p.get("code"), "", "une unité UCUM")
	}
	return q
}

// performersOf reads who administered; who wrote it down is the bearer of the token,
// whatever the message says of it.
func (r *reading) performersOf(a *vaccination.Act, performers []place) {
	for _, p := range performers {
		r.only(p, noPlace, "id", "function", "actor")
		function := p.follow("function.coding[0]").Str("code")
		switch {
		case function == "AUT":
		case function != "" && function != "AP":
			r.refuse(p.get("function"), function, "AP (qui a vacciné)")
		case !a.Performer.IsZero():
			r.refuse(p, "", "un seul vaccinateur par note")
		default:
			a.Performer = r.personOf(p.get("actor"))
		}
	}
}

// personOf is the author behind a reference, as a CDA holds him.
func (r *reading) personOf(p place) vaccination.Person {
	if name := p.Str("display"); name != "" && !p.get("reference").there() && !p.get("identifier").there() {
		return vaccination.Person{Family: name} // whom the patient remembers
	}
	author := r.author(p)
	found := vaccination.Person{
		ID:     vaccination.ID{Root: author.Person.Authority(), Extension: author.Person.ID()},
		Family: author.Person.Family(), Given: author.Person.Given(),
	}
	if found.ID.Extension != "" && !xds.IsOID(found.ID.Root) {
		r.refuse(p, "", "un identifiant dont le système est urn:oid:…")
	}
	if at := r.resolve(p); at.ResourceType() == "Organization" {
		x := readOrganisation(at)
		return vaccination.Person{Structure: vaccination.ID{Root: x.Authority(), Extension: x.ID()}, StructureName: x.Name()}
	}
	if len(author.Institutions) > 0 {
		x := author.Institutions[0]
		found.Structure, found.StructureName = vaccination.ID{Root: x.Authority(), Extension: x.ID()}, x.Name()
	}
	if len(author.Specialties) > 0 {
		if part := strings.Split(author.Specialties[0], "^"); len(part) == 3 {
			found.Specialty = xds.Code{Value: part[0], Display: part[1], Scheme: part[2]}
		}
	}
	if found.IsZero() {
		r.refuse(p, "", "un professionnel ou une structure : nom ou identifiant")
	}
	return found
}

// notes joins the annotations: a note has one comment.
func (r *reading) notes(a *vaccination.Act, notes []place) {
	var texts []string
	for _, p := range notes {
		r.only(p, noPlace, "id", "text")
		texts = append(texts, strings.Join(strings.Fields(p.Str("text")), " "))
	}
	if a.Comment = strings.Join(texts, " ; "); len(a.Comment) > 8000 {
		r.refuse(r.resource.get("note"), "", "un commentaire d'au plus 8 000 octets")
	}
}

// observed reads the reactions, in either of the two forms in which they are written.
func (r *reading) observed(a *vaccination.Act, p place) {
	for i, ref := range p.get("reasonReference").each() {
		at := r.resolve(ref)
		if at.ResourceType() != "Condition" {
			r.refuse(ref, "", "une Condition contenue : la réaction observée")
			continue
		}
		reaction := r.reactionOf(at.get("code"), at.Str("onsetDateTime"))
		if ids := at.get("identifier").each(); len(ids) == 1 {
			reaction.ID = instanceOf(ids[0].Str("system"), ids[0].Str("value"))
		}
		if i < 20 {
			a.Reactions = append(a.Reactions, reaction)
		}
	}
	for _, item := range p.get("reaction").each() {
		r.only(item, noPlace, "id", "date", "detail", "reported")
		at := r.resolve(item.get("detail"))
		if item.get("detail").there() && at.ResourceType() != "Observation" {
			r.refuse(item.get("detail"), "", "une Observation contenue : la réaction observée")
			continue
		}
		said := r.reactionOf(at.get("valueCodeableConcept"), item.Str("date"))
		if said.Code.IsZero() && said.Text == "" {
			said = r.reactionOf(at.get("code"), item.Str("date"))
		}
		same := func(x vaccination.Reaction) bool {
			return x.Code.Same(said.Code) && x.Text == said.Text && x.On == said.On
		}
		if !slices.ContainsFunc(a.Reactions, same) && len(a.Reactions) < 20 {
			a.Reactions = append(a.Reactions, said)
		}
	}
	if len(p.get("reasonReference").each()) > 20 || len(p.get("reaction").each()) > 20 {
		r.refuse(p.get("reaction"), "", "au plus 20 réactions")
	}
}

func (r *reading) reactionOf(concept place, on string) vaccination.Reaction {
	found := vaccination.Reaction{Code: r.oneCode(concept), Text: concept.Str("text")}
	if on != "" {
		found.On = tsOf(on)
	}
	if found.Text == "" {
		found.Text = found.Code.Display
	}
	if found.Code.Value == "" {
		found.Code = xds.Code{}
	}
	return found
}

// protocolOf reads the series and the rank of the dose.
func (r *reading) protocolOf(a *vaccination.Act, protocols []place) {
	if len(protocols) > 1 {
		r.refuse(protocols[1], "", "un seul protocole par note")
	}
	for _, p := range protocols[:min(len(protocols), 1)] {
		r.only(p, noPlace, "id", "series", "doseNumberPositiveInt")
		a.Rank, _ = strconv.Atoi(p.Str("doseNumberPositiveInt"))
		if a.Series = p.Str("series"); a.Series != "" && vaccination.SeriesName(a.Series) == "" {
			r.refuse(p.get("series"), "", "BOOSTER, IMMUNIZ ou INITIMMUNIZ")
		}
	}
}
