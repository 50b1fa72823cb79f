package iti_test

import (
	"context"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/intake"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/registry/registrytest"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/iti"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
	"github.com/passerelle-sante/passerelle/xds/saml"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

const (
	loinc        = "2.16.840.1.113883.6.1"
	nameCode     = "1.2.250.1.213.1.4.10" // test INS
	repositoryID = "1.2.250.1.999.1"
	hospital     = "1590000001"
	practice     = "1750000002"
)

// world is one gateway behind an HTTP server: a database and a blob folder of its
// own, three records (alice and bruno of age, leo a child) and the people below.
type world struct {
	t      testing.TB
	pool   *pgxpool.Pool
	reg    *registry.Registry
	gate   *authz.Gate
	blobs  *repository.Store
	server *httptest.Server
	face   *iti.Server
	// audience of the assertions that are issued here
	audience string
	limits   soap.Limits

	incidents         *incidents
	observed          atomic.Value // the last answer: its transaction and codes
	folder            string       // of the blobs
	alice, bruno, leo holder
	serial            atomic.Int64
}

// holder is a patient with a record.
type holder struct {
	record string
	ins    xds.CX
	traits authz.Traits
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// newWorld serves a gateway; change may lower the limits of a message.
func newWorld(t testing.TB, change ...func(*soap.Limits)) *world {
	t.Helper()
	m, err := matrix.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	blobs, err := repository.Dir(folder)
	if err != nil {
		t.Fatal(err)
	}
	pool := registrytest.Open(t)
	w := &world{
		t: t, pool: pool, limits: soap.DefaultLimits(), blobs: blobs, incidents: &incidents{t: t}, folder: folder,
		reg: registry.Open(pool, registry.Registry{Now: time.Now, NewID: newID, RepositoryID: repositoryID,
			Report: func(event string, _ ...any) { t.Error(event) }}),
		gate: &authz.Gate{Policy: france.New(m, matrix.Options{}), Now: time.Now, Paris: paris},
	}
	for _, f := range change {
		f(&w.limits)
	}
	mux := http.NewServeMux()
	w.server = httptest.NewServer(mux)
	t.Cleanup(w.server.Close)
	tokens, err := saml.New(saml.Config{
		Issuers:  map[string]saml.Issuer{"CN=VIHF": {Certificates: []*x509.Certificate{keys().cert}}},
		Audience: w.server.URL + "/xds", Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	face := &iti.Server{
		Gate: w.gate, Registry: w.reg, Repository: blobs, Tokens: tokens,
		Intake:  &intake.Desk{Gate: w.gate, Registry: w.reg, Repository: blobs, Profile: dmp.New(dmp.Options{TestINS: true}), Limit: w.limits.Part, Log: slog.New(slog.NewTextHandler(w.incidents, nil))},
		Respond: soap.Responder{NewID: func() string { return "urn:uuid:" + newID() }}, Limits: w.limits, Base: w.server.URL,
		Incident: newID, Log: slog.New(slog.NewTextHandler(w.incidents, nil)),
		Observe: func(_ context.Context, transaction string, codes []string) {
			w.observed.Store(transaction + " " + strings.Join(codes, " "))
		},
	}
	w.face, w.audience = face, w.server.URL+"/xds"
	for actor, endpoint := range iti.Endpoints {
		mux.Handle(endpoint.Path, face.Handler(actor))
	}
	w.settle()
	return w
}

// incidents fails the test of a gateway that met something unexpected.
type incidents struct {
	t        testing.TB
	expected atomic.Bool
	answers  atomic.Int64 // lines about an answer
	mutex    sync.Mutex
	lines    []string // of errors
}

func (i *incidents) Write(line []byte) (int, error) {
	if strings.Contains(string(line), "msg=soap ") {
		i.answers.Add(1)
	}
	if strings.Contains(string(line), "level=ERROR") && !i.expected.Load() {
		i.t.Errorf("log: %s", line)
	}
	if strings.Contains(string(line), "level=ERROR") {
		i.mutex.Lock()
		defer i.mutex.Unlock()
		i.lines = append(i.lines, string(line))
	}
	return len(line), nil
}

// all are the errors that were logged.
func (i *incidents) all() []string {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return slices.Clone(i.lines)
}

func (w *world) expectIncidents() { w.incidents.expected.Store(true) }

// settle makes the records and who may read them.
func (w *world) settle() {
	w.t.Helper()
	w.alice = holder{newID(), xds.NewCX("279035121518989", nameCode, "NH"), authz.Traits{Family: "DURAND", Given: "Alice", BirthDate: "19790315"}}
	w.bruno = holder{newID(), xds.NewCX("155077510012345", nameCode, "NH"), authz.Traits{Family: "MARTIN", Given: "Bruno", BirthDate: "19550701"}}
	w.leo = holder{newID(), xds.NewCX("116017510054321", nameCode, "NH"), authz.Traits{Family: "PETIT", Given: "Léo", BirthDate: time.Now().AddDate(-9, 0, 0).Format("20060102")}}
	w.do(func(s *registry.Session) error {
		ctx, sys := w.t.Context(), authz.AsSystem("test")
		for _, h := range []holder{w.alice, w.bruno, w.leo} {
			people := []record.Person(nil)
			if h.record != w.alice.record { // also of bruno, who is of age
				people = []record.Person{{ID: "mother", Role: authz.RepresentativeRole, Family: "PETIT", Given: "Anne"}}
			}
			err := record.Create(ctx, s.Handle(), sys, record.Holder{Record: h.record, Patient: h.ins, Traits: h.traits, Sex: "F",
				Profile: authz.ProfileActive, Settings: authz.DefaultSettings, People: people})
			if err != nil {
				return err
			}
		}
		return errors.Join(
			record.SeedAdministrator(ctx, s.Handle(), sys, w.alice.record, traitant.ID),
			record.Enlist(ctx, s.Handle(), sys, record.Professional{ID: regulator.ID, Name: "samu", Kind: "pro", Profession: "10", Regulator: true}))
	})
	for _, c := range []saml.Claims{durand, petit, hearing, author, workplace} {
		w.link(c, w.alice, time.Hour)
	}
	w.link(durand, w.leo, time.Hour)
	w.link(petit, w.alice, -time.Hour)
	w.profile(person(w.alice.record), w.alice, authz.Block, func(s *registry.Session, a authz.Allowed) error {
		return record.Block(w.t.Context(), s.Handle(), a, banned.ID, time.Now())
	})
}

func (w *world) do(fn func(*registry.Session) error) {
	w.t.Helper()
	if err := w.reg.Write(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

// profile acts on a record as a subject.
func (w *world) profile(c saml.Claims, h holder, action authz.Value, fn func(*registry.Session, authz.Allowed) error) {
	w.t.Helper()
	w.do(func(s *registry.Session) error {
		a, err := w.gate.OpenProfile(w.t.Context(), s, subject(c), h.ins, authz.Purpose{Action: action})
		if err != nil {
			return err
		}
		return fn(s, a)
	})
}

// link declares a relation that lasts so long, below zero one that has expired.
func (w *world) link(c saml.Claims, h holder, lasts time.Duration) {
	w.t.Helper()
	w.do(func(s *registry.Session) error {
		sub := subject(c)
		sub.Specialty = "" // of an occupational physician too: a link of former times
		a, err := w.gate.OpenProfile(w.t.Context(), s, sub, h.ins, authz.Purpose{Action: authz.DeclareLink})
		if err != nil {
			return err
		}
		return record.DeclareLink(w.t.Context(), s.Handle(), a, authz.ConsentLink, time.Now(), time.Now().Add(lasts))
	})
}

func (w *world) settings(h holder, set authz.Settings) {
	w.t.Helper()
	w.profile(person(h.record), h, authz.SetParams, func(s *registry.Session, a authz.Allowed) error {
		_, err := record.SetSettings(w.t.Context(), s.Handle(), a, set)
		return err
	})
}

func (w *world) state(h holder, state authz.Value) {
	w.t.Helper()
	w.do(func(s *registry.Session) error {
		return record.SetProfile(w.t.Context(), s.Handle(), authz.AsSystem("test"), h.record, state)
	})
}

// act masks, deletes or archives a document as a subject.
func (w *world) act(c saml.Claims, h holder, action authz.Value, id string) {
	w.t.Helper()
	w.do(func(s *registry.Session) error {
		a, err := w.gate.OpenAmend(w.t.Context(), s, subject(c), h.ins, authz.Purpose{Action: action, Attested: true})
		if err != nil {
			return err
		}
		_, err = s.Act(w.t.Context(), a, registry.Change{Document: id, Attested: true})
		return err
	})
}

// left counts what the tables and the repository hold.
func (w *world) left() string {
	w.t.Helper()
	var out []string
	for _, table := range []string{"document_entry", "submission_set", "unique_id", "object_id", "association", "lineage", "blob_intent"} {
		var n int
		if err := w.pool.QueryRow(w.t.Context(), "select count(*) from "+table).Scan(&n); err != nil {
			w.t.Fatal(err)
		}
		if n > 0 {
			out = append(out, fmt.Sprintf("%s %d", table, n))
		}
	}
	blobs := 0
	for _, err := range w.blobs.List(w.t.Context(), "") {
		if err != nil {
			w.t.Fatal(err)
		}
		blobs++
	}
	if blobs > 0 {
		out = append(out, fmt.Sprintf("blobs %d", blobs))
	}
	return strings.Join(out, ", ")
}

// trail are the rows of a record and a transaction, oldest first.
func (w *world) trail(h holder, transaction string) []string {
	w.t.Helper()
	rows, err := w.pool.Query(w.t.Context(),
		`select actor, permit, code from trail where record = $1 and transaction = $2 order by seq`, h.record, transaction)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	lines := []string{}
	for rows.Next() {
		var actor, code string
		var permit bool
		if err := rows.Scan(&actor, &permit, &code); err != nil {
			w.t.Fatal(err)
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %v %s", actor, permit, code)))
	}
	return lines
}

func sha(b []byte) string {
	sum := sha1.Sum(b)
	return hex.EncodeToString(sum[:])
}

func readAll(t testing.TB, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
