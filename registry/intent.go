package registry

import (
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/passerelle-sante/passerelle/failpoint"
	"github.com/passerelle-sante/passerelle/xds"
)

// Intend says that a submission is about to write blobs for a record, and gives the
// prefix of their keys (safety §4.2, step 2): the record, the epoch under whose key they
// are encrypted, and an id of its own. Submit takes the intent away in its
// transaction; Withdraw does when nothing was written or all was discarded. One
// that is left tells a sweeper where orphans may be. It does not wait for the disk:
// a database that crashes in that instant forgets the intent, the submission then
// fails, and Reconcile finds its blobs.
func (r *Registry) Intend(ctx context.Context, record string) (prefix string, err error) {
	b := &pgx.Batch{} // one transaction
	b.Queue(`select set_config('synchronous_commit', 'off', true)`)
	b.Queue(`
insert into blob_intent (prefix, created_at) select id || '/' || epoch || '/' || $2, $3 from record where id = $1
returning prefix`, record, r.NewID(), r.Now()).QueryRow(func(row pgx.Row) error { return row.Scan(&prefix) })
	failpoint.Before(failpoint.Intent)
	if err := r.pool.SendBatch(ctx, b).Close(); err != nil {
		return "", fmt.Errorf("intent: %w", marked(err))
	}
	failpoint.After(failpoint.Intent)
	return prefix, nil
}

// Withdraw takes an intent away.
func (r *Registry) Withdraw(ctx context.Context, prefix string) error {
	_, err := r.pool.Exec(ctx, `delete from blob_intent where prefix = $1`, prefix)
	return err
}

// queueFulfilment takes away the intents that a submission fulfils. All must be
// there: one that is gone or condemned is one whose blobs a sweeper took for left
// over, and metadata must not name them (safety §4.2, I-1).
func (p *plan) queueFulfilment(b *pgx.Batch) {
	prefixes := []string{}
	for i, c := range p.contents {
		if c.Blob == "" || p.borrowed[i] { // nothing was written for it
			continue
		}
		if dir := path.Dir(c.Blob); !slices.Contains(prefixes, dir) {
			prefixes = append(prefixes, dir)
		}
	}
	b.Queue(`delete from blob_intent where prefix = any($1) and created_at > '-infinity'`, prefixes).Exec(func(done pgconn.CommandTag) error {
		if done.RowsAffected() == int64(len(prefixes)) {
			return nil
		}
		p.deposit.Refuse("REG-006")
		return &xds.Error{ID: "REG-006"}
	})
}
