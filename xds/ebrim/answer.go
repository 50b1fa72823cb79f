package ebrim

import (
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// Response is an answer as a client reads it.
type Response struct {
	Status string // StatusSuccess, StatusPartial or StatusFailure
	Errors []ResponseError
}

// ResponseError is one RegistryError of an answer.
type ResponseError struct {
	Code     string // XDSRegistryMetadataError
	Context  string // META-003 …
	Location string
	Warning  bool
}

// DecodeRegistryResponse reads an rs:RegistryResponse.
func DecodeRegistryResponse(el *xmlgate.Element) (Response, xds.Errors) {
	if !el.Is(NamespaceRS, "RegistryResponse") {
		var d decoder
		d.shape(el, "rs:RegistryResponse")
		return Response{}, d.found
	}
	return response(el), nil
}

func response(el *xmlgate.Element) Response {
	r := Response{Status: el.Attr("status")}
	for _, e := range el.Child(NamespaceRS, "RegistryErrorList").ChildrenNamed(NamespaceRS, "RegistryError") {
		r.Errors = append(r.Errors, ResponseError{
			Code: e.Attr("errorCode"), Context: e.Attr("codeContext"), Location: e.Attr("location"), Warning: e.Attr("severity") == severityWarning,
		})
	}
	return r
}

// QueryResponse is the answer to a stored query as a client reads it.
type QueryResponse struct {
	Response
	Sets         []xds.SubmissionSet
	Documents    []xds.DocumentEntry
	Folders      []xds.Folder
	Associations []xds.Association
	Refs         []string // of ObjectRef
}

// DecodeQueryResponse reads a query:AdhocQueryResponse; the findings are about
// objects that could not be read whole.
func DecodeQueryResponse(el *xmlgate.Element) (QueryResponse, xds.Errors) {
	var d decoder
	if !el.Is(NamespaceQuery, "AdhocQueryResponse") {
		d.shape(el, "query:AdhocQueryResponse")
		return QueryResponse{}, d.found
	}
	q := QueryResponse{Response: response(el)}
	if list := el.Child(NamespaceRIM, "RegistryObjectList"); list != nil {
		all := d.list(list)
		q.Sets, q.Documents, q.Folders, q.Associations, q.Refs = all.sets, all.documents, all.folders, all.associations, all.refs
	}
	return q, d.found
}

// ReceivedDocument is one document of an ITI-43 answer as a client reads it.
type ReceivedDocument struct {
	RetrieveRequest
	MimeType string
	DocumentRef
}

// DecodeRetrieveResponse reads an xdsb:RetrieveDocumentSetResponse.
func DecodeRetrieveResponse(el *xmlgate.Element) (Response, []ReceivedDocument, xds.Errors) {
	if !el.Is(NamespaceXDS, "RetrieveDocumentSetResponse") {
		var d decoder
		d.shape(el, "xdsb:RetrieveDocumentSetResponse")
		return Response{}, nil, d.found
	}
	var documents []ReceivedDocument
	for _, r := range el.ChildrenNamed(NamespaceXDS, "DocumentResponse") {
		text := func(local string) string { return r.Child(NamespaceXDS, local).Trimmed() }
		bytes := r.Child(NamespaceXDS, "Document")
		if bytes == nil {
			bytes = r
		}
		documents = append(documents, ReceivedDocument{
			RetrieveRequest: RetrieveRequest{text("HomeCommunityId"), text("RepositoryUniqueId"), text("DocumentUniqueId")},
			MimeType:        text("mimeType"),
			DocumentRef:     DocumentRef{ID: text("DocumentUniqueId"), Href: bytes.Child(NamespaceXOP, "Include").Attr("href"), Element: bytes},
		})
	}
	return response(el.Child(NamespaceRS, "RegistryResponse")), documents, nil
}
