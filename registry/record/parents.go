package record

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/xds"
)

// Answer is what the other parent of a minor says to the attachment to the first (S3:
// "après assurance de l'accord de l'autre parent").
type Answer int16

// The answers.
const (
	Awaited Answer = 0
	Agrees  Answer = 1
	Refuses Answer = 2
)

// Agreed holds the agreement of the other parent, for an activation by a representative:
// his own, or the one that the first attests. LIFE-003 without it, and against a refusal
// whatever is attested.
func Agreed(ctx context.Context, h db.Handle, a authz.Allowed, attested bool) error {
	if err := db.Permitted(h, a, authz.Activate); err != nil {
		return err
	}
	var answer int16
	err := db.On(h).QueryRow(ctx, `select answer from parent where record = $1 and person <> $2 order by answer desc limit 1`,
		a.Record(), a.Subject().ID).Scan(&answer)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return err
	case Answer(answer) == Refuses || Answer(answer) == Awaited && !attested:
		return &xds.Error{ID: "LIFE-003"}
	}
	return nil
}

// AgreementAsked is a question to the other parent of a minor that he has not answered.
type AgreementAsked struct {
	Record  string // of the minor
	Person  string // who is asked
	Given   string // of the minor: the parent knows the rest
	By      string // the name of the parent to whom he is attached
	AskedAt time.Time
}

// maxAsked bounds the children of one person.
const maxAsked = 50

// AskedOf are the questions to persons, the oldest first: those of their own account, for
// nobody else has one of them.
func AskedOf(ctx context.Context, h db.Handle, persons []string) ([]AgreementAsked, error) {
	rows, err := db.On(h).Query(ctx, `
select p.record::text, p.person, r.given, coalesce((
  select w.given || ' ' || w.family from record_person w where w.record = p.record and w.role = $2 and w.person <> p.person order by w.person limit 1), ''), p.asked_at
from parent p join record r on r.id = p.record
where p.person = any($1) and p.answer = 0 and r.minor and r.state <> $3 order by p.asked_at, p.record limit $4`,
		db.Texts(persons), int16(authz.RepresentativeRole), int16(authz.ProfileErased), maxAsked)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[AgreementAsked])
}

// AnswerAsked stores the answer of the other parent: who agrees is a representative from
// then on, who refuses is none. JSON-003 when he was not asked, or the child is of age.
func AnswerAsked(ctx context.Context, h db.Handle, sys authz.System, record, person string, agrees bool, now time.Time) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	answer := Refuses
	if agrees {
		answer = Agrees
	}
	tx := db.On(h)
	done, err := tx.Exec(ctx, `
update parent p set answer = $3, told_at = $4 from record r where r.id = p.record and r.minor and r.state <> $5 and p.record::text = $1 and p.person = $2`,
		record, person, int16(answer), now, int16(authz.ProfileErased))
	if err != nil {
		return err
	}
	if done.RowsAffected() == 0 {
		return &xds.Error{ID: "JSON-003"}
	}
	if agrees {
		_, err = tx.Exec(ctx, `
insert into record_person (record, person, role, family, given) select $1::uuid, id::text, $3, family, given from record where id = $2::uuid on conflict do nothing`,
			record, person, int16(authz.RepresentativeRole))
		return err
	}
	_, err = tx.Exec(ctx, `delete from record_person where record = $1 and person = $2 and role = $3`, record, person, int16(authz.RepresentativeRole))
	return err
}

// Parent is a parent of a minor, as the representatives of the child are told of him.
type Parent struct {
	Person, Given, Family string
	Represents            bool   // he acts on the record now
	Asked                 bool   // his agreement was asked for; false: the child is attached to him
	Answer                Answer // if it was
	AskedAt, ToldAt       time.Time
}

// Parents are the representatives of a minor and the other parent, whatever he answered:
// first those who represent. They are told to representatives alone, and to nobody once
// the child is of age. Majority is when that is, zero when it cannot be said.
func Parents(ctx context.Context, h db.Handle, a authz.Allowed) (all []Parent, majority time.Time, err error) {
	if err := db.Permitted(h, a, authz.ReadState); err != nil {
		return nil, majority, err
	}
	if a.Kind() != authz.Representative {
		return nil, majority, &xds.Error{ID: "JSON-003"}
	}
	var born string
	if err := db.On(h).QueryRow(ctx, `select birth_date from record where id = $1`, a.Record()).Scan(&born); err != nil {
		return nil, majority, err
	}
	if at, ok := birthday(born); ok {
		majority = at
	}
	rows, err := db.On(h).Query(ctx, `
select coalesce(w.person, p.person), coalesce(w.given, own.given, ''), coalesce(w.family, own.family, ''),
  w.person is not null, p.person is not null, coalesce(p.answer, 0), p.asked_at, p.told_at
from (select person, given, family from record_person where record = $1 and role = $2) w
full join (select person, answer, asked_at, told_at from parent where record = $1) p on p.person = w.person
left join record own on own.id::text = p.person
order by w.person is null, p.asked_at nulls first, 1`, a.Record(), int16(authz.RepresentativeRole))
	if err != nil {
		return nil, majority, err
	}
	all, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Parent, err error) {
		var answer int16
		var asked, told *time.Time
		err = row.Scan(&p.Person, &p.Given, &p.Family, &p.Represents, &p.Asked, &answer, &asked, &told)
		p.Answer = Answer(answer)
		if asked != nil {
			p.AskedAt = *asked
		}
		if told != nil {
			p.ToldAt = *told
		}
		return p, err
	})
	return all, majority, err
}
