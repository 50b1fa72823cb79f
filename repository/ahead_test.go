package repository_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/repository/repositorytest"
)

// The sizes around those of a block; the whole comes out, whichever way it is read.
func TestCopied(t *testing.T) {
	const block = 256 << 10
	for _, size := range []int{0, 1, block - 1, block, block + 1, 2 * block, 2*block + 1, 5*block - 7} {
		_, s := directory(t)
		text := repositorytest.Text(size)
		r, err := s.Open(t.Context(), repositorytest.See(t, repositorytest.Put(t, s, text)))
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		n, err := io.Copy(&got, r)
		if err != nil || n != int64(size) || !bytes.Equal(got.Bytes(), text) {
			t.Errorf("%d bytes: copied %d, %v", size, n, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A damaged document never comes out whole, and its client hears of it.
func TestCopiedDamaged(t *testing.T) {
	text := repositorytest.Text(3 << 20)
	for _, at := range []int{100, 1 << 20, len(text) - 1} {
		root, s := directory(t)
		c := repositorytest.Put(t, s, text)
		path := filepath.Join(root, files(t, root)[0])
		blob, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		blob[len(blob)-len(text)+at] ^= 1
		if err := os.WriteFile(path, blob, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := s.Open(t.Context(), repositorytest.See(t, c))
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, r)
		if !errors.Is(err, repository.ErrCorrupt) || n >= int64(len(text)) {
			t.Errorf("byte %d flipped: %d of %d bytes, %v", at, n, len(text), err)
		}
		r.Close()
	}
}

// refusing takes some bytes, then no more.
type refusing struct {
	left int
	err  error
}

func (w *refusing) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, w.err
	}
	return len(p), nil
}

// A client that leaves, or a context that ends, ends the reading ahead too: the
// bubble of the test does not end before its goroutines.
func TestCopiedInPart(t *testing.T) {
	_, s := directory(t)
	c := repositorytest.Put(t, s, repositorytest.Text(3<<20))
	gone := errors.New("client gone")
	synctest.Test(t, func(t *testing.T) {
		for _, taken := range []int{0, 300 << 10, 1 << 20} {
			r, err := s.Open(t.Context(), repositorytest.See(t, c))
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(&refusing{taken, gone}, r); !errors.Is(err, gone) || n > int64(taken) {
				t.Errorf("after %d bytes: %d, %v", taken, n, err)
			}
			r.Close()
		}
		ctx, cancel := context.WithCancel(t.Context())
		r, err := s.Open(ctx, repositorytest.See(t, c))
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := io.Copy(io.Discard, r); !errors.Is(err, context.Canceled) {
			t.Errorf("after the end of the request: %v", err)
		}
		r.Close()
	})
}
