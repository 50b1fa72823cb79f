package config

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

// certificate loads that of the listeners of a table.
func (c *checker) certificate(table, certificate, key string) *tls.Certificate {
	private := c.private(table+".key", key)
	chain, _ := c.read(table+".certificate", certificate)
	if private == nil || chain == nil {
		return nil
	}
	pair, err := tls.X509KeyPair(chain, private)
	if err != nil {
		c.add(&xds.Error{ID: "CONF-005", Where: table + ".certificate", Found: certificate + " et " + key, Expected: "une chaîne PEM et la clé privée PEM de son premier certificat"})
		return nil
	}
	c.config.Certificates[table+".certificate"] = parsePEM(chain)
	return &pair
}

// pemFiles loads certificates, and refuses those that only a sandbox may trust.
func (c *checker) pemFiles(key string, names []string) []*x509.Certificate {
	var all []*x509.Certificate
	for i, name := range names {
		at := key + "[" + strconv.Itoa(i) + "]"
		raw, info := c.read(at, name)
		if info == nil {
			continue
		}
		certs := parsePEM(raw)
		if len(certs) == 0 {
			c.add(&xds.Error{ID: "CONF-005", Where: at, Found: name, Expected: "un ou plusieurs certificats en PEM"})
		}
		for _, cert := range certs {
			if why := forTests(cert, c.config.TLS.TestAuthorities); why != "" {
				c.add(&xds.Error{ID: "CONF-009", Where: at, Found: why, Expected: "un certificat de production",
					Hint: "quiconque obtient un certificat de test se ferait passer pour n'importe qui"})
			}
		}
		all = append(all, certs...)
	}
	c.config.Certificates[key] = all
	return all
}

// parsePEM reads certificates; nil when anything else stands among them.
func parsePEM(raw []byte) []*x509.Certificate {
	var all []*x509.Certificate
	for len(bytes.TrimSpace(raw)) > 0 {
		block, rest := pem.Decode(raw)
		if block == nil || block.Type != "CERTIFICATE" {
			return nil
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil
		}
		all, raw = append(all, cert), rest
	}
	return all
}

// forTests says why a certificate is none for production: that of a sandbox
// (cmd/passerelle/sandbox/pki), or of the test branch of the IGC-Santé, whose names
// begin with TEST, unless the operator wants that one. "" for any other.
func forTests(cert *x509.Certificate, wanted bool) string {
	for _, name := range []struct {
		cn  string
		org []string
	}{{cert.Subject.CommonName, cert.Subject.Organization}, {cert.Issuer.CommonName, cert.Issuer.Organization}} {
		if slices.Contains(name.org, "PASSERELLE BAC A SABLE") {
			return "un certificat du bac à sable"
		}
		if !wanted && strings.HasPrefix(name.cn, "TEST ") {
			return "une autorité de test (" + name.cn + ")"
		}
	}
	return ""
}

// assertions are the trusted issuers of VIHF.
func (c *checker) assertions() {
	if len(c.config.VIHF) == 0 && !c.told("vihf") {
		c.add(&xds.Error{ID: "CONF-004", Where: "vihf", Expected: "au moins un émetteur de VIHF : [[vihf]] issuer = …, certificates = […]"})
	}
	for i, v := range c.config.VIHF {
		key := "vihf[" + strconv.Itoa(i) + "]"
		if _, twice := c.config.Issuers[v.Issuer]; twice {
			c.add(&xds.Error{ID: "CONF-006", Where: key + ".issuer", Found: v.Issuer, Expected: "un émetteur une seule fois"})
		}
		named := c.required(key+".issuer", v.Issuer, "le texte exact de saml2:Issuer")
		switch {
		case len(v.Certificates) == 0 && len(v.Roots) == 0:
			c.add(&xds.Error{ID: "CONF-004", Where: key + ".certificates", Expected: "les certificats de l'émetteur, ou roots et subject"})
		case len(v.Certificates) == 0 && v.Subject == "":
			c.add(&xds.Error{ID: "CONF-009", Where: key + ".subject", Found: "absent", Expected: "le sujet du certificat de signature (RFC 2253)",
				Hint: "sans lui, tout certificat de l'autorité pourrait signer pour cet émetteur"})
		}
		issuer := saml.Issuer{SubjectDN: v.Subject, AnyAudience: v.AnyAudience, Audience: v.Audience, Modes: v.Modes, Clients: v.Clients}
		issuer.Certificates = c.pemFiles(key+".certificates", v.Certificates)
		for n, cert := range issuer.Certificates {
			if why := saml.Unfit(cert); why != "" { // every assertion of this issuer would be refused
				c.add(&xds.Error{ID: "CONF-009", Where: key + ".certificates", Found: "certificat " + strconv.Itoa(n+1) + " : " + why,
					Expected: "le certificat qui signe les VIHF : RSA de 2048 bits au moins ou P-256 à P-521, digitalSignature, CA:FALSE",
					Hint:     "une autorité va dans roots, avec subject"})
			}
		}
		if len(v.Roots) > 0 {
			issuer.Roots = pool(c.pemFiles(key+".roots", v.Roots))
			issuer.Unrevocable = c.unrevocable(key, v.Revocation)
		}
		if len(v.Intermediates) > 0 {
			issuer.Intermediates = pool(c.pemFiles(key+".intermediates", v.Intermediates))
		}
		c.issuer(key, v)
		if named {
			c.config.Issuers[v.Issuer] = issuer
		}
	}
}

func pool(certs []*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, cert := range certs {
		p.AddCert(cert)
	}
	return p
}

// tokens are the trusted issuers of bearer tokens.
func (c *checker) tokens() {
	if len(c.config.Tokens) == 0 && !c.told("tokens") {
		c.add(&xds.Error{ID: "CONF-004", Where: "tokens", Expected: "au moins un émetteur de jetons : [[tokens]] issuer = …, jwks = …"})
	}
	for i, t := range c.config.Tokens {
		key := "tokens[" + strconv.Itoa(i) + "]"
		named := c.required(key+".issuer", t.Issuer, "la valeur exacte de iss")
		if _, twice := c.config.Keys[t.Issuer]; named && twice {
			c.add(&xds.Error{ID: "CONF-006", Where: key + ".issuer", Found: t.Issuer, Expected: "un émetteur une seule fois"})
		}
		if u, err := url.Parse(t.Issuer); named && (err != nil || u.Scheme != "https" || loopback(u.Hostname())) {
			c.add(&xds.Error{ID: "CONF-009", Where: key + ".issuer", Found: bare(t.Issuer), Expected: "https://…",
				Hint: "un émetteur en clair ou de cette machine est celui d'un bac à sable, qui signe tout ce qu'on lui demande"})
		}
		c.userInfo(key, t)
		c.portals(key, t)
		if t.UserInfo != "" && t.JWKS == "" {
			continue
		}
		if !c.required(key+".jwks", t.JWKS, "le fichier JWKS de l'émetteur (RFC 7517), ou userinfo") {
			continue
		}
		raw, info := c.read(key+".jwks", t.JWKS)
		if info == nil || !named {
			continue
		}
		if _, err := iua.New(iua.Config{Issuers: map[string][]byte{t.Issuer: raw}, Audience: "x", Now: time.Now}); err != nil {
			c.add(&xds.Error{ID: "CONF-005", Where: key + ".jwks", Found: t.JWKS,
				Expected: "un JWKS de clés publiques RSA (2048 bits au moins) ou EC, chacune avec son kid"})
		}
		c.config.Keys[t.Issuer] = raw
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// repository is a folder, or a bucket.
func (c *checker) repository() {
	r := c.config.Repository
	_, s3 := c.places["repository.s3"]
	s3 = s3 || r.S3 != defaults().Repository.S3
	switch {
	case r.Directory != "" && s3:
		c.add(&xds.Error{ID: "CONF-006", Where: "repository", Found: "directory et [repository.s3]", Expected: "l'un ou l'autre"})
	case r.Directory != "":
		c.folder("repository.directory", r.Directory)
	case s3:
		c.bucket(r.S3)
	default:
		c.add(&xds.Error{ID: "CONF-004", Where: "repository.directory", Expected: "un dossier, ou une table [repository.s3]"})
	}
}

func (c *checker) bucket(s S3) {
	const at = "repository.s3."
	if c.required(at+"endpoint", s.Endpoint, "hôte ou hôte:port, sans https://") && (strings.ContainsAny(s.Endpoint, "/@") || strings.Contains(s.Endpoint, "://")) {
		c.add(&xds.Error{ID: "CONF-005", Where: at + "endpoint", Found: bare(s.Endpoint), Expected: "hôte ou hôte:port, sans https://"})
	}
	host, _, err := net.SplitHostPort(s.Endpoint)
	if err != nil {
		host = s.Endpoint
	}
	if !s.TLS && !loopback(host) {
		c.add(&xds.Error{ID: "CONF-009", Where: at + "tls", Found: "false, vers une autre machine", Expected: "true"})
	}
	c.required(at+"bucket", s.Bucket, "le nom du compartiment")
	if s.Prefix != "" && !strings.HasSuffix(s.Prefix, "/") {
		c.add(&xds.Error{ID: "CONF-005", Where: at + "prefix", Found: s.Prefix, Expected: "un préfixe qui finit par /"})
	}
	if c.required(at+"access_key_file", s.AccessKeyFile, "le fichier de la clé d'accès, mode 0400") {
		c.config.AccessKey = c.secret(at+"access_key_file", s.AccessKeyFile)
	}
	if c.required(at+"secret_key_file", s.SecretKeyFile, "le fichier de la clé secrète, mode 0400") {
		c.config.SecretKey = c.secret(at+"secret_key_file", s.SecretKeyFile)
	}
	if c.required(at+"spool", s.Spool, "le dossier des fichiers temporaires") {
		c.folder(at+"spool", s.Spool)
	}
	if s.CAFile != "" {
		c.config.S3Roots = pool(c.pemFiles(at+"ca_file", []string{s.CAFile}))
	}
}
