package xds

import "strconv"

// Attribute names one metadata attribute. The tables of the faces (ebRIM slot,
// FHIR path, SQL column) are keyed by it; a test walks the enumeration and
// fails when a table misses a row.
type Attribute int

// The attributes of DocumentEntry, SubmissionSet and Folder (ITI TF-3 4.2.3).
const (
	NoAttribute Attribute = iota
	AttrEntryUUID
	AttrLogicalID
	AttrVersion
	AttrObjectType
	AttrHomeCommunityID
	AttrAvailabilityStatus
	AttrTitle
	AttrComments
	AttrClassCode
	AttrTypeCode
	AttrFormatCode
	AttrFacilityType
	AttrPracticeSetting
	AttrConfidentiality
	AttrEventCodes
	AttrCreationTime
	AttrServiceStart
	AttrServiceStop
	AttrLanguageCode
	AttrMimeType
	AttrHash
	AttrSize
	AttrLegalAuthenticator
	AttrPatientID
	AttrSourcePatientID
	AttrSourcePatientInfo
	AttrReferenceIDs
	AttrRepositoryUniqueID
	AttrUniqueID
	AttrURI
	AttrAvailability
	AttrAuthor
	// SubmissionSet and Folder only.
	AttrSourceID
	AttrSubmissionTime
	AttrContentType
	AttrIntendedRecipients
	AttrFolderCodes
	AttrLastUpdateTime
	// Parts of an author, for queries.
	AttrAuthorPerson
	AttrAuthorInstitution
	AttrAuthorFamily
	AttrAuthorGiven
	AttrInstitutionName
	// What a document relates to (relatesTo), for queries: logicalIDs.
	AttrRelatesTo

	AttributeCount
)

var attributeNames = [AttributeCount]string{
	AttrEntryUUID: "entryUUID", AttrLogicalID: "logicalID", AttrVersion: "version", AttrObjectType: "objectType",
	AttrHomeCommunityID: "homeCommunityId", AttrAvailabilityStatus: "availabilityStatus", AttrTitle: "title",
	AttrComments: "comments", AttrClassCode: "classCode", AttrTypeCode: "typeCode", AttrFormatCode: "formatCode",
	AttrFacilityType: "healthcareFacilityTypeCode", AttrPracticeSetting: "practiceSettingCode",
	AttrConfidentiality: "confidentialityCode", AttrEventCodes: "eventCodeList", AttrCreationTime: "creationTime",
	AttrServiceStart: "serviceStartTime", AttrServiceStop: "serviceStopTime", AttrLanguageCode: "languageCode",
	AttrMimeType: "mimeType", AttrHash: "hash", AttrSize: "size", AttrLegalAuthenticator: "legalAuthenticator",
	AttrPatientID: "patientId", AttrSourcePatientID: "sourcePatientId", AttrSourcePatientInfo: "sourcePatientInfo",
	AttrReferenceIDs: "referenceIdList", AttrRepositoryUniqueID: "repositoryUniqueId", AttrUniqueID: "uniqueId",
	AttrURI: "URI", AttrAvailability: "documentAvailability", AttrAuthor: "author",
	AttrSourceID: "sourceId", AttrSubmissionTime: "submissionTime", AttrContentType: "contentTypeCode",
	AttrIntendedRecipients: "intendedRecipient", AttrFolderCodes: "codeList", AttrLastUpdateTime: "lastUpdateTime",
	AttrAuthorPerson: "authorPerson", AttrAuthorInstitution: "authorInstitution",
	AttrAuthorFamily: "authorPerson (XCN.2)", AttrAuthorGiven: "authorPerson (XCN.3)", AttrInstitutionName: "authorInstitution (XON.1)", AttrRelatesTo: "relatesTo",
}

// Private tells whether a value of the attribute may identify somebody or tell what
// a document says: it is then never repeated in a finding or a log.
func (a Attribute) Private() bool {
	switch a {
	case AttrPatientID, AttrSourcePatientID, AttrSourcePatientInfo, AttrAuthor, AttrAuthorPerson, AttrAuthorInstitution,
		AttrAuthorFamily, AttrAuthorGiven, AttrInstitutionName, AttrLegalAuthenticator, AttrIntendedRecipients, AttrTitle, AttrComments:
		return true
	default:
		return false
	}
}

// String is the name that ITI TF-3 gives to the attribute.
func (a Attribute) String() string { return attributeNames[a] }

// At points to where the entry keeps an attribute: *string, *int, *int64, *Status,
// *CX, *XCN, *DTM, *Code, *[]Code, *[]string or *[]Author; nil when a
// DocumentEntry has no such attribute. It is the single accessor that decoding,
// encoding, required-checks and storage use.
func (d *DocumentEntry) At(a Attribute) any {
	switch a {
	case AttrEntryUUID:
		return &d.EntryUUID
	case AttrLogicalID:
		return &d.LogicalID
	case AttrVersion:
		return &d.Version
	case AttrObjectType:
		return &d.ObjectType
	case AttrHomeCommunityID:
		return &d.HomeCommunityID
	case AttrAvailabilityStatus:
		return &d.AvailabilityStatus
	case AttrTitle:
		return &d.Title
	case AttrComments:
		return &d.Comments
	case AttrClassCode:
		return &d.ClassCode
	case AttrTypeCode:
		return &d.TypeCode
	case AttrFormatCode:
		return &d.FormatCode
	case AttrFacilityType:
		return &d.FacilityType
	case AttrPracticeSetting:
		return &d.PracticeSetting
	case AttrConfidentiality:
		return &d.Confidentiality
	case AttrEventCodes:
		return &d.EventCodes
	case AttrCreationTime:
		return &d.CreationTime
	case AttrServiceStart:
		return &d.ServiceStart
	case AttrServiceStop:
		return &d.ServiceStop
	case AttrLanguageCode:
		return &d.LanguageCode
	case AttrMimeType:
		return &d.MimeType
	case AttrHash:
		return &d.Hash
	case AttrSize:
		return &d.Size
	case AttrLegalAuthenticator:
		return &d.LegalAuthenticator
	case AttrPatientID:
		return &d.PatientID
	case AttrSourcePatientID:
		return &d.SourcePatientID
	case AttrSourcePatientInfo:
		return &d.SourcePatientInfo
	case AttrReferenceIDs:
		return &d.ReferenceIDs
	case AttrRepositoryUniqueID:
		return &d.RepositoryUniqueID
	case AttrUniqueID:
		return &d.UniqueID
	case AttrURI:
		return &d.URI
	case AttrAvailability:
		return &d.Availability
	case AttrAuthor:
		return &d.Authors
	default:
		return nil
	}
}

// At is DocumentEntry.At for a SubmissionSet.
func (s *SubmissionSet) At(a Attribute) any {
	switch a {
	case AttrEntryUUID:
		return &s.EntryUUID
	case AttrUniqueID:
		return &s.UniqueID
	case AttrSourceID:
		return &s.SourceID
	case AttrHomeCommunityID:
		return &s.HomeCommunityID
	case AttrAvailabilityStatus:
		return &s.AvailabilityStatus
	case AttrPatientID:
		return &s.PatientID
	case AttrSubmissionTime:
		return &s.SubmissionTime
	case AttrContentType:
		return &s.ContentType
	case AttrTitle:
		return &s.Title
	case AttrComments:
		return &s.Comments
	case AttrIntendedRecipients:
		return &s.IntendedRecipients
	case AttrAuthor:
		return &s.Authors
	default:
		return nil
	}
}

// At is DocumentEntry.At for a Folder.
func (f *Folder) At(a Attribute) any {
	switch a {
	case AttrEntryUUID:
		return &f.EntryUUID
	case AttrLogicalID:
		return &f.LogicalID
	case AttrVersion:
		return &f.Version
	case AttrUniqueID:
		return &f.UniqueID
	case AttrHomeCommunityID:
		return &f.HomeCommunityID
	case AttrAvailabilityStatus:
		return &f.AvailabilityStatus
	case AttrPatientID:
		return &f.PatientID
	case AttrLastUpdateTime:
		return &f.LastUpdateTime
	case AttrFolderCodes:
		return &f.Codes
	case AttrTitle:
		return &f.Title
	case AttrComments:
		return &f.Comments
	default:
		return nil
	}
}

// Texts reads what an At pointer holds as text values, none when the attribute
// is absent; a code reads as value^^scheme and an author as its person.
func Texts(at any) []string {
	one := func(s string) []string {
		if s == "" {
			return nil
		}
		return []string{s}
	}
	switch p := at.(type) {
	case *string:
		return one(*p)
	case *Status:
		return one(string(*p))
	case *CX:
		return one(string(*p))
	case *XCN:
		return one(string(*p))
	case *DTM:
		return one(string(*p))
	case *[]string:
		return *p
	case *int:
		if *p != 0 {
			return []string{strconv.Itoa(*p)}
		}
	case *int64:
		if *p != 0 {
			return []string{strconv.FormatInt(*p, 10)}
		}
	case *Code:
		if !p.IsZero() {
			return []string{p.Key()}
		}
	case *[]Code:
		var all []string
		for _, c := range *p {
			all = append(all, c.Key())
		}
		return all
	case *[]Author:
		var all []string
		for _, a := range *p {
			all = append(all, string(a.Person))
		}
		return all
	}
	return nil
}
