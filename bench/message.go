package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// request is one HTTP request of a load, made before the clock runs.
type request struct {
	method, path string
	header       http.Header
	parts        [][]byte                         // of the body, one after the other
	stream       func() (body io.Reader, n int64) // instead of parts, for what is too big for memory
	ids          []string                         // that must be new in every request: they stand in parts[0]
	want         []byte                           // that the answer holds
	least        int64                            // bytes of the answer
}

// body is the body to send and its length.
func (q *request) body() (io.Reader, int64) {
	if q.stream != nil {
		return q.stream()
	}
	var n int64
	var readers []io.Reader
	for _, p := range q.parts {
		n += int64(len(p))
		readers = append(readers, bytes.NewReader(p))
	}
	return io.MultiReader(readers...), n
}

func (q *request) dress(r *http.Request) {
	for name, values := range q.header {
		r.Header[name] = values
	}
}

// renewed is the same request under ids that nobody has used.
func (q *request) renewed() *request {
	if len(q.ids) == 0 {
		return q
	}
	again := *q
	again.ids = nil
	head := q.parts[0]
	for _, id := range q.ids {
		fresh := likeID(id)
		head = bytes.ReplaceAll(head, []byte(id), []byte(fresh))
		again.ids = append(again.ids, fresh)
	}
	again.parts = append([][]byte{head}, q.parts[1:]...)
	return &again
}

// check tells whether an answer is the one that was meant.
func (q *request) check(status int, answer []byte) error {
	if status/100 != 2 || !bytes.Contains(answer, q.want) || int64(len(answer)) < q.least {
		return fmt.Errorf("HTTP %d, %d bytes, without %q: %.600s", status, len(answer), q.want, answer)
	}
	return nil
}

var errWritten = errors.New("written")

// capture is a transport that keeps the request instead of sending it.
type capture struct {
	header http.Header
	body   []byte
}

// RoundTrip implements http.RoundTripper.
func (c *capture) RoundTrip(r *http.Request) (_ *http.Response, err error) {
	c.header = r.Header
	if c.body, err = io.ReadAll(r.Body); err != nil {
		return nil, err
	}
	return nil, errWritten
}

// The actions of the transactions (ITI TF-2 3.18, 3.41, 3.43).
const (
	actionQuery    = "urn:ihe:iti:2007:RegistryStoredQuery"
	actionProvide  = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"
	actionRetrieve = "urn:ihe:iti:2007:RetrieveDocumentSet"
)

var success = []byte("ResponseStatusType:Success")

// envelope writes a message as the product's own client does.
func envelope(base, path, action string, assertion, body []byte, parts ...soap.OutPart) (*request, error) {
	var security bytes.Buffer
	security.WriteString(`<wsse:Security xmlns:wsse="` + soap.NSSecurity + `" soap:mustUnderstand="true">`)
	security.Write(assertion)
	security.WriteString(`</wsse:Security>`)
	var c capture
	client := soap.Client{HTTP: &http.Client{Transport: &c}, URL: base + path, NewID: func() string { return "urn:uuid:" + service.NewID() }}
	if _, err := client.Post(context.Background(), action, security.Bytes(), func(w *soap.Writer) { w.Raw(body) }, parts); !errors.Is(err, errWritten) {
		return nil, err
	}
	return &request{method: http.MethodPost, path: path, header: c.header, parts: [][]byte{c.body}, want: success}, nil
}

// get is a FHIR read or search.
func get(path, token string, want string) *request {
	h := http.Header{"Accept": {"application/fhir+json"}}
	if token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	return &request{method: http.MethodGet, path: path, header: h, want: []byte(want)}
}
