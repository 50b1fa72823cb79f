package api

import (
	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/xds"
)

type searchBody struct {
	INS string `json:"ins"`
}

type foundAnswer struct {
	Record string `json:"record"`
}

// search finds a record by INS: no INS ever stands in a URL.
func (s *Server) search(c *call) (any, error) {
	var body searchBody
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	ins := xds.CX(body.INS)
	if !ins.Valid() {
		return nil, &xds.Error{ID: "JSON-002", Where: "ins", Expected: "valeur^^^&oid&ISO^NH"}
	}
	id, err := s.Rights.Find(c.ctx, c.on(), ins)
	return foundAnswer{id}, err
}

type recordAnswer struct {
	Record        string          `json:"record"`
	State         string          `json:"state,omitempty"`
	Settings      *authz.Settings `json:"settings,omitempty"`
	Administrator *nullable       `json:"administrator,omitempty"`
	Access        authz.Access    `json:"access"`
}

// nullable is a text that is null when empty.
type nullable string

func (n nullable) MarshalJSON() ([]byte, error) {
	if n == "" {
		return []byte("null"), nil
	}
	return []byte(`"` + string(n) + `"`), nil
}

// state answers with the state of a record; a professional or a structure learns
// of its own access alone (R-45, policy Q-24).
func (s *Server) state(c *call) (any, error) {
	standing, err := s.Rights.State(c.ctx, c.on())
	answer := recordAnswer{Record: standing.Record, Access: standing.Access}
	if st := standing.State; st != nil {
		admin := nullable(st.Administrator)
		answer.State, answer.Settings, answer.Administrator = authz.Profile.Name(st.Profile), &st.Settings, &admin
	}
	return answer, err
}

// setSettings changes any subset of the four switches.
func (s *Server) setSettings(c *call) (any, error) {
	var body rights.Switches
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	return s.Rights.SetSettings(c.ctx, c.on(), body)
}
