package iti

import (
	"context"

	"github.com/passerelle-sante/passerelle/xds/profile"
)

// registerOnDemand is ITI-61 Register On-Demand Document Entry (ITI TF-2 3.61): an
// entry for a document that a repository of another house makes when it is asked
// for. It has neither bytes nor hash here, and is listed only to those who ask for
// on-demand entries ($XDSDocumentEntryType).
func (s *Server) registerOnDemand(ctx context.Context, c *call) error {
	return s.registerMetadata(ctx, c, profile.OnDemanded)
}
