package mail

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
)

// Digest is how often somebody is written to.
type Digest int16

// The rhythms. What is urgent waits for none.
const (
	AtOnce Digest = 0
	Daily  Digest = 1 // at eight o'clock in Paris
	Weekly Digest = 2 // on Mondays
)

// Optional are the events that somebody may decline. The law has him told of first
// accesses and of emergencies (S0, S3, S4), and what was hidden from him is told when it
// is not any more.
var Optional = []message.Event{message.Added, message.Modified, message.Deleted, message.JournalRead, message.SettingsChanged}

// Preferences are what somebody wants to be told of, and when.
type Preferences struct {
	Digest   Digest
	Readings bool            // each reading, not the first one of each professional alone
	Muted    []message.Event // of Optional
}

// Contact is somebody who is told of what others do with a record: its holder, or a
// representative of a minor. A delegate is told nothing.
type Contact struct {
	Record, Person string
	Email          string // "" = none is known
	Lang           string
	Since          time.Time
	Preferences
}

// Wants tells whether somebody is told of an event.
func (c Contact) Wants(e message.Event) bool {
	if e == message.Consulted {
		return c.Readings
	}
	return !slices.Contains(c.Muted, e) || !slices.Contains(Optional, e)
}

// The address of an account is the one that its owner proved to be his.
const contactsSQL = `
select c.record::text, c.person, coalesce(a.email, c.email), coalesce(a.lang, c.lang), c.created_at, c.digest, c.readings, c.muted
from contact c left join lateral (
  select a.email, a.lang from account_person p join account a on a.id = p.account where p.person = c.person and a.email <> '' order by a.created_at limit 1) a on true`

const contactSQL = contactsSQL + ` where c.record = $1`

func scan(row pgx.CollectableRow) (c Contact, err error) {
	return c, row.Scan(&c.Record, &c.Person, &c.Email, &c.Lang, &c.Since, &c.Digest, &c.Readings, &c.Muted)
}

// ContactOf is a person as a contact of a record; ok is false when he is none.
func ContactOf(ctx context.Context, h db.Handle, sys authz.System, record, person string) (c Contact, ok bool, err error) {
	if err := db.BySystem(sys); err != nil {
		return c, false, err
	}
	return one(ctx, h, record, person)
}

func one(ctx context.Context, h db.Handle, record, person string) (Contact, bool, error) {
	rows, err := db.On(h).Query(ctx, contactSQL+` and c.person = $2`, record, person)
	if err != nil {
		return Contact{}, false, err
	}
	c, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return Contact{}, false, nil
	}
	return c, err == nil, err
}

// Own is the subject's own contact of a record, the defaults where he has none yet.
func Own(ctx context.Context, h db.Handle, a authz.Allowed) (Contact, error) {
	if err := db.Permitted(h, a, authz.ReadState, authz.SetParams); err != nil {
		return Contact{}, err
	}
	c, known, err := one(ctx, h, a.Record(), a.Subject().ID)
	if !known {
		c = Contact{Record: a.Record(), Person: a.Subject().ID, Lang: "fr"}
	}
	return c, err
}

// Prefer sets what the subject himself wants to be told of.
func Prefer(ctx context.Context, h db.Handle, a authz.Allowed, at time.Time, p Preferences) error {
	if err := db.Permitted(h, a, authz.SetParams); err != nil {
		return err
	}
	muted := []string{}
	for _, e := range p.Muted {
		if slices.Contains(Optional, e) && !slices.Contains(muted, string(e)) {
			muted = append(muted, string(e))
		}
	}
	_, err := db.On(h).Exec(ctx, `
insert into contact (record, person, digest, readings, muted, created_at) values ($1, $2, $3, $4, $5, $6)
on conflict (record, person) do update set digest = excluded.digest, readings = excluded.readings, muted = excluded.muted`,
		a.Record(), a.Subject().ID, int16(p.Digest), p.Readings, muted, at)
	return err
}

// Reminds tells whether the subject is told of vaccinations that become due.
func Reminds(ctx context.Context, h db.Handle, a authz.Allowed) (on bool, err error) {
	if err := db.Permitted(h, a, authz.ReadState, authz.SetParams); err != nil {
		return false, err
	}
	err = db.On(h).QueryRow(ctx, `select coalesce((select wanted from reminder where record = $1 and person = $2), true)`, a.Record(), a.Subject().ID).Scan(&on)
	return on, err
}

// Remind sets it.
func Remind(ctx context.Context, h db.Handle, a authz.Allowed, on bool) error {
	if err := db.Permitted(h, a, authz.SetParams); err != nil {
		return err
	}
	_, err := db.On(h).Exec(ctx, `
insert into reminder (record, person, wanted) values ($1, $2, $3) on conflict (record, person) do update set wanted = excluded.wanted`, a.Record(), a.Subject().ID, on)
	return err
}

// Reach makes somebody a contact of a record, or gives a contact another address: for
// whoever has none of an account. What was withheld on the record is judged anew.
func Reach(ctx context.Context, h db.Handle, sys authz.System, at time.Time, c Contact) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	if email, ok := message.Address(c.Email); !ok || email != c.Email || c.Lang != "fr" && c.Lang != "en" {
		return errors.New("mail: not an address, or not a language, of a contact")
	}
	b := &pgx.Batch{}
	b.Queue(`
insert into contact (record, person, email, lang, created_at) values ($1, $2, $3, $4, $5)
on conflict (record, person) do update set email = excluded.email, lang = excluded.lang`, c.Record, c.Person, c.Email, c.Lang, at)
	b.Queue(againSQL, []string{c.Person}, at)
	b.Queue(remindSQL, []string{c.Person})
	return db.On(h).Run(ctx, b)
}

// Noticed makes those who were written to of new records contacts of them: who never
// signs in is told too, of the first access of each professional above all (S4 "par tout
// moyen").
func Noticed(ctx context.Context, h db.Handle, sys authz.System, at time.Time, records ...string) error {
	if err := db.BySystem(sys); err != nil || len(records) == 0 {
		return err
	}
	_, err := db.On(h).Exec(ctx, `
insert into contact (record, person, email, lang, created_at)
select record, person, email, language, $2 from notice where record = any($1::uuid[]) and email <> '' on conflict do nothing`, records, at)
	return err
}

// againSQL has what was withheld judged anew.
const againSQL = `update untold set due_at = $2 where person = any($1) and due_at is null`

// remindSQL has contacts looked at for what becomes due (registry/remind.go).
const remindSQL = `insert into reminder (record, person) select record, person from contact where person = any($1) on conflict do nothing`

// Enroll makes persons contacts of the records that they hold, or of whose holder they
// are the representatives: whoever signs in can be told.
func Enroll(ctx context.Context, h db.Handle, sys authz.System, at time.Time, persons ...string) error {
	if err := db.BySystem(sys); err != nil || len(persons) == 0 {
		return err
	}
	b := &pgx.Batch{}
	b.Queue(`
insert into contact (record, person, created_at)
select id, id::text, $2::timestamptz from record where id in (select p::uuid from unnest($1::text[]) p where p ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')
union all
select record, person, $2::timestamptz from record_person where person = any($1) and role = $3
on conflict do nothing`, persons, at, int16(authz.RepresentativeRole))
	b.Queue(againSQL, persons, at)
	b.Queue(remindSQL, persons)
	return db.On(h).Run(ctx, b)
}

// ComeOfAge ends the contacts of the representatives of a holder who came of age: what
// they were still to be told of, and what was withheld from them, is for him, once he
// can be reached (policy §1.5, Q-15).
func ComeOfAge(ctx context.Context, h db.Handle, sys authz.System, record string, at time.Time) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	b := &pgx.Batch{}
	b.Queue(`
insert into untold (record, person, at, trail_seq, event, due_at)
select distinct record, record::text, at, trail_seq, md5(record::text || record::text || trail_seq)::uuid, $2::timestamptz from untold where record = $1 and person <> record::text
on conflict (record, person, at, trail_seq) do update set due_at = excluded.due_at`, record, at)
	for _, table := range []string{"untold", "met", "reminder", "contact"} {
		b.Queue(`delete from `+table+` where record = $1 and person <> record::text`, record)
	}
	return db.On(h).Run(ctx, b)
}

// Leave ends one contact: a representative who is none any more.
func Leave(ctx context.Context, h db.Handle, sys authz.System, record, person string) error {
	return remove(ctx, h, sys, ` where record = $1 and person = $2`, record, person)
}

// Forget ends all contacts of a record that is erased.
func Forget(ctx context.Context, h db.Handle, sys authz.System, record string) error {
	return remove(ctx, h, sys, ` where record = $1`, record)
}

func remove(ctx context.Context, h db.Handle, sys authz.System, where string, args ...any) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	b := &pgx.Batch{}
	for _, table := range []string{"untold", "met", "reminder", "contact"} {
		b.Queue(`delete from `+table+where, args...)
	}
	return db.On(h).Run(ctx, b)
}

// Write queues a message of a kind to every contact of a record who can be reached, and
// tells how many there are. A minor is written to of nothing: the representatives are.
func Write(ctx context.Context, h db.Handle, sys authz.System, at time.Time, record string, kind message.Kind, params map[string]string) (n int, err error) {
	return WriteAll(ctx, h, sys, at, []string{record}, kind, params)
}

// WriteTo is Write to one of the contacts, of what the others are not to know.
func WriteTo(ctx context.Context, h db.Handle, sys authz.System, at time.Time, record, person string, kind message.Kind, params map[string]string) error {
	c, known, err := ContactOf(ctx, h, sys, record, person)
	if err != nil || !known || c.Email == "" {
		return err
	}
	return Queue(ctx, h, at, message.Message{Kind: kind, To: c.Email, Lang: c.Lang, Params: params})
}

// WriteAll is Write for many records at once.
func WriteAll(ctx context.Context, h db.Handle, sys authz.System, at time.Time, records []string, kind message.Kind, params map[string]string) (n int, err error) {
	if err := db.BySystem(sys); err != nil || len(records) == 0 {
		return 0, err
	}
	rows, err := db.On(h).Query(ctx, contactsSQL+` join record r on r.id = c.record
where c.record = any($1) and not (r.minor and r.id::text = c.person) order by c.record, c.person`, records)
	if err != nil {
		return 0, err
	}
	contacts, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return 0, err
	}
	var all []message.Message
	for _, c := range contacts {
		if c.Email != "" {
			all = append(all, message.Message{Kind: kind, To: c.Email, Lang: c.Lang, Params: params})
		}
	}
	if len(all) == 0 {
		return 0, nil
	}
	return len(all), Queue(ctx, h, at, all...)
}
