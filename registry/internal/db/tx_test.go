package db_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/registry/registrytest"
)

func begin(t *testing.T, pool *pgxpool.Pool) *db.Tx {
	t.Helper()
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tx := db.Begin(conn, time.Minute)
	t.Cleanup(func() { _ = tx.Rollback(t.Context()) })
	return tx
}

// Whatever the first statement is, it runs inside the transaction: undone with it.
func TestFirstStatementBegins(t *testing.T) {
	pool := registrytest.Open(t)
	if _, err := pool.Exec(t.Context(), `create table kept (n int primary key)`); err != nil {
		t.Fatal(err)
	}
	const sql = `insert into kept select generate_series(1, 3) returning n`
	firsts := map[string]func(*db.Tx) error{
		"QueryRow": func(tx *db.Tx) error { var n int; return tx.QueryRow(t.Context(), sql).Scan(&n) },
		"Query": func(tx *db.Tx) error {
			rows, err := tx.Query(t.Context(), sql)
			if err != nil {
				return err
			}
			n, err := pgx.CollectRows(rows, pgx.RowTo[int])
			if len(n) != 3 {
				t.Errorf("rows %v", n)
			}
			return err
		},
		"a Query left early": func(tx *db.Tx) error {
			rows, err := tx.Query(t.Context(), sql)
			if err == nil {
				rows.Next()
				rows.Close()
			}
			return err
		},
		"Exec": func(tx *db.Tx) error { _, err := tx.Exec(t.Context(), sql); return err },
		"Run": func(tx *db.Tx) error {
			b := &pgx.Batch{}
			b.Queue(sql)
			return tx.Run(t.Context(), b)
		},
	}
	for name, first := range firsts {
		tx := begin(t, pool)
		if err := first(tx); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var isolation string
		var inside, outside int
		err := tx.QueryRow(t.Context(), `select current_setting('transaction_isolation'), (select count(*) from kept)`).Scan(&isolation, &inside)
		if err != nil || isolation != "repeatable read" || inside != 3 {
			t.Errorf("after %s: %q, %d rows, %v", name, isolation, inside, err)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Errorf("after %s: rollback: %v", name, err)
		}
		if err := pool.QueryRow(t.Context(), `select count(*) from kept`).Scan(&outside); err != nil || outside != 0 {
			t.Errorf("%s left %d rows, %v", name, outside, err)
		}
		if err := first(tx); err == nil {
			t.Errorf("%s after the end", name)
		}
	}
	if n := pool.Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections not given back", n)
	}
}

// After a first statement that fails before there is a transaction nothing runs: it
// would be committed by itself.
func TestFirstStatementFails(t *testing.T) {
	pool := registrytest.Open(t)
	if _, err := pool.Exec(t.Context(), `create table kept (n int primary key)`); err != nil {
		t.Fatal(err)
	}
	one := &pgx.Batch{}
	one.Queue(`insert into kept values (1)`)
	for name, next := range map[string]func(*db.Tx) error{
		"Exec":     func(tx *db.Tx) error { _, err := tx.Exec(t.Context(), `insert into kept values (1)`); return err },
		"Query":    func(tx *db.Tx) error { _, err := tx.Query(t.Context(), `insert into kept values (1)`); return err },
		"QueryRow": func(tx *db.Tx) error { return tx.QueryRow(t.Context(), `select 1`).Scan(new(int)) },
		"Run":      func(tx *db.Tx) error { return tx.Run(t.Context(), one) },
		"Commit":   func(tx *db.Tx) error { return tx.Commit(t.Context(), one) },
	} {
		tx := begin(t, pool)
		if _, err := tx.Exec(t.Context(), `select * from nowhere`); err == nil {
			t.Fatal("a table that is not there answers")
		}
		if err := next(tx); err == nil {
			t.Errorf("%s runs", name)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Errorf("after %s: rollback: %v", name, err)
		}
		var n int
		if err := pool.QueryRow(t.Context(), `select count(*) from kept`).Scan(&n); err != nil || n != 0 {
			t.Fatalf("%s left %d rows, %v", name, n, err)
		}
	}
}

// What stands in the last batch is committed with the rest, or nothing is.
func TestCommit(t *testing.T) {
	pool := registrytest.Open(t)
	if _, err := pool.Exec(t.Context(), `create table kept (n int primary key)`); err != nil {
		t.Fatal(err)
	}
	insert := func(n ...int) *pgx.Batch {
		b := &pgx.Batch{}
		for _, n := range n {
			b.Queue(`insert into kept values ($1)`, n)
		}
		return b
	}
	for _, c := range []struct {
		name    string
		run     func(*db.Tx) error
		last    *pgx.Batch
		commits bool
		kept    int
	}{
		{"nothing at all", func(*db.Tx) error { return nil }, insert(), true, 0},
		{"the last batch alone", func(*db.Tx) error { return nil }, insert(1), true, 1},
		{"effect and last batch", func(tx *db.Tx) error { return tx.Run(t.Context(), insert(2)) }, insert(3), true, 3},
		{"a last batch that fails", func(tx *db.Tx) error { return tx.Run(t.Context(), insert(4)) }, insert(5, 1, 6), false, 3},
		{"a transaction that has failed", func(tx *db.Tx) error { _ = tx.Run(t.Context(), insert(1)); return nil }, insert(), false, 3},
		{"the next one", func(*db.Tx) error { return nil }, insert(7), true, 4},
	} {
		tx := begin(t, pool)
		if err := c.run(tx); err != nil {
			t.Fatal(c.name, err)
		}
		if err := tx.Commit(t.Context(), c.last); (err == nil) != c.commits {
			t.Errorf("%s: %v", c.name, err)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Errorf("%s: rollback: %v", c.name, err)
		}
		var kept int
		if err := pool.QueryRow(t.Context(), `select count(*) from kept`).Scan(&kept); err != nil || kept != c.kept {
			t.Errorf("%s: %d rows, %v", c.name, kept, err)
		}
	}
}
