package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/config"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/intake"
	"github.com/passerelle-sante/passerelle/registry/postgres"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/repository/vault"
	"github.com/passerelle-sante/passerelle/trust"
	"github.com/passerelle-sante/passerelle/xds"
)

// configured is what every command on an installation takes.
type configured struct {
	Config string `short:"c" required:"" placeholder:"FICHIER" help:"Fichier de configuration, ou le dossier de passerelle.toml."`
}

// path is the file itself.
func (c configured) path() string {
	if info, err := os.Stat(c.Config); err == nil && info.IsDir() {
		return filepath.Join(c.Config, "passerelle.toml")
	}
	return c.Config
}

// load reads the configuration, or says all that is wrong with it.
func (c configured) load() (*config.Config, error) {
	cfg, err := config.Load(c.path())
	findings, told := xds.FindingsOf(err)
	switch {
	case told:
		return nil, failure{exit: exitUsage, text: fmt.Sprintf("%s : configuration refusée, %s", c.path(), plural(len(findings), "défaut")), findings: findingsOf(findings)}
	case err != nil:
		return nil, environment("-c "+c.path()+" : "+reason(err), "passerelle init --prod DOSSIER")
	}
	return cfg, nil
}

type serveCommand struct {
	configured
}

// Help holds the examples.
func (serveCommand) Help() string {
	return `passerelle serve -c /etc/passerelle/passerelle.toml
passerelle serve -c conf -o json`
}

// served are where a gateway listens, the answer of -o json.
type served struct {
	Version string   `json:"version"`
	Base    string   `json:"base"`
	Listen  []string `json:"listen"`
	SOAP    []string `json:"soap,omitempty"` // in mutual TLS; without it the SOAP faces are on Listen
	MLLP    []string `json:"mllp,omitempty"`
	Metrics string   `json:"metrics,omitempty"`
}

// Run serves until a signal.
func (c *serveCommand) Run(ctx context.Context, p *program) error {
	started := time.Now()
	cfg, err := c.load()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(p.stderr, &slog.HandlerOptions{Level: cfg.Log.SlogLevel()}))
	pool, err := c.database(ctx, cfg)
	if err != nil {
		return err
	}
	defer pool.Close()
	blobs, err := openRepository(ctx, cfg)
	if err != nil {
		return c.noRepository(err)
	}
	certified, err := newCertified(c.path(), cfg)
	if err != nil {
		return environment(err.Error(), "passerelle doctor -c "+c.Config)
	}
	options := production(cfg, pool, blobs, log)
	options.Trust = certified.options()
	s, err := service.New(options)
	if err != nil {
		return environment("la passerelle n'a pas démarré : "+french(err), "passerelle doctor -c "+c.Config)
	}
	fronts, addresses, err := openFronts(ctx, cfg, s, certified)
	if err != nil {
		return err
	}
	engines, err := openMLLP(ctx, cfg, s, certified, &addresses)
	if err != nil {
		return err
	}
	c.announce(p, addresses, time.Since(started))
	stop := service.Stop{Draining: s.Draining, LameDuck: cfg.Shutdown.LameDuck, Drain: cfg.Shutdown.Drain}
	housekeep := func(ctx context.Context) { s.Housekeep(ctx, cfg.Housekeeping.Interval, cfg.Housekeeping.Age) }
	switch err := serveWith(ctx, log, stop, fronts, housekeep, s.FollowPolicies, s.Deliver, s.Schedule, certified.follow(s), engines); {
	case errors.Is(err, service.ErrCut):
		return environment(fmt.Sprintf("arrêt : des requêtes duraient encore après %s et ont été coupées", cfg.Shutdown.Drain))
	case err != nil:
		return environment("service interrompu : " + reason(err))
	}
	log.Info("stopped")
	return nil
}

// serveWith serves, with what is kept in order beside it, until the context ends or a
// front fails. When it returns nothing runs any more: the pool may be closed.
func serveWith(ctx context.Context, log *slog.Logger, stop service.Stop, fronts []service.Front, beside ...func(context.Context)) error {
	ctx, cancel := context.WithCancel(ctx)
	var keeping sync.WaitGroup
	defer keeping.Wait()
	defer cancel() // a front that failed ends no context
	for _, keep := range beside {
		keeping.Go(func() { keep(ctx) })
	}
	return service.Serve(ctx, log, stop, fronts...)
}

// database opens the pool on the right schema.
func (c configured) database(ctx context.Context, cfg *config.Config) (*pgxpool.Pool, error) {
	pool, err := openDatabase(ctx, cfg)
	if err != nil {
		return nil, c.noDatabase(err)
	}
	if cfg.Database.MigrateAtStart {
		err = postgres.Migrate(ctx, pool)
	} else {
		var schema postgres.Schema
		if schema, err = postgres.ReadSchema(ctx, pool); err == nil {
			err = schema.Check()
		}
	}
	if err != nil {
		pool.Close()
		return nil, c.noDatabase(err)
	}
	return pool, nil
}

func openDatabase(ctx context.Context, cfg *config.Config) (*pgxpool.Pool, error) {
	return postgres.OpenConfigured(ctx, postgres.Configured{DSN: cfg.Database.DSN, Password: cfg.Password.Reveal(), MaxConns: cfg.Database.MaxConnections})
}

// noDatabase says why the database cannot be used, and what to do.
func (c configured) noDatabase(err error) error {
	var known *postgres.Error
	switch {
	case errors.As(err, &known) && errors.Is(err, postgres.ErrOlder):
		return environment(known.French, "passerelle migrate -c "+c.Config)
	case errors.As(err, &known):
		return environment(known.French)
	}
	return environment("la base de données ne répond pas : "+french(err), "passerelle doctor -c "+c.Config)
}

// openRepository opens the folder or the bucket, and the vault of its keys.
func openRepository(ctx context.Context, cfg *config.Config) (*repository.Store, error) {
	store, err := openBlobs(ctx, cfg)
	if err != nil {
		return nil, err
	}
	store.Vault, err = vault.Open(cfg.VaultDirectory(), cfg.Master)
	return store, err
}

func openBlobs(ctx context.Context, cfg *config.Config) (*repository.Store, error) {
	place := func(name string) string {
		if filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(filepath.Dir(cfg.Path), name)
	}
	if cfg.Repository.Directory != "" {
		return repository.Dir(place(cfg.Repository.Directory))
	}
	s3 := cfg.Repository.S3
	o := repository.S3Options{
		Endpoint: s3.Endpoint, Bucket: s3.Bucket, Region: s3.Region, Prefix: s3.Prefix, Plain: !s3.TLS, Spool: place(s3.Spool),
		AccessKey: cfg.AccessKey.Reveal(), SecretKey: cfg.SecretKey.Reveal(),
	}
	if cfg.S3Roots != nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.TLSClientConfig = &tls.Config{RootCAs: cfg.S3Roots, MinVersion: tls.VersionTLS12}
		o.Transport = transport
	}
	return repository.S3(ctx, o)
}

func (c configured) noRepository(err error) error {
	switch {
	case errors.Is(err, vault.ErrNoVault):
		return environment("keys.directory n'est pas un dossier de clés : volume non monté, ou jamais préparé", "passerelle doctor -c "+c.Config, "passerelle keys init -c "+c.Config+"   (une seule fois, à l'installation)")
	case errors.Is(err, vault.ErrMaster):
		return environment("keys.master_file n'est pas la clé maîtresse de ce dossier de clés", "passerelle doctor -c "+c.Config)
	}
	return environment("l'entrepôt de documents est inutilisable : "+french(err), "passerelle doctor -c "+c.Config)
}

// production are the options of an installation: nothing of a sandbox is in them.
func production(cfg *config.Config, pool *pgxpool.Pool, blobs *repository.Store, log *slog.Logger) service.Options {
	return service.Options{
		Pool: pool, Repository: blobs, Base: cfg.HTTP.Base, RepositoryID: cfg.Site.RepositoryID, Profile: cfg.Site.Profile,
		Provisional: cfg.Site.ProvisionalMatrix, ValueSets: cfg.Sets, VIHF: cfg.Issuers, Tokens: cfg.Keys, UserInfo: cfg.UserInfo, Portals: cfg.Portals, Applications: cfg.Catalogue, CursorSecret: cfg.Cursor, Signature: cfg.Signature, Now: time.Now, Log: log,
		RequirePatient: cfg.Site.Profile == "dmp", PublicMetrics: cfg.Metrics.Public, Senders: senders(cfg), Calendar: cfg.Calendar, Immunization: cfg.Vaccination.Profiles,
		ManyPatients: cfg.Operators.ManyPatients, Operators: cfg.Operators.Remove, Auditors: cfg.Operators.Audit,
		SignIn: service.SignIn{PSC: cfg.PSC, FranceConnect: cfg.FranceConnect, Relays: cfg.Relays},
		Audit:  cfg.Audit, KeepAudits: cfg.ATNA.Keep, Broker: cfg.Broker, Mail: service.Mail{SMTP: cfg.Post, SMS: cfg.Phones}, Scanner: cfg.Scanner,
		Home: cfg.Community.Home, Communities: cfg.Others,
		Limits:      service.Limits{SOAP: cfg.Limits.SOAP, FHIR: cfg.Limits.FHIR, API: cfg.Limits.API},
		RemindAfter: cfg.Announced.RemindAfter, Document: int64(cfg.Limits.DocumentMiB) << 20, Version: version, Revision: revision(),
	}
}

// senders are the settings of those who submit.
func senders(cfg *config.Config) intake.Senders {
	var all intake.Senders
	for _, s := range cfg.Senders {
		all = append(all, intake.Sender{Name: s.Name, Structure: s.Structure, Subject: s.Subject, Replay: s.Replay == "success", Relaxed: s.Relaxed()})
	}
	return all
}

// openFronts opens every address before the first request is taken.
func openFronts(ctx context.Context, cfg *config.Config, s *service.Service, certified *certified) (fronts []service.Front, at served, err error) {
	at = served{Version: version, Base: cfg.HTTP.Base}
	defer func() {
		if err != nil {
			for _, f := range fronts {
				f.Listener.Close()
			}
		}
	}()
	var secured *tls.Config
	if cfg.Certificate != nil {
		secured = trust.Server(&certified.front)
	}
	for _, address := range cfg.HTTP.Listen {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		if err != nil {
			return fronts, at, notListening("http.listen", address, err)
		}
		fronts = append(fronts, service.Front{Listener: l, Handler: s.Router(), TLS: secured, Refused: s.Refused})
		at.Listen = append(at.Listen, l.Addr().String())
	}
	for _, address := range cfg.SOAP.Listen {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		if err != nil {
			return fronts, at, notListening("soap.listen", address, err)
		}
		fronts = append(fronts, service.Front{Listener: l, Handler: s.SOAP(s.Router()), TLS: certified.judge.Secure(trust.Server(&certified.soap)), Refused: s.Refused})
		at.SOAP = append(at.SOAP, l.Addr().String())
	}
	if cfg.Metrics.Listen == "" {
		return fronts, at, nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Metrics.Listen)
	if err != nil {
		return fronts, at, notListening("metrics.listen", cfg.Metrics.Listen, err)
	}
	at.Metrics = l.Addr().String()
	return append(fronts, service.Front{Listener: l, Handler: s.Probes(), Last: true}), at, nil
}

func notListening(key, address string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return environment(key+" : "+address+" est déjà pris", "ss -ltnp   (qui écoute là)")
	}
	return environment(key + " : écoute impossible sur " + address + " (" + reason(err) + ")")
}

// announce says, once, that requests are taken.
func (c *serveCommand) announce(p *program, at served, took time.Duration) {
	if p.json {
		p.writeJSON(at)
		return
	}
	fmt.Fprintf(p.stdout, "Passerelle %s prête en %.1f s : %s (écoute %s)\n", at.Version, took.Seconds(), at.Base, strings.Join(at.Listen, ", "))
	if len(at.SOAP) > 0 {
		fmt.Fprintf(p.stdout, "  SOAP, en TLS mutuel : %s\n", strings.Join(at.SOAP, ", "))
	}
	if len(at.MLLP) > 0 {
		fmt.Fprintf(p.stdout, "  HL7 v2 (MLLP) : %s\n", strings.Join(at.MLLP, ", "))
	}
	if at.Metrics != "" {
		fmt.Fprintf(p.stdout, "  mesures et santé : http://%s/metrics, /readyz, /healthz\n", at.Metrics)
	}
}
