package saml

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"slices"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// Client is who made the TLS connection that an assertion came over: its
// certificate was found good before, revocation included.
type Client struct {
	Certificate *x509.Certificate
	// Holder is the national id of the person whose card the certificate is; "" for
	// a certificate of a structure, which is no card whatever its subject says.
	Holder string
	// Roots and Intermediates are those of the card's range: its signature
	// certificate chains there too.
	Roots, Intermediates *x509.CertPool
}

// pinPrefix begins a client that is known by its key, in Issuer.Clients.
const pinPrefix = "sha256:"

// Pin is the entry of Issuer.Clients for a certificate's key, which a renewal with
// the same key leaves as it is.
func Pin(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return pinPrefix + hex.EncodeToString(sum[:])
}

// card tells whether the client is a person with a card.
func (c *Client) card() bool { return c != nil && c.Holder != "" }

// digest names the client's certificate; zero without one.
func (c *Client) digest() digest {
	if c == nil {
		return digest{}
	}
	return sha256.Sum256(c.Certificate.Raw)
}

// named tells whether a text is the subject of the client's certificate, in the
// order of the certificate or in that of pkix.Name.
func (c *Client) named(text string) bool {
	if text == c.Certificate.Subject.String() {
		return true
	}
	var names pkix.RDNSequence
	rest, err := asn1.Unmarshal(c.Certificate.RawSubject, &names)
	return err == nil && len(rest) == 0 && text == names.String()
}

// issuer is what a card is trusted with as an issuer of its own: DIRECTE assertions
// over its own connection, signed by a certificate of the same subject and range.
// They need no audience: nobody else could have sent them.
func (c *Client) issuer() Issuer {
	i := c.unsigned()
	i.Roots, i.Intermediates, i.SubjectDN = c.Roots, c.Intermediates, c.Certificate.Subject.String()
	return i
}

func (c *Client) unsigned() Issuer { return Issuer{Modes: []string{authnDirect}, AnyAudience: true} }

// openUnsigned reads an assertion without a signature from a card: the TLS client
// certificate is the card, and says what a signature would (DIRECTE mode, domain
// §4). The name of the issuer must be the card's, for a registered issuer signs.
func openUnsigned(doc []byte, sent *xmlgate.Element, client *Client) (*token, *xds.Error) {
	if !client.card() {
		return nil, unsigned(sent, "aucune ds:Signature, ni carte comme client TLS", "exactement une ds:Signature, fille de l'assertion ; elle n'est facultative qu'en DIRECTE, avec la carte du porteur")
	}
	if !client.named(issuerOf(sent)) {
		return nil, unsigned(sent, "ni signature, ni le sujet de la carte comme Issuer", "une ds:Signature, ou en DIRECTE le sujet du certificat client TLS dans saml2:Issuer")
	}
	content, err := canonicalText(doc)
	if err != nil {
		return nil, err
	}
	t, err := read(content)
	if err != nil {
		return nil, err
	}
	if t.authn != authnDirect {
		return nil, unsigned(sent, "aucune signature, en "+t.authn, "une ds:Signature : elle n'est facultative qu'en DIRECTE, avec une carte")
	}
	t.issuer, t.content, t.subject.Unvouched = client.unsigned(), sha256.Sum256(content), true
	return t, nil
}

// unsigned is the finding of a signature that is missing: the hint of the table is for
// one that is wrong.
func unsigned(sent *xmlgate.Element, found, expected string) *xds.Error {
	e := finding("SAML-002", sent, found, expected)
	e.Hint = "signer l'assertion ; ou, en DIRECTE, venir en TLS mutuel avec la carte de son porteur"
	return e
}

// bound judges what ties an assertion to the TLS client: the key of holder-of-key,
// the person of the card in DIRECTE mode, the clients that its issuer has declared.
func (t *token) bound(client *Client) *xds.Error {
	if t.holder != nil && (client == nil || !bytes.Equal(t.holder.RawSubjectPublicKeyInfo, client.Certificate.RawSubjectPublicKeyInfo)) {
		return finding("SAML-005", nil, "holder-of-key sans la clé du client TLS", "la clé nommée par SubjectConfirmation")
	}
	if client != nil && t.authn == authnDirect {
		switch client.Holder {
		case t.subject.ID:
		case "":
			return finding("SAML-008", nil, "DIRECTE avec le certificat d'une structure", "une carte comme client TLS, ou un VIHF signé en INDIRECTE ou INDIRECTE_RENFORCEE")
		default:
			return finding("SAML-005", nil, "NameID autre que l'identité du certificat client", "le porteur du certificat client")
		}
	}
	if len(t.issuer.Clients) > 0 && !t.issuer.admits(client) {
		return finding("SAML-011", nil, "", "un certificat client parmi ceux qui sont déclarés pour cet émetteur")
	}
	return nil
}

func (i Issuer) admits(client *Client) bool {
	return client != nil && (slices.Contains(i.Clients, Pin(client.Certificate)) || slices.ContainsFunc(i.Clients, client.named))
}
