package account

import (
	"context"
	"crypto/sha256"
	"errors"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/registry/internal/db"
)

// Tried is what failures are counted by: an identifier, an address, the data of a notice.
// It is kept as a hash, so that what people mistype is not collected.
type Tried struct {
	Kind  string
	Value string
	Limit Limit
}

// Limit is how many failures in a row are forgiven, and how long the door is shut after
// the next ones: First, doubled with each failure, up to Longest. Failures are forgotten
// Memory after the last one.
type Limit struct {
	Free           int
	First, Longest time.Duration
	Memory         time.Duration
}

// shut is how long nothing succeeds after the n-th failure in a row.
func (l Limit) shut(n int) time.Duration {
	if n < l.Free {
		return 0
	}
	shut := l.First
	for range n - l.Free {
		if shut *= 2; shut >= l.Longest {
			return l.Longest
		}
	}
	return min(shut, l.Longest)
}

func (t Tried) key() []byte {
	sum := sha256.Sum256([]byte("passerelle " + t.Kind + " " + t.Value))
	return sum[:]
}

// ShutUntil is when the last of several doors opens again, the zero time when all are open.
func ShutUntil(ctx context.Context, h db.Handle, now time.Time, all ...Tried) (time.Time, error) {
	var keys [][]byte
	for _, t := range all {
		keys = append(keys, t.key())
	}
	var until *time.Time
	err := db.On(h).QueryRow(ctx, `select max(shut_until) from signin_failure where key = any($1) and shut_until > $2`, keys, now).Scan(&until)
	if err != nil || until == nil {
		return time.Time{}, err
	}
	return *until, nil
}

// Failed is where a count of failures stands after one more.
type Failed struct {
	Failures int
	Until    time.Time // of the door; zero: open
}

// Fail counts a failure.
func Fail(ctx context.Context, h db.Handle, t Tried, now time.Time) (Failed, error) {
	tx, key := db.On(h), t.key()
	var n int
	var last time.Time
	err := tx.QueryRow(ctx, `select failures, last_at from signin_failure where key = $1 for update`, key).Scan(&n, &last)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return Failed{}, err
	}
	if now.Sub(last) >= t.Limit.Memory {
		n = 0
	}
	f := Failed{Failures: n + 1}
	until := now
	if shut := t.Limit.shut(f.Failures); shut > 0 {
		until = now.Add(shut)
		f.Until = until
	}
	_, err = tx.Exec(ctx, `insert into signin_failure (key, failures, last_at, shut_until) values ($1, $2, $3, $4)
on conflict (key) do update set failures = excluded.failures, last_at = excluded.last_at, shut_until = excluded.shut_until`, key, f.Failures, now, until)
	return f, err
}

// Forgive forgets the failures of what has succeeded.
func Forgive(ctx context.Context, h db.Handle, all ...Tried) error {
	var keys [][]byte
	for _, t := range all {
		keys = append(keys, t.key())
	}
	_, err := db.On(h).Exec(ctx, `delete from signin_failure where key = any($1)`, keys)
	return err
}

// Claim puts what is done for one person one after the other: of two transactions that
// claim him at once, the slower one begins anew and sees what the other one did.
func Claim(ctx context.Context, h db.Handle, person string, now time.Time) error {
	_, err := Fail(ctx, h, Tried{Kind: "claim", Value: person, Limit: Limit{Free: math.MaxInt}}, now)
	return err
}
