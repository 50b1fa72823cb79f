package account

import (
	"context"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
)

// Account is who signs in.
type Account struct {
	ID      string
	Login   string
	Email   string
	Phone   string
	Lang    string // fr or en
	Persons []string
}

// Seed stores an account as it is, and adds to one that is there the persons that it
// lacks; it gives the id of the one that is kept. It is for the sandbox, and for
// whatever has made sure of who the person is.
func Seed(ctx context.Context, h db.Handle, sys authz.System, a Account, now time.Time) (id string, err error) {
	if err := db.BySystem(sys); err != nil {
		return "", err
	}
	err = db.On(h).QueryRow(ctx, `
insert into account (id, login, email, phone, lang, created_at) values ($1, $2, $3, $4, $5, $6)
on conflict (login) do update set login = excluded.login returning id::text`,
		a.ID, a.Login, a.Email, a.Phone, a.Lang, now).Scan(&id)
	if err != nil {
		return "", err
	}
	return id, AddPerson(ctx, h, sys, id, now, a.Persons...)
}

// NameOf is how the owner of an account is called: as the holder of his own record, else
// as he is known on that of another one.
func NameOf(ctx context.Context, h db.Handle, persons []string) (name string, err error) {
	err = db.On(h).QueryRow(ctx, `select coalesce((
  select family || ' ' || given from (
    select 1 as place, family, given from record where id in (select p::uuid from unnest($1::text[]) p where p ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')
    union all
    select 2, family, given from record_person where person = any($1)) named order by place, family, given limit 1), '')`, db.Texts(persons)).Scan(&name)
	return strings.TrimSpace(name), err
}
