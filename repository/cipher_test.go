package repository_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/repository/repositorytest"
	"github.com/passerelle-sante/passerelle/repository/vault"
	"github.com/passerelle-sante/passerelle/xds"
)

const (
	chunk  = 64 << 10
	tag    = 16
	header = 40
)

// locked gives a store a vault.
func locked(t testing.TB, s *repository.Store) *repository.Store {
	t.Helper()
	v, err := vault.Create(filepath.Join(t.TempDir(), "keys"), vault.Master([]byte("a secret of the tests")))
	if err != nil {
		t.Fatal(err)
	}
	s.Vault = v
	return s
}

func encrypted(t testing.TB) (root string, s *repository.Store) {
	t.Helper()
	root = t.TempDir()
	s, err := repository.Dir(root)
	if err != nil {
		t.Fatal(err)
	}
	return root, locked(t, s)
}

func TestDirectoryEncrypted(t *testing.T) {
	repositorytest.Test(t, func(t testing.TB) *repository.Store {
		_, s := encrypted(t)
		return s
	})
}

// file is where the directory store keeps a blob.
func file(t *testing.T, root string, c xds.Content) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(root, "blobs", "*", strings.ReplaceAll(c.Blob, "/", ",")))
	if err != nil || len(all) != 1 {
		t.Fatalf("%s: %v %v", c.Blob, all, err)
	}
	return all[0]
}

func change(t *testing.T, path string, do func([]byte) []byte) (restore func()) {
	t.Helper()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, do(bytes.Clone(whole)), 0o600); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNothingInTheClear(t *testing.T) {
	root, s := encrypted(t)
	text := bytes.Repeat([]byte("FERRITINE BASSE "), 3*chunk/16)
	c := repositorytest.Put(t, s, text)
	raw, err := os.ReadFile(file(t, root, c))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, []byte("FERRI")) || len(raw) != header+len(text)+3*tag {
		t.Errorf("%d bytes, in the clear: %v", len(raw), bytes.Contains(raw, []byte("FERRI")))
	}
}

// Whatever is done to an encrypted blob, no byte of a chunk that was touched is given.
func TestTamperedContent(t *testing.T) {
	root, s := encrypted(t)
	text := repositorytest.Text(4*chunk + 100)
	c := repositorytest.Put(t, s, text)
	other := repositorytest.Put(t, s, text)
	otherRaw, err := os.ReadFile(file(t, root, other))
	if err != nil {
		t.Fatal(err)
	}
	path := file(t, root, c)
	at := func(n int) int { return header + n*(chunk+tag) }
	for name, x := range map[string]struct {
		do   func([]byte) []byte
		most int // bytes that may be given
	}{
		"a bit of the salt":    {func(b []byte) []byte { b[30] ^= 1; return b }, 0},
		"a bit of the first":   {func(b []byte) []byte { b[at(0)] ^= 1; return b }, 0},
		"a bit of a later tag": {func(b []byte) []byte { b[at(3)-1] ^= 1; return b }, 2 * chunk},
		"two in another order": {func(b []byte) []byte {
			return append(append(append(b[:at(1):at(1)], b[at(2):at(3)]...), b[at(1):at(2)]...), b[at(3):]...)
		}, chunk},
		"one repeated":            {func(b []byte) []byte { copy(b[at(1):at(2)], b[at(0):at(1)]); return b }, chunk},
		"one left out":            {func(b []byte) []byte { return append(b[:at(1):at(1)], b[at(2):]...) }, chunk},
		"the last left out":       {func(b []byte) []byte { return b[:at(4)] }, 4 * chunk},
		"cut in a chunk":          {func(b []byte) []byte { return b[:len(b)-1] }, 4 * chunk},
		"one byte more":           {func(b []byte) []byte { return append(b, 0) }, len(text) - 1},
		"a shorter length said":   {func(b []byte) []byte { b[23] ^= 1; return b }, 0},
		"another epoch said":      {func(b []byte) []byte { b[15] = 2; return b }, 0},
		"said to be in the clear": {func(b []byte) []byte { b[11], b[15] = 1, 0; return b }, len(text) - 1},
		"another blob's file":     {func([]byte) []byte { return bytes.Clone(otherRaw) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			defer change(t, path, x.do)()
			r, err := s.Open(t.Context(), repositorytest.See(t, c))
			var got []byte
			if err == nil {
				got, err = io.ReadAll(r)
				r.Close()
			}
			if !errors.Is(err, repository.ErrCorrupt) && !errors.Is(err, vault.ErrNone) {
				t.Errorf("err = %v", err)
			}
			if len(got) > x.most {
				t.Errorf("%d bytes given, %d at most", len(got), x.most)
			}
		})
	}
	if got, err := repositorytest.Read(t, s, c); err != nil || !bytes.Equal(got, text) {
		t.Errorf("restored: %v", err)
	}
}

// The blobs of before stay readable, and what is written without a vault is one of them.
func TestClearBlobsStayReadable(t *testing.T) {
	root := t.TempDir()
	before, err := repository.Dir(root)
	if err != nil {
		t.Fatal(err)
	}
	c := repositorytest.Put(t, before, []byte("in the clear"))
	s, err := repository.Dir(root)
	if err != nil {
		t.Fatal(err)
	}
	locked(t, s)
	if got, err := repositorytest.Read(t, s, c); err != nil || string(got) != "in the clear" {
		t.Errorf("%q %v", got, err)
	}
	if err := s.Verify(t.Context(), authz.AsSystem("test"), c, false); err != nil {
		t.Error(err)
	}
	sealed := repositorytest.Put(t, s, []byte("encrypted"))
	if _, err := repositorytest.Read(t, before, sealed); !errors.Is(err, xds.ErrUnavailable) {
		t.Errorf("without a vault: %v", err)
	}
	if err := s.Verify(t.Context(), authz.AsSystem("test"), sealed, false); err != nil {
		t.Error(err)
	}
}

// Once the key is destroyed, neither the blob nor a copy of it opens again, and the epoch
// takes nothing more; other epochs and records go on.
func TestShredded(t *testing.T) {
	root, s := encrypted(t)
	at := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	put := func(prefix, text string) xds.Content {
		t.Helper()
		c, err := s.Create(t.Context(), prefix, strings.NewReader(text), 100)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	gone, next, neighbour := put("r1/1/a", "gone"), put("r1/2/a", "next"), put("r2/1/a", "neighbour")
	copied, err := os.ReadFile(file(t, root, gone))
	if err != nil {
		t.Fatal(err)
	}
	path := file(t, root, gone)
	if _, err := s.Shred(authz.System{}, "r1", 1, at); err == nil {
		t.Fatal("destroyed by nobody")
	}
	if d, err := s.Shred(authz.AsSystem("test"), "r1", 1, at); err != nil || d.Keys != 1 || d.Fingerprint == "" || !d.At.Equal(at) {
		t.Fatal(d, err)
	}
	if _, err := repositorytest.Read(t, s, gone); !errors.Is(err, repository.ErrNoKey) {
		t.Errorf("after its key was destroyed: %v", err)
	}
	if err := s.Discard(t.Context(), gone.Blob); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, copied, 0o600); err != nil { // a back-up
		t.Fatal(err)
	}
	if _, err := repositorytest.Read(t, s, gone); !errors.Is(err, repository.ErrNoKey) {
		t.Errorf("a copy of it: %v", err)
	}
	for want, c := range map[string]xds.Content{"next": next, "neighbour": neighbour} {
		if got, err := repositorytest.Read(t, s, c); err != nil || string(got) != want {
			t.Errorf("%s: %q %v", want, got, err)
		}
	}
	if _, err := s.Create(t.Context(), "r1/1/b", strings.NewReader("late"), 100); !errors.Is(err, vault.ErrDestroyed) || !errors.Is(err, xds.ErrUnavailable) {
		t.Errorf("a document that comes after: %v", err)
	}
}

// A prefix that names no epoch is refused: nothing is kept in the clear by mistake.
func TestNoEpochNoBlob(t *testing.T) {
	_, s := encrypted(t)
	for _, prefix := range []string{"r1", "r1/1", "r1/x/a", "r1/0/a", "r1/1/a/b"} {
		if _, err := s.Create(t.Context(), prefix, strings.NewReader("x"), 100); !errors.Is(err, repository.ErrKey) {
			t.Errorf("%s: %v", prefix, err)
		}
	}
	if err := s.Probe(t.Context()); err != nil {
		t.Errorf("probe: %v", err)
	}
}

func BenchmarkStore(b *testing.B) {
	for _, size := range []int{4 << 10, 200 << 10, 8 << 20} {
		text := repositorytest.Text(size)
		for _, name := range []string{"clear", "encrypted"} {
			s, err := repository.Dir(b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			if name == "encrypted" {
				locked(b, s)
			}
			c := repositorytest.Put(b, s, text)
			b.Run(fmt.Sprintf("create %d kB %s", size>>10, name), func(b *testing.B) {
				b.SetBytes(int64(size))
				for b.Loop() {
					c := repositorytest.Put(b, s, text)
					if err := s.Discard(b.Context(), c.Blob); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(fmt.Sprintf("open %d kB %s", size>>10, name), func(b *testing.B) {
				b.SetBytes(int64(size))
				for b.Loop() {
					r, err := s.Open(b.Context(), repositorytest.See(b, c))
					if err != nil {
						b.Fatal(err)
					}
					if n, err := io.Copy(io.Discard, r); err != nil || n != int64(size) {
						b.Fatal(n, err)
					}
					r.Close()
				}
			})
		}
	}
}
