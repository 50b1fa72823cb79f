package registry

import (
	"context"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// Inspect gives the current documents of a record for the gateway itself, to
// explain decisions to its operator. It is no answer to anybody: what it returns
// is not Visible, so no encoder and no store takes it. The zero System sees nothing.
func (s *Session) Inspect(ctx context.Context, sys authz.System, record string) ([]xds.Document, error) {
	if sys.Reason() == "" {
		return nil, nil
	}
	return s.documentsWhere(ctx, `d.record = $1 and d.latest order by d.creation_at desc, d.lid limit 2000`, record)
}
