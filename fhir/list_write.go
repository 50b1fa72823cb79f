package fhir

import (
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

const (
	mhdMinimalSet = mhdProfiles + "Minimal.SubmissionSet"
	mhdSet        = mhdProfiles + "Comprehensive.SubmissionSet"
)

// AppendList writes a SubmissionSet as a List with those of its members that were
// admitted (MHD SubmissionSet mapping). record is the opaque id of the patient's
// record. The zero Visible writes nothing.
func AppendList(b []byte, v authz.Visible[xds.SubmissionSet], members []authz.Visible[xds.Document], record string) []byte {
	s, ok := v.Value()
	if !ok {
		return b
	}
	w := out{b}
	w.open("", '{')
	w.str("resourceType", "List")
	w.str("id", strings.TrimPrefix(s.EntryUUID, uuidURN))
	w.open("meta", '{')
	w.open("profile", '[')
	profile := mhdMinimalSet
	if !s.ContentType.IsZero() && s.PatientID != "" {
		profile = mhdSet
	}
	w.text(profile)
	w.b = append(w.b, ']', '}')
	if len(s.Authors) > 0 {
		w.open("contained", '[')
		w.author("source", s.Authors[0])
		w.shut(']')
	}
	w.setExtensions(s)
	w.open("identifier", '[')
	w.uniqueID("", s.UniqueID)
	w.identifier("", "official", s.EntryUUID)
	w.shut(']')
	w.str("status", "current")
	w.str("mode", "working")
	w.str("title", s.Title)
	w.concept("code", xds.Code{Value: "submissionset", Scheme: listTypes})
	w.subject(record, s.PatientID)
	w.dateTime("date", s.SubmissionTime)
	if len(s.Authors) > 0 {
		w.reference("source", "#source")
	}
	if s.Comments != "" {
		w.open("note", '[')
		w.open("", '{')
		w.str("text", s.Comments)
		w.b = append(w.b, '}', ']')
	}
	if len(members) > 0 {
		w.open("entry", '[')
		for _, m := range members {
			if d, ok := m.Value(); ok {
				w.open("", '{')
				w.reference("item", "DocumentReference/"+ID(d))
				w.shut('}')
			}
		}
		w.shut(']')
	}
	w.shut('}')
	return w.b
}

func (w *out) setExtensions(s xds.SubmissionSet) {
	w.open("extension", '[')
	if !s.ContentType.IsZero() {
		w.open("", '{')
		w.str("url", extDesignation)
		w.concept("valueCodeableConcept", s.ContentType)
		w.shut('}')
	}
	w.open("", '{')
	w.str("url", extSourceID)
	w.identifier("valueIdentifier", "", oidURN+s.SourceID)
	w.b = append(w.b, '}', ']')
}
