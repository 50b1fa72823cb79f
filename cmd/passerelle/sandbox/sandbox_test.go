package sandbox

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// folder is one that PostgreSQL's own user can enter, which t.TempDir is not.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "passerelle-sandbox-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// open starts a sandbox for a test; its URL is the one its tokens are for.
func open(t *testing.T, o Options) (*Sandbox, *httptest.Server) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	o.Base = "http://" + server.Listener.Addr().String()
	o.Log = slog.New(slog.DiscardHandler)
	if o.Dir == "" {
		o.Dir = folder(t)
	}
	if o.Profile == "" {
		o.Profile = "dmp"
	}
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = s.Handler()
	server.Start()
	t.Cleanup(func() { server.Close(); s.Stop(t.Context()) })
	return s, server
}

func TestSeed(t *testing.T) {
	started := time.Now()
	s, server := open(t, Options{})
	t.Logf("started in %v", time.Since(started))
	resp, err := http.Get(server.URL + "/sandbox/cast")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Patients      []patient
		Professionals []professional
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Patients) != 7 || len(answer.Professionals) != 13 {
		t.Errorf("%d patients, %d professionals", len(answer.Patients), len(answer.Professionals))
	}
	var documents int
	if err := s.pool.QueryRow(t.Context(), "select count(*) from document_entry where latest").Scan(&documents); err != nil || documents < 40 {
		t.Errorf("%d documents (%v)", documents, err)
	}
	reset, err := http.Post(server.URL+"/sandbox/reset", "application/json", strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	reset.Body.Close()
	if reset.StatusCode != http.StatusOK {
		t.Errorf("reset: %s", reset.Status)
	}
}

// The statement names the version of the program, by which a client's reports of trouble
// can be told apart.
func TestStatedVersion(t *testing.T) {
	_, server := open(t, Options{Empty: true, Version: "0.0.7"})
	resp, err := http.Get(server.URL + "/fhir/metadata")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var stated struct {
		Software struct{ Name, Version string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&stated); err != nil || stated.Software.Name == "" || stated.Software.Version != "0.0.7" {
		t.Errorf("%v %+v", err, stated)
	}
}

// The metrics page counts requests by face, transaction and status and tells nothing else; an
// unknown path is one more "other".
func TestMetrics(t *testing.T) {
	_, server := open(t, Options{Empty: true})
	for _, path := range []string{"/sandbox/clock", "/fhir/metadata", "/fhir/DocumentReference/293035999901195", "/nowhere/293035999901195"} {
		resp, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	resp, err := http.Get(server.URL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"policy_disagreement_total 0", `passerelle_requests_total{face="sandbox",status="200",transaction=""} 1`,
		`passerelle_requests_total{face="fhir",status="200",transaction="metadata"} 1`, `passerelle_requests_total{face="fhir",status="401",transaction="ITI-67"} 1`,
		`passerelle_requests_total{face="other",status="404",transaction=""} 1`} {
		if !strings.Contains(string(page), line+"\n") {
			t.Errorf("no line %q", line)
		}
	}
	if strings.Contains(string(page), "293035999901195") {
		t.Error("the page holds an identifier")
	}
}
