package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/passerelle-sante/passerelle/api"
	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/registry/registrytest"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/xds"
)

const hospital = "1310781406"

// world is the API in front of a real registry: the record of alice, of whom
// `traitant` is the administrator and `durand` a general practitioner with consent.
type world struct {
	t        *testing.T
	registry *registry.Registry
	gate     *authz.Gate
	handler  http.Handler
	server   *api.Server
	issuer   iua.Issuer
	ahead    time.Duration // of the clock
	record   string
	alice    xds.CX
	lots     int
}

// The people of the tests: a token names alice as its patient, unless unbound.
var (
	chu       = iua.Claims{Nature: authz.NatureStructure, ID: hospital, Structure: hospital}
	nadia     = iua.Claims{Nature: authz.NaturePro, ID: "nadia", Profession: "60", Structure: "1999"}
	leo       = iua.Claims{Nature: authz.NaturePerson, ID: "leo"}
	insurer   = iua.Claims{Nature: authz.NatureOther, ID: "assureur"}
	employers = iua.Claims{Nature: authz.NaturePro, ID: "travail", Profession: "10", Specialty: "SM25"}
)

func doctor(id string) iua.Claims {
	return iua.Claims{Nature: authz.NaturePro, ID: id, Profession: "10", Specialty: "SM26", Structure: hospital}
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
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, record: newID(), alice: xds.NewCX("279035121518989", "1.2.250.1.213.1.4.10", "NH")}
	now := func() time.Time { return time.Now().Add(w.ahead) }
	w.issuer = iua.Issuer{Key: key, Name: "https://issuer.example", Audience: "https://passerelle.example", Now: now, NewID: newID}
	w.registry = registry.Open(registrytest.Open(t), registry.Registry{Now: now, NewID: newID, RepositoryID: "1.2.3.4", Report: func(e string, _ ...any) { t.Error(e) }})
	w.gate = &authz.Gate{Policy: france.New(m, matrix.Options{}), Now: now, Paris: paris}
	jwks, err := w.issuer.JWKS()
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := iua.New(iua.Config{Issuers: map[string][]byte{w.issuer.Name: jwks}, Audience: w.issuer.Audience, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := repository.Dir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	desk := &rights.Desk{Gate: w.gate, Registry: w.registry, Repository: blobs, Now: now}
	server := &api.Server{Rights: desk, Tokens: tokens, Incident: newID, Log: slog.New(slog.DiscardHandler)}
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	server.Routes(router)
	w.handler, w.server = router, server
	w.create(w.record, w.alice, authz.ProfileActive, "19790312")
	for _, who := range []iua.Claims{doctor("traitant"), doctor("durand"), doctor("inconnu"), nadia, employers} {
		w.enlist(who)
	}
	w.do(func(s *registry.Session) error {
		return record.SeedAdministrator(t.Context(), s.Handle(), authz.AsSystem("test"), w.record, "traitant")
	})
	w.want(doctor("durand"), "PUT", "/links/durand", `{"basis":"consent","attested":true}`, "200")
	return w
}

func (w *world) do(fn func(*registry.Session) error) {
	w.t.Helper()
	if err := w.registry.Write(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) create(id string, patient xds.CX, state authz.Value, born string) {
	w.t.Helper()
	w.do(func(s *registry.Session) error {
		return record.Create(w.t.Context(), s.Handle(), authz.AsSystem("test"), record.Holder{
			Record: id, Patient: patient, Traits: authz.Traits{Family: "DURAND", Given: "Alice", BirthDate: born}, Sex: "F",
			Profile: state, Settings: authz.Settings{SamuOK: true, BdgOK: true},
			People: []record.Person{{ID: "leo", Role: authz.DelegateRole}},
		})
	})
}

// enlist writes a professional in the directory.
func (w *world) enlist(who iua.Claims) {
	w.t.Helper()
	w.do(func(s *registry.Session) error {
		return record.Enlist(w.t.Context(), s.Handle(), authz.AsSystem("test"), record.Professional{
			ID: who.ID, Name: who.ID, Kind: "pro", Profession: who.Profession, Specialty: who.Specialty, Structure: who.Structure,
		})
	})
}

// holder is the patient of alice's record.
func (w *world) holder() iua.Claims { return iua.Claims{Nature: authz.NaturePerson, ID: w.record} }

// subject is somebody as the engine below the API sees him.
func subject(who iua.Claims) authz.Subject {
	return authz.Subject{Nature: who.Nature, ID: who.ID, Profession: who.Profession, Specialty: who.Specialty, Structure: who.Structure}
}

// document deposits a report of which dr hopital is the author.
func (w *world) document(by iua.Claims, marks ...string) string {
	w.t.Helper()
	w.lots++
	d := xds.DocumentEntry{
		EntryUUID: "Document01", UniqueID: fmt.Sprintf("1.2.3.%d", w.lots), TypeCode: xds.Code{Value: "11502-2", Scheme: "2.16.840.1.113883.6.1"},
		CreationTime: "20260101", Title: "CR", MimeType: "text/xml", Confidentiality: []xds.Code{{Value: "N", Scheme: xds.ConfidentialityOID}},
	}
	for _, m := range marks {
		d.Confidentiality = append(d.Confidentiality, xds.Code{Value: m, Scheme: xds.MarkScheme})
	}
	lot := xds.Submission{
		Set:       xds.SubmissionSet{EntryUUID: "Set01", UniqueID: fmt.Sprintf("1.2.4.%d", w.lots), SourceID: "1.2.5", SubmissionTime: "20260102"},
		Documents: []xds.DocumentEntry{d},
		Associations: []xds.Association{
			{EntryUUID: "A1", Type: xds.HasMember, Source: "Set01", Target: "Document01", SetStatus: "Original"},
		},
	}
	prefix, err := w.registry.Intend(w.t.Context(), w.record)
	if err != nil {
		w.t.Fatal(err)
	}
	receipt, err := w.registry.Submit(w.t.Context(), func(s *registry.Session) (authz.Deposit, error) {
		return w.gate.OpenDeposit(w.t.Context(), s, subject(by), w.alice, authz.Purpose{Transaction: "ITI-41"})
	}, lot, []xds.Content{{Blob: prefix + "/1", SHA1: d.UniqueID, SHA256: d.UniqueID, Size: 10}})
	if err != nil {
		w.t.Fatal(err)
	}
	return receipt.Documents[0].LogicalID
}

// read lists alice's documents as somebody, as both faces do.
func (w *world) read(who iua.Claims) {
	w.t.Helper()
	w.do(func(s *registry.Session) error {
		scope, err := w.gate.Open(w.t.Context(), s, subject(who), w.alice, authz.Purpose{Action: authz.Search, Transaction: "ITI-18"})
		if err != nil {
			return err
		}
		_, err = s.Find(w.t.Context(), scope, xds.Query{})
		return err
	})
}

// ask makes one call on alice's record, with a token that names her; path is what
// follows the record, or a whole path of the API.
func (w *world) ask(who iua.Claims, method, path, body string) *httptest.ResponseRecorder {
	who.Patient = w.alice
	return w.unbound(who, method, path, body)
}

// unbound is ask with the token as it is.
func (w *world) unbound(who iua.Claims, method, path, body string) *httptest.ResponseRecorder {
	w.t.Helper()
	if !strings.HasPrefix(path, "/api") {
		path = "/api/v1/records/" + w.record + path
	}
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if who.ID != "" {
		token, err := w.issuer.Issue(who)
		if err != nil {
			w.t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}

// brief is the status of an answer, with the code of a refusal: `403 ACC-04`.
func brief(rec *httptest.ResponseRecorder) string {
	var o struct {
		ResourceType string
		Issue        []struct {
			Details struct{ Coding []struct{ Code string } }
		}
	}
	text := fmt.Sprint(rec.Code)
	if json.Unmarshal(rec.Body.Bytes(), &o) == nil && o.ResourceType == "OperationOutcome" {
		text += " " + o.Issue[0].Details.Coding[0].Code
	}
	return text
}

// want makes a call under a token bound to alice and compares status and code.
func (w *world) want(who iua.Claims, method, path, body, want string) map[string]any {
	w.t.Helper()
	rec := w.ask(who, method, path, body)
	if got := brief(rec); got != want {
		w.t.Errorf("%s: %s %s %s: %s, want %s", who.ID, method, path, body, got, want)
	}
	var answer map[string]any
	_ = json.Unmarshal(rec.Body.Bytes(), &answer) // 204 has none
	return answer
}
