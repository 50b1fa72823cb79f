package saml

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// Issuer is what one issuer of assertions is trusted with. At least Certificates
// or Roots is given; with both, a pinned certificate must also chain.
type Issuer struct {
	// Certificates are the only ones that may sign for this issuer, when given.
	Certificates []*x509.Certificate
	// Roots and Intermediates build the chain of the signing certificate.
	Roots, Intermediates *x509.CertPool
	// SubjectDN is the subject of the signing certificate, in the form of
	// pkix.Name.String (RFC 2253). Required with Roots alone: else every
	// certificate of the authority could sign for every issuer.
	SubjectDN string
	// Usages are the extended key usages that may sign, one of which the
	// certificate names when it names any. Default: client authentication and
	// e-mail protection, those of the IGC-Santé organisation certificates.
	Usages []x509.ExtKeyUsage
	// AnyAudience accepts assertions without AudienceRestriction: the deployed
	// VIHF has none (domain §4). One that is there must name us all the same.
	AnyAudience bool
	// Audience is what the assertions of this issuer call us; "": Config.Audience.
	Audience string
	// Modes are the values of Authentification_mode that this issuer may claim
	// (DIRECTE, INDIRECTE, INDIRECTE_RENFORCEE); none: all of them.
	Modes []string
	// Clients are the TLS clients that may present its assertions: subjects (RFC
	// 2253), or sha256: and the hexadecimal SHA-256 of a SubjectPublicKeyInfo. None:
	// any client, and none at all.
	Clients []string
	// Unrevocable says that no revocation list is asked for its chain.
	Unrevocable bool
}

// AuthnModes are the modes of authentication of the VIHF (domain §4).
var AuthnModes = []string{authnDirect, authnIndirect, authnReinforced}

func (i Issuer) check(name string) error {
	for _, mode := range i.Modes {
		if !slices.Contains(AuthnModes, mode) {
			return fmt.Errorf("saml: unknown mode of authentication")
		}
	}
	switch {
	case name == "":
		return fmt.Errorf("saml: issuer without a name")
	case len(i.Certificates) == 0 && i.Roots == nil:
		return fmt.Errorf("saml: an issuer has neither certificates nor roots")
	case len(i.Certificates) == 0 && i.SubjectDN == "":
		return fmt.Errorf("saml: an issuer trusted by roots alone needs SubjectDN")
	}
	return nil
}

// signers are the chains, leaf first, of the certificates that may have signed.
// Without a certificate in the signature every pinned one may have.
func (i Issuer) signers(sent []*x509.Certificate, now time.Time) ([][]*x509.Certificate, *xds.Error) {
	candidates := i.Certificates
	if len(sent) > 0 {
		leaf := sent[0]
		if len(i.Certificates) > 0 && !slices.ContainsFunc(i.Certificates, leaf.Equal) {
			return nil, finding("SAML-003", nil, "certificat d'un autre signataire", "un certificat enregistré pour cet émetteur")
		}
		candidates = []*x509.Certificate{leaf}
	}
	var chains [][]*x509.Certificate
	refused := finding("SAML-003", nil, "aucun certificat de signature", "KeyInfo/X509Data/X509Certificate")
	for _, leaf := range candidates {
		chain, err := i.chain(leaf, sent, now)
		if err != nil {
			refused = err
			continue
		}
		chains = append(chains, chain)
	}
	if len(chains) == 0 {
		return nil, refused
	}
	return chains, nil
}

// chain judges one signing certificate: key, usages, subject, validity, and the
// path to a root. crypto/x509 does it, independently of goxmldsig (safety §2.2 step 7).
func (i Issuer) chain(leaf *x509.Certificate, sent []*x509.Certificate, now time.Time) ([]*x509.Certificate, *xds.Error) {
	if bad := Unfit(leaf); bad != "" {
		return nil, finding("SAML-010", nil, bad, "un certificat de signature, RSA 2048 bits au moins ou ECDSA P-256, P-384, P-521")
	}
	if i.SubjectDN != "" && leaf.Subject.String() != i.SubjectDN {
		return nil, finding("SAML-003", nil, "certificat d'un autre sujet", "le certificat de cet émetteur")
	}
	usages := i.Usages
	if len(usages) == 0 {
		usages = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageEmailProtection}
	}
	if !mayBeUsed(leaf, usages) {
		return nil, finding("SAML-010", nil, "usage étendu de clé inadapté", "un certificat dont l'usage permet de signer un VIHF")
	}
	if i.Roots == nil {
		if !within([]*x509.Certificate{leaf}, now) {
			return nil, expiredCertificate()
		}
		return []*x509.Certificate{leaf}, nil
	}
	pool := x509.NewCertPool()
	if i.Intermediates != nil {
		pool = i.Intermediates.Clone()
	}
	for _, c := range sent[min(1, len(sent)):] {
		pool.AddCert(c)
	}
	chains, err := leaf.Verify(x509.VerifyOptions{Roots: i.Roots, Intermediates: pool, CurrentTime: now, KeyUsages: usages})
	if err != nil {
		if !within([]*x509.Certificate{leaf}, now) {
			return nil, expiredCertificate()
		}
		return nil, finding("SAML-003", nil, "chaîne de certification sans racine reconnue", "une chaîne vers une racine de cet émetteur")
	}
	return chains[0], nil
}

// Unfit says, in French, why a certificate cannot sign an assertion, "" when it can.
func Unfit(c *x509.Certificate) string {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSA {
			return "clé RSA trop courte"
		}
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() && k.Curve != elliptic.P384() && k.Curve != elliptic.P521() {
			return "courbe non acceptée"
		}
	default:
		return "clé d'un autre genre"
	}
	if c.IsCA {
		return "certificat d'autorité"
	}
	if c.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
		return "usage de clé sans signature"
	}
	return ""
}

// mayBeUsed tells whether a certificate names one of the usages, or none at all.
func mayBeUsed(c *x509.Certificate, usages []x509.ExtKeyUsage) bool {
	if len(c.ExtKeyUsage) == 0 && len(c.UnknownExtKeyUsage) == 0 {
		return true
	}
	return slices.ContainsFunc(c.ExtKeyUsage, func(u x509.ExtKeyUsage) bool {
		return u == x509.ExtKeyUsageAny || slices.Contains(usages, u)
	})
}

// within tells whether all certificates are in their period of validity.
func within(chain []*x509.Certificate, now time.Time) bool {
	for _, c := range chain {
		if now.Before(c.NotBefore) || now.After(c.NotAfter) {
			return false
		}
	}
	return true
}

func expiredCertificate() *xds.Error {
	return finding("SAML-010", nil, "certificat hors de sa période de validité", "un certificat en cours de validité")
}
