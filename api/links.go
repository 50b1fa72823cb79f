package api

import (
	"time"

	"github.com/passerelle-sante/passerelle/rights"
)

type linkBody struct {
	Basis    string `json:"basis"`
	Attested bool   `json:"attested"`
	Expires  string `json:"expires"`
}

type linkAnswer struct {
	Professional string    `json:"professional"`
	Basis        string    `json:"basis"`
	Expires      time.Time `json:"expires"`
}

// declareLink is the ticked box of R-44 and C-08, by the professional himself.
func (s *Server) declareLink(c *call) (any, error) {
	var body linkBody
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	l, err := s.Rights.DeclareLink(c.ctx, c.on(), c.param("professional"), rights.Declaration(body))
	return linkAnswer(l), err
}

// unlink withdraws a link: the professional his own, the holder any.
func (s *Server) unlink(c *call) (any, error) {
	return nil, s.Rights.Unlink(c.ctx, c.on(), c.param("professional"))
}

type attestedBody struct {
	Attested bool `json:"attested"`
}

type blockAnswer struct {
	Professional string `json:"professional"`
	Blocked      bool   `json:"blocked"`
}

// block bars a professional (R-41, R-42, C-07, C-11).
func (s *Server) block(c *call) (any, error) {
	var body attestedBody
	if err := c.decodeOptional(&body); err != nil {
		return nil, err
	}
	id, err := s.Rights.Block(c.ctx, c.on(), c.param("professional"), body.Attested)
	return blockAnswer{id, true}, err
}

// unblock lifts a block; it restores no link (policy Q-12).
func (s *Server) unblock(c *call) (any, error) {
	return nil, s.Rights.Unblock(c.ctx, c.on(), c.param("professional"))
}

type administratorBody struct {
	Professional string `json:"professional"`
}

// nameAdministrator sets the médecin traitant (R-42, C-06, C-14).
func (s *Server) nameAdministrator(c *call) (any, error) {
	var body administratorBody
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	id, err := s.Rights.NameAdministrator(c.ctx, c.on(), body.Professional)
	return administratorBody{id}, err
}

// removeAdministrator is R-42 for the holder and R-43 for the administrator himself.
func (s *Server) removeAdministrator(c *call) (any, error) {
	return nil, s.Rights.RemoveAdministrator(c.ctx, c.on())
}
