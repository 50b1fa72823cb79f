package account

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/xds"
)

// ByIdentity is the account of a person at a provider of identities.
func ByIdentity(ctx context.Context, h db.Handle, issuer, subject string) (c Credentials, ok bool, err error) {
	if !db.Storable(issuer + subject) {
		return Credentials{}, false, nil
	}
	var id string
	rows, err := db.On(h).Query(ctx, `select account::text from account_identity where issuer = $1 and subject = $2`, issuer, subject)
	if err != nil {
		return Credentials{}, false, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(ids) == 0 {
		return Credentials{}, false, err
	}
	id = ids[0]
	return ByID(ctx, h, id)
}

// LinkIdentity remembers who an account's owner is at a provider.
func LinkIdentity(ctx context.Context, h db.Handle, sys authz.System, issuer, subject, account string, now time.Time) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	_, err := db.On(h).Exec(ctx, `insert into account_identity (issuer, subject, account, linked_at) values ($1, $2, $3, $4) on conflict do nothing`,
		issuer, subject, account, now)
	return err
}

// Candidate is the holder of a record who may be the one that a provider describes.
type Candidate struct {
	Record  string
	Patient xds.CX
	Traits  authz.Traits
	State   authz.Value // authz.Profile…
}

// maxCandidates bounds how many persons of one sex born on one day are looked at: some
// hundreds in all of France.
const maxCandidates = 5000

// Candidates are the holders born on a day (YYYYMMDD), of a sex.
func Candidates(ctx context.Context, h db.Handle, sys authz.System, born, sex string) ([]Candidate, error) {
	if err := db.BySystem(sys); err != nil {
		return nil, err
	}
	if !db.Storable(born + sex) {
		return nil, nil
	}
	rows, err := db.On(h).Query(ctx, `select id::text, ins_value, ins_authority, ins_type, family, given, birth_date, state from record
where birth_date = $1 and sex = $2 order by id limit $3`, born, sex, maxCandidates)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c Candidate, err error) {
		var value, authority, typ string
		var state int16
		err = row.Scan(&c.Record, &value, &authority, &typ, &c.Traits.Family, &c.Traits.Given, &c.Traits.BirthDate, &state)
		c.Patient, c.State = xds.NewCX(value, authority, typ), authz.Value(state)
		return c, err
	})
}
