package fhir

import (
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

const (
	mhdMinimalSet    = mhdProfiles + "Minimal.SubmissionSet"
	mhdSet           = mhdProfiles + "Comprehensive.SubmissionSet"
	mhdMinimalFolder = mhdProfiles + "Minimal.Folder"
	mhdFolder        = mhdProfiles + "Comprehensive.Folder"
	pdsmSet          = pdsmProfiles + "pdsm-submissionset-comprehensive"
	pdsmFolder       = pdsmProfiles + "pdsm-folder-comprehensive"
)

// ListProfiles are the profiles that a List of this server may claim.
func ListProfiles() []string {
	return []string{mhdMinimalSet, mhdSet, pdsmSet, mhdMinimalFolder, mhdFolder, pdsmFolder}
}

// List is a SubmissionSet or a Folder with those of its members that were admitted.
type List struct {
	Set       authz.Visible[xds.SubmissionSet] // or
	Folder    authz.Visible[xds.Folder]
	Documents []authz.Visible[xds.Document]
	Folders   []authz.Visible[xds.Folder]
	Record    string    // opaque id of the patient's record
	Changed   time.Time // as the reader sees it; zero = not said
}

// ID is the FHIR id of the List: the entryUUID of a set, the logicalID of a folder.
func (l List) ID() string {
	if set, ok := l.Set.Value(); ok {
		return strings.TrimPrefix(set.EntryUUID, uuidURN)
	}
	f, _ := l.Folder.Value()
	return strings.TrimPrefix(f.LogicalID, uuidURN)
}

// items are the references to the members. An on-demand entry has no document yet,
// hence no DocumentReference.
func (l List) items() []string {
	var items []string
	for _, v := range l.Documents {
		if d, ok := v.Value(); ok && d.Entry.ObjectType != xds.OnDemandDocument {
			items = append(items, "DocumentReference/"+ID(d))
		}
	}
	for _, v := range l.Folders {
		if _, ok := v.Value(); ok {
			items = append(items, "List/"+List{Folder: v}.ID())
		}
	}
	return items
}

// AppendList writes a List (MHD SubmissionSet and Folder mappings, PDSm). One of which
// neither set nor folder was admitted writes nothing.
func AppendList(b []byte, l List) []byte {
	w := out{b}
	if set, ok := l.Set.Value(); ok {
		w.submissionSet(set, l)
	} else if f, ok := l.Folder.Value(); ok {
		w.folder(f, l)
	}
	return w.b
}

func (w *out) submissionSet(s xds.SubmissionSet, l List) {
	w.listHead(l, 1, setProfiles(s, l))
	if len(s.Authors)+len(s.IntendedRecipients) > 0 {
		w.open("contained", '[')
		if len(s.Authors) > 0 {
			w.author("source", s.Authors[0])
		}
		for i, text := range s.IntendedRecipients {
			w.recipient(recipientID(i), text)
		}
		w.shut(']')
	}
	w.open("extension", '[')
	w.designation(s.ContentType)
	w.listExtension(extSourceID)
	w.identifier("valueIdentifier", "", oidURN+s.SourceID)
	w.shut('}')
	for i := range s.IntendedRecipients {
		w.listExtension(extRecipient)
		w.reference("valueReference", "#"+recipientID(i))
		w.shut('}')
	}
	w.shut(']')
	w.open("identifier", '[')
	w.uniqueID("", s.UniqueID)
	w.identifier("", "official", s.EntryUUID)
	w.shut(']')
	w.listBody("submissionset", s.AvailabilityStatus, s.Title, s.PatientID, s.SubmissionTime, l)
	if len(s.Authors) > 0 {
		w.source(s.Authors[0])
	}
	w.listTail(s.Comments, l)
}

func (w *out) folder(f xds.Folder, l List) {
	w.listHead(l, f.Version, folderProfiles(f, l))
	if len(f.Codes) > 0 {
		w.open("extension", '[')
		for _, c := range f.Codes {
			w.designation(c)
		}
		w.shut(']')
	}
	w.open("identifier", '[')
	w.uniqueID("", f.UniqueID)
	w.identifier("", "official", f.EntryUUID)
	if f.LogicalID != f.EntryUUID {
		w.identifier("", "secondary", f.LogicalID)
	}
	w.shut(']')
	w.listBody("folder", f.AvailabilityStatus, f.Title, f.PatientID, f.LastUpdateTime, l)
	w.listTail(f.Comments, l)
}

func (w *out) listHead(l List, version int, profiles []string) {
	w.open("", '{')
	w.str("resourceType", "List")
	w.str("id", l.ID())
	w.open("meta", '{')
	w.str("versionId", strconv.Itoa(max(version, 1)))
	if !l.Changed.IsZero() {
		w.str("lastUpdated", l.Changed.UTC().Format(time.RFC3339))
	}
	w.list("profile", profiles...)
	w.shut('}')
}

func (w *out) listBody(code string, status xds.Status, title string, patient xds.CX, date xds.DTM, l List) {
	if status == xds.Deprecated {
		w.str("status", "retired")
	} else {
		w.str("status", "current")
	}
	w.str("mode", "working")
	w.str("title", title)
	w.concept("code", xds.Code{Value: code, Scheme: listTypes})
	w.subject(l.Record, patient)
	w.dateTime("date", date)
}

func (w *out) listTail(comments string, l List) {
	if comments != "" {
		w.open("note", '[')
		w.open("", '{')
		w.str("text", comments)
		w.b = append(w.b, '}', ']')
	}
	if items := l.items(); len(items) > 0 {
		w.open("entry", '[')
		for _, item := range items {
			w.open("", '{')
			w.reference("item", item)
			w.shut('}')
		}
		w.shut(']')
	}
	w.shut('}')
}

// source writes List.source with the organisation of the author beside him.
func (w *out) source(a xds.Author) {
	w.open("source", '{')
	if len(a.Institutions) > 0 {
		w.open("extension", '[')
		w.listExtension(extAuthorOrg)
		w.reference("valueReference", "#"+orgID("source", 0))
		w.b = append(w.b, '}', ']')
	}
	w.str("reference", "#source")
	w.shut('}')
}

func recipientID(i int) string { return "recipient" + strconv.Itoa(i+1) }

// recipient writes an intendedRecipient, XON|XCN|XTN (ITI TF-3 4.2.3.3.7).
func (w *out) recipient(id, text string) {
	parts := strings.SplitN(text, "|", 3)
	if len(parts) > 1 && parts[1] != "" {
		w.authenticator(id, xds.XCN(parts[1]))
	} else {
		w.organisation(id, xds.XON(parts[0]))
	}
}

// listExtension opens an extension; the caller writes its value and shuts it.
func (w *out) listExtension(url string) {
	w.open("", '{')
	w.str("url", url)
}

func (w *out) designation(c xds.Code) {
	if c.IsZero() {
		return
	}
	w.listExtension(extDesignation)
	w.concept("valueCodeableConcept", c)
	w.shut('}')
}

// setProfiles claims only what the set fulfils (P6).
func setProfiles(s xds.SubmissionSet, l List) []string {
	comprehensive := !s.ContentType.IsZero() && s.PatientID != ""
	switch {
	case s.AvailabilityStatus == xds.Deprecated:
		return nil // the profiles know current ones alone
	case comprehensive && len(s.Authors) > 0 && authorResource(s.Authors[0]) != "Practitioner" && l.inPDSm():
		return []string{mhdSet, pdsmSet}
	case comprehensive:
		return []string{mhdSet}
	}
	return []string{mhdMinimalSet}
}

// inPDSm tells whether the members claim PDSm too, which allows its Lists no others.
func (l List) inPDSm() bool {
	for _, v := range l.Documents {
		if d, ok := v.Value(); ok && profilesOf(&d) != claimsPDSm {
			return false
		}
	}
	return true
}

func folderProfiles(f xds.Folder, l List) []string {
	switch comprehensive := len(f.Codes) > 0 && f.Title != "" && f.PatientID != ""; {
	case comprehensive && len(f.Codes) == 1 && len(l.items()) > 0 && l.inPDSm():
		return []string{mhdFolder, pdsmFolder}
	case comprehensive:
		return []string{mhdFolder}
	}
	return []string{mhdMinimalFolder}
}
