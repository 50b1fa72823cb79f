package message

import "time"

// Kind is what a message says; its texts stand in fr.txt and en.txt under this name.
type Kind string

// The kinds.
const (
	Notice      Kind = "NOTICE"       // a record will be opened, unless its holder is against it (S3, S4)
	NoticeMinor Kind = "NOTICE_MINOR" // the same to the parent of a minor (S4)

	RecordOpened    Kind = "RECORD_OPENED"
	RecordActivated Kind = "RECORD_ACTIVATED"
	RecordOpposed   Kind = "RECORD_OPPOSED"
	RecordClosed    Kind = "RECORD_CLOSED"
	RecordReopened  Kind = "RECORD_REOPENED"
	RecordErased    Kind = "RECORD_ERASED"

	OTP             Kind = "OTP"              // the code of one sign-in (S2, S4)
	AddressCode     Kind = "ADDRESS_CODE"     // proves that an address or number is its owner's
	AddressChanged  Kind = "ADDRESS_CHANGED"  // to the former address
	ProvisionalCode Kind = "PROVISIONAL_CODE" // for the activation (S2)
	ResetLink       Kind = "RESET_LINK"       // to the page of a new password
	ResetDone       Kind = "RESET_DONE"
	AccountLocked   Kind = "ACCOUNT_LOCKED"
	NewDevice       Kind = "NEW_DEVICE" // signed in from a browser never seen

	Invitation                  Kind = "INVITATION" // to a relative (S1)
	DelegationAccepted          Kind = "DELEGATION_ACCEPTED"
	DelegationRefused           Kind = "DELEGATION_REFUSED"
	DelegationExpired           Kind = "DELEGATION_EXPIRED"
	DelegationRevokedByHolder   Kind = "DELEGATION_REVOKED_BY_HOLDER"
	DelegationRevokedByDelegate Kind = "DELEGATION_REVOKED_BY_DELEGATE"

	MinorAgreement Kind = "MINOR_AGREEMENT" // asked of the other parent (S3)
	MinorAttached  Kind = "MINOR_ATTACHED"
	MajoritySoon   Kind = "MAJORITY_SOON"
	MajorityHolder Kind = "MAJORITY_HOLDER"
	MajorityReps   Kind = "MAJORITY_REPS"

	ReminderAnnouncement Kind = "REMINDER_ANNOUNCEMENT" // to the author of a document hidden until it is announced
	ReminderVaccination  Kind = "REMINDER_VACCINATION"
	ReportReceived       Kind = "REPORT_RECEIVED"
	ReportAnswered       Kind = "REPORT_ANSWERED"

	EventTold Kind = "EVENT" // one event of a record (policy N-1…N-4)
	Digest    Kind = "DIGEST"
)

// rule is what a message of a kind may hold, and how long it is worth sending.
type rule struct {
	params   map[string]form
	optional map[string]form
	keep     time.Duration
	sms      bool // has a text for the telephone
}

const (
	soon = time.Hour // a code is of no use later
	week = 7 * 24 * time.Hour
)

// rules are all kinds. A parameter that does not stand here is refused, whatever it
// holds: nothing of a document, of a person or of his health gets into a message.
var rules = map[Kind]rule{
	Notice:      {params: map[string]form{"until": day}, optional: map[string]form{"code": code, "path": path}, keep: 6 * week},
	NoticeMinor: {params: map[string]form{"until": day}, optional: map[string]form{"code": code, "path": path}, keep: 6 * week},

	RecordOpened:    {keep: week},
	RecordActivated: {keep: week},
	RecordOpposed:   {keep: week},
	RecordClosed:    {params: map[string]form{"until": day}, keep: week},
	RecordReopened:  {keep: week},
	RecordErased:    {keep: week},

	OTP:             {params: map[string]form{"code": code, "minutes": count}, keep: soon, sms: true},
	AddressCode:     {params: map[string]form{"code": code, "minutes": count}, keep: soon, sms: true},
	AddressChanged:  {keep: week, sms: true},
	ProvisionalCode: {params: map[string]form{"code": code, "until": day}, optional: map[string]form{"path": path}, keep: week, sms: true},
	ResetLink:       {params: map[string]form{"path": path, "minutes": count}, keep: soon, sms: true},
	NewDevice:       {params: map[string]form{"at": instant}, keep: week, sms: true},
	ResetDone:       {keep: week, sms: true},
	AccountLocked:   {params: map[string]form{"minutes": count}, optional: map[string]form{"path": path}, keep: week, sms: true},

	Invitation:                  {params: map[string]form{"path": path, "until": day}, keep: week},
	DelegationAccepted:          {keep: week},
	DelegationRefused:           {keep: week},
	DelegationExpired:           {keep: week},
	DelegationRevokedByHolder:   {keep: week},
	DelegationRevokedByDelegate: {keep: week},

	MinorAgreement: {params: map[string]form{"path": path, "until": day}, keep: week},
	MinorAttached:  {keep: week},
	MajoritySoon:   {params: map[string]form{"on": day}, keep: week},
	MajorityHolder: {optional: map[string]form{"path": path, "code": code}, keep: week},
	MajorityReps:   {keep: week},

	ReminderAnnouncement: {params: map[string]form{"days": count}, optional: map[string]form{"path": path}, keep: week},
	ReminderVaccination:  {keep: week},
	ReportReceived:       {params: map[string]form{"number": code}, keep: week},
	ReportAnswered:       {params: map[string]form{"number": code}, keep: week},

	EventTold: {params: map[string]form{"event": event, "at": instant}, optional: map[string]form{"child": yes}, keep: week},
	Digest:    {params: map[string]form{"count": count, "from": day, "to": day}, optional: map[string]form{"child": yes}, keep: week},
}

// Keep is how long a message of this kind is tried before it is given up.
func (k Kind) Keep() time.Duration { return rules[k].keep }

// Event is what an e-mail says of an event at most: its sort, as the notification codes
// of Mon Espace Santé tell them apart (policy §1.7, N-1…N-4).
type Event string

// The events.
const (
	FirstAccess     Event = "ACCES_DMP_PS"
	Emergency       Event = "ACCES_URGENCE"
	Added           Event = "AJOUT_DOCUMENT"
	Modified        Event = "MODIF_DOCUMENT"
	Deleted         Event = "SUPP_DOC"
	Consulted       Event = "CONSULT_DOCUMENT"
	Released        Event = "REMISE_VISIBILITE"
	JournalRead     Event = "CONSULT_HISTORIQUE"
	SettingsChanged Event = "MODIF_ACCES"
)

// Events are all of them.
var Events = []Event{FirstAccess, Emergency, Added, Modified, Deleted, Consulted, Released, JournalRead, SettingsChanged}
