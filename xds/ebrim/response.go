package ebrim

import (
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// The statuses of an answer (ITI TF-3 4.2.4.2).
const (
	StatusSuccess = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"
	StatusFailure = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure"
	StatusPartial = "urn:ihe:iti:2007:ResponseStatusType:PartialSuccess"
)

const (
	severityError   = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"
	severityWarning = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Warning"
)

// Answer is what every response says of the request as a whole.
type Answer struct {
	Findings   xds.Errors
	Repository bool // the repository actor answers: it has codes of its own
	Partial    bool // something is answered in spite of the errors (ITI-43)
	// Home is the homeCommunityId that every object of the answer carries; "" = none
	// (ITI TF-2 3.38.4.1.3).
	Home string
	// Foreign are the errors that other communities gave, told as theirs.
	Foreign []ForeignError
	// Location says where a finding is; nil = its path with line and column.
	Location func(*xds.Error) string
}

// Status is the outcome: warnings leave a success.
func (a Answer) Status() string {
	switch {
	case !a.Findings.Failed() && !anyFailed(a.Foreign):
		return StatusSuccess
	case a.Partial:
		return StatusPartial
	default:
		return StatusFailure
	}
}

// AppendRegistryResponse appends an rs:RegistryResponse (ITI-41, ITI-42).
func AppendRegistryResponse(b []byte, a Answer) []byte {
	e := encoder{b}
	e.registryResponse(a, ` xmlns:rs="`+NamespaceRS+`"`, func(p xds.Problem) string { return p.SubmissionCode(a.Repository) })
	return e.buf
}

func (e *encoder) registryResponse(a Answer, declarations string, code func(xds.Problem) string) {
	e.open("rs:RegistryResponse")
	e.buf = append(e.buf, declarations...)
	e.attr("status", a.Status())
	if len(a.Findings)+len(a.Foreign) == 0 {
		e.empty()
		return
	}
	e.more()
	e.errorList(a, code)
	e.close("rs:RegistryResponse")
}

// errorList writes all findings. codeContext is the text of the finding, which
// starts with its own code; errorCode is the code of ITI TF-3 Table 4.2.4.1-2 on the
// transaction that answers.
func (e *encoder) errorList(a Answer, code func(xds.Problem) string) {
	if len(a.Findings)+len(a.Foreign) == 0 {
		return
	}
	highest := severityWarning
	if a.Findings.Failed() || anyFailed(a.Foreign) {
		highest = severityError
	}
	e.open("rs:RegistryErrorList")
	e.attr("highestSeverity", highest)
	e.more()
	for _, f := range a.Findings {
		severity := severityError
		if f.Severity == xds.SeverityWarning {
			severity = severityWarning
		}
		e.open("rs:RegistryError")
		e.attr("errorCode", code(f.Problem()))
		e.attr("codeContext", f.Error())
		e.attr("severity", severity)
		e.attrIf("location", a.location(f))
		e.empty()
	}
	for _, f := range a.Foreign {
		e.foreignError(f)
	}
	e.close("rs:RegistryErrorList")
}

func (a Answer) location(f *xds.Error) string {
	if a.Location != nil {
		return a.Location(f)
	}
	if f.Line == 0 {
		return f.Where
	}
	return strings.TrimLeft(f.Where+" (", " ") + strconv.Itoa(f.Line) + ":" + strconv.Itoa(f.Column) + ")"
}

// QueryAnswer is the answer to a stored query. It takes what a Scope admitted
// and nothing else: the unfiltered has no way in.
type QueryAnswer struct {
	Answer
	ReturnType   ReturnType
	Sets         []authz.Visible[xds.SubmissionSet]
	Documents    []authz.Visible[xds.Document]
	Folders      []authz.Visible[xds.Folder]
	Associations []authz.Visible[xds.Association]
	// Others are the answers of other communities, filtered at their source.
	Others []Foreign
}

// AppendQueryResponse appends a query:AdhocQueryResponse (ITI-18). A zero
// Visible is not written.
func AppendQueryResponse(b []byte, q QueryAnswer) []byte {
	e := encoder{b}
	e.open("query:AdhocQueryResponse")
	e.buf = append(e.buf, ` xmlns:query="`+NamespaceQuery+`" xmlns:rs="`+NamespaceRS+`" xmlns:rim="`+NamespaceRIM+`"`...)
	e.attr("status", q.Status())
	e.more()
	e.errorList(q.Answer, xds.Problem.QueryCode)
	e.open("rim:RegistryObjectList")
	e.more()
	if q.Status() != StatusFailure {
		e.visible(q)
		for i := range q.Others {
			e.foreign(&q.Others[i])
		}
	}
	e.close("rim:RegistryObjectList")
	e.close("query:AdhocQueryResponse")
	return e.buf
}

func (e *encoder) visible(q QueryAnswer) {
	refs := q.ReturnType == ObjectRef
	for _, v := range q.Sets {
		if s, ok := v.Value(); ok {
			if s.HomeCommunityID = q.home(s.HomeCommunityID); refs {
				e.ref(s.EntryUUID, s.HomeCommunityID)
			} else {
				e.set(&s)
			}
		}
	}
	for _, v := range q.Documents {
		if d, ok := v.Value(); ok {
			if d.Entry.HomeCommunityID = q.home(d.Entry.HomeCommunityID); refs {
				e.ref(d.Entry.EntryUUID, d.Entry.HomeCommunityID)
			} else {
				e.entry(&d.Entry)
			}
		}
	}
	for _, v := range q.Folders {
		if f, ok := v.Value(); ok {
			if f.HomeCommunityID = q.home(f.HomeCommunityID); refs {
				e.ref(f.EntryUUID, f.HomeCommunityID)
			} else {
				e.folder(&f)
			}
		}
	}
	for _, v := range q.Associations {
		if a, ok := v.Value(); ok {
			if refs {
				e.ref(a.EntryUUID, q.Home)
			} else {
				e.associationOf(&a, q.Home)
			}
		}
	}
}

// home is the community that an object of the answer names: that of the answer, else
// what the object says.
func (a Answer) home(own string) string {
	if a.Home != "" {
		return a.Home
	}
	return own
}

func (e *encoder) ref(id, home string) {
	e.open("rim:ObjectRef")
	e.attr("id", id)
	e.attrIf("home", home)
	e.empty()
}

// RetrievedDocument is one document of an ITI-43 answer: its entry, admitted by
// a Scope, and the Content-ID of the MIME part with its bytes.
type RetrievedDocument struct {
	Document  authz.Visible[xds.Document]
	ContentID string // without angle brackets
}

// AppendRetrieveResponse appends an xdsb:RetrieveDocumentSetResponse, the root
// part of an ITI-43 answer. Errors beside documents make a PartialSuccess; a
// zero Visible is not written.
func AppendRetrieveResponse(b []byte, a Answer, documents []RetrievedDocument) []byte {
	return AppendFederatedRetrieveResponse(b, a, documents, nil)
}

// AppendFederatedRetrieveResponse is AppendRetrieveResponse with documents of other
// communities behind our own (ITI TF-2 3.39, 3.43).
func AppendFederatedRetrieveResponse(b []byte, a Answer, documents []RetrievedDocument, others []ForeignDocument) []byte {
	a.Repository = true
	a.Partial = a.Partial || len(others) > 0
	for _, d := range documents {
		if _, ok := d.Document.Value(); ok {
			a.Partial = true
		}
	}
	e := encoder{b}
	e.open("xdsb:RetrieveDocumentSetResponse")
	e.buf = append(e.buf, ` xmlns:xdsb="`+NamespaceXDS+`" xmlns:rs="`+NamespaceRS+`"`...)
	e.more()
	e.registryResponse(a, "", xds.Problem.RetrieveCode)
	for _, r := range documents {
		if d, ok := r.Document.Value(); ok {
			e.retrieved(RetrieveRequest{a.home(d.Entry.HomeCommunityID), d.Entry.RepositoryUniqueID, d.Entry.UniqueID}, d.Entry.MimeType, r.ContentID)
		}
	}
	for _, d := range others {
		e.retrieved(d.RetrieveRequest, d.MimeType, d.ContentID)
	}
	e.close("xdsb:RetrieveDocumentSetResponse")
	return e.buf
}

func (e *encoder) retrieved(d RetrieveRequest, mimeType, contentID string) {
	e.open("xdsb:DocumentResponse")
	e.more()
	if d.HomeCommunityID != "" {
		e.text("xdsb:HomeCommunityId", d.HomeCommunityID)
	}
	e.text("xdsb:RepositoryUniqueId", d.RepositoryUniqueID)
	e.text("xdsb:DocumentUniqueId", d.DocumentUniqueID)
	e.text("xdsb:mimeType", mimeType)
	e.open("xdsb:Document")
	e.more()
	e.include(contentID)
	e.close("xdsb:Document")
	e.close("xdsb:DocumentResponse")
}

// include writes a reference to a MIME part.
func (e *encoder) include(contentID string) {
	e.open("xop:Include")
	e.buf = append(e.buf, ` xmlns:xop="`+NamespaceXOP+`"`...)
	e.attr("href", "cid:"+contentID)
	e.empty()
}
