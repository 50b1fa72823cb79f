package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/registry/mail"
	"github.com/passerelle-sante/passerelle/registry/outbox"
	"github.com/passerelle-sante/passerelle/registry/trail"
)

// eventOf is what people are told that an act of somebody else was (policy N-1…N-4, S2
// "vous sont notifiées par e-mail"). What does not stand here is in the history alone:
// an existence test, a professional's look at his own lines, and the life cycle, of
// which the holder is written to in a message of its own.
var eventOf = map[authz.Value]message.Event{
	authz.Search: message.FirstAccess, authz.Retrieve: message.FirstAccess,
	authz.Submit: message.Added, authz.Replace: message.Modified, authz.Delete: message.Deleted,
	authz.Mask: message.Modified, authz.Unmask: message.Modified, authz.Archive: message.Modified,
	authz.RevealPatient: message.Released, authz.RevealReps: message.Released,
	authz.Journal: message.JournalRead,
	authz.Block:   message.SettingsChanged, authz.NameAdministrator: message.SettingsChanged, authz.Resign: message.SettingsChanged,
	authz.SetParams: message.SettingsChanged, authz.DeclareLink: message.SettingsChanged, authz.Unlink: message.SettingsChanged,
}

// looks are the acts that change nothing: of those the patient's side is not told when
// it did them itself, one parent of what the other one reads.
var looks = []authz.Value{authz.Search, authz.Retrieve, authz.Journal}

// toldPeople says how people are told of a trail row, nil when they are not. What was
// refused had no effect, no more than what was so already, and whoever likes could fill a
// mailbox with it: it stands in the history.
func toldPeople(t *authz.Trace) *outbox.Tell {
	_, told := eventOf[t.Action]
	if !told || !t.Permit || t.Code != "" || t.Idle() || person(t.Kind) && slices.Contains(looks, t.Action) {
		return nil
	}
	reading := t.Action == authz.Search || t.Action == authz.Retrieve
	return &outbox.Tell{
		Actor: t.Subject.ID, Reading: reading, Urgent: reading && emergency(t.Mode),
		Reveals: t.Action == authz.RevealPatient || t.Action == authz.RevealReps,
	}
}

func emergency(mode authz.Value) bool { return mode == authz.Centre15 || mode == authz.BrisDeGlace }

// TellPeople makes messages of what people are to be told of now, each judged with the
// rights that its reader has at this instant, exactly as his history is: what he may not
// know of is withheld, until it is revealed or he comes of age. It handles at
// most so many readers; more tells that there may be others. The zero System tells
// nothing.
func (r *Registry) TellPeople(ctx context.Context, sys authz.System, g *authz.Gate, most int) (more bool, err error) {
	if err := db.BySystem(sys); err != nil {
		return false, err
	}
	rows, err := r.pool.Query(ctx, `select record::text, person from untold where due_at <= $1 group by record, person order by min(due_at) limit $2`, r.Now(), most)
	if err != nil {
		return false, err
	}
	type reader struct{ Record, Person string }
	readers, err := pgx.CollectRows(rows, pgx.RowToStructByPos[reader])
	if err != nil {
		return false, err
	}
	var failures []error
	handled := 0
	for _, to := range readers {
		n := 0
		failures = append(failures, r.Write(ctx, func(s *Session) (err error) {
			n, err = s.tellPerson(ctx, sys, g, to.Record, to.Person)
			return err
		}))
		handled += n
	}
	err = errors.Join(failures...)
	return err == nil && handled > 0 && (len(readers) == most || handled >= mostTold), err
}

// mostTold bounds what one reader is told of at once; the rest follows.
const mostTold = 500

// untold is a trail row of which somebody is to be told.
type untold struct {
	event string
	line  trail.Line
}

// tellPerson tells one reader what is due, and takes it from the table or withholds it.
// It gives how much that was.
func (s *Session) tellPerson(ctx context.Context, sys authz.System, g *authz.Gate, record, who string) (n int, err error) {
	due, err := s.untold(ctx, record, who)
	if err != nil || len(due) == 0 {
		return 0, err // another gateway tells him
	}
	return len(due), s.tellDue(ctx, sys, g, record, who, due)
}

func (s *Session) tellDue(ctx context.Context, sys authz.System, g *authz.Gate, record, who string, due []untold) error {
	contact, known, err := mail.ContactOf(ctx, s.Handle(), sys, record, who)
	if err != nil {
		return err
	}
	reader, err := s.readerOf(ctx, g, record, who)
	if err != nil {
		return err
	}
	switch {
	case reader.cameOfAge:
		return mail.ComeOfAge(ctx, s.Handle(), sys, record, s.Now())
	case reader.gone || known && contact.Email == "":
		return s.dropUntold(ctx, record, who, due)
	case !known: // a holder who came of age, and has not signed in yet
		return s.withhold(ctx, record, who, due)
	}
	lines := make([]trail.Line, len(due))
	for i, u := range due {
		lines[i] = u.line
	}
	docs, err := s.documentsOf(ctx, record, lines)
	if err != nil {
		return err
	}
	var over, withheld []untold
	var tidings []mail.Tiding
	for _, u := range due {
		if _, shown := tell(reader.allowed, u.line, docs); !shown {
			withheld = append(withheld, u)
			continue
		}
		over = append(over, u)
		event := eventFor(reader.allowed, u.line)
		if event == message.FirstAccess {
			if event, err = s.meet(ctx, reader.allowed, contact, u.line); err != nil {
				return err
			}
		}
		if contact.Wants(event) {
			tidings = append(tidings, mail.Tiding{ID: u.event, Event: event, At: u.line.At, Urgent: emergency(u.line.Mode) && event == message.Emergency})
		}
	}
	if err := mail.Tell(ctx, s.Handle(), sys, s.Now(), contact, tidings); err != nil {
		return err
	}
	return errors.Join(s.dropUntold(ctx, record, who, over), s.withhold(ctx, record, who, withheld))
}

// eventFor is what a line that its reader may know of is told as.
func eventFor(a authz.Allowed, l trail.Line) message.Event {
	switch event := eventOf[l.Action]; {
	case event == message.FirstAccess && emergency(l.Mode):
		return message.Emergency
	case l.Action == authz.RevealReps && a.Kind() != authz.Representative:
		return message.Modified // it was never hidden from him
	default:
		return event
	}
}

// meet tells what a reading is to somebody: the first one by its reader that he is told
// of, or one more. Readings before he was a contact count when his history shows them.
func (s *Session) meet(ctx context.Context, a authz.Allowed, c mail.Contact, l trail.Line) (message.Event, error) {
	tag, err := s.tx.Exec(ctx, `insert into met (record, person, actor, at) values ($1, $2, $3, $4) on conflict do nothing`, c.Record, c.Person, l.Actor, l.At)
	if err != nil || tag.RowsAffected() == 0 {
		return message.Consulted, err
	}
	earlier := false
	q := HistoryQuery{Actor: l.Actor, To: c.Since}
	err = s.walk(ctx, a, q, trail.Filter{Limit: historyPage}, func(e Event) bool {
		earlier = e.Permit && (e.Action == authz.Search || e.Action == authz.Retrieve)
		return !earlier
	})
	if earlier {
		return message.Consulted, err
	}
	return message.FirstAccess, err
}

// addressee is somebody who is told, as the Gate sees him now.
type addressee struct {
	allowed   authz.Allowed
	gone      bool // nothing of the record is his any more
	cameOfAge bool // the holder did: what a representative was not told of is for him
}

// readerOf asks the Gate about a reader, as it would be asked for his history. No line
// is left of it: nobody read anything.
func (s *Session) readerOf(ctx context.Context, g *authz.Gate, record, who string) (r addressee, err error) {
	patient, err := s.PatientOfRecord(ctx, record)
	if err != nil {
		return r, err
	}
	entered := len(s.traces)
	r.allowed, err = g.OpenProfile(ctx, s, authz.Subject{Nature: authz.NaturePerson, ID: who, Patient: patient}, patient,
		authz.Purpose{Action: authz.Journal, Transaction: "mail"})
	kind := authz.Other
	if len(s.traces) > entered {
		kind, s.traces = s.traces[entered].Kind, s.traces[:entered]
	}
	if failed(err) {
		return r, err
	}
	r.cameOfAge = err != nil && kind == authz.Representative
	r.gone = err != nil && !r.cameOfAge || err == nil && kind == authz.Delegate
	return r, nil
}

// untold takes what is due for one reader, oldest first. What the trail has forgotten is.
func (s *Session) untold(ctx context.Context, record, who string) ([]untold, error) {
	rows, err := s.tx.Query(ctx, `
with due as (
  select * from untold where record = $1 and person = $2 and due_at <= $3 order by at, trail_seq limit $4 for update skip locked
), gone as (
  delete from untold u using due where u.record = due.record and u.person = due.person and u.at = due.at and u.trail_seq = due.trail_seq
  and not exists (select from trail t where t.record = due.record and t.at = due.at and t.seq = due.trail_seq)
)
select due.event::text, t.at, t.actor, t.kind, t.mode, t.action, t.transaction, t.permit, t.documents::text[], t.secret, t.unbound, t.code, t.seq
from due join trail t on t.record = due.record and t.at = due.at and t.seq = due.trail_seq order by due.at, due.trail_seq`, record, who, s.Now(), mostTold)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (u untold, err error) {
		var kind, mode, action int16
		l := &u.line
		err = row.Scan(&u.event, &l.At, &l.Actor, &kind, &mode, &action, &l.Transaction, &l.Permit, &l.Documents, &l.Secret, &l.Unbound, &l.Code, &l.Seq)
		l.Kind, l.Mode, l.Action = authz.Value(kind), authz.Value(mode), authz.Value(action)
		return u, err
	})
}

func (s *Session) dropUntold(ctx context.Context, record, who string, over []untold) error {
	return s.settle(ctx, `delete from untold u`, record, who, over)
}

// withhold keeps what a reader may not know of yet, with its true date.
func (s *Session) withhold(ctx context.Context, record, who string, rows []untold) error {
	return s.settle(ctx, `update untold u set due_at = null`, record, who, rows)
}

func (s *Session) settle(ctx context.Context, what, record, who string, rows []untold) error {
	if len(rows) == 0 {
		return nil
	}
	instants, seqs := make([]time.Time, len(rows)), make([]int64, len(rows))
	for i, u := range rows {
		instants[i], seqs[i] = u.line.At, u.line.Seq
	}
	from := "using"
	if what[0] == 'u' {
		from = "from"
	}
	_, err := s.tx.Exec(ctx, fmt.Sprintf(`%s %s unnest($3::timestamptz[], $4::bigint[]) d (at, seq)
where u.record = $1 and u.person = $2 and u.at = d.at and u.trail_seq = d.seq`, what, from), record, who, instants, seqs)
	return err
}
