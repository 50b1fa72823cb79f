package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/postgres"
	"github.com/passerelle-sante/passerelle/repository"
)

// storesTarget says on whose stores an operator's command works: those of an
// installation, or of a sandbox on this machine.
type storesTarget struct {
	Config string `short:"c" placeholder:"FICHIER" help:"Configuration d'une installation, à la place d'un bac à sable."`
	Data   string `default:"./.passerelle" type:"path" placeholder:"DOSSIER" help:"Données d'un bac à sable, arrêté ou non (./.passerelle)."`
}

// stores reaches them.
func (c storesTarget) stores(ctx context.Context) (stores, error) {
	if c.Config != "" {
		return c.installation(ctx)
	}
	return c.sandbox(ctx)
}

// registry opens the registry of the target alone; done ends it.
func (c storesTarget) registry(ctx context.Context, p *program) (reg *registry.Registry, done func(), err error) {
	s, err := c.stores(ctx)
	if err != nil {
		return nil, nil, err
	}
	return registry.Open(s.pool, registry.Registry{Now: p.now, NewID: service.NewID}), s.close, nil
}

// sandbox reaches the two stores of a data folder.
func (c storesTarget) sandbox(ctx context.Context) (stores, error) {
	s, err := sandbox.OpenStores(ctx, c.Data, slog.New(slog.DiscardHandler))
	var known *postgres.Error
	switch {
	case errors.Is(err, sandbox.ErrNoData):
		return stores{}, environment("aucune donnée d'un bac à sable dans "+c.Data, "--data DOSSIER")
	case errors.As(err, &known):
		return stores{}, environment(known.French)
	case err != nil:
		return stores{}, environment(err.Error(), "--data DOSSIER")
	}
	return stores{s.Pool, s.Repository, func() { s.Close(context.WithoutCancel(ctx)) }}, nil
}

// installation reaches the two stores of a configuration. The schema is left as it is.
func (c storesTarget) installation(ctx context.Context) (stores, error) {
	conf := configured{Config: c.Config}
	cfg, err := conf.load()
	if err != nil {
		return stores{}, err
	}
	cfg.Database.MigrateAtStart = false
	pool, err := conf.database(ctx, cfg)
	if err != nil {
		return stores{}, err
	}
	blobs, err := openRepository(ctx, cfg)
	if err != nil {
		pool.Close()
		return stores{}, conf.noRepository(err)
	}
	return stores{pool, blobs, pool.Close}, nil
}

// stores are the two stores that are held against each other.
type stores struct {
	pool       *pgxpool.Pool
	repository *repository.Store
	close      func()
}

// joined are words of a command line as one text.
func joined(words []string) string { return strings.Join(words, " ") }
