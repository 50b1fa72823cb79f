package record

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/xds"
)

// DelegationState is where a delegation stands.
type DelegationState int16

// The states. Only an accepted one gives a role, until its end.
const (
	DelegationPending   DelegationState = 1
	DelegationAccepted  DelegationState = 2
	DelegationRefused   DelegationState = 3
	DelegationExpired   DelegationState = 4 // its time is over, or that of the answer
	DelegationRevoked   DelegationState = 5 // by the holder
	DelegationRenounced DelegationState = 6 // by the delegate
)

// How long a delegation may last, how long its invitation waits for an answer, how many
// may stand at once, and how many may be sent within a day: they go to any address.
const (
	LongestDelegation = 365 * 24 * time.Hour
	AnswerTime        = 14 * 24 * time.Hour
	MaxDelegations    = 5
	MaxInvitations    = 20
)

// Delegation is access that a holder gives, or offers, to a relative (S1).
type Delegation struct {
	Record, ID    string
	State         DelegationState
	Family, Given string // as the holder names him
	Email, Lang   string
	InvitedAt     time.Time
	AnswerBy      time.Time
	Until         time.Time
	AnsweredAt    time.Time // zero: not yet
	EndedAt       time.Time // before its time; zero: not
	Person        string    // "" until it is accepted
}

// Stands tells whether it gives, or may come to give, access at an instant.
func (d Delegation) Stands(now time.Time) bool {
	return d.State == DelegationPending && now.Before(d.AnswerBy) || d.State == DelegationAccepted && now.Before(d.Until)
}

const delegationColumns = `record::text, id::text, state, family, given, email, lang, invited_at, answer_by, until, answered_at, ended_at, coalesce(person, '')`

func scanDelegation(row pgx.CollectableRow) (d Delegation, err error) {
	var answered, ended *time.Time
	err = row.Scan(&d.Record, &d.ID, &d.State, &d.Family, &d.Given, &d.Email, &d.Lang, &d.InvitedAt, &d.AnswerBy, &d.Until, &answered, &ended, &d.Person)
	if answered != nil {
		d.AnsweredAt = *answered
	}
	if ended != nil {
		d.EndedAt = *ended
	}
	return d, err
}

// linkDigest is what is kept of the one-time link of an invitation.
func linkDigest(link string) []byte {
	sum := sha256.Sum256([]byte("passerelle invitation " + link))
	return sum[:]
}

// Invite stores an invitation with its one-time link: DLG-001 when too many stand,
// too many were sent, or one stands for that address. What a former invitation of the address came to is kept.
func Invite(ctx context.Context, h db.Handle, a authz.Allowed, d Delegation, link string, now time.Time) error {
	if err := db.Permitted(h, a, authz.SetParams); err != nil {
		return err
	}
	if _, err := lockState(ctx, db.On(h), a.Record()); err != nil { // two at once are counted one after the other
		return err
	}
	all, err := delegations(ctx, h, a.Record(), "")
	if err != nil {
		return err
	}
	standing, sent := 0, 0
	for _, other := range all {
		if now.Sub(other.InvitedAt) < 24*time.Hour {
			sent++
		}
		if other.Stands(now) {
			standing++
			if other.Email == d.Email {
				return &xds.Error{ID: "DLG-001", Where: "email", Expected: "une adresse sans invitation ni délégation en cours"}
			}
		}
	}
	if standing >= MaxDelegations {
		return &xds.Error{ID: "DLG-001", Expected: "au plus 5 proches à la fois"}
	}
	if sent >= MaxInvitations {
		return &xds.Error{ID: "DLG-001", Expected: "au plus 20 invitations en 24 heures"}
	}
	_, err = db.On(h).Exec(ctx, `
insert into delegation (record, id, state, family, given, email, lang, link, invited_at, answer_by, until) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		a.Record(), d.ID, DelegationPending, d.Family, d.Given, d.Email, d.Lang, linkDigest(link), d.InvitedAt, d.AnswerBy, d.Until)
	return err
}

// maxListedDelegations bounds a list; what is older is in the history.
const maxListedDelegations = 50

// Delegations are those of the record, those that stand first (states 1 and 2), so that no
// number of ended ones hides them, then the latest; to a delegate his own alone.
func Delegations(ctx context.Context, h db.Handle, a authz.Allowed) ([]Delegation, error) {
	if err := db.Permitted(h, a, authz.ReadState, authz.SetParams); err != nil {
		return nil, err
	}
	person := ""
	if a.Kind() == authz.Delegate {
		person = a.Subject().ID
	}
	return delegations(ctx, h, a.Record(), person)
}

func delegations(ctx context.Context, h db.Handle, record, person string) ([]Delegation, error) {
	rows, err := db.On(h).Query(ctx, `
select `+delegationColumns+` from delegation where record = $1 and ($2 = '' or person = $2) order by state > 2, invited_at desc, id limit $3`, record, person, maxListedDelegations)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanDelegation)
}

// RevokeDelegation ends a delegation or takes an invitation back; JSON-003 when there is
// none to end.
func RevokeDelegation(ctx context.Context, h db.Handle, a authz.Allowed, id string, now time.Time) (Delegation, error) {
	if err := db.Permitted(h, a, authz.SetParams); err != nil {
		return Delegation{}, err
	}
	if !db.Storable(id) {
		return Delegation{}, &xds.Error{ID: "JSON-003"}
	}
	return endDelegation(ctx, h, DelegationRevoked, now, `record = $3 and id::text = $4 and state in (1, 2)`, a.Record(), id)
}

// Renounce ends the delegation of the relative himself.
func Renounce(ctx context.Context, h db.Handle, i authz.Invited, now time.Time) (Delegation, error) {
	if err := db.Invited(h, i); err != nil {
		return Delegation{}, err
	}
	return endDelegation(ctx, h, DelegationRenounced, now, `record = $3 and person = $4 and state = 2`, i.Record(), i.Subject().ID)
}

// endDelegation takes the role with the state.
func endDelegation(ctx context.Context, h db.Handle, to DelegationState, now time.Time, where string, args ...any) (Delegation, error) {
	rows, err := db.On(h).Query(ctx, `
update delegation set state = $1, ended_at = $2, link = null where `+where+` returning `+delegationColumns, append([]any{to, now}, args...)...)
	if err != nil {
		return Delegation{}, err
	}
	d, err := pgx.CollectExactlyOneRow(rows, scanDelegation)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, &xds.Error{ID: "JSON-003"}
	}
	if err != nil {
		return d, err
	}
	return d, leave(ctx, h, d)
}

// leave takes the role of a delegate away, with what his account has of it.
func leave(ctx context.Context, h db.Handle, all ...Delegation) error {
	b := &pgx.Batch{}
	for _, d := range all {
		if d.Person != "" {
			b.Queue(`delete from record_person where record = $1 and person = $2 and role = $3`, d.Record, d.Person, int16(authz.DelegateRole))
			b.Queue(`delete from account_person where person = $1`, d.Person)
		}
	}
	return db.On(h).Run(ctx, b)
}

// Offer is an invitation as who holds its link reads it.
type Offer struct {
	Delegation
	Patient xds.CX
	Holder  authz.Traits
}

// Offered is the invitation of a link that still waits for its answer; DLG-002 when there
// is none: over, answered, taken back or never there look alike.
func Offered(ctx context.Context, h db.Handle, link string, now time.Time) (o Offer, err error) {
	if !db.Storable(link) {
		return o, &xds.Error{ID: "DLG-002"}
	}
	var value, authority, typ string
	row := db.On(h).QueryRow(ctx, `
select d.record::text, d.id::text, d.family, d.given, d.email, d.lang, d.answer_by, d.until, r.ins_value, r.ins_authority, r.ins_type, r.family, r.given, r.birth_date
from delegation d join record r on r.id = d.record
where d.link = $1 and d.state = $2 and d.answer_by > $3 and d.until > $3`, linkDigest(link), DelegationPending, now)
	err = row.Scan(&o.Record, &o.ID, &o.Family, &o.Given, &o.Email, &o.Lang, &o.AnswerBy, &o.Until, &value, &authority, &typ, &o.Holder.Family, &o.Holder.Given, &o.Holder.BirthDate)
	if errors.Is(err, pgx.ErrNoRows) {
		return o, &xds.Error{ID: "DLG-002"}
	}
	o.State, o.Patient = DelegationPending, xds.NewCX(value, authority, typ)
	return o, err
}

// AnswerInvitation takes up or refuses an invitation. Who takes it up gets the role under a person
// id of its own, with his account.
func AnswerInvitation(ctx context.Context, h db.Handle, i authz.Invited, o Offer, accept bool, account string, now time.Time) error {
	if err := db.Invited(h, i); err != nil {
		return err
	}
	tx := db.On(h)
	state, person := DelegationRefused, ""
	if accept {
		state, person = DelegationAccepted, i.Subject().ID
	}
	done, err := tx.Exec(ctx, `
update delegation set state = $3, answered_at = $4, link = null, person = nullif($5, '') where record = $1 and id = $2 and state = 1`, i.Record(), o.ID, state, now, person)
	if err == nil && done.RowsAffected() == 0 {
		err = &xds.Error{ID: "DLG-002"}
	}
	if err != nil || !accept {
		return err
	}
	b := &pgx.Batch{}
	b.Queue(`insert into record_person (record, person, role, family, given, expires_at) values ($1, $2, $3, $4, $5, $6)`,
		i.Record(), person, int16(authz.DelegateRole), o.Family, o.Given, o.Until)
	b.Queue(`insert into account_person (account, person) values ($1, $2)`, account, person)
	return tx.Run(ctx, b)
}

const expireSQL = `
update delegation d set state = $1, link = null from (
  select record, id from delegation where state in (2, 1) and case state when 1 then answer_by else until end <= $2
  order by case state when 1 then answer_by else until end limit $3 for update skip locked) o
where d.record = o.record and d.id = o.id returning d.record::text, d.id::text, d.state, d.family, d.given, d.email, d.lang, d.invited_at, d.answer_by, d.until, d.answered_at, d.ended_at, coalesce(d.person, '')`

// ExpireDelegations ends those whose time is over, and invitations that nobody answered.
func ExpireDelegations(ctx context.Context, h db.Handle, sys authz.System, now time.Time, limit int) ([]Delegation, error) {
	if err := db.BySystem(sys); err != nil {
		return nil, err
	}
	rows, err := db.On(h).Query(ctx, expireSQL, DelegationExpired, now, limit)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, scanDelegation)
	if err != nil {
		return nil, err
	}
	return all, leave(ctx, h, all...)
}

// seedDelegation stores the delegation of a delegate whom a record is born with.
func seedDelegation(ctx context.Context, tx *db.Tx, record string, p Person) error {
	_, err := tx.Exec(ctx, `
with role as (update record_person set expires_at = $6 where record = $1 and person = $2)
insert into delegation (record, id, state, family, given, email, lang, invited_at, answer_by, until, answered_at, person)
values ($1, gen_random_uuid(), $7, $3, $4, '', 'fr', $5, $5, $6, $5, $2)`, record, p.ID, p.Family, p.Given, p.Since, p.Until, DelegationAccepted)
	return err
}
