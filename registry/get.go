package registry

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// bareID is an id as it stands in uuid columns.
func bareID(id string) string { return strings.TrimPrefix(id, "urn:uuid:") }

func bareIDs(ids []string) []string {
	bare := []string{}
	for _, id := range ids {
		bare = append(bare, bareID(id))
	}
	return bare
}

// splitIDs separates the ids that are UUIDs from the others, which can only be uniqueIds.
func splitIDs(ids []string) (uuids, uids []string) {
	uuids, uids = []string{}, []string{}
	for _, id := range ids {
		if bare := bareID(id); xds.IsUUID("urn:uuid:" + bare) {
			uuids = append(uuids, bare)
		}
		if !unstorable(id) {
			uids = append(uids, strings.TrimPrefix(id, "urn:oid:"))
		}
	}
	return uuids, uids
}

// Get answers with the current versions of the documents of the Scope's record
// that the ids name, by entryUUID of any metadata version, logicalID or uniqueId,
// the newest document first. A hidden document and an unknown id are one path: both
// are simply not there. The trail row names what the ids stood for.
func (s *Session) Get(ctx context.Context, sc authz.Scope, ids ...string) ([]authz.Visible[xds.Document], error) {
	if sc.Record() == "" {
		return nil, nil
	}
	if !sc.HeldBy(s) {
		return nil, errForeign
	}
	uuids, uids := splitIDs(ids)
	visible, err := s.visible(ctx, sc, func(st *statement, record string) string {
		return "d.latest and d.lid in (" + namedSQL(record+"::uuid", st.arg(uuids), st.arg(uids)) + ")"
	})
	if err != nil {
		return nil, err
	}
	return visible, s.found(ctx, sc, uuids, uids, len(visible) > 0)
}

// maxVersions bounds how many metadata versions of a document GetVersions tells, the
// newest ones.
const maxVersions = 1000

// GetVersions answers with metadata versions, former ones too (ITI TF-2
// 3.18.4.1.2.3.5.1, 3.18.4.1.2.3.7.5): by entryUUID exactly those that are named,
// otherwise all of the documents named. A former version is there only for who sees the
// current one: a type that was corrected hides what was said before. Otherwise it is Get.
func (s *Session) GetVersions(ctx context.Context, sc authz.Scope, by xds.Attribute, ids ...string) ([]authz.Visible[xds.Document], error) {
	if sc.Record() == "" {
		return nil, nil
	}
	if !sc.HeldBy(s) {
		return nil, errForeign
	}
	uuids, uids := splitIDs(ids)
	if by == xds.AttrEntryUUID {
		uids = []string{}
	}
	visible, err := s.visible(ctx, sc, func(st *statement, record string) string {
		versions := st.arg(uuids)
		which := "d.lid in (" + namedSQL(record+"::uuid", versions, st.arg(uids)) + ")"
		if by == xds.AttrEntryUUID {
			return which + " and d.entry_uuid = any(" + versions + "::uuid[])"
		}
		return which + " and d.version > (select n.version from document_entry n where n.record = d.record and n.lid = d.lid and n.latest) - " + strconv.Itoa(maxVersions)
	})
	if err != nil {
		return nil, err
	}
	if visible, err = s.standing(ctx, sc, visible); err != nil {
		return nil, err
	}
	return visible, s.found(ctx, sc, uuids, uids, len(visible) > 0)
}

// standing leaves the former versions out of which the current one is not visible. A
// former version is always Deprecated.
func (s *Session) standing(ctx context.Context, sc authz.Scope, versions []authz.Visible[xds.Document]) ([]authz.Visible[xds.Document], error) {
	former := func(v authz.Visible[xds.Document]) bool {
		d, _ := v.Value()
		return d.Entry.AvailabilityStatus == xds.Deprecated
	}
	if !slices.ContainsFunc(versions, former) {
		return versions, nil
	}
	lids, _ := splitIDs(logicalIDs(versions))
	current, err := s.visible(ctx, sc, func(st *statement, _ string) string { return "d.latest and d.lid = any(" + st.arg(lids) + "::uuid[])" })
	if err != nil {
		return nil, err
	}
	seen := logicalIDs(current)
	return slices.DeleteFunc(versions, func(v authz.Visible[xds.Document]) bool {
		d, _ := v.Value()
		return !slices.Contains(seen, d.Entry.LogicalID)
	}), nil
}

// found completes the trail row of a request by id: what the ids stood for, and whether
// any of it was seen.
func (s *Session) found(ctx context.Context, sc authz.Scope, uuids, uids []string, seen bool) error {
	stood, err := s.logicalIDs(ctx, sc.Record(), uuids, uids)
	if err == nil {
		sc.Found(stood, seen)
	}
	return err
}

// namedSQL are the bare logicalIDs of the documents of a record that ids stand for,
// each kind of id by its index.
func namedSQL(record, uuids, uids string) string {
	return `select object from object_id where id = any(` + uuids + `::uuid[]) and record = ` + record + ` and kind = ` + strconv.Itoa(int(kindDocument)) + `
union select lid from document_entry where unique_id = any(` + uids + `::text[]) and record = ` + record + ` and latest`
}

// logicalIDs are the documents that the ids stand for, seen or not: for the trail.
func (s *Session) logicalIDs(ctx context.Context, record string, uuids, uids []string) ([]string, error) {
	rows, err := s.tx.Query(ctx, `select object::text from (`+namedSQL("$1::uuid", "$2", "$3")+`) named order by 1 limit 250`, record, uuids, uids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var lids []string
	for rows.Next() {
		var lid string
		if err := rows.Scan(&lid); err != nil {
			return nil, err
		}
		lids = append(lids, lid)
	}
	return lids, rows.Err()
}

// Scopes opens what a request by id may read: the record of its token, else those of
// the objects that it names (policy §0.1).
func (s *Session) Scopes(ctx context.Context, g *authz.Gate, sub authz.Subject, p authz.Purpose, ids ...string) ([]authz.Scope, error) {
	var named []xds.CX
	if sub.Patient == "" {
		var err error
		if named, err = s.Patients(ctx, ids...); err != nil {
			return nil, err
		}
	}
	return g.OpenByID(ctx, s, sub, named, p)
}

// Patients tells whose objects the ids name, at most one identifier a patient:
// the Gate opens one Scope for each. It tells nothing else.
func (s *Session) Patients(ctx context.Context, ids ...string) ([]xds.CX, error) {
	uuids, uids := splitIDs(ids)
	rows, err := s.tx.Query(ctx, `
select distinct r.ins_value, r.ins_authority, r.ins_type from record r where r.id in (
  select record from object_id where id = any($1)
  union select record from unique_id where uid = any($2))
order by 1, 2 limit 1001`, uuids, uids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var patients []xds.CX
	for rows.Next() {
		var value, authority, typ string
		if err := rows.Scan(&value, &authority, &typ); err != nil {
			return nil, err
		}
		patients = append(patients, xds.NewCX(value, authority, typ))
	}
	return patients, rows.Err()
}
