package mail

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
)

// Post is where messages wait; several gateways send from it at once.
type Post struct {
	Now  func() time.Time
	pool *pgxpool.Pool
}

// Open gives the post of a database.
func Open(pool *pgxpool.Pool, now func() time.Time) *Post { return &Post{Now: now, pool: pool} }

// lease is how long a sending may take: then another worker takes what this one, which
// may be dead, has not said to be sent.
const lease = 2 * time.Minute

// keptSent is how long what was sent or given up is remembered.
const keptSent = 30 * 24 * time.Hour

// Waiting is a message to be sent.
type Waiting struct {
	message.Message
	At       time.Time // when it was queued
	Attempts int       // this one included
}

// Take leases what is due of a channel, the oldest first. The zero System takes nothing.
func (p *Post) Take(ctx context.Context, sys authz.System, c message.Channel, most int) ([]Waiting, error) {
	if err := db.BySystem(sys); err != nil {
		return nil, err
	}
	now := p.Now()
	rows, err := p.pool.Query(ctx, `
with due as (
  select id from message where sent_at is null and failed_at is null and due_at <= $1 and give_up_at > $1 and channel = $2 order by due_at, params ->> 'at' limit $3 for update skip locked
), taken as (
  update message m set due_at = $4, attempts = attempts + 1 from due where m.id = due.id returning m.*
)
select id::text, kind, channel, recipient, lang, params, created_at, attempts from taken order by created_at, params ->> 'at', id`, now, string(c), most, now.Add(lease))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (w Waiting, err error) {
		return w, row.Scan(&w.ID, &w.Kind, &w.Channel, &w.To, &w.Lang, &w.Params, &w.At, &w.Attempts)
	})
}

// Sent notes that messages were received: what they held is forgotten.
func (p *Post) Sent(ctx context.Context, sys authz.System, ids ...string) error {
	return p.end(ctx, sys, `update message set sent_at = $2, recipient = '', params = '{}' where id = any($1::uuid[])`, ids, p.Now())
}

// Refused notes that messages were refused for good, or may not be sent.
func (p *Post) Refused(ctx context.Context, sys authz.System, ids ...string) error {
	return p.end(ctx, sys, `update message set failed_at = $2, recipient = '', params = '{}' where id = any($1::uuid[])`, ids, p.Now())
}

// Later gives messages back that were not received, until an instant.
func (p *Post) Later(ctx context.Context, sys authz.System, until time.Time, ids ...string) error {
	return p.end(ctx, sys, `update message set due_at = $2 where id = any($1::uuid[]) and sent_at is null and failed_at is null`, ids, until)
}

func (p *Post) end(ctx context.Context, sys authz.System, sql string, ids []string, at time.Time) error {
	if err := db.BySystem(sys); err != nil || len(ids) == 0 {
		return err
	}
	_, err := p.pool.Exec(ctx, sql, ids, at)
	return err
}

// Expire gives up what is of no use any more, and forgets what was over long ago.
func (p *Post) Expire(ctx context.Context, sys authz.System) (given int64, err error) {
	if err := db.BySystem(sys); err != nil {
		return 0, err
	}
	done, err := p.pool.Exec(ctx, `
update message set failed_at = $1, recipient = '', params = '{}' where sent_at is null and failed_at is null and give_up_at <= $1 and due_at <= $1`, p.Now())
	if err != nil {
		return 0, err
	}
	_, err = p.pool.Exec(ctx, `delete from message where (sent_at is not null or failed_at is not null) and created_at < $1`, p.Now().Add(-keptSent))
	return done.RowsAffected(), err
}

// Backlog counts what waits, by channel.
func (p *Post) Backlog(ctx context.Context, sys authz.System) (map[message.Channel]Backlog, error) {
	if err := db.BySystem(sys); err != nil {
		return nil, err
	}
	rows, err := p.pool.Query(ctx, `select channel, count(*), min(created_at) from message where sent_at is null and failed_at is null group by channel`)
	if err != nil {
		return nil, err
	}
	all := map[message.Channel]Backlog{}
	var c message.Channel
	var b Backlog
	_, err = pgx.ForEachRow(rows, []any{&c, &b.Rows, &b.Oldest}, func() error {
		all[c] = b
		return nil
	})
	return all, err
}

// Backlog is what has not been sent.
type Backlog struct {
	Rows   int64
	Oldest time.Time
}
