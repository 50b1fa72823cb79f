package config

import (
	"crypto/tls"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/atna"
	"github.com/passerelle-sante/passerelle/notify"
	"github.com/passerelle-sante/passerelle/xds"
)

// ATNA is the audit record repository (ITI-20). Without an address there is none.
type ATNA struct {
	Address     string        `toml:"address"`
	CAFile      string        `toml:"ca_file"`
	Certificate string        `toml:"certificate"`
	Key         string        `toml:"key"`
	SourceID    string        `toml:"source_id"`
	Site        string        `toml:"site"`
	PlainUDP    bool          `toml:"plain_udp"`
	Keep        time.Duration `toml:"keep"`
}

// DSUB is who is told of documents (ITI-52, ITI-53).
type DSUB struct {
	Longest   time.Duration `toml:"longest"`
	Consumers []Consumer    `toml:"consumer"`
}

// Consumer is an address that may be told.
type Consumer struct {
	URL       string   `toml:"url"`
	Addresses []string `toml:"addresses"`
}

// atna checks the audit repository and makes its sink.
func (c *checker) atna() {
	a := c.config.ATNA
	c.span("atna.keep", a.Keep, time.Hour, 365*24*time.Hour)
	if a.Address == "" {
		if a.Keep = defaults().ATNA.Keep; a != defaults().ATNA {
			c.add(&xds.Error{ID: "CONF-004", Where: "atna.address", Expected: "tls://hôte:6514, ou udp://hôte:514"})
		}
		return
	}
	u, err := url.Parse(a.Address)
	if err != nil || u.Scheme != "tls" && u.Scheme != "udp" || u.Hostname() == "" || u.Port() == "" || u.User != nil || u.Path != "" || u.RawQuery != "" {
		c.add(&xds.Error{ID: "CONF-005", Where: "atna.address", Found: bare(a.Address), Expected: "tls://hôte:6514, ou udp://hôte:514"})
		return
	}
	host, _ := os.Hostname()
	sink := &atna.Sink{Network: u.Scheme, Address: u.Host, Host: host, Source: atna.Source{
		ID: a.SourceID, Site: a.Site, Endpoint: c.config.HTTP.Base, Repository: c.config.Site.RepositoryID,
	}}
	c.required("atna.source_id", a.SourceID, "le nom de cette passerelle pour le dépôt d'audit (AuditSourceID)")
	if u.Scheme == "udp" {
		if !a.PlainUDP && !loopback(u.Hostname()) {
			c.add(&xds.Error{ID: "CONF-009", Where: "atna.address", Found: "UDP, vers une autre machine", Expected: "tls://hôte:6514, ou plain_udp = true",
				Hint: "les messages d'audit nomment les patients : en UDP ils sont en clair, et se perdent sans que personne le sache"})
		}
		c.config.Audit = sink
		return
	}
	sink.TLS = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname()}
	if a.CAFile != "" {
		sink.TLS.RootCAs = pool(c.pemFiles("atna.ca_file", []string{a.CAFile}))
	}
	switch {
	case (a.Certificate == "") != (a.Key == ""):
		c.add(&xds.Error{ID: "CONF-006", Where: "atna", Found: "certificate ou key, sans l'autre", Expected: "les deux, ou aucun"})
	case a.Certificate != "":
		if pair := c.certificate("atna", a.Certificate, a.Key); pair != nil {
			sink.TLS.Certificates = []tls.Certificate{*pair}
		}
	}
	c.config.Audit = sink
}

// dsub checks who is told of documents.
func (c *checker) dsub() {
	d := c.config.DSUB
	c.span("dsub.longest", d.Longest, time.Hour, 366*24*time.Hour)
	c.config.Broker.Longest = d.Longest
	for i, consumer := range d.Consumers {
		key := "dsub.consumer[" + strconv.Itoa(i) + "]"
		if !c.required(key+".url", consumer.URL, "https://hôte[:port]/chemin") {
			continue
		}
		u, err := url.Parse(consumer.URL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path == "" {
			c.add(&xds.Error{ID: "CONF-005", Where: key + ".url", Found: bare(consumer.URL), Expected: "https://hôte[:port]/chemin"})
			continue
		}
		if u.Scheme == "http" && !loopback(u.Hostname()) {
			c.add(&xds.Error{ID: "CONF-009", Where: key + ".url", Found: bare(consumer.URL), Expected: "https://…", Hint: "en clair, les métadonnées des patients se lisent sur le réseau"})
		}
		c.config.Broker.Consumers = append(c.config.Broker.Consumers, notify.Consumer{URL: consumer.URL, Addresses: c.prefixes(key+".addresses", consumer.Addresses)})
	}
}

// prefixes are addresses and networks.
func (c *checker) prefixes(key string, texts []string) (all []netip.Prefix) {
	for i, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			var ip netip.Addr
			if ip, err = netip.ParseAddr(text); err == nil {
				p = netip.PrefixFrom(ip, ip.BitLen())
			}
		}
		if err != nil {
			c.add(&xds.Error{ID: "CONF-005", Where: key + "[" + strconv.Itoa(i) + "]", Found: text, Expected: "une adresse IP ou un réseau, comme 10.1.2.0/24"})
			continue
		}
		all = append(all, p)
	}
	return all
}

// Endpoint is the address of an audit repository as it is written: tls://host:port.
func Endpoint(s *atna.Sink) string { return s.Network + "://" + s.Address }

// ParseSink reads an address for a sandbox, which shows no certificate.
func ParseSink(address string, source atna.Source) (*atna.Sink, bool) {
	network, host, found := strings.Cut(address, "://")
	if _, _, err := net.SplitHostPort(host); err != nil || !found || network != "tls" && network != "udp" {
		return nil, false
	}
	name, _ := os.Hostname()
	s := &atna.Sink{Network: network, Address: host, Host: name, Source: source}
	if network == "tls" {
		s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return s, true
}
