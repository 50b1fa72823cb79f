package registry

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/xds"
)

// columnKind says how a column is compared.
type columnKind int

const (
	textColumn  columnKind = iota // one text
	codeColumn                    // one code as code^^scheme
	codesColumn                   // several codes
	listColumn                    // several texts
	timeColumn                    // an instant
	uuidColumn                    // an id without its urn:uuid: prefix
	statusColumn
	relationColumn // the documents that this one relates to
)

// column is where an attribute stands in the CTE of visible documents.
type column struct {
	sql  string
	kind columnKind
	part int // of a list of HL7 values, the component that is compared; 0 = the whole value
}

// element is one value of a list, as `v` in the SQL below.
func (c column) element() string {
	if c.part == 0 {
		return "v"
	}
	return unescapedSQL(fmt.Sprintf("split_part(v, '^', %d)", c.part))
}

// unescapedSQL is xds.Unescape in SQL.
func unescapedSQL(expr string) string {
	return `case when strpos(` + expr + `, '\') = 0 then ` + expr + ` else (select string_agg(
  case m[1] when '\F\' then '|' when '\S\' then '^' when '\T\' then '&' when '\R\' then '~' when '\E\' then '\' else m[1] end, '' order by n)
  from regexp_matches(` + expr + `, '\\[FSTRE]\\|[^\\]+|\\', 'g') with ordinality r(m, n)) end`
}

// columns is the SQL side of the attribute tables: one row per attribute that a
// query may name. Attributes without a row live in the payload alone (a test
// holds the list of these exemptions).
var columns = map[xds.Attribute]column{
	xds.AttrEntryUUID:          {sql: "entry_uuid", kind: uuidColumn},
	xds.AttrLogicalID:          {sql: "lid", kind: uuidColumn},
	xds.AttrUniqueID:           {sql: "unique_id", kind: textColumn},
	xds.AttrAvailabilityStatus: {sql: "status", kind: statusColumn},
	xds.AttrObjectType:         {sql: "object_type", kind: textColumn},
	xds.AttrTypeCode:           {sql: "type_key", kind: codeColumn},
	xds.AttrClassCode:          {sql: "class_key", kind: codeColumn},
	xds.AttrFormatCode:         {sql: "format_key", kind: codeColumn},
	xds.AttrFacilityType:       {sql: "facility_key", kind: codeColumn},
	xds.AttrPracticeSetting:    {sql: "setting_key", kind: codeColumn},
	xds.AttrConfidentiality:    {sql: "confidentiality", kind: codesColumn},
	xds.AttrEventCodes:         {sql: "event_keys", kind: codesColumn},
	xds.AttrReferenceIDs:       {sql: "reference_ids", kind: listColumn},
	xds.AttrAuthorPerson:       {sql: "author_names", kind: listColumn},
	xds.AttrAuthor:             {sql: "author_names", kind: listColumn},
	xds.AttrAuthorFamily:       {sql: "author_names", kind: listColumn, part: 2},
	xds.AttrAuthorGiven:        {sql: "author_names", kind: listColumn, part: 3},
	xds.AttrAuthorInstitution:  {sql: "institutions", kind: listColumn},
	xds.AttrInstitutionName:    {sql: "institutions", kind: listColumn, part: 1},
	xds.AttrRelatesTo:          {sql: "record", kind: relationColumn},
	xds.AttrLanguageCode:       {sql: "language", kind: textColumn},
	xds.AttrMimeType:           {sql: "mime_type", kind: textColumn},
	xds.AttrCreationTime:       {sql: "creation_at", kind: timeColumn},
	xds.AttrServiceStart:       {sql: "start_at", kind: timeColumn},
	xds.AttrServiceStop:        {sql: "stop_at", kind: timeColumn},
	xds.AttrLastUpdateTime:     {sql: "updated_at", kind: timeColumn},
}

// matchSQL compiles one condition of a client; it runs over visible rows only. An
// operator that the column does not have is the caller's mistake.
func matchSQL(m xds.Match, st *statement) (string, error) { return matchAmong(columns, m, st) }

// matchAmong is matchSQL on the columns of any kind of object.
func matchAmong(columns map[xds.Attribute]column, m xds.Match, st *statement) (string, error) {
	sql, err := compareAmong(columns, m, st)
	if err != nil || !m.Not {
		return sql, err
	}
	return "not coalesce((" + sql + "), false)", nil
}

// compareAmong is the condition before it is turned round.
func compareAmong(columns map[xds.Attribute]column, m xds.Match, st *statement) (string, error) {
	if len(m.Any) > 0 || len(m.All) > 0 {
		return combineAmong(columns, m, st)
	}
	col, ok := columns[m.Attribute]
	if !ok {
		return "", fmt.Errorf("no column for %s", m.Attribute)
	}
	m.Texts = slices.DeleteFunc(slices.Clone(m.Texts), unstorable)
	m.Codes = slices.DeleteFunc(slices.Clone(m.Codes), func(c xds.Code) bool { return unstorable(c.Value) || unstorable(c.Scheme) })
	return col.compare(m, st)
}

// combineAmong joins conditions: what is unknown of one of them is not so.
func combineAmong(columns map[xds.Attribute]column, m xds.Match, st *statement) (string, error) {
	between, inner := " or ", m.Any
	if len(inner) == 0 {
		between, inner = " and ", m.All
	}
	var parts []string
	for _, one := range inner {
		sql, err := matchAmong(columns, one, st)
		if err != nil {
			return "", err
		}
		parts = append(parts, "coalesce(("+sql+"), false)")
	}
	return "(" + strings.Join(parts, between) + ")", nil
}

func unstorable(s string) bool { return !db.Storable(s) }

func (c column) compare(m xds.Match, st *statement) (string, error) {
	timed := c.kind == timeColumn
	textual := !timed && c.kind != uuidColumn && c.kind != statusColumn && c.kind != relationColumn
	switch {
	case c.kind == relationColumn && m.Op == xds.Present:
		return relatesSQL("true"), nil
	case c.kind == relationColumn && m.Op == xds.Equals:
		return relatesSQL("t.lid::text = any(" + st.arg(bareIDs(m.Texts)) + "::text[])"), nil
	case m.Op == xds.Present:
		return c.present(), nil
	case m.Op == xds.Equals:
		return c.equals(m, st), nil
	case timed && (m.Op == xds.Within || m.Op == xds.Overlaps):
		return c.within(m.Span, st), nil
	case textual && (m.Op == xds.Like || m.Op == xds.Prefix || m.Op == xds.Contains):
		return c.like(m, st), nil
	default:
		return "", fmt.Errorf("operator %d on %s", m.Op, m.Attribute)
	}
}

// relatesSQL tells whether an association leads to another visible row.
func relatesSQL(which string) string {
	return `exists (select from association a join visible t on t.lid = a.target
  where a.record = visible.record and a.source = visible.lid and a.status = 0 and a.type <> '` + string(xds.HasMember) + `' and ` + which + `)`
}

func (c column) present() string {
	switch c.kind {
	case listColumn:
		if c.part != 0 {
			return "exists (select from unnest(" + c.sql + ") v where " + c.element() + " <> '')"
		}
		return "cardinality(" + c.sql + ") > 0"
	case codesColumn:
		return "cardinality(" + c.sql + ") > 0"
	case timeColumn:
		return c.sql + " is not null"
	case uuidColumn, statusColumn:
		return "true"
	case codeColumn:
		return c.sql + " <> '^^'"
	default:
		return c.sql + " <> ''"
	}
}

func (c column) within(s xds.Span, st *statement) string {
	parts := []string{c.sql + " is not null"}
	if !s.From.IsZero() {
		parts = append(parts, c.sql+" >= "+st.arg(s.From))
	}
	if !s.To.IsZero() {
		parts = append(parts, c.sql+" < "+st.arg(s.To))
	}
	return "(" + strings.Join(parts, " and ") + ")"
}

func (c column) equals(m xds.Match, st *statement) string {
	switch c.kind {
	case codeColumn, codesColumn:
		return c.code(m.Codes, st)
	case statusColumn:
		numbers := []int16{}
		for _, s := range m.Texts {
			if n, ok := statusNumber[xds.Status(s)]; ok {
				numbers = append(numbers, n)
			}
		}
		return c.sql + " = any(" + st.arg(numbers) + "::smallint[])"
	case uuidColumn:
		return c.sql + "::text = any(" + st.arg(bareIDs(m.Texts)) + "::text[])"
	case listColumn:
		if c.part != 0 {
			return "exists (select from unnest(" + c.sql + ") v where " + c.element() + " = any(" + st.arg(db.Texts(m.Texts)) + "::text[]))"
		}
		return c.sql + " && " + st.arg(db.Texts(m.Texts)) + "::text[]"
	case timeColumn:
		return "false"
	default:
		return c.sql + " = any(" + st.arg(db.Texts(m.Texts)) + "::text[])"
	}
}

// code matches any of the codes; an empty value or scheme matches all.
func (c column) code(codes []xds.Code, st *statement) string {
	var exact, patterns []string
	for _, code := range codes {
		switch {
		case code.Value != "" && code.Scheme != "":
			exact = append(exact, code.Key())
		case code.Value != "":
			patterns = append(patterns, xds.EscapeLike(code.Value)+"^^%")
		default:
			patterns = append(patterns, "%^^"+xds.EscapeLike(code.Scheme))
		}
	}
	var parts []string
	if len(exact) > 0 {
		if c.kind == codesColumn {
			parts = append(parts, c.sql+" && "+st.arg(exact)+"::text[]")
		} else {
			parts = append(parts, c.sql+" = any("+st.arg(exact)+"::text[])")
		}
	}
	if len(patterns) > 0 {
		parts = append(parts, c.anyLike(c.sql, "like", st.arg(patterns)))
	}
	if len(parts) == 0 {
		return "false"
	}
	return "(" + strings.Join(parts, " or ") + ")"
}

// like compares patterns: as given for Like, without case and accents on both sides for
// Prefix and Contains.
func (c column) like(m xds.Match, st *statement) string {
	patterns := []string{}
	for _, t := range m.Texts {
		switch m.Op {
		case xds.Prefix:
			patterns = append(patterns, xds.EscapeLike(t)+"%")
		case xds.Contains:
			patterns = append(patterns, "%"+xds.EscapeLike(t)+"%")
		default:
			patterns = append(patterns, closeEscape(t))
		}
	}
	if m.Op == xds.Like {
		return c.anyLike(c.sql, "like", st.arg(patterns))
	}
	folded := "array(select " + foldedSQL("t") + " from unnest(" + st.arg(patterns) + "::text[]) t)"
	if c.kind == listColumn || c.kind == codesColumn {
		return "exists (select from unnest(" + c.sql + ") v where " + foldedSQL(c.element()) + " like any(" + folded + "))"
	}
	return foldedSQL(c.sql) + " like any(" + folded + ")"
}

func (c column) anyLike(sql, op, placeholder string) string {
	if c.kind == listColumn || c.kind == codesColumn {
		return "exists (select from unnest(" + sql + ") v where " + c.element() + " " + op + " any(" + placeholder + "::text[]))"
	}
	return sql + " " + op + " any(" + placeholder + "::text[])"
}

// closeEscape makes a \ at the end of a client's pattern stand for itself: in
// PostgreSQL it is an error.
func closeEscape(pattern string) string {
	backslashes := len(pattern) - len(strings.TrimRight(pattern, `\`))
	if backslashes%2 == 1 {
		return pattern + `\`
	}
	return pattern
}

// foldedSQL is a text without case and accents: letters of any alphabet lose the marks
// that can be taken from them, whichever way they were written (FHIR R4 3.1.1.4.8).
func foldedSQL(expr string) string {
	sql := `lower(regexp_replace(normalize(` + expr + `, NFKD), '[\u0300-\u036f]', '', 'g'))`
	for _, ligature := range []string{"œoe", "Œoe", "æae", "Æae"} {
		letter := []rune(ligature)
		sql = "replace(" + sql + ", '" + string(letter[:1]) + "', '" + string(letter[1:]) + "')"
	}
	return sql
}

// statusNumber is the smallint of a status, in the order of authz.Doc….
var statusNumber = map[xds.Status]int16{xds.Approved: 0, xds.Deprecated: 1, xds.Archived: 2, xds.Deleted: 3}

var statusName = [...]xds.Status{xds.Approved, xds.Deprecated, xds.Archived, xds.Deleted}

// instant is the column value of a DTM: null when it is absent.
func instant(d xds.DTM) *time.Time {
	t := d.Start()
	if t.IsZero() {
		return nil
	}
	return &t
}

// statusOf is the status of a column.
func statusOf(n int16) (xds.Status, error) {
	if n < 0 || int(n) >= len(statusName) {
		return "", errors.New("unknown status")
	}
	return statusName[n], nil
}
