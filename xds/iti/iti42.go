package iti

import (
	"context"

	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/profile"
)

// register is ITI-42 Register Document Set-b (ITI TF-2 3.42): a repository of another
// house registers what it keeps. Each entry says where its bytes are, their hash and
// their size; the rest is as for ITI-41, with the registry's error codes.
func (s *Server) register(ctx context.Context, c *call) error {
	return s.registerMetadata(ctx, c, profile.Elsewhere)
}

// registerMetadata registers a lot whose documents do not come with it.
func (s *Server) registerMetadata(ctx context.Context, c *call, form profile.Form) error {
	if err := c.message.Drain(); err != nil {
		return err
	}
	lot, findings := ebrim.DecodeSubmission(c.message.Body)
	if isFault(findings) { // no submission: nothing to decide on
		return findings
	}
	in, err := s.Intake.OpenMetadata(ctx, c.subject, c.transaction.name, lot, findings, form)
	if err != nil {
		return err
	}
	defer in.Close(ctx)
	_, warnings, err := in.Register(ctx)
	if err != nil {
		return located(c, err)
	}
	ebrim.Locate(c.message.Body, warnings)
	s.answer(c, ebrim.AppendRegistryResponse(nil, ebrim.Answer{Findings: warnings}))
	return nil
}
