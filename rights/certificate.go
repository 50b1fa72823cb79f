package rights

import (
	"context"
	"encoding/json"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// Certificate is the signed certificate of the last definitive deletion (S3), a file to be
// kept (R-48: the record is erased, its state can be read). JSON-003 when there was none,
// or while it is not complete.
func (d *Desk) Certificate(ctx context.Context, c Call) (file json.RawMessage, err error) {
	err = d.profile(ctx, c, c.Purpose(authz.ReadState, "certificate"), func(session *registry.Session, allowed authz.Allowed) error {
		file, err = record.Certificate(ctx, session.Handle(), allowed)
		if err == nil && file == nil {
			err = &xds.Error{ID: "JSON-003"}
		}
		return err
	})
	return file, err
}
