// Package iua turns the bearer token of a FHIR or JSON request (IHE IUA, ITI
// TF-2 3.72; RFC 6750, RFC 7519) into an authz.Subject, and issues such tokens
// for the sandbox and the tests.
//
// It reads three descriptions of a bearer: the gateway's own claims (design §7),
// those of Pro Santé Connect (domain §4), and the IUA extension, which completes
// either or stands alone. All become the same Subject that xds/saml makes of a VIHF
// of the same bearer.
//
// It must never accept a key that the token itself brings or points to, never
// choose an algorithm that the keys of the issuer do not allow, never open on a
// claim that it cannot read, and never put an identity in an error.
package iua
