package entrance_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/entrance"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/intake"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/registry/registrytest"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
)

const (
	base     = "https://passerelle.example"
	hospital = "1599990017"
	aliceINS = xds.CX("293035999901195^^^&1.2.250.1.213.1.4.10&ISO^NH")
	brunoINS = xds.CX("279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH")
)

// world is the entrance in front of a real registry and a real repository.
type world struct {
	t        *testing.T
	registry *registry.Registry
	store    *repository.Store
	gate     *authz.Gate
	desk     *intake.Desk
	server   *entrance.Server
	issuer   iua.Issuer
	record   string // alice's
	found    xds.Errors
	log      *bytes.Buffer
}

func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func newWorld(t *testing.T) *world {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	m, err2 := matrix.Embedded()
	paris, err3 := time.LoadLocation("Europe/Paris")
	store, err4 := repository.Dir(t.TempDir())
	if err := errors.Join(err, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, record: newID(), store: store, log: &bytes.Buffer{},
		issuer:   iua.Issuer{Key: key, Name: "https://issuer.example", Audience: base, Now: time.Now, NewID: newID},
		registry: registry.Open(registrytest.Open(t), registry.Registry{Now: time.Now, NewID: newID, RepositoryID: "1.2.3.4", Report: func(e string, _ ...any) { t.Error(e) }}),
		gate:     &authz.Gate{Policy: france.New(m, matrix.Options{}), Now: time.Now, Paris: paris},
	}
	jwks, err := w.issuer.JWKS()
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := iua.New(iua.Config{Issuers: map[string][]byte{w.issuer.Name: jwks}, Audience: base, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	w.desk = &intake.Desk{Gate: w.gate, Registry: w.registry, Repository: store, Profile: dmp.New(dmp.Options{TestINS: true}), Limit: 8 << 20,
		Log: slog.New(slog.DiscardHandler), Found: func(es xds.Errors) { w.found = es }}
	w.server = &entrance.Server{
		Desk:   entrance.New(entrance.Desk{Intake: w.desk, SourceID: "1.2.3.4", Now: time.Now}),
		Tokens: tokens, Base: base, NewID: newID, Log: slog.New(slog.NewTextHandler(w.log, nil)),
	}
	w.create(w.record, aliceINS, "19930314")
	w.create(newID(), brunoINS, "19790312")
	return w
}

func (w *world) create(id string, patient xds.CX, born string) {
	w.t.Helper()
	err := w.registry.Write(w.t.Context(), func(s *registry.Session) error {
		return record.Create(w.t.Context(), s.Handle(), authz.AsSystem("test"), record.Holder{
			Record: id, Patient: patient, Traits: authz.Traits{Family: "TEST", Given: "Alice", BirthDate: born}, Sex: "F",
			Profile: authz.ProfileActive, Settings: authz.DefaultSettings,
		})
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

var chu = iua.Claims{Nature: authz.NatureStructure, ID: hospital, Structure: hospital}

// sample is the CDA of the README.
func sample(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "testdata", "cda", "cr-accouchement.xml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// renamed is a CDA under another uniqueId.
func renamed(doc, id string) string {
	return strings.Replace(doc, `<id root="2.25.111222333444555666777888999000111222"/>`, `<id root="`+id+`"/>`, 1)
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// post sends a document; headers are added to those of a good request.
func (w *world) post(who iua.Claims, query string, body io.Reader, headers ...string) answer {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/intake/cda"+query, body)
	r.Header.Set("Content-Type", "application/xml")
	if who.ID != "" {
		token, err := w.issuer.Issue(who)
		if err != nil {
			w.t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.server.ServeHTTP(rec, r)
	return answer{rec.Code, rec.Header(), rec.Body.String()}
}

// stored is the body of a 201.
type stored struct {
	EntryUUID, UniqueID, Set, Record string
	Replayed                         bool
	Warnings                         []struct {
		Code, Where string
		Line        int
	}
}

func (a answer) stored(t *testing.T) stored {
	t.Helper()
	var s stored
	if err := json.Unmarshal([]byte(a.body), &s); err != nil || a.status/100 != 2 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	return s
}

// codes are those of an OperationOutcome, with where each is.
func (a answer) codes(t *testing.T) string {
	t.Helper()
	var o struct {
		ResourceType string
		Issue        []struct {
			Severity   string
			Details    struct{ Coding []struct{ Code string } }
			Expression []string
		}
	}
	if err := json.Unmarshal([]byte(a.body), &o); err != nil || o.ResourceType != "OperationOutcome" || len(o.Issue) == 0 {
		t.Fatalf("%d, no OperationOutcome: %s", a.status, a.body)
	}
	var all []string
	for _, i := range o.Issue {
		all = append(all, strings.TrimSpace(i.Details.Coding[0].Code+" "+strings.Join(i.Expression, ",")))
	}
	return strings.Join(all, "; ")
}
