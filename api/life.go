package api

import (
	"context"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/xds"
)

type livedAnswer struct {
	Record string     `json:"record"`
	State  string     `json:"state"`
	Until  *time.Time `json:"until,omitempty"`
}

func livedOf(l rights.Lived, err error) (any, error) {
	return livedAnswer{l.Record, authz.Profile.Name(l.State), unlessZero(l.Until)}, err
}

// activate activates a record; for a minor the agreement of the other parent may
// be attested.
func (s *Server) activate(c *call) (any, error) {
	var body attestedBody
	if err := c.decodeOptional(&body); err != nil {
		return nil, err
	}
	return livedOf(s.Rights.Activate(c.ctx, c.on(), body.Attested))
}

// lives are the acts that need no body.
func lives(act func(*rights.Desk, context.Context, rights.Call) (rights.Lived, error)) func(*Server, *call) (any, error) {
	return func(s *Server, c *call) (any, error) {
		if err := c.decodeOptional(&struct{}{}); err != nil {
			return nil, err
		}
		return livedOf(act(s.Rights, c.ctx, c.on()))
	}
}

type eraseBody struct {
	Confirm string `json:"confirm"`
}

type endingAnswer struct {
	Record    string     `json:"record"`
	State     string     `json:"state"`
	Epoch     int        `json:"epoch"`
	ErasedAt  time.Time  `json:"erasedAt"`
	Documents int        `json:"documents"`
	Destroyed *time.Time `json:"destroyedAt,omitempty"`
}

// erase destroys a record for good.
func (s *Server) erase(c *call) (any, error) {
	var body eraseBody
	if err := c.decodeOptional(&body); err != nil {
		return nil, err
	}
	e, err := s.Rights.Erase(c.ctx, c.on(), body.Confirm)
	return endingOf(e), err
}

func endingOf(e record.Ending) endingAnswer {
	return endingAnswer{e.Record, authz.Profile.Name(authz.ProfileErased), e.Epoch, e.At, e.Documents, unlessZero(e.Destroyed)}
}

// certificate is that of the last definitive deletion, as it was signed.
func (s *Server) certificate(c *call) (any, error) {
	file, err := s.Rights.Certificate(c.ctx, c.on())
	if err == nil {
		c.ctx.Header("Content-Disposition", `attachment; filename="attestation-suppression.json"`)
	}
	return file, err
}

type agreementBody struct {
	Agrees *bool `json:"agrees"`
}

// agree takes the answer of the other parent of a minor (S3).
func (s *Server) agree(c *call) (any, error) {
	var body agreementBody
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	if body.Agrees == nil {
		return nil, &xds.Error{ID: "JSON-002", Where: "agrees", Expected: "true ou false"}
	}
	return nil, s.Rights.Agree(c.ctx, c.on(), *body.Agrees)
}
