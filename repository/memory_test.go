package repository_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/repository/repositorytest"
)

// zeros never ends and cannot be taken in one piece.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	n := min(len(p), 4096)
	clear(p[:n])
	return n, nil
}

// A document passes through a few blocks of memory, whatever its size (safety
// I-8): all that is allocated for 64 MiB, in and out, is counted.
func TestMemoryIsBounded(t *testing.T) {
	const size, bound = 64 << 20, 3 << 20
	_, dir := directory(t)
	for name, s := range map[string]*repository.Store{"directory": locked(t, dir), "s3": sink(t)} {
		t.Run(name, func(t *testing.T) {
			used := allocated(func() {
				c, err := s.Create(t.Context(), "p/1/s", io.LimitReader(zeros{}, size), size)
				if err != nil || c.Size != size {
					t.Fatalf("%+v, %v", c, err)
				}
				if name != "directory" {
					return // the sink keeps nothing
				}
				r, err := s.Open(t.Context(), repositorytest.See(t, c))
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				if n, err := io.Copy(io.Discard, r); n != size || err != nil {
					t.Fatalf("read %d bytes, %v", n, err)
				}
			})
			if used > bound {
				t.Errorf("%d kB allocated", used>>10)
			}
		})
	}
}

func allocated(work func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	work()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// sink is a server that takes all and keeps nothing.
func sink(t *testing.T) *repository.Store {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
	}))
	t.Cleanup(web.Close)
	s, err := repository.S3(t.Context(), repository.S3Options{
		Endpoint: strings.TrimPrefix(web.URL, "http://"), Bucket: "blobs", Region: "us-east-1",
		AccessKey: "id", SecretKey: "secret", Plain: true, Spool: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
