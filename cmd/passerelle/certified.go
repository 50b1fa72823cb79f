package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/config"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/trust"
	"github.com/passerelle-sante/passerelle/xds"
)

// certified is what certificates a running gateway shows and trusts. It is read again
// when its files change: the whole configuration is checked anew, and certificates,
// keys, roots, revocation lists and issuers of assertions are taken over, all or none.
// The rest of the file waits for a restart.
type certified struct {
	path        string // of the configuration
	judge       *trust.Judge
	front, soap trust.Identity

	mutex sync.Mutex
	cfg   *config.Config // the one in force
}

func newCertified(path string, cfg *config.Config) (*certified, error) {
	c := &certified{path: path, cfg: cfg, judge: &trust.Judge{Now: time.Now, Grace: cfg.TLS.CRLGrace}}
	return c, c.use(cfg)
}

// use takes the identities, roots and lists of a configuration.
func (c *certified) use(cfg *config.Config) error {
	if err := c.judge.Replace(cfg.Clients, cfg.Lists); err != nil {
		return err
	}
	if cfg.Certificate != nil {
		c.front.Use(*cfg.Certificate)
	}
	if own := cmp.Or(cfg.SOAPIdentity, cfg.Certificate); own != nil {
		c.soap.Use(*own)
	}
	return nil
}

func (c *certified) options() service.Trust {
	return service.Trust{Judge: c.judge, Mutual: len(c.cfg.SOAP.Listen) > 0, SOAPBase: c.cfg.SOAPBase(), OneTime: c.cfg.SOAP.OneTimeAssertions, Certificates: dated(c.cfg)}
}

// dated are the certificates of a configuration, with the kinds that metrics know.
func dated(cfg *config.Config) []trust.Dated {
	var all []trust.Dated
	for _, key := range slices.Sorted(maps.Keys(cfg.Certificates)) {
		for _, cert := range cfg.Certificates[key] {
			all = append(all, trust.Dated{Kind: kind(key), Name: key, Until: cert.NotAfter})
		}
	}
	return all
}

// kind is the label of a configuration key.
func kind(key string) string {
	switch {
	case key == "http.certificate":
		return "server"
	case key == "soap.certificate":
		return "soap"
	case strings.HasPrefix(key, "tls.client") && strings.HasSuffix(key, ".roots"):
		return "client_root"
	case strings.HasPrefix(key, "tls.client"):
		return "client_intermediate"
	case strings.HasPrefix(key, "vihf"):
		return "vihf"
	}
	return "other"
}

// current is the configuration in force.
func (c *certified) current() *config.Config {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.cfg
}

// reload reads the configuration and takes over what certificates it trusts and shows.
func (c *certified) reload(s *service.Service) error {
	next, err := config.Load(c.path)
	if findings, told := xds.FindingsOf(err); told {
		return fmt.Errorf("configuration refused: %s", findings.Error())
	}
	if err != nil {
		return err
	}
	last := c.current()
	switch {
	case (next.Certificate == nil) != (last.Certificate == nil), len(next.SOAP.Listen) > 0 != (len(last.SOAP.Listen) > 0):
		return errors.New("a port changes between TLS, mutual TLS and plain HTTP: restart")
	}
	if err := c.judge.Replace(next.Clients, next.Lists); err != nil {
		return err
	}
	if err := s.Renew(next.Issuers, dated(next)); err != nil {
		return errors.Join(err, c.judge.Replace(last.Clients, last.Lists))
	}
	if err := c.use(next); err != nil {
		return err
	}
	c.mutex.Lock()
	c.cfg = next
	c.mutex.Unlock()
	return nil
}

// places are the files that a reload depends on.
func (c *certified) places() []string {
	cfg := c.current()
	names := []string{cfg.HTTP.Certificate, cfg.HTTP.Key, cfg.SOAP.Certificate, cfg.SOAP.Key}
	for _, r := range cfg.TLS.Client {
		names = append(names, slices.Concat(r.Roots, r.Intermediates)...)
	}
	for _, v := range cfg.VIHF {
		names = append(names, slices.Concat(v.Certificates, v.Roots, v.Intermediates)...)
	}
	places := append(cfg.CRLPlaces(), c.path)
	for _, name := range names {
		if name != "" {
			places = append(places, cfg.Place(name))
		}
	}
	return places
}

// follow keeps certificates up to date until the context ends: files, SIGHUP, the
// revocation lists of the operator's URLs, and the daily complaint.
func (c *certified) follow(s *service.Service) func(context.Context) {
	return func(ctx context.Context) {
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, syscall.SIGHUP)
		defer signal.Stop(asked)
		look, refresh, day := time.NewTicker(c.cfg.TLS.Reload), time.NewTicker(c.cfg.TLS.CRLRefresh), time.NewTicker(24*time.Hour)
		defer look.Stop()
		defer refresh.Stop()
		defer day.Stop()
		w := trust.Watch{Places: c.places, Apply: func() error { return c.reload(s) }, Failed: s.Reloaded, Applied: func() { s.Reloaded(nil) }}
		f := trust.Fetcher{URLs: c.cfg.TLS.CRLURLs, Folder: c.cfg.Place(c.cfg.TLS.CRLDirectory), Now: time.Now, Authorities: c.authorities,
			Failed: func(host string, err error) {
				s.Log.Error("revocation list not brought: the one we have goes on until its end and the grace", "host", host, "error", err)
			}}
		var all sync.WaitGroup
		defer all.Wait()
		all.Go(func() { w.Follow(ctx, look.C, asked) })
		all.Go(func() { s.WatchCertificates(ctx, day.C) })
		if len(f.URLs) > 0 {
			all.Go(func() { f.Follow(ctx, refresh.C) })
		}
	}
}

// authorities may have signed a revocation list.
func (c *certified) authorities() []*x509.Certificate {
	var all []*x509.Certificate
	for key, certs := range c.current().Certificates {
		if strings.HasSuffix(key, ".roots") || strings.HasSuffix(key, ".intermediates") {
			all = append(all, certs...)
		}
	}
	return all
}
