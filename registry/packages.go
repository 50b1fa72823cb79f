package registry

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// pick says which SubmissionSets or Folders are wanted. Those that the Scope does not
// show are left out before any of it is looked at.
type pick struct {
	ids      []string    // bare ids; nil = all of the record
	versions []string    // of folders: exactly these metadata versions, by bare entryUUID, instead of the current ones
	match    []xds.Match // conditions of the client
	limit    int         // one more is read, to tell that there are more; 0 = all that the ids name
}

// packageKind is what the tables of sets and folders have different.
type packageKind struct {
	table   string
	order   string // newest first, of the columns below
	columns map[xds.Attribute]column
	asked   string // the columns of p, the table, that conditions and order look at
	extra   string // of the table and of h, its visible members: when it changed last, as the reader sees it
	members string // of a statement's record %[1]s, HasMember %[2]s and condition on the containers %[3]s: container, place and lid of each visible member
	own     string // of a statement's record %[1]s and subject %[2]s: the containers that he deposited, as rows of members without a document; "" = he sees those of visible members alone
	written string // of a statement's subject %[1]s: that p is the version to show him of a container that he sees as its depositor alone
	near    string // the documents that a container named in %[3]s can be seen by
	latest  string
	list    string // of p and h, what listColumns are of it
}

// A set is seen by a document that is its member, or by one that a member association
// has its target: a set that puts an existing document into a folder. That a folder of
// it is seen, by documents of other sets, says nothing about it.
var setKind = packageKind{
	table: "submission_set", order: "submitted_at desc, id", latest: "true", extra: "null::timestamptz",
	asked: "p.status, p.submitted_at, p.source_id, p.content_key, p.author_names",
	columns: map[xds.Attribute]column{
		xds.AttrAvailabilityStatus: {sql: "status", kind: statusColumn},
		xds.AttrSubmissionTime:     {sql: "submitted_at", kind: timeColumn},
		xds.AttrSourceID:           {sql: "source_id", kind: textColumn},
		xds.AttrContentType:        {sql: "content_key", kind: codeColumn},
		xds.AttrAuthorPerson:       {sql: "author_names", kind: listColumn},
	},
	list: `0::smallint as kind, date_trunc('second', h.changed) as changed, p.status, p.submitted_at as date, p.source_id,
         case when p.content_key = '^^' then '{}'::text[] else array[p.content_key] end as codes, p.author_names, p.institutions, p.title`,
	members: `
    select a.source as container, v.place, v.lid, a.registered_at from association a join visible v on v.lid = a.target
    where a.record = %[1]s::uuid and a.type = %[2]s %[3]s
    union all
    select a.source, v.place, v.lid, a.registered_at from association a
    join association x on x.record = a.record and x.id = a.target and x.status = 0
    join visible v on v.lid = x.target
    where a.record = %[1]s::uuid and a.type = %[2]s %[3]s 
      and (x.type = %[2]s and exists (select from folder f where f.record = %[1]s::uuid and f.id = x.source) or exists (select from visible o where o.lid = x.source))`,
	near: `
    select a.target from association a where a.record = %[1]s::uuid and a.type = %[2]s %[3]s
    union select x.target from association a join association x on x.record = a.record and x.id = a.target where a.record = %[1]s::uuid and a.type = %[2]s %[3]s
    union select x.source from association a join association x on x.record = a.record and x.id = a.target where a.record = %[1]s::uuid and a.type = %[2]s %[3]s`,
}

// A folder is seen by a document that is in it now, and by who deposited it: empty or
// full of what is hidden from him, it is alike to him, and as he wrote it himself last.
var folderKind = packageKind{
	table: "folder", order: "changed desc, id", latest: "p.latest",
	extra: "date_trunc('second', greatest(p.updated_at, h.changed))", asked: "case when h.witness is null then 0 else p.status end as status, p.code_keys",
	columns: map[xds.Attribute]column{
		xds.AttrAvailabilityStatus: {sql: "status", kind: statusColumn},
		xds.AttrLastUpdateTime:     {sql: "changed", kind: timeColumn},
		xds.AttrFolderCodes:        {sql: "code_keys", kind: codesColumn},
	},
	list: `1::smallint as kind, date_trunc('second', greatest(p.updated_at, h.changed)) as changed, case when h.witness is null then 0::smallint else p.status end as status,
         date_trunc('second', greatest(p.updated_at, h.changed)) as date, '' as source_id, p.code_keys as codes, '{}'::text[] as author_names, '{}'::text[] as institutions, p.title`,
	members: `
    select a.source as container, v.place, v.lid, a.registered_at from association a join visible v on v.lid = a.target
    where a.record = %[1]s::uuid and a.type = %[2]s and a.status = 0 %[3]s`,
	own: `
    union all
    select f.id, null::tid, null::uuid, null::timestamptz from folder f where f.record = %[1]s::uuid and f.latest and f.depositor = %[2]s`,
	written: `p.writer = %[1]s and not exists (select from folder x where x.record = p.record and x.id = p.id and x.writer = p.writer and x.version > p.version)`,
	near: `
    select a.target from association a where a.record = %[1]s::uuid and a.type = %[2]s and a.status = 0 %[3]s`,
}

// showing are the parts of a statement that shows containers of one kind: the
// documents that they can be seen by, the containers held by visible members, and the
// version of each that is shown.
type showing struct{ near, held, version string }

func (k packageKind) showing(sc authz.Scope, p pick, record, member string, st *statement) showing {
	named, near, own, written := "", listed, "", ""
	_, limited := sc.Predicate().Limit() // by a grant: authz.Seen.AdmitOwnFolder says why
	if me := sc.Subject().ID; k.own != "" && me != "" && !limited {
		mine := st.arg(me)
		own, written = fmt.Sprintf(k.own, record, mine), fmt.Sprintf(k.written, mine)
	}
	if p.ids != nil {
		ids := st.arg(p.ids)
		if own != "" {
			own += " and f.id = any(" + ids + "::uuid[])"
		}
		named = "and a.source = any(" + ids + "::uuid[])"
		near = listed + " and d.lid in (" + fmt.Sprintf(k.near, record, member, named) + ")"
	}
	version := k.latest
	if p.versions != nil {
		version = "p.entry_uuid = any(" + st.arg(p.versions) + "::uuid[])"
		written += " and " + version
	}
	if own != "" {
		version = "case when h.witness is null then " + written + " else " + version + " end"
	}
	held := `
  select container, (array_agg(place order by lid))[1] as witness, max(registered_at) as changed from (` + fmt.Sprintf(k.members, record, member, named) + own + `
  ) m group by container
`
	return showing{near, held, version}
}

// packagesSQL composes the statement: visible documents, the containers that they
// show, with one of them as the witness, and only then the client's conditions, order
// and limit. told are the columns of the table that are read.
func packagesSQL(sc authz.Scope, k packageKind, p pick, told string) (string, *statement, error) {
	st := &statement{}
	record, member := st.arg(sc.Record()), st.arg(string(xds.HasMember))
	show := k.showing(sc, p, record, member, st)
	matched, err := matchesAmong(k.columns, p.match, st)
	if err != nil {
		return "", nil, err
	}
	limit := ""
	if p.limit > 0 {
		limit = " limit " + st.arg(p.limit+1)
	}
	sql := visibleSQL(sc, show.near, record, nil, st) + `, held as materialized (` + show.held + `), shown as materialized (
  select p.ctid as package, p.id, h.witness, ` + k.extra + ` as changed, ` + k.asked + `
  from held h join ` + k.table + ` p on p.record = ` + record + `::uuid and p.id = h.container and ` + show.version + `
), chosen as (
  select * from shown where ` + matched + ` order by ` + k.order + limit + `
)
select ` + wholeSQL + `, ` + told + `
from chosen c
join ` + k.table + ` p on p.ctid = c.package
left join document_entry d on d.ctid = c.witness
left join lineage l on l.record = d.record and l.id = d.lineage
order by ` + aliased(k.order)
	return sql, st, nil
}

// aliased writes the keys of an order with the alias of the chosen rows.
func aliased(order string) string { return "c." + strings.ReplaceAll(order, ", ", ", c.") }

// packages runs the statement: each row is scanned into own and given with its
// witness, the zero Document for a container that only its depositor is shown.
func (s *Session) packages(ctx context.Context, sc authz.Scope, k packageKind, p pick, columns string, own []any, each func(witness xds.Document) error) error {
	sql, st, err := packagesSQL(sc, k, p, columns)
	if err != nil {
		return err
	}
	rows, err := s.tx.Query(ctx, sql, st.args...)
	if err != nil {
		return err
	}
	return scanWitnessed(rows, own, each)
}

// scanWitnessed reads rows of a witness and what is scanned into own.
func scanWitnessed(rows pgx.Rows, own []any, each func(witness xds.Document) error) error {
	defer rows.Close()
	for rows.Next() {
		var witness xds.Document
		var err error
		if columns := rows.RawValues(); columns[0] != nil {
			err = scanDocument(rows, &witness, own...)
		} else {
			err = rows.Scan(append(make([]any, len(columns)-len(own)), own...)...)
		}
		if err != nil {
			return err
		}
		if err := each(witness); err != nil {
			return err
		}
	}
	return rows.Err()
}

// witnessed enters the document that a set or folder is seen by and gives its id.
func (s *Session) witnessed(sc authz.Scope, seen *authz.Seen, witness xds.Document) []string {
	if witness.Record == "" { // shown to its depositor alone
		return nil
	}
	v, ok := s.admit(sc, witness)
	if !ok {
		return nil
	}
	seen.Document(v)
	return []string{witness.Entry.EntryUUID}
}

// admitSet makes a set of its row and admits it by its witness.
func (s *Session) admitSet(sc authz.Scope, seen *authz.Seen, payload []byte, status xds.Status, witness xds.Document) (authz.Visible[xds.SubmissionSet], bool, error) {
	var set xds.SubmissionSet
	if err := decode(payload, &set, &set.Extras); err != nil {
		return authz.Visible[xds.SubmissionSet]{}, false, fmt.Errorf("set: %w", err)
	}
	set.AvailabilityStatus = status
	v, ok := seen.AdmitSet(set, s.witnessed(sc, seen, witness))
	return v, ok, nil
}

// admitFolder is admitSet for a folder; own holds what the columns say of it. He who
// deposited it sees it whatever is in it.
func (s *Session) admitFolder(sc authz.Scope, seen *authz.Seen, payload []byte, own xds.Folder, depositor string, witness xds.Document) (authz.Visible[xds.Folder], bool, error) {
	var f xds.Folder
	if err := decode(payload, &f, &f.Extras); err != nil {
		return authz.Visible[xds.Folder]{}, false, fmt.Errorf("folder: %w", err)
	}
	f.AvailabilityStatus, f.Version, f.LastUpdateTime, f.LogicalID, f.EntryUUID = own.AvailabilityStatus, own.Version, own.LastUpdateTime, own.LogicalID, own.EntryUUID
	v, ok := seen.AdmitFolder(f, s.witnessed(sc, seen, witness))
	if !ok {
		v, ok = seen.AdmitOwnFolder(f, depositor)
	}
	return v, ok, nil
}

// sets are the picked SubmissionSets that the Scope shows, newest first.
func (s *Session) sets(ctx context.Context, sc authz.Scope, seen *authz.Seen, p pick) (sets []authz.Visible[xds.SubmissionSet], more bool, err error) {
	var payload []byte
	var number int16
	err = s.packages(ctx, sc, setKind, p, "p.entry, p.status", []any{&payload, &number}, func(witness xds.Document) error {
		if p.limit > 0 && len(sets) == p.limit {
			more = true
			return nil
		}
		status, err := statusOf(number)
		if err != nil {
			return err
		}
		v, ok, err := s.admitSet(sc, seen, payload, status, witness)
		if ok {
			sets = append(sets, v)
		}
		return err
	})
	return sets, more, err
}

// folders are the picked Folders that the Scope shows, the one changed last first.
// lastUpdateTime is the reader's own: when the folder, or what he sees in it, was put
// there (safety SC-11).
func (s *Session) folders(ctx context.Context, sc authz.Scope, seen *authz.Seen, p pick) (folders []authz.Visible[xds.Folder], more bool, err error) {
	var payload []byte
	var number int16
	var version int
	var id, entryUUID, depositor string
	var changed time.Time
	own := []any{&payload, &number, &version, &id, &entryUUID, &depositor, &changed}
	err = s.packages(ctx, sc, folderKind, p, "p.entry, c.status, p.version, p.id::text, p.entry_uuid::text, p.depositor, c.changed", own, func(witness xds.Document) error {
		if p.limit > 0 && len(folders) == p.limit {
			more = true
			return nil
		}
		status, err := statusOf(number)
		if err != nil {
			return err
		}
		f := xds.Folder{AvailabilityStatus: status, Version: version, LogicalID: "urn:uuid:" + id, EntryUUID: "urn:uuid:" + entryUUID, LastUpdateTime: xds.NewDTM(changed)}
		v, ok, err := s.admitFolder(sc, seen, payload, f, depositor, witness)
		if ok {
			folders = append(folders, v)
		}
		return err
	})
	return folders, more, err
}
