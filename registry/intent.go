package registry

import (
	"context"
	"fmt"
)

// Intend says, durably, that a submission is about to write blobs for a record, and
// gives the prefix of their keys (safety §4.2, step 2). Submit takes the intent
// away in its transaction; Withdraw does when nothing was written or all was
// discarded. One that is left tells a sweeper where orphans may be.
func (r *Registry) Intend(ctx context.Context, record string) (prefix string, err error) {
	prefix = record + "/" + r.NewID()
	if _, err := r.pool.Exec(ctx, `insert into blob_intent (prefix, created_at) values ($1, $2)`, prefix, r.Now()); err != nil {
		return "", fmt.Errorf("intent: %w", err)
	}
	return prefix, nil
}

// Withdraw takes an intent away.
func (r *Registry) Withdraw(ctx context.Context, prefix string) error {
	_, err := r.pool.Exec(ctx, `delete from blob_intent where prefix = $1`, prefix)
	return err
}
