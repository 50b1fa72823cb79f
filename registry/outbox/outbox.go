// Package outbox is what the gateway still has to send: audit messages and
// notifications. A row is written in the transaction of its cause, by the statement
// that writes the trail row (Sequel), and goes when the receiver has it: delivery is
// at least once, in the order of each lane, and a receiver that is down holds up
// nobody but itself (safety §3, FM-23, FM-24).
//
// A row holds no document and no right. It says which trail row it tells of; what
// may be told is judged at the instant of delivery, elsewhere.
package outbox

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
)

// Kind is what a row becomes.
type Kind int16

// The kinds.
const (
	Audit  Kind = 1 // an audit message (ITI-20)
	Notify Kind = 2 // a notification that is sent to its consumer (ITI-53)
	Fetch  Kind = 3 // a notification that waits in a pull point (ITI-70)
)

// Kinds are all of them.
var Kinds = []Kind{Audit, Notify, Fetch}

// String is the kind as metrics and the log name it.
func (k Kind) String() string { return [...]string{"", "audit", "notify", "fetch"}[k] }

// Item is one row to be delivered.
type Item struct {
	Record   string
	Lane     string // Record for an audit message, else the subscription
	Seq      int64
	Kind     Kind
	Event    string // a UUID, the same at every attempt
	At       time.Time
	Trail    int64 // with Record and At the trail row
	Address  string
	Query    []byte
	Attempts int // to deliver it as the first of its lane, this one included
}

// Box is the outbox of one database; several gateways deliver from it at once.
type Box struct {
	Now  func() time.Time
	pool *pgxpool.Pool
}

// Open gives the outbox of a database.
func Open(pool *pgxpool.Pool, now func() time.Time) *Box { return &Box{Now: now, pool: pool} }

// Lease is how long a delivery may take: then another worker takes what this one,
// which may be dead, has not acknowledged.
const Lease = 2 * time.Minute

// run bounds how many rows of one lane are taken at once.
const run = 64

// takeSQL leases the first rows of lanes that are due, each with the next rows of its
// lane: once the first was received the next one is first, and is still this worker's.
// It steps from lane to lane: what waits behind the first row of one costs nothing.
const takeSQL = `
with recursive head as (
  (select record, lane, seq, kind, due_at from outbox order by record, lane, seq limit 1)
  union all
  select n.* from head h cross join lateral (
    select record, lane, seq, kind, due_at from outbox o where (o.record, o.lane) > (h.record, h.lane) order by record, lane, seq limit 1) n
), first as (
  select o.record, o.lane, o.seq from outbox o join (
    select record, lane, seq from head where kind = $1 and due_at <= $2 order by seq limit $4) f
  on o.record = f.record and o.lane = f.lane and o.seq = f.seq
  where o.due_at <= $2 for update of o skip locked
), run as (
  select f.seq as head, r.* from first f cross join lateral (
    select record, lane, seq from outbox o where o.record = f.record and o.lane = f.lane and o.seq >= f.seq and (o.seq = f.seq or o.due_at <= $2)
    order by o.seq limit $5) r
), leased as (
  update outbox o set due_at = $3, attempts = o.attempts + (o.seq = r.head)::int from run r
  where o.record = r.record and o.lane = r.lane and o.seq = r.seq
  returning r.head, o.*
)
select record::text, lane::text, seq, kind, event::text, at, trail_seq, address, query, attempts from leased order by head, seq`

// Take leases what is due, at most so many lanes: the rows of each lane in their
// order, the lanes by their oldest row. The zero System takes nothing.
func (b *Box) Take(ctx context.Context, sys authz.System, kind Kind, lanes int) ([][]Item, error) {
	if err := db.BySystem(sys); err != nil {
		return nil, err
	}
	now := b.Now()
	rows, err := b.pool.Query(ctx, takeSQL, int16(kind), now, now.Add(Lease), lanes, run)
	if err != nil {
		return nil, err
	}
	items, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Item])
	if err != nil {
		return nil, err
	}
	var taken [][]Item
	for i, item := range items {
		if i == 0 || items[i-1].Lane != item.Lane || items[i-1].Record != item.Record {
			taken = append(taken, nil)
		}
		taken[len(taken)-1] = append(taken[len(taken)-1], item)
	}
	return taken, nil
}

// Delivered takes away rows that were received.
func (b *Box) Delivered(ctx context.Context, sys authz.System, items ...Item) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	sql, args := Gone(items...)
	_, err := b.pool.Exec(ctx, sql, args...)
	return err
}

// Gone is the statement that takes rows away.
func Gone(items ...Item) (sql string, args []any) {
	var records, lanes []string
	var seqs []int64
	for _, i := range items {
		records, lanes, seqs = append(records, i.Record), append(lanes, i.Lane), append(seqs, i.Seq)
	}
	return `
delete from outbox o using unnest($1::uuid[], $2::uuid[], $3::bigint[]) d (record, lane, seq)
where o.record = d.record and o.lane = d.lane and o.seq = d.seq`, []any{records, lanes, seqs}
}

// Postpone gives a row back that was not delivered, and what was taken behind it: its
// lane waits until an instant.
func (b *Box) Postpone(ctx context.Context, sys authz.System, item Item, until time.Time) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	_, err := b.pool.Exec(ctx, `
update outbox set due_at = $4 where record = $1 and lane = $2 and (seq = $3 or seq > $3 and due_at > $5)`, item.Record, item.Lane, item.Seq, until, b.Now())
	return err
}

// Wait is how long a lane waits after so many failed attempts: a second, doubled up
// to five minutes.
func Wait(attempts int) time.Duration {
	const longest = 5 * time.Minute
	if attempts > 9 {
		return longest
	}
	return min(time.Second<<max(attempts-1, 0), longest)
}

// Backlog is what has not been delivered.
type Backlog struct {
	Rows   int64
	Oldest time.Time // zero when there is none
}

// Backlog counts what waits, by kind. It is for metrics: it reads an index to its end.
func (b *Box) Backlog(ctx context.Context, sys authz.System) (map[Kind]Backlog, error) {
	if err := db.BySystem(sys); err != nil {
		return nil, err
	}
	rows, err := b.pool.Query(ctx, `
select k.kind, (select count(*) from outbox o where o.kind = k.kind),
       coalesce((select at from outbox o where o.kind = k.kind order by seq limit 1), '0001-01-01 00:00:00+00')
from unnest($1::smallint[]) k (kind)`, Kinds)
	if err != nil {
		return nil, err
	}
	all := map[Kind]Backlog{}
	var k Kind
	var one Backlog
	_, err = pgx.ForEachRow(rows, []any{&k, &one.Rows, &one.Oldest}, func() error {
		all[k] = one
		return nil
	})
	return all, err
}

// Expire gives up what waits since before an instant. It is the bound of the backlog:
// what is given up stands in the trail, which keeps it.
func (b *Box) Expire(ctx context.Context, sys authz.System, kind Kind, before time.Time) (rows int64, err error) {
	if err := db.BySystem(sys); err != nil {
		return 0, err
	}
	done, err := b.pool.Exec(ctx, `delete from outbox where kind = $1 and at < $2`, int16(kind), before)
	return done.RowsAffected(), err
}

// Tidy takes away subscriptions and pull points whose time is over, with what waits
// for them, and enters the heartbeats that are due.
func (b *Box) Tidy(ctx context.Context, sys authz.System) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	now := b.Now()
	all := &pgx.Batch{}
	all.Queue(`delete from pull_point where expires_at <= $1`, now)
	all.Queue(`
with over as (
  delete from subscription s where s.expires_at <= $1 or s.pull_point is not null and not exists (select from pull_point p where p.id = s.pull_point)
  returning record, id
)
delete from outbox o using over where o.record = over.record and o.lane = over.id`, now)
	all.Queue(heartbeatSQL, now)
	return b.pool.SendBatch(ctx, all).Close()
}
