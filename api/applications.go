package api

import (
	"time"

	"github.com/passerelle-sante/passerelle/rights"
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
	for _, a := range s.Rights.Listed {
		answer.Applications = append(answer.Applications, listedAnswer{a.Client, a.Name, a.Publisher, a.Reach.Scopes(rights.Level), a.Types, int(a.Longest / day)})
	}
	return answer, nil
}

const day = 24 * time.Hour

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

func grantedOf(g rights.Granted) grantedAnswer {
	return grantedAnswer{g.Client, g.Name, g.Publisher, g.Person, g.Reach.Scopes(rights.Level), g.Types, g.Since.UTC(), g.Expires.UTC(), g.Active}
}

// applications lists every grant on the record, expired ones too: what is not there any
// more stands in the history.
func (s *Server) applications(c *call) (any, error) {
	answer := applicationsAnswer{Applications: []grantedAnswer{}}
	all, err := s.Rights.Applications(c.ctx, c.on())
	for _, g := range all {
		answer.Applications = append(answer.Applications, grantedOf(g))
	}
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
	g, err := s.Rights.Authorize(c.ctx, c.on(), c.param("client"), rights.Wish(body))
	if err != nil {
		return nil, err
	}
	return grantedOf(g), nil
}

// revoke takes the grants of an application back, whoever gave them.
func (s *Server) revoke(c *call) (any, error) {
	return nil, s.Rights.Revoke(c.ctx, c.on(), c.param("client"))
}
