package vault_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/repository/vault"
	"github.com/passerelle-sante/passerelle/xds"
)

const record = "0a6f34c5-4a7a-4a31-9f1e-2b0f8f5b1c11"

var now = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

func create(t *testing.T) (*vault.Vault, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	v, err := vault.Create(dir, vault.Master([]byte("a secret of the tests")))
	if err != nil {
		t.Fatal(err)
	}
	return v, dir
}

func fingerprint(t *testing.T) func(vault.Key, error) string {
	return func(k vault.Key, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return k.Fingerprint()
	}
}

// files are the files below a folder with their contents.
func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v", path, info.Mode())
		}
		all[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestKeysLast(t *testing.T) {
	v, dir := create(t)
	if _, err := v.Key(record, 1); !errors.Is(err, vault.ErrNone) {
		t.Fatalf("before it is made: %v", err)
	}
	first := fingerprint(t)(v.Make(record, 1))
	if second := fingerprint(t)(v.Make(record, 2)); second == first {
		t.Error("two epochs have one key")
	}
	again, err := vault.Open(dir, vault.Master([]byte("a secret of the tests")))
	if err != nil {
		t.Fatal(err)
	}
	if got := fingerprint(t)(again.Key(record, 1)); got != first {
		t.Error("another key after a restart")
	}
	if got := fingerprint(t)(again.Make(record, 1)); got != first {
		t.Error("a key was made over another")
	}
}

// Gateways that need the first key of a record at once have one key.
func TestMakeAtOnce(t *testing.T) {
	_, dir := create(t)
	var wait sync.WaitGroup
	got := make([]string, 16)
	for i := range got {
		wait.Go(func() {
			v, err := vault.Open(dir, vault.Master([]byte("a secret of the tests")))
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = fingerprint(t)(v.Make(record, 1))
		})
	}
	wait.Wait()
	for _, f := range got {
		if f != got[0] {
			t.Fatalf("several keys: %q", got)
		}
	}
}

func TestOthersFolder(t *testing.T) {
	_, dir := create(t)
	if _, err := vault.Open(dir, vault.Master([]byte("another secret"))); !errors.Is(err, vault.ErrMaster) {
		t.Errorf("another master key: %v", err)
	}
	if _, err := vault.Open(t.TempDir(), vault.Master([]byte("a secret of the tests"))); !errors.Is(err, vault.ErrNoVault) || !errors.Is(err, xds.ErrUnavailable) {
		t.Errorf("a folder that is no vault, such as an empty mount point: %v", err)
	}
}

func TestVaultThatWent(t *testing.T) {
	v, dir := create(t)
	if _, err := v.Make(record, 1); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Key(record, 1); !errors.Is(err, xds.ErrUnavailable) {
		t.Errorf("a vault that is not mounted is said to have no key: %v", err)
	}
	if _, err := v.Make(record, 1); !errors.Is(err, xds.ErrUnavailable) {
		t.Errorf("a key made where the vault is not mounted: %v", err)
	}
	if _, err := v.Destroy(record, 1, now); !errors.Is(err, xds.ErrUnavailable) {
		t.Errorf("a key said to be destroyed: %v", err)
	}
}

func TestTampered(t *testing.T) {
	v, dir := create(t)
	for _, epoch := range []int{1, 2} {
		if _, err := v.Make(record, epoch); err != nil {
			t.Fatal(err)
		}
	}
	var one, two string
	for path := range files(t, dir) {
		if strings.HasSuffix(path, ".1") {
			one = path
		} else if strings.HasSuffix(path, ".2") {
			two = path
		}
	}
	whole, err := os.ReadFile(one)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"short": whole[:40], "long": append(bytes.Clone(whole), 0), "bit": append(bytes.Clone(whole[:83]), whole[83]^1), "of another epoch": files(t, dir)[two]} {
		if err := os.WriteFile(one, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Key(record, 1); !errors.Is(err, vault.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNamesThatAreNone(t *testing.T) {
	v, _ := create(t)
	for _, name := range []string{"", "..", "a/b", "../../etc/x", strings.Repeat("x", 60), "a\x00"} {
		if _, err := v.Make(name, 1); err == nil {
			t.Errorf("%q", name)
		}
	}
	if _, err := v.Make(record, 0); err == nil {
		t.Error("epoch 0")
	}
}

func TestDestroy(t *testing.T) {
	v, dir := create(t)
	f := fingerprint(t)(v.Make(record, 1))
	var wrapped []byte
	var copied string
	for path, content := range files(t, dir) {
		if strings.HasSuffix(path, ".1") {
			wrapped, copied = content, path
		}
	}
	if err := os.Link(copied, copied+".open"); err != nil { // as a process that has the file open
		t.Fatal(err)
	}
	for i := range 2 { // told the same twice
		got, err := v.Destroy(record, 1, now.Add(time.Duration(i)*time.Hour))
		if want := (vault.Destruction{At: now, Keys: 1, Fingerprint: f}); err != nil || got != want {
			t.Errorf("%d: %+v %v", i, got, err)
		}
	}
	for path, content := range files(t, dir) {
		if bytes.Contains(content, wrapped[36:]) {
			t.Errorf("%s still holds the wrapped key", path)
		}
	}
	if _, err := v.Key(record, 1); !errors.Is(err, vault.ErrNone) {
		t.Errorf("after it was destroyed: %v", err)
	}
	if _, err := v.Make(record, 1); !errors.Is(err, vault.ErrDestroyed) {
		t.Errorf("a new key of a destroyed epoch: %v", err)
	}
	fingerprint(t)(v.Make(record, 2))

	// A back-up brings the file back.
	if err := os.WriteFile(copied, wrapped, 0o600); err != nil {
		t.Fatal(err)
	}
	if revived, err := v.Revived(t.Context()); err != nil || len(revived) != 1 || revived[0] != (vault.Name{Record: record, Epoch: 1}) {
		t.Errorf("revived: %v %v", revived, err)
	}
	if n, err := v.Reap(t.Context()); n != 1 || err != nil {
		t.Errorf("reaped %d, %v", n, err)
	}
	if _, err := v.Key(record, 1); !errors.Is(err, vault.ErrNone) {
		t.Errorf("after it was reaped: %v", err)
	}
	if n := count(t.Context(), t, v); n != 1 {
		t.Errorf("%d keys left, one of epoch 2 expected", n)
	}
}

func count(ctx context.Context, t *testing.T, v *vault.Vault) (n int) {
	t.Helper()
	for _, err := range v.All(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func TestDestroyWithoutKey(t *testing.T) {
	v, _ := create(t)
	if got, err := v.Destroy(record, 1, now); err != nil || got != (vault.Destruction{At: now}) {
		t.Errorf("%+v %v", got, err)
	}
}

func TestWipe(t *testing.T) {
	v, _ := create(t)
	fingerprint(t)(v.Make(record, 1))
	if _, err := v.Destroy(record, 2, now); err != nil {
		t.Fatal(err)
	}
	if err := v.Wipe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := count(t.Context(), t, v); n != 0 {
		t.Errorf("%d keys left", n)
	}
	fingerprint(t)(v.Make(record, 2))
}

func TestNoTextShowsAKey(t *testing.T) {
	v, _ := create(t)
	k, err := v.Make(record, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if got := fmt.Sprintf(form, k); got != "key" {
			t.Errorf("%s: %s", form, got)
		}
	}
}
