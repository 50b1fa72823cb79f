package postgres

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	embedded "github.com/fergusstrange/embedded-postgres"
)

// cacheFolder is where downloaded programs stay. The one of root's home is closed
// to the user under whom the server runs.
func cacheFolder() string {
	if os.Geteuid() == 0 {
		return "/var/cache/passerelle"
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "passerelle")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("passerelle-cache-%d", os.Geteuid()))
}

// fetched is the folder of the programs that a former start downloaded.
func fetched(cache string) string { return filepath.Join(cache, "postgresql", "bin") }

// fetch downloads the programs once (15 MB, checked against the published
// SHA-256) and unpacks them in the cache, from a repository of Java archives: the
// library's own when none is named. The library is asked to start a server
// and stopped before it makes one, since only its download is wanted: it would
// listen on TCP and refuse to run as root.
func fetch(ctx context.Context, cache, repository string) (programs, error) {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return programs{}, err
	}
	dead := filepath.Join(cache, "none") // a file, so that no data folder can be made in it
	if err := os.WriteFile(dead, nil, 0o600); err != nil {
		return programs{}, err
	}
	defer os.Remove(dead)
	home := filepath.Dir(fetched(cache))
	over := make(chan error, 1)
	config := embedded.DefaultConfig()
	if repository != "" {
		config = config.BinaryRepositoryURL(repository)
	}
	go func() {
		over <- embedded.NewDatabase(config.CachePath(cache).BinariesPath(home).
			RuntimePath(filepath.Join(cache, "run")).DataPath(filepath.Join(dead, "data")).
			Port(0).Logger(io.Discard)).Start()
	}()
	var why error
	select {
	case why = <-over:
	case <-ctx.Done():
		return programs{}, ctx.Err()
	}
	if err := os.Chmod(home, 0o755); err != nil {
		return programs{}, why
	}
	p, ok := programsIn(ctx, fetched(cache))
	if !ok {
		return programs{}, fmt.Errorf("archive inutilisable | unusable archive: %w", why)
	}
	return p, nil
}
