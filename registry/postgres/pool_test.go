package postgres_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/registry/postgres"
	"github.com/passerelle-sante/passerelle/registry/registrytest"
)

func open(t *testing.T, dsn string) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func TestSimpleProtocolIsRefused(t *testing.T) {
	pool := open(t, registrytest.Empty(t)+" default_query_exec_mode=simple_protocol")
	if got := pool.Config().ConnConfig.DefaultQueryExecMode; got != pgx.QueryExecModeCacheStatement {
		t.Errorf("mode = %v", got)
	}
}

func TestSettingsOfAConnection(t *testing.T) {
	pool := open(t, registrytest.Empty(t)+" pool_max_conns=3 statement_timeout=7s")
	if got := pool.Config().MaxConns; got != 3 {
		t.Errorf("MaxConns = %d", got)
	}
	for name, want := range map[string]string{
		"application_name": "passerelle", "TimeZone": "UTC",
		"statement_timeout": "7s", "idle_in_transaction_session_timeout": "1min",
	} {
		var got string
		if err := pool.QueryRow(t.Context(), "select current_setting($1)", name).Scan(&got); err != nil || got != want {
			t.Errorf("%s = %q, %v; want %q", name, got, err, want)
		}
	}
}

func TestOpenNamesNoPassword(t *testing.T) {
	for _, dsn := range []string{"host=/nonexistent user=u password=hunter2", "postgres://u:hunter2@[::1"} {
		_, err := postgres.Open(t.Context(), dsn)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("err = %v", err)
		}
	}
}

func TestMigrateTogether(t *testing.T) {
	pool := open(t, registrytest.Empty(t))
	var racers sync.WaitGroup
	for range 3 {
		racers.Go(func() {
			if err := postgres.Migrate(t.Context(), pool); err != nil {
				t.Error(err)
			}
		})
	}
	racers.Wait()
	if err := postgres.Migrate(t.Context(), pool); err != nil {
		t.Errorf("once more: %v", err)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	pool := open(t, registrytest.DSN(t))
	if _, err := pool.Exec(t.Context(), "insert into goose_db_version (version_id, is_applied) values (99999, true)"); err != nil {
		t.Fatal(err)
	}
	err := postgres.Migrate(t.Context(), pool)
	if !errors.Is(err, postgres.ErrNewer) || !strings.Contains(err.Error(), "99999") {
		t.Errorf("err = %v, want ErrNewer", err)
	}
}
