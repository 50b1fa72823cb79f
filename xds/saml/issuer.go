package saml

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// Lifetime is how long an assertion lasts when its Claims do not say (design §7).
const Lifetime = time.Hour

// Signer issues VIHF assertions for the sandbox and for tests.
type Signer struct {
	Key          crypto.Signer       // RSA, or ECDSA
	Certificates []*x509.Certificate // that of the key, then those between it and the root; sent in KeyInfo
	Name         string              // text of saml2:Issuer, the subject of the certificate
	Audience     string              // of an assertion whose Claims name none
	Now          func() time.Time
	NewID        func() string // an NCName, never the same twice
}

// Claims are what an assertion says. The fields below the line override one
// thing each, for tests of verifiers (design §7).
type Claims struct {
	Nature        authz.Nature
	ID            string
	Name          string
	Profession    string // TRE_G15 code; with NatureOther a code that names no profession
	Specialty     string // savoir-faire, or section of a pharmacist
	Structure     string // Identifiant_Structure
	StructureName string
	Mode          string // normal, centre_15, bris_de_glace; "" = normal
	Reason        string
	Traits        authz.Traits
	Patient       xds.CX
	Secret        bool // secret connection
	Reinforced    bool // INDIRECTE_RENFORCEE

	ExpiresIn     time.Duration // from now; 0 = Lifetime
	NotBefore     time.Duration // from now
	Audience      string
	Issuer        string
	AuthnContext  string   // class, with or without its urn
	SecondRole    string   // a second profession
	SecondPurpose string   // a second purposeofuse
	Omit          []string // what to leave out: see omissions
}

// omissions are the names that Claims.Omit knows beside the Name of any attribute
// of the VIHF. Those of the other face are understood too.
var omissions = map[string]string{
	"exp": "NotOnOrAfter", "notOnOrAfter": "NotOnOrAfter", "nbf": "NotBefore", "notBefore": "NotBefore",
	"aud": "Audience", "audience": "Audience", "conditions": "Conditions", "iss": "Issuer", "issuer": "Issuer",
	"sub": "NameID", "subject": "Subject", "jti": "ID", "authnStatement": "AuthnStatement", "acr": "AuthnContextClassRef",
	"authnContext": "AuthnContextClassRef", "signature": "Signature", "role": attrRole, "profession": attrRole, "purpose": attrPurpose,
	"mode": attrPurpose, "patient": attrResource, "structure": attrStructure, "reason": attrReason, "name": attrSubjectID,
	"patient_family": attrFamily, "patient_given": attrGiven, "patient_birthdate": attrBirthDate,
}

// omits tells whether an element or attribute is to be left out.
func (c Claims) omits(name string) bool {
	return slices.ContainsFunc(c.Omit, func(o string) bool { return o == name || omissions[o] == name })
}

// Issue makes a signed assertion (VIHF 3.0): an element without XML declaration.
func (s Signer) Issue(c Claims) ([]byte, error) {
	w := writer{signer: s, claims: c, now: s.Now().UTC().Truncate(time.Millisecond)}
	assertion := w.assertion()
	if !c.omits("Signature") {
		if err := s.sign(assertion); err != nil {
			return nil, err
		}
	}
	return text(assertion)
}

func text(e *etree.Element) ([]byte, error) {
	doc := etree.NewDocumentWithRoot(e)
	doc.WriteSettings = etree.WriteSettings{CanonicalText: true, CanonicalAttrVal: true}
	return doc.WriteToBytes()
}

// sign puts an enveloped signature behind the Issuer, where the schema wants it.
func (s Signer) sign(e *etree.Element) error {
	var certs [][]byte
	for _, c := range s.Certificates {
		certs = append(certs, c.Raw)
	}
	ctx, err := dsig.NewSigningContext(s.Key, certs)
	if err != nil {
		return fmt.Errorf("sign assertion: %w", err)
	}
	ctx.Canonicalizer = listing{dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")}
	sig, err := ctx.ConstructSignature(e, true)
	if err != nil {
		return fmt.Errorf("sign assertion: %w", err)
	}
	if key, ok := s.Key.Public().(*ecdsa.PublicKey); ok {
		if err := sideBySide(sig, key); err != nil {
			return err
		}
	}
	behind := 0
	if issuer := e.SelectElement("Issuer"); issuer != nil {
		behind = issuer.Index() + 1
	}
	e.InsertChildAt(behind, sig)
	return nil
}

// listing canonicalises a copy: goxmldsig's canonicaliser works in place.
type listing struct{ dsig.Canonicalizer }

func (l listing) Canonicalize(e *etree.Element) ([]byte, error) {
	return l.Canonicalizer.Canonicalize(e.Copy())
}

// sideBySide rewrites an ECDSA signature from ASN.1, as goxmldsig makes it, to r
// and s side by side, as XML Signature wants it.
func sideBySide(sig *etree.Element, key *ecdsa.PublicKey) error {
	for _, e := range sig.ChildElements() {
		if e.Tag != "SignatureValue" {
			continue
		}
		der, err := base64.StdEncoding.DecodeString(e.Text())
		if err != nil {
			return fmt.Errorf("sign assertion: %w", err)
		}
		var rs struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(der, &rs); err != nil {
			return fmt.Errorf("sign assertion: %w", err)
		}
		size := (key.Curve.Params().BitSize + 7) / 8
		value := make([]byte, 2*size)
		rs.R.FillBytes(value[:size])
		rs.S.FillBytes(value[size:])
		e.SetText(base64.StdEncoding.EncodeToString(value))
		return nil
	}
	return errors.New("sign assertion: no SignatureValue")
}
