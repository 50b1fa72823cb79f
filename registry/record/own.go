package record

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
)

// Arisen is a record of which something is due.
type Arisen struct {
	Life
	Due Due
}

// dueSQL steps over what another scheduler holds, and over what has no need to be done
// in this transaction: several gateways work on one database.
const dueSQL = `
select id::text, state, epoch, notified_at, closed_at, minor, birth_date, due from record
where due_at <= $1 and ($3 = 0 or due <> $3) order by due_at, id limit $2 for update skip locked`

// TakeDue holds the records of which something is due for the rest of the transaction.
// Erasing takes documents along and so a transaction of its own: TakeDue leaves those
// records out when it is asked for several.
func TakeDue(ctx context.Context, h db.Handle, sys authz.System, now time.Time, limit int) ([]Arisen, error) {
	if err := db.BySystem(sys); err != nil {
		return nil, err
	}
	left := Due(0)
	if limit > 1 {
		left = Retention
	}
	rows, err := db.On(h).Query(ctx, dueSQL, now, limit, int16(left))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (a Arisen, err error) {
		var state, due int16
		err = row.Scan(&a.Record, &state, &a.Epoch, &a.NotifiedAt, &a.ClosedAt, &a.Minor, &a.BirthDate, &due)
		a.State, a.Due = authz.Value(state), Due(due)
		return a, err
	})
}

// Carry does what is due, but erase: the six weeks are over, or the holder is of age.
func (a *Arisen) Carry(now time.Time) error {
	switch a.Due {
	case Opening:
		return a.move(SixWeeks, now)
	case Majority:
		a.Minor = false
	}
	return nil
}

const keepSQL = `
update record r set state = n.state, epoch = n.epoch, notified_at = n.notified_at, closed_at = n.closed_at, minor = n.minor, due = nullif(n.due, 0), due_at = n.due_at
from unnest($1::uuid[], $2::smallint[], $3::int[], $4::timestamptz[], $5::timestamptz[], $6::boolean[], $7::smallint[], $8::timestamptz[])
  n (id, state, epoch, notified_at, closed_at, minor, due, due_at) where r.id = n.id and r.id = any($1)` // by the index, however many records there are

// Keep stores what has been carried out, in one statement.
func Keep(ctx context.Context, h db.Handle, sys authz.System, all []Arisen) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	n := len(all)
	ids, states, epochs, minors, dues := make([]string, n), make([]int16, n), make([]int32, n), make([]bool, n), make([]int16, n)
	notified, closed, at := make([]*time.Time, n), make([]*time.Time, n), make([]*time.Time, n)
	for i, a := range all {
		due, when := a.next()
		ids[i], states[i], epochs[i], minors[i], dues[i] = a.Record, int16(a.State), int32(a.Epoch), a.Minor, int16(due)
		notified[i], closed[i], at[i] = a.NotifiedAt, a.ClosedAt, moment(when)
	}
	_, err := db.On(h).Exec(ctx, keepSQL, ids, states, epochs, notified, closed, minors, dues, at)
	return err
}

// Postpone puts off what is due of a record and failed, so that it holds up no other.
func Postpone(ctx context.Context, h db.Handle, sys authz.System, record string, until time.Time) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	_, err := db.On(h).Exec(ctx, `update record set due_at = $2 where id = $1 and due_at is not null`, record, until)
	return err
}
