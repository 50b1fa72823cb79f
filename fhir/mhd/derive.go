package mhd

import (
	"slices"

	"github.com/passerelle-sante/passerelle/entrance"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
)

// cdaTypes are the media types under which a CDA may come.
var cdaTypes = []string{"text/xml", "application/xml", "application/hl7-v3+xml", "application/cda+xml"}

// complete gives a lot of limited metadata what its sender left out (D5): of a document
// what the header of its CDA says, of the set what the token and the instant say. What
// nobody says stays out, for the profile to judge.
func (s *Server) complete(c *call, lot *fhir.Provided) (findings xds.Errors) {
	set := &lot.Submission.Set
	for i := range lot.Submission.Documents {
		e := &lot.Submission.Documents[i]
		for _, d := range lot.Documents {
			if d.EntryID == e.EntryUUID && !s.derive(e, d) {
				findings.Add(&xds.Error{ID: "DOC-006", Where: pathOf(*lot, e.EntryUUID) + ".subject", Object: e.EntryUUID})
			}
		}
	}
	if set.SubmissionTime == "" {
		set.SubmissionTime = xds.NewDTM(s.Now())
	}
	if set.SourceID == "" {
		set.SourceID = s.Entrance.SourceID
	}
	if set.ContentType.IsZero() {
		set.ContentType = entrance.Undifferentiated
	}
	if len(set.Authors) == 0 {
		set.Authors = []xds.Author{entrance.DepositorOf(c.subject).Author(set.PatientID)}
	}
	return findings
}

// derive completes an entry by the header of its document, when that is a CDA. It is
// false for a CDA of another patient. What is wrong with the header is nobody's fault
// here: what it does not say is missing, as it was before.
func (s *Server) derive(e *xds.DocumentEntry, d fhir.BundleDocument) bool {
	if !slices.Contains(cdaTypes, e.MimeType) {
		return true
	}
	document, err := cda.Arrive(d.Open(), cda.Options{ClassOf: s.Entrance.ClassOf}, cda.MaxHeader)
	if err != nil {
		return true
	}
	h := &document.Entry
	if h.PatientID != "" && e.PatientID != "" && !h.PatientID.Same(e.PatientID) {
		return false
	}
	fill(&e.Title, h.Title)
	fill(&e.ClassCode, h.ClassCode)
	fill(&e.TypeCode, h.TypeCode)
	fill(&e.FormatCode, h.FormatCode)
	fill(&e.FacilityType, h.FacilityType)
	fill(&e.PracticeSetting, h.PracticeSetting)
	fill(&e.CreationTime, h.CreationTime)
	fill(&e.LanguageCode, h.LanguageCode)
	fill(&e.LegalAuthenticator, h.LegalAuthenticator)
	if e.ServiceStart == "" && e.ServiceStop == "" {
		e.ServiceStart, e.ServiceStop = h.ServiceStart, h.ServiceStop
	}
	if e.SourcePatientID == "" && len(e.SourcePatientInfo) == 0 {
		e.SourcePatientID, e.SourcePatientInfo = h.SourcePatientID, h.SourcePatientInfo
	}
	fillAll(&e.EventCodes, h.EventCodes)
	fillAll(&e.Authors, h.Authors)
	fillAll(&e.ReferenceIDs, h.ReferenceIDs)
	if base, _ := xds.SplitMarks(e.Confidentiality); len(base) == 0 {
		e.Confidentiality = slices.Concat(h.Confidentiality, e.Confidentiality)
	}
	return true
}

func fill[T comparable](at *T, value T) {
	var none T
	if *at == none {
		*at = value
	}
}

func fillAll[T any](at *[]T, values []T) {
	if len(*at) == 0 {
		*at = values
	}
}
