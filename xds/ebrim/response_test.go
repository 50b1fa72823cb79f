package ebrim

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

func TestRegistryResponse(t *testing.T) {
	warning := &xds.Error{ID: "META-018", Severity: xds.SeverityWarning, Where: "DocumentEntry[d1]", Found: "color"}
	refused := &xds.Error{ID: "META-003", Where: "DocumentEntry[d1].typeCode", Found: "x<y", Line: 3, Column: 7}
	for _, c := range []struct {
		name   string
		answer Answer
		want   Response
	}{
		{"success", Answer{}, Response{Status: StatusSuccess}},
		{"a warning", Answer{Findings: xds.Errors{warning}}, Response{Status: StatusSuccess, Errors: []ResponseError{
			{"XDSExtraMetadataNotSaved", warning.Error(), "DocumentEntry[d1]", true}}}},
		{"a failure of the registry", Answer{Findings: xds.Errors{refused, warning}}, Response{Status: StatusFailure, Errors: []ResponseError{
			{"XDSRegistryMetadataError", refused.Error(), "DocumentEntry[d1].typeCode (3:7)", false},
			{"XDSExtraMetadataNotSaved", warning.Error(), "DocumentEntry[d1]", true}}}},
		{"a failure of the repository", Answer{Findings: xds.Errors{refused}, Repository: true, Location: func(*xds.Error) string { return "ici" }},
			Response{Status: StatusFailure, Errors: []ResponseError{{"XDSRepositoryMetadataError", refused.Error(), "ici", false}}}},
		{"a door", Answer{Findings: xds.Errors{{ID: "ACC-04"}}}, Response{Status: StatusFailure, Errors: []ResponseError{
			{"XDSRegistryError", (&xds.Error{ID: "ACC-04"}).Error(), "", false}}}},
		{"a problem without a code of IHE", Answer{Findings: xds.Errors{{ID: "C-07"}}, Repository: true}, Response{Status: StatusFailure, Errors: []ResponseError{
			{"XDSRepositoryError", (&xds.Error{ID: "C-07"}).Error(), "", false}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, found := DecodeRegistryResponse(parse(t, AppendRegistryResponse(nil, c.answer)))
			if diff := cmp.Diff(c.want, got); diff != "" || len(found) > 0 {
				t.Error(diff, found)
			}
		})
	}
	if got := string(AppendRegistryResponse(nil, Answer{Findings: xds.Errors{{ID: "ACC-04"}}})); !strings.Contains(got, `codeContext="ACC-04 `) {
		t.Error("codeContext does not start with the code of the door:", got)
	}
}

// TestZeroVisible: what no Scope admitted is not written, in any answer.
func TestZeroVisible(t *testing.T) {
	for _, kind := range []ReturnType{LeafClass, ObjectRef} {
		message := AppendQueryResponse(nil, QueryAnswer{ReturnType: kind,
			Sets: make([]authz.Visible[xds.SubmissionSet], 1), Documents: make([]authz.Visible[xds.Document], 1),
			Folders: make([]authz.Visible[xds.Folder], 1), Associations: make([]authz.Visible[xds.Association], 1)})
		got, _ := DecodeQueryResponse(parse(t, message))
		if diff := cmp.Diff(QueryResponse{Response: Response{Status: StatusSuccess}}, got); diff != "" {
			t.Error(diff)
		}
	}
	message := AppendRetrieveResponse(nil, Answer{Findings: xds.Errors{{ID: "DOC-003"}}}, make([]RetrievedDocument, 2))
	got, documents, _ := DecodeRetrieveResponse(parse(t, message))
	if len(documents) > 0 || got.Status != StatusFailure {
		t.Error(got, documents)
	}
}

func TestObjectRefs(t *testing.T) {
	answer := admitted(t, xds.Submission{Set: xds.SubmissionSet{EntryUUID: "ss"}, Folders: []xds.Folder{{EntryUUID: "f1"}},
		Documents:    []xds.DocumentEntry{{EntryUUID: "d1", Title: "titre"}, {EntryUUID: "d2"}},
		Associations: []xds.Association{{EntryUUID: "a1", Source: "ss", Target: "d1"}}})
	answer.ReturnType = ObjectRef
	message := AppendQueryResponse(nil, answer)
	got, found := DecodeQueryResponse(parse(t, message))
	if diff := cmp.Diff([]string{"ss", "d1", "d2", "f1", "a1"}, got.Refs); diff != "" || len(found) > 0 || got.Documents != nil || strings.Contains(string(message), "titre") {
		t.Error(diff, found)
	}
	answer.Findings = xds.Errors{{ID: "QRY-006"}}
	if got, _ := DecodeQueryResponse(parse(t, AppendQueryResponse(nil, answer))); len(got.Refs) > 0 || got.Status != StatusFailure {
		t.Error("a failure carries objects")
	}
}

func TestRetrieve(t *testing.T) {
	want := []RetrieveRequest{{"", "1.2.3", "1.2.3.4"}, {"urn:oid:1.9", "1.2.3", "1.2.3.5^a"}}
	got, found := DecodeRetrieve(parse(t, AppendRetrieveRequest(nil, want)))
	if diff := cmp.Diff(want, got); diff != "" || len(found) > 0 {
		t.Error(diff, found)
	}
	bad := AppendRetrieveRequest(nil, []RetrieveRequest{{"", "", "1.2"}, {"", "1.2", ""}})
	if _, found := DecodeRetrieve(parse(t, bad)); len(found) != 2 || found[0].Where != "DocumentRequest[1].RepositoryUniqueId" {
		t.Error(found)
	}
	if _, found := DecodeRetrieve(parse(t, AppendRetrieveRequest(nil, nil))); !found.Failed() {
		t.Error("an empty request is accepted")
	}
	if _, found := DecodeRetrieve(parse(t, AppendRetrieveRequest(nil, make([]RetrieveRequest, MaxRetrieve+1)))); len(found) != 1 || found[0].ID != "META-015" {
		t.Error(found)
	}

	answer := admitted(t, xds.Submission{Documents: []xds.DocumentEntry{{EntryUUID: "d1", RepositoryUniqueID: "1.2.3", UniqueID: "1.2.3.4", MimeType: "text/xml"}}})
	retrieved := []RetrievedDocument{{Document: answer.Documents[0], ContentID: "d1@passerelle"}}
	for status, a := range map[string]Answer{StatusSuccess: {}, StatusPartial: {Findings: xds.Errors{{ID: "DOC-003", Object: "1.9"}}}} {
		r, documents, found := DecodeRetrieveResponse(parse(t, AppendRetrieveResponse(nil, a, retrieved)))
		if len(found) > 0 || r.Status != status || len(documents) != 1 || documents[0].Href != "cid:d1@passerelle" ||
			documents[0].RetrieveRequest != want[0] || documents[0].MimeType != "text/xml" {
			t.Error(r, documents, found)
		}
	}
}
