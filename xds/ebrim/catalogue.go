package ebrim

import (
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// Form is how the values of a stored-query parameter are written and what they
// become in a query.
type Form int

// The forms (ITI TF-2 3.18.4.1.2.3.4 and .5).
const (
	FormText        Form = iota // 'text'
	FormCode                    // 'code^^scheme'
	FormPatient                 // 'id^^^&authority&ISO'
	FormFrom                    // DTM, inclusive
	FormTo                      // DTM, exclusive
	FormPattern                 // 'text with % and _'
	FormStatus                  // an availabilityStatus
	FormObjectType              // stable or on-demand
	FormID                      // entryUUID, logicalID or uniqueId of the objects asked for
	FormAssociation             // an association type
	FormLevel                   // $MetadataLevel: 1 or 2
	FormHome                    // homeCommunityId
)

// Param is one stored-query parameter.
type Param struct {
	Name      string
	Object    string // DocumentEntry, SubmissionSet, Folder; "" = none of them
	Attribute xds.Attribute
	Form      Form
	Many      bool // several values, joined by OR
	And       bool // several slots of this name, joined by AND
}

// objectAssociation is the object of a condition on associations.
const objectAssociation = "Association"

// generalParams belong to no attribute.
var generalParams = []Param{
	{Name: "$patientId", Attribute: xds.AttrPatientID, Form: FormPatient},
	{Name: "$uuid", Attribute: xds.AttrEntryUUID, Form: FormID, Many: true},
	{Name: "$homeCommunityId", Attribute: xds.AttrHomeCommunityID, Form: FormHome},
	{Name: "$AssociationTypes", Form: FormAssociation, Many: true},
	{Name: "$XDSAssociationStatus", Object: objectAssociation, Attribute: xds.AttrAvailabilityStatus, Form: FormStatus, Many: true},
	{Name: "$MetadataLevel", Form: FormLevel},
}

// params are all parameters by name, those of the attribute tables among them.
var params = func() map[string]*Param {
	byName := map[string]*Param{}
	for i := range generalParams {
		byName[generalParams[i].Name] = &generalParams[i]
	}
	for _, t := range []*table{entryTable, setTable, folderTable} {
		for i := range t.rows {
			for j := range t.rows[i].Params {
				byName[t.rows[i].Params[j].Name] = &t.rows[i].Params[j]
			}
		}
	}
	return byName
}()

// CatalogueRow is one stored query (ITI TF-2 3.18.4.1.2.3.7, 3.51.4.1.2.3).
type CatalogueRow struct {
	Name         string
	UUID         string
	MultiPatient bool // a query of ITI-51, not of ITI-18
	OneObject    bool // its id parameters take one value
	Required     []string
	OneOf        []string // exactly one of them
	AnyOf        []string // at least one of them
	Optional     []string // $MetadataLevel is optional everywhere
}

// takes tells whether the query has the parameter.
func (r *CatalogueRow) takes(name string) bool {
	if name == "$MetadataLevel" {
		return true
	}
	for _, names := range [][]string{r.Required, r.OneOf, r.AnyOf, r.Optional} {
		for _, n := range names {
			if n == name {
				return true
			}
		}
	}
	return false
}

// Names of parameters that several queries share.
var (
	documentFilters = []string{
		"$XDSDocumentEntryClassCode", "$XDSDocumentEntryTypeCode", "$XDSDocumentEntryPracticeSettingCode",
		"$XDSDocumentEntryCreationTimeFrom", "$XDSDocumentEntryCreationTimeTo",
		"$XDSDocumentEntryServiceStartTimeFrom", "$XDSDocumentEntryServiceStartTimeTo",
		"$XDSDocumentEntryServiceStopTimeFrom", "$XDSDocumentEntryServiceStopTimeTo",
		"$XDSDocumentEntryHealthcareFacilityTypeCode", "$XDSDocumentEntryEventCodeList",
		"$XDSDocumentEntryConfidentialityCode", "$XDSDocumentEntryAuthorPerson", "$XDSDocumentEntryFormatCode",
		"$XDSDocumentEntryType", "$XDSDocumentEntryDocumentAvailability",
	}
	contentFilters = []string{"$XDSDocumentEntryFormatCode", "$XDSDocumentEntryConfidentialityCode", "$XDSDocumentEntryType", "$XDSAssociationStatus", "$homeCommunityId"}
	documentIDs    = []string{"$XDSDocumentEntryEntryUUID", "$XDSDocumentEntryUniqueId"}
	setIDs         = []string{"$XDSSubmissionSetEntryUUID", "$XDSSubmissionSetUniqueId"}
	folderIDs      = []string{"$XDSFolderEntryUUID", "$XDSFolderUniqueId"}
	home           = []string{"$homeCommunityId"}
	statusAndHome  = []string{"$XDSAssociationStatus", "$homeCommunityId"}
)

// Catalogue are the stored queries.
var Catalogue = []CatalogueRow{
	{Name: "FindDocuments", UUID: "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d",
		Required: []string{"$XDSDocumentEntryPatientId", "$XDSDocumentEntryStatus"}, Optional: documentFilters},
	{Name: "FindSubmissionSets", UUID: "urn:uuid:f26abbcb-ac74-4422-8a30-edb644bbc1a9",
		Required: []string{"$XDSSubmissionSetPatientId", "$XDSSubmissionSetStatus"},
		Optional: []string{"$XDSSubmissionSetSourceId", "$XDSSubmissionSetSubmissionTimeFrom", "$XDSSubmissionSetSubmissionTimeTo",
			"$XDSSubmissionSetAuthorPerson", "$XDSSubmissionSetContentType"}},
	{Name: "FindFolders", UUID: "urn:uuid:958f3006-baad-4929-a4de-ff1114824431",
		Required: []string{"$XDSFolderPatientId", "$XDSFolderStatus"},
		Optional: []string{"$XDSFolderLastUpdateTimeFrom", "$XDSFolderLastUpdateTimeTo", "$XDSFolderCodeList"}},
	{Name: "GetAll", UUID: "urn:uuid:10b545ea-725c-446d-9b95-8aeb444eddf3",
		Required: []string{"$patientId", "$XDSDocumentEntryStatus", "$XDSSubmissionSetStatus", "$XDSFolderStatus"},
		Optional: []string{"$XDSDocumentEntryFormatCode", "$XDSDocumentEntryConfidentialityCode", "$XDSDocumentEntryType", "$XDSAssociationStatus"}},
	{Name: "GetDocuments", UUID: "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4",
		OneOf: append([]string{"$XDSDocumentEntryLogicalID"}, documentIDs...), Optional: home},
	{Name: "GetFolders", UUID: "urn:uuid:5737b14c-8a1a-4539-b659-e03a34a5e1e4",
		OneOf: append([]string{"$XDSFolderLogicalID"}, folderIDs...), Optional: home},
	{Name: "GetAssociations", UUID: "urn:uuid:a7ae438b-4bc2-4642-93e9-be891f7bb155", Required: []string{"$uuid"}, Optional: statusAndHome},
	{Name: "GetDocumentsAndAssociations", UUID: "urn:uuid:bab9529a-4a10-40b3-a01f-f68a615d247a", OneOf: documentIDs, Optional: statusAndHome},
	{Name: "GetSubmissionSets", UUID: "urn:uuid:51224314-5390-4169-9b91-b1980040715a", Required: []string{"$uuid"}, Optional: home},
	{Name: "GetSubmissionSetAndContents", UUID: "urn:uuid:e8e3cb2c-e39c-46b9-99e4-c12f57260b83", OneObject: true,
		OneOf: setIDs, Optional: contentFilters},
	{Name: "GetFolderAndContents", UUID: "urn:uuid:b909a503-523d-4517-8acf-8e5834dfc4c7", OneObject: true, OneOf: folderIDs, Optional: contentFilters},
	{Name: "GetFoldersForDocument", UUID: "urn:uuid:10cae35a-c7f9-4cf5-b61e-fc3278ffb578", OneObject: true, OneOf: documentIDs, Optional: statusAndHome},
	{Name: "GetRelatedDocuments", UUID: "urn:uuid:d90e5407-b356-4d91-a89f-873917b4b0e6", OneObject: true, OneOf: documentIDs,
		Required: []string{"$AssociationTypes"}, Optional: []string{"$XDSDocumentEntryType", "$XDSAssociationStatus", "$homeCommunityId"}},
	{Name: "FindDocumentsByReferenceId", UUID: "urn:uuid:12941a89-e02e-4be5-967c-ce4bfc8fe492",
		Required: []string{"$XDSDocumentEntryPatientId", "$XDSDocumentEntryStatus", "$XDSDocumentEntryReferenceIdList"}, Optional: documentFilters},
	{Name: "FindDocumentsByTitle", UUID: "urn:uuid:ab474085-82b5-402d-8115-3f37cb1e2405", // national (gematik A_17198), not of the TF
		Required: []string{"$XDSDocumentEntryPatientId", "$XDSDocumentEntryStatus", "$XDSDocumentEntryTitle"},
		Optional: append([]string{"$XDSDocumentEntryAuthorInstitution"}, documentFilters...)},
	{Name: "FindDocumentsForMultiplePatients", UUID: "urn:uuid:3d1bdb10-39a2-11de-89c2-2f44d94eaa9f", MultiPatient: true,
		Required: []string{"$XDSDocumentEntryPatientId", "$XDSDocumentEntryStatus"}, // the TF lets the patients out: here nobody asks about all
		AnyOf:    []string{"$XDSDocumentEntryClassCode", "$XDSDocumentEntryEventCodeList", "$XDSDocumentEntryHealthcareFacilityTypeCode"},
		Optional: documentFilters},
	{Name: "FindFoldersForMultiplePatients", UUID: "urn:uuid:50d3f5ac-39a2-11de-a1ca-b366239e58df", MultiPatient: true,
		Required: []string{"$XDSFolderPatientId", "$XDSFolderStatus", "$XDSFolderCodeList"},
		Optional: []string{"$XDSFolderLastUpdateTimeFrom", "$XDSFolderLastUpdateTimeTo"}},
}

// Lookup is the catalogue row of a query id or of its name, nil when unknown.
func Lookup(id string) *CatalogueRow {
	for i := range Catalogue {
		if strings.EqualFold(Catalogue[i].UUID, id) || Catalogue[i].Name == id {
			return &Catalogue[i]
		}
	}
	return nil
}

// offered names the queries that are answered.
func offered() string {
	var names []string
	for _, r := range Catalogue {
		names = append(names, r.Name+" ("+r.UUID+")")
	}
	return strings.Join(names, ", ")
}
