package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// Subscription is which documents of a record somebody is told of (ITI TF-2 3.52).
type Subscription struct {
	ID        string // bare UUID
	Filter    []xds.Match
	Full      bool   // whole entries, else their ids
	Consumer  string // URL that is told; "" with a pull point
	PullPoint string // bare UUID of one of the subscriber's own
	Expires   time.Time
	Hook      *Hook // of a Subscription of the FHIR face; nil: ITI-52
}

// How many subscriptions one subject has on one record, and pull points at all.
const (
	MaxSubscriptions = 20
	MaxPullPoints    = 20
)

// owner is who may renew, end and fetch: the identity of a token, whatever its mode. What
// an application of somebody's subscribed to is its own, and none of his.
func owner(sub authz.Subject) string {
	identity := []any{sub.Nature, sub.Issuer, sub.ID, sub.Structure}
	if sub.Application != "" {
		identity = append(identity, sub.Application)
	}
	text, _ := json.Marshal(identity)
	return string(text)
}

// Subscribe enters a subscription for the subject of a Scope. What stands there is who
// asks: each delivery asks the Gate again. An emergency mode, which is for a moment,
// subscribes to nothing (DSUB-006). It ends at the instant that is returned: with its
// pull point, where that ends first.
func (s *Session) Subscribe(ctx context.Context, sc authz.Scope, n Subscription) (until time.Time, err error) {
	if !sc.HeldBy(s) || sc.Record() == "" {
		return until, errForeign
	}
	sub := sc.Subject()
	if sub.Mode != authz.Normal {
		return until, &xds.Error{ID: "DSUB-006"}
	}
	subject, err := json.Marshal(sub)
	if err != nil {
		return until, err
	}
	filter, err := json.Marshal(n.Filter)
	if err != nil {
		return until, err
	}
	var known int
	err = s.tx.QueryRow(ctx, `select count(*) from subscription where record = $1 and owner = $2 and expires_at > $3`, sc.Record(), owner(sub), s.Now()).Scan(&known)
	if err != nil {
		return until, err
	}
	if known >= MaxSubscriptions {
		return until, &xds.Error{ID: "DSUB-007", Expected: fmt.Sprintf("%d abonnements au plus par dossier", MaxSubscriptions)}
	}
	var point *string
	until = n.Expires
	if n.PullPoint != "" {
		point = &n.PullPoint
		end, err := s.pullPoint(ctx, sub, n.PullPoint)
		if err != nil {
			return until, err
		}
		if until.After(end) {
			until = end
		}
	}
	hook, status := Hook{}, HookActive
	if n.Hook != nil {
		hook, status = *n.Hook, HookRequested
	}
	if _, err = s.tx.Exec(ctx, `
insert into subscription (record, id, owner, subject, filter, full_entry, consumer, pull_point, created_at, expires_at, hook, new_only, heartbeat, status, verified)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		sc.Record(), n.ID, owner(sub), subject, filter, n.Full, n.Consumer, point, s.Now(), until, hook.Asked, hook.NewOnly, hook.Heartbeat, status, n.Hook == nil,
	); err != nil || n.Hook == nil {
		return until, err
	}
	return until, s.greet(ctx, sc.Record(), n.ID)
}

// pullPoint is until when a pull point of the subject lives; DSUB-004 when it does not.
func (s *Session) pullPoint(ctx context.Context, sub authz.Subject, id string) (until time.Time, err error) {
	if !xds.IsUUID("urn:uuid:" + id) {
		return until, &xds.Error{ID: "DSUB-004"}
	}
	err = s.tx.QueryRow(ctx, `select expires_at from pull_point where id = $1 and owner = $2 and expires_at > $3`, id, owner(sub), s.Now()).Scan(&until)
	if errors.Is(err, pgx.ErrNoRows) {
		return until, &xds.Error{ID: "DSUB-004"}
	}
	return until, err
}

// Unsubscribe ends a subscription of the subject's own, with what waits for it. It
// asks no right but that: who has lost his access must be able to end it.
func (r *Registry) Unsubscribe(ctx context.Context, sub authz.Subject, record, id string) error {
	var n int
	return r.ofOwner(ctx, &n, `
with ended as (delete from subscription where record = $1 and id = $2 and owner = $3 and expires_at > $4 and hook is null returning record, id),
     forgotten as (delete from outbox o using ended where o.record = ended.record and o.lane = ended.id)
select 1 from ended`, []string{record, id}, owner(sub), r.Now())
}

// Renew moves the end of a subscription of the subject's own to the instant that is
// returned: not behind that of its pull point.
func (r *Registry) Renew(ctx context.Context, sub authz.Subject, record, id string, until time.Time) (time.Time, error) {
	err := r.ofOwner(ctx, &until, `
update subscription s set expires_at = least($5::timestamptz, (select p.expires_at from pull_point p where p.id = s.pull_point))
where record = $1 and id = $2 and owner = $3 and expires_at > $4 and hook is null returning expires_at`, []string{record, id}, owner(sub), r.Now(), until)
	return until, err
}

// OpenPullPoint makes a place where notifications wait for the subject.
func (r *Registry) OpenPullPoint(ctx context.Context, sub authz.Subject, until time.Time) (id string, err error) {
	id = r.NewID()
	done, err := r.pool.Exec(ctx, `
insert into pull_point (id, owner, created_at, expires_at)
select $1, $2, $3, $4 where (select count(*) from pull_point where owner = $2 and expires_at > $3) < $5`, id, owner(sub), r.Now(), until, MaxPullPoints)
	if err == nil && done.RowsAffected() == 0 {
		return "", &xds.Error{ID: "DSUB-007", Expected: fmt.Sprintf("%d points de retrait au plus", MaxPullPoints)}
	}
	return id, marked(err)
}

// ClosePullPoint ends a pull point of the subject's own, its subscriptions and all that
// waits in it.
func (r *Registry) ClosePullPoint(ctx context.Context, sub authz.Subject, id string) error {
	var n int
	return r.ofOwner(ctx, &n, `
with closed as (delete from pull_point where id = $1 and owner = $2 and expires_at > $3 returning id),
     ended as (delete from subscription s using closed where s.pull_point = closed.id returning s.record, s.id),
     forgotten as (delete from outbox o using ended where o.record = ended.record and o.lane = ended.id)
select 1 from closed`, []string{id}, owner(sub), r.Now())
}

// ofOwner runs a statement on what its first arguments, the ids, name, and reads what it
// returns; one that touches nothing is DSUB-004, whether the thing is not there or
// another's.
func (r *Registry) ofOwner(ctx context.Context, result any, sql string, ids []string, more ...any) error {
	var args []any
	for _, id := range ids {
		if !xds.IsUUID("urn:uuid:" + id) {
			return &xds.Error{ID: "DSUB-004"}
		}
		args = append(args, id)
	}
	err := r.pool.QueryRow(ctx, sql, append(args, more...)...).Scan(result)
	if errors.Is(err, pgx.ErrNoRows) {
		return &xds.Error{ID: "DSUB-004"}
	}
	return marked(err)
}
