package record

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/xds"
)

// Happening is what moves a record from one state to another.
type Happening uint8

// The happenings of policy §1.5.
const (
	NoticeSent Happening = iota
	Opposed
	Activated
	SixWeeks
	Closed
	Reopened
	EraseAsked
	TenYears
)

// Transition is one row of the state machine.
type Transition struct {
	From   authz.Value
	By     Happening
	To     authz.Value
	Source string
}

// Transitions is the state machine of policy §1.5, whole: what does not stand here does
// not happen. The 18th birthday changes no state, so it is not a row (see Due).
var Transitions = []Transition{
	{authz.ProfileNone, NoticeSent, authz.ProfileNotified, "S0, S1, S3, S4"},
	{authz.ProfileNotified, Opposed, authz.ProfileOpposed, "S1, S3, S4"},
	{authz.ProfileNotified, Activated, authz.ProfileActive, "S1, S4"},
	{authz.ProfileNotified, SixWeeks, authz.ProfileOpen, "S1, S3"},
	{authz.ProfileOpposed, Activated, authz.ProfileActive, "S4"},
	{authz.ProfileErased, Activated, authz.ProfileActive, "S4, S3: empty, new epoch"},
	{authz.ProfileOpen, Activated, authz.ProfileActive, "S0"},
	{authz.ProfileOpen, Closed, authz.ProfileClosed, "S3, S4"},
	{authz.ProfileActive, Closed, authz.ProfileClosed, "S3, S4"},
	{authz.ProfileClosed, Reopened, authz.ProfileActive, "S3: with the old data"},
	{authz.ProfileOpen, EraseAsked, authz.ProfileErased, "S3"},
	{authz.ProfileActive, EraseAsked, authz.ProfileErased, "S3"},
	{authz.ProfileClosed, EraseAsked, authz.ProfileErased, "S3"},
	{authz.ProfileClosed, TenYears, authz.ProfileErased, "S3"},
}

// acts are the happenings that a person brings about.
var acts = map[authz.Value]Happening{
	authz.Activate: Activated, authz.Oppose: Opposed, authz.Close: Closed, authz.Reopen: Reopened, authz.Erase: EraseAsked,
}

// after is the state that follows, ok is false where none does.
func after(from authz.Value, by Happening) (to authz.Value, ok bool) {
	i := slices.IndexFunc(Transitions, func(t Transition) bool { return t.From == from && t.By == by })
	if i < 0 {
		return from, false
	}
	return Transitions[i].To, true
}

// OppositionPeriod is how long after its notice a record opens by itself (S1, S3, S4).
const OppositionPeriod = 42 * 24 * time.Hour

// lastDay is on the last day that lies whole within the six weeks after a notice: what is
// told as a date holds until its evening.
func lastDay(notified time.Time) time.Time { return notified.Add(OppositionPeriod - 24*time.Hour) }

// RetentionYears is how long the data of a closed record are kept, and the trail of an
// erased one (S3, J-6).
const RetentionYears = 10

// Due is what the gateway does with a record by itself.
type Due int16

// What may be due.
const (
	Opening   Due = 1 // six weeks after the notice
	Retention Due = 2 // ten years after the closing
	Majority  Due = 3 // at the 18th birthday
)

// Life is where a record stands in its life.
type Life struct {
	Record     string
	State      authz.Value
	Epoch      int
	NotifiedAt *time.Time
	ClosedAt   *time.Time
	Minor      bool // its majority has not been dealt with
	BirthDate  string
}

// paris is the calendar of majority (policy Q-13).
var paris = func() *time.Location {
	l, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return time.FixedZone("CET", 3600) // without the data of time zones: the hour of winter
	}
	return l
}()

// birthday is 00:00 of the 18th in Paris; ok is false for a date that cannot be read,
// whose bearer is a minor for ever (safety §2.5).
func birthday(born string) (at time.Time, ok bool) {
	b, err := time.ParseInLocation("20060102", born, paris)
	return time.Date(b.Year()+18, b.Month(), b.Day(), 0, 0, 0, 0, paris), err == nil
}

// next is what comes first, 0 when nothing ever does.
func (l Life) next() (Due, time.Time) {
	var due Due
	var first time.Time
	add := func(d Due, at time.Time) {
		if due == 0 || at.Before(first) {
			due, first = d, at
		}
	}
	if l.State == authz.ProfileNotified && l.NotifiedAt != nil {
		add(Opening, l.NotifiedAt.Add(OppositionPeriod))
	}
	if l.State == authz.ProfileClosed && l.ClosedAt != nil {
		add(Retention, l.ClosedAt.AddDate(RetentionYears, 0, 0))
	}
	if at, ok := birthday(l.BirthDate); ok && l.Minor && l.State != authz.ProfileNone && l.State != authz.ProfileErased {
		add(Majority, at)
	}
	return due, first
}

const lifeSQL = `select id::text, state, epoch, notified_at, closed_at, minor, birth_date from record where id = $1 for update`

// lock reads the life of a record and holds it for the rest of the transaction. An update
// after "for update" counts as one of the key: a request that was decided on a snapshot of
// before it fails at its trail row, which refers to the record, and is decided anew.
func lock(ctx context.Context, tx *db.Tx, record string) (Life, error) {
	var l Life
	var state int16
	err := tx.QueryRow(ctx, lifeSQL, record).Scan(&l.Record, &state, &l.Epoch, &l.NotifiedAt, &l.ClosedAt, &l.Minor, &l.BirthDate)
	l.State = authz.Value(state)
	if errors.Is(err, pgx.ErrNoRows) {
		err = &xds.Error{ID: "JSON-003"}
	}
	return l, err
}

// store writes the life of a record with what is due next.
func (l Life) store(ctx context.Context, tx *db.Tx) error {
	due, at := l.next()
	_, err := tx.Exec(ctx, `
update record set state = $2, epoch = $3, notified_at = $4, closed_at = $5, minor = $6, due = nullif($7::smallint, 0), due_at = $8 where id = $1`,
		l.Record, int16(l.State), l.Epoch, l.NotifiedAt, l.ClosedAt, l.Minor, int16(due), moment(at))
	return err
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// move carries a happening out on a record that is locked; LIFE-001 when its state does
// not allow it.
func (l *Life) move(by Happening, at time.Time) error {
	to, ok := after(l.State, by)
	// The six weeks are over even while the scheduler has not come by.
	if !ok || by == Opposed && l.NotifiedAt != nil && !at.Before(l.NotifiedAt.Add(OppositionPeriod)) {
		return &xds.Error{ID: "LIFE-001", Found: authz.Profile.Name(l.State)}
	}
	if l.State == authz.ProfileErased {
		birth, known := birthday(l.BirthDate)
		l.Minor = known && at.Before(birth)
	}
	if to == authz.ProfileErased {
		l.Epoch++ // the next one begins empty
	}
	l.State, l.NotifiedAt, l.ClosedAt = to, nil, nil
	if to == authz.ProfileClosed {
		l.ClosedAt = &at
	}
	return nil
}

// Act moves a record by the act that the permission is for (R-50…R-53), at an instant;
// LIFE-001 when its state does not allow the act, REG-006 while what it held before is
// still being destroyed. Erasing is registry.Erase, which takes the documents too.
func Act(ctx context.Context, h db.Handle, a authz.Allowed, at time.Time) (Life, error) {
	if err := db.Permitted(h, a, authz.Activate, authz.Oppose, authz.Close, authz.Reopen); err != nil {
		return Life{}, err
	}
	tx := db.On(h)
	l, err := lock(ctx, tx, a.Record())
	if err != nil {
		return l, err
	}
	if l.State == authz.ProfileErased {
		if err := destroyed(ctx, tx, a.Record()); err != nil {
			return l, err
		}
	}
	if err := l.move(acts[a.Action()], at); err != nil {
		return l, err
	}
	if a.Action() == authz.Activate {
		if err := spent(ctx, tx, l.Record); err != nil {
			return l, err
		}
	}
	return l, l.store(ctx, tx)
}
