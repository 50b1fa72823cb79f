package registry

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// Payload is the stored form of an entry.
func Payload(d *xds.DocumentEntry) []byte { return encode(d, d.Extras) }

// Technical tells what no listing shows.
func Technical(d xds.DocumentEntry) bool { return technical(d) }

// SelectVisible gives the bare logicalIDs that the SQL of a Scope lets through by
// itself: Find without the second question in Go.
func SelectVisible(ctx context.Context, s *Session, sc authz.Scope) ([]string, error) {
	st := &statement{}
	sql := fmt.Sprintf(visibleCTE, st.arg(sc.Record()), "d.latest and not d.technical", predicateSQL(sc.Predicate(), st)) + " select lid::text from visible"
	rows, err := s.tx.Query(ctx, sql, st.args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
