package iua

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

const (
	testBase    = "https://passerelle.example"
	testPatient = xds.CX("279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH")
	canaryID    = "899900000011"
)

var testNow = time.Date(2026, 11, 22, 8, 30, 0, 0, time.UTC)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ecKey  = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
)

func testIssuer(key crypto.Signer) Issuer {
	n := 0
	return Issuer{
		Key: key, Name: testBase, Audience: testBase, Now: func() time.Time { return testNow },
		NewID: func() string { n++; return fmt.Sprintf("jti-%d", n) },
	}
}

func testVerifier(t testing.TB, key crypto.Signer) *Verifier {
	t.Helper()
	jwks := must(testIssuer(key).JWKS())
	return must(New(Config{Issuers: map[string][]byte{testBase: jwks}, Audience: testBase, Now: func() time.Time { return testNow }}))
}

func doctor() Claims {
	return Claims{
		Nature: authz.NaturePro, ID: canaryID, Name: "TEST Alice", Profession: "10", Specialty: "SM26", Structure: "1999999990", Patient: testPatient,
	}
}

func refused(t *testing.T, err error, id string) {
	t.Helper()
	var e *xds.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %s", err, id)
	}
	if e.ID != id || e.Problem().Status != 401 {
		t.Errorf("got %v, want %s", e, id)
	}
	for _, canary := range []string{canaryID, "TEST Alice", "279035121518989", "1999999990"} {
		if strings.Contains(e.Error(), canary) {
			t.Errorf("the error holds %q: %v", canary, e)
		}
	}
}

// TestSubject checks the mapping of the gateway's own claims.
func TestSubject(t *testing.T) {
	base := authz.Subject{Issuer: testBase, TokenID: "jti-1", Expires: testNow.Add(Lifetime)}
	as := func(change func(*authz.Subject)) authz.Subject { s := base; change(&s); return s }
	for _, test := range []struct {
		name   string
		claims Claims
		want   authz.Subject
	}{
		{"physician", doctor(), as(func(s *authz.Subject) {
			s.Nature, s.ID, s.Name, s.Profession, s.Specialty = authz.NaturePro, canaryID, "TEST Alice", "10", "SM26"
			s.Structure, s.Patient = "1999999990", testPatient
		})},
		{"bris de glace", Claims{Nature: authz.NaturePro, ID: "8", Profession: "10", Mode: "bris_de_glace", Reason: "inconscient",
			Traits: authz.Traits{Family: "DURAND", Given: "Zoé", BirthDate: "19800101"}}, as(func(s *authz.Subject) {
			s.Nature, s.ID, s.Profession, s.Mode, s.Reason = authz.NaturePro, "8", "10", authz.BrisDeGlace, "inconscient"
			s.Traits = authz.Traits{Family: "DURAND", Given: "Zoé", BirthDate: "19800101"}
		})},
		{"regulator", Claims{Nature: authz.NaturePro, ID: "8", Profession: "10", Mode: "centre_15", Regulator: true}, as(func(s *authz.Subject) {
			s.Nature, s.ID, s.Profession, s.Mode, s.Regulator = authz.NaturePro, "8", "10", authz.Centre15, true
		})},
		{"structure", Claims{Nature: authz.NatureStructure, ID: "bio", Structure: "1", StructureName: "LABO", Profession: "10"}, as(func(s *authz.Subject) {
			s.Nature, s.ID, s.Structure, s.StructureName = authz.NatureStructure, "bio", "1", "LABO"
		})},
		{"holder", Claims{Nature: authz.NaturePerson, ID: "r-1"}, as(func(s *authz.Subject) { s.Nature, s.ID = authz.NaturePerson, "r-1" })},
		{"insurer", Claims{Nature: authz.NatureOther, ID: "x", Profession: "ALIM_AM"}, as(func(s *authz.Subject) {
			s.Nature, s.ID, s.Profession = authz.NatureOther, "x", "ALIM_AM"
		})},
		{"secret, AIR", Claims{Nature: authz.NaturePro, ID: "8", Profession: "60", Secret: true, Reinforced: true}, as(func(s *authz.Subject) {
			s.Nature, s.ID, s.Profession, s.Secret, s.Reinforced = authz.NaturePro, "8", "60", true, true
		})},
		{"no profession", Claims{Nature: authz.NaturePro, ID: "x"}, as(func(s *authz.Subject) { s.ID = "x" })},
		{"kind from the profession", Claims{Nature: authz.NaturePro, ID: "x", Profession: "21", Omit: []string{"kind"}}, as(func(s *authz.Subject) {
			s.Nature, s.ID, s.Profession = authz.NaturePro, "x", "21"
		})},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, key := range []crypto.Signer{rsaKey(), ecKey()} {
				got, err := testVerifier(t, key).Verify(must(testIssuer(key).Issue(test.claims)))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// signedWith signs any header and payload, as an attacker who holds key could.
func signedWith(t *testing.T, key *rsa.PrivateKey, head, payload string) string {
	t.Helper()
	input := encode(head) + "." + encode(payload)
	sum := sha256.Sum256([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(must(rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])))
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// TestOverrides checks what the issuer's overrides must lead to.
func TestOverrides(t *testing.T) {
	with := func(change func(*Claims)) Claims { c := doctor(); change(&c); return c }
	omit := func(names ...string) Claims { return with(func(c *Claims) { c.Omit = names }) }
	for _, a := range []struct {
		name, id string
		claims   Claims
	}{
		{"expired", "TOK-003", with(func(c *Claims) { c.ExpiresIn = -10 * time.Minute })},
		{"expired, inside the edge", "", with(func(c *Claims) { c.ExpiresIn = -Skew + time.Second })},
		{"expired, at the edge", "TOK-003", with(func(c *Claims) { c.ExpiresIn = -Skew })},
		{"not before", "TOK-005", with(func(c *Claims) { c.NotBefore = 10 * time.Minute })},
		{"not before, at the edge", "", with(func(c *Claims) { c.NotBefore = Skew })},
		{"no exp", "TOK-002", omit("exp")},
		{"no conditions", "TOK-002", omit("conditions")},
		{"no aud", "TOK-006", omit("aud")},
		{"another aud", "TOK-006", with(func(c *Claims) { c.Audience = "https://autre.example" })},
		{"no iss", "TOK-007", omit("iss")},
		{"another iss", "TOK-007", with(func(c *Claims) { c.Issuer = "https://autre.example" })},
		{"iss with a slash more", "TOK-007", with(func(c *Claims) { c.Issuer = testBase + "/" })},
		{"no sub", "TOK-002", omit("sub")},
		{"unsigned", "TOK-002", omit("signature")},
		{"two professions", "TOK-002", with(func(c *Claims) { c.SecondRole = "60" })},
		{"two modes", "TOK-002", with(func(c *Claims) { c.SecondPurpose = "bris_de_glace" })},
		{"unknown mode", "TOK-002", with(func(c *Claims) { c.Mode = "recherche" })},
		{"password", "TOK-004", with(func(c *Claims) { c.AuthnContext = acClasses + "Password" })},
		{"card", "", with(func(c *Claims) { c.AuthnContext = acClasses + "SmartcardPKI" })},
		{"patient without authority", "TOK-002", with(func(c *Claims) { c.Patient = "279035121518989" })},
		{"no nbf, iat, jti", "", omit("nbf", "iat", "jti")},
	} {
		t.Run(a.name, func(t *testing.T) {
			_, err := testVerifier(t, rsaKey()).Verify(must(testIssuer(rsaKey()).Issue(a.claims)))
			if a.id != "" {
				refused(t, err, a.id)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTokenAttacks is attack 74 of safety §2.3.
func TestTokenAttacks(t *testing.T) {
	key := rsaKey()
	good := must(testIssuer(key).Issue(doctor()))
	kid := must(testIssuer(key).jwk()).KeyID
	parts := strings.Split(good, ".")
	payload := string(must(base64.RawURLEncoding.DecodeString(parts[1])))
	head := `{"alg":"RS256","kid":"` + kid + `"}`
	headWith := func(member string) string { return head[:len(head)-1] + "," + member + "}" }
	body := func(old, new string) string {
		if !strings.Contains(payload, old) {
			t.Fatalf("no %q in the payload", old)
		}
		return strings.Replace(payload, old, new, 1)
	}
	exp := fmt.Sprintf(`"exp":%d`, testNow.Add(Lifetime).Unix())
	hmacOf := func(secret []byte) string {
		input := encode(`{"alg":"HS256","kid":"`+kid+`"}`) + "." + parts[1]
		h := hmac.New(sha256.New, secret)
		h.Write([]byte(input))
		return input + "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
	}
	psOf := func(head, payload string) string {
		input := encode(head) + "." + encode(payload)
		sum := sha256.Sum256([]byte(input))
		return input + "." + base64.RawURLEncoding.EncodeToString(must(rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})))
	}
	der := must(x509.MarshalPKIXPublicKey(key.Public()))
	mallory := must(rsa.GenerateKey(rand.Reader, 2048))
	malloryJWK := string(must(json.Marshal(jose.JSONWebKey{Key: mallory.Public(), KeyID: "m"})))
	for _, a := range []struct{ name, token string }{
		{"alg none", encode(`{"alg":"none","kid":"`+kid+`"}`) + "." + parts[1] + "."},
		{"alg none with a signature", encode(`{"alg":"none","kid":"`+kid+`"}`) + "." + parts[1] + "." + parts[2]},
		{"alg nOnE", encode(`{"alg":"nOnE","kid":"`+kid+`"}`) + "." + parts[1] + "."},
		{"RS to HS with the public key", hmacOf(der)},
		{"RS to HS with the JWKS", hmacOf(must(testIssuer(key).JWKS()))},
		{"PS under a key of RS", psOf(strings.Replace(head, "RS256", "PS256", 1), payload)},
		{"signature stripped", parts[0] + "." + parts[1] + "."},
		{"signature of another key", signedWith(t, mallory, head, payload)},
		{"payload changed", parts[0] + "." + encode(body(canaryID, "899900000666")) + "." + parts[2]},
		{"kid path traversal", signedWith(t, key, `{"alg":"RS256","kid":"../../../../dev/null"}`, payload)},
		{"kid SQL", signedWith(t, key, `{"alg":"RS256","kid":"x' OR 1=1"}`, payload)},
		{"kid of another type", signedWith(t, key, `{"alg":"RS256","kid":1}`, payload)},
		{"kid absent", signedWith(t, key, `{"alg":"RS256"}`, payload)},
		{"jku", signedWith(t, mallory, headWith(`"jku":"http://127.0.0.1:1/jwks"`), payload)},
		{"jku on a good token", signedWith(t, key, headWith(`"jku":"http://127.0.0.1:1/jwks"`), payload)},
		{"x5u", signedWith(t, key, headWith(`"x5u":"http://127.0.0.1:1/cert"`), payload)},
		{"x5c", signedWith(t, key, headWith(`"x5c":["AAAA"]`), payload)},
		{"jwk", signedWith(t, mallory, headWith(`"jwk":`+malloryJWK), payload)},
		{"crit", signedWith(t, key, headWith(`"crit":["exp"]`), payload)},
		{"crit b64", signedWith(t, key, headWith(`"crit":["b64"],"b64":false`), payload)},
		{"alg twice in the header", signedWith(t, key, `{"alg":"none",`+head[1:], payload)},
		{"typ of another use", signedWith(t, key, headWith(`"typ":"logout+jwt"`), payload)},
		{"sub twice", signedWith(t, key, head, body(`"sub":`, `"sub":"x","sub":`))},
		{"aud twice", signedWith(t, key, head, body(`"aud":`, `"aud":"x","aud":`))},
		{"name twice, deeper", signedWith(t, key, head, body(`"sub":`, `"x":{"a":1,"a":2},"sub":`))},
		{"claim of another case", signedWith(t, key, head, body(`"exp":`, `"EXP":`))},
		{"exp as a string", signedWith(t, key, head, body(exp, `"exp":"1795338000"`))},
		{"exp null", signedWith(t, key, head, body(exp, `"exp":null`))},
		{"exp huge", signedWith(t, key, head, body(exp, `"exp":1e300`))},
		{"sub null", signedWith(t, key, head, body(`"sub":"`+canaryID+`"`, `"sub":null`))},
		{"sub a number", signedWith(t, key, head, body(`"sub":"`+canaryID+`"`, `"sub":8`))},
		{"sub with spaces", signedWith(t, key, head, body(`"sub":"`, `"sub":" `))},
		{"kind unknown", signedWith(t, key, head, body(`"kind":"pro"`, `"kind":"admin"`))},
		{"secret as a string", signedWith(t, key, head, body(`"sub":`, `"secret":"true","sub":`))},
		{"cnf without TLS", signedWith(t, key, head, body(`"sub":`, `"cnf":{"x5t#S256":"AAAA"},"sub":`))},
		{"cnf of DPoP", signedWith(t, key, head, body(`"sub":`, `"cnf":{"jkt":"AAAA"},"sub":`))},
		{"regulation neither true nor false", signedWith(t, key, head, body(`"sub":`, `"Acces_Regulation_Medicale":"OUI","sub":`))},
		{"two descriptions", signedWith(t, key, head, body(`"sub":`, `"SubjectNameID":"8","sub":`))},
		{"two reasons", signedWith(t, key, head, body(`"sub":`, `"reason":"a","Mode_Acces_Raison":"b","sub":`))},
		{"value too long", signedWith(t, key, head, body(`"sub":`, `"reason":"`+strings.Repeat("a", maxValue+1)+`","sub":`))},
		{"payload not an object", signedWith(t, key, head, `[]`)},
		{"payload null", signedWith(t, key, head, `null`)},
		{"payload with a tail", signedWith(t, key, head, payload+"{}")},
		{"payload too deep", signedWith(t, key, head, body(`"sub":`, `"x":`+strings.Repeat("[", 40)+strings.Repeat("]", 40)+`,"sub":`))},
		{"payload not UTF-8", signedWith(t, key, head, body("TEST Alice", "TEST \xff"))},
		{"encrypted, five parts", good + ".a.b"},
		{"JSON serialisation", `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`},
		{"padded base64", parts[0] + "=." + parts[1] + "." + parts[2]},
		{"line feed inside", parts[0] + ".\n" + parts[1] + "." + parts[2]},
		{"17 kB", signedWith(t, key, head, body(`"sub":`, `"x":"`+strings.Repeat("A", 13<<10)+`","sub":`))},
		{"empty", ""},
	} {
		t.Run(a.name, func(t *testing.T) {
			_, err := testVerifier(t, key).Verify(a.token)
			refused(t, err, "TOK-002")
		})
	}
	if _, err := testVerifier(t, key).Verify(signedWith(t, key, head, body(`"aud":"`+testBase+`"`, `"aud":["x","`+testBase+`"]`))); err != nil {
		t.Errorf("a list of audiences that names us: %v", err)
	}
}

// TestConfig checks that trust left out or weak stops the start (safety §2.5).
func TestConfig(t *testing.T) {
	now := func() time.Time { return testNow }
	set := func(keys ...jose.JSONWebKey) []byte { return must(json.Marshal(jose.JSONWebKeySet{Keys: keys})) }
	good := must(testIssuer(ecKey()).jwk())
	weak := must(rsa.GenerateKey(rand.Reader, 1024))
	for name, c := range map[string]Config{
		"no clock":       {Issuers: map[string][]byte{testBase: set(good)}, Audience: testBase},
		"no audience":    {Issuers: map[string][]byte{testBase: set(good)}, Now: now},
		"no issuer":      {Audience: testBase, Now: now},
		"issuer unnamed": {Audience: testBase, Now: now, Issuers: map[string][]byte{"": set(good)}},
		"no key":         {Audience: testBase, Now: now, Issuers: map[string][]byte{testBase: set()}},
		"not a JWKS":     {Audience: testBase, Now: now, Issuers: map[string][]byte{testBase: []byte("x")}},
		"shared secret":  {Audience: testBase, Now: now, Issuers: map[string][]byte{testBase: set(jose.JSONWebKey{Key: []byte("secret"), KeyID: "k"})}},
		"private key":    {Audience: testBase, Now: now, Issuers: map[string][]byte{testBase: set(jose.JSONWebKey{Key: ecKey(), KeyID: "k"})}},
		"kid twice":      {Audience: testBase, Now: now, Issuers: map[string][]byte{testBase: set(good, good)}},
		"weak key":       {Audience: testBase, Now: now, Issuers: map[string][]byte{testBase: set(jose.JSONWebKey{Key: weak.Public(), KeyID: "k"})}},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	encryption := jose.JSONWebKey{Key: rsaKey().Public(), KeyID: "e", Use: "enc"}
	v, err := New(Config{Issuers: map[string][]byte{testBase: set(encryption, good)}, Audience: testBase, Now: now, RequirePatient: true})
	if err != nil {
		t.Fatal(err)
	}
	nobody := doctor()
	nobody.Patient = ""
	_, err = v.Verify(must(testIssuer(ecKey()).Issue(nobody)))
	refused(t, err, "TOK-002")
}

// TestProSanteConnect checks the other description of a bearer.
func TestProSanteConnect(t *testing.T) {
	base := map[string]any{
		"iss": testBase, "aud": testBase, "exp": testNow.Add(Lifetime).Unix(), "sub": "f:0000:" + canaryID, "SubjectNameID": canaryID,
		"given_name": "Alice", "family_name": "TEST", "SubjectOrganization": "CABINET", "SubjectOrganizationID": "1999999990",
		"Mode_Acces_Raison": "", "Acces_Regulation_Medicale": "FAUX", "SubjectRole": []string{"10^1.2.250.1.213.1.1.5.5"},
		"SubjectRefPro": map[string]any{"exercices": []any{map[string]any{
			"codeProfession": "10", "codeTypeSavoirFaire": "S", "codeSavoirFaire": "SM26", "activities": []any{map[string]any{"codeSectionPharmacien": ""}},
		}}}, "otherIds": []any{map[string]any{"origine": "RPPS"}},
	}
	want := authz.Subject{
		Nature: authz.NaturePro, ID: canaryID, Name: "TEST Alice", Profession: "10", Specialty: "SM26", Structure: "1999999990", StructureName: "CABINET",
		Reinforced: true, Issuer: testBase, Expires: testNow.Add(Lifetime),
	}
	exercise := func(profession, typ, expertise string) any {
		return map[string]any{"codeProfession": profession, "codeTypeSavoirFaire": typ, "codeSavoirFaire": expertise}
	}
	for _, test := range []struct {
		name   string
		claims map[string]any
		want   func(*authz.Subject) // nil: refused
	}{
		{"physician", nil, func(*authz.Subject) {}},
		{"regulator", map[string]any{"Acces_Regulation_Medicale": "VRAI", "Mode_Acces_Raison": "regulation", "mode": "centre_15"}, func(s *authz.Subject) {
			s.Regulator, s.Reason, s.Mode = true, "regulation", authz.Centre15
		}},
		{"role of another system", map[string]any{"SubjectRole": "10^1.2.3"}, func(s *authz.Subject) { s.Nature, s.Specialty = authz.NatureOther, "" }},
		{"exercise of another profession", map[string]any{"SubjectRefPro": map[string]any{"exercices": []any{exercise("21", "S", "SM25")}}}, func(s *authz.Subject) { s.Specialty = "" }},
		{"pharmacist's section", map[string]any{"SubjectRole": "21^1.2.250.1.213.1.1.5.5", "SubjectRefPro": map[string]any{"exercices": []any{
			map[string]any{"codeProfession": "21", "activities": []any{map[string]any{"codeSectionPharmacien": "G"}}},
		}}}, func(s *authz.Subject) { s.Profession, s.Specialty = "21", "G" }},
		{"two professions", map[string]any{"SubjectRole": []string{"10^1.2.250.1.213.1.1.5.5", "21^1.2.250.1.213.1.1.5.5"}}, nil},
		{"no profession", map[string]any{"SubjectRole": []string{}}, nil},
		{"two specialties", map[string]any{"SubjectRefPro": map[string]any{"exercices": []any{exercise("10", "S", "SM26"), exercise("10", "S", "SM25")}}}, nil},
		{"SubjectRefPro of another shape", map[string]any{"SubjectRefPro": "x"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			claims := maps.Clone(base)
			maps.Copy(claims, test.claims)
			got, err := testVerifier(t, rsaKey()).Verify(must(testIssuer(rsaKey()).sign(claims, false)))
			if test.want == nil {
				refused(t, err, "TOK-002")
				return
			}
			expected := want
			test.want(&expected)
			if diff := cmp.Diff(expected, got); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
}

// TestFromRequest checks where a token is looked for, and its binding to TLS.
func TestFromRequest(t *testing.T) {
	token := must(testIssuer(rsaKey()).Issue(doctor()))
	client := &x509.Certificate{Raw: []byte("certificate")}
	sum := sha256.Sum256(client.Raw)
	thumbprint := base64.RawURLEncoding.EncodeToString(sum[:])
	boundTo := func(cnf map[string]any) string {
		return must(testIssuer(rsaKey()).sign(map[string]any{"iss": testBase, "aud": testBase, "exp": testNow.Add(Lifetime).Unix(), "sub": "8", "cnf": cnf}, false))
	}
	bound := boundTo(map[string]any{"x5t#S256": thumbprint})
	for _, test := range []struct {
		name, id string
		headers  []string
		client   *x509.Certificate
	}{
		{"bearer", "", []string{"Bearer " + token}, nil},
		{"bearer in small letters", "", []string{"bearer " + token}, nil},
		{"none", "TOK-001", nil, nil},
		{"basic", "TOK-001", []string{"Basic YTpi"}, nil},
		{"bearer of nothing", "TOK-001", []string{"Bearer "}, nil},
		{"two headers", "TOK-002", []string{"Bearer " + token, "Bearer " + token}, nil},
		{"two spaces", "TOK-002", []string{"Bearer  " + token}, nil},
		{"two tokens", "TOK-002", []string{"Bearer " + token + ", Bearer " + token}, nil},
		{"bound, with its certificate", "", []string{"Bearer " + bound}, client},
		{"bound, with another certificate", "TOK-002", []string{"Bearer " + bound}, &x509.Certificate{Raw: []byte("other")}},
		{"bound to a second key too", "TOK-002", []string{"Bearer " + boundTo(map[string]any{"x5t#S256": thumbprint, "jkt": "x"})}, client},
		{"bound, without TLS", "TOK-002", []string{"Bearer " + bound}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/fhir/DocumentReference?access_token="+token, nil)
			r.Header["Authorization"] = test.headers
			if test.client != nil {
				r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{test.client}}
			}
			_, err := testVerifier(t, rsaKey()).FromRequest(r)
			if test.id != "" {
				refused(t, err, test.id)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRemembered checks that a token seen before is judged again by all that may
// differ from one use to the next.
func TestRemembered(t *testing.T) {
	now := testNow
	verifier := func() *Verifier {
		now = testNow
		jwks := must(testIssuer(rsaKey()).JWKS())
		return must(New(Config{Issuers: map[string][]byte{testBase: jwks}, Audience: testBase, Now: func() time.Time { return now }}))
	}
	client := &x509.Certificate{Raw: []byte("certificate")}
	sum := sha256.Sum256(client.Raw)
	sign := func(cnf any) string {
		claims := map[string]any{"iss": testBase, "aud": testBase, "exp": testNow.Add(Lifetime).Unix(), "sub": "8", "profession": "10"}
		if cnf != nil {
			claims["cnf"] = cnf
		}
		return must(testIssuer(rsaKey()).sign(claims, false))
	}
	plain := sign(nil)
	bound := sign(map[string]any{"x5t#S256": base64.RawURLEncoding.EncodeToString(sum[:])})
	for _, test := range []struct {
		name, token, id string
		first, then     *x509.Certificate
		between         func(*Verifier)
	}{
		{"the same again", plain, "", nil, nil, func(*Verifier) {}},
		{"expired since", plain, "TOK-003", nil, nil, func(*Verifier) { now = now.Add(Lifetime + Skew) }},
		{"the clock set back", plain, "", nil, nil, func(*Verifier) { now = now.Add(-time.Hour) }},
		{"bound, by another client", bound, "TOK-002", client, &x509.Certificate{Raw: []byte("other")}, func(*Verifier) {}},
		{"bound, without TLS", bound, "TOK-002", client, nil, func(*Verifier) {}},
		{"other keys since", plain, "TOK-002", nil, nil, func(v *Verifier) {
			if err := v.Trust(map[string][]byte{testBase: must(testIssuer(ecKey()).JWKS())}); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := verifier()
			first, err := v.verify(test.token, test.first)
			if err != nil {
				t.Fatal(err)
			}
			test.between(v)
			again, err := v.verify(test.token, test.then)
			switch {
			case test.id != "":
				refused(t, err, test.id)
			case err != nil || again != first:
				t.Errorf("got %+v, %v; first %+v", again, err, first)
			}
		})
	}
	v := verifier()
	if _, err := v.Verify(plain); err != nil {
		t.Fatal(err)
	}
	flipped := plain[:len(plain)-8] + "AAAAAAAA"
	_, err := v.Verify(flipped)
	refused(t, err, "TOK-002")
}

func BenchmarkVerify(b *testing.B) {
	v, token := testVerifier(b, rsaKey()), must(testIssuer(rsaKey()).Issue(doctor()))
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			v.keys.Load().opened = xds.NewLRU[[sha256.Size]byte, opened](1)
			if _, err := v.Verify(token); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("remembered", func(b *testing.B) {
		for b.Loop() {
			if _, err := v.Verify(token); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func TestChallenge(t *testing.T) {
	for want, err := range map[string]error{
		`Bearer realm="passerelle"`: &xds.Error{ID: "TOK-001"},
		`Bearer realm="passerelle", error="invalid_token", error_description="TOK-003 access token outside its validity period"`:                                &xds.Error{ID: "TOK-003", Found: "x"},
		`Bearer realm="passerelle", error="invalid_token", error_description="TOK-006 access token for another audience: aud"`:                                  &xds.Error{ID: "TOK-006", Where: "aud"},
		`Bearer realm="passerelle", error="insufficient_scope", error_description="TOK-008 the scopes of the access token do not reach so far: patient/List.s"`: &xds.Error{ID: "TOK-008", Where: "patient/List.s"},
		`Bearer realm="passerelle", error="invalid_token", error_description="TOK-002 access token is not valid"`:                                               &xds.Error{ID: "TOK-002", Where: "en-tête \"x\""},
	} {
		if got := Challenge(err); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// FuzzVerify holds that whatever is accepted names the subject that was signed.
func FuzzVerify(f *testing.F) {
	key := must(ecdsa.ParseRawPrivateKey(elliptic.P256(), []byte(strings.Repeat("\x01", 32)))) // the same in every worker
	v := testVerifier(f, key)
	token := must(testIssuer(key).Issue(doctor()))
	want := must(v.Verify(token))
	f.Add(token)
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, token string) {
		got, err := v.Verify(token)
		if diff := cmp.Diff(want, got); err == nil && diff != "" {
			t.Fatal(diff)
		}
	})
}
