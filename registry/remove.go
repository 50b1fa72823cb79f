package registry

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/xds"
)

// OpenRemoval mints the operator's permission on one patient's record, in the session.
type OpenRemoval func(s *Session, patient xds.CX) (authz.Removal, error)

// The two transactions that remove, as the table of what was removed knows them.
const (
	removedMetadata  = "ITI-62"
	removedDocuments = "ITI-86"
)

// Remove takes objects out of the registry for good: rows, ids and uniqueIds, and then
// the bytes that nothing names any more (ITI TF-2 3.62.4.1.3). Naming any metadata
// version of a document or folder removes all of them. All of the objects go, or none:
// nothing that is left may refer to what is gone, nor be left without a reference.
// What ITI-86 has taken away already may be named once.
//
// Errors are findings: REG-004 unknown, REG-008 still referred to, REG-009 left without
// a reference.
func (r *Registry) Remove(ctx context.Context, repo *repository.Store, open OpenRemoval, ids []string) error {
	return r.removing(ctx, repo, func(s *Session) ([]string, error) {
		removals, err := s.namedForRemoval(ctx, open, ids)
		if err != nil {
			return nil, err
		}
		var findings xds.Errors
		for _, x := range removals {
			if err := x.examine(ctx, &findings); err != nil {
				return nil, err
			}
		}
		return s.carryOut(ctx, removals, findings, removedMetadata)
	})
}

// RemoveDocuments takes documents of this repository away for good, by uniqueId (ITI
// TF-2 3.86.4.1.3): the registry and the repository are one here, so their entries,
// associations and the sets that are left empty go with them. What ITI-62 has taken
// away already may be named once.
//
// Errors are findings: DOC-003 unknown. All of them go, or none.
func (r *Registry) RemoveDocuments(ctx context.Context, repo *repository.Store, open OpenRemoval, uniqueIDs []string) error {
	return r.removing(ctx, repo, func(s *Session) ([]string, error) {
		removals, findings, err := s.documentsForRemoval(ctx, open, uniqueIDs)
		if err != nil {
			return nil, err
		}
		for _, x := range removals {
			if err := x.widen(ctx); err != nil {
				return nil, err
			}
		}
		return s.carryOut(ctx, removals, findings, removedDocuments)
	})
}

// removing runs a removal and, once it is committed, deletes the bytes under the
// prefixes that it condemned: bytes are lent within a record alone, so that its own
// documents say whether any still needs them. What cannot be deleted now is left to the
// sweeper: the condemned intents stay for it (safety §4.2, I-7).
func (r *Registry) removing(ctx context.Context, repo *repository.Store, fn func(*Session) ([]string, error)) error {
	var prefixes []string
	err := r.Write(ctx, func(s *Session) (err error) {
		prefixes, err = fn(s)
		return err
	})
	if err != nil || len(prefixes) == 0 {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	failed := failures{}
	_, kept, err := r.sweepUnder(ctx, repo, prefixes, r.unlent, &failed)
	if err := failed.with(err); err != nil {
		r.report("removed bytes left for the sweeper", "error", err)
	}
	if err != nil {
		return nil
	}
	prefixes = slices.DeleteFunc(prefixes, func(prefix string) bool { return kept[prefix] })
	if _, err := r.pool.Exec(ctx, `delete from blob_intent where prefix = any($1) and created_at = '-infinity'`, prefixes); err != nil {
		r.report("condemned intents left for the sweeper", "error", err)
	}
	return nil
}

// removal is what goes from one record.
type removal struct {
	session *Session
	right   authz.Removal
	record  string
	objects map[string]int16  // bare object id → kind
	named   map[string]string // bare object id → as it was asked for
}

func (x *removal) of(kind int16) []string {
	all := []string{}
	for id, k := range x.objects {
		if k == kind {
			all = append(all, id)
		}
	}
	slices.Sort(all)
	return all
}

func (x *removal) ids() []string {
	all := []string{}
	for id := range x.objects {
		all = append(all, id)
	}
	slices.Sort(all)
	return all
}

// byRecord opens the right on each record and gives its removal.
func (s *Session) byRecord(ctx context.Context, open OpenRemoval, records map[string]map[string]string, kinds map[string]int16) ([]*removal, error) {
	var order []string
	for record := range records {
		order = append(order, record)
	}
	slices.Sort(order)
	var all []*removal
	for _, record := range order {
		patient, err := s.PatientOfRecord(ctx, record)
		if err != nil {
			return nil, err
		}
		right, err := open(s, patient)
		if err != nil {
			return nil, err
		}
		if !right.HeldBy(s) || right.Record() != record {
			return nil, errForeign
		}
		x := &removal{session: s, right: right, record: record, objects: map[string]int16{}, named: records[record]}
		for id := range x.named {
			x.objects[id] = kinds[id]
		}
		all = append(all, x)
	}
	return all, nil
}

// namedForRemoval finds the objects that ids name, each by any of its versions.
func (s *Session) namedForRemoval(ctx context.Context, open OpenRemoval, ids []string) ([]*removal, error) {
	bare, _ := splitIDs(ids)
	rows, err := s.tx.Query(ctx, `select id::text, record::text, kind, object::text from object_id where id = any($1)`, bare)
	if err != nil {
		return nil, err
	}
	found, records, kinds := map[string]bool{}, map[string]map[string]string{}, map[string]int16{}
	var id, record, object string
	var kind int16
	if _, err := pgx.ForEachRow(rows, []any{&id, &record, &kind, &object}, func() error {
		if records[record] == nil {
			records[record] = map[string]string{}
		}
		found[id], records[record][object], kinds[object] = true, "urn:uuid:"+id, kind
		return nil
	}); err != nil {
		return nil, err
	}
	gone, err := s.takeRemoved(ctx, bare, removedDocuments)
	if err != nil {
		return nil, err
	}
	var unknown xds.Errors
	for i, id := range ids {
		if b := bareID(id); !found[b] && !gone[b] {
			unknown.Add(&xds.Error{ID: "REG-004", Where: fmt.Sprintf("ObjectRef[%d]@id", i+1), Found: id, Object: id})
		}
	}
	removals, err := s.byRecord(ctx, open, records, kinds)
	if err != nil || !unknown.Failed() {
		return removals, err
	}
	for _, x := range removals {
		x.right.Refuse(unknown[0].ID)
	}
	return nil, unknown
}

// documentsForRemoval finds the documents of this repository with uniqueIds.
func (s *Session) documentsForRemoval(ctx context.Context, open OpenRemoval, uids []string) ([]*removal, xds.Errors, error) {
	_, asked := splitIDs(uids)
	rows, err := s.tx.Query(ctx, `
select d.record::text, d.lid::text, d.unique_id from document_entry d join unique_id u on u.uid = d.unique_id and u.record = d.record
where u.uid = any($1) and d.latest and d.blob <> ''`, asked)
	if err != nil {
		return nil, nil, err
	}
	found, records, kinds := map[string]bool{}, map[string]map[string]string{}, map[string]int16{}
	var record, lid, uid string
	if _, err := pgx.ForEachRow(rows, []any{&record, &lid, &uid}, func() error {
		if records[record] == nil {
			records[record] = map[string]string{}
		}
		found[uid], records[record][lid], kinds[lid] = true, uid, kindDocument
		return nil
	}); err != nil {
		return nil, nil, err
	}
	gone, err := s.takeRemoved(ctx, asked, removedMetadata)
	if err != nil {
		return nil, nil, err
	}
	var findings xds.Errors
	for i, id := range uids {
		if uid := strings.TrimPrefix(id, "urn:oid:"); !found[uid] && !gone[uid] {
			findings.Add(&xds.Error{ID: "DOC-003", Where: fmt.Sprintf("DocumentRequest[%d].DocumentUniqueId", i+1), Found: id, Object: id})
		}
	}
	removals, err := s.byRecord(ctx, open, records, kinds)
	return removals, findings, err
}

// takeRemoved tells which of the ids another transaction has removed, and lets each be
// named only once.
func (s *Session) takeRemoved(ctx context.Context, ids []string, by string) (map[string]bool, error) {
	rows, err := s.tx.Query(ctx, `update removed set by = '' where id = any($1) and by = $2 returning id`, ids, by)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	gone := map[string]bool{}
	for _, id := range all {
		gone[id] = true
	}
	return gone, err
}

// carryOut deletes what every removal holds, unless something speaks against it, and
// gives the prefixes of the bytes to delete afterwards.
func (s *Session) carryOut(ctx context.Context, removals []*removal, findings xds.Errors, by string) ([]string, error) {
	if err := findings.Err(); err != nil {
		for _, x := range removals {
			x.right.Refuse(findings[0].ID)
		}
		return nil, err
	}
	var prefixes []string
	for _, x := range removals {
		blobs, err := x.delete(ctx, by)
		if err != nil {
			return nil, err
		}
		for _, blob := range blobs {
			if prefix := path.Dir(blob); strings.HasPrefix(blob, x.record+"/") && !slices.Contains(prefixes, prefix) {
				prefixes = append(prefixes, prefix)
			}
		}
	}
	return prefixes, s.condemn(ctx, prefixes)
}

// condemn gives up the bytes under prefixes, in the transaction of the removal: from its
// commit on a sweep deletes them, and not before (I-7).
func (s *Session) condemn(ctx context.Context, prefixes []string) error {
	_, err := s.tx.Exec(ctx, `
insert into blob_intent (prefix, created_at) select p, '-infinity' from unnest($1::text[]) p
on conflict (prefix) do update set created_at = '-infinity'`, append([]string{}, prefixes...))
	return err
}
