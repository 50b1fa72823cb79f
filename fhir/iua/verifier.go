package iua

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// Skew is how far the clocks of an issuer and of the gateway may be apart.
const Skew = 60 * time.Second

// maxToken bounds a token, in bytes.
const maxToken = 16 << 10

const minRSA = 2_048 // bits

// algorithms are those that are accepted: no none, no shared secret.
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384,
}

// headers are the members that a protected header may have. Those that bring or
// point to a key (jwk, jku, x5u, x5c) are refused with any other one, crit among them.
var headers = []string{"alg", "kid", "typ", "x5t", "x5t#S256"}

// Config says whom a Verifier believes and for which service.
type Config struct {
	Issuers  map[string][]byte // JWKS document (RFC 7517) by the exact value of iss
	Audience string            // base URL (design §7)
	Now      func() time.Time

	RequirePatient bool // a token that names no patient is refused

	// UserInfo says whose the tokens are that are no JWT; nil: such a token is refused.
	UserInfo *UserInfo
	// Portals are the client_id of the operator's own faces for patients. A person's
	// token of any other client is that of an application, which needs his grant.
	Portals []string
	// Explain leaves in a refusal the claim that it is about: in a sandbox alone.
	Explain bool
	// Refused hears of every refusal with the claim; nil ignores it.
	Refused func(*xds.Error)
}

// Verifier turns bearer tokens into subjects. It is safe for concurrent use.
type Verifier struct {
	config   Config
	keys     atomic.Pointer[trust]
	provider *provider // nil: none
}

// trust are the keys that are believed at one time, and the tokens that they were
// seen to have signed: other keys begin with an empty memory.
type trust struct {
	issuers map[string]keySet
	mu      sync.Mutex
	opened  *xds.LRU[[sha256.Size]byte, opened]
}

// opened is what a token says, its signature verified. Nothing changes it.
type opened struct {
	claims  claims
	subject authz.Subject
}

// remembered bounds the tokens that are kept between requests. Those refused are
// never kept.
const remembered = 4_096

// keySet are the keys of one issuer by kid.
type keySet map[string]jose.JSONWebKey

// New makes a Verifier. It fails on a configuration that would trust nobody or
// no clock.
func New(c Config) (*Verifier, error) {
	if c.Now == nil || c.Audience == "" {
		return nil, errors.New("iua: Config needs Now and Audience")
	}
	v := &Verifier{config: c}
	if c.UserInfo != nil {
		var err error
		if v.provider, err = newProvider(*c.UserInfo, c.Now); err != nil {
			return nil, err
		}
	}
	if err := v.Trust(c.Issuers); err != nil {
		return nil, err
	}
	return v, nil
}

// Trust replaces the issuers and their keys, for a rotation while running.
func (v *Verifier) Trust(issuers map[string][]byte) error {
	if len(issuers) == 0 && v.provider == nil {
		return errors.New("iua: no issuer is trusted")
	}
	sets := map[string]keySet{}
	for _, name := range slices.Sorted(maps.Keys(issuers)) {
		set, err := parseKeys(issuers[name])
		if err != nil {
			return fmt.Errorf("iua: keys of %q: %w", name, err)
		}
		if name == "" {
			return errors.New("iua: issuer without a name")
		}
		sets[name] = set
	}
	v.keys.Store(&trust{issuers: sets, opened: xds.NewLRU[[sha256.Size]byte, opened](remembered)})
	return nil
}

// parseKeys keeps the public signing keys of a JWKS; those for encryption are left aside.
func parseKeys(document []byte) (keySet, error) {
	var parsed jose.JSONWebKeySet
	if err := json.Unmarshal(document, &parsed); err != nil {
		return nil, err
	}
	set := keySet{}
	for _, k := range parsed.Keys {
		if k.Use != "" && k.Use != "sig" {
			continue
		}
		switch pub := k.Key.(type) {
		case *rsa.PublicKey:
			if pub.N.BitLen() < minRSA {
				return nil, errors.New("RSA key too short")
			}
		case *ecdsa.PublicKey:
		default:
			return nil, errors.New("not a public RSA or EC key")
		}
		if _, twice := set[k.KeyID]; twice || k.KeyID == "" || !k.Valid() {
			return nil, errors.New("key without a kid of its own")
		}
		set[k.KeyID] = k
	}
	if len(set) == 0 {
		return nil, errors.New("no signing key")
	}
	return set, nil
}

// Verify verifies a token that came without TLS client certificate. Errors are
// one *xds.Error: a row TOK-nnn.
func (v *Verifier) Verify(token string) (authz.Subject, error) {
	return v.tell(v.bearer(context.Background(), token, nil))
}

// bearer is whose a token is, by itself or by the word of its provider.
func (v *Verifier) bearer(ctx context.Context, token string, client *x509.Certificate) (authz.Subject, error) {
	if len(token) <= maxToken && v.opaque(token) {
		return v.ask(ctx, token, client)
	}
	return v.verify(token, client)
}

// tell leaves to the client of a refusal no more than its code, unless the verifier
// explains: which claim failed is for who operates the issuer (users P-17).
func (v *Verifier) tell(sub authz.Subject, err error) (authz.Subject, error) {
	var refused *xds.Error
	if !errors.As(err, &refused) {
		return sub, err
	}
	if v.config.Refused != nil {
		v.config.Refused(refused)
	}
	if !v.config.Explain {
		refused = &xds.Error{ID: refused.ID}
	}
	return authz.Subject{}, refused
}

// verify opens the token or remembers it, then judges what may differ from one use
// to the next.
func (v *Verifier) verify(token string, client *x509.Certificate) (authz.Subject, error) {
	if len(token) > maxToken {
		return authz.Subject{}, malformed()
	}
	trust, key := v.keys.Load(), sha256.Sum256([]byte(token))
	t, known := trust.recall(key)
	if !known {
		var err *xds.Error
		if t.claims, err = trust.open(token); err != nil {
			return authz.Subject{}, err
		}
	}
	if err := v.judge(t.claims, client); err != nil {
		return authz.Subject{}, err
	}
	if known {
		return t.subject, nil
	}
	var err *xds.Error
	if t.subject, err = t.claims.subject(v.config.Portals); err != nil {
		return authz.Subject{}, err
	}
	if v.config.RequirePatient && t.subject.Patient == "" {
		return authz.Subject{}, refuse("TOK-002", "patient", "absent", "l'INS du patient dans le jeton")
	}
	trust.remember(key, t)
	return t.subject, nil
}

func (t *trust) recall(key [sha256.Size]byte) (opened, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.opened.Get(key)
}

func (t *trust) remember(key [sha256.Size]byte, o opened) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.opened.Put(key, o)
}

// open checks the signature and returns the claims that it covers.
func (t *trust) open(token string) (claims, *xds.Error) {
	if strings.Count(token, ".") != 2 {
		return nil, malformed()
	}
	head, payload, ok := decode(token)
	if !ok {
		return nil, malformed()
	}
	kid, err := readHeader(head)
	if err != nil {
		return nil, err
	}
	signed, bad := jose.ParseSignedCompact(token, algorithms)
	if bad != nil || len(signed.Signatures) != 1 {
		return nil, refuse("TOK-002", "alg", "algorithme refusé ou signature illisible", "RS, PS ou ES avec SHA-2")
	}
	peek, bad := object(payload) // only to choose the keys: read again once verified
	if bad != nil {
		return nil, malformed()
	}
	iss, err := peek.text("iss")
	if err != nil {
		return nil, err
	}
	set, known := t.issuers[iss]
	if !known {
		return nil, refuse("TOK-007", "iss", "émetteur inconnu", "un émetteur enregistré, au caractère près")
	}
	key, known := set[kid]
	if !known {
		return nil, refuse("TOK-002", "kid", "clé inconnue de cet émetteur", "une clé de son JWKS")
	}
	if key.Algorithm != "" && key.Algorithm != signed.Signatures[0].Header.Algorithm {
		return nil, refuse("TOK-002", "alg", "algorithme d'une autre clé", "celui que le JWKS donne à la clé")
	}
	verified, bad := signed.Verify(key.Key)
	if bad != nil {
		return nil, refuse("TOK-002", "signature", "signature fausse", "une signature faite avec la clé de l'émetteur")
	}
	c, bad := object(verified)
	if bad != nil {
		return nil, malformed()
	}
	return c, nil
}

func malformed() *xds.Error {
	return refuse("TOK-002", "jeton", "mal formé", "un JWT signé, en forme compacte, de 16 ko au plus")
}

// decode reads the two JSON parts of a compact token, in strict base64url.
func decode(token string) (head, payload []byte, ok bool) {
	parts := strings.Split(token, ".")
	strict := base64.RawURLEncoding.Strict()
	head, err := strict.DecodeString(parts[0])
	if err != nil {
		return nil, nil, false
	}
	payload, err = strict.DecodeString(parts[1])
	if err != nil || strings.ContainsAny(token, "\r\n") {
		return nil, nil, false
	}
	return head, payload, true
}

// readHeader accepts a header of known members and returns its kid.
func readHeader(head []byte) (kid string, err *xds.Error) {
	h, bad := object(head)
	if bad != nil {
		return "", refuse("TOK-002", "en-tête du jeton", "mal formé", "un objet JSON sans nom répété")
	}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if !slices.Contains(headers, name) {
			return "", refuse("TOK-002", "en-tête du jeton", xds.Shorten(name), strings.Join(headers, ", "))
		}
	}
	typ, err := h.text("typ")
	if err != nil {
		return "", err
	}
	if typ != "" && !strings.EqualFold(typ, "JWT") && !strings.EqualFold(typ, "at+jwt") {
		return "", refuse("TOK-002", "typ", xds.Shorten(typ), "JWT ou at+jwt")
	}
	if kid, err = h.text("kid"); err != nil {
		return "", err
	}
	if kid == "" {
		return "", refuse("TOK-002", "kid", "absent", "le nom d'une clé de l'émetteur")
	}
	return kid, nil
}

// judge decides whether the token is for us, now, and for this TLS client. Its
// window is that of saml: from nbf − 60 s, included, to exp + 60 s, excluded.
func (v *Verifier) judge(c claims, client *x509.Certificate) *xds.Error {
	if err := v.window(c); err != nil {
		return err
	}
	audiences, err := c.texts("aud")
	if err != nil {
		return err
	}
	if !slices.Contains(audiences, v.config.Audience) {
		return refuse("TOK-006", "aud", "absente ou autre", v.config.Audience)
	}
	return c.confirmed(client)
}

// window judges when a token is valid.
func (v *Verifier) window(c claims) *xds.Error {
	now := v.config.Now()
	exp, err := c.instant("exp")
	if err != nil {
		return err
	}
	if exp.IsZero() {
		return refuse("TOK-002", "exp", "absent", "la fin de validité")
	}
	if !now.Before(exp.Add(Skew)) {
		return refuse("TOK-003", "exp", "expiré", "un jeton en cours de validité")
	}
	for _, name := range []string{"nbf", "iat"} {
		from, err := c.instant(name)
		if err != nil {
			return err
		}
		if now.Before(from.Add(-Skew)) {
			return refuse("TOK-005", name, "pas encore valable", "un jeton en cours de validité")
		}
	}
	return nil
}

// confirmed judges cnf: a token bound to a TLS client certificate (RFC 8705
// §3.1) needs it; one bound to anything else is refused.
func (c claims) confirmed(client *x509.Certificate) *xds.Error {
	raw, bound := c["cnf"]
	if !bound {
		return nil
	}
	bad := refuse("TOK-002", "cnf", "jeton lié à une autre clé", "le certificat client TLS nommé par x5t#S256")
	cnf, err := object(raw)
	if err != nil || len(cnf) != 1 || client == nil {
		return bad
	}
	thumbprint, unread := cnf.text("x5t#S256")
	sum := sha256.Sum256(client.Raw)
	if unread != nil || thumbprint != base64.RawURLEncoding.EncodeToString(sum[:]) {
		return bad
	}
	return nil
}
