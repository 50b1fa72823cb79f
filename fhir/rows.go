package fhir

import "github.com/passerelle-sante/passerelle/xds"

// row says where a DocumentReference holds an attribute of a DocumentEntry, and
// which search parameters ask for it (MHD 4.2.3, DocumentEntry mapping; PDSm 3.1.1;
// decisions D1, D2). A row without a read function is read by its path and the kind
// of the attribute.
type row struct {
	path   string
	read   func(r *reading, p place, e *xds.DocumentEntry)
	search []string
}

// rows is the FHIR side of the attribute tables.
var rows = map[xds.Attribute]row{
	xds.AttrEntryUUID:          {path: "identifier", read: readIdentifiers, search: []string{"identifier"}},
	xds.AttrLogicalID:          {path: "id", read: readLogicalID, search: []string{"_id", "identifier"}},
	xds.AttrVersion:            {path: "meta.versionId", read: readVersion},
	xds.AttrUniqueID:           {path: "masterIdentifier", read: readUniqueID, search: []string{"identifier"}},
	xds.AttrAvailabilityStatus: {path: "status", read: readStatus, search: []string{"status", "isArchived"}},
	xds.AttrTitle:              {path: "content[0].attachment.title"},
	xds.AttrComments:           {path: "description"},
	xds.AttrClassCode:          {path: "category[0]", search: []string{"category"}},
	xds.AttrTypeCode:           {path: "type", search: []string{"type"}},
	xds.AttrFormatCode:         {path: "content[0].format", read: readFormat, search: []string{"format"}},
	xds.AttrFacilityType:       {path: "context.facilityType", search: []string{"facility"}},
	xds.AttrPracticeSetting:    {path: "context.practiceSetting", search: []string{"setting"}},
	xds.AttrConfidentiality:    {path: "securityLabel", search: []string{"security-label"}},
	xds.AttrEventCodes:         {path: "context.event", search: []string{"event"}},
	xds.AttrCreationTime:       {path: "content[0].attachment.creation", read: readCreation, search: []string{"creation", "date"}},
	xds.AttrServiceStart:       {path: "context.period.start", search: []string{"period", "period-start"}},
	xds.AttrServiceStop:        {path: "context.period.end", search: []string{"period", "period-end"}},
	xds.AttrLanguageCode:       {path: "content[0].attachment.language"},
	xds.AttrMimeType:           {path: "content[0].attachment.contentType"},
	xds.AttrHash:               {path: "content[0].attachment.hash", read: readHash},
	xds.AttrSize:               {path: "content[0].attachment.size", read: readSize},
	xds.AttrLegalAuthenticator: {path: "authenticator", read: readAuthenticator},
	xds.AttrPatientID:          {path: "subject", read: readSubject, search: []string{"patient", "subject"}},
	xds.AttrSourcePatientID:    {path: "context.sourcePatientInfo", read: readSourceInfo},
	xds.AttrSourcePatientInfo:  {path: "context.sourcePatientInfo", read: func(*reading, place, *xds.DocumentEntry) {}}, // with AttrSourcePatientID
	xds.AttrReferenceIDs:       {path: "context.related", read: readRelated, search: []string{"related"}},
	xds.AttrAuthor:             {path: "author", read: readAuthors, search: []string{"author"}},
}

// exempt are the attributes that a DocumentReference does not hold, and why.
var exempt = map[xds.Attribute]string{
	xds.AttrObjectType:         "not represented by MHD 4.2.3; only stable documents are shown on this face",
	xds.AttrHomeCommunityID:    "no element in MHD 4.2.3; the DMP does not use it (domain §3.1)",
	xds.AttrRepositoryUniqueID: "attachment.url stands for it",
	xds.AttrURI:                "only for XDM media (ITI-32)",
	xds.AttrAvailability:       "documentAvailability has no FHIR element; every document here is online",
	xds.AttrSourceID:           "SubmissionSet",
	xds.AttrSubmissionTime:     "SubmissionSet",
	xds.AttrContentType:        "SubmissionSet",
	xds.AttrIntendedRecipients: "SubmissionSet",
	xds.AttrFolderCodes:        "Folder",
	xds.AttrLastUpdateTime:     "meta.lastUpdated, of the metadata version; searched by _lastUpdated",
	xds.AttrAuthorPerson:       "part of author",
	xds.AttrAuthorInstitution:  "part of author",
	xds.AttrAuthorFamily:       "part of author",
	xds.AttrAuthorGiven:        "part of author",
	xds.AttrInstitutionName:    "part of author",
	xds.AttrRelatesTo:          "associations",
}

// PathOf is where a DocumentReference holds an attribute, as FHIRPath below the
// resource; "" when it holds it nowhere.
func PathOf(a xds.Attribute) string { return rows[a].path }

// listPaths are where a List holds the attributes of a SubmissionSet (MHD
// SubmissionSet mapping).
var listPaths = map[xds.Attribute]string{
	xds.AttrEntryUUID: "identifier", xds.AttrUniqueID: "identifier", xds.AttrTitle: "title", xds.AttrComments: "note",
	xds.AttrPatientID: "subject", xds.AttrSubmissionTime: "date", xds.AttrAuthor: "source",
	xds.AttrSourceID: "extension('" + extSourceID + "')", xds.AttrContentType: "extension('" + extDesignation + "')",
	xds.AttrIntendedRecipients: "extension('" + extRecipient + "')",
}

// ListPathOf is PathOf for a SubmissionSet in a List.
func ListPathOf(a xds.Attribute) string { return listPaths[a] }
