package conformance_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"testing"

	"github.com/passerelle-sante/passerelle/xds/soap"
)

// kitClaims is what both issuers of the sandbox are asked for: the same person in
// the same mode, as a VIHF and as a bearer token.
type kitClaims struct {
	As            string     `json:"as"`
	Patient       string     `json:"patient,omitempty"` // "" = the token names no patient
	Mode          string     `json:"mode,omitempty"`
	Reason        string     `json:"reason,omitempty"`
	Traits        *kitTraits `json:"traits,omitempty"`
	Structure     *string    `json:"structure,omitempty"`
	ExpiresIn     *int       `json:"expiresIn,omitempty"`
	NotBefore     *int       `json:"notBefore,omitempty"`
	Audience      string     `json:"audience,omitempty"`
	Issuer        string     `json:"issuer,omitempty"`
	AuthnContext  string     `json:"authnContext,omitempty"`
	SecondRole    string     `json:"secondRole,omitempty"`
	SecondPurpose string     `json:"secondPurpose,omitempty"`
	Omit          []string   `json:"omit,omitempty"`
	Secret        bool       `json:"secret,omitempty"`
	AIR           bool       `json:"air,omitempty"`
}

type kitTraits struct {
	Family    string `json:"family"`
	Given     string `json:"given"`
	BirthDate string `json:"birthDate"`
}

// traits are those of a patient.
func (p kitPatient) traits() *kitTraits { return &kitTraits{p.Family, p.Given, p.BirthDate} }

// kitBearer is one identity in both forms, each issued when it is first needed.
type kitBearer struct {
	kit       *kit // nil: there is nothing but what is set
	claims    kitClaims
	assertion []byte
	token     string
}

// bearer is somebody on both faces, by the same claims.
func (k *kit) bearer(c kitClaims) *kitBearer { return &kitBearer{kit: k, claims: c} }

// vihf is the assertion, jwt the token.
func (b *kitBearer) vihf(t *testing.T) []byte {
	t.Helper()
	if b.kit != nil && b.assertion == nil {
		b.assertion = b.kit.assertion(t, b.claims)
	}
	return b.assertion
}

func (b *kitBearer) jwt(t *testing.T) string {
	t.Helper()
	if b.kit != nil && b.token == "" {
		b.token = b.kit.token(t, b.claims)
	}
	return b.token
}

func (k *kit) assertion(t *testing.T, c kitClaims) []byte {
	t.Helper()
	answer := k.call(t, http.MethodPost, "/sandbox/vihf", "", c)
	if answer.status != http.StatusOK {
		t.Fatalf("vihf for %s: %d %s", c.As, answer.status, answer.body)
	}
	return answer.body
}

func (k *kit) token(t *testing.T, c kitClaims) string {
	t.Helper()
	var answer struct {
		Token string `json:"access_token"`
	}
	k.must(t, http.MethodPost, "/sandbox/token", "", c, &answer)
	return answer.Token
}

// security is the assertion in a WS-Security header, each of its bytes as signed.
func (b *kitBearer) security(t *testing.T) []byte {
	t.Helper()
	assertion := bytes.TrimSpace(b.vihf(t))
	if len(assertion) == 0 {
		return nil
	}
	if bytes.HasPrefix(assertion, []byte("<?xml")) {
		_, assertion, _ = bytes.Cut(assertion, []byte("?>"))
	}
	var out bytes.Buffer
	out.WriteString(`<wsse:Security xmlns:wsse="`)
	_ = xml.EscapeText(&out, []byte(soap.NSSecurity)) // a bytes.Buffer does not fail
	out.WriteString(`" soap:mustUnderstand="true">`)
	out.Write(assertion)
	out.WriteString(`</wsse:Security>`)
	return out.Bytes()
}

// kitOutcome is an OperationOutcome as a client reads it.
type kitOutcome struct {
	ResourceType string
	Issue        []struct {
		Severity, Code, Diagnostics string
		Details                     struct {
			Coding []struct{ System, Code string }
		}
	}
}

// code is the product's own code of the first error, "" of an answer without one.
func (r kitResponse) code(t *testing.T) string {
	t.Helper()
	if r.status < http.StatusMultipleChoices {
		return ""
	}
	var o kitOutcome
	if err := json.Unmarshal(r.body, &o); err != nil || o.ResourceType != "OperationOutcome" || len(o.Issue) == 0 || len(o.Issue[0].Details.Coding) == 0 {
		t.Fatalf("%d without an OperationOutcome: %s", r.status, r.body)
	}
	return o.Issue[0].Details.Coding[0].Code
}
