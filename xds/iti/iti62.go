package iti

import (
	"context"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// removeMetadata is ITI-62 Remove Metadata (ITI TF-2 3.62): for operators alone, whom
// the installation names. Anybody else is refused before anything is looked up.
func (s *Server) removeMetadata(ctx context.Context, c *call) error {
	if err := c.message.Drain(); err != nil {
		return err
	}
	if err := s.Gate.Operates(c.subject); err != nil {
		return err
	}
	ids, findings := ebrim.DecodeRemoval(c.message.Body)
	if err := findings.Err(); err != nil {
		return err
	}
	if err := s.Registry.Remove(ctx, s.Repository, s.removing(ctx, c), ids); err != nil {
		return err
	}
	s.answer(c, ebrim.AppendRegistryResponse(nil, ebrim.Answer{}))
	return nil
}

// removing opens the operator's right on each record that a removal touches.
func (s *Server) removing(ctx context.Context, c *call) registry.OpenRemoval {
	return func(session *registry.Session, patient xds.CX) (authz.Removal, error) {
		return s.Gate.OpenRemoval(ctx, session, c.subject, patient, s.purpose(c, authz.Delete))
	}
}
