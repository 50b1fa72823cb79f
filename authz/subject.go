package authz

import (
	"slices"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// Nature is what a verified token says its bearer is; the Kind on a given record
// follows from it and from the facts of that record.
type Nature uint8

// The natures. The zero value is nobody.
const (
	NatureOther     Nature = iota
	NaturePerson           // holder, representative or relative: Subject.ID is a record id or a person id
	NaturePro              // nominal professional: Subject.ID is a national id
	NatureStructure        // structure without a nominal user
)

// Subject is who asks, as a verified VIHF or bearer token says: nothing of it
// comes from anywhere else (policy §1.1, domain §4).
type Subject struct {
	Nature        Nature
	ID            string // directory id, record id or person id
	Name          string // display name, for the trail alone
	Profession    string // TRE_G15 code, or another code system's
	Specialty     string // savoir-faire or pharmacist section, "" when none
	Structure     string // XON.10 of the structure, "" when the token names none
	StructureName string
	Mode          Value     // Normal, Centre15 or BrisDeGlace, as asked for
	Reason        string    // justification of bris de glace
	Traits        Traits    // traits given for bris de glace
	Patient       xds.CX    // the patient that the token names, "" when it names none
	Regulator     bool      // claim of the identity provider; the directory may say it too
	Secret        bool      // secret connection (EX_0.1-1100)
	Reinforced    bool      // indirect reinforced authentication (AIR): reads, never feeds (C-13)
	TokenID       string    // assertion ID or jti
	Issuer        string    // who signed
	Expires       time.Time // end of the token
	// Unvouched says that nobody but the subject himself says what he is: a card proves
	// who he is, and no registered issuer the rest (DIRECTE). His profession, structure
	// and role are then those of the directory, or none.
	Unvouched bool

	Application string      // client_id of the application that acts for the person by his grant, "" = he acts himself
	Scoped      bool        // the token has SMART scopes: it reaches no further than Scopes
	Scopes      Reach       // what they allow on FHIR
	Asked       Interaction // what the request is on FHIR, as its face says; zero on all others
}

// Reaches tells whether the scopes of the token cover an interaction, before anything
// is looked up. A token without SMART scopes is limited by the policy alone.
func (sub Subject) Reaches(i Interaction) bool { return !sub.Scoped || sub.Scopes.Allows(i) }

// Asking is the subject of a request that asks for an interaction on FHIR, which its face
// has found within reach. It gives nothing: a grant is held against it.
func (sub Subject) Asking(i Interaction) Subject {
	sub.Asked = i
	return sub
}

// Feeds tells whether the token may bring documents past FHIR, as one that may create
// them there; applications may not, whose grants are judged on FHIR alone.
func (sub Subject) Feeds() bool {
	return sub.Application == "" && sub.Reaches(Interaction{"DocumentReference", "c"})
}

// Unlimited tells whether the token stands for all that its bearer may do, outside FHIR
// too, where no scope is defined: rights are never an application's business.
func (sub Subject) Unlimited() bool {
	return sub.Application == "" && (!sub.Scoped || Reach("*."+letters).Within(sub.Scopes))
}

// Traits are the identity traits of a patient.
type Traits struct {
	Family    string
	Given     string
	BirthDate string // YYYYMMDD
}

// Settings are the holder's four switches (policy §1.1); the defaults are
// false, true, true, false.
type Settings struct {
	MaskAll  bool `json:"maskAll"`
	SamuOK   bool `json:"samuOK"`
	BdgOK    bool `json:"bdgOK"`
	MaskedOK bool `json:"maskedOK"`
}

// DefaultSettings are those of a new record (policy §1.6 ).
var DefaultSettings = Settings{SamuOK: true, BdgOK: true}

// Role is what the record says of a person.
type Role uint8

// The roles of a person on a record.
const (
	NoRole Role = iota
	HolderRole
	RepresentativeRole
	DelegateRole
)

// Facts are what the record knows about a subject, read in the transaction of
// the request. The zero Facts is a patient never seen.
type Facts struct {
	Record        string // opaque id, "" = no record
	Patient       xds.CX
	Profile       Value
	Traits        Traits
	Sex           string // of the holder: F, M or U
	Settings      Settings
	Role          Role
	RoleExpires   time.Time // of a delegate; zero: without end. Judged by the Gate
	Administrator bool
	Blocked       bool
	Link          Value // NoLink, TeamLink or ConsentLink; expiry is judged by the Gate
	LinkExpires   time.Time
	Regulator     bool  // the directory says so
	Grant         Grant // to the subject's application
	Listed        Listed
}

// Listed is what the directory knows of a professional; the zero Listed is nobody.
type Listed struct {
	Known      bool
	Profession string
	Specialty  string
	Structure  string // XON.10
}

// Purpose says what a request is for, beside its subject and patient.
type Purpose struct {
	Action      Value
	Transaction string // ITI-18, ITI-67, JSON:mask: what the history shows
	Document    string // logicalID when the request is about one document
	ByID        bool   // the request names objects, not a patient (policy §0.1)
	Attested    bool   // "à la demande du patient" was ticked (C-11)
	Application string // client_id of the application that a grant is given to, or taken from
}

// Trace is one row of the access trail (policy J-1): one per request and patient.
// The Gate enters it; the session completes it with the documents concerned and
// writes it in the transaction of the effect.
type Trace struct {
	Record      string
	At          time.Time
	Subject     Subject
	Kind        Value
	Mode        Value
	Action      Value
	Transaction string
	Permit      bool
	Rules       []string // that decided, never empty: R-23, the door ACC-04, or default where nothing permits
	Policy      string
	Matrix      string
	Documents   []string // logicalIDs concerned
	Unbound     bool     // by id, under a token that names no patient: an unknown id leaves no line at all
	Attested    bool
	Application string // that acted for the subject, or that the act is about
	Code        string // error code of a refusal after the decision

	Kept, Changed bool // an act left a document as it was, or did not
}

// Idle tells of acts that changed nothing: each was so already. They stand in the history,
// and nobody is told of them.
func (t *Trace) Idle() bool { return t.Kept && !t.Changed }

// note enters a document that the request is about.
func (t *Trace) note(d xds.Document) {
	if !slices.Contains(t.Documents, d.Entry.LogicalID) {
		t.Documents = append(t.Documents, d.Entry.LogicalID)
	}
}
