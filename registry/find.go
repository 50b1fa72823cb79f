package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// Page is one page of an answer.
type Page struct {
	Documents []authz.Visible[xds.Document]
	Total     int         // all that the query matches, when Query.Count was set
	Next      *xds.Cursor // where the next page starts, nil on the last one
	Related   bool        // with Query.Relations: an association starts at one of them
}

// MaxResults bounds one answer whatever its query asks (ITI TF-2 3.18.4.1.3, XDSTooManyResults).
const MaxResults = 10000

// visibleSQL is the only statement that reads document_entry for an answer: the
// Scope's predicate runs here, materialised, so that a client's condition never
// sees a hidden row (safety §1.2.6). names are the columns that the conditions and
// the order of the query look at: the fewer, the less is copied for each row.
func visibleSQL(sc authz.Scope, which, record string, names []string, st *statement) string {
	return visibleRows(predicateSQL(sc.Predicate(), st), which, record, names)
}

func visibleRows(predicate, which, record string, names []string) string {
	columns := "d.ctid as place, d.lid"
	for _, name := range names {
		if name == "confidentiality" {
			columns += ", " + confidentialitySQL
		} else {
			columns += ", d." + name
		}
	}
	return `
with visible as materialized (
  select ` + columns + `
  from document_entry d
  join lineage l on l.record = d.record and l.id = d.lineage
  where d.record = ` + record + `::uuid and ` + which + ` and ` + predicate + `
)`
}

// listed are the rows that a search may list.
const listed = "d.latest and not d.technical"

const confidentialitySQL = `d.base_codes
           || case when l.mask_ps then array['` + xds.MarkMaskedPS + `^^` + xds.MarkScheme + `'] else '{}'::text[] end
           || case when l.hide_patient then array['` + xds.MarkHiddenPatient + `^^` + xds.MarkScheme + `', '` + xds.MarkNOPAT + `^^` + xds.ActCodeScheme + `'] else '{}'::text[] end
           || case when l.hide_reps then array['` + xds.MarkHiddenReps + `^^` + xds.MarkScheme + `'] else '{}'::text[] end
           as confidentiality`

// wholeSQL are the columns that scanDocument reads, of document_entry d and lineage l.
const wholeSQL = `d.record::text, d.lid::text, d.version, d.entry_uuid::text, d.lineage::text, d.status, d.authors, d.depositor, d.structure,
       d.origin, d.blob, d.sha256, d.seal, d.registered_at, d.updated_at, d.entry,
       l.mask_ps, l.hide_patient, l.hide_reps, l.authors`

// documentSQL reads admitted rows whole; `chosen` is made of visible rows alone. A row
// is found again by its place in the table, which one snapshot does not see change.
const documentSQL = `
select ` + wholeSQL + `%s
from chosen c
join document_entry d on d.ctid = c.place
join lineage l on l.record = d.record and l.id = d.lineage`

// currentSQL reads documents for a decision or for the registry's own work: what
// it reads is never an answer.
const currentSQL = `
select ` + wholeSQL + `
from document_entry d
join lineage l on l.record = d.record and l.id = d.lineage`

// Find answers a query with what the Scope admits of its record. The zero Scope
// finds nothing. Only current metadata versions are listed, and never the
// signature of a lot.
func (s *Session) Find(ctx context.Context, sc authz.Scope, q xds.Query) (Page, error) {
	if sc.Record() == "" {
		return Page{}, nil
	}
	if !sc.HeldBy(s) {
		return Page{}, errForeign
	}
	limit := q.Limit
	if limit <= 0 || limit > MaxResults {
		limit = MaxResults
	}
	sql, st, err := findSQL(sc, q, limit)
	if err != nil {
		return Page{}, err
	}
	rows, err := s.tx.Query(ctx, sql, st.args...)
	if err != nil {
		return Page{}, err
	}
	page := Page{}
	read := 0
	var last xds.Document
	var lastKey []string
	err = scanDocuments(rows, func(d xds.Document, total int, related bool, key []string) {
		page.Total = total
		if read++; read > limit {
			page.Next = &xds.Cursor{Values: lastKey, LogicalID: last.Entry.LogicalID}
			return
		}
		last, lastKey = d, key
		if v, ok := s.admit(sc, d); ok {
			page.Documents = append(page.Documents, v)
			page.Related = page.Related || related
		}
	})
	if err != nil {
		return Page{}, err
	}
	if q.Count && read == 0 && q.After != nil {
		page.Total, err = s.count(ctx, sc, q)
	}
	return page, err
}

// findSQL composes the statement: visible rows, the client's conditions, order,
// keyset position and limit, in that order. One row more than the limit tells
// whether there is a next page.
func findSQL(sc authz.Scope, q xds.Query, limit int) (string, *statement, error) {
	st := &statement{}
	visible, err := matchedSQL(sc, q, st)
	if err != nil {
		return "", nil, err
	}
	keys, err := orderKeys(q.Sort)
	if err != nil {
		return "", nil, err
	}
	total, related, after := "0::bigint", "false", ""
	if q.Count {
		total = "(select count(*) from matched)"
	}
	if q.Relations {
		related = "exists (select from association a where a.record = d.record and a.source = d.lid)"
	}
	if q.After != nil {
		if after, err = afterSQL(q.After, keys, "lid", st); err != nil {
			return "", nil, err
		}
	}
	sql := visible + `, chosen as (
  select *, array[` + strings.Join(textsSQL(keys), ", ") + `] as sort_key, ` + total + ` as total from matched ` + after + `
  order by ` + orderSQL("", keys) + ` limit ` + st.arg(limit+1) + `
)` + fmt.Sprintf(documentSQL, ", c.total, "+related+", c.sort_key") + ` order by ` + orderSQL("c.", keys)
	return sql, st, nil
}

// matchedSQL are the visible rows that a query matches.
func matchedSQL(sc authz.Scope, q xds.Query, st *statement) (string, error) {
	visible := visibleSQL(sc, listed, st.arg(sc.Record()), names(q), st)
	matched, err := matchesSQL(q, st)
	return visible + `, matched as (select * from visible where ` + matched + `)`, err
}

// names are the columns that a query looks at, each once.
func names(q xds.Query) []string {
	var names []string
	add := func(a xds.Attribute) {
		if c, ok := columns[a]; ok && c.sql != "lid" && !slices.Contains(names, c.sql) {
			names = append(names, c.sql)
		}
	}
	var of func(match []xds.Match)
	of = func(match []xds.Match) {
		for _, m := range match {
			add(m.Attribute)
			of(m.Any)
			of(m.All)
		}
	}
	of(q.Match)
	for _, o := range order(q.Sort) {
		add(o.Attribute)
	}
	return names
}

// count counts when the page itself is empty, so that a page past the end still
// tells the total.
func (s *Session) count(ctx context.Context, sc authz.Scope, q xds.Query) (int, error) {
	st := &statement{}
	sql, err := matchedSQL(sc, q, st)
	if err != nil {
		return 0, err
	}
	var n int
	err = s.tx.QueryRow(ctx, sql+` select count(*) from matched`, st.args...).Scan(&n)
	return n, err
}

func matchesSQL(q xds.Query, st *statement) (string, error) {
	return matchesAmong(columns, q.Match, st)
}

// matchesAmong is the conjunction of conditions on the columns of one kind of object.
func matchesAmong(columns map[xds.Attribute]column, match []xds.Match, st *statement) (string, error) {
	parts := []string{"true"}
	for _, m := range match {
		sql, err := matchAmong(columns, m, st)
		if err != nil {
			return "", err
		}
		parts = append(parts, sql)
	}
	return strings.Join(parts, " and "), nil
}

// admit asks the Scope again in Go. A row that SQL let through and Go refuses is
// dropped and reported: it must never happen (policy_disagreement_total).
func (s *Session) admit(sc authz.Scope, d xds.Document) (authz.Visible[xds.Document], bool) {
	v, ok := authz.Admit(sc, d)
	if !ok {
		s.registry.report("policy disagreement")
	}
	return v, ok
}
