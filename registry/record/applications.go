package record

import (
	"context"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
)

// Authorized is an application that somebody authorised on a record.
type Authorized struct {
	Client string
	Person string // who did
	Since  time.Time
	authz.Grant
}

// Applications are those authorised on the record, expired ones too.
func Applications(ctx context.Context, h db.Handle, a authz.Allowed) ([]Authorized, error) {
	if err := db.Permitted(h, a, authz.ReadState); err != nil {
		return nil, err
	}
	rows, err := db.On(h).Query(ctx,
		`select application, person, scopes, types, granted_at, expires_at from application_grant where record = $1 order by application, person`, a.Record())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Authorized
	for rows.Next() {
		one := Authorized{Grant: authz.Grant{Given: true}}
		if err := rows.Scan(&one.Client, &one.Person, &one.Reach, &one.Types, &one.Since, &one.Expires); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// Authorize grants an application, in the name of the subject himself; a grant
// that he gave before is replaced.
func Authorize(ctx context.Context, h db.Handle, a authz.Allowed, client string, g authz.Grant, at time.Time) error {
	if err := db.Permitted(h, a, authz.SetParams); err != nil {
		return err
	}
	_, err := db.On(h).Exec(ctx, `
insert into application_grant (record, application, person, scopes, types, granted_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (record, application, person) do update
set scopes = excluded.scopes, types = excluded.types, granted_at = excluded.granted_at, expires_at = excluded.expires_at`,
		a.Record(), client, a.Subject().ID, g.Reach, g.Types, at, g.Expires)
	return err
}

// Revoke takes every grant of an application on the record back, whoever gave it.
func Revoke(ctx context.Context, h db.Handle, a authz.Allowed, client string) error {
	if err := db.Permitted(h, a, authz.SetParams); err != nil {
		return err
	}
	if !db.Storable(client) {
		return nil
	}
	_, err := db.On(h).Exec(ctx, `delete from application_grant where record = $1 and application = $2`, a.Record(), client)
	return err
}
