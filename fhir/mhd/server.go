// Package mhd is the FHIR face: IHE MHD 4.2.3 and PDSm 3.1.1 over HTTP, one file
// per transaction and one table of routes. A handler parses, opens a Scope or a
// Deposit, acts and renders; what it may answer is decided by authz, found by
// registry and read from repository with the same calls as on the SOAP face.
//
// Every error is an OperationOutcome (F4). It must never answer from anything but
// a Visible, send a byte before the session has committed, echo a patient's
// identifier, or let a shared cache keep an answer.
//
// Sources: MHD 2:3.65, 2:3.67, 2:3.68; R4 http.html and search.html; policy §0.
package mhd

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/entrance"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/intake"
	"github.com/passerelle-sante/passerelle/notify"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/medical"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
)

// Server answers /fhir.
type Server struct {
	Gate       *authz.Gate
	Registry   *registry.Registry
	Repository *repository.Store
	Intake     *intake.Desk
	Entrance   *entrance.Desk // documents whose metadata their CDA header tells
	Tokens     *iua.Verifier
	Cursors    *fhir.Cursors
	Broker     notify.Broker // who may be told of documents (ITI-112)
	// ImmunizationProfiles are the profiles that every Immunization claims.
	ImmunizationProfiles []string
	Calendar             vaccination.Calendar // that recommendations follow; the zero one recommends nothing

	// TokenEndpoint and JWKS are addresses of the sandbox's issuer, "" in any other service.
	TokenEndpoint, JWKS string

	Base     string // address of the face, without a slash at its end
	Software string // version of the product, "" = not said
	Now      func() time.Time
	NewID    func() string // a random lower-case UUID
	Log      *slog.Logger
	// Observe hears of every answer: its transaction, "" for an unknown path, and
	// the codes of its refusal. nil ignores it.
	Observe func(ctx context.Context, transaction string, codes []string)

	routes  []route
	bundles *room // memory for bundles
	answers xds.Buffers
	shelf   *repository.Shelf[reading]
	profile *repository.Shelf[medical.Document]
}

// call is one request.
type call struct {
	w        http.ResponseWriter
	r        *http.Request
	route    route
	id       string // the {id} of the path
	vid      string // its {vid}
	query    url.Values
	subject  authz.Subject
	form     fhir.Rendering // how the client takes resources; JSON until that is known
	warnings xds.Errors     // about the resource that was read
	request  string         // id of the request in the log and in incidents
}

// Routes adds the face to a router.
func (s *Server) Routes(r gin.IRouter) {
	s.routes, s.bundles, s.shelf = routes, newRoom(), repository.NewShelf(shelved, vaccination.MaxBytes, readVaccinations)
	s.profile = repository.NewShelf(shelved, medical.MaxBytes, readSection)
	handler := gin.WrapF(s.serve)
	r.Any("/fhir", handler)
	r.Any("/fhir/*path", handler)
}

// serve finds the route, verifies the token, carries out the call and renders
// refusals.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	c := &call{w: w, r: r, request: s.NewID()}
	h := w.Header()
	h.Set("Cache-Control", "private, no-store")
	h.Set("Vary", "Authorization, Accept")
	h.Set("X-Content-Type-Options", "nosniff")
	var codes []string
	finished := false
	defer func() { // also when an answer is cut short (http.ErrAbortHandler)
		if !finished {
			codes = []string{"INT-001"}
		}
		if s.Observe != nil {
			s.Observe(r.Context(), c.route.name, codes)
		}
		s.Log.Info("fhir", "request", c.request, "transaction", c.route.name, "codes", codes, "ms", time.Since(started).Milliseconds())
	}()
	if err := s.act(c); err != nil {
		codes = s.refuse(c, err)
	}
	finished = true
}

func (s *Server) act(c *call) error {
	query, badQuery := url.ParseQuery(c.r.URL.RawQuery)
	unacceptable := c.negotiate(query) // first of all: refusals have a form too
	c.query = query
	var err error
	if err = s.dispatch(c); err != nil {
		return err
	}
	if !c.route.open {
		if c.subject, err = s.Tokens.FromRequest(c.r); err != nil {
			return err
		}
		if err = c.allows(); err != nil {
			return err
		}
	}
	if badQuery != nil {
		return xds.Found("FHIR-008", "URL", "", "des paramètres encodés (RFC 3986)")
	}
	if unacceptable != nil && !c.route.raw && !strings.HasSuffix(c.route.path, "/_search") { // whose form may say _format
		return unacceptable
	}
	return c.route.handle(s, c)
}

// refuse renders findings; anything else is an incident whose detail goes to the
// log alone. It returns the codes for the log.
func (s *Server) refuse(c *call, err error) []string {
	all, told := xds.FindingsOf(err)
	if !told {
		s.Log.Error("incident", "request", c.request, "transaction", c.route.name, "error", err)
		all = xds.Errors{xds.Incident(err, c.request)}
	}
	switch fhir.Status(all) {
	case http.StatusUnauthorized, http.StatusForbidden:
		if challenge := iua.Challenge(all); challenge != "" {
			c.w.Header().Set("WWW-Authenticate", challenge)
		}
	case http.StatusServiceUnavailable:
		c.w.Header().Set("Retry-After", "5")
	}
	if err := c.send(fhir.Status(all), fhir.AppendOutcome(nil, all, c.route.actor)); err != nil {
		s.Log.Error("incident", "request", c.request, "transaction", c.route.name, "error", err)
	}
	var codes []string
	for _, e := range all {
		codes = append(codes, e.ID)
	}
	return codes
}

// body reads the resource that the request carries, of one of the kinds, at most
// limit bytes: a media type that is none of FHIR is 415, more bytes 413. Beside findings
// the Node is as much as could be read.
func (c *call) body(limit int64, kinds ...string) (*fhir.Node, error) {
	format, err := c.bodyFormat()
	if err != nil {
		return nil, err
	}
	if c.r.ContentLength > limit {
		return nil, &xds.Error{ID: "FHIR-007"}
	}
	n, findings := fhir.Read(format, http.MaxBytesReader(c.w, c.r.Body, limit+1), limit, kinds...)
	if err := findings.Err(); err != nil {
		return n, err
	}
	c.warnings = findings
	return n, nil
}

// write answers 200 with a resource.
func (c *call) write(body []byte) error { return c.send(http.StatusOK, body) }

// send answers with a resource, given as JSON, in the form that the client takes.
func (c *call) send(status int, body []byte) error {
	body, err := c.form.Render(body)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", c.form.Format.MediaType())
	c.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body) // the client may be gone
	return nil
}

// purpose is what the call is for; byID says that it names objects.
func (c *call) purpose(action authz.Value, byID bool) authz.Purpose {
	return authz.Purpose{Action: action, Transaction: c.route.name, ByID: byID}
}

// metadata answers GET /metadata (F1).
func (s *Server) metadata(c *call) error {
	system, resources := capability(s.routes)
	return c.write(fhir.AppendCapability(nil, fhir.Capability{Base: s.Base, Software: s.Software, Date: s.Now(), Interaction: system, Patch: patchFormats, Resources: resources}))
}
