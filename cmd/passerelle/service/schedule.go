package service

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
)

// ScheduleEvery is how often the gateway looks for what has become due.
const ScheduleEvery = 5 * time.Second

// RemindAfter is how long a document is hidden from its patient before its author is
// reminded to announce it, and reminded again, when nothing else is configured.
const RemindAfter = 14 * 24 * time.Hour

// step is one sort of work that becomes due by the clock alone. run does a part of what is
// due by now, in transactions of its own, and tells whether there may be more. What is
// due stands in the database, and several gateways run the steps at once: a step holds
// what it works on (for update skip locked) and survives its being cut short anywhere.
type step struct {
	name  string
	pause time.Duration // between two looks of the scheduler, where one reads much; 0: none
	run   func(ctx context.Context, now time.Time) (more bool, err error)
}

// asScheduler is the right under which the steps work.
var asScheduler = authz.AsSystem("scheduler")

// steps are all of them, in the order of a round.
func (s *Service) steps() []step {
	return []step{
		{name: "life", run: func(ctx context.Context, now time.Time) (bool, error) {
			return s.Registry.Live(ctx, asScheduler, s.Gate, now)
		}},
		{name: "delegations", run: func(ctx context.Context, now time.Time) (bool, error) {
			return s.Registry.EndDelegations(ctx, asScheduler, s.Gate, now)
		}},
		{name: "destroy", run: func(ctx context.Context, _ time.Time) (bool, error) {
			return s.Registry.Destroy(ctx, asScheduler, s.Repository)
		}},
		{name: "purge", run: func(ctx context.Context, now time.Time) (bool, error) {
			return s.Registry.PurgeTrails(ctx, asScheduler, now)
		}},
		{name: "announce", pause: time.Hour, run: func(ctx context.Context, now time.Time) (bool, error) {
			return s.Registry.RemindAuthors(ctx, asScheduler, now, cmp.Or(s.RemindAfter, RemindAfter))
		}},
		{name: "reminders", run: func(ctx context.Context, now time.Time) (bool, error) {
			return s.carnet.RemindDue(ctx, asScheduler, now)
		}},
	}
}

// Schedule does what becomes due until the context ends.
func (s *Service) Schedule(ctx context.Context) {
	every(ctx, ScheduleEvery, func() { s.scheduled.round(ctx, s, false) })
}

// RunDue does all that is due by now, and returns when nothing is: after the clock of a
// sandbox was moved, what it shows is then what there is.
func (s *Service) RunDue(ctx context.Context) error {
	return s.scheduled.round(ctx, s, true)
}

// Still does something while no step runs: the reset of a sandbox.
func (s *Service) Still(do func() error) error {
	s.scheduled.turn.Lock()
	defer s.scheduled.turn.Unlock()
	return do()
}

// scheduled is the work of one gateway: one round at a time, so that whoever waits for
// the end of a round waits for the end of the work.
type scheduled struct {
	turn    sync.Mutex
	failing map[string]bool
	ended   map[string]time.Time // the last run of a step that came to its end
}

// round runs every step to its end. A step that fails is told of once, holds up no other,
// and is tried again in the next round. One that pauses is left out, unless all are asked for.
func (r *scheduled) round(ctx context.Context, s *Service, all bool) (failure error) {
	r.turn.Lock()
	defer r.turn.Unlock()
	if r.failing == nil {
		r.failing, r.ended = map[string]bool{}, map[string]time.Time{}
	}
	for _, st := range s.steps() {
		now := s.Now()
		if !all && r.pauses(st, now) {
			continue
		}
		err := finish(ctx, st, s.Now)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failure = fmt.Errorf("%s: %w", st.name, err)
			if !r.failing[st.name] {
				s.Log.Error("scheduler: failed, tried again", "step", st.name, "error", err)
			}
		} else {
			if r.failing[st.name] {
				s.Log.Info("scheduler: works again", "step", st.name)
			}
			r.ended[st.name] = now
		}
		r.failing[st.name] = err != nil
	}
	return failure
}

// pauses tells whether a step came to its end a moment ago and reads too much to look again.
func (r *scheduled) pauses(st step, now time.Time) bool {
	return !r.failing[st.name] && now.Sub(r.ended[st.name]) < st.pause
}

// finish runs a step until nothing is due of it.
func finish(ctx context.Context, st step, now func() time.Time) error {
	for more := true; more && ctx.Err() == nil; {
		var err error
		if more, err = st.run(ctx, now()); err != nil {
			return err
		}
	}
	return ctx.Err()
}
