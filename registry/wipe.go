package registry

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
)

// Wipe empties every table but that of the migrations: the reset of a sandbox. No
// service that holds real records may ask for it.
func (r *Registry) Wipe(ctx context.Context, sys authz.System) error {
	if sys.Reason() == "" {
		return errors.New("wipe without a reason")
	}
	rows, err := r.pool.Query(ctx, `select quote_ident(tablename) from pg_tables where schemaname = current_schema() and tablename not like 'goose%'`)
	if err != nil {
		return err
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		// It locks every table, in an order of its own: whoever works beside it may lock it out.
		_, err = r.pool.Exec(ctx, "truncate "+strings.Join(tables, ", "))
		if err == nil || !contended(err) || attempt == attempts {
			return err
		}
	}
}
