package fhir

import (
	"time"

	"github.com/passerelle-sante/passerelle/authz"
)

// Code systems of the views of rights.
const (
	basisSystem   = ourBase + "CodeSystem/fondement"
	consentSystem = ourBase + "CodeSystem/consentement"
	settingSystem = ourBase + "CodeSystem/reglage"

	actReason       = hl7Terms + "v3-ActReason"
	participantType = hl7Terms + "v3-ParticipationType"
)

// Standing is where a professional stands on a record, as its readers may see it (TD1.6).
type Standing struct {
	Professional string // national id
	Name         string
	Profession   string // TRE_G15 code
	Structure    string
	Traitant     bool        // médecin traitant
	Basis        authz.Value // NoLink, TeamLink or ConsentLink
	Since, Until time.Time   // of the link or the block; zero: not known, without end
	Access       authz.Access
}

// Member tells whether he belongs to the care team: a barred professional does not.
func (s Standing) Member() bool {
	return s.Access != authz.AccessForbidden && (s.Traitant || s.Basis != authz.NoLink)
}

// bases are what a relation rests on.
var bases = map[authz.Value]string{authz.TeamLink: "team", authz.ConsentLink: "consent"}

// basis is the code of what his access rests on, "" for none.
func (s Standing) basis() []string {
	var codes []string
	if s.Traitant {
		codes = append(codes, "administrator")
	}
	if code := bases[s.Basis]; code != "" {
		codes = append(codes, code)
	}
	return codes
}

// AppendCareTeam writes the professionals who have a way into a record, or had: one
// participant each, with the basis, the period and the access of now.
func AppendCareTeam(b []byte, id, record string, all []Standing) []byte {
	w := out{b}
	w.open("", '{')
	w.str("resourceType", "CareTeam")
	w.str("id", id)
	w.str("status", "active")
	w.str("name", "Professionnels autorisés")
	w.open("subject", '{')
	w.str("reference", "Patient/"+record)
	w.shut('}')
	w.open("participant", '[')
	for _, s := range all {
		w.participant(s)
	}
	w.shut(']')
	w.shut('}')
	return w.b
}

func (w *out) participant(s Standing) {
	w.open("", '{')
	w.open("extension", '[')
	w.open("", '{')
	w.str("url", extAccess)
	w.str("valueCode", string(s.Access))
	w.b = append(w.b, '}', ']')
	w.open("role", '[')
	if s.Profession != "" {
		w.uriConcept("", professionSystem, s.Profession)
	}
	for _, code := range s.basis() {
		w.uriConcept("", basisSystem, code)
	}
	w.shut(']')
	w.practitioner("member", s.Professional, s.Name)
	if s.Structure != "" {
		w.open("onBehalfOf", '{')
		w.str("type", "Organization")
		w.open("identifier", '{')
		w.str("system", oidURN+structureSpace)
		w.str("value", s.Structure)
		w.b = append(w.b, '}', '}')
	}
	if s.Basis != authz.NoLink {
		w.period("period", s.Since, s.Until)
	}
	w.shut('}')
}

// professionSystem is that of the profession codes (TRE_G15).
var professionSystem = tre("TRE_G15-ProfessionSante")

// uriConcept writes a CodeableConcept of one code; name is "" inside a list.
func (w *out) uriConcept(name, system, code string) {
	w.open(name, '{')
	w.open("coding", '[')
	w.uriCoding("", system, code)
	w.b = append(w.b, ']', '}')
}

// uriCoding writes a Coding whose system is a URI.
func (w *out) uriCoding(name, system, code string) {
	w.open(name, '{')
	w.str("system", system)
	w.str("code", code)
	w.shut('}')
}

// period writes a Period; a zero end is open.
func (w *out) period(name string, start, end time.Time) {
	if start.IsZero() && end.IsZero() {
		return
	}
	w.open(name, '{')
	w.moment("start", start)
	w.moment("end", end)
	w.shut('}')
}

// moment writes a time of the gateway's own clock.
func (w *out) moment(name string, at time.Time) {
	if !at.IsZero() {
		w.str(name, at.UTC().Format(time.RFC3339Nano))
	}
}
