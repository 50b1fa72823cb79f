package config

import (
	"crypto/tls"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/federation"
	"github.com/passerelle-sante/passerelle/xds"
)

// Own is our community among others (XCA).
type Own struct {
	Home string `toml:"home"`
}

// Community is another community that our users may ask.
type Community struct {
	Home        string        `toml:"home"`
	Query       string        `toml:"query"`
	Retrieve    string        `toml:"retrieve"`
	CAFile      string        `toml:"ca_file"`
	Certificate string        `toml:"certificate"`
	Key         string        `toml:"key"`
	Timeout     time.Duration `toml:"timeout"`
}

// communities checks our homeCommunityId and the allow-list of the others.
func (c *checker) communities() {
	own := c.config.Community.Home
	if own != "" {
		c.home("community.home", own)
	}
	if own == "" && len(c.config.Communities) > 0 {
		c.add(&xds.Error{ID: "CONF-004", Where: "community.home", Expected: "le homeCommunityId de cette communauté, puisque d'autres sont interrogées"})
	}
	seen := map[string]bool{own: own != ""}
	for i, other := range c.config.Communities {
		key := "communities[" + strconv.Itoa(i) + "]"
		if c.required(key+".home", other.Home, "urn:oid:…, le homeCommunityId de la communauté") {
			c.home(key+".home", other.Home)
			if seen[other.Home] {
				c.add(&xds.Error{ID: "CONF-006", Where: key + ".home", Found: other.Home, Expected: "une communauté une seule fois, et pas la nôtre"})
			}
			seen[other.Home] = true
		}
		c.peer(key+".query", other.Query)
		c.peer(key+".retrieve", other.Retrieve)
		if other.Timeout == 0 {
			other.Timeout = federation.DefaultTimeout
		}
		c.span(key+".timeout", other.Timeout, 100*time.Millisecond, federation.DefaultOverall)
		c.config.Others = append(c.config.Others, federation.Community{
			Home: other.Home, Query: other.Query, Retrieve: other.Retrieve, TLS: c.towards(key, other), Timeout: other.Timeout,
		})
	}
}

// home checks a homeCommunityId: an OID in URI syntax (ITI TF-2 3.18.4.1.2.3.8).
func (c *checker) home(key, value string) {
	if id, ok := strings.CutPrefix(value, "urn:oid:"); !ok || !oid.MatchString(id) || len(id) > 64 {
		c.add(&xds.Error{ID: "CONF-005", Where: key, Found: value, Expected: "urn:oid: et un OID de 64 caractères au plus"})
	}
}

// peer checks the address of a Responding Gateway.
func (c *checker) peer(key, address string) {
	if !c.required(key, address, "https://hôte[:port]/chemin") {
		return
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		c.add(&xds.Error{ID: "CONF-005", Where: key, Found: bare(address), Expected: "https://hôte[:port]/chemin"})
	case u.Scheme == "http" && !loopback(u.Hostname()):
		c.add(&xds.Error{ID: "CONF-009", Where: key, Found: bare(address), Expected: "https://…", Hint: "en clair, le VIHF et les documents se lisent sur le réseau"})
	}
}

// towards is the TLS configuration for a community: its authorities and our client
// certificate.
func (c *checker) towards(key string, other Community) *tls.Config {
	secured := &tls.Config{MinVersion: tls.VersionTLS12}
	if other.CAFile != "" {
		secured.RootCAs = pool(c.pemFiles(key+".ca_file", []string{other.CAFile}))
	}
	if (other.Certificate == "") != (other.Key == "") {
		c.add(&xds.Error{ID: "CONF-006", Where: key, Found: "certificate ou key, sans l'autre", Expected: "les deux, ou aucun"})
		return secured
	}
	if other.Certificate == "" {
		return secured
	}
	private := c.private(key+".key", other.Key)
	chain, _ := c.read(key+".certificate", other.Certificate)
	if private == nil || chain == nil {
		return secured
	}
	pair, err := tls.X509KeyPair(chain, private)
	if err != nil {
		c.add(&xds.Error{ID: "CONF-005", Where: key + ".certificate", Found: other.Certificate + " et " + other.Key, Expected: "une chaîne PEM et la clé privée PEM de son premier certificat"})
		return secured
	}
	secured.Certificates = []tls.Certificate{pair}
	c.config.Certificates[key+".certificate"] = parsePEM(chain)
	return secured
}
