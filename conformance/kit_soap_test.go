package conformance_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// kitAnswer is what a face said, in terms that both share.
type kitAnswer struct {
	code      string              // own code of the first error: ACC-23; "" when there is none
	ids       []string            // uniqueIds of the documents that it names or gives, sorted
	entries   []xds.DocumentEntry // ITI-18
	resources []map[string]any    // ITI-67: the DocumentReferences
	content   []byte              // of the document that was asked for, the last one of several
	contents  map[string][]byte   // ITI-43: by uniqueId
	whole     string              // status, headers and body; ids of messages and dates masked
}

// without is the whole answer with the ids of the objects asked for masked too:
// what must not differ between a hidden document and one that never was.
func (a kitAnswer) without(ids ...string) string {
	text := a.whole
	for _, id := range ids {
		text = strings.ReplaceAll(text, id, "ID")
	}
	return text
}

// kitMasked are headers that differ from one answer to the next, whatever it says.
var kitMasked = []string{"Date"}

func kitWhole(status int, header http.Header, body []byte) string {
	var lines []string
	for name, values := range header {
		if !slices.Contains(kitMasked, name) {
			lines = append(lines, name+": "+strings.Join(values, ", "))
		}
	}
	slices.Sort(lines)
	return fmt.Sprintf("%d\n%s\n\n%s", status, strings.Join(lines, "\n"), body)
}

// kitTape keeps what comes back over a connection.
type kitTape struct {
	http.RoundTripper
	status int
	header http.Header
	body   []byte
}

// RoundTrip reads the answer whole and hands it on.
func (tape *kitTape) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := tape.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if tape.body, err = io.ReadAll(answer.Body); err != nil {
		return nil, err
	}
	tape.status, tape.header = answer.StatusCode, answer.Header
	answer.Body = io.NopCloser(bytes.NewReader(tape.body))
	return answer, nil
}

var kitMessageID = regexp.MustCompile(`(<wsa:MessageID>|<wsa:RelatesTo>)[^<]*`)

// The actions of the SOAP face.
const (
	kitQuery    = "urn:ihe:iti:2007:RegistryStoredQuery"
	kitMany     = "urn:ihe:iti:2009:MultiPatientStoredQuery"
	kitProvide  = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"
	kitRetrieve = "urn:ihe:iti:2007:RetrieveDocumentSet"
	kitRegister = "urn:ihe:iti:2007:RegisterDocumentSet-b"
	kitOnDemand = "urn:ihe:iti:2010:RegisterOnDemandDocumentEntry"
)

// post sends one SOAP message. A Fault is given back, any other failure is fatal.
func (k *kit) post(t *testing.T, b *kitBearer, action string, body []byte, parts ...soap.OutPart) (*soap.Reply, *soap.FaultError, string) {
	t.Helper()
	path := "/xds/repository"
	if action == kitQuery || action == kitMany || action == kitRegister || action == kitOnDemand {
		path = "/xds/registry"
	}
	return k.postTo(t, b, path, action, body, parts...)
}

// postTo is post to an address.
func (k *kit) postTo(t *testing.T, b *kitBearer, path, action string, body []byte, parts ...soap.OutPart) (*soap.Reply, *soap.FaultError, string) {
	t.Helper()
	tape := &kitTape{RoundTripper: k.http.Transport}
	client := soap.Client{HTTP: &http.Client{Transport: tape}, URL: k.url + path, NewID: kitUUID}
	reply, err := client.Post(t.Context(), action, b.security(t), func(w *soap.Writer) { w.Raw(body) }, parts)
	whole := kitWhole(tape.status, tape.header, kitMessageID.ReplaceAll(tape.body, []byte("$1")))
	var fault *soap.FaultError
	if err != nil && !errors.As(err, &fault) {
		t.Fatalf("%s: %v: %s", action, err, whole)
	}
	if err == nil {
		t.Cleanup(func() { reply.Close() })
		if reply.Status != http.StatusOK {
			t.Errorf("%s: HTTP %d", action, reply.Status)
		}
	}
	return reply, fault, whole
}

// submissionCode is what ITI-41 tells of a problem.
func submissionCode(p xds.Problem) string { return p.SubmissionCode(true) }

// registryCode is the own code of a refusal, which starts codeContext; the code of
// IHE beside it must be that of the error table for the transaction.
func registryCode(t *testing.T, r ebrim.Response, codeOf func(xds.Problem) string) string {
	t.Helper()
	if r.Status == ebrim.StatusSuccess {
		return ""
	}
	if len(r.Errors) == 0 {
		t.Fatalf("%s without an error", r.Status)
	}
	for _, e := range r.Errors {
		code, _, _ := strings.Cut(e.Context, " ")
		if want := codeOf((&xds.Error{ID: code}).Problem()); e.Code != want {
			t.Errorf("%s is %s, want %s", code, e.Code, want)
		}
	}
	code, _, _ := strings.Cut(r.Errors[0].Context, " ")
	return code
}

// query asks a stored query by its name.
func (k *kit) query(t *testing.T, b *kitBearer, name string, params ...ebrim.QueryParam) kitAnswer {
	t.Helper()
	body := ebrim.AppendQuery(nil, ebrim.QueryRequest{ID: ebrim.Lookup(name).UUID, ReturnType: ebrim.LeafClass, Params: params})
	reply, fault, whole := k.post(t, b, kitQuery, body)
	if fault != nil {
		t.Fatalf("%s: %v", name, fault)
	}
	answer, findings := ebrim.DecodeQueryResponse(reply.Body)
	if err := findings.Err(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	out := kitAnswer{code: registryCode(t, answer.Response, xds.Problem.QueryCode), entries: answer.Documents, whole: whole}
	for _, d := range answer.Documents {
		out.ids = append(out.ids, d.UniqueID)
	}
	slices.Sort(out.ids)
	return out
}

// findDocuments is ITI-18 FindDocuments.
func (k *kit) findDocuments(t *testing.T, b *kitBearer, patient xds.CX, statuses ...xds.Status) kitAnswer {
	t.Helper()
	var texts []string
	for _, s := range statuses {
		texts = append(texts, string(s))
	}
	return k.query(t, b, "FindDocuments",
		ebrim.QueryParam{Name: "$XDSDocumentEntryPatientId", Values: []string{string(patient.Key())}},
		ebrim.QueryParam{Name: "$XDSDocumentEntryStatus", Values: texts})
}

// getDocuments is ITI-18 GetDocuments by uniqueId.
func (k *kit) getDocuments(t *testing.T, b *kitBearer, uniqueIDs ...string) kitAnswer {
	t.Helper()
	return k.query(t, b, "GetDocuments", ebrim.QueryParam{Name: "$XDSDocumentEntryUniqueId", Values: uniqueIDs})
}

// retrieveSet is ITI-43 for documents of the sandbox's repository.
func (k *kit) retrieveSet(t *testing.T, b *kitBearer, uniqueIDs ...string) kitAnswer {
	t.Helper()
	var requests []ebrim.RetrieveRequest
	for _, id := range uniqueIDs {
		requests = append(requests, ebrim.RetrieveRequest{RepositoryUniqueID: sandbox.RepositoryID, DocumentUniqueID: id})
	}
	reply, fault, whole := k.post(t, b, kitRetrieve, ebrim.AppendRetrieveRequest(nil, requests))
	if fault != nil {
		t.Fatalf("ITI-43: %v", fault)
	}
	response, documents, findings := ebrim.DecodeRetrieveResponse(reply.Body)
	if err := findings.Err(); err != nil {
		t.Fatalf("ITI-43: %v", err)
	}
	out := kitAnswer{code: registryCode(t, response, xds.Problem.RetrieveCode), contents: map[string][]byte{}, whole: whole}
	for _, d := range documents {
		out.ids = append(out.ids, d.DocumentUniqueID)
	}
	slices.Sort(out.ids)
	for i := range documents {
		part, err := reply.NextPart()
		if err != nil {
			t.Fatalf("ITI-43: %v", err)
		}
		if out.content, err = io.ReadAll(part); err != nil {
			t.Fatalf("ITI-43: %v", err)
		}
		out.contents[documents[i].DocumentUniqueID] = out.content
	}
	return out
}

// provide is ITI-41; content holds the bytes of each document by its entryUUID.
func (k *kit) provide(t *testing.T, b *kitBearer, lot xds.Submission, content map[string][]byte) kitAnswer {
	t.Helper()
	body, parts := kitMessage(lot, content)
	reply, fault, whole := k.post(t, b, kitProvide, body, parts...)
	if fault != nil {
		t.Fatalf("ITI-41: %v", fault)
	}
	answer, findings := ebrim.DecodeRegistryResponse(reply.Body)
	if err := findings.Err(); err != nil {
		t.Fatalf("ITI-41: %v", err)
	}
	return kitAnswer{code: registryCode(t, answer, submissionCode), whole: whole}
}

// registerMetadata is ITI-42 or ITI-61: the metadata alone.
func (k *kit) registerMetadata(t *testing.T, b *kitBearer, action string, lot xds.Submission) kitAnswer {
	t.Helper()
	reply, fault, whole := k.post(t, b, action, ebrim.AppendSubmission(nil, &lot))
	if fault != nil {
		t.Fatalf("%s: %v", action, fault)
	}
	answer, findings := ebrim.DecodeRegistryResponse(reply.Body)
	if err := findings.Err(); err != nil {
		t.Fatalf("%s: %v", action, err)
	}
	return kitAnswer{code: registryCode(t, answer, func(p xds.Problem) string { return p.SubmissionCode(false) }), whole: whole}
}

// kitMessage is the body of an ITI-41 message with its parts.
func kitMessage(lot xds.Submission, content map[string][]byte) ([]byte, []soap.OutPart) {
	var sent []ebrim.SentDocument
	var parts []soap.OutPart
	for i, d := range lot.Documents {
		id := fmt.Sprintf("document%d@kit", i+1)
		sent = append(sent, ebrim.SentDocument{ID: d.EntryUUID, ContentID: id})
		parts = append(parts, soap.OutPart{ContentID: id, ContentType: d.MimeType, Body: bytes.NewReader(content[d.EntryUUID])})
	}
	return ebrim.AppendProvideAndRegister(nil, &lot, sent), parts
}
