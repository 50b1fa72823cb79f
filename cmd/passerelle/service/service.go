// Package service puts the parts of the gateway together behind one HTTP handler:
// the SOAP and FHIR faces, the JSON API and the health pages, over one registry and
// one repository. The sandbox and the production server differ only in the Options
// that they pass.
package service

import (
	"cmp"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // Europe/Paris on machines without a zone database (policy Q-13)

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/api"
	"github.com/passerelle-sante/passerelle/atna"
	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/carnet"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/errorpage"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/policies"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/scan"
	"github.com/passerelle-sante/passerelle/console"
	"github.com/passerelle-sante/passerelle/entrance"
	"github.com/passerelle-sante/passerelle/federation"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/fhir/mhd"
	"github.com/passerelle-sante/passerelle/intake"
	"github.com/passerelle-sante/passerelle/notify"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/signin"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
	"github.com/passerelle-sante/passerelle/xds/iti"
	"github.com/passerelle-sante/passerelle/xds/profile"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
	"github.com/passerelle-sante/passerelle/xds/saml"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// Options are what an installation chooses.
type Options struct {
	Pool         *pgxpool.Pool
	Repository   *repository.Store
	Base         string    // URL under which clients reach the gateway, without a slash at its end
	RepositoryID string    // repositoryUniqueId (OID)
	Profile      string    // dmp or ihe
	Provisional  bool      // provisional columns of the matrix are in force
	TestINS      bool      // the test and demonstration roots of the INS are accepted
	ValueSets    *dmp.Sets // of the profile dmp; nil: those of the product
	VIHF         map[string]saml.Issuer
	Tokens       map[string][]byte   // JWKS by issuer
	UserInfo     *iua.UserInfo       // of the one provider of opaque tokens; nil: none
	Portals      []string            // client_id of the operator's own faces for patients
	Applications []authz.Application // that patients may authorise
	Sandbox      Sandbox
	CursorSecret [32]byte
	Signature    ed25519.PrivateKey // of certificates and exports
	Now          func() time.Time
	Log          *slog.Logger

	Audit      *atna.Sink    // the audit record repository; nil: none (ITI-20)
	KeepAudits time.Duration // what cannot be sent to it is kept so long; 0: KeepAudits
	Broker     notify.Broker // who is told of documents (ITI-52, ITI-53)
	Mail       Mail          // how people are written to
	Scanner    *scan.Scanner // of files that persons bring; nil: none
	SignIn     SignIn        // how they sign in

	Home        string                 // our homeCommunityId, urn:oid:…; "": no XCA
	Communities []federation.Community // those that the Initiating Gateway asks

	RequirePatient bool     // a token that names no patient is refused: the DMP profile in production (design §7)
	PublicMetrics  bool     // /metrics beside the faces
	ManyPatients   []string // national ids of the professionals who may ask about several patients at once (ITI-51)
	Operators      []string // ids of those who may remove what was registered (ITI-62, ITI-86)
	Auditors       []string // ids of those who may read the history of any record (ITI-81)
	Senders        intake.Senders
	Calendar       vaccination.Calendar // of vaccinations; the zero one: that of the product
	Immunization   []string             // profiles that an Immunization claims
	Trust          Trust
	Limits         Limits
	RemindAfter    time.Duration // of a document that waits for its announcement; 0: RemindAfter
	Document       int64         // bytes of one document; 0: that of soap.DefaultLimits
	Version        string
	Revision       string // of the sources; "" is not known
}

// Sandbox is what only a sandbox says of its tokens; the zero Sandbox is none.
type Sandbox struct {
	TokenEndpoint string // where it issues them
	JWKS          string // the address of its keys
}

// Service is a gateway ready to serve.
type Service struct {
	Options
	Gate     *authz.Gate
	Registry *registry.Registry
	Rules    *profile.Profile
	Policies *policies.Book // versions of the matrix; Gate decides by its schedule
	Console  *console.Server
	Doors    *signin.Desk
	metrics  *metrics
	health   *health
	limits   map[string]int64 // by face
	router   *gin.Engine
	soap     *iti.Server
	carnet   *carnet.Desk
	fhir     *mhd.Server

	scheduled  scheduled
	assertions *saml.Verifier
	watched    watched
	postmen    []*postman
	telling    sync.Mutex
}

// New puts a gateway together. It fails on options that would trust nobody or
// check nothing.
func New(o Options) (*Service, error) {
	if len(o.Signature) != ed25519.PrivateKeySize {
		return nil, errors.New("no key to sign certificates with")
	}
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return nil, err
	}
	rules, err := profileOf(o.Profile, dmp.Options{TestINS: o.TestINS, Sets: o.ValueSets})
	if err != nil {
		return nil, err
	}
	s := &Service{Options: o, Rules: rules, metrics: newMetrics(o.Version, o.Revision)}
	s.Registry = registry.Open(o.Pool, registry.Registry{Now: o.Now, NewID: NewID, RepositoryID: o.RepositoryID,
		Report: func(event string, args ...any) {
			s.metrics.disagreements.Inc()
			o.Log.Error(event, args...)
		}, Decided: s.metrics.decided, Audited: o.Audit != nil, Mailed: o.Mail.SMTP != nil, Shred: s.shred})
	if err := s.openPolicies(paris); err != nil {
		return nil, err
	}
	s.Gate = &authz.Gate{Policy: s.Policies.Schedule, Now: o.Now, Paris: paris, ManyPatients: professionals(o.ManyPatients), Operator: operators(o.Operators), Auditor: operators(o.Auditors),
		Applications: catalogue(o.Applications)}
	o.Repository.Observe = s.metrics.stored
	s.metrics.watchPool(o.Pool)
	s.openMail()
	s.health = s.newHealth()
	s.limits = map[string]int64{}
	for _, face := range faces {
		s.limits[face] = int64(o.Limits.of(face))
	}
	return s, s.route()
}

// professionals tells those of a list by their national ids.
func professionals(ids []string) func(authz.Subject) bool {
	return func(sub authz.Subject) bool { return sub.Nature == authz.NaturePro && slices.Contains(ids, sub.ID) }
}

// catalogue finds an application by its client_id.
func catalogue(all []authz.Application) func(string) (authz.Application, bool) {
	return func(client string) (authz.Application, bool) {
		i := slices.IndexFunc(all, func(a authz.Application) bool { return a.Client == client })
		if i < 0 {
			return authz.Application{}, false
		}
		return all[i], true
	}
}

// refusedToken tells the operator which claim failed: the client learns the code alone.
func (s *Service) refusedToken(e *xds.Error) {
	s.Log.Info("token refused", "code", e.ID, "claim", e.Where, "found", e.Found)
}

// operators tells whether a subject is one of those named: a person by his own id, a
// structure by its own token alone, so that nobody gets the right by working there.
func operators(ids []string) func(authz.Subject) bool {
	return func(sub authz.Subject) bool {
		id := sub.ID
		if sub.Nature == authz.NatureStructure {
			id = sub.Structure
		}
		return sub.Nature != authz.NaturePerson && id != "" && slices.Contains(ids, id)
	}
}

// profileOf is the affinity domain's profile.
func profileOf(name string, o dmp.Options) (*profile.Profile, error) {
	switch name {
	case "dmp":
		return dmp.New(o), nil
	case "ihe":
		return profile.IHE(), nil
	default:
		return nil, fmt.Errorf("profil %q inconnu : dmp ou ihe", name)
	}
}

// Router takes further routes, those of the sandbox.
func (s *Service) Router() *gin.Engine { return s.router }

// route builds the faces.
func (s *Service) route() error {
	if err := s.openTrust(); err != nil {
		return err
	}
	tokens, err := iua.New(iua.Config{Issuers: s.Tokens, Audience: s.Base, Now: s.Now, RequirePatient: s.RequirePatient, UserInfo: s.UserInfo, Portals: s.Portals,
		Explain: s.Sandbox != Sandbox{}, Refused: s.refusedToken})
	if err != nil {
		return err
	}
	cursors, err := fhir.NewCursors(s.CursorSecret)
	if err != nil {
		return err
	}
	gin.SetMode(gin.ReleaseMode)
	s.router = gin.New()
	if err := s.router.SetTrustedProxies(nil); err != nil {
		return err
	}
	s.router.HandleMethodNotAllowed = true
	s.router.RedirectTrailingSlash = false
	s.router.Use(s.metrics.count, s.shed, s.guard, s.origin)
	s.router.NoRoute(func(c *gin.Context) {
		if c.Request.Method == http.MethodGet && s.Console.Missing(c) {
			return
		}
		e := &xds.Error{ID: "FHIR-003"}
		if face(c.Request.URL.Path) == "xds" {
			e.Hint = "les adresses SOAP : " + strings.Join(s.soapPaths(), ", ")
		}
		fhir.WriteOutcome(c.Writer, xds.Errors{e})
	})
	s.router.NoMethod(func(c *gin.Context) {
		fhir.WriteOutcome(c.Writer, xds.Errors{{ID: "FHIR-004", Hint: "voir /api/openapi.json"}})
	})
	soapFace := &iti.Server{
		Gate: s.Gate, Registry: s.Registry, Repository: s.Repository, Intake: s.desk(), Tokens: s.assertions,
		Respond: soap.Responder{NewID: func() string { return "urn:uuid:" + NewID() }}, Limits: s.messageLimits(),
		Base: cmp.Or(s.Trust.SOAPBase, s.Base), Client: s.client, Incident: NewID, Log: s.Log, Observe: observe,
	}
	soapFace.Broker, s.soap = s.Broker, soapFace
	soapFace.Home, soapFace.Others = s.Home, federation.New(federation.Options{Communities: s.Communities, Document: s.messageLimits().Part, NewID: soapFace.Respond.NewID})
	for actor, endpoint := range iti.Endpoints {
		if !soapFace.Serves(actor) {
			continue
		}
		s.router.Any(endpoint.Path, gin.WrapH(soapFace.Handler(actor)))
	}
	bare := s.Entrance()
	fhirFace := &mhd.Server{
		Gate: s.Gate, Registry: s.Registry, Repository: s.Repository, Intake: s.desk(), Entrance: bare, Tokens: tokens, Cursors: cursors,
		Broker: s.Broker, Base: s.Base + "/fhir", Software: s.Version, Now: s.Now, NewID: NewID, Log: s.Log, Observe: observe,
		TokenEndpoint: s.Sandbox.TokenEndpoint, JWKS: s.Sandbox.JWKS,
		Calendar: s.calendar(), ImmunizationProfiles: s.Immunization,
	}
	s.fhir = fhirFace
	fhirFace.Routes(s.router)
	desk := &rights.Desk{Gate: s.Gate, Registry: s.Registry, Repository: s.Repository, System: authz.AsSystem("rights"), Now: s.Now, Listed: s.Applications,
		Exports: rights.Exporting{Signer: s.signer(), Source: s.RepositoryID, Base: s.Base + "/fhir", Views: fhirFace.Views}}
	s.carnet = carnet.New(carnet.Desk{Rights: desk, Repository: s.Repository, Entrance: bare, Calendar: s.calendar(), NewID: NewID, Paris: s.Gate.Paris})
	(&api.Server{Rights: desk, Carnet: s.carnet, Tokens: tokens, Incident: NewID, Log: s.Log, Beside: entrance.OpenAPI()}).Routes(s.router)
	s.openSignIn(desk)
	s.Console = &console.Server{
		SignIn: s.Doors, Relay: s.relay, Samples: s.SignIn.Samples,
		Rights: desk, Carnet: s.carnet, Registry: s.Registry, Repository: s.Repository, Intake: s.desk(), Entrance: bare, Secret: s.CursorSecret, Base: s.Base, Sandbox: s.Sandbox != Sandbox{}, Now: s.Now, NewID: NewID, Log: s.Log,
	}
	if s.Scanner != nil {
		s.Console.Scan = s.Scanner.Scan
	}
	if err := s.Console.Routes(s.router); err != nil {
		return err
	}
	s.router.GET(signaturePath, gin.WrapF(s.publicKey))
	s.router.POST("/intake/cda", gin.WrapH(&entrance.Server{Desk: bare, Tokens: tokens, Base: s.Base, NewID: NewID, Log: s.Log, Observe: observe}))
	asked := []string{http.MethodGet, http.MethodHead} // probes and link checkers ask by HEAD
	for _, path := range []string{"/errors", "/errors/*code"} {
		s.router.Match(asked, path, gin.WrapF(errorpage.ServeHTTP))
	}
	s.router.Match(asked, "/healthz", gin.WrapF(s.Live))
	s.router.Match(asked, "/readyz", gin.WrapF(s.Ready))
	if s.PublicMetrics {
		s.router.GET("/metrics", gin.WrapH(s.Metrics()))
	}
	return nil
}

func (s *Service) calendar() vaccination.Calendar {
	if s.Calendar.Version == "" {
		return vaccination.EmbeddedCalendar()
	}
	return s.Calendar
}

// soapPaths are the addresses of the SOAP faces that are served.
func (s *Service) soapPaths() []string {
	var paths []string
	for actor, endpoint := range iti.Endpoints {
		if s.soap.Serves(actor) {
			paths = append(paths, endpoint.Path)
		}
	}
	slices.Sort(paths)
	return paths
}

// Probes is the handler of an address apart: health and metrics, no face.
func (s *Service) Probes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.Live)
	mux.HandleFunc("GET /readyz", s.Ready)
	mux.Handle("GET /metrics", s.Metrics())
	return mux
}

// messageLimits are those of design §5, with the document as the site chose.
func (s *Service) messageLimits() soap.Limits {
	l := soap.DefaultLimits()
	if s.Document > 0 {
		l.Part = min(s.Document, l.Part)
	}
	return l
}

// desk takes submissions in, on either face.
func (s *Service) desk() *intake.Desk {
	return &intake.Desk{Gate: s.Gate, Registry: s.Registry, Repository: s.Repository, Profile: s.Rules, Senders: s.Senders, Limit: s.messageLimits().Part, Log: s.Log, Found: s.metrics.found}
}

// Entrance takes bare CDA documents in.
func (s *Service) Entrance() *entrance.Desk {
	d := entrance.Desk{Intake: s.desk(), SourceID: s.RepositoryID, Now: s.Now}
	if s.Rules.Name != "dmp" { // IHE asks for a class, and derives none
		d.ClassOf = func(typeCode xds.Code) (xds.Code, bool) {
			if class, known := dmp.Class(typeCode); known {
				return class, true
			}
			return typeCode, true
		}
	}
	return entrance.New(d)
}

// Desk is the same at an instant of the past: the seed of the sandbox.
func (s *Service) Desk(gate *authz.Gate, reg *registry.Registry) *intake.Desk {
	d := s.desk()
	d.Gate, d.Registry = gate, reg
	return d
}

// origin says where a request comes from, for its audit message: as the connection
// has it, whatever its headers say (safety §2.3, attack 123).
func (s *Service) origin(c *gin.Context) {
	if host, _, err := net.SplitHostPort(c.Request.RemoteAddr); err == nil && s.Audit != nil {
		c.Request = c.Request.WithContext(registry.From(c.Request.Context(), host))
	}
	c.Next()
}

// guard paces the body of the request, and turns a panic into a plain 500: the
// detail goes to the log alone. An aborted answer stays aborted.
func (s *Service) guard(c *gin.Context) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			incident := NewID()
			s.metrics.panics.Inc()
			s.Log.Error("panic", "request", incident, "path", c.FullPath(), "panic", fmt.Sprintf("%T", p))
			if !c.Writer.Written() {
				c.Data(http.StatusInternalServerError, "text/plain; charset=utf-8", []byte("INT-001 incident interne "+incident+"\n"))
			}
			c.Abort()
		}
	}()
	c.Header("X-Content-Type-Options", "nosniff")
	pace(c.Writer, c.Request)
	c.Next()
}

// NewID is a random UUID (version 4), lower case.
func NewID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
