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

// Housekeep sweeps what submissions that crashed left over, at once and then at each
// interval, and in the first interval of each week walks the whole store
// (safety §4.2, I-6). It returns when the context ends. Several gateways on one
// registry may do it at the same time.
func (s *Service) Housekeep(ctx context.Context, every, age time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for last := s.Now(); ; {
		s.sweep(ctx, "sweep", s.Registry.Sweep, age)
		if now := s.Now(); week(now) != week(last) {
			s.sweep(ctx, "reconcile", s.Registry.Reconcile, age)
			last = now
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// week numbers the weeks of the calendar from Monday, 3 h UTC, to the next.
func week(t time.Time) int64 {
	const monday = 4 * 24 * 3600 // 1970-01-05, in seconds
	return (t.Unix() - monday - 3*3600) / (7 * 24 * 3600)
}

// sweeper is Sweep or Reconcile of a registry.
type sweeper func(context.Context, authz.System, *repository.Store, time.Duration) (registry.Swept, error)

func (s *Service) sweep(ctx context.Context, name string, sweep sweeper, age time.Duration) {
	done, err := sweep(ctx, authz.AsSystem("sweep of orphan blobs"), s.Repository, age)
	if ctx.Err() != nil {
		return
	}
	s.Swept(done.Blobs, err)
	switch {
	case err != nil:
		s.Log.Warn(name, "error", err, "intents", done.Intents, "blobs", done.Blobs)
	case done != registry.Swept{}:
		s.Log.Info(name, "intents", done.Intents, "blobs", done.Blobs, "strays", done.Strays)
	}
}
