package registry

import (
	"context"
	"errors"

	"github.com/passerelle-sante/passerelle/authz"
)

// Wipe empties every table: the reset of a sandbox. No service that holds real
// records may ask for it.
func (r *Registry) Wipe(ctx context.Context, sys authz.System) error {
	if sys.Reason() == "" {
		return errors.New("wipe without a reason")
	}
	_, err := r.pool.Exec(ctx, `truncate record, record_person, professional, link, block, lineage, document_entry, submission_set, folder,
association, object_id, unique_id, trail, blob_intent, matrix_version, outbox, subscription, pull_point, removed, application_grant`)
	return err
}
