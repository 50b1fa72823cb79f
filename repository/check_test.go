package repository_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/xds"
)

// A probe leaves nothing behind, and is told of as any other operation.
func TestProbeLeavesNothing(t *testing.T) {
	dir, err := repository.Dir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := repository.S3(t.Context(), server(t, "x/"))
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*repository.Store{"directory": dir, "S3": bucket} {
		var heard []string
		s.Observe = func(operation string, err error) { heard = append(heard, operation) }
		if err := errors.Join(s.Check(t.Context()), s.Probe(t.Context())); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := strings.Join(heard, " "); got != "check create discard" {
			t.Errorf("%s: observed %s", name, got)
		}
		for blob, err := range s.List(t.Context(), "") {
			t.Errorf("%s: %v %v is left", name, blob.Key, err)
		}
	}
}

// A store that is gone says so, and Check makes nothing of it anew.
func TestCheckOfAStoreThatIsGone(t *testing.T) {
	root := filepath.Join(t.TempDir(), "volume")
	dir, err := repository.Dir(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(root, "blobs")); err != nil {
		t.Fatal(err)
	}
	if dir.Check(t.Context()) == nil {
		t.Error("a folder that is gone answers")
	}
	if _, err := os.Stat(filepath.Join(root, "blobs")); err == nil {
		t.Error("the check made the folder")
	}
	bucket, on := through(t, func(*http.Request, http.RoundTripper) (*http.Response, error) {
		return nil, errors.New("connection refused")
	})
	on.Store(true)
	if err := bucket.Check(t.Context()); !errors.Is(err, xds.ErrUnavailable) {
		t.Errorf("a server that is gone: %v", err)
	}
	if _, err := bucket.Create(t.Context(), "p/1", strings.NewReader("x"), 10); !errors.Is(err, xds.ErrUnavailable) {
		t.Errorf("a document for a server that is gone: %v", err)
	}
}
