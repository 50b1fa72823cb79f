package repository_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/repository/repositorytest"
	"github.com/passerelle-sante/passerelle/xds"
)

// What is not as registered is told, by its size alone when its bytes are not read.
func TestVerify(t *testing.T) {
	s3, err := repository.S3(t.Context(), server(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	_, dir := directory(t)
	for name, s := range map[string]*repository.Store{"directory": dir, "s3": s3} {
		t.Run(name, func(t *testing.T) { verify(t, s) })
	}
}

func verify(t *testing.T, s *repository.Store) {
	sys := authz.AsSystem("contract")
	c := repositorytest.Put(t, s, repositorytest.Text(70<<10))
	gone := repositorytest.Put(t, s, []byte("gone"))
	if err := s.Discard(t.Context(), gone.Blob); err != nil {
		t.Fatal(err)
	}
	other, longer := c, c
	other.SHA256 = strings.Repeat("0", 64)
	longer.Size++
	for _, bytes := range []bool{true, false} {
		for name, want := range map[string]struct {
			content xds.Content
			err     error
		}{
			"good": {c, nil}, "gone": {gone, repository.ErrMissing}, "longer": {longer, repository.ErrCorrupt},
			"other bytes": {other, map[bool]error{true: repository.ErrCorrupt}[bytes]}, "no key": {xds.Content{}, repository.ErrKey},
		} {
			if err := s.Verify(t.Context(), sys, want.content, bytes); !errors.Is(err, want.err) {
				t.Errorf("%s, bytes %v: %v, want %v", name, bytes, err, want.err)
			}
		}
	}
	if err := s.Verify(t.Context(), authz.System{}, c, true); !errors.Is(err, repository.ErrNotVisible) {
		t.Errorf("the zero System: %v", err)
	}
}

// Everything names what lies in the folder and is no blob, List leaves it out.
func TestStrays(t *testing.T) {
	root, s := directory(t)
	c := repositorytest.Put(t, s, []byte("blob"))
	for _, name := range []string{"note.txt", "00/moved", "00/p,1,elsewhere"} {
		file := filepath.Join(root, "blobs", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if keys := repositorytest.Keys(t, s.List(t.Context(), "")); !slices.Equal(keys, []string{c.Blob}) {
		t.Errorf("listed %v", keys)
	}
	strays := 0
	for info, err := range s.Everything(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if info.Stray {
			strays++
		}
	}
	if strays != 3 {
		t.Errorf("%d strays, want 3", strays)
	}
}
