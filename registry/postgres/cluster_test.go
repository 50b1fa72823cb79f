package postgres

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDataOfAnotherVersion(t *testing.T) {
	dir := folder(t)
	data := filepath.Join(dir, "data")
	if err := os.MkdirAll(data, 0o711); err != nil {
		t.Fatal(err)
	}
	version := filepath.Join(data, "PG_VERSION")
	for text, want := range map[string]string{"9\n": "postgresql-9", "": "PG_VERSION", "-1": "PG_VERSION"} {
		if err := os.WriteFile(version, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Start(t.Context(), Options{Dir: dir, Offline: true})
		if !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), want) {
			t.Errorf("PG_VERSION %q: err = %v, want ErrVersion that names %s", text, err, want)
		}
		if kept, _ := os.ReadFile(version); string(kept) != text {
			t.Errorf("PG_VERSION was changed to %q", kept)
		}
	}
}

// A folder named data that is no cluster is somebody's: it is neither used nor emptied.
func TestForeignDataFolder(t *testing.T) {
	dir := folder(t)
	letter := filepath.Join(dir, "data", "letter.txt")
	if err := os.MkdirAll(filepath.Dir(letter), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(letter, []byte("dear"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Options{Dir: dir}); !errors.Is(err, ErrVersion) {
		t.Errorf("err = %v, want ErrVersion", err)
	}
	if _, err := os.Stat(letter); err != nil {
		t.Error(err)
	}
}

// An initdb that was cut short leaves data.new alone: the next start makes the
// cluster anew.
func TestInterruptedInitdb(t *testing.T) {
	dir := folder(t)
	half := filepath.Join(dir, "data.new")
	if err := errors.Join(os.MkdirAll(dir, 0o711), os.Mkdir(half, 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(half, "PG_VERSION"), []byte("15\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	query(t, start(t, dir), "select 'up'")
}

func TestUnreachableParent(t *testing.T) {
	closed := filepath.Join(folder(t), "closed")
	inner := filepath.Join(closed, "inner")
	if err := os.MkdirAll(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	other := owner{uid: 4_000_000, gid: 4_000_000, name: "nobody", dropped: true}
	if err := other.reaches(inner); err != nil {
		t.Errorf("open parents: %v", err)
	}
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	err := other.reaches(inner)
	if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "chmod o+x "+closed) {
		t.Errorf("err = %v, want ErrUnreachable that names the closed folder", err)
	}
	us := owner{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}
	if err := us.reaches(inner); err != nil {
		t.Errorf("our own: %v", err)
	}
}

// A private folder that somebody else prepared, open or a link, is not used.
func TestSquattedPrivateFolder(t *testing.T) {
	base := folder(t)
	if err := os.MkdirAll(base, 0o755); err != nil {
		t.Fatal(err)
	}
	us := owner{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}
	open := filepath.Join(base, "open")
	if err := us.mkdir(open); err != nil {
		t.Fatal(err)
	}
	if err := us.mkdir(open); err != nil {
		t.Errorf("our own folder again: %v", err)
	}
	if err := os.Chmod(open, 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(base, "link")
	if err := os.Symlink(base, link); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{open, link} {
		if err := us.mkdir(dir); !errors.Is(err, ErrUnreachable) {
			t.Errorf("%s: err = %v, want ErrUnreachable", filepath.Base(dir), err)
		}
	}
}

func TestSocketPathIsShort(t *testing.T) {
	t.Setenv("TMPDIR", "/tmp/"+strings.Repeat("long/", 30))
	c := cluster{dir: "/var/lib/" + t.Name(), owner: owner{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}}
	dir, err := c.socketFolder()
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(dir)
	if n := len(dir + "/.s.PGSQL.5432"); n > 107 {
		t.Errorf("socket path of %d bytes", n)
	}
}
