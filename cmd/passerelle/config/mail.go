package config

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/message/send"
	"github.com/passerelle-sante/passerelle/xds"
)

// Mail is the mail server by which people are written to. Without a server nobody is.
type Mail struct {
	Server       string        `toml:"server"`
	TLS          string        `toml:"tls"`
	CAFile       string        `toml:"ca_file"`
	From         string        `toml:"from"`
	Name         string        `toml:"name"`
	User         string        `toml:"user"`
	PasswordFile string        `toml:"password_file"`
	Timeout      time.Duration `toml:"timeout"`
}

// SMS is the gateway to telephones. Without an address codes go by e-mail alone.
type SMS struct {
	URL       string        `toml:"url"`
	TokenFile string        `toml:"token_file"`
	CAFile    string        `toml:"ca_file"`
	Timeout   time.Duration `toml:"timeout"`
}

// mail checks the mail server and makes the way to it.
func (c *checker) mail() {
	m := c.config.Mail
	c.span("mail.timeout", m.Timeout, time.Second, time.Minute)
	if m.Server == "" {
		if m.Timeout = defaults().Mail.Timeout; m != defaults().Mail {
			c.add(&xds.Error{ID: "CONF-004", Where: "mail.server", Expected: "hôte:587"})
		}
		return
	}
	host, port, err := net.SplitHostPort(m.Server)
	number, bad := strconv.ParseUint(port, 10, 16)
	if err != nil || bad != nil || host == "" || number == 0 {
		c.add(&xds.Error{ID: "CONF-005", Where: "mail.server", Found: bare(m.Server), Expected: "hôte:587"})
		return
	}
	way := &send.SMTP{Host: host, Port: int(number), From: m.From, Name: m.Name, User: m.User, Timeout: m.Timeout, Implicit: m.TLS == "implicit",
		TLS: &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}}
	if c.required("mail.from", m.From, "l'adresse d'expéditeur de vos messages") {
		if address, ok := message.Address(m.From); !ok || address != m.From {
			c.add(&xds.Error{ID: "CONF-005", Where: "mail.from", Found: bare(m.From), Expected: "une adresse de courriel, seule et en minuscules, comme ne-pas-repondre@example.org"})
		}
	}
	switch {
	case m.TLS == "none" && !loopback(host):
		c.add(&xds.Error{ID: "CONF-009", Where: "mail.tls", Found: "none, vers une autre machine", Expected: "starttls, ou implicit",
			Hint: "les codes de connexion et les adresses des patients passeraient en clair"})
	case m.TLS == "none":
		way.TLS = nil
	case m.TLS != "starttls" && m.TLS != "implicit":
		c.add(&xds.Error{ID: "CONF-005", Where: "mail.tls", Found: bare(m.TLS), Expected: "starttls, implicit ou none (sur cette machine)"})
	}
	if m.CAFile != "" && way.TLS != nil {
		way.TLS.RootCAs = pool(c.pemFiles("mail.ca_file", []string{m.CAFile}))
	}
	switch {
	case (m.User == "") != (m.PasswordFile == ""):
		c.add(&xds.Error{ID: "CONF-006", Where: "mail", Found: "user ou password_file, sans l'autre", Expected: "les deux, ou aucun"})
	case m.User != "" && way.TLS == nil:
		c.add(&xds.Error{ID: "CONF-009", Where: "mail.user", Found: "un mot de passe en clair", Expected: "tls = \"starttls\""})
	case m.User != "":
		way.Password = c.secret("mail.password_file", m.PasswordFile).Reveal()
	}
	c.config.Post = way
}

// sms checks the gateway to telephones and makes the way to it.
func (c *checker) sms() {
	s := c.config.SMS
	c.span("sms.timeout", s.Timeout, time.Second, time.Minute)
	if s.URL == "" {
		if s.Timeout = defaults().SMS.Timeout; s != defaults().SMS {
			c.add(&xds.Error{ID: "CONF-004", Where: "sms.url", Expected: "https://hôte[:port]/chemin"})
		}
		return
	}
	u, err := url.Parse(s.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "" {
		c.add(&xds.Error{ID: "CONF-005", Where: "sms.url", Found: bare(s.URL), Expected: "https://hôte[:port]/chemin"})
		return
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		c.add(&xds.Error{ID: "CONF-009", Where: "sms.url", Found: bare(s.URL), Expected: "https://…", Hint: "les codes de connexion passeraient en clair"})
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if s.CAFile != "" {
		transport.TLSClientConfig.RootCAs = pool(c.pemFiles("sms.ca_file", []string{s.CAFile}))
	}
	way := &send.SMS{URL: s.URL, Client: &http.Client{Transport: transport, Timeout: s.Timeout, CheckRedirect: noRedirection}}
	if s.TokenFile != "" {
		way.Token = c.secret("sms.token_file", s.TokenFile).Reveal()
	}
	c.config.Phones = way
}

// noRedirection: what a gateway is given goes nowhere else.
func noRedirection(*http.Request, []*http.Request) error { return errors.New("redirected") }
