package registry

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/xds"
)

// CodeUse is how many documents have a code.
type CodeUse struct {
	Attribute xds.Attribute
	Key       string // code^^scheme
	Documents int    // that are not deleted
	Recent    int    // of them, registered since the instant that was asked for
}

// codeColumns are the attributes of which a column has the code.
var codeColumns = map[xds.Attribute]string{
	xds.AttrTypeCode: "type_key", xds.AttrClassCode: "class_key", xds.AttrFormatCode: "format_key",
	xds.AttrFacilityType: "facility_key", xds.AttrPracticeSetting: "setting_key",
}

// CodeUses counts the codes of all documents, for an operator who is about to change the
// value sets: no document, record or name is told. The zero System counts nothing.
func (r *Registry) CodeUses(ctx context.Context, sys authz.System, since time.Time) (all []CodeUse, err error) {
	if err := db.BySystem(sys); err != nil {
		return nil, err
	}
	for attribute, column := range codeColumns {
		rows, err := r.pool.Query(ctx, `
select `+column+`, count(*), count(*) filter (where registered_at >= $1) from document_entry
where latest and not technical and status <> $2 group by 1 order by 1`, since, int16(authz.DocDeleted))
		if err != nil {
			return nil, err
		}
		uses, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (CodeUse, error) {
			u := CodeUse{Attribute: attribute}
			return u, row.Scan(&u.Key, &u.Documents, &u.Recent)
		})
		if err != nil {
			return nil, err
		}
		all = append(all, uses...)
	}
	return all, nil
}
