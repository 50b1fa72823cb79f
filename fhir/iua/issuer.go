package iua

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// Lifetime is how long a token lasts when its Claims do not say (design §7).
const Lifetime = time.Hour

// Issuer issues bearer tokens for the sandbox and for tests.
type Issuer struct {
	Key      crypto.Signer // *rsa.PrivateKey (RS256) or *ecdsa.PrivateKey on P-256 or P-384
	Name     string        // iss: the base URL
	Audience string        // aud of a token whose Claims name none
	Now      func() time.Time
	NewID    func() string // jti
}

// Claims are what a token says. The fields below the blank line override one
// thing each, for tests of verifiers (design §7).
type Claims struct {
	Nature        authz.Nature
	ID            string
	Name          string
	Profession    string
	Specialty     string
	Structure     string
	StructureName string
	Mode          string // normal, centre_15, bris_de_glace; "" = normal
	Reason        string
	Traits        authz.Traits
	Patient       xds.CX
	Secret        bool
	Reinforced    bool
	Regulator     bool   // the claim of Pro Santé Connect
	Client        string // client_id
	Scope         string

	ExpiresIn     time.Duration // from now; 0 = Lifetime
	NotBefore     time.Duration // from now
	Audience      string
	Issuer        string
	AuthnContext  string   // acr
	SecondRole    string   // a second profession: profession becomes a list
	SecondPurpose string   // a second mode: mode becomes a list
	Omit          []string // names of claims; those of the VIHF that differ are understood too
}

// aliases are names of the other face in Claims.Omit.
var aliases = map[string][]string{
	"audience": {"aud"}, "issuer": {"iss"}, "subject": {"sub"}, "role": {"profession"}, "purpose": {"mode"},
	"conditions": {"exp", "nbf", "aud"}, "notOnOrAfter": {"exp"}, "notBefore": {"nbf"}, "authnContext": {"acr"}, "authnStatement": {"acr"},
}

// Issue makes a signed token.
func (i Issuer) Issue(c Claims) (string, error) {
	now := i.Now()
	from := now.Add(c.NotBefore)
	to := now.Add(cmp.Or(c.ExpiresIn, Lifetime))
	if c.NotBefore == 0 && !from.Before(to) {
		from = to.Add(-Lifetime) // an expired token was valid once
	}
	claims := map[string]any{
		"iss": cmp.Or(c.Issuer, i.Name), "aud": cmp.Or(c.Audience, i.Audience), "sub": c.ID, "jti": i.NewID(), "kind": kindOf(c.Nature),
		"iat": from.Unix(), "nbf": from.Unix(), "exp": to.Unix(), "mode": cmp.Or(c.Mode, "normal"),
	}
	for name, value := range map[string]string{
		"name": c.Name, "profession": c.Profession, "specialty": c.Specialty, "structure": c.Structure, "structure_name": c.StructureName,
		"reason": c.Reason, "patient": string(c.Patient), "patient_family": c.Traits.Family, "patient_given": c.Traits.Given,
		"patient_birthdate": c.Traits.BirthDate, "acr": c.AuthnContext, "client_id": c.Client, "scope": c.Scope,
	} {
		if value != "" {
			claims[name] = value
		}
	}
	for name, value := range map[string]bool{"secret": c.Secret, "air": c.Reinforced} {
		if value {
			claims[name] = true
		}
	}
	if c.Regulator {
		claims["Acces_Regulation_Medicale"] = "VRAI"
	}
	if c.NotBefore > 0 {
		claims["iat"] = now.Unix()
	}
	if c.SecondRole != "" {
		claims["profession"] = []string{c.Profession, c.SecondRole}
	}
	if c.SecondPurpose != "" {
		claims["mode"] = []string{cmp.Or(c.Mode, "normal"), c.SecondPurpose}
	}
	for _, name := range c.Omit {
		for _, claim := range append(aliases[name], name) {
			delete(claims, claim)
		}
	}
	return i.sign(claims, slices.Contains(c.Omit, "signature"))
}

func (i Issuer) sign(claims map[string]any, unsigned bool) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("issue token: %w", err)
	}
	if unsigned {
		head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
		return head + "." + base64.RawURLEncoding.EncodeToString(payload) + ".", nil
	}
	key, err := i.jwk()
	if err != nil {
		return "", err
	}
	key.Key = i.Key
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("issue token: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("issue token: %w", err)
	}
	return signed.CompactSerialize()
}

// jwk is the public key as the JWKS names it: its kid is its thumbprint (RFC 7638).
func (i Issuer) jwk() (jose.JSONWebKey, error) {
	alg := jose.RS256
	if k, ok := i.Key.Public().(*ecdsa.PublicKey); ok {
		switch k.Curve {
		case elliptic.P256():
			alg = jose.ES256
		case elliptic.P384():
			alg = jose.ES384
		default:
			return jose.JSONWebKey{}, errors.New("issue token: curve not supported")
		}
	}
	key := jose.JSONWebKey{Key: i.Key.Public(), Algorithm: string(alg), Use: "sig"}
	thumbprint, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("issue token: %w", err)
	}
	key.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	return key, nil
}

// JWKS is the document of /.well-known/jwks.json.
func (i Issuer) JWKS() ([]byte, error) {
	key, err := i.jwk()
	if err != nil {
		return nil, err
	}
	return json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}})
}

func kindOf(n authz.Nature) string {
	for name, nature := range natures {
		if nature == n {
			return name
		}
	}
	return "other"
}
