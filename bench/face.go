package main

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/pki"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/registry/postgres"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

// face is the gateway's own code in this process, over the stores of a sandbox that
// runs in another one: to record what it asks of PostgreSQL, and to run it under a
// policy without conditions.
type face struct {
	*service.Service
	blobs *repository.Store
	close func()
}

// openFace puts the parts together as the sandbox does. tracer hears of every
// statement, nil does not listen. open takes every rule away and lets everybody
// see everything: what a registry without a policy would do.
func openFace(ctx context.Context, dir, base string, tracer pgx.QueryTracer, open bool) (*face, error) {
	pool, err := openPool(ctx, dir, tracer)
	if err != nil {
		return nil, err
	}
	blobs, err := repository.Dir(filepath.Join(dir, "documents"))
	if err != nil {
		return nil, err
	}
	i, err := openIssuers(dir, base)
	if err != nil {
		return nil, err
	}
	keys, err := i.tokens.JWKS()
	if err != nil {
		return nil, err
	}
	s, err := service.New(service.Options{
		Pool: pool, Repository: blobs, Base: base, RepositoryID: sandbox.RepositoryID, Profile: "dmp", Provisional: true, TestINS: true,
		VIHF:   map[string]saml.Issuer{i.vihf.Name: i.trusted},
		Tokens: map[string][]byte{base: keys}, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Signature: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)),
	})
	if err != nil {
		return nil, err
	}
	if open {
		everything := *s.Gate.Policy.At(time.Now())
		everything.Rules = []authz.Rule{{ID: "OPEN", Effect: authz.Permit}}
		s.Gate.Policy = &everything
	}
	return &face{s, blobs, pool.Close}, nil
}

// openPool is the gateway's own pool on the database of a running sandbox.
func openPool(ctx context.Context, dir string, tracer pgx.QueryTracer) (*pgxpool.Pool, error) {
	dsn, _, err := database(dir)
	if err != nil {
		return nil, err
	}
	pool, err := postgres.Open(ctx, dsn)
	if err != nil || tracer == nil {
		return pool, err
	}
	defer pool.Close()
	c := pool.Config()
	c.ConnConfig.Tracer = tracer
	return pgxpool.NewWithConfig(ctx, c)
}

// issuers sign tokens with the keys of a sandbox.
type issuers struct {
	vihf    saml.Signer
	trusted saml.Issuer
	tokens  iua.Issuer
}

func openIssuers(dir, base string) (*issuers, error) {
	a, err := pki.Open(filepath.Join(dir, "pki"))
	if err != nil {
		return nil, err
	}
	id := func() string { return "_" + service.NewID() }
	return &issuers{
		vihf: saml.Signer{Key: a.VIHF.Key, Certificates: []*x509.Certificate{a.VIHF.Certificate}, Name: a.VIHF.Name(),
			Audience: base + "/xds", Now: time.Now, NewID: id},
		trusted: saml.Issuer{Certificates: []*x509.Certificate{a.VIHF.Certificate}, Roots: a.Pool(), SubjectDN: a.VIHF.Name()},
		tokens:  iua.Issuer{Key: a.Token, Name: base, Audience: base, Now: time.Now, NewID: id},
	}, nil
}

// faceServer serves the gateway's code, under the French policy or without one.
func faceServer(open bool) server {
	return func(ctx context.Context, c child) (http.Handler, func(), error) {
		f, err := openFace(ctx, c.data, c.base, nil, open)
		if err != nil {
			return nil, nil, err
		}
		return f.Router(), f.close, nil
	}
}

// serveUntil answers until the context ends.
func serveUntil(ctx context.Context, address string, h http.Handler) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = s.Close() })
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
