// Package sandbox is the whole gateway in one process, without configuration, for
// those who develop against it: a supervised PostgreSQL, a directory of blobs, a
// test authority, issuers of VIHF and bearer tokens, a movable clock and a named
// cast whose every member embodies a rule (design §7). It listens on the loopback
// alone and holds fictitious identities only.
package sandbox

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/atna"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/cast"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/mailbox"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/oidc"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/pki"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/notify"
	"github.com/passerelle-sante/passerelle/registry/postgres"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/trust"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

// RepositoryID is the repositoryUniqueId of every sandbox: an OID under 2.25, in
// no one's registry.
const RepositoryID = "2.25.291034583940215087312936728309441782913"

// Home is the homeCommunityId of every sandbox. It knows no other community.
const Home = "urn:oid:2.25.118230641902771044512398765501239887612"

// onThisMachine are who may be told of documents (ITI-53, ITI-112): whoever listens on
// this machine, at any port, in clear too.
var onThisMachine = []notify.Consumer{
	{URL: "http://127.0.0.1/", AnyPort: true}, {URL: "https://127.0.0.1/", AnyPort: true},
	{URL: "http://localhost/", AnyPort: true, Addresses: loopback}, {URL: "https://localhost/", AnyPort: true, Addresses: loopback},
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// Options are the flags of `passerelle sandbox`.
type Options struct {
	Dir     string // data folder
	DSN     string // of a database that is there and nobody else's; "": one of its own, in Dir
	Base    string // http://127.0.0.1:8080
	Profile string // dmp or ihe
	Empty   bool   // no cast, no documents
	Log     *slog.Logger
	Audit   *atna.Sink // nil: none

	Version, Revision string // of the program
}

// Sandbox is a running one.
type Sandbox struct {
	Options
	Service  *service.Service
	Database string // where PostgreSQL keeps its files

	clock    Clock
	server   *postgres.Server
	pool     *pgxpool.Pool
	blobs    *repository.Store
	vihf     saml.Signer
	tokens   iua.Issuer
	keys     []byte // the JWKS document
	rootCert *x509.Certificate
	keyring  *pki.Authority
	judge    *trust.Judge // of the TLS port
	box      *mailbox.Box
	catchers *mailbox.Servers

	psc, franceConnect *oidc.Provider
	sampleHash         func() (string, error) // of samplePassword

	// gate holds requests back while the sandbox is reset.
	gate  gate
	mutex sync.Mutex // guards state
	state state
}

// Start makes a sandbox ready: its servers, its keys, and at the first start its
// seed. Stop ends it.
func Start(ctx context.Context, o Options) (*Sandbox, error) {
	s := &Sandbox{Options: o, sampleHash: sync.OnceValues(hashSample)}
	if err := s.start(ctx); err != nil {
		s.Stop(context.WithoutCancel(ctx))
		return nil, err
	}
	return s, nil
}

func (s *Sandbox) start(ctx context.Context) error {
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return err
	}
	if err := s.openStores(ctx); err != nil {
		return err
	}
	authority, err := pki.Open(filepath.Join(s.Dir, "pki"))
	if err != nil {
		return err
	}
	if err := s.openIssuers(authority); err != nil {
		return err
	}
	if err := s.openClients(authority); err != nil {
		return err
	}
	ways, err := s.openMail(authority)
	if err != nil {
		return err
	}
	secret, err := keptSecret(filepath.Join(s.Dir, "pki", "cursor.key"))
	if err != nil {
		return err
	}
	seed, err := keptSecret(filepath.Join(s.Dir, "pki", "signature.key"))
	if err != nil {
		return err
	}
	panel, _ := cast.All(s.clock.Now()).Professional("dr-traitant") // asks about several of her patients at once
	operator, _ := cast.All(s.clock.Now()).Professional("operateur")
	s.Service, err = service.New(service.Options{
		Pool: s.pool, Repository: s.blobs, Base: s.Base, RepositoryID: RepositoryID, Profile: s.Profile, Provisional: true, TestINS: true,
		VIHF: map[string]saml.Issuer{authority.VIHF.Name(): {
			Certificates: []*x509.Certificate{authority.VIHF.Certificate}, Roots: authority.Pool(), SubjectDN: authority.VIHF.Name(), Unrevocable: true,
		}},
		Applications: cast.Applications(), Sandbox: service.Sandbox{TokenEndpoint: s.Base + "/sandbox/token", JWKS: s.Base + "/.well-known/jwks.json"},
		Tokens: map[string][]byte{s.Base: s.keys}, CursorSecret: secret, Signature: ed25519.NewKeyFromSeed(seed[:]), Now: s.clock.Now, Log: s.Log, Audit: s.Audit,
		ManyPatients: []string{panel.ID}, Operators: []string{operator.ID},
		Home: Home, Broker: notify.Broker{Consumers: onThisMachine, TLS: &tls.Config{RootCAs: authority.Pool(), MinVersion: tls.VersionTLS12}},
		Mail:          ways,
		SignIn:        s.openProviders(authority.Token),
		PublicMetrics: true, Trust: service.Trust{Judge: s.judge}, Version: s.Version, Revision: s.Revision,
	})
	if err != nil {
		return err
	}
	s.routes(s.Service.Router())
	return s.openState(ctx)
}

// openStores starts PostgreSQL and the directory of blobs.
func (s *Sandbox) openStores(ctx context.Context) (err error) {
	dsn := s.DSN
	if dsn == "" {
		s.Database = databaseDir(s.Dir)
		if s.server, err = postgres.Start(ctx, postgres.Options{Dir: s.Database, Log: s.Log}); err != nil {
			return err
		}
		dsn = s.server.DSN("")
	}
	if s.pool, err = postgres.Open(ctx, dsn); err != nil {
		return err
	}
	if err = postgres.Migrate(ctx, s.pool); err != nil {
		return err
	}
	s.blobs, err = openBlobs(s.Dir)
	return err
}

// databaseDir is where PostgreSQL keeps its files: in the data folder, or, when we
// are root and its parents are closed to the user that PostgreSQL runs as, under
// /var/tmp by a name made of the data folder's.
func databaseDir(dir string) string {
	absolute, err := filepath.Abs(dir)
	if err != nil || os.Geteuid() != 0 || openToAll(absolute) {
		return filepath.Join(dir, "postgres")
	}
	sum := sha256.Sum256([]byte(absolute))
	return filepath.Join("/var/tmp", fmt.Sprintf("passerelle-%x", sum[:6]), "postgres")
}

// openToAll tells whether every folder down to dir may be entered by anybody.
func openToAll(dir string) bool {
	for d := dir; ; d = filepath.Dir(d) {
		info, err := os.Stat(d)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if d == filepath.Dir(d) {
			return true
		}
	}
}

// openIssuers makes the issuers of both kinds of token.
func (s *Sandbox) openIssuers(authority *pki.Authority) (err error) {
	s.rootCert = authority.Root.Certificate
	s.vihf = saml.Signer{
		Key: authority.VIHF.Key, Certificates: []*x509.Certificate{authority.VIHF.Certificate}, Name: authority.VIHF.Name(),
		Audience: s.Base + "/xds", Now: s.clock.Now, NewID: func() string { return "_" + service.NewID() },
	}
	s.tokens = iua.Issuer{Key: authority.Token, Name: s.Base, Audience: s.Base, Now: s.clock.Now, NewID: service.NewID}
	s.keys, err = s.tokens.JWKS()
	return err
}

// openState takes up the kept cast and clock, or seeds a new one.
func (s *Sandbox) openState(ctx context.Context) error {
	kept, found, err := load(s.Dir)
	if err != nil {
		return fmt.Errorf("sandbox.json illisible : %w", err)
	}
	if found {
		s.state = kept
		s.clock.Set(kept.Ahead)
		return nil
	}
	return s.reseed(ctx)
}

// reseed empties the stores and plays the seed again; keys and record ids stay.
func (s *Sandbox) reseed(ctx context.Context) error {
	s.clock.Set(0)
	if err := s.Service.DeliverMail(ctx); err != nil { // or it would come after the reset
		s.Log.Warn("mail", "error", err)
	}
	if err := s.wipe(ctx); err != nil {
		return err
	}
	s.box.Empty()
	seeded := time.Now().UTC().Truncate(time.Second)
	members := cast.All(seeded)
	st := state{Seeded: seeded, Patients: []patient{}, Professionals: []professional{}}
	if !s.Empty {
		st = newState(seeded, members)
	}
	s.setState(st)
	if !s.Empty {
		if err := s.seed(ctx, members); err != nil {
			return fmt.Errorf("amorçage : %w", err)
		}
	}
	return st.save(s.Dir)
}

func (s *Sandbox) setState(st state) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.state = st
}

// cast is a copy of the state that later changes leave alone.
func (s *Sandbox) cast() state {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	st := s.state
	st.Patients = append([]patient{}, st.Patients...)
	st.Professionals = append([]professional{}, st.Professionals...)
	return st
}

// wipe empties every table, discards every blob and forgets every key.
func (s *Sandbox) wipe(ctx context.Context) error {
	if err := s.Service.Registry.Wipe(ctx, system); err != nil {
		return err
	}
	if err := s.Service.Policies.Load(ctx); err != nil {
		return err
	}
	for blob, err := range s.blobs.List(ctx, "") {
		if err != nil {
			return err
		}
		if err := s.blobs.Discard(ctx, blob.Key); err != nil {
			return err
		}
	}
	return s.blobs.Vault.Wipe(ctx)
}

// Handler is the sandbox's HTTP face; a reset waits for the requests under way, and
// others for the reset.
func (s *Sandbox) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/sandbox/reset" {
			if !s.gate.enter(r.Context()) {
				return // the client has gone
			}
			defer s.gate.leave()
		}
		s.Service.Router().ServeHTTP(w, r)
	})
}

// Stop ends the servers that Start started.
func (s *Sandbox) Stop(ctx context.Context) {
	if s.catchers != nil {
		_ = s.catchers.Close() // what came is in the box
	}
	if s.pool != nil {
		s.pool.Close()
	}
	if s.server != nil {
		if err := s.server.Stop(ctx); err != nil {
			s.Log.Warn("postgres", "error", err)
		}
	}
}

// keptSecret is a secret of the sandbox, that of the paging links for one, kept so that
// it survives a restart.
func keptSecret(path string) (secret [32]byte, err error) {
	raw, err := os.ReadFile(path)
	if err == nil && len(raw) == len(secret) {
		return [32]byte(raw), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return secret, err
	}
	rand.Read(secret[:])
	return secret, os.WriteFile(path, secret[:], 0o600)
}
