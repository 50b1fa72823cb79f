package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/xds"
)

// MatrixVersion is one version of the matrice d'habilitation, as the gateways of a
// database share it. The registry keeps it and does not read it.
type MatrixVersion struct {
	Effective  time.Time // in force from then on, until the next one; no two alike
	Version    string    // name and short checksum, as every trail row says it
	Checksum   string    // SHA-256 of the two tables, hexadecimal
	Columns    string    // the CSV table of columns (authz/matrix)
	Cells      string    // the CSV table of cells
	ImportedAt time.Time
	ImportedBy string
}

// MaxMatrices bounds how many versions a database holds: a revision a week for
// nineteen years.
const MaxMatrices = 1000

// MatrixState names the set of versions: it changes whenever one comes or goes.
func (r *Registry) MatrixState(ctx context.Context, sys authz.System) (state string, err error) {
	if err := db.BySystem(sys); err != nil {
		return "", err
	}
	err = r.pool.QueryRow(ctx, `select count(*) || '/' || coalesce(max(seq), 0) from matrix_version`).Scan(&state)
	return state, err
}

// Matrices are all versions, in the order of their dates of effect.
func (r *Registry) Matrices(ctx context.Context, sys authz.System) ([]MatrixVersion, error) {
	if err := db.BySystem(sys); err != nil {
		return nil, err
	}
	return matrices(ctx, r.pool)
}

// querier is a pool or a transaction of it.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func matrices(ctx context.Context, q querier) ([]MatrixVersion, error) {
	rows, err := q.Query(ctx, `
select effective_at, version, checksum, columns_csv, cells_csv, imported_at, imported_by
from matrix_version order by effective_at limit $1`, MaxMatrices)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[MatrixVersion])
}

// AddMatrix stores the version that fn makes of those that are there; a zero one is
// not stored. Concurrent calls follow one another, each seeing what the former one
// stored. The error of fn comes back as it is.
func (r *Registry) AddMatrix(ctx context.Context, sys authz.System, fn func(former []MatrixVersion) (MatrixVersion, error)) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	tx, err := r.pool.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // after a commit there is nothing to roll back
	if _, err := tx.Exec(ctx, `lock table matrix_version in exclusive mode`); err != nil {
		return err
	}
	former, err := matrices(ctx, tx)
	if err != nil {
		return err
	}
	v, err := fn(former)
	if err != nil || v.Version == "" {
		return err
	}
	if len(former) >= MaxMatrices {
		return &xds.Error{ID: "POL-010", Found: fmt.Sprintf("%d versions", len(former)), Hint: "en retirer qui ne sont pas encore en vigueur : passerelle policy drop"}
	}
	if _, err := tx.Exec(ctx, `
insert into matrix_version (effective_at, version, checksum, columns_csv, cells_csv, imported_at, imported_by)
values ($1, $2, $3, $4, $5, $6, $7)`,
		v.Effective, v.Version, v.Checksum, v.Columns, v.Cells, v.ImportedAt, v.ImportedBy); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// DropMatrix takes back a version whose date of effect has not come at an instant:
// POL-012 when it has, POL-011 when there is no such version. A version that takes
// effect several times keeps the times that are past.
func (r *Registry) DropMatrix(ctx context.Context, sys authz.System, version string, now time.Time) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	if !db.Storable(version) {
		return &xds.Error{ID: "POL-011"}
	}
	done, err := r.pool.Exec(ctx, `delete from matrix_version where version = $1 and effective_at > $2`, version, now)
	if err != nil || done.RowsAffected() > 0 {
		return err
	}
	var since time.Time
	err = r.pool.QueryRow(ctx, `select effective_at from matrix_version where version = $1 limit 1`, version).Scan(&since)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return &xds.Error{ID: "POL-011", Found: version}
	case err != nil:
		return err
	}
	return &xds.Error{ID: "POL-012", Found: version}
}
