package fhir

import (
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// ID is the FHIR id of a document: the UUID of its logicalID (D2).
func ID(d xds.Document) string { return strings.TrimPrefix(d.Entry.LogicalID, uuidURN) }

// LogicalID is the logicalID behind a FHIR id, "" when the id cannot be one.
func LogicalID(id string) string {
	if lid := uuidURN + id; xds.IsUUID(lid) {
		return lid
	}
	return ""
}

// ETag is the version of a document for HTTP validators: the metadata version, and
// the marks of its lineage, which change without one (design §5).
func ETag(d xds.Document) string {
	return `W/"` + strconv.Itoa(d.Entry.Version) + marksOf(d.Marks) + `"`
}

// marksOf writes the marks of a lineage in a version.
func marksOf(marks xds.Marks) (letters string) {
	for _, m := range []struct {
		set    bool
		letter string
	}{{marks.MaskedPS, "m"}, {marks.HiddenPatient, "p"}, {marks.HiddenReps, "r"}} {
		if m.set {
			letters += m.letter
		}
	}
	return letters
}

// Relation is a relatesTo of a document whose target was admitted too.
type Relation struct {
	Type   xds.AssociationType
	Target authz.Visible[xds.Document]
}

// relationCodes are the codes of an association in relatesTo (MHD ConceptMap
// AssociationTypeVsRelatesTo); XFRM_RPLC is both of its halves.
var relationCodes = map[xds.AssociationType][]string{
	xds.Replaces: {"replaces"}, xds.Appends: {"appends"}, xds.Transforms: {"transforms"},
	xds.TransReplace: {"transforms", "replaces"}, xds.Signs: {"signs"}, xds.SnapshotOf: {"transforms"},
}

// AppendDocumentReference writes a document as a DocumentReference (MHD 4.2.3
// Comprehensive, PDSm when it holds all that PDSm asks for). base is the address of
// the FHIR face, without a slash at the end. The zero Visible writes nothing.
func AppendDocumentReference(b []byte, v authz.Visible[xds.Document], base string, relations ...Relation) []byte {
	d, ok := v.Value()
	if !ok {
		return b
	}
	w := documents{out: out{b}, base: base}
	w.write(&d, relations)
	return w.b
}

func (w *documents) write(d *xds.Document, relations []Relation) {
	e := &d.Entry
	w.fixed(`{"resourceType":"DocumentReference"`)
	id := strings.TrimPrefix(e.LogicalID, uuidURN)
	w.str("id", id)
	w.meta(d)
	w.containedOf(e)
	if e.AvailabilityStatus == xds.Archived {
		w.open("extension", '[')
		w.open("", '{')
		w.str("url", extArchived)
		w.truth("valueBoolean", true)
		w.b = append(w.b, '}', ']')
	}
	w.identifiers(e)
	w.str("status", statusCode(e.AvailabilityStatus))
	w.concept(sayType, "type", e.TypeCode)
	if !e.ClassCode.IsZero() {
		w.open("category", '[')
		w.concept(sayCategory, "", e.ClassCode)
		w.shut(']')
	}
	w.say(saySubject, written{texts: [3]string{d.Record, string(e.PatientID)}}, func() { w.subject(d.Record, e.PatientID) })
	w.instant("date", e.CreationTime)
	w.authorReferences(e)
	if len(e.Authors) == 1 {
		w.say(sayCustodian, written{texts: [3]string{d.Structure}, institutions: e.Authors[0].Institutions}, func() { w.custodian(d) })
	} else {
		w.custodian(d)
	}
	w.relations(relations)
	w.str("description", e.Comments)
	w.concepts(sayLabel, "securityLabel", e.Confidentiality)
	w.content(e, id)
	w.context(e)
	w.shut('}')
}

func (w *out) meta(d *xds.Document) {
	w.fixed(`"meta":{"versionId":"`)
	w.b = append(strconv.AppendInt(w.b, int64(max(d.Entry.Version, 1)), 10), '"')
	if d.Labels.UpdatedUnix != 0 {
		w.key("lastUpdated")
		w.b = append(time.Unix(d.Labels.UpdatedUnix, 0).UTC().AppendFormat(append(w.b, '"'), time.RFC3339), '"')
	}
	w.key("profile")
	w.b = append(append(w.b, profilesOf(d)...), '}')
}

// containedOf writes the people of an entry.
func (w *documents) containedOf(e *xds.DocumentEntry) {
	if len(e.Authors) == 0 && e.LegalAuthenticator == "" && e.SourcePatientID == "" && len(e.SourcePatientInfo) == 0 {
		return
	}
	w.open("contained", '[')
	for i, a := range e.Authors {
		w.say(sayAuthor, written{texts: [3]string{authorID(i), string(a.Person)}, institutions: a.Institutions, lists: [3][]string{a.Roles, a.Specialties, a.Telecoms}}, func() {
			w.author(authorID(i), a)
		})
	}
	if e.LegalAuthenticator != "" {
		w.say(sayAuthenticator, written{texts: [3]string{string(e.LegalAuthenticator)}}, func() { w.authenticator("authenticator", e.LegalAuthenticator) })
	}
	if e.SourcePatientID != "" || len(e.SourcePatientInfo) > 0 {
		w.say(saySource, written{texts: [3]string{string(e.SourcePatientID)}, lists: [3][]string{e.SourcePatientInfo}}, func() {
			w.sourcePatient("patient", e.SourcePatientID, e.SourcePatientInfo)
		})
	}
	w.shut(']')
}

func authorID(i int) string {
	if i == 0 {
		return "author1"
	}
	return "author" + strconv.Itoa(i+1)
}

// identifiers writes masterIdentifier (uniqueId) and the identifiers: the current
// entryUUID (official), the logicalID and again the uniqueId, which the DMP looks
// for among them (domain §3.2 a).
func (w *out) identifiers(e *xds.DocumentEntry) {
	w.comma()
	start := len(w.b) + len(`"masterIdentifier":`)
	w.uniqueID("masterIdentifier", e.UniqueID)
	end := len(w.b)
	w.open("identifier", '[')
	if e.EntryUUID != "" {
		w.identifier("", "official", e.EntryUUID)
	}
	if e.LogicalID != "" {
		w.identifier("", "secondary", e.LogicalID)
	}
	if end > start {
		w.comma()
		w.b = append(w.b, w.b[start:end]...)
	}
	w.shut(']')
}

func (w *out) uniqueID(name, uid string) {
	if uid == "" {
		return
	}
	w.open(name, '{')
	if xds.IsOID(uid) { // as nearly all are
		w.fixed(`"use":"usual","system":"` + uriSystem + `","value":"` + oidURN)
		w.b = append(append(w.b, uid...), `"}`...)
		return
	}
	system, value, _ := uniqueURI(uid)
	if uniqueIDOf(system, value) != uid {
		w.verbatim(uid)
	}
	w.str("use", "usual")
	w.str("system", system)
	w.str("value", value)
	w.shut('}')
}

// statusCode is availabilityStatus in FHIR; an archived document is current and
// carries the extension isArchived.
func statusCode(s xds.Status) string {
	switch s {
	case xds.Deprecated:
		return "superseded"
	case xds.Deleted:
		return "entered-in-error"
	}
	return "current"
}

// subject writes the patient by record and by identifier (D9).
func (w *out) subject(record string, patient xds.CX) {
	if patient == "" {
		return
	}
	w.open("subject", '{')
	if record != "" {
		w.str("reference", "Patient/"+record)
	}
	w.open("identifier", '{')
	id, rebuilt := cxID(patient)
	id.write(w, string(patient), rebuilt)
	w.b = append(w.b, '}', '}')
}

func (w *out) authorReferences(e *xds.DocumentEntry) {
	if len(e.Authors) > 0 {
		w.open("author", '[')
		for i := range e.Authors {
			w.open("", '{')
			w.joined("reference", "#", authorID(i))
			w.shut('}')
		}
		w.shut(']')
	}
	if e.LegalAuthenticator != "" {
		w.reference("authenticator", "#authenticator")
	}
}

// custodian writes the structure that deposited the document, with the name and
// the space that an author's institution gives it.
func (w *out) custodian(d *xds.Document) {
	if d.Structure == "" {
		return
	}
	id, name := hl7ID{value: d.Structure}, ""
	for _, a := range d.Entry.Authors {
		for _, x := range a.Institutions {
			if x.ID() == d.Structure && id.oid == "" {
				id, name = newID(x.ID(), x.Authority(), component(string(x), 7)), x.Name()
			}
		}
	}
	w.open("custodian", '{')
	w.open("identifier", '{')
	id.write(w, "", "")
	w.shut('}')
	w.str("display", name)
	w.shut('}')
}

func (w *out) relations(relations []Relation) {
	started := false
	for _, r := range relations {
		target, ok := r.Target.Value()
		if !ok {
			continue
		}
		for _, code := range relationCodes[r.Type] {
			if !started {
				w.open("relatesTo", '[')
				started = true
			}
			w.open("", '{')
			w.str("code", code)
			w.reference("target", "DocumentReference/"+ID(target))
			w.shut('}')
		}
	}
	if started {
		w.shut(']')
	}
}

// content writes the attachment. Its URL is opaque: the logicalID again, under
// which the document is authorised anew when it is fetched (Q7).
func (w *documents) content(e *xds.DocumentEntry, id string) {
	w.fixed(`"content":[{"attachment":{`)
	w.str("contentType", e.MimeType)
	w.str("language", e.LanguageCode)
	if id == "" { // of a document that is not registered
		w.str("url", w.base)
	} else {
		w.joined("url", w.base, "/Binary/", id)
	}
	if e.Size != 0 {
		w.number("size", e.Size)
	}
	w.hash("hash", e.Hash)
	w.str("title", e.Title)
	w.dateTime("creation", e.CreationTime)
	w.shut('}')
	if !e.FormatCode.IsZero() {
		c := e.FormatCode
		w.say(sayFormat, written{texts: [3]string{c.Value, c.Scheme, c.Display}}, func() {
			w.open("format", '{')
			w.coding(c)
			w.shut('}')
		})
	}
	w.b = append(w.b, '}', ']')
}

func (w *documents) context(e *xds.DocumentEntry) {
	source := e.SourcePatientID != "" || len(e.SourcePatientInfo) > 0
	if !source && len(e.EventCodes)+len(e.ReferenceIDs) == 0 && e.ServiceStart == "" && e.ServiceStop == "" && e.FacilityType.IsZero() && e.PracticeSetting.IsZero() {
		return
	}
	w.open("context", '{')
	w.concepts(sayEvent, "event", e.EventCodes)
	if e.ServiceStart != "" || e.ServiceStop != "" {
		w.open("period", '{')
		w.dateTime("start", e.ServiceStart)
		w.dateTime("end", e.ServiceStop)
		w.shut('}')
	}
	w.concept(sayFacility, "facilityType", e.FacilityType)
	w.concept(sayPractice, "practiceSetting", e.PracticeSetting)
	if source {
		w.reference("sourcePatientInfo", "#patient")
	}
	w.related(e.ReferenceIDs)
	w.shut('}')
}

// related writes reference identifiers (CXi).
func (w *out) related(ids []string) {
	if len(ids) == 0 {
		return
	}
	w.open("related", '[')
	for _, raw := range ids {
		id, rebuilt := cxiID(raw)
		w.open("", '{')
		w.open("identifier", '{')
		id.write(w, raw, rebuilt)
		w.b = append(w.b, '}', '}')
	}
	w.shut(']')
}

// cxiID takes a CXi apart; rebuilt is what referenceID would make of the parts.
func cxiID(raw string) (id hl7ID, rebuilt string) {
	cx := xds.CX(raw)
	id, rebuilt = cxID(cx)
	if id.kind == referenceUnique && id.oid == "" {
		_, value, ok := uniqueURI(id.value)
		if ok {
			id.value, id.oid = value, uriSystem
		}
		rebuilt = carets(map[int]string{1: cx.ID(), 5: referenceUnique})
	}
	return id, rebuilt
}
