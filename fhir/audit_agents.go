package fhir

import (
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
)

// clientAgent is the software: known by its client_id alone.
func (w *out) clientAgent(a Audit, k auditKind) {
	code := "110153" // source
	switch k.action {
	case "R":
		code = "110152" // destination
	case "D":
		code = "110150"
	}
	if !a.Permit {
		code = "110150" // application
	}
	w.agent(false, dcmSystem, code)
	w.open("who", '{')
	if a.Application != "" && a.Action != authz.SetParams { // there it is what was authorised, and did nothing
		w.open("identifier", '{')
		w.str("value", a.Application)
		w.shut('}')
	}
	w.str("display", "Logiciel client")
	w.shut('}')
	w.open("network", '{')
	w.dataAbsent("unknown")
	w.b = append(w.b, '}', '}')
}

// userAgent is the person, or the structure that acted without one (A3).
func (w *out) userAgent(a Audit, k auditKind) {
	code := "IRCP"
	if a.Permit && k.restful != "" && strings.Contains("CUD", k.action) {
		code = "AUT"
	}
	_, token := a.tokenProfile()
	types := []string{participantType, code}
	if token != "" {
		types = append(types, userAgents, token)
	}
	w.agent(true, types...)
	w.open("role", '[')
	w.uriConcept("", personSystem, authz.Kind.Name(a.Kind))
	if isCode(a.Profession) {
		w.uriConcept("", professionSystem, a.Profession)
	}
	w.shut(']')
	w.open("who", '{')
	w.open("identifier", '{')
	w.str("system", a.space())
	w.str("value", a.Actor)
	if a.Issuer != "" {
		w.open("assigner", '{')
		w.str("display", a.Issuer)
		w.shut('}')
	}
	w.shut('}')
	w.str("display", a.ActorName)
	w.shut('}')
	if token != "" {
		w.list("policy", a.TokenID)
	}
	if purpose := a.purpose(); purpose != "" {
		w.open("purposeOfUse", '[')
		w.uriConcept("", actReason, purpose)
		w.shut(']')
	}
	w.shut('}')
}

// space is the system of the actor's identifier: the national one of professionals and
// structures, none for persons.
func (a Audit) space() string {
	switch a.Kind {
	case authz.Pro:
		return oidURN + proSpace
	case authz.Structure:
		return oidURN + structureSpace
	}
	return ""
}

// structureAgent is the organisation for which the user acted; a decision names one even
// where there is none.
func (w *out) structureAgent(a Audit) {
	if a.Structure == "" && a.Permit {
		return
	}
	w.agent(false, hl7Terms+"v3-RoleClass", "PROV")
	w.open("who", '{')
	if a.Structure == "" {
		w.dataAbsent("not-applicable")
	} else {
		w.open("identifier", '{')
		w.str("system", oidURN+structureSpace)
		w.str("value", a.Structure)
		w.shut('}')
	}
	w.b = append(w.b, '}', '}')
}

// serverAgent is the gateway, which is the observer too; of a decision, who took it.
func (w *out) serverAgent(a Audit, k auditKind, base string) {
	system, code := dcmSystem, "110152"
	switch {
	case !a.Permit:
		system, code = hl7Terms+"extra-security-role-type", "authserver"
	case k.action == "R":
		code = "110153"
	case k.action == "D":
		system, code = hl7Terms+"provenance-participant-type", "custodian"
	}
	w.agent(false, system, code)
	w.observer("who", base)
	if a.Permit { // BALP allows the one who decides no network
		w.open("network", '{')
		w.str("address", base)
		w.str("type", "5")
		w.shut('}')
	}
	w.shut('}')
}

// agent opens an agent with the codes of its type; the caller shuts it.
func (w *out) agent(requestor bool, types ...string) {
	w.open("", '{')
	w.open("type", '{')
	w.open("coding", '[')
	for i := 0; i < len(types); i += 2 {
		w.auditCoding("", types[i], types[i+1])
	}
	w.b = append(w.b, ']', '}')
	w.truth("requestor", requestor)
}

func (w *out) observer(name, base string) {
	w.open(name, '{')
	w.str("display", base)
	w.shut('}')
}
