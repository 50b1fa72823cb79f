package config

import (
	"cmp"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"github.com/passerelle-sante/passerelle/atna"
	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/scan"
	"github.com/passerelle-sante/passerelle/federation"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/message/send"
	"github.com/passerelle-sante/passerelle/notify"
	"github.com/passerelle-sante/passerelle/signin"
	"github.com/passerelle-sante/passerelle/trust"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

// Config is a configuration that may be served: what was written, and what the
// files that it names hold.
type Config struct {
	File
	Path          string
	Certificate   *tls.Certificate // of the listeners; nil: plain HTTP
	SOAPIdentity  *tls.Certificate // of the SOAP port; nil: that of the listeners
	Clients       []trust.Range    // of the SOAP port
	Lists         *trust.Lists     // revocation lists; nil: none is configured
	Password      Secret           // of the database
	AccessKey     Secret           // of the bucket
	SecretKey     Secret
	S3Roots       *x509.CertPool // of the bucket's server; nil: those of the system
	Audit         *atna.Sink     // nil: no audit repository
	Broker        notify.Broker
	Post          *send.SMTP    // nil: nobody is written to
	Phones        *send.SMS     // nil: no SMS
	Scanner       *scan.Scanner // of files that persons bring; nil: none
	Others        []federation.Community
	Calendar      vaccination.Calendar // the zero one: that of the product
	Sets          *dmp.Sets            // value sets; nil: those of the product
	Cursor        [32]byte
	Master        [32]byte           // wraps the keys of the records
	Signature     ed25519.PrivateKey // of certificates of deletion and of exports
	Issuers       map[string]saml.Issuer
	Keys          map[string][]byte              // JWKS by issuer
	UserInfo      *iua.UserInfo                  // of the one provider of opaque tokens; nil: none
	Portals       []string                       // client_id of the operator's own faces for patients
	Catalogue     []authz.Application            // that patients may authorise
	Relays        []netip.Prefix                 // whose X-Forwarded-For counts
	PSC           *signin.Relying                // Pro Santé Connect; nil: professionals have no pages
	FranceConnect *signin.Relying                // nil: none
	Certificates  map[string][]*x509.Certificate // by key: what doctor looks at the dates of
}

// Format implements fmt.Formatter: keys stand in a Config that no text may show.
func (c *Config) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "configuration %s", c.Path) }

// Load reads a configuration and the files that it names, relative to its folder.
// The error is xds.Errors, all findings at once, or that of the file itself.
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxFile {
		return nil, xds.Errors{{ID: "CONF-005", Where: filepath.Base(path), Expected: "1 Mio au plus"}}
	}
	file, d, ok := decode(raw)
	if !ok {
		return nil, d.findings
	}
	c := &checker{document: d, dir: filepath.Dir(path), config: &Config{
		File: file, Path: path, Issuers: map[string]saml.Issuer{}, Keys: map[string][]byte{}, Certificates: map[string][]*x509.Certificate{},
	}}
	c.check()
	slices.SortStableFunc(d.findings, func(a, b *xds.Error) int { // what is missing comes last
		return cmp.Compare(uint(a.Line)-1, uint(b.Line)-1)
	})
	if err := d.findings.Err(); err != nil {
		return nil, err
	}
	return c.config, nil
}

// checker judges a decoded file.
type checker struct {
	*document
	dir    string // of the file
	config *Config
}

// path is where a file that the configuration names is.
func (c *checker) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.dir, name)
}

func (c *checker) check() {
	c.site()
	c.http()
	c.soap()
	c.revocation()
	c.clients()
	c.database()
	c.repository()
	c.keys()
	c.assertions()
	c.tokens()
	c.applications()
	c.signIn()
	c.senders()
	c.mllp()
	c.communities()
	c.cursor()
	c.operations()
	c.atna()
	c.dsub()
	c.mail()
	c.sms()
	c.scan()
	c.vaccination()
	c.valueSets()
}

// required tells whether a key is there, and enters a finding when it is not.
func (c *checker) required(key, value, expected string) bool {
	if value == "" && !c.told(key) {
		c.add(&xds.Error{ID: "CONF-004", Where: key, Expected: expected})
	}
	return value != ""
}

// within checks a number, or a duration by its text.
func within[N int | int64](c *checker, key string, value, least, most N, show func(N) string) {
	if value < least || value > most {
		c.add(&xds.Error{ID: "CONF-005", Where: key, Found: show(value), Expected: "de " + show(least) + " à " + show(most)})
	}
}

func number(n int) string { return fmt.Sprint(n) }

// cursor derives the key of the paging links.
func (c *checker) cursor() {
	raw := c.random("secrets.cursor_file", c.config.Secrets.CursorFile)
	c.config.Cursor = sha256.Sum256(append([]byte("passerelle cursor\x00"), raw...))
}

// random reads a file of random bytes, of which a key is made.
func (c *checker) random(key, name string) []byte {
	if !c.required(key, name, "un fichier d'au moins 32 octets aléatoires") {
		return nil
	}
	raw := c.private(key, name)
	if raw != nil && len(raw) < 32 {
		c.add(&xds.Error{ID: "CONF-005", Where: key, Found: fmt.Sprintf("%d octets", len(raw)), Expected: "au moins 32 octets aléatoires",
			Hint: "openssl rand -hex 32 > " + c.path(name)})
	}
	return raw
}
