package account

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/xds"
)

// Reachable is a record on which a person of an account has a role. It says nothing of
// what he may do there now: that is the Gate's to say.
type Reachable struct {
	Record  string
	Person  string // of the account, who has the role
	Role    authz.Role
	Patient xds.CX
	Traits  authz.Traits
	State   authz.Value // authz.Profile…
}

// maxReachable bounds the records of one account.
const maxReachable = 100

// Records are those of the persons of a session: his own first, then those that he
// represents, then those of whom he is a delegate.
func Records(ctx context.Context, h db.Handle, s Session) ([]Reachable, error) {
	rows, err := db.On(h).Query(ctx, `
select r.id::text, w.person, w.role, r.ins_value, r.ins_authority, r.ins_type, r.family, r.given, r.birth_date, r.state
from (
  select person::uuid as record, person, 1 as role from unnest($1::text[]) person where person ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
  union all
  select record, person, role from record_person where person = any($1) and (expires_at is null or expires_at > $3)) w
join record r on r.id = w.record
order by w.role, r.birth_date, r.id limit $2`, db.Texts(s.Persons), maxReachable, s.SeenAt) // 1: authz.HolderRole
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (one Reachable, err error) {
		var value, authority, typ string
		var role, state int16
		err = row.Scan(&one.Record, &one.Person, &role, &value, &authority, &typ, &one.Traits.Family, &one.Traits.Given, &one.Traits.BirthDate, &state)
		one.Role, one.State, one.Patient = authz.Role(role), authz.Value(state), xds.NewCX(value, authority, typ)
		return one, err
	})
}
