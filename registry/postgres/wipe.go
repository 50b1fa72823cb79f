package postgres

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Wipe empties every table of the schema: the reset of the sandbox. It must never
// be reachable from a service that holds real records.
func Wipe(ctx context.Context, pool *pgxpool.Pool) error {
	_, err := pool.Exec(ctx, `truncate record, record_person, professional, link, block, lineage, document_entry, submission_set, folder,
association, object_id, unique_id, trail, blob_intent`)
	return err
}
