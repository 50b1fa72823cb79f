package repository

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/passerelle-sante/passerelle/xds"
)

// sickDisk is a folder whose temporary files are on another disk.
type sickDisk struct {
	*directory
	file func() (*os.File, error)
}

func (d sickDisk) temp() (*os.File, error) { return d.file() }

// A disk that is full or read-only is unavailable, is told of, and leaves no doubt.
func TestSickDisk(t *testing.T) {
	tmp := t.TempDir()
	for name, file := range map[string]func() (*os.File, error){
		"full": func() (*os.File, error) {
			link := filepath.Join(tmp, "full") // Create removes its temporary file
			if err := os.Symlink("/dev/full", link); err != nil {
				return nil, err
			}
			return os.OpenFile(link, os.O_RDWR, 0)
		},
		"no inode":  func() (*os.File, error) { return nil, &fs.PathError{Err: syscall.ENOSPC} },
		"quota":     func() (*os.File, error) { return nil, &fs.PathError{Err: syscall.EDQUOT} },
		"read-only": func() (*os.File, error) { return nil, &fs.PathError{Err: syscall.EROFS} },
	} {
		var heard []error
		s := newStore(sickDisk{&directory{root: tmp, tmp: tmp}, file})
		s.Observe = func(operation string, err error) {
			if operation != "create" {
				t.Errorf("%s: observed %s", name, operation)
			}
			heard = append(heard, err)
		}
		_, err := s.Create(t.Context(), "p/1", strings.NewReader("x"), 10)
		if !errors.Is(err, xds.ErrUnavailable) || errors.Is(err, ErrUncertain) || xds.Incident(err, "n").ID != "INT-002" {
			t.Errorf("%s: %v, want ErrUnavailable", name, err)
		}
		if len(heard) != 1 || !errors.Is(heard[0], xds.ErrUnavailable) {
			t.Errorf("%s: observed %v", name, heard)
		}
	}
}

// What the sender ended is no failure of the store.
func TestSendersFaultsAreNotObserved(t *testing.T) {
	s, err := Dir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s.Observe = func(operation string, err error) { t.Errorf("observed %s, %v", operation, err) }
	for _, body := range []io.Reader{strings.NewReader("too long"), iotest.ErrReader(io.ErrUnexpectedEOF)} {
		if _, err := s.Create(t.Context(), "p/1", body, 3); err == nil || errors.Is(err, xds.ErrUnavailable) {
			t.Errorf("err = %v", err)
		}
	}
}

// A volume that takes no document is not well.
func TestWritable(t *testing.T) {
	for name, c := range map[string]struct {
		volume syscall.Statfs_t
		well   bool
	}{
		"roomy":          {syscall.Statfs_t{Bsize: 4096, Bavail: 1 << 20}, true},
		"full":           {syscall.Statfs_t{Bsize: 4096}, false},
		"nearly full":    {syscall.Statfs_t{Bsize: 4096, Bavail: leastFree/4096 - 1}, false},
		"read-only":      {syscall.Statfs_t{Bsize: 4096, Bavail: 1 << 20, Flags: 1}, false},
		"just room left": {syscall.Statfs_t{Bsize: 4096, Bavail: leastFree / 4096}, true},
	} {
		if err := writable(c.volume); (err == nil) != c.well || err != nil && !errors.Is(err, xds.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
