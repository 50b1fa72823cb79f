// Package saml turns the VIHF of a request (a SAML 2.0 assertion, IHE XUA, ITI
// TF-2 3.40) into an authz.Subject, and issues such assertions for the sandbox
// and the tests.
//
// The verifier follows safety §2.2: gate on the raw bytes, exactly one path from
// the envelope to the assertion, one shape of signature, and claims read from
// nothing but the canonical bytes whose digest was signed. It builds the chain
// of the signer, judges key usage, validity and algorithms itself, and leaves to
// etree and goxmldsig the canonicalisation alone. It is the only importer of
// these two modules.
//
// It must never follow a reference out of the assertion, never open on a value
// that it cannot read, never put an identity in an error, and never decide a
// right: a role that it does not know becomes authz.NatureOther and policy R-02
// refuses it.
package saml
