package registry

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/registry/mail"
	"github.com/passerelle-sante/passerelle/xds"
)

// A document may be hidden from the patient until the consultation that announces what it
// says (S0). Nothing lifts that by itself: its author does, and is reminded (policy Q-19).

// maxAnnouncements bounds the records of one list.
const maxAnnouncements = 200

// Announcement is a document that its author hid from the patient.
type Announcement struct {
	Record   string
	Traits   authz.Traits
	Document authz.Visible[xds.Document]
	At       time.Time // of its deposit
}

// Announcements are the documents that the professional hid from patients and has not
// released, the oldest first. Each record is decided by the Gate and leaves a trail row;
// one whose door is closed is not there.
func (s *Session) Announcements(ctx context.Context, g *authz.Gate, sub authz.Subject, transaction string) (all []Announcement, err error) {
	patients, err := s.hiddenBy(ctx, sub)
	if err != nil {
		return nil, err
	}
	for _, patient := range patients {
		scope, err := g.Open(ctx, s, sub, patient, authz.Purpose{Action: authz.Search, Transaction: transaction})
		if err != nil {
			if failed(err) {
				return nil, err
			}
			continue
		}
		page, err := s.Find(ctx, scope, xds.Query{Patient: patient, Limit: maxAnnouncements, Match: []xds.Match{
			xds.StatusIs(xds.Approved), xds.EqualCodes(xds.AttrConfidentiality, xds.Code{Value: xds.MarkHiddenPatient, Scheme: xds.MarkScheme})}})
		if err != nil {
			return nil, err
		}
		for _, visible := range page.Documents {
			if d, ok := visible.Value(); ok && slices.Contains(d.LineageAuthors, sub.ID) {
				all = append(all, Announcement{Record: scope.Record(), Traits: scope.Facts().Traits, Document: visible, At: time.Unix(d.Labels.RegisteredUnix, 0)})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Announcement) int { return a.At.Compare(b.At) })
	return all, nil
}

// hiddenBy are the patients in whose records the professional hid something from them.
func (s *Session) hiddenBy(ctx context.Context, sub authz.Subject) ([]xds.CX, error) {
	if sub.Nature != authz.NaturePro || unstorable(sub.ID) {
		return nil, nil
	}
	rows, err := s.tx.Query(ctx, `
select distinct r.id, r.ins_value, r.ins_authority, r.ins_type from lineage l join record r on r.id = l.record
where l.hide_patient and l.authors @> array[$1]::text[] order by r.id limit $2`, sub.ID, maxAnnouncements)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (xds.CX, error) {
		var id [16]byte
		var value, authority, typ string
		err := row.Scan(&id, &value, &authority, &typ)
		return xds.NewCX(value, authority, typ), err
	})
}

// maxReminded bounds one round of reminders.
const maxReminded = 100

// RemindAuthors writes to the authors of documents that have been hidden from the patient
// for so long, and again after as long. A message says that there is something, and never
// what, nor about whom. It tells whether there may be more.
func (r *Registry) RemindAuthors(ctx context.Context, sys authz.System, now time.Time, after time.Duration) (more bool, err error) {
	if err := db.BySystem(sys); err != nil {
		return false, err
	}
	err = r.Write(ctx, func(s *Session) error {
		due, err := s.unannounced(ctx, now.Add(-after))
		if err != nil {
			return err
		}
		more = len(due) == maxReminded
		for _, d := range due {
			if err := s.remind(ctx, d, now); err != nil {
				return err
			}
		}
		return nil
	})
	return more, err
}

// unannounced is a document of which its authors are to be reminded.
type unannounced struct {
	Record, Lineage string
	Authors         []string
	Since           time.Time
}

func (s *Session) unannounced(ctx context.Context, before time.Time) ([]unannounced, error) {
	rows, err := s.tx.Query(ctx, `
select l.record::text, l.id::text, l.authors, min(d.registered_at)
from lineage l
join record r on r.id = l.record and r.state in ($2, $3)
join document_entry d on d.record = l.record and d.lineage = l.id and d.latest and d.status = $4
left join announcement_reminder m on m.record = l.record and m.lineage = l.id
where l.hide_patient
group by l.record, l.id, l.authors, m.reminded_at
having coalesce(m.reminded_at, min(d.registered_at)) <= $1
order by l.record, l.id limit $5`, before, int16(authz.ProfileOpen), int16(authz.ProfileActive), int16(authz.DocApproved), maxReminded)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[unannounced])
}

// remind notes the reminder and queues its messages, in the transaction.
func (s *Session) remind(ctx context.Context, d unannounced, now time.Time) error {
	if _, err := s.tx.Exec(ctx, `
insert into announcement_reminder (record, lineage, reminded_at) values ($1, $2, $3) on conflict (record, lineage) do update set reminded_at = excluded.reminded_at`, d.Record, d.Lineage, now); err != nil {
		return err
	}
	rows, err := s.tx.Query(ctx, `select email, lang from professional_contact where professional = any($1) and email <> '' order by professional`, d.Authors)
	if err != nil {
		return err
	}
	var all []message.Message
	var email, lang string
	_, err = pgx.ForEachRow(rows, []any{&email, &lang}, func() error {
		all = append(all, message.Message{Kind: message.ReminderAnnouncement, To: email, Lang: lang,
			Params: map[string]string{"days": strconv.Itoa(int(now.Sub(d.Since).Hours() / 24)), "path": "/pro/annonces"}})
		return nil
	})
	if err != nil {
		return err
	}
	return mail.Queue(ctx, s.Handle(), now, all...)
}
