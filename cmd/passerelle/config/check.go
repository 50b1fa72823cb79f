package config

import (
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/registry/postgres"
	"github.com/passerelle-sante/passerelle/xds"
)

var oid = regexp.MustCompile(`^[0-2](\.(0|[1-9][0-9]*)){2,}$`)

// SandboxRepository is the repositoryUniqueId of every sandbox, which no
// installation may take for its own.
const SandboxRepository = "2.25.291034583940215087312936728309441782913"

func (c *checker) site() {
	s := c.config.Site
	switch {
	case !c.required("site.repository_id", s.RepositoryID, "l'OID de l'entrepôt (repositoryUniqueId)"):
	case !oid.MatchString(s.RepositoryID) || len(s.RepositoryID) > 64:
		c.add(&xds.Error{ID: "CONF-005", Where: "site.repository_id", Found: s.RepositoryID, Expected: "un OID de 64 caractères au plus, comme 1.2.250.1.213.4.1"})
	case s.RepositoryID == SandboxRepository:
		c.add(&xds.Error{ID: "CONF-009", Where: "site.repository_id", Found: "l'OID du bac à sable", Expected: "un OID de l'établissement"})
	}
	c.oneOf("site.profile", s.Profile, "dmp", "ihe")
}

// oneOf checks a word.
func (c *checker) oneOf(key, value string, words ...string) {
	if !slices.Contains(words, value) {
		c.add(&xds.Error{ID: "CONF-005", Where: key, Found: value, Expected: strings.Join(words, " ou "), Nearest: xds.Nearest(value, words, 1)})
	}
}

func (c *checker) http() {
	h := c.config.HTTP
	if len(h.Listen) == 0 && !c.told("http.listen") {
		c.add(&xds.Error{ID: "CONF-004", Where: "http.listen", Expected: `["0.0.0.0:8443"]`})
	}
	for i, address := range h.Listen {
		c.address("http.listen["+strconv.Itoa(i)+"]", address)
	}
	c.base()
	if (h.Certificate == "") != (h.Key == "") {
		c.add(&xds.Error{ID: "CONF-006", Where: "http", Found: "certificate ou key, sans l'autre", Expected: "les deux, ou aucun"})
		return
	}
	switch {
	case h.Certificate == "" && !h.AllowPlainHTTP:
		c.add(&xds.Error{ID: "CONF-009", Where: "http", Found: "écoute sans TLS", Expected: "certificate et key, ou allow_plain_http = true",
			Hint: "allow_plain_http = true est pour une passerelle derrière un relais TLS de la même machine ou d'un réseau sûr"})
	case h.Certificate != "" && h.AllowPlainHTTP:
		c.add(&xds.Error{ID: "CONF-006", Where: "http.allow_plain_http", Found: "true, avec un certificat", Expected: "TLS, ou allow_plain_http = true, pas les deux"})
	}
	if h.Certificate != "" {
		c.config.Certificate = c.certificate("http", h.Certificate, h.Key)
	}
}

// base checks the address that clients use: it is the audience of every token.
func (c *checker) base() {
	h := c.config.HTTP
	if !c.required("http.base", h.Base, "l'adresse que les clients emploient : l'audience des jetons") {
		return
	}
	u, err := url.Parse(h.Base)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(h.Base, "/"):
		c.add(&xds.Error{ID: "CONF-005", Where: "http.base", Found: bare(h.Base), Expected: "https://hôte[:port][/chemin], sans / à la fin"})
	case u.Scheme == "http" && !h.AllowPlainHTTP:
		c.add(&xds.Error{ID: "CONF-009", Where: "http.base", Found: h.Base, Expected: "https://…, ou allow_plain_http = true",
			Hint: "en clair, les jetons et les documents se lisent sur le réseau"})
	case u.Scheme == "http" && h.Certificate != "":
		c.add(&xds.Error{ID: "CONF-006", Where: "http.base", Found: h.Base, Expected: "https://…, puisqu'un certificat est donné"})
	}
}

// bare is an address without what may be a password in it.
func bare(address string) string {
	if i := strings.LastIndexByte(address, '@'); i >= 0 {
		return "…" + address[i:]
	}
	return address
}

// address checks host:port.
func (c *checker) address(key, address string) {
	host, port, err := net.SplitHostPort(address)
	n, bad := strconv.ParseUint(port, 10, 16)
	if err == nil && bad == nil && (host == "" || host == "localhost") {
		return
	}
	if _, notIP := netip.ParseAddr(host); err != nil || bad != nil || notIP != nil || n > 65535 {
		c.add(&xds.Error{ID: "CONF-005", Where: key, Found: address, Expected: "une adresse IP et un port, comme 0.0.0.0:8443"})
	}
}

func (c *checker) database() {
	db := c.config.Database
	within(c, "database.max_connections", db.MaxConnections, 2, 1000, number)
	if db.PasswordFile != "" {
		c.config.Password = c.secret("database.password_file", db.PasswordFile)
	}
	if !c.required("database.dsn", db.DSN, "postgres://rôle@hôte:5432/base?sslmode=verify-full") {
		return
	}
	target, err := postgres.Inspect(db.DSN)
	switch {
	case err != nil: // what it says stays where it is: it may hold a password
		c.add(&xds.Error{ID: "CONF-005", Where: "database.dsn", Found: "un DSN illisible", Expected: "postgres://rôle@hôte:5432/base?sslmode=verify-full"})
	case target.Password:
		c.add(&xds.Error{ID: "CONF-009", Where: "database.dsn", Found: "un mot de passe dans le DSN", Expected: "password_file, un fichier en mode 0400",
			Hint: "retirer le mot de passe du DSN et le changer : il a pu être lu"})
	case !target.Local && !target.Encrypted:
		c.add(&xds.Error{ID: "CONF-009", Where: "database.dsn", Found: "une connexion qui peut se faire en clair", Expected: "sslmode=verify-full (au moins require)"})
	}
}

// operations checks what bounds and watches the service.
func (c *checker) operations() {
	l := c.config.Limits
	within(c, "limits.soap", l.SOAP, 1, 10_000, number)
	within(c, "limits.fhir", l.FHIR, 1, 10_000, number)
	within(c, "limits.api", l.API, 1, 10_000, number)
	within(c, "limits.document_mib", l.DocumentMiB, 1, 1024, number)
	c.oneOf("log.level", c.config.Log.Level, "debug", "info", "warn", "error")
	m := c.config.Metrics
	if m.Listen != "" {
		c.address("metrics.listen", m.Listen)
	}
	if slices.Contains(slices.Concat(c.config.HTTP.Listen, c.config.SOAP.Listen), m.Listen) && !strings.HasSuffix(m.Listen, ":0") { // 0: any free port
		c.add(&xds.Error{ID: "CONF-006", Where: "metrics.listen", Found: m.Listen, Expected: "une autre adresse que http.listen et soap.listen, ou metrics.public = true"})
	}
	c.span("housekeeping.interval", c.config.Housekeeping.Interval, time.Minute, 7*24*time.Hour)
	c.span("announcements.remind_after", c.config.Announced.RemindAfter, 24*time.Hour, 365*24*time.Hour)
	c.span("housekeeping.age", c.config.Housekeeping.Age, time.Hour, 30*24*time.Hour)
	c.span("shutdown.lame_duck", c.config.Shutdown.LameDuck, 0, 5*time.Minute)
	c.span("shutdown.drain", c.config.Shutdown.Drain, time.Second, 10*time.Minute)
}

func (c *checker) span(key string, value, least, most time.Duration) {
	within(c, key, int64(value), int64(least), int64(most), func(n int64) string { return time.Duration(n).String() })
}

// SlogLevel is the level of the journal.
func (l Log) SlogLevel() slog.Level {
	return map[string]slog.Level{"debug": slog.LevelDebug, "warn": slog.LevelWarn, "error": slog.LevelError}[l.Level]
}
