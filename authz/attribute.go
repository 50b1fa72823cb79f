package authz

// Attr is one attribute of a State (policy §1.1). Every attribute has a finite
// set of values, so the whole domain can be enumerated.
type Attr uint8

// The attributes: first those of the subject and its environment, known when a
// Scope is made, then those of the document.
const (
	Action Attr = iota
	Kind
	Mode
	Regulator
	Administrator
	Blocked
	Link
	Profile
	MaskAll
	SamuOK
	BdgOK
	MaskedOK
	Occupational
	Minor

	Matrix
	Author
	LineageAuthor
	SameStructure
	MaskedPS
	HiddenPatient
	HiddenReps
	Status
	Origin

	attrCount
)

// firstDocumentAttr is the first attribute that belongs to a document rather
// than to the request.
const firstDocumentAttr = Matrix

// Value is one value of an attribute.
type Value uint8

// No and Yes are the values of the attributes that are true or false.
const (
	No Value = iota
	Yes
)

// The actions (policy §1.1): on a document, on a profile, of the life cycle.
const (
	Search Value = iota
	Retrieve
	Submit
	Replace
	Delete
	Mask
	Unmask
	RevealPatient
	RevealReps
	Archive
	Journal
	OwnJournal
	ReadState
	Block
	NameAdministrator
	Resign
	SetParams
	DeclareLink
	Unlink
	Exists
	Activate
	Oppose
	Close
	Reopen
	Erase
	actionCount
)

// The kinds of subject, derived per record.
const (
	Patient        Value = iota // the holder
	Representative              // legal representative of a minor
	Delegate                    // relative given a delegation
	Pro                         // nominal health professional
	Structure                   // authenticated structure without a nominal user
	Other                       // anybody else
	kindCount
)

// The access modes.
const (
	Normal Value = iota
	Centre15
	BrisDeGlace          // name, first name, birth date and justification given and matching
	BrisDeGlaceUnfounded // asked for, but one of the four is missing or does not match
	modeCount
)

// The declared relations of a professional to a record.
const (
	NoLink Value = iota
	ExpiredLink
	TeamLink
	ConsentLink
	linkCount
)

// The states of a profile (policy §1.5).
const (
	ProfileNone Value = iota
	ProfileNotified
	ProfileOpposed
	ProfileOpen
	ProfileActive
	ProfileClosed
	ProfileErased
	profileCount
)

// The statuses of a document.
const (
	DocApproved Value = iota
	DocDeprecated
	DocArchived
	DocDeleted
	statusCount
)

// The origins of a document.
const (
	OriginPro Value = iota
	OriginPatient
	OriginInsurer
	originCount
)

// domain is the number of values of each attribute.
var domain = [attrCount]Value{
	Action: actionCount, Kind: kindCount, Mode: modeCount, Regulator: 2, Administrator: 2, Blocked: 2,
	Link: linkCount, Profile: profileCount, MaskAll: 2, SamuOK: 2, BdgOK: 2, MaskedOK: 2, Occupational: 2, Minor: 2,
	Matrix: 2, Author: 2, LineageAuthor: 2, SameStructure: 2, MaskedPS: 2, HiddenPatient: 2, HiddenReps: 2,
	Status: statusCount, Origin: originCount,
}

// Domain is the number of values of an attribute: they are 0 … Domain-1.
func Domain(a Attr) Value { return domain[a] }

// AttrCount is the number of attributes of a State.
const AttrCount = int(attrCount)

var attrNames = [attrCount]string{
	"action", "kind", "mode", "regul", "admin", "blocked", "link", "profile", "maskAll", "samuOK", "bdgOK",
	"maskedOK", "occup", "minor", "matrix", "author", "lineageAuthor", "sstruct", "maskPS", "hidePat", "hideRep",
	"status", "origin",
}

// String is the name that policy §1.1 gives to the attribute.
func (a Attr) String() string { return attrNames[a] }

var valueNames = map[Attr][]string{
	Action: {"search", "retrieve", "submit", "replace", "delete", "mask", "unmask", "revealPat", "revealRep",
		"archive", "journal", "ownJournal", "state", "block", "nameAdmin", "resign", "params", "link", "unlink",
		"exists", "activate", "oppose", "close", "reopen", "erase"},
	Kind:    {"patient", "rep", "delegate", "pro", "struct", "other"},
	Mode:    {"normal", "centre15", "bdg", "bdgNoJust"},
	Link:    {"none", "expired", "team", "consent"},
	Profile: {"none", "notified", "opposed", "open", "active", "closed", "erased"},
	Status:  {"approved", "deprecated", "archived", "deleted"},
	Origin:  {"pro", "patient", "insurer"},
}

// Name is the name of a value of the attribute (policy §1.1).
func (a Attr) Name(v Value) string {
	if a == Action && v >= Notice && int(v-Notice) < len(ownActs) {
		return ownActs[v-Notice]
	}
	if names, ok := valueNames[a]; ok {
		return names[v]
	}
	return [...]string{"f", "t"}[v]
}

// State is one point of the domain.
type State [attrCount]Value

// Set is a set of values of one attribute.
type Set uint32

// In makes a Set.
func In(values ...Value) Set {
	var s Set
	for _, v := range values {
		s |= 1 << v
	}
	return s
}

// NotIn makes the Set of all other values of the attribute.
func NotIn(a Attr, values ...Value) Set { return (1<<domain[a] - 1) &^ In(values...) }

// Has tells whether v is in the set.
func (s Set) Has(v Value) bool { return s&(1<<v) != 0 }
