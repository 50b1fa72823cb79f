package fhir

import (
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
)

// Audit is a line of the history as its reader is told of it (J-2…J-5), to be written as
// an AuditEvent.
type Audit struct {
	ID, Record string
	At         time.Time

	Actor, ActorName, Profession, Structure, Application string
	Issuer, TokenID                                      string
	Kind, Mode, Action                                   authz.Value

	Transaction string
	Permit      bool
	Document    string // FHIR id, "" when the line tells of none
	Set         string // of a submission: its List
	Reason      string // justification of bris de glace
	Own         bool   // the reader's own
}

// AppendAuditEvent writes the line: an act that was permitted under the profile of its
// transaction, a refusal as the decision that it was (BALP AuthZ-Consent). The raw query
// and the address of the client are in no line of the trail: what the profiles ask of
// them is said to be absent, and why. base is the address of the FHIR face.
func AppendAuditEvent(b []byte, a Audit, base string) []byte {
	k := a.kind()
	w := out{b}
	w.open("", '{')
	w.str("resourceType", "AuditEvent")
	w.str("id", a.ID)
	w.open("meta", '{')
	w.list("profile", a.profiles(k)...)
	if a.Own {
		w.open("tag", '[')
		w.uriCoding("", lineSystem, "own")
		w.shut(']')
	}
	w.shut('}')
	w.auditCoding("type", k.system, k.code)
	w.open("subtype", '[')
	for _, s := range a.subtypes(k) {
		w.open("", '{')
		w.str("system", s.System)
		w.str("code", s.Code)
		w.str("display", s.display)
		w.shut('}')
	}
	w.shut(']')
	w.str("action", k.action)
	w.moment("recorded", a.At)
	w.str("outcome", a.outcome())
	if !a.Permit {
		w.str("outcomeDesc", "Accès refusé")
	}
	if purpose := a.purpose(); purpose == "BTG" || purpose == "ETREAT" {
		w.open("purposeOfEvent", '[')
		w.uriConcept("", actReason, purpose)
		w.shut(']')
	}
	w.open("agent", '[')
	w.clientAgent(a, k)
	w.userAgent(a, k)
	w.structureAgent(a)
	w.serverAgent(a, k, base)
	w.shut(']')
	w.open("source", '{')
	w.observer("observer", base)
	w.open("type", '[')
	w.uriCoding("", hl7Terms+"security-source-type", "4") // application server
	w.b = append(w.b, ']', '}')
	w.entities(a, k)
	w.shut('}')
	return w.b
}

func (a Audit) kind() auditKind { return auditKindOf(a.Transaction, a.Action, a.Permit) }

func (a Audit) outcome() string {
	if a.Permit {
		return "0"
	}
	return "8"
}

// purpose is the code of the purpose of use: that of the access mode of who cares, or the
// patient's own request.
func (a Audit) purpose() string {
	switch a.Kind {
	case authz.Pro, authz.Structure:
		return purposes[a.Mode]
	case authz.Patient, authz.Representative, authz.Delegate:
		return "PATRQT"
	}
	return ""
}

// tokenProfile is the way BALP tells of the token, when the line names it.
func (a Audit) tokenProfile() (profile, agent string) {
	switch {
	case a.TokenID == "" || !isURI(a.TokenID) || a.Transaction == "HL7v2":
		return "", ""
	case overSOAP(a.Transaction):
		return balp + "SAMLaccessTokenUse.Minimal", "UserSamlAgent"
	}
	return balp + "OAUTHaccessTokenUse.Minimal", "UserOauthAgent"
}

func (a Audit) profiles(k auditKind) []string {
	var all []string
	if k.profile != "" {
		all = append(all, k.profile)
	}
	if token, _ := a.tokenProfile(); token != "" {
		all = append(all, token)
	}
	return all
}

// subtype is a code of what was done.
type subtype struct {
	Token
	display string
}

// subtypes are those of the transaction; a decision has its own alone, since BALP allows
// it no other, and names the transaction in a detail.
func (a Audit) subtypes(k auditKind) []subtype {
	if !a.Permit {
		return []subtype{{Token{System: authzSubtypes, Code: "AuthZ-Consent"}, "Authorization Decision using Roles and Consent"}}
	}
	var all []subtype
	if k.restful != "" {
		all = append(all, subtype{Token{System: interactions, Code: k.restful}, ""})
	}
	if strings.HasPrefix(a.Transaction, "ITI-") {
		all = append(all, subtype{Token{System: iheEvents, Code: a.Transaction}, k.ihe})
	} else if a.Transaction != "" {
		all = append(all, subtype{Token{System: transactionSystem, Code: a.Transaction}, ""})
	}
	return append(all, subtype{Token{System: actionSystem, Code: authz.Action.Name(a.Action)}, ""})
}

// dataAbsent says why an element that a profile asks for holds nothing (R4
// extension-data-absent-reason).
func (w *out) dataAbsent(reason string) {
	w.open("extension", '[')
	w.open("", '{')
	w.str("url", "http://hl7.org/fhir/StructureDefinition/data-absent-reason")
	w.str("valueCode", reason)
	w.b = append(w.b, '}', ']')
}

// entities are the patient, with what the line says beside its codes, and what the act
// was about.
func (w *out) entities(a Audit, k auditKind) {
	w.open("entity", '[')
	w.entity(hl7Terms+"audit-entity-type", "1", "1")
	w.reference("what", "Patient/"+a.Record)
	w.details(a)
	w.shut('}')
	switch {
	case !a.Permit:
		w.entity("http://hl7.org/fhir/resource-types", "Consent", "")
		w.thing("Consent", "", "Règles d'accès du dossier")
	case k.withQuery:
		w.entity(hl7Terms+"audit-entity-type", "2", roleQuery)
		w.open("_query", '{')
		w.dataAbsent("masked")
		w.b = append(w.b, '}', '}')
	case k.withSet:
		w.entity(hl7Terms+"audit-entity-type", "2", k.dataRole)
		w.thing("List", a.Set, "Lot de soumission")
	case k.dataRole != "":
		w.entity(hl7Terms+"audit-entity-type", "2", k.dataRole)
		w.thing(a.thing())
	}
	w.shut(']')
}

// thing is what an act was about: a document, or a right on the record.
func (a Audit) thing() (kind, id, display string) {
	switch a.Action {
	case authz.Block, authz.SetParams, authz.DeclareLink, authz.Unlink:
		return "Consent", "", "Droit sur le dossier"
	case authz.NameAdministrator, authz.Resign:
		return "CareTeam", "", "Médecin traitant"
	case authz.Activate, authz.Oppose, authz.Close, authz.Reopen, authz.Erase, authz.Notice, authz.Opening, authz.Majority, authz.Retention, authz.Attachment:
		return "Patient", "", "Dossier"
	}
	return "DocumentReference", a.Document, "Document"
}

// thing writes what an entity is and shuts it: a reference where the reader may know the
// id, else the kind of thing alone.
func (w *out) thing(kind, id, display string) {
	w.open("what", '{')
	if id != "" {
		w.str("reference", kind+"/"+id)
	} else {
		w.str("type", kind)
		w.str("display", display)
	}
	w.b = append(w.b, '}', '}')
}

// entity opens an entity; the caller shuts it.
func (w *out) entity(system, code, role string) {
	w.open("", '{')
	w.auditCoding("type", system, code)
	if role != "" {
		w.auditCoding("role", hl7Terms+"object-role", role)
	}
}

// auditDisplays are the displays that the audit profiles of MHD fix beside their codes.
var auditDisplays = map[[2]string]string{
	{dcmSystem, "110106"}: "Export", {dcmSystem, "110107"}: "Import", {dcmSystem, "110150"}: "Application",
	{dcmSystem, "110152"}: "Destination Role ID", {dcmSystem, "110153"}: "Source Role ID",
	{hl7Terms + "audit-entity-type", "1"}: "Person", {hl7Terms + "audit-entity-type", "2"}: "System Object",
	{hl7Terms + "object-role", "1"}: "Patient", {hl7Terms + "object-role", "3"}: "Report",
	{hl7Terms + "object-role", "20"}: "Job", {hl7Terms + "object-role", "24"}: "Query",
}

// auditCoding writes a Coding with the display that a profile may fix.
func (w *out) auditCoding(name, system, code string) {
	w.open(name, '{')
	w.str("system", system)
	w.str("code", code)
	w.str("display", auditDisplays[[2]string{system, code}])
	w.shut('}')
}

// details are what a line says and no code of the event can: for a decision what was
// asked, and the justification of a bris de glace.
func (w *out) details(a Audit) {
	all := [][2]string{{"justification", a.Reason}}
	if !a.Permit {
		all = append(all, [2]string{"transaction", a.Transaction}, [2]string{"action", authz.Action.Name(a.Action)})
		if a.Document != "" {
			all = append(all, [2]string{"document", "DocumentReference/" + a.Document})
		}
	} else if a.kind().withSet && a.Document != "" {
		all = append(all, [2]string{"document", "DocumentReference/" + a.Document})
	}
	started := false
	for _, d := range all {
		if d[1] == "" {
			continue
		}
		if !started {
			w.open("detail", '[')
			started = true
		}
		w.open("", '{')
		w.str("type", d[0])
		w.str("valueString", d[1])
		w.shut('}')
	}
	if started {
		w.shut(']')
	}
}
