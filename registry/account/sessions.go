package account

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
)

// maxSessions bounds a list; nobody has that many browsers.
const maxSessions = 100

// ofOwner are the sessions of whoever has session $1: of his account, or of him as a
// professional.
const ofOwner = `(account = (select account from console_session where id = $1)
  or professional <> '' and professional = (select professional from console_session where id = $1))`

// Sessions are those of the owner of a session that are not over, the last used first.
func Sessions(ctx context.Context, h db.Handle, of Session, now time.Time) ([]Session, error) {
	rows, err := db.On(h).Query(ctx, `
select id::text, name, agent, provider, created_at, seen_at, expires_at from console_session
where `+ofOwner+` and expires_at > $2 and seen_at > $3 order by seen_at desc, id limit $4`, of.ID, now, now.Add(-IdleTime), maxSessions)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Session, err error) {
		err = row.Scan(&s.ID, &s.Name, &s.Agent, &s.Provider, &s.CreatedAt, &s.SeenAt, &s.ExpiresAt)
		return s, err
	})
}

// EndOne closes one session of the owner of another one; one that is not his stays.
func EndOne(ctx context.Context, h db.Handle, of Session, id string) error {
	if !db.Storable(id) {
		return nil
	}
	_, err := db.On(h).Exec(ctx, `delete from console_session where id::text = $2 and `+ofOwner, of.ID, id)
	return err
}

// EndOthers closes all sessions of the owner of one but that one.
func EndOthers(ctx context.Context, h db.Handle, of Session) error {
	_, err := db.On(h).Exec(ctx, `delete from console_session where id <> $1 and `+ofOwner, of.ID)
	return err
}

// EndAll closes all sessions of an account, and what it is in the midst of.
func EndAll(ctx context.Context, h db.Handle, account string) error {
	if _, err := db.On(h).Exec(ctx, `delete from console_session where account = $1`, account); err != nil {
		return err
	}
	return EndFlows(ctx, h, account)
}

// EndFlows ends what an account is in the midst of in any browser: links to a new password
// and sign-ins on their way.
func EndFlows(ctx context.Context, h db.Handle, account string) error {
	_, err := db.On(h).Exec(ctx, `delete from signin_flow where account = $1`, account)
	return err
}

// Expire takes away what is over: sessions, flows, failures that nobody remembers.
func Expire(ctx context.Context, h db.Handle, sys authz.System, now time.Time, memory time.Duration) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	b := &pgx.Batch{}
	b.Queue(`delete from console_session where expires_at <= $1 or seen_at <= $2`, now, now.Add(-IdleTime))
	b.Queue(`delete from signin_flow where expires_at <= $1`, now)
	b.Queue(`delete from signin_failure where last_at <= $1 and shut_until <= $2`, now.Add(-memory), now)
	return db.On(h).Run(ctx, b)
}
