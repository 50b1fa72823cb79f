// Package sandboxtest gives each test a running sandbox of its own, seeded with the cast,
// in a fraction of the time that a first start takes: the seed is made once in a test
// process, and every test gets a copy of its database and of its folder. The server of
// the databases is registrytest's: a real one, whose clusters are not durable.
//
// Nothing outside tests may import this package.
package sandboxtest

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox"
	"github.com/passerelle-sante/passerelle/registry/registrytest"
)

// seed is what the first sandbox of the process left in its folder.
var seed = struct {
	sync.Mutex
	folder string
}{}

// Open starts a sandbox and a server before it, both for one test.
func Open(t testing.TB) (*sandbox.Sandbox, *httptest.Server) {
	t.Helper()
	dsn := registrytest.Prepared(t, "sandbox", func(dsn string) error { return plant(t, dsn) })
	dir := t.TempDir()
	seed.Lock()
	err := os.CopyFS(dir, os.DirFS(seed.folder))
	seed.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	if err := private(dir); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	s, err := sandbox.Start(t.Context(), options(dir, dsn, "http://"+server.Listener.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = s.Handler()
	server.Start()
	t.Cleanup(func() { server.Close(); s.Stop(context.WithoutCancel(t.Context())) })
	return s, server
}

func options(dir, dsn, base string) sandbox.Options {
	return sandbox.Options{Dir: dir, DSN: dsn + " pool_max_conns=12", Base: base, Profile: "dmp", Log: slog.New(slog.DiscardHandler)}
}

// plant seeds the database and the folder that all others are copies of. The folder is
// that of the process: it outlives the test that came first.
func plant(t testing.TB, dsn string) error {
	folder, err := os.MkdirTemp("", "passerelle-sandboxtest-")
	if err != nil {
		return err
	}
	s, err := sandbox.Start(t.Context(), options(folder, dsn, "http://127.0.0.1"))
	if err != nil {
		return err
	}
	s.Stop(t.Context())
	seed.Lock()
	defer seed.Unlock()
	seed.folder = folder
	return nil
}

// Sweep removes what the process keeps beside its tests: for a TestMain, after m.Run.
func Sweep() {
	seed.Lock()
	defer seed.Unlock()
	if seed.folder != "" {
		_ = os.RemoveAll(seed.folder)
	}
}

// private takes from everybody else what a copy has opened to them: secrets are refused
// when others may read them.
func private(dir string) error {
	return filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return os.Chmod(path, 0o600)
	})
}
