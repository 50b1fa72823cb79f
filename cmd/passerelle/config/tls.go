package config

import (
	"errors"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/trust"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

// soap checks the port of the SOAP faces: it is one of mutual TLS, or there is none.
func (c *checker) soap() {
	s := c.config.SOAP
	apart, clients := len(s.Listen) > 0, len(c.config.TLS.Client) > 0
	for i, address := range s.Listen {
		key := "soap.listen[" + strconv.Itoa(i) + "]"
		c.address(key, address)
		if slices.Contains(c.config.HTTP.Listen, address) && !strings.HasSuffix(address, ":0") { // 0: any free port
			c.add(&xds.Error{ID: "CONF-006", Where: key, Found: address, Expected: "une autre adresse que http.listen"})
		}
	}
	switch {
	case apart && !clients && !c.told("tls.client"):
		c.add(&xds.Error{ID: "CONF-004", Where: "tls.client", Expected: "[[tls.client]] name = …, roots = […] : à qui le port de soap.listen s'ouvre"})
	case !apart && clients && !c.told("soap.listen"):
		c.add(&xds.Error{ID: "CONF-004", Where: "soap.listen", Expected: `["0.0.0.0:8444"] : le port où les certificats clients de [[tls.client]] sont demandés`})
	}
	if s.Base != "" {
		if u, err := url.Parse(s.Base); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(s.Base, "/") {
			c.add(&xds.Error{ID: "CONF-005", Where: "soap.base", Found: bare(s.Base), Expected: "https://hôte[:port][/chemin], sans / à la fin"})
		}
	}
	switch {
	case (s.Certificate == "") != (s.Key == ""):
		c.add(&xds.Error{ID: "CONF-006", Where: "soap", Found: "certificate ou key, sans l'autre", Expected: "les deux, ou aucun"})
	case s.Certificate != "":
		c.config.SOAPIdentity = c.certificate("soap", s.Certificate, s.Key)
	case apart && c.config.HTTP.Certificate == "":
		c.add(&xds.Error{ID: "CONF-004", Where: "soap.certificate", Expected: "le certificat de la passerelle sur ce port, puisque http n'en a pas"})
	}
}

// SOAPBase is where clients reach the SOAP faces: as the file says, else at the host
// of the other faces and the port of their own; "" when they have none.
func (c *Config) SOAPBase() string {
	if c.SOAP.Base != "" || len(c.SOAP.Listen) == 0 {
		return c.SOAP.Base
	}
	_, port, err := net.SplitHostPort(c.SOAP.Listen[0])
	u, parsed := url.Parse(c.HTTP.Base)
	if err != nil || parsed != nil || port == "0" {
		return ""
	}
	return "https://" + net.JoinHostPort(u.Hostname(), port) + u.EscapedPath()
}

// revocation reads the revocation lists, and checks where they come from.
func (c *checker) revocation() {
	t := c.config.TLS
	c.span("tls.reload", t.Reload, time.Second, time.Hour)
	c.span("tls.crl_refresh", t.CRLRefresh, time.Minute, 7*24*time.Hour)
	c.span("tls.crl_grace", t.CRLGrace, 0, 7*24*time.Hour)
	for i, address := range t.CRLURLs {
		if u, err := url.Parse(address); err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
			c.add(&xds.Error{ID: "CONF-005", Where: "tls.crl_urls[" + strconv.Itoa(i) + "]", Found: bare(address), Expected: "http://… ou https://…"})
		}
	}
	if len(t.CRLURLs) > 0 {
		c.required("tls.crl_directory", t.CRLDirectory, "le dossier où garder les CRL de crl_urls")
	}
	if t.CRLDirectory != "" {
		c.folder("tls.crl_directory", t.CRLDirectory)
	}
	places := c.config.CRLPlaces()
	if len(places) == 0 {
		return
	}
	var all []*trust.List
	for i, place := range places {
		lists, err := trust.ReadLists([]string{place})
		if err != nil {
			key := "tls.crl[" + strconv.Itoa(i) + "]"
			if i == len(t.CRL) {
				key = "tls.crl_directory"
			}
			var bad *trust.FileError
			if errors.As(err, &bad) {
				place = bad.Name
			}
			if !c.told(key) {
				c.add(&xds.Error{ID: "CONF-007", Where: key, Found: place + " : absent, illisible, ou pas une CRL entière", Expected: "des CRL X.509 (RFC 5280) en DER ou PEM, ou un dossier de fichiers .crl et .pem"})
			}
			continue
		}
		all = append(all, lists.All()...)
	}
	c.config.Lists = trust.NewLists(all...)
}

// CRLPlaces are the files and folders of revocation lists, as paths.
func (c *Config) CRLPlaces() []string {
	var places []string
	for _, name := range c.TLS.CRL {
		places = append(places, c.Place(name))
	}
	if c.TLS.CRLDirectory != "" {
		places = append(places, c.Place(c.TLS.CRLDirectory))
	}
	return places
}

// Place is where a file that the configuration names is.
func (c *Config) Place(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(c.Path), name)
}

var rangeName = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)

// clients are the ranges of client certificates.
func (c *checker) clients() {
	names := map[string]bool{}
	for i, r := range c.config.TLS.Client {
		key := "tls.client[" + strconv.Itoa(i) + "]"
		if c.required(key+".name", r.Name, "un nom pour les journaux et les mesures, comme elementaire ou fort") && !rangeName.MatchString(r.Name) {
			c.add(&xds.Error{ID: "CONF-005", Where: key + ".name", Found: r.Name, Expected: "des minuscules, chiffres, - et _, 32 au plus"})
		}
		if names[r.Name] {
			c.add(&xds.Error{ID: "CONF-006", Where: key + ".name", Found: r.Name, Expected: "un nom une seule fois"})
		}
		names[r.Name] = true
		if len(r.Roots) == 0 {
			c.add(&xds.Error{ID: "CONF-004", Where: key + ".roots", Expected: "les racines de cette gamme, en PEM"})
		}
		if r.Cards && len(r.Intermediates) == 0 {
			c.add(&xds.Error{ID: "CONF-004", Where: key + ".intermediates", Expected: "avec cards = true, les autorités de personnes, en PEM",
				Hint: "sans elles, une organisation de la même racine passerait pour celui dont elle porte le numéro ; une racine qui signe elle-même les cartes s'y nomme aussi"})
		}
		next := trust.Range{Name: r.Name, Cards: r.Cards, Unrevocable: c.unrevocable(key, r.Revocation)}
		next.Roots = c.pemFiles(key+".roots", r.Roots)
		next.Intermediates = c.pemFiles(key+".intermediates", r.Intermediates)
		for n, cert := range slices.Concat(next.Roots, next.Intermediates) {
			if !cert.IsCA {
				c.add(&xds.Error{ID: "CONF-009", Where: key + ".roots", Found: "certificat " + strconv.Itoa(n+1) + " : CA:FALSE", Expected: "des certificats d'autorités"})
			}
		}
		c.config.Clients = append(c.config.Clients, next)
	}
}

// unrevocable reads the word of a revocation key. Lists are the default: without one
// nobody under these roots could come in, so that one is asked for at once.
func (c *checker) unrevocable(key, word string) bool {
	if word != "" {
		c.oneOf(key+".revocation", word, "crl", "none")
	}
	if word != "none" && len(c.config.CRLPlaces()) == 0 && !c.told("tls.crl") {
		c.add(&xds.Error{ID: "CONF-004", Where: "tls.crl", Expected: "les CRL de toute la chaîne de " + key + ", ou crl_urls et crl_directory",
			Hint: `une autorité qui ne publie pas de CRL : revocation = "none" dans ` + key})
	}
	return word == "none"
}

var pin = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// issuer checks what bounds an issuer of assertions.
func (c *checker) issuer(key string, v VIHF) {
	for i, mode := range v.Modes {
		c.oneOf(key+".modes["+strconv.Itoa(i)+"]", mode, saml.AuthnModes...)
	}
	for i, client := range v.Clients {
		if !pin.MatchString(client) && !strings.Contains(client, "=") {
			c.add(&xds.Error{ID: "CONF-005", Where: key + ".clients[" + strconv.Itoa(i) + "]", Found: client, Expected: "un sujet (RFC 2253), ou sha256: et l'empreinte de la clé publique (64 chiffres hexadécimaux)"})
		}
	}
	if len(v.Clients) > 0 && len(c.config.SOAP.Listen) == 0 {
		c.add(&xds.Error{ID: "CONF-006", Where: key + ".clients", Found: "des certificats clients, sans port qui les demande", Expected: "soap.listen et [[tls.client]]"})
	}
	if len(v.Roots) == 0 && (v.Revocation != "" || len(v.Intermediates) > 0) {
		c.add(&xds.Error{ID: "CONF-006", Where: key, Found: "revocation ou intermediates, sans roots", Expected: "roots, ou certificates seul"})
	}
}
