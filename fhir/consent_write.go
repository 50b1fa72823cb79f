package fhir

import (
	"github.com/passerelle-sante/passerelle/authz"
)

// ConsentKind says what a Consent is a view of.
type ConsentKind string

// The views: a declared relation, the médecin traitant, a block, the four switches.
const (
	ConsentLink     ConsentKind = "lien"
	ConsentTraitant ConsentKind = "medecin-traitant"
	ConsentBlock    ConsentKind = "blocage"
	ConsentSettings ConsentKind = "reglages"
)

// Consent is a right on a record as its readers may see it.
type Consent struct {
	ID       string
	Kind     ConsentKind
	Standing Standing       // of the professional concerned
	Settings authz.Settings // of ConsentSettings
}

// Consents are the views of where a professional stands.
func (s Standing) Consents() []ConsentKind {
	switch {
	case s.Access == authz.AccessForbidden:
		return []ConsentKind{ConsentBlock}
	case s.Traitant && s.Basis != authz.NoLink:
		return []ConsentKind{ConsentTraitant, ConsentLink}
	case s.Traitant:
		return []ConsentKind{ConsentTraitant}
	case s.Basis != authz.NoLink:
		return []ConsentKind{ConsentLink}
	}
	return nil
}

// Status is that of R4: a relation that is over is inactive.
func (c Consent) Status() string {
	if c.Kind == ConsentLink && c.Standing.Access == authz.AccessExpired {
		return "inactive"
	}
	return "active"
}

// AppendConsent writes it: a block denies, a relation permits, and each switch permits or
// denies one way in.
func AppendConsent(b []byte, c Consent, record string) []byte {
	w := out{b}
	w.open("", '{')
	w.str("resourceType", "Consent")
	w.str("id", c.ID)
	w.str("status", c.Status())
	w.uriConcept("scope", hl7Terms+"consentscope", "patient-privacy")
	w.open("category", '[')
	w.uriConcept("", "http://loinc.org", "59284-0")
	w.uriConcept("", consentSystem, string(c.Kind))
	w.shut(']')
	w.open("patient", '{')
	w.str("reference", "Patient/"+record)
	w.shut('}')
	if c.Kind == ConsentLink || c.Kind == ConsentBlock {
		w.moment("dateTime", c.Standing.Since)
	}
	permits := c.Kind != ConsentBlock
	w.uriConcept("policyRule", hl7Terms+"v3-ActCode", map[bool]string{true: "OPTIN", false: "OPTOUT"}[permits])
	w.open("provision", '{')
	if c.Kind == ConsentSettings {
		w.settings(c.Settings)
	} else {
		w.provision(c, permits)
	}
	w.b = append(w.b, '}', '}')
	return w.b
}

// provision is about one professional.
func (w *out) provision(c Consent, permits bool) {
	w.str("type", provisionTypes[permits])
	if c.Kind != ConsentTraitant {
		w.period("period", c.Standing.Since, c.Standing.Until)
	}
	w.open("actor", '[')
	w.open("", '{')
	w.uriConcept("role", participantType, "IRCP")
	w.practitioner("reference", c.Standing.Professional, c.Standing.Name)
	w.b = append(w.b, '}', ']')
	w.open("action", '[')
	w.uriConcept("", hl7Terms+"consentaction", "access")
	w.shut(']')
	if code := bases[c.Standing.Basis]; c.Kind == ConsentLink && code != "" {
		w.open("code", '[')
		w.uriConcept("", basisSystem, code)
		w.shut(']')
	}
}

var provisionTypes = map[bool]string{true: "permit", false: "deny"}

// settings writes one provision for each of the four switches (policy §1.1), with the
// purposes of use that it is about.
func (w *out) settings(s authz.Settings) {
	w.open("provision", '[')
	for _, one := range []struct {
		name     string
		permits  bool
		purposes []string
	}{
		{"maskAll", !s.MaskAll, []string{"TREAT", "ETREAT", "BTG"}},
		{"samuOK", s.SamuOK, []string{"ETREAT"}},
		{"bdgOK", s.BdgOK, []string{"BTG"}},
		{"maskedOK", s.MaskedOK, []string{"ETREAT", "BTG"}},
	} {
		w.open("", '{')
		w.str("type", provisionTypes[one.permits])
		w.open("action", '[')
		w.uriConcept("", hl7Terms+"consentaction", "access")
		w.shut(']')
		w.open("purpose", '[')
		for _, code := range one.purposes {
			w.uriCoding("", actReason, code)
		}
		w.shut(']')
		w.open("code", '[')
		w.uriConcept("", settingSystem, one.name)
		w.b = append(w.b, ']', '}')
	}
	w.shut(']')
}
