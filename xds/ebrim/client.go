package ebrim

import (
	"encoding/base64"

	"github.com/passerelle-sante/passerelle/xds"
)

// AppendSubmission appends an lcm:SubmitObjectsRequest, the body of ITI-42.
func AppendSubmission(b []byte, s *xds.Submission) []byte {
	e := encoder{b}
	e.submission(s)
	return e.buf
}

func (e *encoder) submission(s *xds.Submission) {
	e.open("lcm:SubmitObjectsRequest")
	e.buf = append(e.buf, ` xmlns:lcm="`+NamespaceLCM+`" xmlns:rim="`+NamespaceRIM+`"`...)
	e.more()
	e.open("rim:RegistryObjectList")
	e.more()
	e.set(&s.Set)
	for i := range s.Documents {
		e.entry(&s.Documents[i])
	}
	for i := range s.Folders {
		e.folder(&s.Folders[i])
	}
	for i := range s.Associations {
		e.association(&s.Associations[i])
	}
	e.close("rim:RegistryObjectList")
	e.close("lcm:SubmitObjectsRequest")
}

// SentDocument is one document that a client sends: in a MIME part when
// ContentID is set, else as base64 in the message.
type SentDocument struct {
	ID        string // entryUUID of its entry
	ContentID string // without angle brackets
	Inline    []byte
}

// AppendProvideAndRegister appends an xdsb:ProvideAndRegisterDocumentSetRequest,
// the body of ITI-41.
func AppendProvideAndRegister(b []byte, s *xds.Submission, documents []SentDocument) []byte {
	e := encoder{b}
	e.open("xdsb:ProvideAndRegisterDocumentSetRequest")
	e.attr("xmlns:xdsb", NamespaceXDS)
	e.more()
	e.submission(s)
	for _, d := range documents {
		e.open("xdsb:Document")
		e.attr("id", d.ID)
		e.more()
		if d.ContentID != "" {
			e.include(d.ContentID)
		} else {
			e.buf = base64.StdEncoding.AppendEncode(e.buf, d.Inline)
		}
		e.close("xdsb:Document")
	}
	e.close("xdsb:ProvideAndRegisterDocumentSetRequest")
	return e.buf
}

// QueryRequest is a stored query that a client asks.
type QueryRequest struct {
	ID         string // UUID of the query
	ReturnType ReturnType
	Home       string
	Params     []QueryParam
}

// QueryParam is one slot of a query: its values are joined by OR, slots of one
// name by AND. Values are plain text; quoting is done here.
type QueryParam struct {
	Name   string
	Values []string
}

// AppendQuery appends a query:AdhocQueryRequest, the body of ITI-18.
func AppendQuery(b []byte, q QueryRequest) []byte {
	e := encoder{b}
	e.query(q.ReturnType, q.ID, q.Home, func() {
		for _, p := range q.Params {
			e.slot(p.Name, p.literal())
		}
	})
	return e.buf
}

// query writes a query:AdhocQueryRequest around its parameters.
func (e *encoder) query(as ReturnType, id, home string, parameters func()) {
	e.open("query:AdhocQueryRequest")
	e.buf = append(e.buf, ` xmlns:query="`+NamespaceQuery+`" xmlns:rim="`+NamespaceRIM+`"`...)
	e.more()
	e.open("query:ResponseOption")
	e.attr("returnType", string(as))
	e.attr("returnComposedObjects", "true")
	e.empty()
	e.open("rim:AdhocQuery")
	e.attr("id", id)
	e.attrIf("home", home)
	e.more()
	parameters()
	e.close("rim:AdhocQuery")
	e.close("query:AdhocQueryRequest")
}

// literal writes the values as the parameter takes them: a list where it may
// have several, a bare number for times and levels, else a quoted text.
func (p QueryParam) literal() string {
	known := params[p.Name]
	if known != nil && len(p.Values) == 1 {
		switch known.Form {
		case FormFrom, FormTo, FormLevel:
			return p.Values[0]
		}
	}
	if len(p.Values) == 1 && (known == nil || !known.Many) {
		return quote(p.Values[0])
	}
	list := []byte("(")
	for i, v := range p.Values {
		if i > 0 {
			list = append(list, ',')
		}
		list = append(list, quote(v)...)
	}
	return string(append(list, ')'))
}

// AppendRetrieveRequest appends an xdsb:RetrieveDocumentSetRequest, the body of ITI-43.
func AppendRetrieveRequest(b []byte, documents []RetrieveRequest) []byte {
	e := encoder{b}
	e.open("xdsb:RetrieveDocumentSetRequest")
	e.attr("xmlns:xdsb", NamespaceXDS)
	e.more()
	e.requests(documents)
	e.close("xdsb:RetrieveDocumentSetRequest")
	return e.buf
}

// requests writes the documents that a request names.
func (e *encoder) requests(documents []RetrieveRequest) {
	for _, d := range documents {
		e.open("xdsb:DocumentRequest")
		e.more()
		if d.HomeCommunityID != "" {
			e.text("xdsb:HomeCommunityId", d.HomeCommunityID)
		}
		e.text("xdsb:RepositoryUniqueId", d.RepositoryUniqueID)
		e.text("xdsb:DocumentUniqueId", d.DocumentUniqueID)
		e.close("xdsb:DocumentRequest")
	}
}
