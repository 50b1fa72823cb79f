package iti

import "context"

// restrictedUpdate is ITI-92 Restricted Update Document Set (ITI TF-2 3.92): new
// versions of entries alone, under the same rights as ITI-57, whose patient, source
// patient, place and availability stay.
func (s *Server) restrictedUpdate(ctx context.Context, c *call) error { return s.update(ctx, c, true) }
