package fhir

import (
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
)

// auditKind is how a line of the trail is told as an AuditEvent: BALP 1.1.4 for what was
// done over HTTP, with the audit profiles of MHD 4.2.3 where there are; DICOM alone for
// SOAP and HL7 v2, for which BALP has none.
type auditKind struct {
	profile   string // of BALP or MHD, "" = none
	system    string // of the type
	code      string
	action    string // C, R, U, D or E
	restful   string // interaction of R4, "" over SOAP
	ihe       string // name of an IHE transaction
	dataRole  string // of the object, "" = an entity of none
	withSet   bool   // the object is the SubmissionSet
	withQuery bool
}

// The profiles.
const (
	balp     = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
	mhdAudit = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD."

	dcmSystem      = "http://dicom.nema.org/resources/ontology/DCM"
	auditEventType = hl7Terms + "audit-event-type"
	interactions   = "http://hl7.org/fhir/restful-interaction"
	iheEvents      = "urn:ihe:event-type-code"
	authzSubtypes  = "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType"
	userAgents     = "https://profiles.ihe.net/ITI/BALP/CodeSystem/UserAgentTypes"

	// Of ours: the transaction and the action as the history names them, and the kind of
	// person who acted.
	transactionSystem = ourBase + "CodeSystem/transaction"
	actionSystem      = ourBase + "CodeSystem/action"
	personSystem      = ourBase + "CodeSystem/qualite"
	lineSystem        = ourBase + "CodeSystem/ligne"
)

// The roles of an object (object-role).
const (
	roleReport = "3"
	roleDomain = "4"
	roleJob    = "20"
	roleQuery  = "24"
)

// decision is a refusal: an authorization decision and no act (A4).
var decision = auditKind{profile: balp + "AuthZconsent", system: dcmSystem, code: "110113", action: "E"}

// mhdKinds are the transactions for which MHD has an audit profile of its own.
var mhdKinds = map[string]auditKind{
	"ITI-65":  {profile: mhdAudit + "ProvideBundle.Audit.Recipient", system: dcmSystem, code: "110107", action: "C", ihe: "Provide Document Bundle", dataRole: roleJob, withSet: true},
	"ITI-66":  {profile: mhdAudit + "FindDocumentLists.Audit.Responder", system: auditEventType, code: "rest", action: "E", restful: "search-type", ihe: "Find Document Lists", withQuery: true},
	"ITI-67":  {profile: mhdAudit + "FindDocumentReferences.Audit.Responder", system: auditEventType, code: "rest", action: "E", restful: "search-type", ihe: "Find Document References", withQuery: true},
	"ITI-68":  {profile: mhdAudit + "RetrieveDocument.Audit.Responder", system: auditEventType, code: "rest", action: "R", restful: "read", ihe: "Retrieve Document", dataRole: roleReport},
	"ITI-105": {profile: mhdAudit + "SimplifiedPublish.Audit.Recipient", system: auditEventType, code: "rest", action: "C", restful: "create", ihe: "Simplified Publish", dataRole: roleReport},
	"ITI-106": {profile: mhdAudit + "GenerateMetadata.Audit.Recipient", system: auditEventType, code: "rest", action: "C", restful: "create", ihe: "Generate Metadata", dataRole: roleReport},
}

// restKinds are the acts over HTTP that MHD says nothing of.
var restKinds = map[string]auditKind{
	"E": {profile: balp + "PatientQuery", action: "E", restful: "search-type", withQuery: true},
	"R": {profile: balp + "PatientRead", action: "R", restful: "read", dataRole: roleReport},
	"C": {profile: balp + "PatientCreate", action: "C", restful: "create", dataRole: roleReport},
	"U": {profile: balp + "PatientUpdate", action: "U", restful: "update", dataRole: roleDomain},
	"D": {profile: balp + "PatientDelete", action: "D", restful: "delete", dataRole: roleReport},
}

// soapKinds are those over SOAP and HL7 v2 (ITI TF-2 3.x "Security Audit Considerations").
var soapKinds = map[string]auditKind{
	"E": {system: dcmSystem, code: "110112", action: "E"},
	"R": {system: dcmSystem, code: "110106", action: "R", dataRole: roleReport},
	"C": {system: dcmSystem, code: "110107", action: "C", dataRole: roleReport},
	"U": {system: dcmSystem, code: "110110", action: "U", dataRole: roleReport},
	"D": {system: dcmSystem, code: "110110", action: "D", dataRole: roleReport},
}

// soapTransactions are those of the SOAP face, and the way in by MLLP.
var soapTransactions = " ITI-18 ITI-38 ITI-39 ITI-41 ITI-42 ITI-43 ITI-51 ITI-52 ITI-53 ITI-57 ITI-61 ITI-62 ITI-70 ITI-86 ITI-92 TD0.2 TD0.3 TD0.4 TD1.6 "

// overSOAP tells which face a transaction is of.
func overSOAP(transaction string) bool {
	return strings.Contains(soapTransactions, " "+transaction+" ") || transaction == "HL7v2"
}

// letterOf is the audit action of an action of the policy.
func letterOf(action authz.Value) string {
	switch action {
	case authz.Retrieve:
		return "R"
	case authz.Submit:
		return "C"
	case authz.Delete, authz.Erase, authz.Retention:
		return "D"
	case authz.Search, authz.Journal, authz.OwnJournal, authz.ReadState, authz.Exists:
		return "E"
	default:
		return "U"
	}
}

// auditKindOf is the row of a line.
func auditKindOf(transaction string, action authz.Value, permit bool) auditKind {
	if !permit {
		return decision
	}
	letter := letterOf(action)
	if k, ok := mhdKinds[transaction]; ok && k.action == letter {
		return k
	}
	if overSOAP(transaction) {
		return soapKinds[letter]
	}
	k := restKinds[letter]
	k.system, k.code = auditEventType, "rest"
	return k
}

// purposes are the codes of purpose of use (HL7 v3 ActReason) of the access modes.
var purposes = map[authz.Value]string{authz.Normal: "TREAT", authz.Centre15: "ETREAT", authz.BrisDeGlace: "BTG", authz.BrisDeGlaceUnfounded: "BTG"}

// AuditProfiles are the profiles that an AuditEvent of this server may claim.
func AuditProfiles() []string {
	all := []string{decision.profile, balp + "OAUTHaccessTokenUse.Minimal", balp + "SAMLaccessTokenUse.Minimal"}
	for _, table := range []map[string]auditKind{mhdKinds, restKinds} {
		for _, k := range table {
			all = append(all, k.profile)
		}
	}
	slices.Sort(all)
	return all
}
