package record

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/xds"
)

// maxBorn bounds how many persons of one sex born on one day are compared: some hundreds
// in all of France.
const maxBorn = 5000

// ByTraits is the identifier of the one holder with exactly these traits, names compared
// as policy §1.9 says; "" when there is none, or more than one. It says nothing about what
// anybody may do there.
func ByTraits(ctx context.Context, h db.Handle, t authz.Traits, sex string) (found xds.CX, err error) {
	if !db.Storable(t.BirthDate + sex) {
		return "", nil
	}
	rows, err := db.On(h).Query(ctx, `
select ins_value, ins_authority, ins_type, family, given from record where birth_date = $1 and sex = $2 order by id limit $3`, t.BirthDate, sex, maxBorn)
	if err != nil {
		return "", err
	}
	var value, authority, typ, family, given string
	several := false
	_, err = pgx.ForEachRow(rows, []any{&value, &authority, &typ, &family, &given}, func() error {
		if authz.SameName(family, t.Family) && authz.SameName(given, t.Given) {
			several = found != ""
			found = xds.NewCX(value, authority, typ)
		}
		return nil
	})
	if several {
		found = ""
	}
	return found, err
}
