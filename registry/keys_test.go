package registry_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/repository/vault"
)

// A key that is not there, and one that a back-up brought back, are told; the second is
// destroyed again, by fsck and by the weekly walk.
func TestKeysOfDocuments(t *testing.T) {
	s := newStore(t)
	dir := filepath.Join(t.TempDir(), "keys")
	v, err := vault.Create(dir, vault.Master([]byte("a secret of the tests")))
	if err != nil {
		t.Fatal(err)
	}
	s.repo.Vault = v
	c, entry := s.deposit("encrypted")
	if want := s.record + "/1/"; !strings.HasPrefix(c.Blob, want) {
		t.Fatalf("blob %s, not under %s", c.Blob, want)
	}
	if found := s.fsck(registry.FsckOptions{Bytes: true, OlderThan: day}); len(found) > 0 {
		t.Fatalf("nothing is wrong: %v", found)
	}
	all, err := filepath.Glob(filepath.Join(dir, "*", "*", s.record+".1"))
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	kept, err := os.ReadFile(all[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.repo.Shred(upkeep, s.record, 1, s.reg.Now()); err != nil {
		t.Fatal(err)
	}
	lid := strings.TrimPrefix(entry.LogicalID, "urn:uuid:")
	want := map[registry.Fault][]string{registry.KeyMissing: {lid}}
	if diff := cmp.Diff(want, s.fsck(registry.FsckOptions{Bytes: true, OlderThan: day})); diff != "" {
		t.Errorf("destroyed: wanted (-), found (+):\n%s", diff)
	}
	restore := func() {
		t.Helper()
		if err := os.WriteFile(all[0], kept, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	restore()
	want = map[registry.Fault][]string{registry.KeyRevived: {s.record + "/1"}}
	for range 2 { // the second one finds what the first did not repair
		if diff := cmp.Diff(want, s.fsck(registry.FsckOptions{Bytes: true, OlderThan: day, Repair: false})); diff != "" {
			t.Errorf("restored: wanted (-), found (+):\n%s", diff)
		}
	}
	s.fsck(registry.FsckOptions{OlderThan: day, Repair: true})
	if _, err := os.Stat(all[0]); !os.IsNotExist(err) {
		t.Errorf("after fsck --repair: %v", err)
	}
	restore()
	if done, err := s.reg.Reconcile(t.Context(), upkeep, s.repo, day); err != nil || done.Keys != 1 {
		t.Errorf("the weekly walk: %+v %v", done, err)
	}
	if _, err := os.Stat(all[0]); !os.IsNotExist(err) {
		t.Errorf("after the weekly walk: %v", err)
	}
}
