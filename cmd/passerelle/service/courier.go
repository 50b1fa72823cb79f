package service

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/passerelle-sante/passerelle/atna"
	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/notify"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/outbox"
)

// courier delivers the outbox: audit messages to their repository, notifications to
// their consumers. It is one of several on the same database; what it took and did
// not acknowledge another one takes when the lease is over.
type courier struct {
	box    *outbox.Box
	reg    *registry.Registry
	gate   *authz.Gate
	sink   *atna.Sink // nil: no audit repository
	notify func(context.Context, registry.Notification) error
	now    func() time.Time
	log    *slog.Logger
	count  func(kind outbox.Kind, sent, failed int)
}

var asCourier = authz.AsSystem("delivery of the outbox")

// How much is taken at once, how many consumers are told at once, and how long one that
// fails is tried: the trail of what it was not told stays.
const (
	lanesTaken   = 50
	lanesTold    = 8
	longestAsked = time.Hour // between two attempts of a notification
)

// audits delivers what is due; more tells that there may be more at once.
func (c *courier) audits(ctx context.Context) (more bool, err error) {
	lanes, err := c.box.Take(ctx, asCourier, outbox.Audit, lanesTaken)
	if err != nil || len(lanes) == 0 {
		return false, err
	}
	items := slices.Concat(lanes...)
	lines, err := c.reg.AuditLines(ctx, asCourier, items)
	if err == nil {
		err = c.sink.Send(ctx, entries(lines))
	}
	if err != nil {
		c.count(outbox.Audit, 0, len(items))
		return false, errors.Join(err, c.putOff(ctx, lanes, 5*time.Minute))
	}
	c.count(outbox.Audit, len(items), 0)
	return len(lanes) == lanesTaken || len(items) > len(lanes), c.box.Delivered(ctx, asCourier, items...)
}

// putOff gives lanes back until their waits are over.
func (c *courier) putOff(ctx context.Context, lanes [][]outbox.Item, longest time.Duration) error {
	ctx = context.WithoutCancel(ctx)
	var all []error
	for _, lane := range lanes {
		all = append(all, c.box.Postpone(ctx, asCourier, lane[0], c.now().Add(min(outbox.Wait(lane[0].Attempts), longest))))
	}
	return errors.Join(all...)
}

// entries are trail rows as audit messages tell them.
func entries(lines []registry.AuditLine) []atna.Entry {
	all := make([]atna.Entry, 0, len(lines))
	for _, l := range lines {
		e := atna.Entry{
			Event: l.Item.Event, At: l.At, Transaction: l.Transaction, Action: l.Action, Mode: l.Mode, Permit: l.Permit, Code: l.Code,
			Actor: l.Actor, ActorName: l.ActorName, Profession: l.Profession, Structure: l.Structure, Issuer: l.Issuer,
			Client: l.Item.Address, Query: l.Item.Query, Patient: l.Patient, Set: l.Set,
		}
		for _, o := range l.Objects {
			e.Documents = append(e.Documents, atna.Document(o))
		}
		all = append(all, e)
	}
	return all
}

// notifications delivers what is due, each subscription by itself: one whose consumer
// is slow or down holds up no other.
func (c *courier) notifications(ctx context.Context) (more bool, err error) {
	lanes, err := c.box.Take(ctx, asCourier, outbox.Notify, lanesTaken)
	if err != nil {
		return false, err
	}
	failures := make([]error, len(lanes))
	work := make(chan int)
	var working sync.WaitGroup
	for range min(lanesTold, len(lanes)) {
		working.Go(func() {
			for i := range work {
				failures[i] = c.lane(ctx, lanes[i])
			}
		})
	}
	for i := range lanes {
		work <- i
	}
	close(work)
	working.Wait()
	return len(lanes) > 0 && ctx.Err() == nil, errors.Join(failures...)
}

// lane tells one subscription its events, one message each, in their order. Of an event
// that tells nothing there is nothing to see: no connection, no line. What a slow
// consumer leaves no time for is given back while the lease still holds.
func (c *courier) lane(ctx context.Context, lane []outbox.Item) error {
	began := c.now()
	for i := range lane {
		if i > 0 && c.now().Sub(began) > outbox.Lease/2 {
			c.count(outbox.Notify, i, 0)
			return c.box.Postpone(ctx, asCourier, lane[i], c.now())
		}
		told, err := c.reg.Notifications(ctx, asCourier, c.gate, lane[i:i+1])
		for _, n := range told {
			if err == nil {
				err = c.notify(registry.From(ctx, consumerHost(n.Consumer)), n)
			}
		}
		unlisted := errors.Is(err, notify.ErrUnlisted)
		if unlisted {
			c.log.Warn("notification to a consumer that is no longer listed")
		}
		if err != nil {
			err = errors.Join(err, c.unanswered(ctx, told, err))
		}
		if err != nil && !unlisted {
			c.count(outbox.Notify, i, 1)
			wait := outbox.Wait(lane[0].Attempts)
			if lane[0].Attempts > 9 {
				wait = longestAsked
			}
			if i > 0 {
				wait = outbox.Wait(1)
			}
			return errors.Join(err, c.box.Postpone(context.WithoutCancel(ctx), asCourier, lane[i], c.now().Add(wait)))
		}
		if err := c.received(ctx, lane[i], told, unlisted); err != nil {
			return err
		}
	}
	c.count(outbox.Notify, len(lane), 0)
	return nil
}

// received takes away what was told, or told nobody.
func (c *courier) received(ctx context.Context, item outbox.Item, told []registry.Notification, unlisted bool) error {
	if len(told) == 1 && told[0].Telling != nil && !unlisted {
		return c.reg.Received(ctx, asCourier, item, told[0])
	}
	return c.box.Delivered(ctx, asCourier, item)
}

// unanswered says to the owner of a Subscription of the FHIR face why it is silent.
func (c *courier) unanswered(ctx context.Context, told []registry.Notification, failure error) error {
	if len(told) != 1 || told[0].Telling == nil {
		return nil
	}
	return c.reg.Unanswered(context.WithoutCancel(ctx), asCourier, told[0], notify.Failure(failure))
}
