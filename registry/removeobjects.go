package registry

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/xds"
)

// edge is an association with its ends, bare ids.
type edge struct{ id, source, target string }

// edges are the associations of the record that are among the ids or start or end at
// one. More than maxLinks are META-015: a removal that does not see them all would
// leave some that refer to nothing.
func (x *removal) edges(ctx context.Context, ids []string) ([]edge, error) {
	rows, err := x.session.tx.Query(ctx, `
select id::text, source::text, target::text from association
where record = $1 and (id = any($2::text[]::uuid[]) or source = any($2::text[]::uuid[]) or target = any($2::text[]::uuid[])) order by id limit $3`, x.record, ids, maxLinks+1)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e edge, err error) {
		return e, row.Scan(&e.id, &e.source, &e.target)
	})
	if len(all) > maxLinks {
		x.right.Refuse("META-015")
		return nil, &xds.Error{ID: "META-015", Where: "ObjectRefList", Expected: fmt.Sprintf("au plus %d associations autour de ce qui est supprimé", maxLinks)}
	}
	return all, err
}

// examine holds the referential integrity (ITI TF-2 3.62.4.1.3, NIST 30001…30008): an
// object goes with the associations that refer to it, and what an association joins
// keeps another one or goes too.
func (x *removal) examine(ctx context.Context, findings *xds.Errors) error {
	edges, err := x.edges(ctx, x.ids())
	if err != nil {
		return err
	}
	going := func(id string) bool { _, ok := x.objects[id]; return ok }
	var left []string // ends of what goes that stay
	referred := map[string]bool{}
	for _, e := range edges {
		for _, end := range []string{e.source, e.target} {
			switch {
			case going(e.id) && !going(end) && !slices.Contains(left, end):
				left = append(left, end)
			case !going(e.id) && going(end) && !referred[end]:
				referred[end] = true
				findings.Add(&xds.Error{ID: "REG-008", Where: "ObjectRef", Found: x.named[end], Expected: "avec elle, urn:uuid:" + e.id, Object: x.named[end]})
			}
		}
	}
	around, err := x.edges(ctx, left)
	if err != nil {
		return err
	}
	for _, end := range left {
		if !slices.ContainsFunc(around, func(e edge) bool { return !going(e.id) && (e.source == end || e.target == end) }) {
			findings.Add(&xds.Error{ID: "REG-009", Where: "ObjectRef", Found: "urn:uuid:" + end, Expected: "aussi cet objet", Object: "urn:uuid:" + end})
		}
	}
	return nil
}

// widen adds to documents what cannot stay without them: the associations that refer
// to them, and to these, and the sets that keep none.
func (x *removal) widen(ctx context.Context) error {
	for {
		edges, err := x.edges(ctx, x.ids())
		if err != nil {
			return err
		}
		before := len(x.objects)
		var sources []string
		for _, e := range edges {
			x.objects[e.id] = kindAssociation
			if _, going := x.objects[e.source]; !going && !slices.Contains(sources, e.source) {
				sources = append(sources, e.source)
			}
		}
		empty, err := x.emptied(ctx, sources)
		if err != nil {
			return err
		}
		for _, id := range empty {
			x.objects[id] = kindSet
		}
		if len(x.objects) == before {
			return nil
		}
	}
}

// emptied are the sets among the ids whose every association goes.
func (x *removal) emptied(ctx context.Context, ids []string) ([]string, error) {
	rows, err := x.session.tx.Query(ctx, `
select s.id::text from submission_set s where s.record = $1 and s.id = any($2::text[]::uuid[])
  and not exists (select from association a where a.record = s.record and a.source = s.id and a.id <> all($3::text[]::uuid[]))`,
		x.record, append([]string{}, ids...), x.of(kindAssociation))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// delete takes the rows away and gives the keys of the bytes that they named. What is
// kept is a mark that something was here: the history withholds the lines of a
// document that was hidden, gone or not. A uniqueId that nothing has any more
// may come again: removal is for what should never have been registered, and its
// corrected form bears the same one.
func (x *removal) delete(ctx context.Context, by string) (blobs []string, err error) {
	documents := x.of(kindDocument)
	rows, err := x.session.tx.Query(ctx, `select distinct blob from document_entry where record = $1 and lid = any($2::text[]::uuid[])`, x.record, documents)
	if err != nil {
		return nil, err
	}
	if blobs, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return nil, err
	}
	// The lineages are written to although they stay, so that a concurrent submission
	// that joins one, or borrows bytes, loses and runs again.
	statements := []struct {
		sql  string
		args []any
	}{
		{`update lineage l set mask_ps = mask_ps where l.record = $1 and l.id in (select lineage from document_entry where record = $1 and lid = any($2::text[]::uuid[]))`,
			[]any{x.record, documents}},
		{`insert into removed (record, id, by, hide_patient, hide_reps, removed_at)
select d.record, n.id, $3, bool_or(l.hide_patient), bool_or(l.hide_reps), $4 from document_entry d join lineage l on l.record = d.record and l.id = d.lineage
cross join lateral (values (d.lid::text), (d.entry_uuid::text), (d.unique_id)) n (id)
where d.record = $1 and d.lid = any($2::text[]::uuid[]) group by d.record, n.id
on conflict (record, id) do update set by = $3, hide_patient = excluded.hide_patient, hide_reps = excluded.hide_reps, removed_at = $4`,
			[]any{x.record, documents, by, x.session.Now()}},
		{`insert into removed (record, id, by, hide_patient, hide_reps, removed_at)
select $1, i, $3, false, false, $4 from unnest($2::text[]) i on conflict (record, id) do update set by = $3, removed_at = $4`,
			[]any{x.record, slices.Concat(x.of(kindSet), x.of(kindFolder), x.of(kindAssociation)), by, x.session.Now()}},
		{`delete from association where record = $1 and id = any($2::text[]::uuid[])`, []any{x.record, x.of(kindAssociation)}},
		{`delete from unique_id where record = $1 and uid in (
  select unique_id from submission_set where record = $1 and id = any($2::text[]::uuid[])
  union select unique_id from folder where record = $1 and id = any($3::text[]::uuid[])
  union select d.unique_id from document_entry d where d.record = $1 and d.lid = any($4::text[]::uuid[])
    and not exists (select from document_entry o where o.record = $1 and o.unique_id = d.unique_id and o.lid <> all($4::text[]::uuid[])))`,
			[]any{x.record, x.of(kindSet), x.of(kindFolder), documents}},
		{`delete from object_id where record = $1 and id in (
  select unnest($2::text[]::uuid[])
  union select entry_uuid from document_entry where record = $1 and lid = any($2::text[]::uuid[])
  union select entry_uuid from folder where record = $1 and id = any($2::text[]::uuid[]))`, []any{x.record, x.ids()}},
		{`delete from submission_set where record = $1 and id = any($2::text[]::uuid[])`, []any{x.record, x.of(kindSet)}},
		{`delete from folder where record = $1 and id = any($2::text[]::uuid[])`, []any{x.record, x.of(kindFolder)}},
		{`delete from document_entry where record = $1 and lid = any($2::text[]::uuid[])`, []any{x.record, documents}},
		{`delete from lineage l where l.record = $1 and not exists (select from document_entry d where d.record = $1 and d.lineage = l.id)`, []any{x.record}},
	}
	b := &pgx.Batch{}
	for _, s := range statements {
		b.Queue(s.sql, s.args...)
	}
	var lids []string
	for _, lid := range documents {
		lids = append(lids, "urn:uuid:"+lid)
	}
	x.right.Removed(lids)
	return blobs, x.session.tx.Run(ctx, b)
}
