package registry

import (
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
}

// MaxResults bounds one answer whatever its query asks (ITI TF-2 3.18.4.1.3, XDSTooManyResults).
const MaxResults = 10000

// visibleCTE is the only place that reads document_entry for an answer: the
// Scope's predicate runs here, materialised, so that a client's condition never
// sees a hidden row (safety §1.2.6).
const visibleCTE = `
with visible as materialized (
  select d.record, d.lid, d.version, d.latest, d.entry_uuid, d.unique_id, d.status, d.type_key, d.class_key, d.format_key,
         d.facility_key, d.setting_key, d.event_keys, d.reference_ids, d.author_names, d.institutions, d.object_type, d.language,
         d.mime_type, d.creation_at, d.start_at, d.stop_at, d.updated_at,
         d.base_codes
           || case when l.mask_ps then array['` + xds.MarkMaskedPS + `^^` + xds.MarkScheme + `'] else '{}'::text[] end
           || case when l.hide_patient then array['` + xds.MarkHiddenPatient + `^^` + xds.MarkScheme + `', '` + xds.MarkNOPAT + `^^` + xds.ActCodeScheme + `'] else '{}'::text[] end
           || case when l.hide_reps then array['` + xds.MarkHiddenReps + `^^` + xds.MarkScheme + `'] else '{}'::text[] end
           as confidentiality
  from document_entry d
  join lineage l on l.record = d.record and l.id = d.lineage
  where d.record = %s::uuid and %s and %s
)`

// wholeSQL are the columns that scanDocument reads, of document_entry d and lineage l.
const wholeSQL = `d.record::text, d.lid::text, d.version, d.entry_uuid::text, d.lineage::text, d.status, d.authors, d.depositor, d.structure,
       d.origin, d.blob, d.sha256, d.registered_at, d.updated_at, d.entry,
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
	err = scanDocuments(rows, func(d xds.Document, total int, key []string) {
		page.Total = total
		if read++; read > limit {
			page.Next = &xds.Cursor{Values: lastKey, LogicalID: last.Entry.LogicalID}
			return
		}
		last, lastKey = d, key
		if v, ok := s.admit(sc, d); ok {
			page.Documents = append(page.Documents, v)
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
	visible := fmt.Sprintf(visibleCTE, st.arg(sc.Record()), "d.latest and not d.technical", predicateSQL(sc.Predicate(), st))
	matched, err := matchesSQL(q, st)
	if err != nil {
		return "", nil, err
	}
	keys, err := orderKeys(q.Sort)
	if err != nil {
		return "", nil, err
	}
	count := ""
	if q.Count {
		count = ", (select count(*) from matched) as total"
	} else {
		count = ", 0::bigint as total"
	}
	after := ""
	if q.After != nil {
		if after, err = afterSQL(q, keys, st); err != nil {
			return "", nil, err
		}
	}
	sql := visible + `, matched as (select * from visible where ` + matched + `), chosen as (
  select *, array[` + strings.Join(textsSQL(keys), ", ") + `] as sort_key` + count + ` from matched ` + after + `
  order by ` + orderSQL(keys) + ` limit ` + st.arg(limit+1) + `
)` + fmt.Sprintf(documentSQL, ", c.total, c.sort_key") + ` order by ` + orderedSQL(keys)
	return sql, st, nil
}

// count counts when the page itself is empty, so that a page past the end still
// tells the total.
func (s *Session) count(ctx context.Context, sc authz.Scope, q xds.Query) (int, error) {
	st := &statement{}
	sql := fmt.Sprintf(visibleCTE, st.arg(sc.Record()), "d.latest and not d.technical", predicateSQL(sc.Predicate(), st))
	matched, err := matchesSQL(q, st)
	if err != nil {
		return 0, err
	}
	var n int
	err = s.tx.QueryRow(ctx, sql+` select count(*) from visible where `+matched, st.args...).Scan(&n)
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

// sortKey is one ordering column with its direction; all are not null.
type sortKey struct {
	sql  string
	desc bool
}

// orderKeys gives the keys of an answer's order: those wanted, by default
// creationTime newest first; logicalID always breaks ties.
func orderKeys(sort []xds.Order) ([]sortKey, error) {
	if len(sort) == 0 {
		sort = []xds.Order{{Attribute: xds.AttrCreationTime, Descending: true}}
	}
	var keys []sortKey
	for _, o := range sort {
		col, ok := columns[o.Attribute]
		if !ok || col.kind == listColumn || col.kind == codesColumn {
			return nil, fmt.Errorf("no order by %s", o.Attribute)
		}
		keys = append(keys, sortKey{orderExpr(col), o.Descending})
	}
	return keys, nil
}

// orderSQL orders the rows of `matched`, orderedSQL the joined rows, by the key
// values that `chosen` kept.
func orderSQL(keys []sortKey) string {
	var parts []string
	for _, k := range keys {
		parts = append(parts, k.sql+direction(k.desc))
	}
	return strings.Join(append(parts, "lid"), ", ")
}

func orderedSQL(keys []sortKey) string {
	var parts []string
	for i, k := range keys {
		parts = append(parts, fmt.Sprintf("c.sort_key[%d]%s", i+1, direction(k.desc)))
	}
	return strings.Join(append(parts, "c.lid"), ", ")
}

// orderExpr is a column as a text that sorts as the column does.
func orderExpr(c column) string {
	if c.kind == timeColumn {
		return `coalesce(to_char(` + c.sql + ` at time zone 'UTC', 'YYYYMMDDHH24MISS'), '')`
	}
	return c.sql + "::text"
}

func direction(desc bool) string {
	if desc {
		return " desc"
	}
	return ""
}

func textsSQL(keys []sortKey) []string {
	var exprs []string
	for _, k := range keys {
		exprs = append(exprs, k.sql)
	}
	return exprs
}

// afterSQL is the keyset condition: strictly after the cursor in the order.
func afterSQL(q xds.Query, keys []sortKey, st *statement) (string, error) {
	if len(q.After.Values) != len(keys) || unstorable(q.After.LogicalID) || slices.ContainsFunc(q.After.Values, unstorable) {
		return "", fmt.Errorf("cursor of another order")
	}
	equal, alternatives := "", []string{}
	for i, k := range keys {
		v := st.arg(q.After.Values[i]) + "::text"
		op := " > "
		if k.desc {
			op = " < "
		}
		alternatives = append(alternatives, "("+equal+k.sql+op+v+")")
		equal += k.sql + " = " + v + " and "
	}
	lid := strings.TrimPrefix(q.After.LogicalID, "urn:uuid:")
	alternatives = append(alternatives, "("+equal+"lid::text > "+st.arg(lid)+"::text)")
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
func scanDocuments(rows pgx.Rows, each func(d xds.Document, total int, key []string)) error {
	defer rows.Close()
	for rows.Next() {
		var d xds.Document
		var total int
		var key []string
		if err := scanDocument(rows, &d, &total, &key); err != nil {
			return err
		}
		each(d, total, key)
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
		&origin, &d.Content.Blob, &d.Content.SHA256, &registered, &updated, &payload,
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
