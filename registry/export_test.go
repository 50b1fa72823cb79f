package registry

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/message"
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
	sql := visibleSQL(sc, listed, st.arg(sc.Record()), nil, st) + " select lid::text from visible"
	rows, err := s.tx.Query(ctx, sql, st.args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// VisibleSQL is the statement that a Scope's predicate stands in, and its arguments.
func VisibleSQL(sc authz.Scope) (string, []any) {
	st := &statement{}
	return visibleSQL(sc, listed, st.arg(sc.Record()), nil, st), st.args
}

// FindSQL is the statement that Find runs for a query, with its arguments.
func FindSQL(sc authz.Scope, q xds.Query) (string, []any, error) {
	sql, st, err := findSQL(sc, q, 50)
	if err != nil {
		return "", nil, err
	}
	return sql, st.args, nil
}

// SetsSQL and FoldersSQL are the statements of FindSets and FindFolders for conditions.
func SetsSQL(sc authz.Scope, match []xds.Match) (string, []any, error) {
	sql, st, err := packagesSQL(sc, setKind, pick{match: match, limit: 50}, "p.entry")
	return sql, st.args, err
}

// FoldersSQL is SetsSQL of folders.
func FoldersSQL(sc authz.Scope, match []xds.Match) (string, []any, error) {
	sql, st, err := packagesSQL(sc, folderKind, pick{match: match, limit: 50}, "p.entry")
	return sql, st.args, err
}

// ListsSQL is SetsSQL of both.
func ListsSQL(sc authz.Scope, match []xds.Match) (string, []any, error) {
	sql, st, err := listsSQL(sc, ListQuery{Sets: true, Folders: true, Match: match, Limit: 50})
	return sql, st.args, err
}

// EventOf is what people are told that an action was.
func EventOf(action authz.Value) (message.Event, bool) {
	event, told := eventOf[action]
	return event, told
}
