package service

import (
	"context"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/repository"
)

// How often the store of blobs is put in order when nothing else is configured, and
// how old what a crash left over must be.
const (
	HousekeepEvery = time.Hour
	OrphanAge      = 24 * time.Hour
)

// walkEvery is how old the last walk of the whole store must be for another one: a
// week, less the little by which an interval of a week may end early.
const walkEvery = 7*24*time.Hour - time.Minute

// Housekeep sweeps what submissions that crashed left over, at once and then at each
// interval. It walks the whole store at the first interval after a start and then once
// a week (safety §4.2, I-6): nothing tells a process when another one did, and a walk
// too many is safe. A process that is restarted within each interval never walks. It
// returns when the context ends. Several gateways on one registry may do it at the
// same time.
func (s *Service) Housekeep(ctx context.Context, every, age time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	housekeep(ctx, s.Now, tick.C,
		func() { s.sweep(ctx, "sweep", s.Registry.Sweep, age) },
		func() bool { return s.sweep(ctx, "reconcile", s.Registry.Reconcile, age) })
}

// housekeep sweeps now and at each tick, and walks at the ticks that are due; a walk
// that failed is due again at the next one.
func housekeep(ctx context.Context, now func() time.Time, tick <-chan time.Time, sweep func(), walk func() bool) {
	sweep()
	var walked time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
		sweep()
		if at := now(); at.Sub(walked) >= walkEvery && walk() {
			walked = at
		}
	}
}

// sweeper is Sweep or Reconcile of a registry.
type sweeper func(context.Context, authz.System, *repository.Store, time.Duration) (registry.Swept, error)

func (s *Service) sweep(ctx context.Context, name string, sweep sweeper, age time.Duration) (ok bool) {
	done, err := sweep(ctx, authz.AsSystem("sweep of orphan blobs"), s.Repository, age)
	if ctx.Err() != nil {
		return false
	}
	s.Swept(done.Blobs, err)
	switch {
	case err != nil:
		s.Log.Warn(name, "error", err, "intents", done.Intents, "blobs", done.Blobs)
	case done != registry.Swept{}:
		s.Log.Info(name, "intents", done.Intents, "blobs", done.Blobs, "strays", done.Strays, "keys", done.Keys)
	}
	return err == nil
}
