package iti_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/iti"
	"github.com/passerelle-sante/passerelle/xds/saml"
	"github.com/passerelle-sante/passerelle/xds/soap"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

const (
	actionQuery    = "urn:ihe:iti:2007:RegistryStoredQuery"
	actionSubmit   = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"
	actionRetrieve = "urn:ihe:iti:2007:RetrieveDocumentSet"
)

// leaks are what no answer may show: nothing of the program, of SQL nor of the host.
var leaks = []string{"goroutine", "panic", ".go:", "SQLSTATE", "pq:", "pgx", "/tmp/", "/root", "document_entry", "submission_set", "unique_id",
	"object_id", "blob_intent", "lineage", "runtime error", "nil pointer", "*xds", "strconv", "unexpected EOF", "i/o timeout", "context canceled"}

// checkAnswer judges an answer as any client gets it.
func checkAnswer(t testing.TB, header http.Header, body []byte) {
	t.Helper()
	for _, leak := range leaks {
		if bytes.Contains(body, []byte(leak)) {
			t.Errorf("the answer shows %q:\n%s", leak, body)
		}
	}
	if got := header.Get("Cache-Control"); got != "private, no-store" {
		t.Errorf("Cache-Control: %q", got)
	}
	root := body
	if strings.HasPrefix(header.Get("Content-Type"), "multipart/related") {
		_, root, _ = bytes.Cut(body, []byte("\r\n\r\n"))
		root, _, _ = bytes.Cut(root, []byte("\r\n--"))
	}
	if err := xmlgate.Check(root, soap.AnswerLimits().XML); err != nil {
		t.Errorf("the answer is no XML: %v\n%s", err, body)
	}
}

// recorder keeps the answer as it came.
type recorder struct {
	t      testing.TB
	header http.Header
	body   []byte
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if r.body, err = io.ReadAll(response.Body); err != nil {
		return nil, err
	}
	r.header = response.Header
	checkAnswer(r.t, r.header, r.body)
	response.Body = io.NopCloser(bytes.NewReader(r.body))
	return response, nil
}

// reply is an answer, read by the client: one of message and fault is there.
type reply struct {
	*soap.Reply
	fault *soap.FaultError
	raw   []byte
}

// post sends one message and checks what every answer must be.
func (w *world) post(action string, security, body []byte, parts []soap.OutPart) reply {
	w.t.Helper()
	rec := &recorder{t: w.t}
	client := &soap.Client{HTTP: &http.Client{Transport: rec}, URL: w.server.URL + iti.PathOf(action), NewID: func() string { return "urn:uuid:" + newID() }}
	got, err := client.Post(w.t.Context(), action, security, func(out *soap.Writer) { out.Raw(body) }, parts)
	answer := reply{Reply: got, raw: rec.body}
	if err != nil && !errors.As(err, &answer.fault) {
		w.t.Fatalf("%v\n%s", err, rec.body)
	}
	return answer
}

// part is one document that is sent.
type part struct {
	id      string // of its entry; also its Content-ID
	content []byte
	inline  bool
}

func attached(id, content string) part { return part{id: id, content: []byte(content)} }

// outcome is the answer to a submission in one line: Success, or each code with
// the first word of its context.
func (w *world) push(c saml.Claims, lot xds.Submission, parts ...part) string {
	w.t.Helper()
	text, _ := w.pushed(c, lot, parts...)
	return text
}

func (w *world) pushed(c saml.Claims, lot xds.Submission, parts ...part) (string, reply) {
	w.t.Helper()
	var sent []ebrim.SentDocument
	var out []soap.OutPart
	for _, p := range parts {
		if p.inline {
			sent = append(sent, ebrim.SentDocument{ID: p.id, Inline: p.content})
			continue
		}
		sent = append(sent, ebrim.SentDocument{ID: p.id, ContentID: p.id})
		out = append(out, soap.OutPart{ContentID: p.id, ContentType: "text/xml", Body: bytes.NewReader(p.content)})
	}
	got := w.post(actionSubmit, w.security(c), ebrim.AppendProvideAndRegister(nil, &lot, sent), out)
	return w.outcome(got), got
}

// outcome reads an RegistryResponse or a Fault.
func (w *world) outcome(got reply) string {
	w.t.Helper()
	if got.fault != nil {
		return faultLine(got.fault)
	}
	var response ebrim.Response
	var findings xds.Errors
	switch got.Body.Local {
	case "AdhocQueryResponse":
		var q ebrim.QueryResponse
		q, findings = ebrim.DecodeQueryResponse(got.Body)
		response = q.Response
	case "RetrieveDocumentSetResponse":
		response, _, findings = ebrim.DecodeRetrieveResponse(got.Body)
	default:
		response, findings = ebrim.DecodeRegistryResponse(got.Body)
	}
	if len(findings) > 0 {
		w.t.Errorf("unreadable answer: %v", findings)
	}
	if got.Status != http.StatusOK {
		w.t.Errorf("HTTP %d", got.Status)
	}
	return responseLine(response)
}

func responseLine(r ebrim.Response) string {
	lines := []string{r.Status[strings.LastIndex(r.Status, ":")+1:]}
	for _, e := range r.Errors {
		id, _, _ := strings.Cut(e.Context, " ")
		line := id + " " + e.Code
		if e.Warning {
			line = "(" + line + ")"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

func faultLine(f *soap.FaultError) string {
	line := fmt.Sprintf("Fault %d %s", f.Status, f.Code)
	if f.Subcode != "" {
		line += "/" + f.Subcode
	}
	for _, e := range f.Findings {
		line += " " + e.ID
	}
	return line
}

// query asks a stored query: names and values in turn, several values separated by |.
func (w *world) query(c saml.Claims, name string, as ebrim.ReturnType, params ...string) (ebrim.QueryResponse, string, reply) {
	w.t.Helper()
	got := w.post(actionQuery, w.security(c), ebrim.AppendQuery(nil, storedQuery(name, as, params...)), nil)
	if got.fault != nil {
		return ebrim.QueryResponse{}, faultLine(got.fault), got
	}
	q, findings := ebrim.DecodeQueryResponse(got.Body)
	if len(findings) > 0 {
		w.t.Errorf("unreadable answer: %v", findings)
	}
	return q, w.outcome(got), got
}

func storedQuery(name string, as ebrim.ReturnType, params ...string) ebrim.QueryRequest {
	q := ebrim.QueryRequest{ID: ebrim.Lookup(name).UUID, ReturnType: as}
	for i := 0; i < len(params); i += 2 {
		q.Params = append(q.Params, ebrim.QueryParam{Name: params[i], Values: strings.Split(params[i+1], "|")})
	}
	return q
}

// find is FindDocuments on a patient: the uniqueIds found, or the outcome.
func (w *world) find(c saml.Claims, h holder, params ...string) string {
	w.t.Helper()
	base := []string{"$XDSDocumentEntryPatientId", string(h.ins)}
	if !strings.Contains(strings.Join(params, " "), "$XDSDocumentEntryStatus") {
		base = append(base, "$XDSDocumentEntryStatus", string(xds.Approved))
	}
	q, outcome, _ := w.query(c, "FindDocuments", ebrim.LeafClass, append(base, params...)...)
	if outcome != "Success" {
		return outcome
	}
	return uniqueIDs(q.Documents)
}

func uniqueIDs(docs []xds.DocumentEntry) string {
	ids := []string{}
	for _, d := range docs {
		ids = append(ids, d.UniqueID)
	}
	return strings.Join(ids, " ")
}

// retrieve is ITI-43 of documents of this repository: the outcome, and the
// documents by uniqueId.
func (w *world) retrieve(c saml.Claims, ids ...string) (string, map[string]string, reply) {
	w.t.Helper()
	var requests []ebrim.RetrieveRequest
	for _, id := range ids {
		requests = append(requests, ebrim.RetrieveRequest{RepositoryUniqueID: repositoryID, DocumentUniqueID: id})
	}
	return w.retrieveAll(c, requests)
}

func (w *world) retrieveAll(c saml.Claims, requests []ebrim.RetrieveRequest) (string, map[string]string, reply) {
	w.t.Helper()
	got := w.post(actionRetrieve, w.security(c), ebrim.AppendRetrieveRequest(nil, requests), nil)
	outcome, documents := w.outcome(got), map[string]string{}
	if got.fault != nil {
		return outcome, documents, got
	}
	_, received, _ := ebrim.DecodeRetrieveResponse(got.Body)
	byCID := map[string]string{}
	for _, d := range received {
		cid, _ := soap.Include(d.Element)
		byCID[cid] = d.DocumentUniqueID
	}
	for {
		p, err := got.NextPart()
		if errors.Is(err, io.EOF) {
			return outcome, documents, got
		}
		if err != nil {
			w.t.Fatal(err)
		}
		documents[byCID[p.ContentID]] = p.ContentType + " " + readAll(w.t, p)
	}
}

var messageIDs = regexp.MustCompile(`(<wsa:(?:MessageID|RelatesTo)>)[^<]*`)

// normalised is an answer without what differs from one message to the next, the
// id that was asked for written as ID.
func normalised(raw []byte, id string) string {
	return strings.ReplaceAll(messageIDs.ReplaceAllString(string(raw), "$1"), id, "ID")
}

// sameAnswer compares normalised answers and shows where they part.
func sameAnswer(t testing.TB, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	around := func(s string) string { return s[max(0, i-80):min(len(s), i+160)] }
	t.Errorf("hidden:  …%s…\nunknown: …%s…", around(got), around(want))
}
