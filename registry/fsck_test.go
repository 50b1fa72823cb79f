package registry_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
)

func (s *store) fsck(o registry.FsckOptions) map[registry.Fault][]string {
	s.t.Helper()
	found := map[registry.Fault][]string{}
	done, err := s.reg.Fsck(s.t.Context(), upkeep, s.repo, o, func(f registry.Finding) {
		at := f.Object
		if at == "" {
			at = f.Blob
		}
		found[f.Fault] = append(found[f.Fault], at)
	})
	if err != nil {
		s.t.Fatal(err)
	}
	total := 0
	for _, at := range found {
		total += len(at)
	}
	if total != done.Findings {
		s.t.Errorf("%d findings told, %d counted", total, done.Findings)
	}
	return found
}

// A version that does not decode hides nothing of the bytes that a later one names.
func TestFsckUnreadableVersion(t *testing.T) {
	s := newStore(t)
	c, entry := s.deposit("masked, so that there are two versions")
	if _, err := s.act(doctor("traitant"), authz.Mask, registry.Change{Document: entry.LogicalID, Attested: true}); err != nil {
		t.Fatal(err)
	}
	s.exec(`update document_entry set entry = '\x00' where version = 1`)
	if err := s.repo.Discard(t.Context(), c.Blob); err != nil {
		t.Fatal(err)
	}
	lid := []string{strings.TrimPrefix(entry.LogicalID, "urn:uuid:")}
	want := map[registry.Fault][]string{registry.EntryUnreadable: lid, registry.BlobMissing: lid}
	if diff := cmp.Diff(want, s.fsck(registry.FsckOptions{OlderThan: day})); diff != "" {
		t.Errorf("wanted (-), found (+):\n%s", diff)
	}
}

// Each kind of damage is told by its name and its place, and nothing else is.
func TestFsck(t *testing.T) {
	s := newStore(t)
	document := func() (lid, blob, uid string) {
		c, e := s.deposit("text of a document")
		return strings.TrimPrefix(e.LogicalID, "urn:uuid:"), c.Blob, e.UniqueID
	}
	for range 3 {
		document()
	}
	s.begin("under way")
	if found := s.fsck(registry.FsckOptions{Bytes: true, OlderThan: day}); len(found) > 0 {
		t.Fatalf("nothing is damaged: %v", found)
	}
	want := map[registry.Fault][]string{}
	damage := func(fault registry.Fault, at string, sql string, args ...any) {
		want[fault] = []string{at}
		if sql != "" {
			s.exec(sql, args...)
		}
	}
	lid, blob, _ := document()
	damage(registry.BlobMissing, lid, "")
	if err := s.repo.Discard(t.Context(), blob); err != nil {
		t.Fatal(err)
	}
	lid, _, _ = document()
	damage(registry.BlobCorrupt, lid, `update document_entry set sha256 = $2 where lid = $1`, lid, strings.Repeat("0", 64))
	lid, _, _ = document()
	damage(registry.EntryUnreadable, lid, `update document_entry set entry = '\x00' where lid = $1`, lid)
	lid, _, _ = document()
	damage(registry.DocumentCurrent, lid, `update document_entry set latest = false where lid = $1`, lid)
	lid, _, _ = document()
	damage(registry.ObjectIDMissing, lid, `delete from object_id where id = $1`, lid)
	lid, _, uid := document()
	damage(registry.UniqueIDMissing, lid, `delete from unique_id where uid = $1`, uid)
	lid, _, uid = document()
	damage(registry.HashDiffers, lid, `update unique_id set sha1 = 'other' where uid = $1`, uid)
	id := newID()
	damage(registry.LineageEmpty, id, `insert into lineage select record, $1, false, false, false, '{}' from lineage limit 1`, id)
	id = newID()
	damage(registry.ObjectIDDangling, id, `insert into object_id select $1, id, 1, $1 from record limit 1`, id)
	damage(registry.UniqueIDDangling, "1.2.999", `insert into unique_id select '1.2.999', id, 1, '', '', '', now() from record limit 1`)
	id = newID()
	damage(registry.AssociationDangling, id, `
with a as (insert into association select record, $1, type, source, $2, status, registered_at, entry from association limit 1 returning record, id)
insert into object_id select id, record, 4, id from a`, id, newID())
	stale := s.begin("left over")
	s.age(stale, 2*day)
	damage(registry.IntentStale, stale.Blob[:strings.LastIndex(stale.Blob, "/")], "")
	if diff := cmp.Diff(want, s.fsck(registry.FsckOptions{Bytes: true, OlderThan: day})); diff != "" {
		t.Errorf("wanted (-), found (+):\n%s", diff)
	}
	delete(want, registry.BlobCorrupt) // needs the bytes
	if diff := cmp.Diff(want, s.fsck(registry.FsckOptions{OlderThan: day})); diff != "" {
		t.Errorf("quick: wanted (-), found (+):\n%s", diff)
	}
	s.fsck(registry.FsckOptions{OlderThan: day, Repair: true})
	delete(want, registry.IntentStale)
	if diff := cmp.Diff(want, s.fsck(registry.FsckOptions{OlderThan: day})); diff != "" {
		t.Errorf("after a repair: wanted (-), found (+):\n%s", diff)
	}
}
