package trail

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
)

// Line is a trail row as the history tells it.
type Line struct {
	At          time.Time
	Actor       string
	ActorName   string
	Profession  string
	Structure   string
	Kind        authz.Value
	Mode        authz.Value
	Action      authz.Value
	Transaction string
	Permit      bool
	Documents   []string // logicalIDs, bare
	Reason      string
	Secret      bool
	Unbound     bool // by id, under a token that names no patient
	Code        string
	Application string // client_id of the one that acted for the actor, or that the act is about
	TokenID     string
	Issuer      string // of the token
	Seq         int64  // in the order of writing: told to nobody, an id is made of it
}

// Filter narrows the lines: half-open period, one actor ("" = all), and the
// position before which the page starts (newest first).
type Filter struct {
	From, To time.Time
	Actor    string
	Before   time.Time // zero = from the newest
	Skip     int       // lines of the very instant Before that were already given
	Limit    int
	Seq      int64 // one line alone, 0 = all
}

// Read gives lines of a record, newest first; of one that was erased and reactivated,
// those of the new epoch alone (policy S3).
func Read(ctx context.Context, h db.Handle, a authz.Allowed, f Filter) ([]Line, error) {
	if err := db.Permitted(h, a, authz.Journal, authz.OwnJournal); err != nil {
		return nil, err
	}
	rows, err := db.On(h).Query(ctx, `select `+columns+` from trail
where record = $1
  and at >= coalesce((select max(ended_at) from ended where record = $1), '-infinity')
  and ($2::timestamptz is null or at >= $2) and ($3::timestamptz is null or at < $3)
  and ($4 = '' or actor = $4) and ($5::timestamptz is null or at <= $5) and ($8 = 0 or seq = $8)
order by at desc, seq desc offset $6 limit $7`,
		a.Record(), null(f.From), null(f.To), f.Actor, null(f.Before), f.Skip, f.Limit, f.Seq)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var lines []Line
	for rows.Next() {
		l, err := scan(rows)
		if err != nil {
			return nil, err
		}
		lines = append(lines, l)
	}
	return lines, rows.Err()
}

const columns = `at, actor, actor_name, profession, structure, kind, mode, action, transaction, permit, documents::text[], reason, secret, unbound, code,
application, token_id, issuer, seq`

// scan reads the columns, and whatever stands behind them.
func scan(row pgx.CollectableRow, more ...any) (l Line, err error) {
	var kind, mode, action int16
	err = row.Scan(append([]any{&l.At, &l.Actor, &l.ActorName, &l.Profession, &l.Structure, &kind, &mode, &action, &l.Transaction,
		&l.Permit, &l.Documents, &l.Reason, &l.Secret, &l.Unbound, &l.Code, &l.Application, &l.TokenID, &l.Issuer, &l.Seq}, more...)...)
	l.Kind, l.Mode, l.Action = authz.Value(kind), authz.Value(mode), authz.Value(action)
	return l, err
}

// Of gives every row of one professional in a period, on all records, oldest first, one
// by one as they come from the server. It reads the whole trail: there is no index for it,
// which every request would pay for. The zero System reads nothing.
func Of(ctx context.Context, conn *pgx.Conn, sys authz.System, actor string, from, to time.Time, each func(record string, l Line) error) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	rows, err := conn.Query(ctx, `select `+columns+`, record::text from trail
where actor = $1 and at >= $2 and at < $3 order by at, seq`, actor, from, to)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var record string
		l, err := scan(rows, &record)
		if err == nil {
			err = each(record, l)
		}
		if err != nil {
			return err
		}
	}
	return rows.Err()
}

func null(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Advance moves the position past a line of the given instant.
func (f *Filter) Advance(at time.Time) {
	if at.Equal(f.Before) {
		f.Skip++
		return
	}
	f.Before, f.Skip = at, 1
}
