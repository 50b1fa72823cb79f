package postgres

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// migrations are the files NNNNN_name.sql, forward only: a released file never
// changes, and a `-- +goose Down` part is never run.
//
//go:embed migrations/*.sql
var migrations embed.FS

// migrationLock is the advisory lock that one migrating process holds ("PASS" in ASCII).
const migrationLock = 0x50415353

// Migrate brings the schema of the pool's database up to the newest embedded
// migration. Two processes that migrate at once take turns. A schema that is
// already newer than this program is refused with ErrNewer and left alone.
// It works on connections of its own, without the statement limit of Open.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	return migrate(ctx, pool, files)
}

func migrate(ctx context.Context, pool *pgxpool.Pool, files fs.FS) error {
	cfg := pool.Config().ConnConfig.Copy()
	cfg.RuntimeParams["statement_timeout"] = "0"
	db := stdlib.OpenDB(*cfg)
	defer db.Close()
	unlock, err := lockMigrations(ctx, db)
	if err != nil {
		return err
	}
	defer unlock()

	provider, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	sources := provider.ListSources()
	newest := sources[len(sources)-1].Version
	current, err := provider.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if current > newest {
		return newer(current, newest)
	}
	print, err := fingerprint(files)
	if err != nil {
		return err
	}
	var made sql.NullString
	if err := db.QueryRowContext(ctx, madeSQL).Scan(&made); err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if current == newest && made.String != print {
		return edited(newest)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if _, err := db.ExecContext(ctx, `comment on table goose_db_version is '`+print+`'`); err != nil { // hexadecimal
		return fmt.Errorf("migrations: %w", err)
	}
	return nil
}

// madeSQL tells by which migrations the schema was made: their fingerprint.
const madeSQL = `select obj_description(to_regclass('goose_db_version'))`

// lockMigrations waits for the advisory lock. It asks again rather than block in
// one statement: a blocked statement holds a snapshot, for which an index built
// concurrently by the holder of the lock would wait.
func lockMigrations(ctx context.Context, db *sql.DB) (unlock func(), err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		var got bool
		if err := conn.QueryRowContext(ctx, "select pg_try_advisory_lock($1)", int64(migrationLock)).Scan(&got); err != nil {
			conn.Close()
			return nil, fmt.Errorf("migrations: %w", err)
		}
		if got {
			// The lock ends with its session, which db.Close ends.
			return func() { conn.Close() }, nil
		}
		select {
		case <-ctx.Done():
			conn.Close()
			return nil, fmt.Errorf("migrations: %w", ctx.Err())
		case <-again.C:
		}
	}
}

// Fingerprint is a short hexadecimal digest of the embedded migrations: two
// programs with the same one make the same schema.
func Fingerprint() (string, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return "", err
	}
	return fingerprint(files)
}

func fingerprint(files fs.FS) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(files, path)
		fmt.Fprintf(h, "%s %d\n%s", path, len(body), body)
		return err
	})
	return hex.EncodeToString(h.Sum(nil))[:16], err
}
