package iua

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// UserInfo is an OpenID provider whose access tokens say nothing by themselves, Pro
// Santé Connect for one: its UserInfo endpoint says whose they are (OIDC Core §5.3).
// Such a token names no audience that we could check, and no patient unless the
// provider adds one.
type UserInfo struct {
	Issuer         string         // as the trail names it; iss where the answer or a JWT has one
	URL            string         // of the endpoint, https
	Roots          *x509.CertPool // of its server; nil: those of the system
	WithoutPatient bool           // its tokens may name no patient: the request does
}

// Bounds of asking a provider.
const (
	askTime    = 3 * time.Second
	askedAtOne = 8                // questions under way at once
	maxAnswer  = 64 << 10         // bytes
	trusted    = time.Minute      // how long an answer counts: a token taken back lives so much longer
	distrusted = 10 * time.Second // how long a refusal counts
)

// provider asks a UserInfo endpoint and remembers for a short while what it said.
type provider struct {
	UserInfo
	now    func() time.Time
	client *http.Client
	places chan struct{}
	mu     sync.Mutex
	known  *xds.LRU[[sha256.Size]byte, heard]
}

// heard is an answer, good until an instant.
type heard struct {
	claims claims
	err    *xds.Error
	until  time.Time
}

// Check refuses an endpoint that could be read or answered by others.
func (u UserInfo) Check() error {
	target, err := url.Parse(u.URL)
	if err != nil || target.Scheme != "https" || target.Host == "" || target.User != nil || target.RawQuery != "" || target.Fragment != "" {
		return errors.New("iua: the UserInfo endpoint needs an https URL, without credentials or query")
	}
	if u.Issuer == "" {
		return errors.New("iua: UserInfo endpoint without an issuer")
	}
	return nil
}

func newProvider(u UserInfo, now func() time.Time) (*provider, error) {
	if err := u.Check(); err != nil {
		return nil, err
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: u.Roots, MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: askTime,
		ResponseHeaderTimeout: askTime, MaxIdleConnsPerHost: askedAtOne, MaxConnsPerHost: askedAtOne, IdleConnTimeout: time.Minute,
		MaxResponseHeaderBytes: 16 << 10,
	}
	return &provider{UserInfo: u, now: now, places: make(chan struct{}, askedAtOne),
		client: &http.Client{Transport: transport, Timeout: askTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		known:  xds.NewLRU[[sha256.Size]byte, heard](remembered)}, nil
}

// opaque tells whether only the provider can say whose a token is: one that is no JWT,
// or one of its own that we have no keys of. What the token says there chooses whom to
// ask and nothing else.
func (v *Verifier) opaque(token string) bool {
	if v.provider == nil {
		return false
	}
	if strings.Count(token, ".") != 2 {
		return true
	}
	_, payload, ok := decode(token)
	if !ok {
		return false
	}
	c, err := object(payload)
	if err != nil {
		return false
	}
	iss, bad := c.text("iss")
	_, keys := v.keys.Load().issuers[iss]
	return bad == nil && iss == v.provider.Issuer && !keys
}

// ask is verify for an opaque token.
func (v *Verifier) ask(ctx context.Context, token string, client *x509.Certificate) (authz.Subject, error) {
	if !isToken(token) {
		return authz.Subject{}, malformed()
	}
	c, err := v.provider.claims(ctx, token)
	if err != nil {
		return authz.Subject{}, err
	}
	if err := v.current(c); err != nil {
		return authz.Subject{}, err
	}
	if err := c.confirmed(client); err != nil {
		return authz.Subject{}, err
	}
	sub, err := c.subject(v.config.Portals)
	if err != nil {
		return authz.Subject{}, err
	}
	if v.config.RequirePatient && !v.provider.WithoutPatient && sub.Patient == "" {
		return authz.Subject{}, refuse("TOK-002", "patient", "absent", "l'INS du patient dans la réponse du fournisseur d'identité")
	}
	if sub.TokenID == "" {
		sum := sha256.Sum256([]byte(token))
		sub.TokenID = "sha256:" + hex.EncodeToString(sum[:16])
	}
	if sub.Expires.IsZero() {
		sub.Expires = v.config.Now().Add(trusted)
	}
	return sub, nil
}

// current judges the window of an answer that gives one.
func (v *Verifier) current(c claims) *xds.Error {
	if _, dated := c["exp"]; !dated {
		return nil
	}
	return v.window(c)
}

// isToken tells whether a text is a b64token (RFC 6750 §2.1) of a length that a
// provider issues.
func isToken(token string) bool {
	const maxOpaque = 8 << 10
	return token != "" && len(token) <= maxOpaque &&
		strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=") == ""
}

// claims are what the provider says of a token, now or a moment ago. A provider that
// does not answer is remembered for nothing.
func (p *provider) claims(ctx context.Context, token string) (claims, *xds.Error) {
	key := sha256.Sum256([]byte(token))
	p.mu.Lock()
	last, known := p.known.Get(key)
	p.mu.Unlock()
	if known && p.now().Before(last.until) {
		return last.claims, last.err
	}
	c, err := p.ask(ctx, token)
	if err != nil && err.ID == "TOK-009" {
		return nil, err
	}
	h := heard{c, err, p.now().Add(trusted)}
	if err != nil {
		h.until = p.now().Add(distrusted)
	}
	p.mu.Lock()
	p.known.Put(key, h)
	p.mu.Unlock()
	return c, err
}

// ask makes one request, if there is a place for it in time.
func (p *provider) ask(ctx context.Context, token string) (claims, *xds.Error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	select {
	case p.places <- struct{}{}:
		defer func() { <-p.places }()
	case <-ctx.Done():
		return nil, unanswered("trop de questions en cours")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL, nil)
	if err != nil {
		return nil, unanswered("adresse refusée")
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Accept", "application/json")
	answer, err := p.client.Do(r)
	if err != nil {
		return nil, unanswered("pas de réponse")
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK:
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		return nil, refuse("TOK-002", "jeton", "refusé par le fournisseur d'identité", "un jeton en cours de validité")
	default:
		return nil, unanswered(fmt.Sprintf("statut %d", answer.StatusCode))
	}
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil || len(raw) > maxAnswer {
		return nil, unanswered("réponse coupée ou trop longue")
	}
	return p.read(raw)
}

// read takes an answer as the claims of a token of the provider.
func (p *provider) read(raw []byte) (claims, *xds.Error) {
	c, err := object(raw)
	if err != nil {
		return nil, unanswered("réponse mal formée")
	}
	if iss, bad := c.text("iss"); bad != nil || iss != "" && iss != p.Issuer {
		return nil, refuse("TOK-007", "iss", "autre émetteur", "celui du fournisseur d'identité")
	}
	issuer, err := json.Marshal(p.Issuer)
	if err != nil {
		return nil, unanswered("émetteur illisible")
	}
	c["iss"] = issuer
	return c, nil
}

func unanswered(why string) *xds.Error { return refuse("TOK-009", "", why, "") }
