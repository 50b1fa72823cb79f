package xds

import "strings"

// Status is an availabilityStatus (ITI TF-3 4.2.3.2.2), with the two that the
// DMP adds (domain: EX_3.1-1030).
type Status string

// The four statuses of a registered object.
const (
	Approved   Status = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
	Deprecated Status = "urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated"
	Archived   Status = "urn:asip:ci-sis:2010:StatusType:Archived"
	Deleted    Status = "urn:asip:ci-sis:2010:StatusType:Deleted"
)

// The object types of a DocumentEntry (ITI TF-3 4.2.5.2).
const (
	StableDocument   = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
	OnDemandDocument = "urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248"
)

// AvailabilityPrefix stands before Online and Offline in documentAvailability (ITI TF-3
// 4.2.3.2.30).
const AvailabilityPrefix = "urn:ihe:iti:2010:DocumentAvailability:"

// Author is who made a document or a submission (ITI TF-3 4.2.3.1.4).
type Author struct {
	Person       XCN
	Institutions []XON
	Roles        []string
	Specialties  []string
	Telecoms     []string
}

// Extra is a slot that the metadata model does not define; its name is a URN
// (ITI TF-3 4.2.3.1.6). It is kept and given back.
type Extra struct {
	Name   string
	Values []string
}

// DocumentEntry is the metadata of one document (ITI TF-3 4.2.3.2). The zero
// value of a field means that the attribute is absent.
type DocumentEntry struct {
	EntryUUID          string // urn:uuid:…, of this metadata version
	LogicalID          string // the first EntryUUID, for ever
	Version            int    // from 1
	ObjectType         string // StableDocument or OnDemandDocument
	HomeCommunityID    string
	AvailabilityStatus Status
	Title              string
	Comments           string
	ClassCode          Code
	TypeCode           Code
	FormatCode         Code
	FacilityType       Code
	PracticeSetting    Code
	Confidentiality    []Code
	EventCodes         []Code
	CreationTime       DTM
	ServiceStart       DTM
	ServiceStop        DTM
	LanguageCode       string
	MimeType           string
	Hash               string // SHA-1, lower-case hexadecimal
	Size               int64  // bytes; 0 = not given, since a document is never empty
	LegalAuthenticator XCN
	PatientID          CX
	SourcePatientID    CX
	SourcePatientInfo  []string // PID fields, `PID-5|DURAND^Alice`
	ReferenceIDs       []string // CXi
	RepositoryUniqueID string
	UniqueID           string
	URI                string
	Availability       string
	Authors            []Author
	Extras             []Extra
}

// SubmissionSet is the metadata of one submission (ITI TF-3 4.2.3.3).
type SubmissionSet struct {
	EntryUUID          string
	UniqueID           string
	SourceID           string
	HomeCommunityID    string
	AvailabilityStatus Status
	PatientID          CX
	SubmissionTime     DTM
	ContentType        Code
	Title              string
	Comments           string
	IntendedRecipients []string
	Authors            []Author
	Extras             []Extra
}

// Folder is a named collection of documents of one patient (ITI TF-3 4.2.3.4).
type Folder struct {
	EntryUUID          string
	LogicalID          string
	Version            int
	UniqueID           string
	HomeCommunityID    string
	AvailabilityStatus Status
	PatientID          CX
	LastUpdateTime     DTM
	Codes              []Code
	Title              string
	Comments           string
	Extras             []Extra
}

// AssociationType is the kind of a link between two objects (ITI TF-3 4.2.2.2).
type AssociationType string

// The association types of Document Sharing.
const (
	HasMember    AssociationType = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
	Replaces     AssociationType = "urn:ihe:iti:2007:AssociationType:RPLC"
	Appends      AssociationType = "urn:ihe:iti:2007:AssociationType:APND"
	Transforms   AssociationType = "urn:ihe:iti:2007:AssociationType:XFRM"
	TransReplace AssociationType = "urn:ihe:iti:2007:AssociationType:XFRM_RPLC"
	Signs        AssociationType = "urn:ihe:iti:2007:AssociationType:signs"
	SnapshotOf   AssociationType = "urn:ihe:iti:2010:AssociationType:IsSnapshotOf"
)

// Joins tells whether the association makes its source a member of the target's
// lineage, so that both share their marks (policy §1.1, Q-20).
func (t AssociationType) Joins() bool {
	return t == Replaces || t == Appends || t == Transforms || t == TransReplace
}

// Supersedes tells whether the association deprecates its target.
func (t AssociationType) Supersedes() bool { return t == Replaces || t == TransReplace }

// Association links a source to a target (ITI TF-3 4.2.2).
type Association struct {
	EntryUUID          string
	Type               AssociationType
	Source             string // entryUUID, or a symbolic id inside a submission
	Target             string
	AvailabilityStatus Status
	SetStatus          string // SubmissionSetStatus of HasMember: Original, Reference or empty
	Documentation      []Code // classifications on the association (NIST 12370)
	Extras             []Extra
}

// Submission is one SubmissionSet with all that it carries, as decoded from any face.
type Submission struct {
	Set          SubmissionSet
	Documents    []DocumentEntry
	Folders      []Folder
	Associations []Association
}

// Content says where the bytes of a submitted document are after they were
// streamed to the repository, and what they measured on the way.
type Content struct {
	Blob   string // key in the repository
	SHA1   string // lower-case hexadecimal
	SHA256 string
	Size   int64
	Seal   string // what the repository compares at each reading; "" where nothing was kept
}

// PatientField is the value of one field of sourcePatientInfo, such as PID-7 (ITI TF-3
// 4.2.3.2.23); "" when it is not there.
func (d *DocumentEntry) PatientField(name string) string {
	for _, field := range d.SourcePatientInfo {
		if value, is := strings.CutPrefix(field, name+"|"); is {
			return value
		}
	}
	return ""
}
