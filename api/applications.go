package api

import (
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

type catalogueAnswer struct {
	Applications []listedAnswer `json:"applications"`
}

type listedAnswer struct {
	Client    string   `json:"client"`
	Name      string   `json:"name"`
	Publisher string   `json:"publisher"`
	Scopes    []string `json:"scopes"`
	Types     []string `json:"types,omitempty"`
	Longest   int      `json:"longest"` // days
}

// catalogue lists the applications that patients may authorise, and the most that each
// can be granted: the « catalogue de services référencés ».
func (s *Server) catalogue(*call) (any, error) {
	answer := catalogueAnswer{Applications: []listedAnswer{}}
	for _, a := range s.Listed {
		answer.Applications = append(answer.Applications, listedAnswer{a.Client, a.Name, a.Publisher, a.Reach.Scopes(patientLevel), a.Types, int(a.Longest / day)})
	}
	return answer, nil
}

const (
	patientLevel = "patient"
	day          = 24 * time.Hour
)

// listed is an application of the catalogue.
func (s *Server) listed(client string) (authz.Application, bool) {
	i := slices.IndexFunc(s.Listed, func(a authz.Application) bool { return a.Client == client })
	if i < 0 {
		return authz.Application{}, false
	}
	return s.Listed[i], true
}

type applicationsAnswer struct {
	Applications []grantedAnswer `json:"applications"`
}

type grantedAnswer struct {
	Client    string    `json:"client"`
	Name      string    `json:"name,omitempty"`
	Publisher string    `json:"publisher,omitempty"`
	Person    string    `json:"person"`
	Scopes    []string  `json:"scopes"`
	Types     []string  `json:"types,omitempty"`
	Since     time.Time `json:"since"`
	Expires   time.Time `json:"expires"`
	Active    bool      `json:"active"`
}

func (s *Server) grantedOf(a record.Authorized) grantedAnswer {
	app, listed := s.listed(a.Client)
	return grantedAnswer{a.Client, app.Name, app.Publisher, a.Person, a.Reach.Scopes(patientLevel), a.Types, a.Since.UTC(), a.Expires.UTC(),
		listed && s.Now().Before(a.Expires)}
}

// applications lists every grant on the record, expired ones too: what is not there any
// more stands in the history.
func (s *Server) applications(c *call) (any, error) {
	answer := applicationsAnswer{Applications: []grantedAnswer{}}
	err := s.profile(c, c.purpose(authz.ReadState, "applications"), func(session *registry.Session, allowed authz.Allowed) error {
		all, err := record.Applications(c.ctx, session.Handle(), allowed)
		answer.Applications = answer.Applications[:0]
		for _, a := range all {
			answer.Applications = append(answer.Applications, s.grantedOf(a))
		}
		return err
	})
	return answer, err
}

type grantBody struct {
	Scopes  []string `json:"scopes"`
	Types   []string `json:"types"`
	Expires string   `json:"expires"`
}

// authorize grants an application of the catalogue, within what it may have at most and
// for a time. It acts for the one who authorised it, and for nobody else.
func (s *Server) authorize(c *call) (any, error) {
	var body grantBody
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	var answer grantedAnswer
	p := c.purpose(authz.SetParams, "authorize-application")
	p.Application = concerned(c)
	err := s.profile(c, p, func(session *registry.Session, allowed authz.Allowed) error {
		app, listed := s.listed(c.param("client"))
		if !listed {
			return &xds.Error{ID: "JSON-003"}
		}
		grant, err := body.grant(app, s.Now())
		if err != nil {
			return err
		}
		answer = s.grantedOf(record.Authorized{Client: app.Client, Person: allowed.Subject().ID, Since: s.Now(), Grant: grant})
		return record.Authorize(c.ctx, session.Handle(), allowed, app.Client, grant, s.Now())
	})
	return answer, err
}

// concerned is the application of the path for the history, "" when the path names none:
// one that left the catalogue is still named when its grant is taken back.
func concerned(c *call) string {
	client := c.param("client")
	if !authz.IsClient(client) {
		return ""
	}
	return client
}

// grant is what the body asks for, held against the catalogue; all findings at once.
func (b grantBody) grant(app authz.Application, now time.Time) (authz.Grant, error) {
	var findings xds.Errors
	g := authz.Grant{Given: true, Types: b.Types, Expires: now.Add(app.Longest)}
	most := strings.Join(app.Reach.Scopes(patientLevel), " ")
	if len(b.Scopes) == 0 {
		findings.Add(&xds.Error{ID: "JSON-002", Where: "scopes", Found: "aucune portée", Expected: most})
	}
	for _, scope := range b.Scopes {
		if one := authz.ReachOf([]string{scope}, patientLevel); one == "" || !one.Within(app.Reach) {
			findings.Add(&xds.Error{ID: "JSON-002", Where: "scopes", Found: xds.Shorten(scope), Expected: "des portées de " + most})
		}
	}
	g.Reach = authz.ReachOf(b.Scopes, patientLevel)
	if b.Types != nil && len(b.Types) == 0 || len(b.Types) > maxTypes {
		findings.Add(&xds.Error{ID: "JSON-002", Where: "types", Found: "une liste vide ou trop longue", Expected: "des types de documents, ou pas de membre types"})
	}
	for _, t := range b.Types {
		if code, scheme, ok := strings.Cut(t, "^^"); !ok || code == "" || !xds.IsOID(scheme) || app.Types != nil && !slices.Contains(app.Types, t) {
			findings.Add(&xds.Error{ID: "JSON-002", Where: "types", Found: xds.Shorten(t), Expected: "un type de document que l'application peut avoir, code^^OID"})
		}
	}
	if b.Expires != "" {
		at, err := parseDate(b.Expires)
		if err != nil || !at.After(now) || at.After(g.Expires) {
			findings.Add(&xds.Error{ID: "JSON-002", Where: "expires", Found: xds.Shorten(b.Expires), Expected: "une date à venir, au plus tard le " + g.Expires.UTC().Format(time.DateOnly)})
		}
		g.Expires = at
	}
	return g, findings.Err()
}

// maxTypes bounds the list of types of a grant.
const maxTypes = 200

// revoke takes the grants of an application back, whoever gave them, and whether or not
// it is still in the catalogue. There being none any more is what was wanted.
func (s *Server) revoke(c *call) (any, error) {
	p := c.purpose(authz.SetParams, "revoke-application")
	p.Application = concerned(c)
	return nil, s.profile(c, p, func(session *registry.Session, allowed authz.Allowed) error {
		return record.Revoke(c.ctx, session.Handle(), allowed, c.param("client"))
	})
}
