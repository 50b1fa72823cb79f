package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/registry/mail"
	"github.com/passerelle-sante/passerelle/xds"
)

// Reminder is somebody who is to be looked at: what has become due on a record is judged
// with his own rights, and he is written to when it was not due the last time.
type Reminder struct {
	Record  string
	Subject authz.Subject

	person string
	first  bool
	told   []string
}

// remindLease is how long a look may take: then another gateway takes it up.
const remindLease = 10 * time.Minute

// Reminders takes who is to be looked at by now. The zero System takes nobody.
func (r *Registry) Reminders(ctx context.Context, sys authz.System, now time.Time, most int) (due []Reminder, err error) {
	if err := db.BySystem(sys); err != nil {
		return nil, err
	}
	err = r.Write(ctx, func(s *Session) error {
		rows, err := db.On(s.Handle()).Query(ctx, `
with due as (
  select record, person from reminder where wanted and due_at <= $1 order by due_at limit $2 for update skip locked
), taken as (
  update reminder c set due_at = $3 from due where c.record = due.record and c.person = due.person returning c.*
)
select t.record::text, t.person, t.told, not t.looked, r.ins_value, r.ins_authority, r.ins_type from taken t join record r on r.id = t.record`, now, most, now.Add(remindLease))
		if err != nil {
			return err
		}
		due, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (one Reminder, err error) {
			var value, authority, kind string
			err = row.Scan(&one.Record, &one.person, &one.told, &one.first, &value, &authority, &kind)
			one.Subject = authz.Subject{Nature: authz.NaturePerson, ID: one.person, Patient: xds.NewCX(value, authority, kind)}
			return one, err
		})
		return err
	})
	return due, err
}

// Reminded notes what is due for somebody and when to look again, and queues a message
// when something is new. Whoever was never looked at is not written to.
func (r *Registry) Reminded(ctx context.Context, sys authz.System, one Reminder, due []string, next time.Time) error {
	fresh := slices.DeleteFunc(slices.Clone(due), func(dose string) bool { return slices.Contains(one.told, dose) })
	return r.Write(ctx, func(s *Session) error {
		if _, err := db.On(s.Handle()).Exec(ctx, `update reminder set due_at = $3, told = $4, looked = true where record = $1 and person = $2`, one.Record, one.person, next, append([]string{}, due...)); err != nil {
			return err
		}
		contact, known, err := mail.ContactOf(ctx, s.Handle(), sys, one.Record, one.person)
		if err != nil || !known || one.first || len(fresh) == 0 || contact.Email == "" {
			return err
		}
		sum := sha256.Sum256([]byte(one.Record + "\n" + one.person + "\n" + strings.Join(fresh, "\n")))
		id := hex.EncodeToString(sum[:16])
		return mail.Queue(ctx, s.Handle(), s.Now(), message.Message{
			ID: id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:], Kind: message.ReminderVaccination, To: contact.Email, Lang: contact.Lang,
		})
	})
}
