package ebrim

import "github.com/passerelle-sante/passerelle/xds"

// Kind is where ebRIM keeps an attribute.
type Kind int

// The kinds (ITI TF-3 4.2.3.1).
const (
	XMLAttribute   Kind = iota // of the object's own element; Key is its name
	Slot                       // Key is the slot name
	Classification             // a code; Key is the UUID of the scheme
	AuthorClass                // an author; Key is the UUID of the scheme
	ExternalID                 // Key is the UUID of the identification scheme
	Name                       // the LocalizedString of Name
	Description                // the LocalizedString of Description
	VersionInfo                // versionName of VersionInfo
)

// Row says how ebRIM carries one attribute of one kind of object, and which
// stored-query parameters select on it.
type Row struct {
	Attribute xds.Attribute
	Kind      Kind
	Key       string
	List      bool // may have several values: Values of one slot, or several classifications
	Registry  bool // the registry sets it: accepted in a submission and left aside
	Params    []Param
}

// table are the rows of one kind of object.
type table struct {
	object          string // as it stands in paths: DocumentEntry[Doc1].classCode
	rows            []Row
	slots           map[string]*Row
	classifications map[string]*Row
	identifiers     map[string]*Row
	name            *Row
	description     *Row
	version         *Row
}

// The three tables. Order matters: it is the order of what is written.
var (
	entryTable  = index("DocumentEntry", entryRows)
	setTable    = index("SubmissionSet", setRows)
	folderTable = index("Folder", folderRows)
)

// EntryRows, SetRows and FolderRows are the tables for those who list or test them.
func EntryRows() []Row { return entryTable.rows }

// SetRows are the rows of a SubmissionSet.
func SetRows() []Row { return setTable.rows }

// FolderRows are the rows of a Folder.
func FolderRows() []Row { return folderTable.rows }

// DocumentEntry: ITI TF-3 Table 4.2.3.2-1 and 4.2.5.2.
var entryRows = []Row{
	{Attribute: xds.AttrEntryUUID, Kind: XMLAttribute, Key: "id", Params: []Param{{Name: "$XDSDocumentEntryEntryUUID", Form: FormID, Many: true}}},
	{Attribute: xds.AttrLogicalID, Kind: XMLAttribute, Key: "lid", Params: []Param{{Name: "$XDSDocumentEntryLogicalID", Form: FormID, Many: true}}},
	{Attribute: xds.AttrObjectType, Kind: XMLAttribute, Key: "objectType", Params: []Param{{Name: "$XDSDocumentEntryType", Form: FormObjectType, Many: true}}},
	{Attribute: xds.AttrMimeType, Kind: XMLAttribute, Key: "mimeType"},
	{Attribute: xds.AttrAvailabilityStatus, Kind: XMLAttribute, Key: "status", Registry: true, Params: []Param{{Name: "$XDSDocumentEntryStatus", Form: FormStatus, Many: true}}},
	{Attribute: xds.AttrHomeCommunityID, Kind: XMLAttribute, Key: "home"},

	{Attribute: xds.AttrCreationTime, Kind: Slot, Key: "creationTime", Params: []Param{
		{Name: "$XDSDocumentEntryCreationTimeFrom", Form: FormFrom}, {Name: "$XDSDocumentEntryCreationTimeTo", Form: FormTo}}},
	{Attribute: xds.AttrHash, Kind: Slot, Key: "hash"},
	{Attribute: xds.AttrSize, Kind: Slot, Key: "size"},
	{Attribute: xds.AttrLanguageCode, Kind: Slot, Key: "languageCode"},
	{Attribute: xds.AttrRepositoryUniqueID, Kind: Slot, Key: "repositoryUniqueId"},
	{Attribute: xds.AttrSourcePatientID, Kind: Slot, Key: "sourcePatientId"},
	{Attribute: xds.AttrSourcePatientInfo, Kind: Slot, Key: "sourcePatientInfo", List: true},
	{Attribute: xds.AttrLegalAuthenticator, Kind: Slot, Key: "legalAuthenticator"},
	{Attribute: xds.AttrServiceStart, Kind: Slot, Key: "serviceStartTime", Params: []Param{
		{Name: "$XDSDocumentEntryServiceStartTimeFrom", Form: FormFrom}, {Name: "$XDSDocumentEntryServiceStartTimeTo", Form: FormTo}}},
	{Attribute: xds.AttrServiceStop, Kind: Slot, Key: "serviceStopTime", Params: []Param{
		{Name: "$XDSDocumentEntryServiceStopTimeFrom", Form: FormFrom}, {Name: "$XDSDocumentEntryServiceStopTimeTo", Form: FormTo}}},
	{Attribute: xds.AttrReferenceIDs, Kind: Slot, Key: "urn:ihe:iti:xds:2013:referenceIdList", List: true, Params: []Param{
		{Name: "$XDSDocumentEntryReferenceIdList", Form: FormText, Many: true, And: true}}},
	{Attribute: xds.AttrURI, Kind: Slot, Key: "URI"},
	{Attribute: xds.AttrAvailability, Kind: Slot, Key: "documentAvailability", Params: []Param{
		{Name: "$XDSDocumentEntryDocumentAvailability", Form: FormText, Many: true}}},

	{Attribute: xds.AttrTitle, Kind: Name, Params: []Param{{Name: "$XDSDocumentEntryTitle", Form: FormPattern, Many: true}}},
	{Attribute: xds.AttrComments, Kind: Description},
	{Attribute: xds.AttrVersion, Kind: VersionInfo, Registry: true},

	{Attribute: xds.AttrAuthor, Kind: AuthorClass, Key: "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d", List: true, Params: []Param{
		{Name: "$XDSDocumentEntryAuthorPerson", Attribute: xds.AttrAuthorPerson, Form: FormPattern, Many: true},
		{Name: "$XDSDocumentEntryAuthorInstitution", Attribute: xds.AttrAuthorInstitution, Form: FormPattern, Many: true}}},
	{Attribute: xds.AttrClassCode, Kind: Classification, Key: "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a", Params: codeParam("$XDSDocumentEntryClassCode")},
	{Attribute: xds.AttrTypeCode, Kind: Classification, Key: "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983", Params: codeParam("$XDSDocumentEntryTypeCode")},
	{Attribute: xds.AttrFormatCode, Kind: Classification, Key: "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d", Params: codeParam("$XDSDocumentEntryFormatCode")},
	{Attribute: xds.AttrFacilityType, Kind: Classification, Key: "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1", Params: codeParam("$XDSDocumentEntryHealthcareFacilityTypeCode")},
	{Attribute: xds.AttrPracticeSetting, Kind: Classification, Key: "urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead", Params: codeParam("$XDSDocumentEntryPracticeSettingCode")},
	{Attribute: xds.AttrConfidentiality, Kind: Classification, Key: "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f", List: true, Params: []Param{
		{Name: "$XDSDocumentEntryConfidentialityCode", Form: FormCode, Many: true, And: true}}},
	{Attribute: xds.AttrEventCodes, Kind: Classification, Key: "urn:uuid:2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4", List: true, Params: []Param{
		{Name: "$XDSDocumentEntryEventCodeList", Form: FormCode, Many: true, And: true}}},

	{Attribute: xds.AttrPatientID, Kind: ExternalID, Key: "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427", Params: []Param{{Name: "$XDSDocumentEntryPatientId", Form: FormPatient}}},
	{Attribute: xds.AttrUniqueID, Kind: ExternalID, Key: "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab", Params: []Param{{Name: "$XDSDocumentEntryUniqueId", Form: FormID, Many: true}}},
}

// SubmissionSet: ITI TF-3 Table 4.2.3.3-1.
var setRows = []Row{
	{Attribute: xds.AttrEntryUUID, Kind: XMLAttribute, Key: "id", Params: []Param{{Name: "$XDSSubmissionSetEntryUUID", Form: FormID}}},
	{Attribute: xds.AttrAvailabilityStatus, Kind: XMLAttribute, Key: "status", Registry: true, Params: []Param{{Name: "$XDSSubmissionSetStatus", Form: FormStatus, Many: true}}},
	{Attribute: xds.AttrHomeCommunityID, Kind: XMLAttribute, Key: "home"},
	{Attribute: xds.AttrSubmissionTime, Kind: Slot, Key: "submissionTime", Params: []Param{
		{Name: "$XDSSubmissionSetSubmissionTimeFrom", Form: FormFrom}, {Name: "$XDSSubmissionSetSubmissionTimeTo", Form: FormTo}}},
	{Attribute: xds.AttrIntendedRecipients, Kind: Slot, Key: "intendedRecipient", List: true},
	{Attribute: xds.AttrTitle, Kind: Name},
	{Attribute: xds.AttrComments, Kind: Description},
	{Attribute: xds.AttrAuthor, Kind: AuthorClass, Key: "urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d", List: true, Params: []Param{
		{Name: "$XDSSubmissionSetAuthorPerson", Attribute: xds.AttrAuthorPerson, Form: FormPattern}}},
	{Attribute: xds.AttrContentType, Kind: Classification, Key: "urn:uuid:aa543740-bdda-424e-8c96-df4873be8500", Params: codeParam("$XDSSubmissionSetContentType")},
	{Attribute: xds.AttrPatientID, Kind: ExternalID, Key: "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446", Params: []Param{{Name: "$XDSSubmissionSetPatientId", Form: FormPatient}}},
	{Attribute: xds.AttrSourceID, Kind: ExternalID, Key: "urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832", Params: []Param{{Name: "$XDSSubmissionSetSourceId", Form: FormText, Many: true}}},
	{Attribute: xds.AttrUniqueID, Kind: ExternalID, Key: "urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8", Params: []Param{{Name: "$XDSSubmissionSetUniqueId", Form: FormID}}},
}

// Folder: ITI TF-3 Table 4.2.3.4-1.
var folderRows = []Row{
	{Attribute: xds.AttrEntryUUID, Kind: XMLAttribute, Key: "id", Params: []Param{{Name: "$XDSFolderEntryUUID", Form: FormID, Many: true}}},
	{Attribute: xds.AttrLogicalID, Kind: XMLAttribute, Key: "lid", Params: []Param{{Name: "$XDSFolderLogicalID", Form: FormID, Many: true}}},
	{Attribute: xds.AttrAvailabilityStatus, Kind: XMLAttribute, Key: "status", Registry: true, Params: []Param{{Name: "$XDSFolderStatus", Form: FormStatus, Many: true}}},
	{Attribute: xds.AttrHomeCommunityID, Kind: XMLAttribute, Key: "home"},
	{Attribute: xds.AttrLastUpdateTime, Kind: Slot, Key: "lastUpdateTime", Registry: true, Params: []Param{
		{Name: "$XDSFolderLastUpdateTimeFrom", Form: FormFrom}, {Name: "$XDSFolderLastUpdateTimeTo", Form: FormTo}}},
	{Attribute: xds.AttrTitle, Kind: Name},
	{Attribute: xds.AttrComments, Kind: Description},
	{Attribute: xds.AttrVersion, Kind: VersionInfo, Registry: true},
	{Attribute: xds.AttrFolderCodes, Kind: Classification, Key: "urn:uuid:1ba97051-7806-41a8-a48b-8fce7af683c5", List: true, Params: []Param{
		{Name: "$XDSFolderCodeList", Form: FormCode, Many: true, And: true}}},
	{Attribute: xds.AttrPatientID, Kind: ExternalID, Key: "urn:uuid:f64ffdf0-4b97-4e06-b79f-a52b38ec2f8a", Params: []Param{{Name: "$XDSFolderPatientId", Form: FormPatient}}},
	{Attribute: xds.AttrUniqueID, Kind: ExternalID, Key: "urn:uuid:75df8f67-9973-4fbe-a900-df66cefecc5a", Params: []Param{{Name: "$XDSFolderUniqueId", Form: FormID, Many: true}}},
}

func codeParam(name string) []Param { return []Param{{Name: name, Form: FormCode, Many: true}} }

// index makes the look-ups of a table and completes its parameters with the
// attribute and the object that they select on.
func index(object string, rows []Row) *table {
	t := &table{object: object, rows: rows, slots: map[string]*Row{}, classifications: map[string]*Row{}, identifiers: map[string]*Row{}}
	for i := range rows {
		r := &rows[i]
		for j := range r.Params {
			if r.Params[j].Attribute == xds.NoAttribute {
				r.Params[j].Attribute = r.Attribute
			}
			r.Params[j].Object = object
		}
		switch r.Kind {
		case Slot:
			t.slots[r.Key] = r
		case Classification, AuthorClass:
			t.classifications[r.Key] = r
		case ExternalID:
			t.identifiers[r.Key] = r
		case Name:
			t.name = r
		case Description:
			t.description = r
		case VersionInfo:
			t.version = r
		}
	}
	return t
}
