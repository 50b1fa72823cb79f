package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

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
	columns := "d.record, d.lid, d.version"
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

// documentSQL reads admitted rows whole; `chosen` is made of visible rows alone.
const documentSQL = `
select ` + wholeSQL + `%s
from chosen c
join document_entry d on d.record = c.record and d.lid = c.lid and d.version = c.version
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
		if after, err = afterSQL(q, keys, st); err != nil {
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
	for _, m := range q.Match {
		add(m.Attribute)
	}
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
	parts := []string{"true"}
	for _, m := range q.Match {
		sql, err := matchSQL(m, st)
		if err != nil {
			return "", err
		}
		parts = append(parts, sql)
	}
	return strings.Join(parts, " and "), nil
}

// sortKey is one ordering column with its direction; none is ever null.
type sortKey struct {
	column
	desc bool
}

// order is the order of an answer: the one wanted, by default creationTime newest
// first.
func order(wanted []xds.Order) []xds.Order {
	if len(wanted) == 0 {
		return []xds.Order{{Attribute: xds.AttrCreationTime, Descending: true}}
	}
	return wanted
}

// orderKeys gives the keys of an answer's order; logicalID always breaks ties.
func orderKeys(wanted []xds.Order) ([]sortKey, error) {
	var keys []sortKey
	for _, o := range order(wanted) {
		col, ok := columns[o.Attribute]
		if !ok || col.kind == listColumn || col.kind == codesColumn {
			return nil, fmt.Errorf("no order by %s", o.Attribute)
		}
		keys = append(keys, sortKey{col, o.Descending})
	}
	return keys, nil
}

// orderSQL orders rows whose columns stand behind a prefix.
func orderSQL(prefix string, keys []sortKey) string {
	var parts []string
	for _, k := range keys {
		parts = append(parts, k.key(prefix)+direction(k.desc))
	}
	return strings.Join(append(parts, prefix+"lid"), ", ")
}

// key is what rows are ordered by; an absent instant comes before all others.
func (k sortKey) key(prefix string) string {
	if k.kind == timeColumn {
		return "coalesce(" + prefix + k.sql + ", '-infinity')"
	}
	return prefix + k.sql
}

// textsSQL are the keys of a row as texts that a cursor carries, valueSQL one of
// them as the value that it was.
func textsSQL(keys []sortKey) []string {
	var exprs []string
	for _, k := range keys {
		exprs = append(exprs, k.key("")+"::text")
	}
	return exprs
}

func (k sortKey) valueSQL(placeholder string) string {
	types := map[columnKind]string{timeColumn: "timestamptz", uuidColumn: "uuid", statusColumn: "smallint"}
	return placeholder + "::text::" + cmp.Or(types[k.kind], "text")
}

func direction(desc bool) string {
	if desc {
		return " desc"
	}
	return ""
}

// afterSQL is the keyset condition: strictly after the cursor in the order.
func afterSQL(q xds.Query, keys []sortKey, st *statement) (string, error) {
	if len(q.After.Values) != len(keys) || unstorable(q.After.LogicalID) || slices.ContainsFunc(q.After.Values, unstorable) {
		return "", fmt.Errorf("cursor of another order")
	}
	equal, alternatives := "", []string{}
	for i, k := range keys {
		v := k.valueSQL(st.arg(q.After.Values[i]))
		op := " > "
		if k.desc {
			op = " < "
		}
		alternatives = append(alternatives, "("+equal+k.key("")+op+v+")")
		equal += k.key("") + " = " + v + " and "
	}
	lid := strings.TrimPrefix(q.After.LogicalID, "urn:uuid:")
	alternatives = append(alternatives, "("+equal+"lid > "+st.arg(lid)+"::text::uuid)")
	return "where (" + strings.Join(alternatives, " or ") + ")", nil
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

// scanDocuments reads the rows of documentSQL.
func scanDocuments(rows pgx.Rows, each func(d xds.Document, total int, related bool, key []string)) error {
	defer rows.Close()
	for rows.Next() {
		var d xds.Document
		var total int
		var related bool
		var key []string
		if err := scanDocument(rows, &d, &total, &related, &key); err != nil {
			return err
		}
		each(d, total, related, key)
	}
	return rows.Err()
}

// scanDocument reads one row: the entry from its payload, and over it what the
// columns keep current (ids, version, status, marks).
func scanDocument(row pgx.Row, d *xds.Document, extra ...any) error {
	var status, origin int16
	var registered, updated time.Time
	var payload []byte
	e := &d.Entry
	var entryUUID, lid string
	dest := []any{&d.Record, &lid, &e.Version, &entryUUID, &d.Lineage, &status, &d.Authors, &d.Depositor, &d.Structure,
		&origin, &d.Content.Blob, &d.Content.SHA256, &d.Content.Seal, &registered, &updated, &payload,
		&d.Marks.MaskedPS, &d.Marks.HiddenPatient, &d.Marks.HiddenReps, &d.LineageAuthors}
	if err := row.Scan(append(dest, extra...)...); err != nil {
		return err
	}
	version := e.Version
	if err := decode(payload, e, &e.Extras); err != nil {
		return fmt.Errorf("document %s: %w", lid, err)
	}
	e.Version = version
	e.EntryUUID, e.LogicalID = "urn:uuid:"+entryUUID, "urn:uuid:"+lid
	if int(status) >= len(statusName) {
		return errors.New("unknown status")
	}
	e.AvailabilityStatus = statusName[status]
	e.Confidentiality = append(e.Confidentiality, d.Marks.Codes()...)
	d.Origin = origins[origin]
	d.Content.SHA1, d.Content.Size = e.Hash, e.Size
	d.Labels = xds.Labels{RegisteredUnix: registered.Unix(), UpdatedUnix: updated.Unix()}
	return nil
}

var origins = map[int16]xds.Origin{0: xds.FromPro, 1: xds.FromPatient, 2: xds.FromInsurer}
