package registrytest_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/registry/postgres"
	"github.com/passerelle-sante/passerelle/registry/registrytest"
)

func TestDatabasesAreApart(t *testing.T) {
	for range 3 {
		t.Run("own", func(t *testing.T) {
			t.Parallel()
			pool := registrytest.Open(t)
			if _, err := pool.Exec(t.Context(), "create table mine (id int)"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOpenIsMigrated(t *testing.T) {
	if err := postgres.Migrate(t.Context(), registrytest.Open(t)); err != nil {
		t.Error(err)
	}
	var migrated bool
	for dsn, want := range map[string]bool{registrytest.DSN(t): true, registrytest.Empty(t): false} {
		conn, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		if err := conn.QueryRow(t.Context(), "select to_regclass('goose_db_version') is not null").Scan(&migrated); err != nil || migrated != want {
			t.Errorf("migrated = %v, %v; want %v", migrated, err, want)
		}
	}
}

// The database goes at the end of its test, even with a connection open.
func TestDatabaseGoes(t *testing.T) {
	var dsn string
	var conn *pgx.Conn
	t.Run("inner", func(t *testing.T) {
		dsn = registrytest.DSN(t)
		var err error
		if conn, err = pgx.Connect(context.WithoutCancel(t.Context()), dsn); err != nil {
			t.Fatal(err)
		}
	})
	defer conn.Close(t.Context())
	if again, err := pgx.Connect(t.Context(), dsn); err == nil {
		again.Close(t.Context())
		t.Error("the database is still there")
	}
}
