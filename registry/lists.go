package registry

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// ListQuery asks for SubmissionSets and Folders together, as MHD has them: both are a
// List (MHD 2:3.66). AttrSubmissionTime is the date of the List, of a folder its
// lastUpdateTime; AttrLastUpdateTime when it was registered or changed last, as the
// reader sees it; AttrContentType its designation, of a folder any of its codes.
type ListQuery struct {
	Sets, Folders bool
	IDs           []string // entryUUID of a set or logicalID of a folder; nil = all
	Named         []Named
	Match         []xds.Match
	Sort          []xds.Order // by default the newest date first
	After         *xds.Cursor
	Limit         int
	Count         bool
}

// Named are objects by ids of any kind: what is found is one of them, or with Not none.
type Named struct {
	IDs []string
	Not bool
}

// List is a SubmissionSet or a Folder that a Scope shows, with its visible members.
type List struct {
	Set       authz.Visible[xds.SubmissionSet] // or
	Folder    authz.Visible[xds.Folder]
	Changed   time.Time // as the reader sees it
	Documents []authz.Visible[xds.Document]
	Folders   []authz.Visible[xds.Folder] // of a set
	id        string                      // bare
	key       []string
}

// ListPage is one page of Lists.
type ListPage struct {
	Lists []List
	Total int
	Next  *xds.Cursor
}

// listColumns are what conditions and order of a ListQuery look at.
var listColumns = map[xds.Attribute]column{
	xds.AttrLogicalID:          {sql: "id", kind: uuidColumn},
	xds.AttrAvailabilityStatus: {sql: "status", kind: statusColumn},
	xds.AttrSubmissionTime:     {sql: "date", kind: timeColumn},
	xds.AttrLastUpdateTime:     {sql: "changed", kind: timeColumn},
	xds.AttrSourceID:           {sql: "source_id", kind: textColumn},
	xds.AttrContentType:        {sql: "codes", kind: codesColumn},
	xds.AttrAuthorPerson:       {sql: "author_names", kind: listColumn},
	xds.AttrAuthorFamily:       {sql: "author_names", kind: listColumn, part: 2},
	xds.AttrAuthorGiven:        {sql: "author_names", kind: listColumn, part: 3},
	xds.AttrAuthorInstitution:  {sql: "institutions", kind: listColumn},
	xds.AttrInstitutionName:    {sql: "institutions", kind: listColumn, part: 1},
	xds.AttrTitle:              {sql: "title", kind: textColumn},
}

// FindLists answers ITI-66: the sets and folders of the Scope's record that it shows
// and the conditions match. Those that it does not show are left out before any of
// that is looked at, and counted nowhere.
func (s *Session) FindLists(ctx context.Context, sc authz.Scope, q ListQuery) (ListPage, error) {
	if sc.Record() == "" {
		return ListPage{}, nil
	}
	if !sc.HeldBy(s) {
		return ListPage{}, errForeign
	}
	if !q.Sets && !q.Folders {
		return ListPage{}, nil
	}
	byID, named := false, []string{}
	for _, n := range q.Named {
		objects, err := s.objects(ctx, sc.Record(), n.IDs)
		if err != nil {
			return ListPage{}, err
		}
		q.Match = append(slices.Clone(q.Match), xds.Match{Attribute: xds.AttrLogicalID, Op: xds.Equals, Texts: objects, Not: n.Not})
		if !n.Not {
			byID, named = true, append(named, objects...)
		}
	}
	seen := authz.NewSeen(sc)
	page, err := s.pageOfLists(ctx, sc, seen, q)
	if err != nil {
		return ListPage{}, err
	}
	if err := s.fillLists(ctx, sc, seen, page.Lists); err != nil || !byID {
		return page, err
	}
	return page, s.told(ctx, sc, named, len(page.Lists) > 0)
}

// GetList is the List of an id: the entryUUID of a set, the logicalID of a folder. A
// hidden one and an unknown one are one path, and the trail row names what it holds.
func (s *Session) GetList(ctx context.Context, sc authz.Scope, id string) (List, bool, error) {
	ids, _ := splitIDs([]string{id})
	page, err := s.FindLists(ctx, sc, ListQuery{Sets: true, Folders: true, IDs: ids, Limit: 1})
	if err != nil || sc.Record() == "" {
		return List{}, false, err
	}
	if err := s.told(ctx, sc, ids, len(page.Lists) > 0); err != nil || len(page.Lists) == 0 {
		return List{}, false, err
	}
	return page.Lists[0], true, nil
}

// ListsOf are the sets and folders in which the given documents are members, the
// newest first, at most limit.
func (s *Session) ListsOf(ctx context.Context, sc authz.Scope, docs []authz.Visible[xds.Document], limit int) ([]List, error) {
	if sc.Record() == "" {
		return nil, nil
	}
	if !sc.HeldBy(s) {
		return nil, errForeign
	}
	if len(docs) == 0 {
		return nil, nil
	}
	members, _ := splitIDs(logicalIDs(docs))
	links, err := s.links(ctx, sc.Record(), "a.target = any($2) and a.type = $3", members, string(xds.HasMember))
	if err != nil {
		return nil, err
	}
	ids := []string{}
	for _, l := range links {
		ids = append(ids, l.source)
	}
	page, err := s.FindLists(ctx, sc, ListQuery{Sets: true, Folders: true, IDs: ids, Limit: limit})
	return slices.DeleteFunc(page.Lists, func(l List) bool { // a member that was taken out of a folder
		return !slices.ContainsFunc(l.Documents, func(v authz.Visible[xds.Document]) bool {
			d, _ := v.Value()
			return slices.Contains(members, bareID(d.Entry.LogicalID))
		})
	}), err
}

// pageOfLists is a page before its members are read: one list more than wanted tells
// that there is a next one.
func (s *Session) pageOfLists(ctx context.Context, sc authz.Scope, seen *authz.Seen, q ListQuery) (page ListPage, err error) {
	limit := q.Limit
	if limit <= 0 || limit > MaxResults {
		limit = MaxResults
	}
	q.Limit = limit + 1
	if page.Lists, page.Total, err = s.lists(ctx, sc, seen, q); err != nil {
		return page, err
	}
	if len(page.Lists) > limit {
		page.Lists = page.Lists[:limit]
		last := page.Lists[limit-1]
		page.Next = &xds.Cursor{Values: last.key, LogicalID: "urn:uuid:" + last.id}
	}
	if q.Count && len(page.Lists) == 0 && q.After != nil { // past the end the total is still told
		q.After, q.Limit = nil, 1
		_, page.Total, err = s.lists(ctx, sc, seen, q)
	}
	return page, err
}

// listsSQL composes the statement: visible documents, the containers of either kind
// that they show, and only then the client's conditions, order, position and limit.
func listsSQL(sc authz.Scope, q ListQuery) (string, *statement, error) {
	st := &statement{}
	record, member := st.arg(sc.Record()), st.arg(string(xds.HasMember))
	p := pick{ids: q.IDs}
	var near, held, shown []string
	for _, k := range []packageKind{setKind, folderKind} {
		if k.table == setKind.table && !q.Sets || k.table == folderKind.table && !q.Folders {
			continue
		}
		show := k.showing(sc, p, record, member, st)
		near = append(near, "("+show.near+")")
		held = append(held, `, held_`+k.table+` as materialized (`+show.held+`)`)
		shown = append(shown, `
  select p.ctid as package, p.id, h.witness, `+k.list+`
  from held_`+k.table+` h join `+k.table+` p on p.record = `+record+`::uuid and p.id = h.container and `+show.version)
	}
	visible := visibleSQL(sc, "("+strings.Join(near, " or ")+")", record, nil, st)
	matched, err := matchesAmong(listColumns, q.Match, st)
	if err != nil {
		return "", nil, err
	}
	if len(q.Sort) == 0 {
		q.Sort = []xds.Order{{Attribute: xds.AttrSubmissionTime, Descending: true}}
	}
	keys, err := orderKeysAmong(listColumns, q.Sort)
	if err != nil {
		return "", nil, err
	}
	total, after := "0::bigint", ""
	if q.Count {
		total = "(select count(*) from matched)"
	}
	if q.After != nil {
		if after, err = afterSQL(q.After, keys, "id", st); err != nil {
			return "", nil, err
		}
	}
	sql := visible + strings.Join(held, "") + `, shown as materialized (` + strings.Join(shown, `
  union all`) + `
), matched as (select * from shown where ` + matched + `), chosen as (
  select *, array[` + strings.Join(textsSQL(keys), ", ") + `] as sort_key, ` + total + ` as total from matched ` + after + `
  order by ` + orderBySQL("", keys, "id") + ` limit ` + st.arg(q.Limit) + `
)
select ` + wholeSQL + `, c.id::text, c.kind, c.status, c.changed, c.sort_key, c.total,
       coalesce(s.entry, f.entry), coalesce(f.version, 1), coalesce(f.entry_uuid, c.id)::text, coalesce(f.depositor, '')
from chosen c
left join submission_set s on s.ctid = c.package and c.kind = 0
left join folder f on f.ctid = c.package and c.kind = 1
left join document_entry d on d.ctid = c.witness
left join lineage l on l.record = d.record and l.id = d.lineage
order by ` + orderBySQL("c.", keys, "id")
	return sql, st, nil
}

// lists runs the statement and admits what it found.
func (s *Session) lists(ctx context.Context, sc authz.Scope, seen *authz.Seen, q ListQuery) (lists []List, total int, err error) {
	sql, st, err := listsSQL(sc, q)
	if err != nil {
		return nil, 0, err
	}
	rows, err := s.tx.Query(ctx, sql, st.args...)
	if err != nil {
		return nil, 0, err
	}
	var list List
	var kind, status int16
	var payload []byte
	var version int
	var entryUUID, depositor string
	own := []any{&list.id, &kind, &status, &list.Changed, &list.key, &total, &payload, &version, &entryUUID, &depositor}
	err = scanWitnessed(rows, own, func(witness xds.Document) error {
		name, err := statusOf(status)
		if err != nil {
			return err
		}
		one, ok := List{id: list.id, Changed: list.Changed, key: slices.Clone(list.key)}, false
		if kind == 0 {
			one.Set, ok, err = s.admitSet(sc, seen, payload, name, witness)
		} else {
			f := xds.Folder{AvailabilityStatus: name, Version: version, LogicalID: "urn:uuid:" + list.id, EntryUUID: "urn:uuid:" + entryUUID, LastUpdateTime: xds.NewDTM(list.Changed)}
			one.Folder, ok, err = s.admitFolder(sc, seen, payload, f, depositor, witness)
		}
		if ok {
			lists = append(lists, one)
		}
		return err
	})
	return lists, total, err
}

// fillLists reads the members of lists that were admitted, and keeps those that the
// Scope admits too, whatever there are: the same statements.
func (s *Session) fillLists(ctx context.Context, sc authz.Scope, seen *authz.Seen, lists []List) error {
	if len(lists) == 0 {
		return nil
	}
	containers, at := []string{}, map[string]int{}
	for i, l := range lists {
		containers = append(containers, l.id)
		at[l.id] = i
	}
	links, err := s.links(ctx, sc.Record(), "a.source = any($2) and a.type = $3", containers, string(xds.HasMember))
	if err != nil {
		return err
	}
	ends := []string{}
	for _, l := range links {
		ends = append(ends, l.target)
	}
	documents, err := s.narrowed(ctx, sc, uuids(ends), nil)
	if err != nil {
		return err
	}
	for _, d := range documents {
		seen.Document(d.visible)
	}
	folders, _, err := s.folders(ctx, sc, seen, pick{ids: uuids(ends)})
	if err != nil {
		return err
	}
	in := map[string][]int{} // places of the lists that a member is in, by its id
	for _, l := range links {
		i := at[l.source]
		_, set := lists[i].Set.Value()
		if _, ok := seen.AdmitAssociation(l.Association); ok && (set || l.AvailabilityStatus == xds.Approved) {
			in[l.target] = append(in[l.target], i)
		}
	}
	for _, d := range documents {
		for _, i := range in[d.id] {
			lists[i].Documents = append(lists[i].Documents, d.visible)
		}
	}
	for _, v := range folders {
		f, _ := v.Value()
		for _, i := range in[bareID(f.LogicalID)] {
			lists[i].Folders = append(lists[i].Folders, v)
		}
	}
	return nil
}
