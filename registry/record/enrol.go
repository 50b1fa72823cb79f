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

// Eligible is somebody for whom a record is to be opened (policy §1.5 none → notified).
type Eligible struct {
	Patient xds.CX
	Traits  authz.Traits
	Sex     string
	Lang    string
	Email   string // "" = by letter
	Phone   string
	Address string // lines
	Card    string // serial number of the Carte Vitale
	Parent  xds.CX // of a minor: to whom he is attached (S4); "" for an adult
	Other   xds.CX // the other parent, whose agreement it takes (S3); "" = there is none
}

// Enrolled is a record that was made of one, with its notice.
type Enrolled struct {
	Record  string
	Minor   bool
	Email   string // where its notice goes, "" = by letter
	Lang    string
	Code    string // in the clear, for the message alone; "" = drawn with the letter
	Until   time.Time
	Other   string // e-mail of the other parent, who is asked; "" where there is none
	OtherIn string // his language

	OtherUntil time.Time // the 18th birthday, after which nobody asks
}

const enrolSQL = `
insert into record (id, ins_value, ins_authority, ins_type, family, given, sex, birth_date, state, notified_at, minor, due, due_at)
select e.id, e.value, e.authority, 'NH', e.family, e.given, e.sex, e.born, $12, e.notified, e.minor, nullif(e.due, 0), e.due_at
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::boolean[], $10::smallint[], $11::timestamptz[])
  e (id, value, authority, family, given, sex, born, notified, minor, due, due_at)
on conflict (ins_value, ins_authority) do nothing returning id::text`

const noticesSQL = `
insert into notice (record, kind, person, language, email, phone, address, code, card, expires_at, sent_at)
select * from unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[], $9::bytea[], $10::timestamptz[], $11::timestamptz[])`

// attachSQL makes the first parent a representative and asks the other one; it gives the
// other's address.
const attachSQL = `
with attached as (
  select a.record, p.id::text as person, p.family, p.given, o.id::text as other, coalesce(c.email, '') as email, coalesce(c.language, 'fr') as language
  from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) a (record, value, authority, other_value, other_authority)
  join record p on p.ins_value = a.value and p.ins_authority = a.authority
  left join record o on o.ins_value = a.other_value and o.ins_authority = a.other_authority
  left join notice c on c.record = o.id
), first as (
  insert into record_person (record, person, role, family, given) select record, person, $6, family, given from attached on conflict do nothing
), asked as (
  insert into parent (record, person, asked_at) select record, other, $7 from attached where other is not null on conflict do nothing
)
select record::text, person, email, language from attached`

// errNoParent is a minor whose parent has gone since he was looked for.
var errNoParent = errors.New("the record of a parent is gone")

// Enrol makes the records of those who have none, with their notices: the six weeks of
// one that goes by e-mail begin now, of the others with their letter. The parents of
// minors must have a record.
func Enrol(ctx context.Context, h db.Handle, sys authz.System, newID func() string, all []Eligible, now time.Time) ([]Enrolled, error) {
	if err := db.BySystem(sys); err != nil {
		return nil, err
	}
	byID, err := enrolRecords(ctx, db.On(h), newID, all, now)
	if err != nil || len(byID) == 0 {
		return nil, err
	}
	parents, err := attach(ctx, db.On(h), byID, now)
	if err != nil {
		return nil, err
	}
	return enrolNotices(ctx, db.On(h), byID, parents, now)
}

// enrolRecords stores the records that are new, and gives them by id.
func enrolRecords(ctx context.Context, tx *db.Tx, newID func() string, all []Eligible, now time.Time) (map[string]Eligible, error) {
	n := len(all)
	ids, values, authorities, families, givens := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	sexes, births, minors, dues := make([]string, n), make([]string, n), make([]bool, n), make([]int16, n)
	notified, dueAt := make([]*time.Time, n), make([]*time.Time, n)
	named := map[string]Eligible{}
	for i, e := range all {
		l := Life{State: authz.ProfileNotified, BirthDate: e.Traits.BirthDate, Minor: e.Parent != ""}
		if e.Email != "" {
			l.NotifiedAt = &now
		}
		due, at := l.next()
		ids[i], values[i], authorities[i], families[i], givens[i] = newID(), e.Patient.ID(), e.Patient.Authority(), e.Traits.Family, e.Traits.Given
		sexes[i], births[i], minors[i], dues[i], notified[i], dueAt[i] = e.Sex, e.Traits.BirthDate, l.Minor, int16(due), l.NotifiedAt, moment(at)
		named[ids[i]] = e
	}
	rows, err := tx.Query(ctx, enrolSQL, ids, values, authorities, families, givens, sexes, births, notified, minors, dues, dueAt, int16(authz.ProfileNotified))
	if err != nil {
		return nil, err
	}
	created, err := pgx.CollectRows(rows, pgx.RowTo[string])
	byID := make(map[string]Eligible, len(created))
	for _, id := range created {
		byID[id] = named[id]
	}
	return byID, err
}

// attachedTo is the parent of a minor, and how the other one is reached.
type attachedTo struct{ person, email, lang string }

func attach(ctx context.Context, tx *db.Tx, byID map[string]Eligible, now time.Time) (map[string]attachedTo, error) {
	var ids, values, authorities, others, otherAuthorities []string
	for id, e := range byID {
		if e.Parent != "" {
			ids, values, authorities = append(ids, id), append(values, e.Parent.ID()), append(authorities, e.Parent.Authority())
			others, otherAuthorities = append(others, e.Other.ID()), append(otherAuthorities, e.Other.Authority())
		}
	}
	parents := map[string]attachedTo{}
	if len(ids) == 0 {
		return parents, nil
	}
	rows, err := tx.Query(ctx, attachSQL, ids, values, authorities, others, otherAuthorities, int16(authz.RepresentativeRole), now)
	if err != nil {
		return nil, err
	}
	var id string
	var p attachedTo
	_, err = pgx.ForEachRow(rows, []any{&id, &p.person, &p.email, &p.lang}, func() error {
		parents[id] = p
		return nil
	})
	return parents, err
}

func enrolNotices(ctx context.Context, tx *db.Tx, byID map[string]Eligible, parents map[string]attachedTo, now time.Time) ([]Enrolled, error) {
	var ids, persons, langs, emails, phones, addresses []string
	var kinds []int16
	var codes, cards [][]byte
	var expires, sent []*time.Time
	var all []Enrolled
	until := now.Add(CodeLasts)
	for id, e := range byID {
		one := Enrolled{Record: id, Email: e.Email, Lang: e.Lang}
		kind, person := NoticeHolder, id
		p, attached := parents[id]
		if e.Parent != "" && !attached {
			return nil, errNoParent
		}
		if attached {
			kind, person, one.Minor = NoticeParent, p.person, true
			if e.Other != "" {
				one.Other, one.OtherIn = p.email, p.lang
				one.OtherUntil, _ = birthday(e.Traits.BirthDate)
			}
		}
		var code []byte
		var over, at *time.Time
		if e.Email != "" {
			one.Code, one.Until = NewCode(), lastDay(now)
			code, over, at = secret(id, one.Code), &until, &now
		}
		ids, kinds, persons, langs, emails, phones = append(ids, id), append(kinds, int16(kind)), append(persons, person), append(langs, e.Lang), append(emails, e.Email), append(phones, e.Phone)
		addresses, codes, cards, expires, sent = append(addresses, e.Address), append(codes, code), append(cards, secret(id, e.Card)), append(expires, over), append(sent, at)
		all = append(all, one)
	}
	_, err := tx.Exec(ctx, noticesSQL, ids, kinds, persons, langs, emails, phones, addresses, codes, cards, expires, sent)
	return all, err
}

// Known are those of a list of patients who have a record.
func Known(ctx context.Context, h db.Handle, sys authz.System, patients []xds.CX) (map[xds.CX]bool, error) {
	if err := db.BySystem(sys); err != nil {
		return nil, err
	}
	values, authorities := make([]string, len(patients)), make([]string, len(patients))
	for i, p := range patients {
		values[i], authorities[i] = p.ID(), p.Authority()
	}
	rows, err := db.On(h).Query(ctx, `
select r.ins_value, r.ins_authority from unnest($1::text[], $2::text[]) p (value, authority) join record r on r.ins_value = p.value and r.ins_authority = p.authority`, values, authorities)
	if err != nil {
		return nil, err
	}
	known := map[xds.CX]bool{}
	var value, authority string
	_, err = pgx.ForEachRow(rows, []any{&value, &authority}, func() error {
		known[xds.NewCX(value, authority, "NH")] = true
		return nil
	})
	return known, err
}
