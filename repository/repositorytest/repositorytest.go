// Package repositorytest is the contract of a repository.Store, which every back
// end must keep: run Test on each. Tests alone import it.
package repositorytest

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/xds"
)

const (
	epoch  = "d7f2/1/submission"
	roomy  = 8 << 20
	maxOne = 100 // bytes, limit of the limit tests
)

// Test runs the contract; newStore gives an empty store each time.
func Test(t *testing.T, newStore func(testing.TB) *repository.Store) {
	for name, test := range map[string]func(*testing.T, *repository.Store){
		"round trip":             roundTrip,
		"keys":                   keys,
		"create only":            createOnly,
		"limit":                  limit,
		"reader that fails":      failingReader,
		"cancelled":              cancelled,
		"discard":                discard,
		"list":                   list,
		"list under a prefix":    under,
		"refused keys":           refusedKeys,
		"nothing without proof":  withoutProof,
		"other than registered":  otherThanRegistered,
		"many at once":           manyAtOnce,
		"reading ends with time": readingEnds,
	} {
		t.Run(name, func(t *testing.T) { test(t, newStore(t)) })
	}
}

// Put stores a text and fails the test when that fails.
func Put(t testing.TB, s *repository.Store, text []byte) xds.Content {
	t.Helper()
	c, err := s.Create(t.Context(), epoch, bytes.NewReader(text), roomy)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Read opens a content with a proof made for it and reads it to its end.
func Read(t testing.TB, s *repository.Store, c xds.Content) ([]byte, error) {
	t.Helper()
	r, err := s.Open(t.Context(), See(t, c))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// Text is n bytes that do not repeat themselves soon.
func Text(n int) []byte {
	text := make([]byte, n)
	for i, state := 0, uint32(1); i < n; i++ {
		state = state*1664525 + 1013904223
		text[i] = byte(state >> 24)
	}
	return text
}

func roundTrip(t *testing.T, s *repository.Store) {
	const block = 256 << 10
	for _, n := range []int{0, 1, 4096, block - 1, block, block + 1, 3*block + 7} {
		text := Text(n)
		for name, r := range map[string]io.Reader{
			"whole":        bytes.NewReader(text),
			"end with it":  iotest.DataErrReader(bytes.NewReader(text)),
			"small pieces": iotest.HalfReader(bytes.NewReader(text)),
		} {
			c, err := s.Create(t.Context(), epoch, r, int64(n))
			if err != nil {
				t.Fatalf("%d bytes, %s: %v", n, name, err)
			}
			h1, h256 := sha1.Sum(text), sha256.Sum256(text)
			want := xds.Content{Blob: c.Blob, SHA1: hex.EncodeToString(h1[:]), SHA256: hex.EncodeToString(h256[:]), Size: int64(n), Seal: c.Seal}
			if c != want {
				t.Errorf("%d bytes, %s: measured %+v, want %+v", n, name, c, want)
			}
			if got, err := Read(t, s, c); err != nil || !bytes.Equal(got, text) {
				t.Errorf("%d bytes, %s: read %d bytes, %v", n, name, len(got), err)
			}
		}
	}
}

func keys(t *testing.T, s *repository.Store) {
	a, b := Put(t, s, []byte("same")), Put(t, s, []byte("same"))
	if a.Blob == b.Blob {
		t.Errorf("two blobs under the key %s", a.Blob)
	}
	id, under := strings.CutPrefix(a.Blob, epoch+"/")
	if !under || len(id) < 32 {
		t.Errorf("key %s: want 128 random bits under %s", a.Blob, epoch)
	}
}

func createOnly(t *testing.T, s *repository.Store) {
	s.NewID = func() string { return "taken" }
	first := Put(t, s, []byte("first"))
	if _, err := s.Create(t.Context(), epoch, strings.NewReader("second"), roomy); !errors.Is(err, repository.ErrExists) {
		t.Errorf("err = %v, want ErrExists", err)
	}
	if got, err := Read(t, s, first); err != nil || string(got) != "first" {
		t.Errorf("read %q, %v after the second Create", got, err)
	}
}

func limit(t *testing.T, s *repository.Store) {
	if _, err := s.Create(t.Context(), epoch, bytes.NewReader(Text(maxOne)), maxOne); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	before := walk(t, s, "")
	for _, n := range []int{maxOne + 1, 1 << 20} {
		_, err := s.Create(t.Context(), epoch, bytes.NewReader(Text(n)), maxOne)
		var findings xds.Errors
		if !errors.As(err, &findings) || len(findings) != 1 || findings[0].ID != "SOAP-008" || !strings.Contains(findings[0].Expected, "100") {
			t.Errorf("%d bytes: err = %v, want one SOAP-008 that names the limit", n, err)
		}
	}
	if after := walk(t, s, ""); !slices.Equal(before, after) {
		t.Errorf("left behind: %v", after)
	}
}

func failingReader(t *testing.T, s *repository.Store) {
	for _, broken := range []error{io.ErrUnexpectedEOF, errors.New("connection reset")} {
		for _, n := range []int{0, 10, 300 << 10} {
			r := io.MultiReader(bytes.NewReader(Text(n)), iotest.ErrReader(broken))
			if _, err := s.Create(t.Context(), epoch, r, roomy); !errors.Is(err, broken) {
				t.Errorf("%d bytes: err = %v, want %v", n, err, broken)
			}
		}
	}
	if left := walk(t, s, ""); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func cancelled(t *testing.T, s *repository.Store) {
	for name, end := range map[string]error{"at the end": io.EOF, "on the way": nil} {
		ctx, cancel := context.WithCancel(t.Context())
		r := io.MultiReader(bytes.NewReader(Text(600<<10)), readerFunc(func(p []byte) (int, error) {
			cancel()
			if end != nil {
				return 0, end
			}
			return len(p), nil
		}))
		if _, err := s.Create(ctx, epoch, r, roomy); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: err = %v, want Canceled", name, err)
		}
	}
	if left := walk(t, s, ""); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func discard(t *testing.T, s *repository.Store) {
	kept, gone := Put(t, s, []byte("kept")), Put(t, s, []byte("gone"))
	for range 2 {
		if err := s.Discard(t.Context(), gone.Blob); err != nil {
			t.Error(err)
		}
	}
	if _, err := Read(t, s, gone); !errors.Is(err, repository.ErrMissing) {
		t.Errorf("err = %v, want ErrMissing", err)
	}
	if got, err := Read(t, s, kept); err != nil || string(got) != "kept" {
		t.Errorf("the other one: %q, %v", got, err)
	}
}

func list(t *testing.T, s *repository.Store) {
	var made []string
	for i := range 12 {
		c, err := s.Create(t.Context(), fmt.Sprintf("p%d/1/%d", i%3, i%2), strings.NewReader("x"), roomy)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, c.Blob)
	}
	all := walk(t, s, "")
	if got, want := slices.Sorted(slices.Values(all)), slices.Sorted(slices.Values(made)); !slices.Equal(got, want) {
		t.Fatalf("listed %v, made %v", got, want)
	}
	for i, key := range all {
		if rest := walk(t, s, key); !slices.Equal(rest, all[i+1:]) {
			t.Errorf("after the %dth: %v, want %v", i, rest, all[i+1:])
		}
	}
	if err := s.Discard(t.Context(), all[5]); err != nil {
		t.Fatal(err)
	}
	if rest := walk(t, s, all[5]); !slices.Equal(rest, all[6:]) {
		t.Errorf("after one that is gone: %v, want %v", rest, all[6:])
	}
	for info, err := range s.List(t.Context(), "") {
		if err != nil || info.Modified.IsZero() {
			t.Errorf("%+v, %v: want a time", info, err)
		}
		break // a walk may be left early
	}
}

func walk(t *testing.T, s *repository.Store, after string) []string {
	t.Helper()
	return Keys(t, s.List(t.Context(), after))
}

func refusedKeys(t *testing.T, s *repository.Store) {
	for _, bad := range []string{"", ".", "..", "a/..", "../a", "/a", "a/", "a//b", "a/.b", `a\b`, "a b", "a\x00", "é", strings.Repeat("a", 49), "a/b/c/d/e"} {
		if _, err := s.Create(t.Context(), bad, strings.NewReader("x"), roomy); !errors.Is(err, repository.ErrKey) {
			t.Errorf("Create under %q: %v, want ErrKey", bad, err)
		}
		if err := s.Discard(t.Context(), bad+"/../x"); !errors.Is(err, repository.ErrKey) {
			t.Errorf("Discard under %q: %v, want ErrKey", bad, err)
		}
		c := xds.Content{Blob: bad + "/../x", Seal: strings.Repeat("0", 128)}
		if _, err := s.Open(t.Context(), See(t, c)); !errors.Is(err, repository.ErrKey) {
			t.Errorf("Open under %q: %v, want ErrKey", bad, err)
		}
	}
}

func withoutProof(t *testing.T, s *repository.Store) {
	Put(t, s, []byte("secret"))
	r, err := s.Open(t.Context(), authz.Visible[xds.Document]{})
	if !errors.Is(err, repository.ErrNotVisible) || r != nil {
		t.Errorf("the zero Visible opened %v, %v", r, err)
	}
}

// What is stored must be what the registry holds: of anything else no last byte
// comes out.
func otherThanRegistered(t *testing.T, s *repository.Store) {
	text := Text(70 << 10)
	c := Put(t, s, text)
	for name, change := range map[string]func(*xds.Content){
		"seal":       func(c *xds.Content) { c.Seal = c.Seal[:127] + flipped(c.Seal[127:]) },
		"seal's key": func(c *xds.Content) { c.Seal = flipped(c.Seal[:1]) + c.Seal[1:] },
		"no seal":    func(c *xds.Content) { c.Seal = "" },
		"another's":  func(c *xds.Content) { c.Seal = Put(t, s, text).Seal[:64] + c.Seal[64:] },
		"shorter":    func(c *xds.Content) { c.Size-- },
		"longer":     func(c *xds.Content) { c.Size++ },
	} {
		wrong := c
		change(&wrong)
		got, err := Read(t, s, wrong)
		if !errors.Is(err, repository.ErrCorrupt) || len(got) >= len(text) {
			t.Errorf("%s: read %d bytes of %d, %v; want ErrCorrupt", name, len(got), len(text), err)
		}
	}
}

// flipped is another hexadecimal digit.
func flipped(digit string) string {
	if digit == "0" {
		return "1"
	}
	return "0"
}

func manyAtOnce(t *testing.T, s *repository.Store) {
	var uploads sync.WaitGroup
	for i := range 16 {
		uploads.Go(func() {
			text := Text(1000 * (i + 1))
			c, err := s.Create(t.Context(), fmt.Sprintf("p%d/1/s", i%2), bytes.NewReader(text), roomy)
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := Read(t, s, c); err != nil || !bytes.Equal(got, text) {
				t.Errorf("upload %d: read %d bytes, %v", i, len(got), err)
			}
		})
	}
	uploads.Wait()
}

func readingEnds(t *testing.T, s *repository.Store) {
	c := Put(t, s, Text(1<<20))
	ctx, cancel := context.WithCancel(t.Context())
	r, err := s.Open(ctx, See(t, c))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if n, err := io.Copy(io.Discard, r); !errors.Is(err, context.Canceled) {
		t.Errorf("read %d more bytes, %v; want Canceled", n, err)
	}
}
