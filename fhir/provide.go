package fhir

import (
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// The bundle profiles of ITI-65 that are taken (P1, D5).
const (
	minimalBundle   = mhdProfiles + "Minimal.ProvideBundle"
	fullBundle      = mhdProfiles + "Comprehensive.ProvideBundle"
	uncontainedFull = mhdProfiles + "UnContained.Comprehensive.ProvideBundle"
	pdsmBundle      = pdsmProfiles + "pdsm-comprehensive-provide-document-bundle"
)

var bundleProfiles = []string{minimalBundle, fullBundle, uncontainedFull, pdsmBundle}

// BundleDocument is the document behind a DocumentEntry of a bundle.
type BundleDocument struct {
	EntryID     string // DocumentEntry.EntryUUID
	ContentType string
	data        string
}

// Open decodes the bytes as they are read; ReadResource has checked that they are base64.
func (d BundleDocument) Open() io.Reader {
	data := d.data
	if strings.ContainsAny(data, " \t") { // which XML makes of lines; the decoder skips lines alone
		data = strings.NewReplacer(" ", "", "\t", "").Replace(data)
	}
	return base64.NewDecoder(base64.StdEncoding, strings.NewReader(data))
}

// PlannedEntry says what an entry of the request makes, so that the response can be
// given in the same order (P10).
type PlannedEntry struct {
	Resource string // List, DocumentReference, Binary, Parameters, Patient
	EntryID  string // EntryUUID of the object in the submission: the set, a document, a folder; or the registered object that is changed
	Changes  bool   // something that is registered
}

// Provided is an ITI-65 bundle as a submission.
type Provided struct {
	Submission xds.Submission
	Documents  []BundleDocument
	Plan       []PlannedEntry
	// Limited says that the sender claims Minimal metadata: what he leaves out is derived
	// from a CDA (D5). Comprehensive ones are never completed.
	Limited bool
	Alone   bool // one DocumentReference, no bundle (ITI-105)
}

// ReadProvideBundle reads a Provide Document Bundle that ReadResource accepted (ITI
// TF-2 3.65.4.1.2; checklist P1–P11). Objects without an entryUUID of their own get
// the symbolic ids SubmissionSet and DocumentReference-n, which the registry replaces.
// The findings say what is wrong with the message; value sets, hashes and sizes are
// checked by the caller.
func ReadProvideBundle(n *Node, refs References) (Provided, xds.Errors) {
	b := bundle{place: root(n), refs: refs, byURL: map[string]int{}}
	b.refs.entries = map[string]*Node{}
	b.head()
	b.out.Limited = b.profile == minimalBundle
	b.index()
	b.submissionSet()
	for i := range b.entries {
		b.document(i)
	}
	for i := range b.entries {
		b.folder(i)
	}
	b.patches()
	b.unused()
	b.onePatient()
	return b.out, b.findings
}

// bundle is a Provide Document Bundle in the reading.
type bundle struct {
	place
	refs     References
	profile  string
	entries  []bundleEntry
	byURL    map[string]int // fullUrl → entry
	list     int            // entry of the SubmissionSet
	replaced []string       // targets of relatesTo replaces, as local references
	patients []xds.CX
	out      Provided
	findings xds.Errors
}

// bundleEntry is one entry of the request.
type bundleEntry struct {
	place
	resource place
	kind     string // resource type
	method   string
	url      string // fullUrl
	id       string // EntryUUID in the submission
	used     bool   // a Binary that a document points to
	folder   bool   // a List of code folder
}

func (b *bundle) refuse(p place, found, expected string) {
	b.findings.Add(xds.Found("FHIR-009", p.path, found, expected))
}

// head checks type and profile.
func (b *bundle) head() {
	if kind := b.Str("type"); kind != "transaction" {
		b.refuse(b.get("type"), kind, "transaction")
	}
	var claimed []string
	for _, p := range b.follow("meta.profile").each() {
		name, _, _ := strings.Cut(p.Text, "|")
		claimed = append(claimed, name)
		if slices.Contains(bundleProfiles, name) {
			b.profile = name
		}
	}
	if b.profile == "" {
		b.refuse(b.follow("meta.profile"), strings.Join(claimed, ", "), "un profil parmi "+strings.Join(bundleProfiles, ", "))
	}
}

// index sorts the entries into the slices of the profile, which are closed (P1).
func (b *bundle) index() {
	b.list = -1
	documents, patients := 0, 0
	for i, at := range b.get("entry").each() {
		e := bundleEntry{place: at, resource: at.get("resource"), method: at.get("request").Str("method"), url: at.Str("fullUrl")}
		e.kind = e.resource.ResourceType()
		switch slice := e.kind + " " + e.method; slice {
		case "List POST", "List PUT":
			b.listEntry(i, &e)
		case "DocumentReference POST":
			documents++
			e.id = officialID(e.resource, "DocumentReference-"+strconv.Itoa(documents))
		case "Patient POST", "Patient PUT", "Patient GET":
			if patients++; patients > 1 {
				b.refuse(at, "deuxième Patient", "un seul")
			}
		case "Binary POST", "Parameters PATCH":
		case "Bundle POST":
			b.findings.Add(&xds.Error{ID: "FHIR-012", Where: e.resource.path})
		default:
			b.refuse(at, slice, "List, DocumentReference ou Binary en POST, Parameters en PATCH, Patient")
		}
		b.unconditional(at.get("request"))
		if target := at.get("request").get("url"); e.method == "POST" && strings.Trim(b.refs.local(target.text()), "/") != e.kind {
			b.refuse(target, target.text(), e.kind)
		}
		switch {
		case e.url == "" && (e.kind == "Binary" || e.kind == "DocumentReference"):
			b.refuse(at.get("fullUrl"), "", "urn:uuid:…")
		case e.url != "" && b.refs.entries[e.url] != nil:
			b.refuse(at.get("fullUrl"), e.url, "un fullUrl par entrée")
		case e.url != "" && e.resource.there():
			b.refs.entries[e.url] = e.resource.Node
			b.byURL[e.url] = i
		}
		b.entries = append(b.entries, e)
		b.out.Plan = append(b.out.Plan, PlannedEntry{Resource: e.kind, EntryID: e.id, Changes: e.method == "PUT" || e.method == "PATCH"})
	}
	if documents > maxDocuments {
		b.findings.Add(xds.Found("META-015", b.get("entry").path, strconv.Itoa(documents), "au plus "+strconv.Itoa(maxDocuments)+" documents"))
	}
}

// WithoutDocuments says of the findings about a bundle that cannot be read that it holds
// FHIR documents, whose resources the gateway does not read: that is one finding each,
// FHIRDocumentNotSupported (P11).
func WithoutDocuments(n *Node, err error) error {
	var findings xds.Errors
	if n == nil || !errors.As(err, &findings) {
		return err
	}
	var others xds.Errors
	for _, e := range root(n).get("entry").each() {
		if document := e.get("resource"); document.ResourceType() == "Bundle" {
			others.Add(&xds.Error{ID: "FHIR-012", Where: document.path})
			findings = slices.DeleteFunc(findings, func(f *xds.Error) bool { return strings.HasPrefix(f.Where, document.path+".") })
		}
	}
	others.AddAll(findings)
	return others
}

// maxDocuments bounds a submission (design §5).
const maxDocuments = 250

// unconditional refuses conditions on single entries: a lot is stored whole or not at all.
func (b *bundle) unconditional(request place) {
	for _, name := range []string{"ifNoneMatch", "ifModifiedSince", "ifMatch", "ifNoneExist"} {
		if at := request.get(name); at.there() {
			b.refuse(at, "", "aucune condition : les doublons se voient aux identifiants")
		}
	}
}

// listEntry tells the SubmissionSet, exactly one, from Folders.
func (b *bundle) listEntry(i int, e *bundleEntry) {
	switch code := e.resource.follow("code.coding[0]").Str("code"); {
	case code == "folder":
		e.folder = true
		if e.method == "POST" {
			e.id = officialID(e.resource, "Folder-"+strconv.Itoa(i))
		}
	case code != "submissionset" || e.method != "POST":
		b.refuse(e.resource.get("code"), code, "submissionset ("+listTypes+")")
	case b.list >= 0:
		b.refuse(e.resource, "deuxième SubmissionSet", "un seul")
	default:
		b.list = i
		e.id = officialID(e.resource, "SubmissionSet")
	}
}

// officialID is the entryUUID that the sender chose, else a symbolic id.
func officialID(resource place, symbol string) string {
	for _, id := range resource.get("identifier").each() {
		if value := strings.ToLower(id.Str("value")); id.Str("use") == "official" && xds.IsUUID(value) {
			return value
		}
	}
	return symbol
}

// read starts the reading of one resource of the bundle.
func (b *bundle) read(p place) *reading {
	return &reading{refs: b.refs, resource: p, pushed: true}
}

// submissionSet reads the List (P6).
func (b *bundle) submissionSet() {
	if b.list < 0 {
		b.refuse(b.get("entry"), "aucun SubmissionSet", "une List de code submissionset")
		return
	}
	e := b.entries[b.list]
	r := b.read(e.resource)
	set := r.submissionSet(b.profile)
	set.EntryUUID = e.id
	b.out.Submission.Set = set
	if set.PatientID != "" {
		b.patients = append(b.patients, set.PatientID)
	}
	for _, item := range e.resource.get("entry").each() {
		b.plain(item)
		b.member(item)
	}
	b.findings = append(b.findings, r.findings...)
}

// document reads a DocumentReference with its Binary and its relations (P4, P5, P7, P9).
func (b *bundle) document(i int) {
	e := b.entries[i]
	if e.kind != "DocumentReference" || e.id == "" {
		return
	}
	r := b.read(e.resource)
	r.constraints(b.profile)
	r.containment(b.profile)
	entry := r.entry()
	entry.EntryUUID = e.id
	if entry.PatientID != "" {
		b.patients = append(b.patients, entry.PatientID)
	}
	b.findings = append(b.findings, r.findings...)
	b.out.Submission.Documents = append(b.out.Submission.Documents, entry)
	b.content(e, entry)
	b.relate(e)
	member := func(a xds.Association) bool { return a.Type == xds.HasMember && a.Target == e.id }
	if b.list >= 0 && !slices.ContainsFunc(b.out.Submission.Associations, member) {
		b.refuse(b.entries[b.list].resource.get("entry"), "le lot ne cite pas "+e.path, "une entrée par DocumentReference du lot")
	}
}

// content finds the Binary that attachment.url names (P7).
func (b *bundle) content(e bundleEntry, entry xds.DocumentEntry) {
	at := e.resource.follow("content[0].attachment")
	i, ok := b.byURL[at.Str("url")]
	if !ok || b.entries[i].kind != "Binary" {
		b.findings.Add(&xds.Error{ID: "DOC-001", Where: at.path + ".url", Found: at.Str("url"), Expected: "le fullUrl d'un Binary du lot", Object: e.id})
		return
	}
	b.entries[i].used = true
	b.out.Plan[i].EntryID = e.id
	binary := b.entries[i].resource
	if kind := binary.Str("contentType"); kind != entry.MimeType && entry.MimeType != "" {
		b.refuse(binary.get("contentType"), kind, entry.MimeType+", comme attachment.contentType")
	}
	if binary.Str("data") == "" {
		b.findings.Add(&xds.Error{ID: "META-008", Where: binary.path + ".data", Object: e.id})
		return
	}
	b.out.Documents = append(b.out.Documents, BundleDocument{EntryID: e.id, ContentType: binary.Str("contentType"), data: binary.Str("data")})
}

// unused refuses documents without metadata.
func (b *bundle) unused() {
	for _, e := range b.entries {
		if e.kind == "Binary" && !e.used {
			b.findings.Add(&xds.Error{ID: "DOC-002", Where: e.resource.path})
		}
	}
}

// onePatient checks that the set and its documents are about one patient (P8).
func (b *bundle) onePatient() {
	for _, cx := range b.patients[min(1, len(b.patients)):] {
		if !cx.Same(b.patients[0]) {
			b.findings.Add(&xds.Error{ID: "META-016", Where: "Bundle.entry"})
			return
		}
	}
}
