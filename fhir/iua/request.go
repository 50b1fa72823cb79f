package iua

import (
	"crypto/x509"
	"errors"
	"net/http"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// FromRequest verifies the token of a request: one Authorization header, scheme
// Bearer (RFC 6750 §2.1). A token in the query or in a form is not looked for.
// Errors are those of Verify.
func (v *Verifier) FromRequest(r *http.Request) (authz.Subject, error) {
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
	return v.verify(token, client)
}

// Challenge is the WWW-Authenticate value of the 401 that answers err (RFC 6750
// §3): without error code when no token came.
func Challenge(err error) string {
	const realm = `Bearer realm="passerelle"`
	var e *xds.Error
	if !errors.As(err, &e) || e.ID == "TOK-001" {
		return realm
	}
	return realm + `, error="invalid_token", error_description="` + e.ID + " " + e.Problem().English + `"`
}
