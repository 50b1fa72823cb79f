// Package service puts the parts of the gateway together behind one HTTP handler:
// the SOAP and FHIR faces, the JSON API and the health pages, over one registry and
// one repository. The sandbox and the production server differ only in the Options
// that they pass.
package service

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
	_ "time/tzdata" // Europe/Paris on machines without a zone database (policy Q-13)

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/api"
	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/fhir/mhd"
	"github.com/passerelle-sante/passerelle/intake"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/xds"
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
	Base         string // URL under which clients reach the gateway, without a slash at its end
	RepositoryID string // repositoryUniqueId (OID)
	Profile      string // dmp or ihe
	Provisional  bool   // provisional columns of the matrix are in force
	TestINS      bool   // the test and demonstration roots of the INS are accepted
	VIHF         map[string]saml.Issuer
	Tokens       map[string][]byte // JWKS by issuer
	CursorSecret [32]byte
	Now          func() time.Time
	Log          *slog.Logger
}

// Service is a gateway ready to serve.
type Service struct {
	Options
	Gate     *authz.Gate
	Registry *registry.Registry
	Rules    *profile.Profile
	matrix   *matrix.Matrix
	metrics  *metrics
	router   *gin.Engine
}

// New puts a gateway together. It fails on options that would trust nobody or
// check nothing.
func New(o Options) (*Service, error) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return nil, err
	}
	m, err := matrix.Embedded()
	if err != nil {
		return nil, err
	}
	rules, err := profileOf(o.Profile, o.TestINS)
	if err != nil {
		return nil, err
	}
	policy := france.New(m, matrix.Options{Provisional: o.Provisional, Generic: o.Profile == "ihe"})
	s := &Service{Options: o, Rules: rules, matrix: m, metrics: newMetrics(), Gate: &authz.Gate{Policy: policy, Now: o.Now, Paris: paris}}
	s.Registry = registry.Open(o.Pool, registry.Registry{Now: o.Now, NewID: NewID, RepositoryID: o.RepositoryID,
		Report: func(event string, args ...any) {
			s.metrics.disagreements.Inc()
			o.Log.Error(event, args...)
		}})
	return s, s.route()
}

// profileOf is the affinity domain's profile.
func profileOf(name string, testINS bool) (*profile.Profile, error) {
	switch name {
	case "dmp":
		return dmp.New(dmp.Options{TestINS: testINS}), nil
	case "ihe":
		return profile.IHE(), nil
	default:
		return nil, fmt.Errorf("profil %q inconnu : dmp ou ihe", name)
	}
}

// Matrix is the matrice d'habilitation in force.
func (s *Service) Matrix() *matrix.Matrix { return s.matrix }

// Router takes further routes, those of the sandbox.
func (s *Service) Router() *gin.Engine { return s.router }

// route builds the faces.
func (s *Service) route() error {
	assertions, err := saml.New(saml.Config{Issuers: s.VIHF, Audience: s.Base + "/xds", Now: s.Now})
	if err != nil {
		return err
	}
	tokens, err := iua.New(iua.Config{Issuers: s.Tokens, Audience: s.Base, Now: s.Now})
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
	s.router.Use(s.metrics.count, s.guard)
	s.router.NoRoute(func(c *gin.Context) { fhir.WriteOutcome(c.Writer, xds.Errors{{ID: "FHIR-003"}}) })
	s.router.NoMethod(func(c *gin.Context) {
		fhir.WriteOutcome(c.Writer, xds.Errors{{ID: "FHIR-004", Hint: "voir /api/openapi.json"}})
	})
	soapFace := &iti.Server{
		Gate: s.Gate, Registry: s.Registry, Repository: s.Repository, Intake: s.desk(), Tokens: assertions,
		Respond: soap.Responder{NewID: func() string { return "urn:uuid:" + NewID() }}, Limits: soap.DefaultLimits(),
		Base: s.Base, Incident: NewID, Log: s.Log,
	}
	s.router.Any("/xds/registry", gin.WrapH(soapFace.Handler(iti.RegistryActor)))
	s.router.Any("/xds/repository", gin.WrapH(soapFace.Handler(iti.RepositoryActor)))
	fhirFace := &mhd.Server{
		Gate: s.Gate, Registry: s.Registry, Repository: s.Repository, Intake: s.desk(), Tokens: tokens, Cursors: cursors,
		Base: s.Base + "/fhir", Now: s.Now, NewID: NewID, Log: s.Log,
	}
	fhirFace.Routes(s.router)
	(&api.Server{Gate: s.Gate, Registry: s.Registry, Tokens: tokens, Now: s.Now, Incident: NewID, Log: s.Log}).Routes(s.router)
	s.router.GET("/healthz", func(c *gin.Context) { c.String(http.StatusOK, "ok\n") })
	s.router.GET("/readyz", s.ready)
	s.router.GET("/metrics", s.metrics.handler())
	return nil
}

// desk takes submissions in, on either face.
func (s *Service) desk() *intake.Desk {
	return &intake.Desk{Gate: s.Gate, Registry: s.Registry, Repository: s.Repository, Profile: s.Rules, Limit: soap.DefaultLimits().Part, Log: s.Log}
}

// Desk is the same at an instant of the past: the seed of the sandbox.
func (s *Service) Desk(gate *authz.Gate, reg *registry.Registry) *intake.Desk {
	d := s.desk()
	d.Gate, d.Registry = gate, reg
	return d
}

// ready tells whether the registry answers; it writes nothing.
func (s *Service) ready(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c, 2*time.Second)
	defer cancel()
	if err := s.Pool.Ping(ctx); err != nil {
		c.String(http.StatusServiceUnavailable, "registre injoignable\n")
		return
	}
	c.String(http.StatusOK, "ok\n")
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

// Serve answers on the listener until the context ends, then lets requests in
// flight finish for at most 30 s.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       longest,
		WriteTimeout:      longest,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return server.Shutdown(drain)
}

// NewID is a random UUID (version 4), lower case.
func NewID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
