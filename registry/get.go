package registry

import (
	"context"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// bareID is an id as it stands in uuid columns.
func bareID(id string) string { return strings.TrimPrefix(id, "urn:uuid:") }

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
	return s.found(ctx, sc, uuids, uids, func(st *statement, record string) string {
		return "d.latest and d.lid in (" + namedSQL(record+"::uuid", st.arg(uuids), st.arg(uids)) + ")"
	})
}

// GetVersions answers with exactly the metadata versions whose entryUUIDs are
// given (ITI TF-2 3.18.4.1.2.3.7.5); otherwise it is Get.
func (s *Session) GetVersions(ctx context.Context, sc authz.Scope, entryUUIDs ...string) ([]authz.Visible[xds.Document], error) {
	if sc.Record() == "" {
		return nil, nil
	}
	if !sc.HeldBy(s) {
		return nil, errForeign
	}
	uuids, _ := splitIDs(entryUUIDs)
	return s.found(ctx, sc, uuids, []string{}, func(st *statement, _ string) string {
		versions := st.arg(uuids) + "::uuid[]"
		return "d.lid in (select object from object_id where id = any(" + versions + ")) and d.entry_uuid = any(" + versions + ")"
	})
}

// found reads what a request by id names and completes its trail row.
func (s *Session) found(ctx context.Context, sc authz.Scope, uuids, uids []string, which func(*statement, string) string) ([]authz.Visible[xds.Document], error) {
	visible, err := s.visible(ctx, sc, which)
	if err != nil {
		return nil, err
	}
	stood, err := s.logicalIDs(ctx, sc.Record(), uuids, uids)
	if err != nil {
		return nil, err
	}
	sc.Found(stood, len(visible) > 0)
	return visible, nil
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
