package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/registry/postgres"
	"github.com/passerelle-sante/passerelle/registry/registrytest"
)

func TestInspect(t *testing.T) {
	for dsn, want := range map[string]postgres.Target{
		"postgres://u@db.example.org/d?sslmode=verify-full":           {Host: "db.example.org", Database: "d", User: "u", Encrypted: true, Verified: true},
		"postgres://u@db.example.org/d?sslmode=require":               {Host: "db.example.org", Database: "d", User: "u", Encrypted: true},
		"postgres://u@db.example.org/d":                               {Host: "db.example.org", Database: "d", User: "u"}, // prefer falls back
		"postgres://u@db.example.org/d?sslmode=disable":               {Host: "db.example.org", Database: "d", User: "u"},
		"postgres://u:p@db.example.org/d?sslmode=verify-full":         {Host: "db.example.org", Database: "d", User: "u", Password: true, Encrypted: true, Verified: true},
		"postgres://u@db.example.org/d?password=p&sslmode=require":    {Host: "db.example.org", Database: "d", User: "u", Password: true, Encrypted: true},
		"host=127.0.0.1 user=u dbname=d sslmode=disable password=p":   {Host: "127.0.0.1", Database: "d", User: "u", Password: true, Local: true},
		"host=/run/postgresql user=u dbname=d":                        {Host: "/run/postgresql", Database: "d", User: "u", Local: true},
		"host=/run/postgresql,db.example.org user=u dbname=d":         {Host: "/run/postgresql", Database: "d", User: "u"},
		"host=127.0.0.1,10.0.0.1 user=u dbname=d sslmode=verify-full": {Host: "127.0.0.1", Database: "d", User: "u", Encrypted: true, Verified: true},
	} {
		got, err := postgres.Inspect(dsn)
		if err != nil || got != want {
			t.Errorf("%s: %+v %v, want %+v", dsn, got, err, want)
		}
	}
	if _, err := postgres.Inspect("postgres://u:hunter2@[::1"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("err = %v", err)
	}
}

// The schema of a database is read without changing it.
func TestSchemaIsRead(t *testing.T) {
	pool := open(t, registrytest.Empty(t))
	before, err := postgres.ReadSchema(t.Context(), pool)
	if err != nil || before.Current != 0 || !errors.Is(before.Check(), postgres.ErrOlder) {
		t.Fatalf("%+v %v %v", before, err, before.Check())
	}
	if steps, err := before.Pending(); err != nil || int64(len(steps)) != before.Newest || steps[0] != "00001_schema.sql" {
		t.Errorf("%v %v", steps, err)
	}
	if err := postgres.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	after, err := postgres.ReadSchema(t.Context(), pool)
	if err != nil || after.Current != after.Newest || after.Check() != nil {
		t.Errorf("%+v %v", after, err)
	}
	if _, err := pool.Exec(t.Context(), "comment on table goose_db_version is 'another'"); err != nil {
		t.Fatal(err)
	}
	if edited, err := postgres.ReadSchema(t.Context(), pool); err != nil || !errors.Is(edited.Check(), postgres.ErrEdited) {
		t.Errorf("%+v %v", edited, err)
	}
	if err := postgres.Migrate(t.Context(), pool); !errors.Is(err, postgres.ErrEdited) {
		t.Errorf("migrated over other migrations: %v", err)
	}
	if _, err := pool.Exec(t.Context(), "insert into goose_db_version (version_id, is_applied) values ($1, true)", after.Newest+1); err != nil {
		t.Fatal(err)
	}
	if newer, err := postgres.ReadSchema(t.Context(), pool); err != nil || !errors.Is(newer.Check(), postgres.ErrNewer) {
		t.Errorf("%+v %v", newer, err)
	}
	role, err := postgres.Ask(t.Context(), pool)
	if err != nil || role.Version < 140000 || !role.Writes || role.ReadOnly {
		t.Errorf("%+v %v", role, err)
	}
}

// A password of the environment is not asked: neither used nor told.
func TestOpenConfigured(t *testing.T) {
	t.Setenv("PGPASSWORD", "hunter2")
	pool, err := postgres.OpenConfigured(t.Context(), postgres.Configured{DSN: registrytest.Empty(t), MaxConns: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if c := pool.Config(); c.MaxConns != 3 || c.ConnConfig.Password != "" {
		t.Errorf("%d connections, password %q", c.MaxConns, c.ConnConfig.Password)
	}
}
