package saml

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	_ "crypto/sha256" // for crypto.Hash
	_ "crypto/sha512"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"strings"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// method is an accepted signature algorithm.
type method struct {
	hash  crypto.Hash
	ecdsa bool
}

var methods = map[string]method{
	algRSA256: {crypto.SHA256, false},
	"http://www.w3.org/2001/04/xmldsig-more#rsa-sha384": {crypto.SHA384, false},
	"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512": {crypto.SHA512, false},
	algECDSA256: {crypto.SHA256, true},
	"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384": {crypto.SHA384, true},
	"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512": {crypto.SHA512, true},
}

// digests are the accepted digest algorithms.
var digests = map[string]crypto.Hash{
	algSHA256: crypto.SHA256,
	"http://www.w3.org/2001/04/xmldsig-more#sha384": crypto.SHA384,
	"http://www.w3.org/2001/04/xmlenc#sha512":       crypto.SHA512,
}

// signature is what a ds:Signature says, in the only shape that is accepted.
type signature struct {
	method   method
	value    []byte
	prefixes string // PrefixList of the canonicalisation of SignedInfo
	certs    []*x509.Certificate
}

// reference is what a SignedInfo says of the signed element. It is read from the
// canonical bytes that the signature covers.
type reference struct {
	uri      string
	prefixes string // PrefixList of its canonicalisation
	hash     crypto.Hash
	digest   []byte
}

// readSignature checks the shape of the one ds:Signature of an assertion
// (safety §2.2 step 4): a direct child, nothing in it but SignedInfo,
// SignatureValue and X.509 certificates.
func readSignature(assertion *xmlgate.Element) (signature, *xds.Error) {
	found := assertion.ChildrenNamed(nsDS, "Signature")
	if len(found) != 1 {
		return signature{}, finding("SAML-002", assertion, counted(len(found), "ds:Signature"), "exactement une ds:Signature, fille de l'assertion")
	}
	sig := found[0]
	if err := only("SAML-002", sig, particle{nsDS, "SignedInfo", 1, 1}, particle{nsDS, "SignatureValue", 1, 1}, particle{nsDS, "KeyInfo", 0, 1}); err != nil {
		return signature{}, err
	}
	var s signature
	var err *xds.Error
	if s.method, s.prefixes, err = readMethods(sig.Child(nsDS, "SignedInfo")); err != nil {
		return signature{}, err
	}
	if s.value, err = base64Of(sig.Child(nsDS, "SignatureValue")); err != nil {
		return signature{}, err
	}
	s.certs, err = readKeyInfo(sig.Child(nsDS, "KeyInfo"))
	return s, err
}

// readMethods reads how SignedInfo is canonicalised and signed. It is read again
// from the verified bytes by readReference, which also reads the reference.
func readMethods(info *xmlgate.Element) (m method, prefixes string, err *xds.Error) {
	if err := only("SAML-002", info, particle{nsDS, "CanonicalizationMethod", 1, 1}, particle{nsDS, "SignatureMethod", 1, 1}, particle{nsDS, "Reference", 1, 1}); err != nil {
		return m, "", err
	}
	if prefixes, err = excC14N(info.Child(nsDS, "CanonicalizationMethod")); err != nil {
		return m, "", err
	}
	e := info.Child(nsDS, "SignatureMethod")
	if err := only("SAML-007", e); err != nil {
		return m, "", err
	}
	m, ok := methods[e.Attr("Algorithm")]
	if !ok {
		return m, "", finding("SAML-007", e, e.Attr("Algorithm"), "rsa-sha256, 384 ou 512, ecdsa-sha256, 384 ou 512")
	}
	return m, prefixes, nil
}

// excC14N reads an element that names exclusive canonicalisation without
// comments, and its PrefixList.
func excC14N(e *xmlgate.Element) (prefixes string, err *xds.Error) {
	if alg := e.Attr("Algorithm"); alg != algExcC14N {
		return "", finding("SAML-007", e, alg, algExcC14N)
	}
	if err := only("SAML-002", e, particle{nsEC, "InclusiveNamespaces", 0, 1}); err != nil {
		return "", err
	}
	inclusive := e.Child(nsEC, "InclusiveNamespaces")
	if inclusive == nil {
		return "", nil
	}
	if err := only("SAML-002", inclusive); err != nil {
		return "", err
	}
	return inclusive.Attr("PrefixList"), nil
}

// readReference reads the one reference of a SignedInfo.
func readReference(info *xmlgate.Element) (reference, *xds.Error) {
	if _, _, err := readMethods(info); err != nil {
		return reference{}, err
	}
	e := info.Child(nsDS, "Reference")
	if err := only("SAML-002", e, particle{nsDS, "Transforms", 1, 1}, particle{nsDS, "DigestMethod", 1, 1}, particle{nsDS, "DigestValue", 1, 1}); err != nil {
		return reference{}, err
	}
	if err := attributes("SAML-002", e, "URI", "Id"); err != nil {
		return reference{}, err
	}
	transforms := e.Child(nsDS, "Transforms")
	if err := only("SAML-002", transforms, particle{nsDS, "Transform", 2, 2}); err != nil {
		return reference{}, err
	}
	enveloped := transforms.Children[0]
	if alg := enveloped.Attr("Algorithm"); alg != algEnveloped {
		return reference{}, finding("SAML-007", enveloped, alg, algEnveloped)
	}
	if err := only("SAML-002", enveloped); err != nil {
		return reference{}, err
	}
	r := reference{uri: e.Attr("URI")}
	var err *xds.Error
	if r.prefixes, err = excC14N(transforms.Children[1]); err != nil {
		return reference{}, err
	}
	digestMethod := e.Child(nsDS, "DigestMethod")
	if err := only("SAML-002", digestMethod); err != nil {
		return reference{}, err
	}
	var ok bool
	if r.hash, ok = digests[digestMethod.Attr("Algorithm")]; !ok {
		return reference{}, finding("SAML-007", digestMethod, digestMethod.Attr("Algorithm"), "sha256, sha384 ou sha512")
	}
	if r.digest, err = base64Of(e.Child(nsDS, "DigestValue")); err != nil {
		return reference{}, err
	}
	if len(r.digest) != r.hash.Size() {
		return reference{}, finding("SAML-002", e.Child(nsDS, "DigestValue"), "empreinte d'une autre longueur", "celle de l'algorithme")
	}
	return r, nil
}

// readKeyInfo reads the certificates of a KeyInfo. They only choose among what
// the issuer is trusted with; other ways to name a key are refused.
func readKeyInfo(info *xmlgate.Element) ([]*x509.Certificate, *xds.Error) {
	if info == nil {
		return nil, nil
	}
	if err := only("SAML-002", info, particle{nsDS, "X509Data", 1, 1}); err != nil {
		return nil, err
	}
	data := info.Children[0]
	if err := only("SAML-002", data, particle{nsDS, "X509Certificate", 1, maxCertificates},
		particle{nsDS, "X509IssuerSerial", 0, 1}, particle{nsDS, "X509SubjectName", 0, 1}, particle{nsDS, "X509SKI", 0, 1}); err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	for _, e := range data.ChildrenNamed(nsDS, "X509Certificate") {
		der, err := base64Of(e)
		if err != nil {
			return nil, err
		}
		cert, bad := x509.ParseCertificate(der)
		if bad != nil {
			return nil, finding("SAML-010", e, "certificat illisible", "un certificat X.509 en DER")
		}
		certs = append(certs, cert)
	}
	return certs, nil
}

func base64Of(e *xmlgate.Element) ([]byte, *xds.Error) {
	if err := leaf("SAML-002", e); err != nil {
		return nil, err
	}
	compact := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n", r) {
			return -1
		}
		return r
	}, e.Text)
	value, err := base64.StdEncoding.Strict().DecodeString(compact)
	if err != nil || len(value) == 0 {
		return nil, finding("SAML-002", e, "base64 vide ou mal formé", "une valeur en base64")
	}
	return value, nil
}

// verifies tells whether a key made the signature over data.
func (s signature) verifies(key any, data []byte) bool {
	h := s.method.hash.New()
	h.Write(data)
	sum := h.Sum(nil)
	switch k := key.(type) {
	case *rsa.PublicKey:
		return !s.method.ecdsa && rsa.VerifyPKCS1v15(k, s.method.hash, sum, s.value) == nil
	case *ecdsa.PublicKey:
		// XML Signature writes r and s side by side (RFC 4050, RFC 9231 §2.3.6), not in ASN.1.
		size := (k.Curve.Params().BitSize + 7) / 8
		if !s.method.ecdsa || len(s.value) != 2*size {
			return false
		}
		return ecdsa.Verify(k, sum, new(big.Int).SetBytes(s.value[:size]), new(big.Int).SetBytes(s.value[size:]))
	}
	return false
}

// canonical is the assertion as goxmldsig's canonicaliser sees it.
type canonical struct{ assertion, signature, info *etree.Element }

// parseTree reads the text a second time, for canonicalisation alone.
func parseTree(doc []byte) (canonical, *xds.Error) {
	bad := finding("SAML-002", nil, "arbre illisible", "une assertion signée")
	tree := etree.NewDocument()
	tree.ReadSettings = etree.ReadSettings{ValidateInput: true, MaxDepth: 64, PreserveDuplicateAttrs: true}
	if err := tree.ReadFromBytes(doc); err != nil || tree.Root() == nil {
		return canonical{}, bad
	}
	c := canonical{assertion: tree.Root()}
	for _, child := range c.assertion.ChildElements() {
		if child.Tag == "Signature" && child.NamespaceURI() == nsDS {
			c.signature = child
		}
	}
	if c.signature == nil {
		return canonical{}, bad
	}
	for _, child := range c.signature.ChildElements() {
		if child.Tag == "SignedInfo" && child.NamespaceURI() == nsDS {
			c.info = child
		}
	}
	if c.info == nil {
		return canonical{}, bad
	}
	return c, nil
}

// signedInfo is the canonical form of SignedInfo: what the signature covers.
func (c canonical) signedInfo(prefixes string) ([]byte, *xds.Error) {
	scope, err := etreeutils.NSBuildParentContext(c.info)
	if err == nil {
		var alone *etree.Element
		if alone, err = etreeutils.NSDetatch(scope, c.info); err == nil {
			return exclusive(alone, prefixes)
		}
	}
	return nil, finding("SAML-002", nil, "SignedInfo sans forme canonique", "une signature XML")
}

// content is the canonical form of the assertion without its signature: what the
// digest covers.
func (c canonical) content(prefixes string) ([]byte, *xds.Error) {
	bare := c.assertion.Copy()
	bare.RemoveChildAt(c.signature.Index())
	return exclusive(bare, prefixes)
}

func exclusive(e *etree.Element, prefixes string) ([]byte, *xds.Error) {
	b, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(prefixes).Canonicalize(e)
	if err != nil || len(b) == 0 {
		return nil, finding("SAML-002", nil, "forme canonique vide ou impossible", "une signature XML")
	}
	return b, nil
}

// sum tells whether content has the digest of the reference.
func (r reference) sum(content []byte) bool {
	h := r.hash.New()
	h.Write(content)
	return subtle.ConstantTimeCompare(h.Sum(nil), r.digest) == 1
}

// canonicalText is the canonical form of an assertion that has no signature.
func canonicalText(doc []byte) ([]byte, *xds.Error) {
	tree := etree.NewDocument()
	tree.ReadSettings = etree.ReadSettings{ValidateInput: true, MaxDepth: 64, PreserveDuplicateAttrs: true}
	if err := tree.ReadFromBytes(doc); err != nil || tree.Root() == nil {
		return nil, finding("SAML-002", nil, "arbre illisible", "une assertion")
	}
	return exclusive(tree.Root(), "")
}
