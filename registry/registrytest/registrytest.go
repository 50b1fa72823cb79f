// Package registrytest gives each test a PostgreSQL database of its own, with the
// schema of the product, on a real server.
//
// One server runs per test process, on a folder that later runs find again: the
// cluster is made once per machine (1.3 s), the migrated template once per set of
// migrations, and a test's database is a copy of the template (0.1 s). The server
// ends with the test process, however that ends. Without a server a test fails;
// it is never skipped.
//
// Nothing outside tests may import this package: its clusters are not durable.
package registrytest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/registry/postgres"
)

const (
	maxSlots   = 64 // test processes at once
	startLimit = time.Minute
	dropLimit  = 20 * time.Second
)

// Open returns a pool on a new database with the schema of the product, that no
// other test sees. Pool and database go at the end of the test.
func Open(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), DSN(t)+" pool_max_conns=16")
	if err != nil {
		t.Fatalf("registrytest: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// DSN is Open for a test that connects by itself, or hands the database to
// another process.
func DSN(t testing.TB) string {
	t.Helper()
	f, err := shared()
	if err != nil {
		t.Fatalf("registrytest: %v", err)
	}
	return f.clone(t, f.template)
}

// Prepared is DSN for a database that fill has filled: it is called once in a test
// process for each name, and every test gets a copy of what it left.
func Prepared(t testing.TB, name string, fill func(dsn string) error) string {
	t.Helper()
	f, err := shared()
	if err != nil {
		t.Fatalf("registrytest: %v", err)
	}
	made, _ := f.prepared.LoadOrStore(name, sync.OnceValues(func() (string, error) {
		filled := fmt.Sprintf("test_%d", f.count.Add(1)) // the next process on this server drops it
		if err := f.admin(context.Background(), "create database "+filled+" template "+f.template); err != nil {
			return "", err
		}
		return filled, fill(f.server.DSN(filled))
	}))
	filled, err := made.(func() (string, error))()
	if err != nil {
		t.Fatalf("registrytest: %s: %v", name, err)
	}
	return f.clone(t, filled)
}

// Empty is DSN for a database without any schema.
func Empty(t testing.TB) string {
	t.Helper()
	f, err := shared()
	if err != nil {
		t.Fatalf("registrytest: %v", err)
	}
	return f.clone(t, "template1")
}

// farm is the server of this test process.
type farm struct {
	server   *postgres.Server
	template string
	count    atomic.Int64
	prepared sync.Map // by name: what makes the database that Prepared copies, once
}

// shared starts the server at the first call.
var shared = sync.OnceValues(func() (*farm, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	home, err := folder()
	if err != nil {
		return nil, err
	}
	for slot := range maxSlots {
		server, err := start(ctx, filepath.Join(home, fmt.Sprintf("slot-%02d", slot)))
		if errors.Is(err, postgres.ErrInUse) {
			continue
		}
		if err != nil {
			return nil, err
		}
		f := &farm{server: server}
		return f, f.prepare(ctx)
	}
	return nil, fmt.Errorf("%d serveurs de test tournent déjà | too many test servers under %s", maxSlots, home)
})

// folder is where the clusters are kept: one per user, passable by the
// unprivileged user of a server that root starts.
func folder() (string, error) {
	home := filepath.Join(os.TempDir(), fmt.Sprintf("passerelle-registrytest-%d", os.Geteuid()))
	if err := os.Mkdir(home, 0o711); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	info, err := os.Lstat(home)
	if err != nil {
		return "", err
	}
	if !info.IsDir() || int(info.Sys().(*syscall.Stat_t).Uid) != os.Geteuid() || info.Mode().Perm()&0o022 != 0 {
		return "", fmt.Errorf("%s n'est pas à nous | is not ours: remove it", home)
	}
	return home, nil
}

// start takes a slot. A cluster that does not start is thrown away once: written
// by another version, or, since it is not durable, damaged by a crash of the
// machine.
func start(ctx context.Context, dir string) (*postgres.Server, error) {
	server, err := postgres.Start(ctx, postgres.Options{Dir: dir, Volatile: true})
	if err == nil || errors.Is(err, postgres.ErrInUse) || errors.Is(err, postgres.ErrNoServer) || ctx.Err() != nil {
		return server, err
	}
	if err := os.RemoveAll(filepath.Join(dir, "data")); err != nil {
		return nil, err
	}
	return postgres.Start(ctx, postgres.Options{Dir: dir, Volatile: true})
}

// prepare drops what former processes left, and migrates the template unless a
// former process did. It is named after its migrations once it is complete.
func (f *farm) prepare(ctx context.Context) error {
	print, err := postgres.Fingerprint()
	if err != nil {
		return err
	}
	f.template = "template_" + print
	admin, err := pgx.Connect(ctx, f.server.DSN("postgres"))
	if err != nil {
		return err
	}
	defer admin.Close(ctx)
	rows, err := admin.Query(ctx, "select datname from pg_database where datname like 'test\\_%' or datname like 'template\\_%'")
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	ready := false
	for _, name := range names {
		if name == f.template {
			ready = true
			continue
		}
		if _, err := admin.Exec(ctx, "drop database "+name+" with (force)"); err != nil {
			return err
		}
	}
	if ready {
		return nil
	}
	return f.migrate(ctx, admin)
}

func (f *farm) migrate(ctx context.Context, admin *pgx.Conn) error {
	const draft = "template_draft"
	if _, err := admin.Exec(ctx, "create database "+draft); err != nil {
		return err
	}
	pool, err := postgres.Open(ctx, f.server.DSN(draft))
	if err != nil {
		return err
	}
	err = postgres.Migrate(ctx, pool)
	pool.Close()
	if err != nil {
		return err
	}
	_, err = admin.Exec(ctx, "alter database "+draft+" rename to "+f.template)
	return err
}

// clone copies a template for one test.
func (f *farm) clone(t testing.TB, template string) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", f.count.Add(1))
	if err := f.admin(t.Context(), "create database "+name+" template "+template); err != nil {
		t.Fatalf("registrytest: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), dropLimit) // t.Context is over by now
		defer cancel()
		if err := f.admin(ctx, "drop database "+name+" with (force)"); err != nil {
			t.Errorf("registrytest: %v", err)
		}
	})
	return f.server.DSN(name)
}

func (f *farm) admin(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, f.server.DSN("postgres"))
	if err != nil {
		return fmt.Errorf("%s: %w", strings.Fields(sql)[0], err)
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}
