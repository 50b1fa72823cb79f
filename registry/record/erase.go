package record

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/xds"
)

// Cause is why a record was erased.
type Cause int16

// The causes.
const (
	Asked Cause = 1 // by the holder or a representative
	Term  Cause = 2 // ten years after the closing
)

// Ending is the end of an epoch of a record.
type Ending struct {
	Record    string
	Epoch     int // the one that ended
	At        time.Time
	Documents int       // how many went
	Destroyed time.Time // data and key; zero while they are not
}

// Erase ends the epoch of a record: asked for, LIFE-001 when its state does not
// allow it. What it held is destroyed afterwards, when no transaction of before can add
// to it any more.
func Erase(ctx context.Context, h db.Handle, a authz.Allowed, at time.Time) (Ending, error) {
	if err := db.Permitted(h, a, authz.Erase); err != nil {
		return Ending{}, err
	}
	l, err := lock(ctx, db.On(h), a.Record())
	if err != nil {
		return Ending{}, err
	}
	return l.end(ctx, h, EraseAsked, Asked, at.Add(time.Microsecond)) // the act itself is of the epoch that it ends
}

// Expire ends the epoch of a record whose ten years are over.
func Expire(ctx context.Context, h db.Handle, sys authz.System, a Arisen, at time.Time) (Ending, error) {
	if err := db.BySystem(sys); err != nil {
		return Ending{}, err
	}
	return a.end(ctx, h, TenYears, Term, at)
}

func (l Life) end(ctx context.Context, h db.Handle, by Happening, cause Cause, at time.Time) (Ending, error) {
	e := Ending{Record: l.Record, Epoch: l.Epoch, At: at}
	if err := l.move(by, at); err != nil {
		return e, err
	}
	if err := l.store(ctx, db.On(h)); err != nil {
		return e, err
	}
	purge := at.AddDate(RetentionYears, 0, 0)
	if cause == Term {
		purge = at
	}
	_, err := db.On(h).Exec(ctx, `insert into ended (record, epoch, ended_at, cause, purge_at) values ($1, $2, $3, $4, $5)`,
		e.Record, e.Epoch, at, int16(cause), purge)
	return e, err
}

// destroyed is REG-006 while what a record held is still being destroyed.
func destroyed(ctx context.Context, tx *db.Tx, record string) error {
	var left bool
	err := tx.QueryRow(ctx, `select exists (select from ended where record = $1 and destroyed_at is null)`, record).Scan(&left)
	if err == nil && left {
		err = &xds.Error{ID: "REG-006"}
	}
	return err
}

// Left are ended epochs of which something is still to be destroyed, the oldest first.
func Left(ctx context.Context, h db.Handle, sys authz.System, limit int) ([]Ending, error) {
	if err := db.BySystem(sys); err != nil {
		return nil, err
	}
	rows, err := db.On(h).Query(ctx, `select record::text, epoch, ended_at from ended where destroyed_at is null order by ended_at limit $1`, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Ending, err error) {
		return e, row.Scan(&e.Record, &e.Epoch, &e.At)
	})
}

// holdings are the tables with what a record holds, those that refer to others first.
// What stands in none of them outlives the erasing: the identity itself, for R-50; the
// representatives of a minor, who reactivate for him, and the agreement of the other
// parent; the envelope of the trail (policy Q-27). A test holds the list against the
// schema.
var holdings = []string{
	"document_entry", "lineage", "submission_set", "folder", "association", "object_id", "unique_id", "subscription", "removed",
	"application_grant", "link", "block", "notice", "untold", "met", "delegation", "report", "announcement_reminder", "reminder",
}

// Empty takes out what an ended epoch held, enters the number of its documents into the
// Ending, and gives the prefixes of its blobs, those of submissions under way among them:
// what was written under the old key must not be named in the next epoch. done is true
// when another one has destroyed it meanwhile.
func Empty(ctx context.Context, h db.Handle, e *Ending) (prefixes []string, done bool, err error) {
	tx := db.On(h)
	var at *time.Time
	// The record is held too: nobody reactivates it before its old epoch is destroyed.
	err = tx.QueryRow(ctx, `
select e.destroyed_at from ended e join record r on r.id = e.record where e.record = $1 and e.epoch = $2 for update`, e.Record, e.Epoch).Scan(&at)
	if err != nil || at != nil {
		return nil, at != nil, err
	}
	rows, err := tx.Query(ctx, `
select regexp_replace(blob, '/[^/]*$', '') from document_entry where record = $1 and blob like $1::text || '/%'
union
select prefix from blob_intent where prefix like $1::text || '/%'`, e.Record)
	if err != nil {
		return nil, false, err
	}
	if prefixes, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return nil, false, err
	}
	b := &pgx.Batch{}
	b.Queue(`
update ended set documents = documents + (select count(*) from document_entry where record = $1 and latest and not technical)
where record = $1 and epoch = $2 returning documents`, e.Record, e.Epoch).QueryRow(func(row pgx.Row) error { return row.Scan(&e.Documents) })
	b.Queue(`delete from outbox where record = $1 and kind <> 1`, e.Record) // audit messages still go
	b.Queue(`update outbox set query = null where record = $1`, e.Record)
	for _, table := range holdings {
		b.Queue(`delete from `+table+` where record = $1`, e.Record)
	}
	b.Queue(`delete from record_person where record = $1 and role <> $2`, e.Record, int16(authz.RepresentativeRole))
	b.Queue(`update contact set email = '', digest = 0, readings = false, muted = '{}' where record = $1`, e.Record)
	b.Queue(`update record set administrator = null, mask_all = false, samu_ok = true, bdg_ok = true, masked_ok = false where id = $1`, e.Record)
	b.Queue(`update trail set documents = '{}', reason = '', actor_name = '', token_id = '' where record = $1 and at < $2`, e.Record, e.At)
	return prefixes, false, tx.Run(ctx, b)
}

// Destroyed says that the data and the key of an epoch are destroyed, keeps the certificate
// of it, and tells the whole of it.
func Destroyed(ctx context.Context, h db.Handle, e Ending, certificate []byte, at time.Time) (Ending, error) {
	err := db.On(h).QueryRow(ctx, `
update ended set destroyed_at = coalesce(destroyed_at, $3), certificate = coalesce(certificate, $4)
where record = $1 and epoch = $2 returning ended_at, documents, destroyed_at`,
		e.Record, e.Epoch, at, certificate).Scan(&e.At, &e.Documents, &e.Destroyed)
	return e, err
}

// Certificate is that of the last deletion of a record; nil when there is none.
func Certificate(ctx context.Context, h db.Handle, a authz.Allowed) (file json.RawMessage, err error) {
	if err := db.Permitted(h, a, authz.ReadState); err != nil {
		return nil, err
	}
	err = db.On(h).QueryRow(ctx, `
select certificate from ended where record = $1 and certificate is not null order by epoch desc limit 1`, a.Record()).Scan(&file)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return file, err
}

// purgeSQL takes the trail of epochs whose ten years are over (J-6): what is younger
// than the end belongs to the next one.
const purgeSQL = `
with over as (
  select record, epoch, ended_at from ended where purge_at <= $1 and destroyed_at is not null order by purge_at limit $2 for update skip locked
), gone as (
  delete from trail t using over o where t.record = o.record and t.at < o.ended_at
)
update ended e set purge_at = null from over o where e.record = o.record and e.epoch = o.epoch`

// Purge destroys the trail of ended epochs, ten years after their end.
func Purge(ctx context.Context, h db.Handle, sys authz.System, now time.Time, limit int) (epochs int, err error) {
	if err := db.BySystem(sys); err != nil {
		return 0, err
	}
	done, err := db.On(h).Exec(ctx, purgeSQL, now, limit)
	return int(done.RowsAffected()), err
}
