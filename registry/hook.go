package registry

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/registry/outbox"
	"github.com/passerelle-sante/passerelle/xds"
)

// Hook is what a Subscription of the FHIR face (ITI-110 of DSUBm) has beside one of
// ITI-52.
type Hook struct {
	Asked     []byte // what its client asked, in a form of the face's own
	NewOnly   bool   // deposits alone are told
	Heartbeat int    // seconds of silence after which there is a message, 0 = never
}

// HookStatus is Subscription.status (R4).
type HookStatus int16

// The statuses.
const (
	HookRequested HookStatus = iota // its consumer has not answered yet
	HookActive
	HookError // its consumer does not answer, and is tried again
	HookOff   // by its owner
)

// Held is a Subscription of the FHIR face as its owner reads it.
type Held struct {
	ID, Record string // bare UUIDs
	Hook       Hook
	Consumer   string
	Expires    time.Time
	Status     HookStatus
	Failure    string // of the last attempt
	Told       int64  // documents
	Version    int
	Updated    time.Time
}

// HookQuery narrows the subscriptions of an owner: of each list one value must hold, a
// nil list asks nothing.
type HookQuery struct {
	IDs, Records, Consumers []string
	Statuses                []HookStatus
	After                   string // id before the page
	Limit                   int    // 0: none, they are only counted
}

// What reads a row as scanHeld takes it. A token that names a patient is about that
// patient's record alone (policy §0.1).
const (
	heldColumns = `s.id::text, s.record::text, s.hook, s.new_only, s.heartbeat, s.consumer, s.expires_at, s.status, s.failure, s.told, s.version, coalesce(s.updated_at, s.created_at)`
	ownHooks    = ` from subscription s join record r on r.id = s.record
where s.owner = $1 and s.hook is not null and s.expires_at > $2 and ($3 = '' or r.ins_value = $3 and r.ins_authority = $4)`
)

func scanHeld(row pgx.CollectableRow) (h Held, err error) {
	err = row.Scan(&h.ID, &h.Record, &h.Hook.Asked, &h.Hook.NewOnly, &h.Hook.Heartbeat, &h.Consumer, &h.Expires, &h.Status, &h.Failure, &h.Told, &h.Version, &h.Updated)
	return h, err
}

// Hooks are the subject's own Subscriptions, in the order of their ids, and how many
// there are. It asks no right: they show what he asked himself, and nothing of a record.
func (r *Registry) Hooks(ctx context.Context, sub authz.Subject, q HookQuery) (page []Held, total int, err error) {
	args := []any{owner(sub), r.Now(), sub.Patient.ID(), sub.Patient.Authority(), q.IDs, q.Records, q.Consumers, q.Statuses}
	which := ownHooks + `
and ($5::text[] is null or s.id::text = any($5)) and ($6::text[] is null or s.record::text = any($6))
and ($7::text[] is null or s.consumer = any($7)) and ($8::smallint[] is null or s.status = any($8))`
	all := &pgx.Batch{}
	all.Queue(`select count(*)`+which, args...).QueryRow(func(row pgx.Row) error { return row.Scan(&total) })
	all.Queue(`select `+heldColumns+which+` and ($9 = '' or s.id::text > $9) order by s.id::text limit $10`, append(args, q.After, q.Limit)...).
		Query(func(rows pgx.Rows) (err error) {
			page, err = pgx.CollectRows(rows, scanHeld)
			return err
		})
	return page, total, marked(r.pool.SendBatch(ctx, all).Close())
}

// hook is one Subscription of the subject's own, to be changed; FHIR-003 when there is
// none, FHIR-011 when it is not at the version that is named (0: any).
func (s *Session) hook(ctx context.Context, sub authz.Subject, id string, version int) (Held, error) {
	rows, err := s.tx.Query(ctx, `select `+heldColumns+ownHooks+` and s.id::text = $5 for update of s`,
		owner(sub), s.Now(), sub.Patient.ID(), sub.Patient.Authority(), id)
	if err != nil {
		return Held{}, err
	}
	h, err := pgx.CollectExactlyOneRow(rows, scanHeld)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Held{}, &xds.Error{ID: "FHIR-003"}
	case err == nil && version != 0 && version != h.Version:
		err = &xds.Error{ID: "FHIR-011"}
	}
	return h, err
}

// Resubscribe gives a Subscription of the FHIR face new content, of the same record: a
// right of the instant, like subscribing. afresh says that its consumer is to answer
// anew before it is told anything.
func (s *Session) Resubscribe(ctx context.Context, sc authz.Scope, n Subscription, version int, afresh bool) error {
	if !sc.HeldBy(s) || sc.Record() == "" || n.Hook == nil {
		return errForeign
	}
	sub := sc.Subject()
	if sub.Mode != authz.Normal {
		return &xds.Error{ID: "DSUB-006"}
	}
	h, err := s.hook(ctx, sub, n.ID, version)
	if err != nil {
		return err
	}
	if h.Record != sc.Record() {
		return &xds.Error{ID: "DSUB-002", Where: "Subscription.criteria", Expected: "le patient de l'abonnement : en créer un autre pour un autre patient"}
	}
	subject, err := json.Marshal(sub)
	if err != nil {
		return err
	}
	filter, err := json.Marshal(n.Filter)
	if err != nil {
		return err
	}
	status, verified := h.Status, true
	if afresh = afresh || h.Status == HookOff; afresh {
		status, verified = HookRequested, false
	}
	if _, err = s.tx.Exec(ctx, `
update subscription set subject = $3, filter = $4, full_entry = $5, consumer = $6, expires_at = $7, hook = $8, new_only = $9, heartbeat = $10,
  status = $11, verified = verified and $12, failure = case when $12 then failure else '' end, version = version + 1, updated_at = $13
where record = $1 and id = $2`,
		h.Record, h.ID, subject, filter, n.Full, n.Consumer, n.Expires, n.Hook.Asked, n.Hook.NewOnly, n.Hook.Heartbeat, status, verified, s.Now()); err != nil {
		return err
	}
	if !afresh {
		return nil
	}
	return s.greet(ctx, h.Record, h.ID)
}

// greet enters the handshake of a subscription, unless one waits already.
func (s *Session) greet(ctx context.Context, record, id string) error {
	sql, args := outbox.Greeting(record, id, s.Now())
	_, err := s.tx.Exec(ctx, sql, args...)
	return err
}

// SwitchOff ends what a Subscription is told, with what waits for it; it stays to be
// read, and switched on again. Like Unsubscribe it asks no right.
func (r *Registry) SwitchOff(ctx context.Context, sub authz.Subject, id string, version int, asked []byte) error {
	return r.Write(ctx, func(s *Session) error {
		h, err := s.hook(ctx, sub, id, version)
		if err != nil {
			return err
		}
		if _, err := s.tx.Exec(ctx, `
update subscription set status = $3, failure = '', hook = $4, version = version + 1, updated_at = $5 where record = $1 and id = $2`,
			h.Record, h.ID, HookOff, asked, s.Now()); err != nil {
			return err
		}
		_, err = s.tx.Exec(ctx, `delete from outbox where record = $1 and lane = $2`, h.Record, h.ID)
		return err
	})
}

// Unhook deletes a Subscription of the subject's own, with what waits for it.
func (r *Registry) Unhook(ctx context.Context, sub authz.Subject, id string, version int) error {
	return r.Write(ctx, func(s *Session) error {
		h, err := s.hook(ctx, sub, id, version)
		if err != nil {
			return err
		}
		if _, err := s.tx.Exec(ctx, `delete from subscription where record = $1 and id = $2`, h.Record, h.ID); err != nil {
			return err
		}
		_, err = s.tx.Exec(ctx, `delete from outbox where record = $1 and lane = $2`, h.Record, h.ID)
		return err
	})
}

// Telling is how a Subscription of the FHIR face is told something.
type Telling struct {
	Kind   TellingKind
	Asked  []byte
	Status HookStatus
	Before int64     // how many documents it was told of before
	At     time.Time // of the event
}

// TellingKind is what a message to a consumer is for.
type TellingKind uint8

// The kinds of message (R5 backport, SubscriptionStatus type).
const (
	TellEvent TellingKind = iota
	TellHandshake
	TellHeartbeat
)

// Received takes an event away that the consumer of a Subscription of the FHIR face has
// received, and counts what it was told of: in one statement, so that a number stands
// for one document, whoever dies when.
func (r *Registry) Received(ctx context.Context, sys authz.System, item outbox.Item, n Notification) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	_, err := r.pool.Exec(ctx, `
with gone as (delete from outbox where record = $1 and lane = $2 and seq = $3 returning 1)
update subscription set told = told + $4, told_at = $5, verified = true, failure = '', version = version + (status <> $6)::int,
  updated_at = case when status <> $6 then $5 else updated_at end, status = $6
where record = $1 and id = $2 and status <> $7 and exists (select from gone)`,
		item.Record, item.Lane, item.Seq, len(n.Documents), r.Now(), HookActive, HookOff)
	return marked(err)
}

// Unanswered says in a Subscription of the FHIR face why its consumer was not told.
func (r *Registry) Unanswered(ctx context.Context, sys authz.System, n Notification, failure string) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	_, err := r.pool.Exec(ctx, `
update subscription set failure = $3, status = $4, version = version + 1, updated_at = $5
where record = $1 and id = $2 and status <> $6 and (status <> $4 or failure <> $3)`,
		n.Record, n.Subscription, failure, HookError, r.Now(), HookOff)
	return marked(err)
}

// String is the status as R4 writes it.
func (s HookStatus) String() string {
	return [...]string{"requested", "active", "error", "off"}[s]
}

// HookStatuses are the statuses that R4 writes so; others are no status of ours.
func HookStatuses(codes []string) (all []HookStatus) {
	if codes == nil {
		return nil
	}
	all = []HookStatus{}
	for s := HookRequested; s <= HookOff; s++ {
		if slices.Contains(codes, s.String()) {
			all = append(all, s)
		}
	}
	return all
}
