package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/authz/france"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// asker sends requests to a running sandbox in somebody's name.
type asker struct {
	*testing.T
	base string
}

// issue takes an assertion or a token.
func (k asker) issue(path, as, patient, mode, reason string) []byte {
	k.Helper()
	body, err := json.Marshal(map[string]string{"as": as, "patient": patient, "mode": mode, "reason": reason})
	if err != nil {
		k.Fatal(err)
	}
	answer, err := http.Post(k.base+path, "application/json", bytes.NewReader(body))
	if err != nil {
		k.Fatal(err)
	}
	defer answer.Body.Close()
	issued, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		k.Fatalf("%s for %s: %d %s %v", path, as, answer.StatusCode, issued, err)
	}
	return issued
}

// call sends a request with a bearer token and gives its status.
func (k asker) call(token, method, path, body string) int {
	k.Helper()
	r, err := http.NewRequestWithContext(k.Context(), method, k.base+path, strings.NewReader(body))
	if err != nil {
		k.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		k.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// find is ITI-18 FindDocuments.
func (k asker) find(assertion []byte, patient string) {
	k.Helper()
	if _, rest, ok := bytes.Cut(assertion, []byte("?>")); ok && bytes.HasPrefix(assertion, []byte("<?xml")) {
		assertion = rest
	}
	security := append([]byte(`<wsse:Security xmlns:wsse="`+soap.NSSecurity+`" soap:mustUnderstand="true">`), bytes.TrimSpace(assertion)...)
	body := ebrim.AppendQuery(nil, ebrim.QueryRequest{ID: ebrim.Lookup("FindDocuments").UUID, ReturnType: ebrim.LeafClass, Params: []ebrim.QueryParam{
		{Name: "$XDSDocumentEntryPatientId", Values: []string{patient}},
		{Name: "$XDSDocumentEntryStatus", Values: []string{"urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"}},
	}})
	client := soap.Client{HTTP: http.DefaultClient, URL: k.base + "/xds/registry", NewID: service.NewID}
	reply, err := client.Post(k.Context(), "urn:ihe:iti:2007:RegistryStoredQuery", append(security, `</wsse:Security>`...), func(w *soap.Writer) { w.Raw(body) }, nil)
	if err != nil {
		k.Fatal(err)
	}
	_ = reply.Close()
}

// TestTrailRowsNameWhatDecided: after the seed and a run of both faces by the whole
// cast, in every mode, on records open and closed, permitted and refused, each row of
// the trail names the version of the policy, that of the matrix and the rules.
func TestTrailRowsNameWhatDecided(t *testing.T) {
	s, server := open(t, Options{})
	k := asker{t, server.URL}
	modes := []struct{ mode, reason string }{{"normal", ""}, {"centre_15", ""}, {"bris_de_glace", "coma"}, {"bris_de_glace", ""}}
	st := s.cast()
	names := []string{"patient:alice", "rep:chloe", "delegate:alice"}
	for _, p := range st.Professionals {
		names = append(names, p.Name)
	}
	for _, as := range names {
		for _, patient := range st.Patients[:5] {
			if patient.Name != "alice" && patient.Name != "david" && patient.Name != "emma" { // open, open to no emergency, closed
				continue
			}
			for _, m := range modes {
				if m.mode != "normal" && !strings.HasPrefix(as, "dr-") && as != "samu-31" {
					continue
				}
				k.find(k.issue("/sandbox/vihf", as, patient.Name, m.mode, m.reason), string(patient.INS.Key()))
				var issued struct {
					Token string `json:"access_token"`
				}
				if err := json.Unmarshal(k.issue("/sandbox/token", as, patient.Name, m.mode, m.reason), &issued); err != nil {
					t.Fatal(err)
				}
				k.call(issued.Token, "GET", "/fhir/DocumentReference?patient="+patient.Record, "")
				k.call(issued.Token, "GET", "/fhir/DocumentReference/5b1c0c3e-0000-4000-8000-000000000009", "")
				k.call(issued.Token, "GET", "/api/v1/records/"+patient.Record+"/history", "")
				k.call(issued.Token, "PUT", "/api/v1/records/"+patient.Record+"/settings", `{"maskedOK":false}`)
				k.call(issued.Token, "POST", "/api/v1/records/"+patient.Record+"/documents/5b1c0c3e-0000-4000-8000-000000000009/mask", `{"attested":true}`)
			}
		}
	}
	var rows, permitted, lacking int
	var example string
	err := s.pool.QueryRow(t.Context(), `
select count(*), count(*) filter (where permit), count(*) filter (where bad), coalesce(min(case when bad then transaction || ' ' || code end), '')
from (select *, policy <> $1 or matrix !~ '^.+@[0-9a-f]{12}$' or cardinality(rules) = 0 or '' = any(rules) as bad from trail) t`, france.Version).
		Scan(&rows, &permitted, &lacking, &example)
	if err != nil {
		t.Fatal(err)
	}
	if lacking > 0 || rows < 400 || permitted < 100 || rows-permitted < 100 {
		t.Errorf("%d rows, %d permitted, %d lack policy, matrix or rules: %s", rows, permitted, lacking, example)
	}
	var transactions int
	if err := s.pool.QueryRow(t.Context(), `select count(distinct transaction) from trail`).Scan(&transactions); err != nil {
		t.Fatal(err)
	}
	if transactions < 6 {
		t.Errorf("rows of %d transactions alone", transactions)
	}
	t.Logf("%d rows, %d permitted, %d transactions", rows, permitted, transactions)
}
