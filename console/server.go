// Package console is the pages of the gateway: /patient for persons, /pro for
// professionals. Every page works as plain links and forms; a script of our own makes
// some of them quicker. A page can do nothing that the JSON calls and the faces cannot:
// rights are exercised through rights.Desk, documents are read through a Scope and come
// in through intake, so what a visitor sees and may do is decided where it is decided for
// everybody else.
//
// Sources: policy §1.2…§1.9, users §2 and §4 (e), RGAA 4.1.
package console

import (
	"embed"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/passerelle-sante/passerelle/carnet"
	"github.com/passerelle-sante/passerelle/entrance"
	"github.com/passerelle-sante/passerelle/intake"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/signin"
	"github.com/passerelle-sante/passerelle/xds"
)

// Server answers /patient and /pro.
type Server struct {
	Rights     *rights.Desk
	Carnet     *carnet.Desk
	Registry   *registry.Registry
	Repository *repository.Store
	Intake     *intake.Desk
	Entrance   *entrance.Desk
	Scan       Scanner  // of files that persons bring; nil: none is configured
	Secret     [32]byte // of the deployment: seals what pages carry
	Base       string   // URL of the gateway, the issuer of what a session acts by
	Sandbox    bool     // fictitious data: the pages say so
	SignIn     *signin.Desk
	Relay      func(address string) bool // of the operator's own, whose word counts on where a request comes from; nil: none
	Samples    Samples                   // of a sandbox
	Now        func() time.Time
	NewID      func() string
	Log        *slog.Logger

	pages pages
}

// maxForm bounds the body of a form without a file, in bytes.
const maxForm = 64 << 10

// side is one of the two consoles; each has its own cookie, so that one browser can be a
// patient's and a professional's at once.
type side string

const (
	patientSide side = "patient"
	proSide     side = "pro"
)

// route is one page or one act. Handlers of a route that is not open have a visitor who
// is signed in on its side; those with {record} in their path one who has a role on it
// (patient side), or a Subject bound to its patient (pro side).
type route struct {
	method string
	path   string // from its side on: /patient/{record}/documents
	open   bool   // without a session
	upload bool   // the body is a file, which the handler bounds and reads itself, CSRF token first
	handle func(*Server, *visit) error
}

// routes are all pages: each part has a list of its own.
var routes = slices.Concat(
	homeRoutes,
	signinRoutes,
	providerRoutes,
	sessionRoutes,
	activateRoutes,
	ownAccountRoutes,
	documentRoutes, confidentialityRoutes, ownRoutes,
	accessRoutes,
	historyRoutes,
	takeawayRoutes,
	proRoutes,
	proEmergencyRoutes,
	proDocumentRoutes,
	profileRoutes,
	delegationRoutes,
	proDepositRoutes,
	proHistoryRoutes,
	proAnnounceRoutes,
	settingsRoutes,
	reportRoutes, representativeRoutes,
)

//go:embed static
var static embed.FS

// Routes adds the pages to a router.
func (s *Server) Routes(r gin.IRouter) error {
	if err := s.pages.load(); err != nil {
		return err
	}
	for _, rt := range routes {
		path := strings.NewReplacer("{", ":", "}", "").Replace(rt.path)
		r.Handle(rt.method, path, s.handler(rt))
		if rt.method == http.MethodGet {
			r.HEAD(path, s.handler(rt))
		}
	}
	r.GET("/console/static/:file", s.asset)
	return nil
}

// Missing answers an address of the consoles where there is no page; false: it is none of
// theirs.
func (s *Server) Missing(c *gin.Context) bool {
	path := c.Request.URL.Path + "/"
	for _, side := range []side{patientSide, proSide} {
		if strings.HasPrefix(path, "/"+string(side)+"/") {
			s.handler(route{path: "/" + string(side), open: true, handle: func(*Server, *visit) error { return &xds.Error{ID: "JSON-003"} }})(c)
			return true
		}
	}
	return false
}

// asset serves what pages refer to; its address changes with its content.
func (s *Server) asset(c *gin.Context) {
	raw, err := static.ReadFile("static/" + c.Param("file"))
	kind, known := map[string]string{"style.css": "text/css; charset=utf-8", "passerelle.js": "text/javascript; charset=utf-8"}[c.Param("file")]
	if err != nil || !known {
		c.Status(http.StatusNotFound)
		return
	}
	c.Header("Cache-Control", "public, max-age=31536000, immutable")
	c.Data(http.StatusOK, kind, raw)
}

// policy is what a page may load and where its forms go: nothing inline, nothing from
// elsewhere.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; frame-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// handler finds the visitor, holds the form's token and renders what comes out.
func (s *Server) handler(rt route) gin.HandlerFunc {
	side := patientSide
	if strings.HasPrefix(rt.path, "/pro") {
		side = proSide
	}
	return func(c *gin.Context) {
		h := c.Writer.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		v := &visit{ctx: c, server: s, side: side, lang: language(c)}
		if !rt.upload {
			c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxForm)
		}
		if err := v.enter(rt); err != nil {
			v.fail(err)
			return
		}
		if v.gone {
			return
		}
		if err := rt.handle(s, v); err != nil {
			v.fail(err)
		}
	}
}
