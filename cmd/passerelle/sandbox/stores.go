package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/registry/postgres"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/repository/vault"
)

// ErrNoData is a folder in which no sandbox has worked.
var ErrNoData = errors.New("no data of a sandbox")

// Stores are the two stores of a sandbox's data folder, for a tool that works beside
// the sandbox. Close them.
type Stores struct {
	Pool       *pgxpool.Pool
	Repository *repository.Store
	Running    bool // a sandbox works on them
	server     *postgres.Server
}

// OpenStores opens the stores of a data folder and changes nothing in them: through
// the server of the sandbox that runs there, else through one of its own.
func OpenStores(ctx context.Context, dir string, log *slog.Logger) (*Stores, error) {
	if _, err := os.Stat(filepath.Join(dir, "sandbox.json")); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoData, err)
	}
	s := &Stores{}
	err := s.open(ctx, dir, log)
	if err != nil {
		s.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	return s, nil
}

func (s *Stores) open(ctx context.Context, dir string, log *slog.Logger) (err error) {
	s.server, err = postgres.Start(ctx, postgres.Options{Dir: databaseDir(dir), Log: log})
	if s.Running = errors.Is(err, postgres.ErrInUse); s.Running {
		s.server, err = postgres.Attach(databaseDir(dir))
	}
	if err != nil {
		return err
	}
	if s.Pool, err = postgres.Open(ctx, s.server.DSN("")); err != nil {
		return err
	}
	s.Repository, err = openBlobs(dir)
	return err
}

// openBlobs opens the folder of documents and that of their keys.
func openBlobs(dir string) (*repository.Store, error) {
	if err := os.MkdirAll(filepath.Join(dir, "pki"), 0o700); err != nil {
		return nil, err
	}
	master, err := keptSecret(filepath.Join(dir, "pki", "master.key"))
	if err != nil {
		return nil, err
	}
	store, err := repository.Dir(filepath.Join(dir, "documents"))
	if err != nil {
		return nil, err
	}
	store.Vault, err = vault.Create(filepath.Join(dir, "keys"), vault.Master(master[:]))
	return store, err
}

// Close ends what OpenStores started.
func (s *Stores) Close(ctx context.Context) {
	if s.Pool != nil {
		s.Pool.Close()
	}
	if s.server != nil {
		_ = s.server.Stop(ctx) // nothing was written that a clean end would save
	}
}
