package atna

import "github.com/passerelle-sante/passerelle/authz"

// coded is a coded value of an audit message.
type coded struct {
	Code   string `xml:"csd-code,attr"`
	System string `xml:"codeSystemName,attr"`
	Text   string `xml:"originalText,attr"`
}

// The code systems.
const (
	dcm     = "DCM"
	rfc3881 = "RFC-3881"
	ihe     = "IHE Transactions"
	iheXDS  = "IHE XDS Metadata"
	ours    = "Passerelle"
)

// The events of DICOM (PS3.16 CID 400).
var (
	eventExport  = coded{"110106", dcm, "Export"}
	eventImport  = coded{"110107", dcm, "Import"}
	eventRecord  = coded{"110110", dcm, "Patient Record"}
	eventQuery   = coded{"110112", dcm, "Query"}
	eventLogUsed = coded{"110101", dcm, "Audit Log Used"}
)

// event is what the messages of a transaction have in common.
type event struct {
	id     coded
	action string // C, R, U, D or E
	name   string // of the transaction
	sent   bool   // data goes from us to the client: we are the source
	starts bool   // the gateway starts the exchange
}

// events is the table of transactions (ITI TF-2 3.x "Security Audit Considerations").
var events = map[string]event{
	"ITI-18":  {id: eventQuery, action: "E", name: "Registry Stored Query"},
	"ITI-38":  {id: eventQuery, action: "E", name: "Cross Gateway Query"},
	"ITI-39":  {id: eventExport, action: "R", name: "Cross Gateway Retrieve", sent: true},
	"ITI-41":  {id: eventImport, action: "C", name: "Provide and Register Document Set-b"},
	"ITI-42":  {id: eventImport, action: "C", name: "Register Document Set-b"},
	"ITI-43":  {id: eventExport, action: "R", name: "Retrieve Document Set", sent: true},
	"ITI-51":  {id: eventQuery, action: "E", name: "Multi-Patient Stored Query"},
	"ITI-52":  {id: eventQuery, action: "E", name: "Document Metadata Subscribe"},
	"ITI-53":  {id: eventExport, action: "R", name: "Document Metadata Notify", sent: true, starts: true},
	"ITI-57":  {id: eventImport, action: "U", name: "Update Document Set"},
	"ITI-61":  {id: eventImport, action: "C", name: "Register On-Demand Document Entry"},
	"ITI-62":  {id: eventRecord, action: "D", name: "Remove Metadata"},
	"ITI-65":  {id: eventImport, action: "C", name: "Provide Document Bundle"},
	"ITI-66":  {id: eventQuery, action: "E", name: "Find Document Lists"},
	"ITI-67":  {id: eventQuery, action: "E", name: "Find Document References"},
	"ITI-68":  {id: eventExport, action: "R", name: "Retrieve Document", sent: true},
	"ITI-70":  {id: eventExport, action: "R", name: "Pull Notification", sent: true},
	"ITI-105": {id: eventImport, action: "C", name: "Simplified Publish"},
	"ITI-106": {id: eventImport, action: "C", name: "Generate Metadata"},
	"ITI-110": {id: eventQuery, action: "E", name: "Resource Subscription"},
	"ITI-112": {id: eventExport, action: "R", name: "Resource Notify", sent: true, starts: true},
	"ITI-86":  {id: eventRecord, action: "D", name: "Remove Documents"},
	"ITI-92":  {id: eventImport, action: "U", name: "Restricted Update Document Set"},
}

// eventOf is the row of a transaction; one that is no transaction of IHE (the JSON
// calls, those of the DMP) is an event on the patient's record.
func eventOf(transaction string, action authz.Value) (event, coded) {
	if e, ok := events[transaction]; ok {
		return e, coded{transaction, ihe, e.name}
	}
	e := event{id: eventRecord, action: "U", name: transaction}
	switch action {
	case authz.Search, authz.Retrieve, authz.ReadState, authz.Exists:
		e.action, e.sent = "R", true
	case authz.Journal, authz.OwnJournal:
		e.id, e.action, e.sent = eventLogUsed, "R", true
	case authz.Submit:
		e.id, e.action = eventImport, "C"
	case authz.Delete, authz.Erase, authz.Retention:
		e.action = "D"
	}
	if transaction == "" {
		transaction = authz.Action.Name(action)
	}
	return e, coded{transaction, ours, authz.Action.Name(action)}
}

// The outcomes of an event.
const (
	outcomeSuccess = "0"
	outcomeMinor   = "4" // what was asked is refused for what it holds, or names nothing that may be seen
	outcomeSerious = "8" // the access itself is refused
)

// The purposes of use of the access modes (HL7 v3 ActReason).
var purposes = map[authz.Value]coded{
	authz.Normal:               {"TREAT", "2.16.840.1.113883.5.8", "treatment"},
	authz.Centre15:             {"ETREAT", "2.16.840.1.113883.5.8", "Emergency Treatment"},
	authz.BrisDeGlace:          {"BTG", "2.16.840.1.113883.5.8", "break the glass"},
	authz.BrisDeGlaceUnfounded: {"BTG", "2.16.840.1.113883.5.8", "break the glass"},
}

// emergency marks an access in an emergency mode beside its transaction.
var emergency = coded{"110127", dcm, "Emergency Override Started"}

// Roles of participants and kinds of ids.
var (
	roleSource      = coded{"110153", dcm, "Source Role ID"}
	roleDestination = coded{"110152", dcm, "Destination Role ID"}
	idPatient       = coded{"2", rfc3881, "Patient Number"}
	idReport        = coded{"9", rfc3881, "Report Number"}
	idSet           = coded{"urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd", iheXDS, "submission set classificationNode"}
	idEntry         = coded{"urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1", iheXDS, "document entry object type"}
)
