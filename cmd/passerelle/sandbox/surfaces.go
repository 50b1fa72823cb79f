package sandbox

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/passerelle-sante/passerelle/api"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

// routes adds the sandbox's own surfaces (design §7). They are in no other command.
func (s *Sandbox) routes(r gin.IRouter) {
	g := r.Group("/sandbox")
	g.GET("/cast", func(c *gin.Context) {
		st := s.cast()
		c.PureJSON(http.StatusOK, gin.H{"patients": st.Patients, "professionals": st.Professionals, "applications": listed()})
	})
	g.POST("/vihf", s.issueVIHF)
	g.POST("/token", s.issueToken)
	g.POST("/session", s.openSession)
	g.POST("/enter", s.enter)
	g.POST("/forward", s.forward)
	g.POST("/notice", s.notify)
	g.POST("/book", s.fillBook)
	g.POST("/patients", s.addPatient)
	g.POST("/professionals", s.addProfessional)
	g.GET("/mail", s.mails)
	g.GET("/clock", func(c *gin.Context) {
		c.PureJSON(http.StatusOK, gin.H{"now": s.clock.Now().UTC().Format(time.RFC3339)})
	})
	g.POST("/clock", s.advance)
	g.GET("/population", s.population)
	g.POST("/population", s.importPopulation)
	g.POST("/letters", s.letters)
	g.POST("/reset", s.reset)
	g.POST("/explain", s.explain)
	g.GET("/policy", s.listPolicies)
	g.POST("/policy", s.importPolicy)
	g.POST("/policy/diff", s.diffPolicies)
	g.DELETE("/policy/:version", s.dropPolicy)
	g.GET("/ca.pem", s.authority)
	g.GET("/pki/ca.pem", s.authority)
	g.POST("/pki/client", s.issueClient)
	r.GET("/.well-known/jwks.json", func(c *gin.Context) { c.Data(http.StatusOK, "application/jwk-set+json", s.keys) })
	r.GET("/", s.home)
	s.providers(r)
	s.box.Pages(r, s.Base, s.delivered)
}

// read decodes a JSON body strictly; the answer to a bad one is already written
// when ok is false. An empty body reads as an empty object.
func read(c *gin.Context, into any) (ok bool) {
	err := api.Decode(http.MaxBytesReader(c.Writer, c.Request.Body, 1<<20), true, into)
	if err != nil {
		refuse(c, err)
	}
	return err == nil
}

func refuse(c *gin.Context, err error) {
	all, told := xds.FindingsOf(err)
	if !told {
		all = xds.Errors{{ID: "JSON-002", Found: err.Error()}}
	}
	fhir.WriteOutcome(c.Writer, all)
}

// asked reads who a token is asked for; the answer to a bad request is already
// written when ok is false.
func (s *Sandbox) asked(c *gin.Context) (body tokenRequest, claims saml.Claims, ok bool) {
	if !read(c, &body) {
		return body, claims, false
	}
	st := s.cast()
	claims, err := st.claims(body)
	if err != nil {
		refuse(c, err)
	}
	return body, claims, err == nil
}

func (s *Sandbox) issueVIHF(c *gin.Context) {
	body, claims, ok := s.asked(c)
	if !ok {
		return
	}
	if body.Client != "" || body.Scope != "" {
		refuse(c, &xds.Error{ID: "JSON-002", Where: "client", Found: body.Client, Expected: "un jeton (/sandbox/token) : les applications n'ont pas de VIHF"})
		return
	}
	assertion, err := s.vihf.Issue(claims)
	if err != nil {
		refuse(c, err)
		return
	}
	c.Data(http.StatusOK, "application/xml; charset=utf-8", assertion)
}

func (s *Sandbox) issueToken(c *gin.Context) {
	body, claims, ok := s.asked(c)
	if !ok {
		return
	}
	issued := bearer(claims)
	issued.Client, issued.Scope = body.Client, body.Scope
	token, err := s.tokens.Issue(issued)
	if err != nil {
		refuse(c, err)
		return
	}
	expires := 3600
	if body.ExpiresIn != nil {
		expires = *body.ExpiresIn
	}
	c.PureJSON(http.StatusOK, gin.H{"access_token": token, "token_type": "Bearer", "expires_in": expires})
}

// advance moves the clock on, and answers when everything that became due is done;
// tokens issued before may have expired then.
func (s *Sandbox) advance(c *gin.Context) {
	var body struct {
		Advance string `json:"advance"`
	}
	if read(c, &body) && s.moveClock(c, body.Advance) {
		c.PureJSON(http.StatusOK, gin.H{"now": s.clock.Now().UTC().Format(time.RFC3339)})
	}
}

// moveClock moves the clock on and does what has become due; the answer to what fails is
// already written when ok is false.
func (s *Sandbox) moveClock(c *gin.Context, text string) (ok bool) {
	d, err := parseAdvance(text)
	if err == nil && s.clock.Offset()+d > 80*8766*time.Hour {
		err = errors.New("l'horloge n'avance pas de plus de 80 ans en tout")
	}
	if err != nil {
		refuse(c, &xds.Error{ID: "JSON-002", Where: "advance", Found: text, Expected: err.Error()})
		return false
	}
	if !s.delivered(c) { // what was due before the jump comes before it
		return false
	}
	s.mutex.Lock()
	s.clock.Set(s.clock.Offset() + d)
	s.state.Ahead = s.clock.Offset()
	err = s.state.save(s.Dir)
	s.mutex.Unlock()
	if err == nil {
		err = s.Service.RunDue(c)
	}
	if err != nil {
		s.fail(c, err)
	}
	return err == nil
}

// maxDrain is how long a reset waits for the requests under way.
const maxDrain = 20 * time.Second

// reset restores the seed and the clock, once the requests under way have ended.
func (s *Sandbox) reset(c *gin.Context) {
	drain, cancel := context.WithTimeout(c.Request.Context(), maxDrain)
	defer cancel()
	if !s.gate.close(drain) {
		refuse(c, &xds.Error{ID: "REG-006"})
		return
	}
	defer s.gate.open()
	if err := s.Service.Still(func() error { return s.reseed(c) }); err != nil {
		s.fail(c, err)
		return
	}
	st := s.cast()
	c.PureJSON(http.StatusOK, gin.H{"now": s.clock.Now().UTC().Format(time.RFC3339), "patients": len(st.Patients), "professionals": len(st.Professionals)})
}

func (s *Sandbox) fail(c *gin.Context, err error) {
	incident := service.NewID()
	s.Log.Error("sandbox", "request", incident, "path", c.FullPath(), "error", err)
	fhir.WriteOutcome(c.Writer, xds.Errors{{ID: "INT-001", Found: incident}})
}
