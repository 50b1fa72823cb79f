package registry

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/xds"
)

// loadTargets reads and locks the registered documents that associations name.
func (p *plan) loadTargets(ctx context.Context) error {
	wanted := []string{}
	for _, a := range p.lot.Associations {
		if _, inLot := p.ids[a.Target]; !inLot && xds.IsUUID(a.Target) {
			wanted = append(wanted, bareID(a.Target))
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	rows, err := p.session.tx.Query(ctx, `
select v.entry_uuid::text, `+wholeSQL+`
from document_entry v
join document_entry d on d.record = v.record and d.lid = v.lid and d.latest
join lineage l on l.record = d.record and l.id = d.lineage
where v.record = $1 and (v.entry_uuid = any($2) or v.latest and v.lid = any($2))
for update of d, l`, p.deposit.Record(), wanted)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var d xds.Document
		var named string
		if err := scanDocument(prefixed{rows, &named}, &d); err != nil {
			return err
		}
		p.targets["urn:uuid:"+named] = d
		p.targets[d.Entry.LogicalID] = d
	}
	return rows.Err()
}

// prefixed scans one more column before those of scanDocument.
type prefixed struct {
	rows  pgx.Rows
	first any
}

func (p prefixed) Scan(dest ...any) error { return p.rows.Scan(append([]any{p.first}, dest...)...) }

// judgeAssociations asks the deposit about every registered target, and finds
// ends that are nowhere. A source is always of the lot: a registered one, seen or
// not, answers as an unknown one.
func (p *plan) judgeAssociations() {
	for _, a := range p.lot.Associations {
		where := "Association[" + p.given[a.EntryUUID] + "]"
		if _, inLot := p.ids[a.Source]; !inLot {
			p.findings.Add(&xds.Error{ID: "REG-004", Where: where + ".sourceObject", Found: a.Source, Object: a.Source})
			continue
		}
		if _, inLot := p.ids[a.Target]; inLot {
			continue
		}
		target, known := p.targets[a.Target]
		var err error = &xds.Error{ID: "REG-004"}
		if known {
			err = p.deposit.Target(target, a.Type)
		}
		if e, ok := err.(*xds.Error); ok {
			p.findings.Add(&xds.Error{ID: e.ID, Where: where + ".targetObject", Found: a.Target, Object: a.Target})
			continue
		}
		if a.Type.Supersedes() {
			p.replaced = append(p.replaced, bareID(target.Entry.LogicalID))
		}
	}
}
