package mhd

import (
	"context"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// The memory that bundles may take together, in units: four of the greatest size, or
// as many small ones as fit. Each may hold twice its length.
const (
	roomUnit  = 1 << 20
	roomUnits = 4 * maxBundle / roomUnit
)

// maxWait is how long a bundle waits for its place before the client is told to
// come back (REG-006).
const maxWait = 10 * time.Second

// room is what is left of it.
type room struct {
	turn chan struct{} // one at a time takes its units, so that none waits for a part of them
	free chan struct{}
}

func newRoom() *room {
	r := &room{turn: make(chan struct{}, 1), free: make(chan struct{}, roomUnits)}
	for range roomUnits {
		r.free <- struct{}{}
	}
	return r
}

// enter waits for the place of a body of length bytes, -1 when it does not say, for at
// most maxWait.
func (r *room) enter(ctx context.Context, length int64) (leave func(), err error) {
	if length < 0 || length > maxBundle {
		length = maxBundle
	}
	need := max(1, int((length+roomUnit-1)/roomUnit))
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return nil, &xds.Error{ID: "REG-006"}
	}
	for taken := range need {
		select {
		case <-r.free:
		case <-ctx.Done():
			r.leave(taken)
			return nil, &xds.Error{ID: "REG-006"}
		}
	}
	return func() { r.leave(need) }, nil
}

func (r *room) leave(units int) {
	for range units {
		r.free <- struct{}{}
	}
}
