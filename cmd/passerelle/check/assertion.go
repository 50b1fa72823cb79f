package check

import (
	"io"

	"github.com/passerelle-sante/passerelle/xds/saml"
)

// maxToken bounds an assertion that is read, in bytes: above it the verifier refuses.
const maxToken = 1 << 20

// assertion judges a VIHF that stands alone.
func (c *Checker) assertion(file *io.SectionReader) (Result, error) {
	text, err := whole(file, maxToken)
	if err != nil {
		return Result{}, err
	}
	r := Result{Kind: "saml", Subject: "VIHF", Good: Words{"bien formé et en cours de validité", "well-formed and within its validity period"}}
	inspector := saml.Inspector{At: c.At, Audience: c.Audience, Roots: c.Roots}
	in, found := inspector.Assertion(text)
	r.add(found)
	if in.Mode != "" {
		r.Subject += " " + in.Mode
	}
	if in.Signed && !in.Trusted && c.Roots == nil {
		r.noteUnverified()
	}
	r.sort()
	return r, nil
}
