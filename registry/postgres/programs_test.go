package postgres

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// standIn writes shell scripts in the place of the programs.
func standIn(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"initdb":   "#!/bin/sh\n",
		"postgres": "#!/bin/sh\necho 'postgres (PostgreSQL) " + version + "'\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestNamedPrograms(t *testing.T) {
	for _, c := range []struct {
		name, bin string
		data      int
		want      int
		refused   error
	}{
		{"new data", standIn(t, "17.2 (Debian 17.2-1)"), 0, 17, nil},
		{"development version", standIn(t, "18beta1"), 18, 18, nil},
		{"data of another version", standIn(t, "17.2"), 15, 0, ErrVersion},
		{"too old", standIn(t, "9.6.24"), 0, 0, ErrNoServer},
		{"no programs", t.TempDir(), 0, 0, ErrNoServer},
		{"no folder", "/nonexistent", 0, 0, ErrNoServer},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("PASSERELLE_PG_BIN", c.bin)
			p, err := findPrograms(t.Context(), Options{}, c.data)
			if p.major != c.want || !errors.Is(err, c.refused) {
				t.Errorf("major %d, %v; want %d, %v", p.major, err, c.want, c.refused)
			}
		})
	}
}

func TestRefusalNamesThePackage(t *testing.T) {
	for err, want := range map[error]string{
		noServer("x", "x"): "apt-get install postgresql",
		func() error { _, err := (programs{major: 17}).fit(15); return err }(): "postgresql-15",
	} {
		french, english, both := strings.Cut(err.Error(), " | ")
		if !both || !strings.Contains(french, want) || !strings.Contains(english, want) {
			t.Errorf("%q does not name %s in both languages", err, want)
		}
	}
}

func TestNewestFolderFirst(t *testing.T) {
	if a, b := number("/usr/lib/postgresql/9.6/bin"), number("/usr/lib/postgresql/17/bin"); a >= b {
		t.Errorf("%d before %d", a, b)
	}
}

// archive is a tar.xz of bin/initdb, bin/pg_ctl and bin/postgres, three shell
// scripts; the last says that it is version 18.3.
const archive = `
/Td6WFoAAAFpIt42AgAhARwAAAAQz1jM4Cf/ALldADEaShsFkZA3OlG9V3Gz1uIDp1boMSSCuwT6/dOxb+v/A0tfDHoyT6k+8AGX
+miDX2Ac97p9eH70aZScZgV/xYiu/tqrLPjCQxsH58QijqAnKuH1/G2Vs8xaMrw0em7W49ndf2O3GpJXJsjKR063ZpOrkG4/2jN8
6XwFVTr1tHvQgpYTIDOWP6+S8tCKffmATai18rbhtAYqjq0FRI6CTnW2M6QeAO/ITJGgoX1+M/a45hAbOH7GtQAAAAAAAGboFZ0A
AdEBgFAAAGyqsqY+MA2LAgAAAAABWVo=`

func TestFetch(t *testing.T) {
	jar := jarOf(t)
	sum := sha256.Sum256(jar)
	digest := hex.EncodeToString(sum[:])
	for _, c := range []struct {
		name, digest string
		status, want int
	}{
		{"published", digest, http.StatusOK, 18},
		{"altered on the way", strings.Repeat("0", 64), http.StatusOK, 0},
		{"not published", digest, http.StatusNotFound, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			maven := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(c.status)
				if strings.HasSuffix(r.URL.Path, ".sha256") {
					w.Write([]byte(c.digest))
					return
				}
				w.Write(jar)
			}))
			defer maven.Close()
			cache := filepath.Join(folder(t), "cache")
			p, err := fetch(t.Context(), cache, maven.URL)
			if p.major != c.want || (err == nil) != (c.want != 0) {
				t.Errorf("major %d, %v; want %d", p.major, err, c.want)
			}
			if c.want == 0 {
				return
			}
			other := owner{uid: 4_000_000, gid: 4_000_000, dropped: true}
			if err := other.reaches(p.dir); err != nil {
				t.Errorf("the unprivileged user cannot run them: %v", err)
			}
			if again, ok := programsIn(t.Context(), fetched(cache)); !ok || again != p {
				t.Errorf("a later start finds %v", again)
			}
		})
	}
}

func jarOf(t *testing.T) []byte {
	t.Helper()
	txz, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(archive, "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	var jar bytes.Buffer
	w := zip.NewWriter(&jar)
	f, err := w.Create("postgres.txz")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(txz); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return jar.Bytes()
}
