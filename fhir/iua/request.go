package iua

import (
	"crypto/x509"
	"net/http"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// FromRequest verifies the token of a request: one Authorization header, scheme
// Bearer (RFC 6750 §2.1). A token in the query or in a form is not looked for.
// Errors are those of Verify.
func (v *Verifier) FromRequest(r *http.Request) (authz.Subject, error) {
	return v.tell(v.fromRequest(r))
}

func (v *Verifier) fromRequest(r *http.Request) (authz.Subject, error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return authz.Subject{}, &xds.Error{ID: "TOK-001"}
	}
	if len(values) > 1 {
		return authz.Subject{}, refuse("TOK-002", "Authorization", "en-tête répété", "un seul en-tête")
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return authz.Subject{}, &xds.Error{ID: "TOK-001"}
	}
	var client *x509.Certificate
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		client = r.TLS.PeerCertificates[0]
	}
	return v.bearer(r.Context(), token, client)
}

// Challenge is the WWW-Authenticate value of the refusal of a token, of its scopes or
// of an application (RFC 6750 §3): without error code when no token came, "" for a
// refusal that no other token would undo.
func Challenge(err error) string {
	const realm = `Bearer realm="passerelle"`
	all, _ := xds.FindingsOf(err)
	for _, e := range all {
		code := "invalid_token"
		switch {
		case e.ID == "TOK-001":
			return realm
		case e.ID == "TOK-008" || e.ID == "APP-001":
			code = "insufficient_scope"
		case !strings.HasPrefix(e.ID, "TOK-"):
			continue
		}
		description := e.ID + " " + e.Problem().English
		if e.Where != "" && quotable(e.Where) {
			description += ": " + e.Where
		}
		return realm + `, error="` + code + `", error_description="` + description + `"`
	}
	return ""
}

// quotable tells whether a text may stand in error_description.
func quotable(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r < 0x20 || r > 0x7e || r == '"' || r == '\\' }) < 0
}
