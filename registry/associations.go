package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// link is an association as it is stored: its ends by bare logicalIDs, beside the
// current entryUUIDs that it is told with.
type link struct {
	xds.Association
	source, target string
	document       bool // the target is one
}

// isMember tells membership of a set or a folder.
func (l link) isMember() bool { return l.Type == xds.HasMember }

// maxLinks bounds how many associations one request looks at: what has more of them is
// told so, and never answered in part.
const maxLinks = 20000

// links are the associations of a record that a condition on `a` selects, seen or not:
// nothing of them may be answered before both ends were admitted. More than maxLinks
// are QRY-006.
func (s *Session) links(ctx context.Context, record, where string, args ...any) ([]link, error) {
	rows, err := s.tx.Query(ctx, `
select a.id::text, a.type, a.status, a.source::text, a.target::text, coalesce(ds.entry_uuid, fs.entry_uuid, a.source)::text,
       coalesce(dt.entry_uuid, ft.entry_uuid, a.target)::text, dt.lid is not null, a.entry
from association a
left join document_entry ds on ds.record = a.record and ds.lid = a.source and ds.latest
left join document_entry dt on dt.record = a.record and dt.lid = a.target and dt.latest
left join folder fs on fs.record = a.record and fs.id = a.source and fs.latest
left join folder ft on ft.record = a.record and ft.id = a.target and ft.latest
where a.record = $1 and (`+where+`) order by a.id limit `+fmt.Sprint(maxLinks+1), append([]any{record}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []link
	for rows.Next() {
		var l link
		var id, typ, from, to string
		var number int16
		var payload []byte
		if err := rows.Scan(&id, &typ, &number, &l.source, &l.target, &from, &to, &l.document, &payload); err != nil {
			return nil, err
		}
		status, err := statusOf(number)
		l.Association = xds.Association{EntryUUID: "urn:uuid:" + id, Type: xds.AssociationType(typ), Source: "urn:uuid:" + from,
			Target: "urn:uuid:" + to, AvailabilityStatus: status}
		if err := errors.Join(err, decodeAssociation(payload, &l.Association)); err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	if len(all) > maxLinks {
		return nil, &xds.Error{ID: "QRY-006", Expected: fmt.Sprintf("au plus %d associations", maxLinks)}
	}
	return all, rows.Err()
}

// surroundings are the objects at the ends of associations, as far as the Scope shows
// them, by bare id.
type surroundings struct {
	seen      *authz.Seen
	documents map[string]authz.Visible[xds.Document]
	sets      map[string]authz.Visible[xds.SubmissionSet]
	folders   map[string]authz.Visible[xds.Folder]
}

// around looks at objects of any kind: the same three statements whatever they are.
func (s *Session) around(ctx context.Context, sc authz.Scope, ids []string) (surroundings, error) {
	near := surroundings{authz.NewSeen(sc), map[string]authz.Visible[xds.Document]{}, map[string]authz.Visible[xds.SubmissionSet]{}, map[string]authz.Visible[xds.Folder]{}}
	documents, err := s.visible(ctx, sc, func(st *statement, _ string) string {
		return listed + " and d.lid = any(" + st.arg(ids) + "::uuid[])"
	})
	if err != nil {
		return near, err
	}
	for _, v := range documents {
		d, _ := v.Value()
		near.seen.Document(v)
		near.documents[bareID(d.Entry.LogicalID)] = v
	}
	folders, _, err := s.folders(ctx, sc, near.seen, pick{ids: ids})
	if err != nil {
		return near, err
	}
	for _, v := range folders {
		f, _ := v.Value()
		near.folders[bareID(f.LogicalID)] = v
	}
	sets, _, err := s.sets(ctx, sc, near.seen, pick{ids: ids})
	for _, v := range sets {
		set, _ := v.Value()
		near.sets[bareID(set.EntryUUID)] = v
	}
	return near, err
}

// neighbours admits associations with what stands at their ends, other objects named
// by bare ids beside them. An end may be an association itself: a set holds it.
func (s *Session) neighbours(ctx context.Context, sc authz.Scope, links []link, ids ...string) (surroundings, []neighbour, error) {
	ends := slices.Clone(ids)
	for _, l := range links {
		ends = append(ends, l.source, l.target)
	}
	inner, err := s.links(ctx, sc.Record(), "a.id = any($2)", uuids(ends))
	if err != nil {
		return surroundings{}, nil, err
	}
	for _, l := range inner {
		ends = append(ends, l.source, l.target)
	}
	near, err := s.around(ctx, sc, uuids(ends))
	if err != nil {
		return near, nil, err
	}
	for _, l := range inner {
		near.seen.AdmitAssociation(l.Association)
	}
	var admitted []neighbour
	for _, l := range links {
		if v, ok := near.seen.AdmitAssociation(l.Association); ok {
			admitted = append(admitted, neighbour{l, v})
		}
	}
	return near, admitted, nil
}

// neighbour is an association that was admitted.
type neighbour struct {
	link
	visible authz.Visible[xds.Association]
}

// uuids is a list of bare ids, each once.
func uuids(ids []string) []string {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	if ids = slices.Compact(ids); ids == nil {
		return []string{}
	}
	return ids
}

// statusNumbers are the statuses that associations are wanted in: Approved unless said
// otherwise.
func statusNumbers(statuses []xds.Status) []int16 {
	if len(statuses) == 0 {
		statuses = []xds.Status{xds.Approved}
	}
	numbers := []int16{}
	for _, status := range statuses {
		if n, ok := statusNumber[status]; ok {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// objects are the bare ids of the objects of a record that ids stand for: any
// entryUUID, logicalID or uniqueId of a document, set, folder or association.
func (s *Session) objects(ctx context.Context, record string, ids []string) ([]string, error) {
	named, uids := splitIDs(ids)
	rows, err := s.tx.Query(ctx, `
select object::text from object_id where id = any($2::uuid[]) and record = $1
union select lid::text from document_entry where record = $1 and unique_id = any($3::text[]) and latest
union select id::text from submission_set where record = $1 and unique_id = any($3::text[])
union select id::text from folder where record = $1 and unique_id = any($3::text[]) and latest
order by 1`, record, named, uids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	objects := []string{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		objects = append(objects, id)
	}
	return objects, rows.Err()
}

// told completes the trail row of a request by id: the documents that the objects are
// or hold, seen or not, and whether anything was.
func (s *Session) told(ctx context.Context, sc authz.Scope, objects []string, visible bool) error {
	rows, err := s.tx.Query(ctx, `
select o.id::text from object_id o where o.id = any($2::uuid[]) and o.record = $1 and o.kind = $4
union
select a.target::text from association a join object_id o on o.id = a.target and o.kind = $4
where a.record = $1 and a.source = any($2::uuid[]) and a.type = $3
order by 1 limit 250`, sc.Record(), objects, string(xds.HasMember), kindDocument)
	if err != nil {
		return err
	}
	defer rows.Close()
	var documents []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		documents = append(documents, id)
	}
	sc.Found(documents, visible)
	return rows.Err()
}

// Associations answers GetAssociations (ITI TF-2 3.18.4.1.2.3.7.7): those that start or
// end at the objects that the ids name, in the given statuses, Approved by default.
func (s *Session) Associations(ctx context.Context, sc authz.Scope, ids []string, statuses ...xds.Status) ([]authz.Visible[xds.Association], error) {
	if sc.Record() == "" {
		return nil, nil
	}
	if !sc.HeldBy(s) {
		return nil, errForeign
	}
	objects, err := s.objects(ctx, sc.Record(), ids)
	if err != nil {
		return nil, err
	}
	links, err := s.links(ctx, sc.Record(), "(a.source = any($2) or a.target = any($2)) and a.status = any($3)", objects, statusNumbers(statuses))
	if err != nil {
		return nil, err
	}
	_, admitted, err := s.neighbours(ctx, sc, links)
	if err != nil {
		return nil, err
	}
	var out []authz.Visible[xds.Association]
	for _, n := range admitted {
		out = append(out, n.visible)
	}
	return out, s.told(ctx, sc, objects, len(out) > 0)
}
