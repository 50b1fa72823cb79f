package intake

import (
	"context"
	"errors"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// Target is the logicalId of the document with a uniqueId that a submission of the
// subject may point at: the newest that he sees, or, for a structure, that it
// deposited itself; "" when there is none for him, known to others or not. It
// leaves no trace: the decision on the submission comes after. The error is a failure.
func (d *Desk) Target(ctx context.Context, subject authz.Subject, transaction, uniqueID string) (logicalID string, err error) {
	for _, action := range []authz.Value{authz.Search, authz.Exists} {
		err := d.Registry.Peek(ctx, func(session *registry.Session) error {
			scopes, err := session.Scopes(ctx, d.Gate, subject, authz.Purpose{Action: action, Transaction: transaction, ByID: true}, uniqueID)
			if err != nil {
				return err
			}
			for _, scope := range scopes {
				docs, err := session.Get(ctx, scope, uniqueID)
				if err != nil {
					return err
				}
				for _, v := range docs {
					if found, ok := v.Value(); ok && found.Entry.UniqueID == uniqueID && logicalID == "" {
						logicalID = found.Entry.LogicalID
					}
				}
			}
			return nil
		})
		var refusal *xds.Error
		if err != nil && !errors.As(err, &refusal) {
			return "", err
		}
	}
	return logicalID, nil
}
