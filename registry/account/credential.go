package account

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/registry/mail"
)

// ErrTaken is an identifier that another account has.
var ErrTaken = errors.New("account: identifier taken")

// LoginOf is an identifier as accounts are found by it.
func LoginOf(typed string) string { return strings.ToLower(strings.TrimSpace(typed)) }

const accountSQL = `select a.id::text, a.login, a.password, a.email, a.phone, a.lang,
  array(select person from account_person p where p.account = a.id order by person) from account a where `

// Credentials are an account with its password, as it is stored.
type Credentials struct {
	Account
	Password string // argon2id, "" = none
}

func find(ctx context.Context, h db.Handle, where string, arg any) (c Credentials, ok bool, err error) {
	err = db.On(h).QueryRow(ctx, accountSQL+where, arg).Scan(&c.ID, &c.Login, &c.Password, &c.Email, &c.Phone, &c.Lang, &c.Persons)
	if errors.Is(err, pgx.ErrNoRows) {
		return Credentials{}, false, nil
	}
	return c, err == nil, err
}

// ByLogin is the account of an identifier; ok is false when there is none.
func ByLogin(ctx context.Context, h db.Handle, login string) (c Credentials, ok bool, err error) {
	if !db.Storable(login) {
		login = ""
	}
	return find(ctx, h, `a.login = $1`, login)
}

// ByID is an account by its id, as the database gave it.
func ByID(ctx context.Context, h db.Handle, id string) (c Credentials, ok bool, err error) {
	if id == "" {
		return Credentials{}, false, nil
	}
	return find(ctx, h, `a.id = $1`, id)
}

// ByPerson is the account that stands for a person, the oldest if there are several.
func ByPerson(ctx context.Context, h db.Handle, person string) (c Credentials, ok bool, err error) {
	if !db.Storable(person) {
		person = ""
	}
	return find(ctx, h, `a.id in (select account from account_person where person = $1) order by a.created_at limit 1`, person)
}

// Create stores a new account. Who asks has made sure of who the person is.
func Create(ctx context.Context, h db.Handle, sys authz.System, c Credentials, now time.Time) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	_, err := db.On(h).Exec(ctx, `insert into account (id, login, password, email, phone, lang, created_at) values ($1, $2, $3, $4, $5, $6, $7)`,
		c.ID, c.Login, c.Password, c.Email, c.Phone, c.Lang, now)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.ConstraintName == "account_login_key" {
		return ErrTaken
	}
	if err != nil {
		return err
	}
	return AddPerson(ctx, h, sys, c.ID, now, c.Persons...)
}

// AddPerson lets an account stand for further persons, who are from then on told by
// e-mail of what others do with their records.
func AddPerson(ctx context.Context, h db.Handle, sys authz.System, id string, now time.Time, persons ...string) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	_, err := db.On(h).Exec(ctx, `insert into account_person (account, person) select $1, unnest($2::text[]) on conflict do nothing`, id, db.Texts(persons))
	if err != nil {
		return err
	}
	return mail.Enroll(ctx, h, sys, now, persons...)
}

// SetPassword replaces the password of an account by another one, hashed.
func SetPassword(ctx context.Context, h db.Handle, id, hash string) error {
	_, err := db.On(h).Exec(ctx, `update account set password = $2 where id = $1`, id, hash)
	return err
}

// ReplacePassword is SetPassword while the former one, as it is stored, is still the one.
func ReplacePassword(ctx context.Context, h db.Handle, id, former, hash string) (ok bool, err error) {
	tag, err := db.On(h).Exec(ctx, `update account set password = $3 where id = $1 and password = $2`, id, former, hash)
	return tag.RowsAffected() == 1, err
}
