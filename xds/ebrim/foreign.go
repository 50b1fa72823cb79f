package ebrim

import (
	"encoding/base64"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// Foreign is what another community answered to a stored query. Only DecodeForeign
// makes one with something in it, from a message received: no object of our own
// registry becomes one, so that what is written without a Scope can only be what
// another gateway has filtered.
type Foreign struct {
	home    string
	errors  []ForeignError
	objects objects
	refs    bool
	done    bool // the community answered something: not a failure
}

// ForeignError is a RegistryError of another community. It is told with the
// homeCommunityId as its location (ITI TF-3 4.2.4.1).
type ForeignError struct {
	Home    string
	Code    string // of ITI TF-3 Table 4.2.4.1-2, as received
	Context string // at most 500 bytes of what was received
	Warning bool
}

// maxForeignErrors bounds the errors of one community that are told further.
const maxForeignErrors = 20

// Errors are the errors that the community gave, at most 20.
func (f Foreign) Errors() []ForeignError { return f.errors }

// Answered tells whether the community answered with success, in whole or in part.
func (f Foreign) Answered() bool { return f.done }

// DecodeForeign reads the query:AdhocQueryResponse of the community home to a
// question about patient with this return type. Everything in it must be that
// community's (ITI TF-2 3.38.4.1.3: home on every ExtrinsicObject, RegistryPackage and
// ObjectRef), about that patient, and of that type. Findings mean that the answer is
// of no use: nothing of it is kept. Warnings about metadata that the model leaves out
// are no findings: who asked is not who could mend them.
func DecodeForeign(el *xmlgate.Element, home string, as ReturnType, patient xds.CX) (Foreign, xds.Errors) {
	var d decoder
	if !el.Is(NamespaceQuery, "AdhocQueryResponse") {
		return Foreign{}, xds.Errors{{ID: "COM-003", Where: home, Expected: "query:AdhocQueryResponse"}}
	}
	f := Foreign{home: home, refs: as == ObjectRef}
	if f.errors, f.done = foreignErrors(el, home); !f.done {
		return f, nil
	}
	list := el.Child(NamespaceRIM, "RegistryObjectList")
	if list == nil {
		return f, nil
	}
	if findings := ofCommunity(list, home, f.refs); len(findings) > 0 {
		return Foreign{}, findings
	}
	f.objects = d.list(list)
	if d.found.Failed() {
		return Foreign{}, xds.Errors{{ID: "COM-003", Where: home, Expected: "des objets ebRIM conformes à ITI TF-3 4.2"}}
	}
	if !f.objects.about(patient) {
		return Foreign{}, xds.Errors{{ID: "COM-003", Where: home, Expected: "des objets du patient demandé et de lui seul"}}
	}
	return f, nil
}

// ofCommunity checks whose the objects of a list are, and their kind.
func ofCommunity(list *xmlgate.Element, home string, refs bool) xds.Errors {
	var found xds.Errors
	for i, el := range list.Children {
		given, there := el.AttrNS("", "home")
		where := home + " : " + el.Local + "[" + strconv.Itoa(i+1) + "]"
		switch {
		case el.Is(NamespaceRIM, "Classification"): // says which package is a Folder
		case refs != el.Is(NamespaceRIM, "ObjectRef"):
			found.Add(&xds.Error{ID: "COM-003", Where: where, Found: el.Local, Expected: "les objets du returnType demandé"})
		case !there && el.Is(NamespaceRIM, "Association"): // its ends have one
		case !there || given == "":
			found.Add(&xds.Error{ID: "COM-002", Where: where, Expected: "home=\"" + home + "\" sur chaque objet de la réponse"})
		case given != home:
			found.Add(&xds.Error{ID: "COM-003", Where: where + "@home", Found: given, Expected: home})
		}
	}
	return found
}

// about tells whether all objects are of one patient.
func (o *objects) about(patient xds.CX) bool {
	other := func(id xds.CX) bool { return !id.Same(patient) }
	return !slices.ContainsFunc(o.documents, func(d xds.DocumentEntry) bool { return other(d.PatientID) }) &&
		!slices.ContainsFunc(o.sets, func(s xds.SubmissionSet) bool { return other(s.PatientID) }) &&
		!slices.ContainsFunc(o.folders, func(f xds.Folder) bool { return other(f.PatientID) })
}

// foreignErrors reads status and errors; done is false for a failure.
func foreignErrors(el *xmlgate.Element, home string) (told []ForeignError, done bool) {
	r := response(el)
	done = r.Status == StatusSuccess || r.Status == StatusPartial
	for _, e := range r.Errors {
		if len(told) == maxForeignErrors {
			break
		}
		told = append(told, ForeignError{Home: home, Code: errorWord(e.Code), Context: bounded(e.Context), Warning: e.Warning})
	}
	if !done && !anyFailed(told) {
		told = append(told, ForeignError{Home: home, Code: "XDSRegistryError", Context: "échec sans explication | failure without a reason"})
	}
	return told, done
}

// errorWord keeps a code that is a word, and says the general one for any other text.
func errorWord(code string) string {
	letter := func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' }
	if code = code[strings.LastIndexByte(code, ':')+1:]; code == "" || len(code) > 64 || strings.ContainsFunc(code, func(r rune) bool { return !letter(r) }) {
		return "XDSRegistryError"
	}
	return code
}

// bounded is a text of another community, at most 500 bytes on a character boundary.
func bounded(text string) string {
	const limit = 500
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "…"
	}
	return text
}

func anyFailed(all []ForeignError) bool {
	return slices.ContainsFunc(all, func(f ForeignError) bool { return !f.Warning })
}

func (e *encoder) foreignError(f ForeignError) {
	severity := severityError
	if f.Warning {
		severity = severityWarning
	}
	e.open("rs:RegistryError")
	e.attr("errorCode", f.Code)
	e.attr("codeContext", f.Context)
	e.attr("severity", severity)
	e.attr("location", f.Home)
	e.empty()
}

// foreign writes the objects of another community, each with its home.
func (e *encoder) foreign(f *Foreign) {
	for _, id := range f.objects.refs {
		e.ref(id, f.home)
	}
	for i := range f.objects.sets {
		e.set(&f.objects.sets[i])
	}
	for i := range f.objects.documents {
		e.entry(&f.objects.documents[i])
	}
	for i := range f.objects.folders {
		e.folder(&f.objects.folders[i])
	}
	for i := range f.objects.associations {
		e.associationOf(&f.objects.associations[i], f.home)
	}
}

// ForeignDocument is one document of another community's answer.
type ForeignDocument struct {
	RetrieveRequest
	MimeType  string
	ContentID string           // under which we give it on, without angle brackets
	Element   *xmlgate.Element // as received: holds an xop:Include, or the base64 of the document
}

// Inline reads a document that came as base64 in the envelope.
func (d ForeignDocument) Inline() io.Reader {
	return base64.NewDecoder(base64.StdEncoding, strings.NewReader(strings.Join(strings.Fields(d.Element.Text), "")))
}

// DecodeForeignRetrieve reads the xdsb:RetrieveDocumentSetResponse of a community to a
// request for these documents. A document that was not asked for, twice or of another
// community makes the whole answer one of no use.
func DecodeForeignRetrieve(el *xmlgate.Element, home string, asked []RetrieveRequest) ([]ForeignDocument, []ForeignError, xds.Errors) {
	if !el.Is(NamespaceXDS, "RetrieveDocumentSetResponse") {
		return nil, nil, xds.Errors{{ID: "COM-003", Where: home, Expected: "xdsb:RetrieveDocumentSetResponse"}}
	}
	told, done := foreignErrors(el.Child(NamespaceRS, "RegistryResponse"), home)
	_, received, _ := DecodeRetrieveResponse(el)
	if !done {
		received = nil
	}
	var documents []ForeignDocument
	var found xds.Errors
	seen := map[RetrieveRequest]bool{}
	for i, r := range received {
		where := home + " : DocumentResponse[" + strconv.Itoa(i+1) + "]"
		switch {
		case r.HomeCommunityID == "":
			found.Add(&xds.Error{ID: "COM-002", Where: where, Object: r.DocumentUniqueID})
			continue
		case r.HomeCommunityID != home:
			found.Add(&xds.Error{ID: "COM-003", Where: where + ".HomeCommunityId", Found: r.HomeCommunityID, Expected: home})
			continue
		case !slices.Contains(asked, r.RetrieveRequest) || seen[r.RetrieveRequest]:
			found.Add(&xds.Error{ID: "COM-003", Where: where, Expected: "les documents demandés, une fois chacun"})
			continue
		}
		seen[r.RetrieveRequest] = true
		documents = append(documents, ForeignDocument{RetrieveRequest: r.RetrieveRequest, MimeType: r.MimeType, Element: r.Element})
	}
	if len(found) > 0 {
		return nil, nil, found
	}
	return documents, told, nil
}

// AppendForwardedQuery writes a query that was decoded without findings as it is asked
// of another community: the same id, return type and parameters with the literals
// that were given, and that community's homeCommunityId (ITI TF-2 3.38.4.1.2). Slots
// that are no parameters stay here.
func AppendForwardedQuery(b []byte, request *xmlgate.Element, q StoredQuery, home string) []byte {
	e := encoder{b}
	e.query(q.ReturnType, q.Row.UUID, home, func() {
		for _, slot := range request.Child(NamespaceRIM, "AdhocQuery").ChildrenNamed(NamespaceRIM, "Slot") {
			if name := slot.Attr("name"); q.Row.takes(name) && name != "$homeCommunityId" {
				e.slot(name, slotValues(slot)...)
			}
		}
	})
	return e.buf
}
