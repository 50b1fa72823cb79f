package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/passerelle-sante/passerelle/atna"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/config"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/registry/postgres"
)

// sandboxDrain is how long requests in flight may take to end when the sandbox stops.
const sandboxDrain = 30 * time.Second

// maxLog is the size past which a new start puts the log aside, in bytes.
const maxLog = 16 << 20

type sandboxCommand struct {
	Listen  string `default:"127.0.0.1:8080" placeholder:"ADRESSE" help:"Adresse locale et port (${default}) ; port 0 : un port libre."`
	Data    string `default:"./.passerelle" type:"path" placeholder:"DOSSIER" help:"Où vivent les données (./.passerelle)."`
	Empty   bool   `help:"Ni patients, ni professionnels, ni documents."`
	Profile string `enum:"dmp,ihe" default:"dmp" placeholder:"PROFIL" help:"Contrôle des métadonnées : dmp, ou ihe (cardinalités IHE seules)."`
	Base    string `placeholder:"URL" help:"Adresse annoncée, si elle n'est pas celle d'écoute."`
	ATNA    string `name:"atna" placeholder:"ADRESSE" help:"Dépôt d'audit : tls://hôte:port ou udp://hôte:port ; sans l'option, aucun."`
	TLS     bool   `name:"tls" help:"Ouvrir aussi les faces SOAP en TLS mutuel, sur --tls-listen ; certificats : POST /sandbox/pki/client."`
	Mutual  string `name:"tls-listen" default:"127.0.0.1:8443" placeholder:"ADRESSE" help:"Adresse locale et port de --tls (${default}) ; port 0 : un port libre."`
	MLLP    string `name:"mllp" placeholder:"ADRESSE" help:"Ouvrir aussi l'entrée HL7 v2 (MLLP), comme 127.0.0.1:2575 ; MSH-4 : une structure de la distribution."`
	CI      bool   `name:"ci" help:"Sans couleur ; les adresses en une ligne JSON."`
	Verbose bool   `help:"Journal sur la sortie d'erreur, au lieu du dossier de données."`
}

// Help holds the examples.
func (sandboxCommand) Help() string {
	return `passerelle sandbox
passerelle sandbox --tls
passerelle sandbox --mllp 127.0.0.1:2575
passerelle sandbox --listen 127.0.0.1:0 --data /tmp/passerelle --ci`
}

// Run starts the sandbox and serves until a signal.
func (c *sandboxCommand) Run(ctx context.Context, p *program) error {
	l, err := listen(ctx, "--listen", c.Listen)
	if err != nil {
		return err
	}
	defer l.Close()
	var mutual net.Listener
	if c.TLS {
		if mutual, err = listen(ctx, "--tls-listen", c.Mutual); err != nil {
			return err
		}
		defer mutual.Close()
	}
	var engines net.Listener
	if c.MLLP != "" {
		if engines, err = listen(ctx, "--mllp", c.MLLP); err != nil {
			return err
		}
		defer engines.Close()
	}
	base, err := c.base(l)
	if err != nil {
		return err
	}
	log, logFile, err := c.log(p)
	if err != nil {
		return err
	}
	defer logFile.Close()
	if _, err := os.Stat(filepath.Join(c.Data, "sandbox.json")); err != nil && !c.Empty {
		fmt.Fprintln(p.stderr, "Premier démarrage : PostgreSQL, registre, données fictives…")
	} else {
		fmt.Fprintln(p.stderr, "Démarrage : PostgreSQL, registre…")
	}
	audit, err := c.audit(base)
	if err != nil {
		return err
	}
	started := time.Now()
	s, err := sandbox.Start(ctx, sandbox.Options{Dir: c.Data, Base: base, Profile: c.Profile, Empty: c.Empty, Log: log, Audit: audit, Version: version, Revision: revision()})
	if err != nil {
		return c.notStarted(err)
	}
	defer s.Stop(context.WithoutCancel(ctx))
	fronts := []service.Front{{Listener: l, Handler: s.Handler()}}
	if mutual != nil {
		secured, err := s.MutualTLS()
		if err != nil {
			return c.notStarted(err)
		}
		fronts = append(fronts, service.Front{Listener: mutual, Handler: s.SOAP(), TLS: secured, Refused: s.Service.Refused})
	}
	fmt.Fprintf(p.stderr, "Prêt en %.1f s.\n", time.Since(started).Seconds())
	served := make(chan error, 1)
	go func() {
		served <- service.Serve(ctx, log, service.Stop{Draining: s.Service.Draining, Drain: sandboxDrain}, fronts...)
	}()
	go s.Service.Housekeep(ctx, service.HousekeepEvery, service.OrphanAge)
	go s.Service.FollowPolicies(ctx)
	go s.Service.Deliver(ctx)
	go s.Service.Schedule(ctx)
	if engines != nil {
		go serveMLLP(s.Service, s.Engines, engines)(ctx)
	}
	if err := c.announce(ctx, p, s, base, mutual, engines); err != nil && ctx.Err() == nil {
		log.Warn("announce", "error", err)
	}
	if err = <-served; err != nil {
		return environment("service interrompu : "+err.Error(), "passerelle sandbox")
	}
	fmt.Fprintln(p.stderr, "Arrêté.")
	return nil
}

// audit is the audit repository of --atna, nil without it.
func (c *sandboxCommand) audit(base string) (*atna.Sink, error) {
	if c.ATNA == "" {
		return nil, nil
	}
	sink, ok := config.ParseSink(c.ATNA, atna.Source{ID: "passerelle-sandbox", Endpoint: base, Repository: sandbox.RepositoryID})
	if !ok {
		return nil, misuse("--atna : tls://hôte:port ou udp://hôte:port est attendu", "passerelle sandbox --atna udp://127.0.0.1:514")
	}
	return sink, nil
}

// listen opens the address, on the loopback alone: the sandbox signs a token for
// whoever asks.
func listen(ctx context.Context, flag, address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, misuse(flag+" : une adresse locale et un port sont attendus, comme 127.0.0.1:8080", "passerelle sandbox "+flag+" 127.0.0.1:8081")
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return nil, misuse(flag+" : le bac à sable signe un jeton pour quiconque le demande, il n'écoute que sur 127.0.0.1 ou [::1]",
			"passerelle sandbox "+flag+" 127.0.0.1:"+port)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, port))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, environment("le port de "+address+" est déjà pris", "passerelle sandbox "+flag+" 127.0.0.1:0", "curl http://"+address+"/readyz   (un bac à sable y tourne peut-être déjà)")
	case err != nil:
		return nil, environment(flag+" "+address+" : écoute impossible ("+reason(err)+")", "passerelle sandbox "+flag+" 127.0.0.1:0")
	}
	return l, nil
}

// base is the address that clients use.
func (c *sandboxCommand) base(l net.Listener) (string, error) {
	if c.Base == "" {
		return "http://" + l.Addr().String(), nil
	}
	g, err := connection{Base: c.Base}.open()
	return g.base, err
}

// log is the journal: JSON in the data folder, or text on the standard error.
func (c *sandboxCommand) log(p *program) (*slog.Logger, io.Closer, error) {
	if c.Verbose {
		return slog.New(slog.NewTextHandler(p.stderr, nil)), io.NopCloser(nil), nil
	}
	if err := os.MkdirAll(c.Data, 0o755); err != nil {
		return nil, nil, environment("--data "+c.Data+" : dossier inutilisable ("+reason(err)+")", "passerelle sandbox --data DOSSIER")
	}
	name := filepath.Join(c.Data, "passerelle.log")
	if info, err := os.Stat(name); err == nil && info.Size() > maxLog {
		_ = os.Rename(name, name+".1")
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, environment("journal impossible à ouvrir : "+reason(err), "passerelle sandbox --data DOSSIER")
	}
	return slog.New(slog.NewJSONHandler(f, nil)), f, nil
}

// notStarted tells why the sandbox did not start, and what to do.
func (c *sandboxCommand) notStarted(err error) error {
	var known *postgres.Error
	switch {
	case errors.Is(err, context.Canceled):
		return environment("interrompu pendant le démarrage")
	case errors.As(err, &known) && errors.Is(err, postgres.ErrInUse):
		return environment(known.French, "passerelle sandbox --data AUTRE_DOSSIER")
	case errors.As(err, &known):
		return environment(known.French)
	case errors.Is(err, os.ErrPermission):
		return environment("--data "+c.Data+" : "+reason(err), "passerelle sandbox --data DOSSIER")
	}
	return environment("le bac à sable n'a pas démarré : "+strings.TrimSpace(err.Error()), "passerelle sandbox --verbose", "passerelle sandbox --data DOSSIER_NEUF")
}
