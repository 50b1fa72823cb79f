package signin

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Relying is what a provider of identities is asked with: OpenID Connect, authorization
// code, PKCE (RFC 7636), state and nonce.
type Relying struct {
	Issuer   string
	ClientID string
	Secret   func() string // of the client; nil: a public one
	Scopes   []string      // openid is among them
	Level    string        // acr_values asked for, and the least that is taken; "" = the provider's own
	Redirect string        // where the browser comes back to
	Back     string        // where it comes back to after a sign-out there
	Roots    *x509.CertPool
	Now      func() time.Time
}

// Provider is one that answers, or will.
type Provider struct {
	Relying
	client *http.Client

	mu    sync.Mutex
	found *oidc.Provider
	end   string // end_session_endpoint, "" = it has none
}

// Why a sign-in at a provider came to nothing.
var (
	ErrCancelled = errors.New("signin: given up at the provider")
	ErrMismatch  = errors.New("signin: not the answer to this question")
	ErrProvider  = errors.New("signin: the provider does not answer, or not as it must")
	ErrLevel     = errors.New("signin: too weak a sign-in at the provider")
)

// Bounds of talking to a provider.
const (
	askTime   = 5 * time.Second
	maxAnswer = 256 << 10 // bytes of any answer of it
	maxParam  = 4 << 10   // bytes of a parameter that comes back with the browser
)

// NewProvider asks nothing yet: a provider that is down keeps nobody else out.
func NewProvider(r Relying) *Provider {
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: r.Roots, MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: askTime,
		ResponseHeaderTimeout: askTime, MaxConnsPerHost: 16, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 16 << 10,
	}
	return &Provider{Relying: r, client: &http.Client{Transport: bounded{transport}, Timeout: askTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// bounded cuts the answers that the libraries read whole.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.next.RoundTrip(r)
	if err == nil {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(answer.Body, maxAnswer), answer.Body}
	}
	return answer, err
}

// Discover reads what the provider says of itself, once.
func (p *Provider) Discover(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return nil
	}
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.Issuer)
	if err != nil {
		return fmt.Errorf("%w: discovery: %w", ErrProvider, err)
	}
	var more struct {
		End string `json:"end_session_endpoint"`
	}
	if err := found.Claims(&more); err != nil {
		return fmt.Errorf("%w: discovery: %w", ErrProvider, err)
	}
	p.found, p.end = found, more.End
	return nil
}

func (p *Provider) config() oauth2.Config {
	c := oauth2.Config{ClientID: p.ClientID, Endpoint: p.found.Endpoint(), RedirectURL: p.Redirect, Scopes: p.Scopes}
	if p.Secret != nil {
		c.ClientSecret = p.Secret()
	}
	return c
}

// Question is what a browser took to the provider. It stays here, tied to that browser,
// until the answer comes: what ties the answer to it is in it.
type Question struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
}

// Ask is a new question, and the address to send the browser to.
func (p *Provider) Ask(ctx context.Context) (Question, string, error) {
	if err := p.Discover(ctx); err != nil {
		return Question{}, "", err
	}
	q := Question{State: token(), Nonce: token(), Verifier: oauth2.GenerateVerifier()}
	options := []oauth2.AuthCodeOption{oidc.Nonce(q.Nonce), oauth2.S256ChallengeOption(q.Verifier)}
	if p.Level != "" {
		options = append(options, oauth2.SetAuthURLParam("acr_values", p.Level))
	}
	c := p.config()
	return q, c.AuthCodeURL(q.State, options...), nil
}

// Identity is who the provider says is there.
type Identity struct {
	Subject string // sub, stable at this provider
	Claims  []byte // of the UserInfo and, over them, of the ID token: a JSON object
	Hint    string // the ID token, for the sign-out there
}

// Answer judges what came back with the browser that took the question, and fetches who
// signed in. The code is worth something with the question's verifier alone; the ID token
// must be the provider's, for us, for this question.
func (p *Provider) Answer(ctx context.Context, q Question, back url.Values) (Identity, error) {
	if err := p.judge(q, back); err != nil {
		return Identity{}, err
	}
	if err := p.Discover(ctx); err != nil {
		return Identity{}, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	c := p.config()
	tokens, err := c.Exchange(ctx, back.Get("code"), oauth2.VerifierOption(q.Verifier))
	if err != nil {
		return Identity{}, fmt.Errorf("%w: token: %w", ErrProvider, blunt(err))
	}
	hint, _ := tokens.Extra("id_token").(string)
	id, err := p.found.VerifierContext(ctx, &oidc.Config{ClientID: p.ClientID, Now: p.Now}).Verify(ctx, hint)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: id_token: %w", ErrProvider, err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(q.Nonce)) != 1 {
		return Identity{}, fmt.Errorf("%w: nonce", ErrMismatch)
	}
	info, err := p.found.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
	if err != nil {
		return Identity{}, fmt.Errorf("%w: userinfo", ErrProvider)
	}
	if id.Subject == "" || info.Subject != id.Subject {
		return Identity{}, fmt.Errorf("%w: sub", ErrMismatch)
	}
	merged, err := merge(info.Claims, id.Claims)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: claims", ErrProvider)
	}
	if !p.strong(merged) {
		return Identity{}, ErrLevel
	}
	raw, err := json.Marshal(merged)
	return Identity{Subject: id.Subject, Claims: raw, Hint: hint}, err
}

// judge holds the parameters that came back against the question.
func (p *Provider) judge(q Question, back url.Values) error {
	for _, name := range []string{"state", "code", "error", "iss"} {
		if len(back[name]) > 1 || len(back.Get(name)) > maxParam {
			return fmt.Errorf("%w: %s", ErrMismatch, name)
		}
	}
	if q.State == "" || subtle.ConstantTimeCompare([]byte(back.Get("state")), []byte(q.State)) != 1 {
		return fmt.Errorf("%w: state", ErrMismatch)
	}
	if iss := back.Get("iss"); iss != "" && iss != p.Issuer { // RFC 9207: the answer of another provider
		return fmt.Errorf("%w: iss", ErrMismatch)
	}
	switch back.Get("error") {
	case "":
	case "access_denied", "login_required", "interaction_required", "consent_required":
		return ErrCancelled
	default:
		return fmt.Errorf("%w: error", ErrProvider)
	}
	if back.Get("code") == "" {
		return fmt.Errorf("%w: code", ErrMismatch)
	}
	return nil
}

// blunt leaves of a refusal of the token endpoint its code: the rest is not ours to log.
func blunt(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return errors.New(refused.ErrorCode)
	}
	return err
}

// levels are the levels of assurance of FranceConnect and Pro Santé Connect (eIDAS).
var levels = map[string]int{"eidas1": 1, "eidas2": 2, "eidas3": 3}

// strong holds the level that the provider says it had against the one asked for.
func (p *Provider) strong(claims map[string]json.RawMessage) bool {
	if p.Level == "" {
		return true
	}
	var acr string
	_ = json.Unmarshal(claims["acr"], &acr) // absent or no text: too weak
	return levels[acr] >= max(1, levels[p.Level])
}

// merge is the claims of both answers; what the signed one says stands.
func merge(info, id func(any) error) (map[string]json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	for _, claims := range []func(any) error{info, id} {
		if err := claims(&all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// SignOut is where the browser ends its session at the provider too, "" when it has no
// such place.
func (p *Provider) SignOut(ctx context.Context, hint string) string {
	if hint == "" || p.Discover(ctx) != nil || p.end == "" {
		return ""
	}
	u, err := url.Parse(p.end)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("id_token_hint", hint)
	q.Set("post_logout_redirect_uri", p.Back)
	u.RawQuery = q.Encode()
	return u.String()
}

// token is a text of 256 bits that nobody guesses.
func token() string { return base64.RawURLEncoding.EncodeToString(random(32)) }
