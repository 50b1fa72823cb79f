// Package oidc is a provider of identities for the sandbox and the tests: OpenID Connect
// with the authorization code flow and PKCE, as FranceConnect and Pro Santé Connect have
// it, but that whoever comes chooses who he is from a list. It must never reach a product
// outside the sandbox.
package oidc

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Person is one that a visitor may be.
type Person struct {
	Key      string // in the address: alice, dr-durand
	Name     string
	Sentence string         // who it is, in one sentence
	Claims   map[string]any // sub among them
}

// Client is a relying party.
type Client struct {
	Secret    string
	Redirects []string // exact
	Backs     []string // exact: where a sign-out may go
}

// Provider is one issuer.
type Provider struct {
	Issuer  string // its address, without a slash at its end
	Title   string // of its page
	Wording string // what stands under the title
	Level   string // acr
	Key     crypto.Signer
	Now     func() time.Time
	Clients map[string]Client
	People  func() []Person

	mu     sync.Mutex
	grants map[string]grant // by code, and by access token
}

// grant is a choice that was made: first under a code, then under an access token.
type grant struct {
	person    Person
	client    string
	redirect  string
	nonce     string
	challenge string
	token     bool
	until     time.Time
}

// Bounds of what the provider remembers.
const (
	codeLife  = time.Minute
	tokenLife = 5 * time.Minute
	maxGrants = 4096
)

// Handler serves what stands below the path of the issuer.
func (p *Provider) Handler() http.Handler {
	mux := http.NewServeMux()
	u, _ := url.Parse(p.Issuer)
	at := strings.TrimSuffix(u.Path, "/")
	mux.HandleFunc("GET "+at+"/.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET "+at+"/jwks", p.keys)
	mux.HandleFunc("GET "+at+"/authorize", p.authorize)
	mux.HandleFunc("POST "+at+"/token", p.token)
	mux.HandleFunc("GET "+at+"/userinfo", p.userInfo)
	mux.HandleFunc("GET "+at+"/logout", p.logout)
	return mux
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, map[string]any{
		"issuer": p.Issuer, "authorization_endpoint": p.Issuer + "/authorize", "token_endpoint": p.Issuer + "/token",
		"userinfo_endpoint": p.Issuer + "/userinfo", "jwks_uri": p.Issuer + "/jwks", "end_session_endpoint": p.Issuer + "/logout",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "scopes_supported": []string{"openid"},
		"id_token_signing_alg_values_supported": []string{"ES256"}, "code_challenge_methods_supported": []string{"S256"},
		"grant_types_supported": []string{"authorization_code"}, "token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
		"authorization_response_iss_parameter_supported": true,
	})
}

func (p *Provider) jwk() jose.JSONWebKey {
	key := jose.JSONWebKey{Key: p.Key.Public(), Algorithm: string(jose.ES256), Use: "sig"}
	sum, _ := key.Thumbprint(crypto.SHA256)
	key.KeyID = base64.RawURLEncoding.EncodeToString(sum)
	return key
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{p.jwk()}})
}

// authorize shows who one may be; with `as`, the choice is made and the browser goes back.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	client, known := p.Clients[q.Get("client_id")]
	if !known || !slices.Contains(client.Redirects, q.Get("redirect_uri")) {
		http.Error(w, "client_id ou redirect_uri inconnu", http.StatusBadRequest) // and no redirect to anywhere
		return
	}
	scopes := strings.Fields(q.Get("scope"))
	if q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("state") == "" || !slices.Contains(scopes, "openid") {
		p.back(w, r, url.Values{"error": {"invalid_request"}})
		return
	}
	as := q.Get("as")
	if as == "" {
		p.page(w, q)
		return
	}
	i := slices.IndexFunc(p.People(), func(one Person) bool { return one.Key == as })
	if i < 0 {
		p.back(w, r, url.Values{"error": {"access_denied"}})
		return
	}
	code := p.keep(grant{person: p.People()[i], client: q.Get("client_id"), redirect: q.Get("redirect_uri"), nonce: q.Get("nonce"),
		challenge: q.Get("code_challenge"), until: p.Now().Add(codeLife)})
	p.back(w, r, url.Values{"code": {code}})
}

// back sends the browser to the client with an answer.
func (p *Provider) back(w http.ResponseWriter, r *http.Request, answer url.Values) {
	answer.Set("state", r.URL.Query().Get("state"))
	answer.Set("iss", p.Issuer)
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, r.URL.Query().Get("redirect_uri")+"?"+answer.Encode(), http.StatusSeeOther)
}

// keep stores a grant under a new name; what has ended goes first, and when there are too
// many all the rest.
func (p *Provider) keep(g grant) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.Now()
	maps.DeleteFunc(p.grants, func(_ string, old grant) bool { return !now.Before(old.until) })
	if p.grants == nil || len(p.grants) >= maxGrants {
		p.grants = map[string]grant{}
	}
	name := rand.Text()
	p.grants[name] = g
	return name
}

// take removes a grant, good for once.
func (p *Provider) take(code string) (grant, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g, ok := p.grants[code]
	if ok && !g.token {
		delete(p.grants, code)
	}
	return g, ok && p.Now().Before(g.until)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	client, known := p.Clients[id]
	if !known || subtle.ConstantTimeCompare([]byte(client.Secret), []byte(secret)) != 1 {
		write(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	g, ok := p.take(r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || g.token || g.client != id || g.redirect != r.PostFormValue("redirect_uri") || r.PostFormValue("grant_type") != "authorization_code" ||
		base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge {
		write(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	signed, err := p.idToken(g)
	if err != nil {
		write(w, http.StatusInternalServerError, map[string]string{"error": "server_error"})
		return
	}
	g.token, g.until = true, p.Now().Add(tokenLife)
	write(w, http.StatusOK, map[string]any{"access_token": p.keep(g), "token_type": "Bearer", "expires_in": int(tokenLife / time.Second), "id_token": signed})
}

func (p *Provider) idToken(g grant) (string, error) {
	now := p.Now()
	claims, err := json.Marshal(map[string]any{"iss": p.Issuer, "aud": g.client, "sub": g.person.Claims["sub"], "nonce": g.nonce, "acr": p.Level,
		"iat": now.Unix(), "exp": now.Add(tokenLife).Unix(), "auth_time": now.Unix()})
	if err != nil {
		return "", err
	}
	key := p.jwk()
	key.Key = p.Key
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

func (p *Provider) userInfo(w http.ResponseWriter, r *http.Request) {
	access, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	p.mu.Lock()
	g, ok := p.grants[access]
	p.mu.Unlock()
	if !bearer || !ok || !g.token || !p.Now().Before(g.until) {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		write(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
		return
	}
	write(w, http.StatusOK, g.person.Claims)
}

// logout ends nothing, since nothing is remembered of a visitor: it goes back.
func (p *Provider) logout(w http.ResponseWriter, r *http.Request) {
	back := r.URL.Query().Get("post_logout_redirect_uri")
	for _, client := range p.Clients {
		if slices.Contains(client.Backs, back) {
			http.Redirect(w, r, back, http.StatusSeeOther)
			return
		}
	}
	http.Error(w, "post_logout_redirect_uri inconnu", http.StatusBadRequest)
}

func write(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}
