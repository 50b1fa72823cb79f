package registry

import (
	"context"
	"fmt"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/trail"
)

// Extract gives every trail row of one professional, of a period, on all records, oldest
// first: what an authority asks the operator for (policy J-7, EX_AIR-120). Each comes
// with the opaque id of its record and nothing else of its patient. It reads the trail to
// its end and is no request of a hot path. The zero System
// reads nothing.
func (r *Registry) Extract(ctx context.Context, sys authz.System, professional string, from, to time.Time, each func(record string, l trail.Line) error) error {
	conn, err := r.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connection: %w", err)
	}
	defer conn.Release()
	return trail.Of(ctx, conn.Conn(), sys, professional, from, to, each)
}
