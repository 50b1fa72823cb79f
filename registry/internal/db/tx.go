package db

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Tx is one REPEATABLE READ transaction. It begins with its first statement and
// ends with the last batch, in their round trips: a request of three statements
// waits for the server three times, not five. It is not safe for concurrent use.
type Tx struct {
	conn  *pgxpool.Conn // nil once it has ended
	begun bool
}

const beginSQL = "begin isolation level repeatable read"

// Begin makes the transaction of a connection, which it gives back at its end. A
// server that does not answer within patience, from now on, is given up: statements
// fail with a timeout, and the connection is closed.
func Begin(conn *pgxpool.Conn, patience time.Duration) *Tx {
	_ = wire(conn).SetDeadline(time.Now().Add(patience)) // one that is closed fails by itself
	return &Tx{conn: conn}
}

func wire(conn *pgxpool.Conn) net.Conn { return conn.Conn().PgConn().Conn() }

// errEnded is a statement after the end of its transaction, errNone one after a first
// statement that failed before the transaction was there: on its own it would be
// committed at once.
var (
	errEnded = errors.New("transaction ended")
	errNone  = errors.New("transaction never begun")
)

// first tells that the next statement has to begin the transaction.
func (t *Tx) first() (bool, error) {
	switch {
	case t.conn == nil:
		return false, errEnded
	case !t.begun:
		t.begun = true
		return true, nil
	case t.conn.Conn().PgConn().TxStatus() == 'I':
		return false, errNone
	}
	return false, nil
}

// Query is pgx.Tx.Query.
func (t *Tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	first, err := t.first()
	if err != nil {
		return nil, err
	}
	if !first {
		return t.conn.Query(ctx, sql, args...)
	}
	results, err := t.begin(ctx, sql, args)
	if err != nil {
		return nil, err
	}
	rows, err := results.Query()
	if err != nil {
		return nil, errors.Join(err, results.Close())
	}
	return &firstRows{Rows: rows, results: results}, nil
}

// QueryRow is pgx.Tx.QueryRow.
func (t *Tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	first, err := t.first()
	if err != nil {
		return failedRow{err}
	}
	if !first {
		return t.conn.QueryRow(ctx, sql, args...)
	}
	results, err := t.begin(ctx, sql, args)
	if err != nil {
		return failedRow{err}
	}
	return firstRow{results}
}

// Exec is pgx.Tx.Exec.
func (t *Tx) Exec(ctx context.Context, sql string, args ...any) (tag pgconn.CommandTag, err error) {
	first, err := t.first()
	if err != nil {
		return tag, err
	}
	if !first {
		return t.conn.Exec(ctx, sql, args...)
	}
	results, err := t.begin(ctx, sql, args)
	if err != nil {
		return tag, err
	}
	tag, err = results.Exec()
	return tag, errors.Join(err, results.Close())
}

// Run runs the statements of a batch, and the functions queued with them, in one
// round trip.
func (t *Tx) Run(ctx context.Context, b *pgx.Batch) error {
	first, err := t.first()
	if err != nil {
		return err
	}
	if first {
		whole := &pgx.Batch{}
		whole.Queue(beginSQL)
		whole.QueuedQueries = append(whole.QueuedQueries, b.QueuedQueries...)
		b = whole
	}
	return t.conn.SendBatch(ctx, b).Close()
}

// begin sends the first statement behind the beginning.
func (t *Tx) begin(ctx context.Context, sql string, args []any) (pgx.BatchResults, error) {
	b := &pgx.Batch{}
	b.Queue(beginSQL)
	b.Queue(sql, args...)
	results := t.conn.SendBatch(ctx, b)
	if _, err := results.Exec(); err != nil {
		return nil, errors.Join(err, results.Close())
	}
	return results, nil
}

// Commit runs the last statements and commits, all in one round trip.
func (t *Tx) Commit(ctx context.Context, last *pgx.Batch) error {
	if t.conn == nil {
		return errEnded
	}
	if !t.begun && last.Len() == 0 {
		t.release()
		return nil
	}
	last.Queue("commit").Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" { // ROLLBACK is the answer when the transaction has failed
			return fmt.Errorf("commit answered %s", tag)
		}
		return nil
	})
	if err := t.Run(ctx, last); err != nil {
		return err
	}
	t.release()
	return nil
}

// Rollback ends the transaction without effect; after its end it does nothing.
func (t *Tx) Rollback(ctx context.Context) error {
	if t.conn == nil {
		return nil
	}
	defer t.release()
	if !t.begun {
		return nil
	}
	_, err := t.conn.Exec(ctx, "rollback")
	return err
}

// release gives the connection back; the pool closes one that is still in a
// transaction.
func (t *Tx) release() {
	_ = wire(t.conn).SetDeadline(time.Time{})
	t.conn.Release()
	t.conn = nil
}

// firstRows and firstRow end the batch of the first statement when they are read.
type firstRows struct {
	pgx.Rows
	results pgx.BatchResults
	err     error
	closed  bool
}

func (r *firstRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

func (r *firstRows) Close() {
	r.Rows.Close()
	if !r.closed {
		r.closed, r.err = true, r.results.Close()
	}
}

func (r *firstRows) Err() error {
	if err := r.Rows.Err(); err != nil {
		return err
	}
	return r.err
}

type firstRow struct{ results pgx.BatchResults }

func (r firstRow) Scan(dest ...any) error {
	err := r.results.QueryRow().Scan(dest...)
	if closed := r.results.Close(); err == nil {
		return closed
	}
	return err
}

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }
