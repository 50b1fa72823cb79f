package conformance_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/cast"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/sandboxtest"
	"github.com/passerelle-sante/passerelle/xds"
)

// kit talks to one running sandbox as a client of its public surfaces.
type kit struct {
	url      string
	http     *http.Client
	people   cast.Cast
	creating chan struct{} // one patient at a time: the sandbox draws free INS
}

// openKit starts a sandbox in this process, on a port of its own, for one test.
func openKit(t *testing.T) *kit {
	t.Helper()
	k, _ := openSandbox(t)
	return k
}

// openSandbox is openKit for who drives the sandbox from inside too.
func openSandbox(t *testing.T) (*kit, *sandbox.Sandbox) {
	t.Helper()
	s, server := sandboxtest.Open(t)
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	t.Cleanup(transport.CloseIdleConnections)
	return &kit{
		url: server.URL, people: cast.All(time.Now()), creating: make(chan struct{}, 1),
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, s
}

// send makes one request and reads the whole answer.
func (k *kit) send(t *testing.T, method, path, bearer string, header http.Header, body []byte) kitResponse {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, k.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	answer, err := k.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return kitResponse{answer.StatusCode, answer.Header, raw}
}

// kitResponse is an HTTP answer, read whole.
type kitResponse struct {
	status int
	header http.Header
	body   []byte
}

// decode reads a JSON body.
func (r kitResponse) decode(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal(r.body, into); err != nil {
		t.Fatalf("%d: %v: %s", r.status, err, r.body)
	}
}

// call sends JSON to the API or to the sandbox; nil sends no body.
func (k *kit) call(t *testing.T, method, path, bearer string, body any) kitResponse {
	t.Helper()
	header := http.Header{}
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
		header.Set("Content-Type", "application/json")
	}
	return k.send(t, method, path, bearer, header, raw)
}

// must is a call that has to succeed; into may be nil.
func (k *kit) must(t *testing.T, method, path, bearer string, body, into any) {
	t.Helper()
	answer := k.call(t, method, path, bearer, body)
	if answer.status >= http.StatusMultipleChoices {
		t.Fatalf("%s %s: %d %s", method, path, answer.status, answer.body)
	}
	if into != nil {
		answer.decode(t, into)
	}
}

// kitPatient is a patient as /sandbox/patients and /sandbox/cast describe him.
type kitPatient struct {
	Name, Record, Family, Given, Sex, BirthDate, State string
	INS                                                xds.CX
}

// create adds a patient with the traits of a cast member.
func (k *kit) create(t *testing.T, name string, like cast.Patient, state string, settings map[string]bool) kitPatient {
	t.Helper()
	body := map[string]any{
		"name": name, "family": like.Family, "given": like.Given, "sex": like.Sex, "birthDate": like.BirthDate, "state": state, "settings": settings,
	}
	var representatives []map[string]string
	for _, r := range like.Representatives {
		representatives = append(representatives, map[string]string{"family": r.Family, "given": r.Given})
	}
	body["representatives"] = representatives
	k.creating <- struct{}{}
	defer func() { <-k.creating }()
	var p kitPatient
	k.must(t, http.MethodPost, "/sandbox/patients", "", body, &p)
	return p
}

// seeded is a patient of the seed.
func (k *kit) seeded(t *testing.T, name string) kitPatient {
	t.Helper()
	for _, p := range k.patients(t) {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("no patient %q", name)
	return kitPatient{}
}

func (k *kit) patients(t *testing.T) []kitPatient {
	t.Helper()
	var answer struct{ Patients []kitPatient }
	k.must(t, http.MethodGet, "/sandbox/cast", "", nil, &answer)
	return answer.Patients
}

// advance moves the clock.
func (k *kit) advance(t *testing.T, by string) {
	t.Helper()
	k.must(t, http.MethodPost, "/sandbox/clock", "", map[string]string{"advance": by}, nil)
}

// kitHeld is a document of a record with what the registry knows of it, whoever may
// see it: the sandbox tells it to developers.
type kitHeld struct {
	LogicalID, UniqueID, Status string
	Marks                       []string
}

// held are all documents of a record, hidden ones included.
func (k *kit) held(t *testing.T, patient string) []kitHeld {
	t.Helper()
	var answer struct{ Documents []kitHeld }
	k.must(t, http.MethodPost, "/sandbox/explain", "", map[string]string{"as": "dr-traitant", "patient": patient}, &answer)
	return answer.Documents
}

// kitUUID is a fresh UUID with its prefix.
func kitUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// kitOID is a fresh OID under 2.25.
func kitOID() string { return kitOIDLike("2.25.1" + strings.Repeat("0", 37)) }

// kitOIDLike is a fresh OID of the length of another one: what is asked for in vain
// must not differ in form from what is hidden.
func kitOIDLike(other string) string {
	const arc = "2.25.1"
	digits := len(other) - len(arc)
	n, _ := rand.Int(rand.Reader, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil))
	return fmt.Sprintf("%s%0*d", arc, digits, n)
}
