package iti

import (
	"context"

	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// updateDocumentSet is ITI-57 Update Document Set (ITI TF-2 3.57), by which the DMP
// masks, reveals, archives and deletes (domain §3.2).
func (s *Server) updateDocumentSet(ctx context.Context, c *call) error {
	return s.update(ctx, c, false)
}

// update carries out a metadata update.
func (s *Server) update(ctx context.Context, c *call, restricted bool) error {
	if err := c.message.Drain(); err != nil {
		return err
	}
	up, findings := ebrim.DecodeUpdate(c.message.Body, restricted)
	if isFault(findings) { // no submission: nothing to decide on
		return findings
	}
	warnings, err := s.Intake.Update(ctx, c.subject, c.transaction.name, up, findings)
	if err != nil {
		return err
	}
	s.answer(c, ebrim.AppendRegistryResponse(nil, ebrim.Answer{Findings: warnings}))
	return nil
}
