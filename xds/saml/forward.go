package saml

import (
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// Forward is the wsse:Security that carries the assertion of an envelope on to
// another service in the name of the same user (ITI TF-2 3.40): the bytes of the
// assertion as they were signed, and nothing else of the header. The envelope is one
// that Verifier.VerifyTree accepted; whether the other service trusts the issuer, and
// the audience of the assertion, is for that service to say.
func Forward(envelope *xmlgate.Element) ([]byte, error) {
	assertion, found := locate(envelope)
	if found != nil {
		return nil, xds.Errors{found}
	}
	raw, found := detach(assertion)
	if found != nil {
		return nil, xds.Errors{found}
	}
	b := append([]byte(nil), `<wsse:Security xmlns:wsse="`+nsWSSE+`" soap:mustUnderstand="true">`...)
	return append(append(b, raw...), `</wsse:Security>`...), nil
}
