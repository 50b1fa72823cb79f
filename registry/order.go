package registry

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

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
func orderKeys(wanted []xds.Order) ([]sortKey, error) { return orderKeysAmong(columns, order(wanted)) }

// orderKeysAmong is orderKeys on the columns of one kind of object.
func orderKeysAmong(columns map[xds.Attribute]column, wanted []xds.Order) ([]sortKey, error) {
	var keys []sortKey
	for _, o := range wanted {
		col, ok := columns[o.Attribute]
		if !ok || col.kind == listColumn || col.kind == codesColumn || col.kind == relationColumn {
			return nil, fmt.Errorf("no order by %s", o.Attribute)
		}
		keys = append(keys, sortKey{col, o.Descending})
	}
	return keys, nil
}

// orderSQL orders rows whose columns stand behind a prefix.
func orderSQL(prefix string, keys []sortKey) string { return orderBySQL(prefix, keys, "lid") }

// orderBySQL is orderSQL for rows of which another column is the id.
func orderBySQL(prefix string, keys []sortKey, id string) string {
	var parts []string
	for _, k := range keys {
		parts = append(parts, k.key(prefix)+direction(k.desc))
	}
	return strings.Join(append(parts, prefix+id), ", ")
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

// afterSQL is the keyset condition: strictly after the cursor in the order, which the
// column id ends.
func afterSQL(after *xds.Cursor, keys []sortKey, id string, st *statement) (string, error) {
	if len(after.Values) != len(keys) || unstorable(after.LogicalID) || slices.ContainsFunc(after.Values, unstorable) {
		return "", fmt.Errorf("cursor of another order")
	}
	equal, alternatives := "", []string{}
	for i, k := range keys {
		v := k.valueSQL(st.arg(after.Values[i]))
		op := " > "
		if k.desc {
			op = " < "
		}
		alternatives = append(alternatives, "("+equal+k.key("")+op+v+")")
		equal += k.key("") + " = " + v + " and "
	}
	alternatives = append(alternatives, "("+equal+id+" > "+st.arg(bareID(after.LogicalID))+"::text::uuid)")
	return "where (" + strings.Join(alternatives, " or ") + ")", nil
}
