package postgres

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Schema is how far the database is, and how far this program goes.
type Schema struct {
	Current int64 // 0: no schema at all
	Newest  int64
	made    bool // by the migrations of this program, when Current is Newest
}

// ReadSchema asks the database and changes nothing.
func ReadSchema(ctx context.Context, pool *pgxpool.Pool) (Schema, error) {
	names, err := migrationNames()
	if err != nil {
		return Schema{}, err
	}
	s := Schema{Newest: versionOf(names[len(names)-1])}
	var there bool
	if err := pool.QueryRow(ctx, `select to_regclass('goose_db_version') is not null`).Scan(&there); err != nil || !there {
		return s, err
	}
	print, err := Fingerprint()
	if err != nil {
		return s, err
	}
	err = pool.QueryRow(ctx, `select coalesce(max(version_id) filter (where is_applied), 0), coalesce((`+madeSQL+`) = $1, false) from goose_db_version`,
		print).Scan(&s.Current, &s.made)
	return s, err
}

// Check refuses a schema that is not the one this program was made for: ErrOlder or
// ErrNewer.
func (s Schema) Check() error {
	switch {
	case s.Current > s.Newest:
		return newer(s.Current, s.Newest)
	case s.Current < s.Newest:
		return &Error{ErrOlder,
			fmt.Sprintf("La base est au schéma %d, ce programme attend le %d : lancer passerelle migrate", s.Current, s.Newest),
			fmt.Sprintf("the database has schema %d, this program expects %d: run passerelle migrate", s.Current, s.Newest)}
	case !s.made:
		return edited(s.Newest)
	}
	return nil
}

// edited refuses a schema of the right number made by other migrations: those of a
// program that was never released.
func edited(version int64) error {
	return &Error{ErrEdited,
		fmt.Sprintf("La base a été faite par une version de développement, avec un autre schéma %d : repartir d'un dossier ou d'une base vide", version),
		fmt.Sprintf("the database was made by a development version, with another schema %d: start from an empty folder or database", version)}
}

func newer(current, newest int64) error {
	return &Error{ErrNewer,
		fmt.Sprintf("La base est au schéma %d, ce programme ne connaît que jusqu'au %d : lancer une version plus récente de passerelle", current, newest),
		fmt.Sprintf("the database has schema %d, this program knows up to %d: run a newer passerelle", current, newest)}
}

// Pending are the file names of the migrations that Migrate would apply, in order.
func (s Schema) Pending() ([]string, error) {
	names, err := migrationNames()
	if err != nil {
		return nil, err
	}
	var pending []string
	for _, name := range names {
		if versionOf(name) > s.Current {
			pending = append(pending, name)
		}
	}
	return pending, nil
}

// migrationNames are the embedded files in their order.
func migrationNames() ([]string, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	for i, name := range names {
		names[i] = path.Base(name)
	}
	return names, err
}

// versionOf is the number that a file name begins with.
func versionOf(name string) int64 {
	number, _, _ := strings.Cut(name, "_")
	version, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		panic("migration without a number: " + name)
	}
	return version
}

// Clock is the time of the database server.
func Clock(ctx context.Context, pool *pgxpool.Pool) (time.Time, error) {
	var now time.Time
	err := pool.QueryRow(ctx, `select clock_timestamp()`).Scan(&now)
	return now, err
}
