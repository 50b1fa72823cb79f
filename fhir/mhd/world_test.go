package mhd_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/entrance"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/fhir/mhd"
	"github.com/passerelle-sante/passerelle/intake"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/outbox"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/registry/registrytest"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
	"github.com/passerelle-sante/passerelle/xds/profile"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
)

const (
	base     = "https://passerelle.example/fhir"
	hospital = "1310781406"
	ins      = "urn:oid:1.2.250.1.213.1.4.10|279035121518989"
)

// world is the face in front of a real registry and a real repository.
type world struct {
	t        *testing.T
	registry *registry.Registry
	gate     *authz.Gate
	desk     *intake.Desk
	handler  http.Handler
	server   *mhd.Server
	box      *outbox.Box
	issuer   iua.Issuer
	record   string
	alice    xds.CX
	log      *bytes.Buffer
	lots     int
	dir      string // of the repository
	count    func(table string) int
	observed []string // codes of the answers, those of one joined
}

func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func newWorld(t *testing.T) *world {
	t.Helper()
	pool := registrytest.Open(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	m, err2 := matrix.Embedded()
	paris, err3 := time.LoadLocation("Europe/Paris")
	dir := t.TempDir()
	store, err4 := repository.Dir(dir)
	cursors, err5 := fhir.NewCursors([32]byte{7})
	if err := errors.Join(err, err2, err3, err4, err5); err != nil {
		t.Fatal(err)
	}
	w := &world{
		box: outbox.Open(pool, time.Now),
		t:   t, dir: dir, count: func(table string) (n int) {
			if err := pool.QueryRow(t.Context(), "select count(*) from "+table).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		},
		record: newID(), alice: xds.NewCX("279035121518989", "1.2.250.1.213.1.4.10", "NH"), log: &bytes.Buffer{},
		issuer:   iua.Issuer{Key: key, Name: "https://issuer.example", Audience: "https://passerelle.example", Now: time.Now, NewID: newID},
		registry: registry.Open(pool, registry.Registry{Now: time.Now, NewID: newID, RepositoryID: "1.2.3.4", Report: func(e string, _ ...any) { t.Error(e) }}),
		gate:     &authz.Gate{Policy: france.New(m, matrix.Options{}), Now: time.Now, Paris: paris},
	}
	jwks, err := w.issuer.JWKS()
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := iua.New(iua.Config{Issuers: map[string][]byte{w.issuer.Name: jwks}, Audience: w.issuer.Audience, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	desk := &intake.Desk{Gate: w.gate, Registry: w.registry, Repository: store, Profile: profile.IHE(), Limit: 1 << 26, Log: slog.New(slog.DiscardHandler)}
	w.desk = desk
	server := &mhd.Server{
		Intake: desk, Entrance: entrance.New(entrance.Desk{Intake: desk, ClassOf: dmp.Class, SourceID: "1.2.250.1.999.3", Now: time.Now}),
		Gate: w.gate, Registry: w.registry, Repository: store, Tokens: tokens, Cursors: cursors,
		Base: base, Now: time.Now, NewID: newID, Log: slog.New(slog.NewTextHandler(w.log, nil)), Calendar: vaccination.EmbeddedCalendar(),
		Observe: func(_ context.Context, _ string, codes []string) {
			w.observed = append(w.observed, strings.Join(codes, " "))
		},
	}
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	server.Routes(router)
	w.server = server
	w.handler = router
	w.create(w.record, w.alice, authz.ProfileActive)
	w.link("durand")
	w.link("hopital")
	return w
}

func (w *world) do(fn func(*registry.Session) error) {
	w.t.Helper()
	if err := w.registry.Write(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) create(id string, patient xds.CX, state authz.Value) {
	w.do(func(s *registry.Session) error {
		return record.Create(w.t.Context(), s.Handle(), authz.AsSystem("test"), record.Holder{
			Record: id, Patient: patient, Traits: authz.Traits{Family: "DURAND", Given: "Alice", BirthDate: "19790312"}, Sex: "F",
			Profile: state, Settings: authz.DefaultSettings,
		})
	})
}

// link gives a general practitioner alice's consent.
func (w *world) link(id string) { w.linkAs(id, "10") }

func (w *world) linkAs(id, profession string) {
	w.t.Helper()
	w.do(func(s *registry.Session) error {
		sub := authz.Subject{Nature: authz.NaturePro, ID: id, Profession: profession}
		a, err := w.gate.OpenProfile(w.t.Context(), s, sub, w.alice, authz.Purpose{Action: authz.DeclareLink})
		if err != nil {
			return err
		}
		return record.DeclareLink(w.t.Context(), s.Handle(), a, authz.ConsentLink, time.Now(), time.Now().Add(time.Hour))
	})
}

// unlink takes it back.
func (w *world) unlink(id string) {
	w.do(func(s *registry.Session) error {
		a, err := w.gate.OpenProfile(w.t.Context(), s, authz.Subject{Nature: authz.NaturePro, ID: id, Profession: "10"}, w.alice, authz.Purpose{Action: authz.Unlink})
		if err != nil {
			return err
		}
		return record.Unlink(w.t.Context(), s.Handle(), a, id)
	})
}

// mask masks a document as its patient; the new metadata version has a new entryUUID.
func (w *world) mask(id string) (entryUUID string) { return w.act(authz.Mask, id) }

// act is an act of the patient on a document.
func (w *world) act(action authz.Value, id string) (entryUUID string) {
	w.t.Helper()
	w.do(func(s *registry.Session) error {
		a, err := w.gate.OpenAmend(w.t.Context(), s, authz.Subject{Nature: authz.NaturePerson, ID: w.record}, w.alice, authz.Purpose{Action: action, Attested: true})
		if err != nil {
			return err
		}
		changed, err := s.Act(w.t.Context(), a, registry.Change{Document: "urn:uuid:" + id, Attested: true})
		entryUUID = changed.EntryUUID
		return err
	})
	return entryUUID
}

// The people of the tests.
func pro(id string) iua.Claims {
	return iua.Claims{Nature: authz.NaturePro, ID: id, Profession: "10", Specialty: "SM26"}
}

var chu = iua.Claims{Nature: authz.NatureStructure, ID: hospital, Structure: hospital}

func (c *answer) outcome() []string {
	c.t.Helper()
	var o struct {
		ResourceType string
		Issue        []struct {
			Details    struct{ Coding []struct{ Code string } }
			Expression []string
		}
	}
	if err := json.Unmarshal(c.body, &o); err != nil || o.ResourceType != "OperationOutcome" || len(o.Issue) == 0 {
		c.t.Fatalf("%d, no OperationOutcome: %s", c.status, c.body)
	}
	var codes []string
	for _, i := range o.Issue {
		codes = append(codes, i.Details.Coding[0].Code+" "+strings.Join(i.Expression, ","))
	}
	return codes
}

// answer is what came back.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

// as sends a request with the token of somebody; the zero Claims sends none.
func (w *world) as(who iua.Claims, method, path string, body io.Reader, headers ...string) *answer {
	w.t.Helper()
	r := httptest.NewRequest(method, path, body)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if who.ID != "" {
		token, err := w.issuer.Issue(who)
		if err != nil {
			w.t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return &answer{w.t, rec.Code, rec.Header(), rec.Body.Bytes()}
}

func (w *world) get(who iua.Claims, path string, headers ...string) *answer {
	w.t.Helper()
	return w.as(who, http.MethodGet, "/fhir/"+path, nil, headers...)
}

// lot is the bundle of package fhir's tests with ids of its own.
func (w *world) lot(changes ...string) string {
	w.t.Helper()
	raw, err := os.ReadFile("../testdata/provide.json")
	if err != nil {
		w.t.Fatal(err)
	}
	w.lots++
	text := strings.NewReplacer("urn:oid:1.2.250.1.999.7.1", fmt.Sprintf("urn:oid:1.2.250.1.999.8.%d", w.lots), "urn:oid:1.2.250.1.999.7.2", fmt.Sprintf("urn:oid:1.2.250.1.999.9.%d", w.lots)).Replace(string(raw))
	for i := 0; i+1 < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			w.t.Fatalf("the bundle has no %s", changes[i])
		}
		text = strings.Replace(text, changes[i], changes[i+1], 1)
	}
	return text
}

func (w *world) push(who iua.Claims, bundle string) *answer {
	w.t.Helper()
	return w.as(who, http.MethodPost, "/fhir", strings.NewReader(bundle), "Content-Type", "application/fhir+json")
}

// mustPush pushes a lot as the hospital and gives the FHIR id of its document.
func (w *world) mustPush(changes ...string) string {
	w.t.Helper()
	got := w.push(chu, w.lot(changes...))
	var response struct {
		Entry []struct {
			Response struct{ Status, Location, Etag string }
		}
	}
	if got.status != http.StatusOK || json.Unmarshal(got.body, &response) != nil || len(response.Entry) != 3 {
		w.t.Fatalf("%d %s", got.status, got.body)
	}
	id, ok := strings.CutPrefix(response.Entry[1].Response.Location, "DocumentReference/")
	if !ok {
		w.t.Fatalf("location %q", response.Entry[1].Response.Location)
	}
	return id
}

// searchset is what a test reads of an answer.
type searchset struct {
	Total *int
	Link  []struct{ Relation, URL string }
	Entry []struct {
		FullURL  string
		Resource struct {
			ID        string
			Status    string
			RelatesTo []struct {
				Code   string
				Target struct{ Reference string }
			}
		}
	}
}

func (s searchset) ids() string {
	var ids []string
	for _, e := range s.Entry {
		ids = append(ids, e.Resource.ID)
	}
	return strings.Join(ids, " ")
}

func (s searchset) link(relation string) string {
	for _, l := range s.Link {
		if l.Relation == relation {
			return strings.TrimPrefix(l.URL, base+"/")
		}
	}
	return ""
}

func (w *world) search(who iua.Claims, query string) searchset {
	w.t.Helper()
	got := w.get(who, "DocumentReference?"+query)
	var set searchset
	if err := json.Unmarshal(got.body, &set); err != nil || got.status != http.StatusOK {
		w.t.Fatalf("%s: %d %s", query, got.status, got.body)
	}
	if _, findings := fhir.ReadResource(bytes.NewReader(got.body), 1<<20, "Bundle"); len(findings) > 0 {
		w.t.Errorf("%s: %v", query, findings)
	}
	return set
}

// stored tells what there is of each table, and how many blobs.
func (w *world) stored() (rows string, blobs int) {
	w.t.Helper()
	for _, table := range []string{"document_entry", "submission_set", "folder", "association", "lineage", "object_id", "unique_id", "blob_intent"} {
		rows += fmt.Sprintf("%s=%d ", table, w.count(table))
	}
	err := filepath.WalkDir(w.dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			blobs++
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return rows, blobs
}
