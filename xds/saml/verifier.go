package saml

import (
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// Config says whom a Verifier believes and for which service.
type Config struct {
	Issuers  map[string]Issuer // by the exact text of saml2:Issuer
	Audience string            // base URL + "/xds" (design §7)
	Now      func() time.Time

	RequirePatient bool // the DMP profile in production: a token without resource-id is refused
	OneTime        bool // an assertion is accepted once; by default XUA allows its reuse
	// Revoked judges the revocation of the chain of a signer, leaf first and root
	// last; an error refuses it. It is asked on every use, also of a remembered
	// assertion, but not of a certificate that is pinned without roots: the pin is
	// what its issuer's trust is. nil asks nothing.
	Revoked func(chain []*x509.Certificate) error
}

// Verifier turns assertions into subjects. It is safe for concurrent use.
type Verifier struct {
	config Config
	trust  atomic.Pointer[trust]
	memory *memory
}

// trust is one generation of issuers: what was verified under one is not
// remembered under the next.
type trust struct {
	generation uint64
	issuers    map[string]Issuer
}

// New makes a Verifier. It fails on a configuration that would trust nobody,
// everybody, or no clock.
func New(c Config) (*Verifier, error) {
	if c.Now == nil || c.Audience == "" {
		return nil, errors.New("saml: Config needs Now and Audience")
	}
	v := &Verifier{config: c, memory: newMemory()}
	if err := v.Trust(c.Issuers); err != nil {
		return nil, err
	}
	return v, nil
}

// Trust replaces the issuers, for a change of certificates while running.
func (v *Verifier) Trust(issuers map[string]Issuer) error {
	if len(issuers) == 0 {
		return errors.New("saml: no issuer is trusted")
	}
	for _, name := range slices.Sorted(maps.Keys(issuers)) {
		if err := issuers[name].check(name); err != nil {
			return fmt.Errorf("%w (%q)", err, name)
		}
	}
	next := trust{issuers: maps.Clone(issuers)}
	if last := v.trust.Load(); last != nil {
		next.generation = last.generation + 1
	}
	v.trust.Store(&next)
	return nil
}

// VerifyEnvelope is VerifyTree on the bytes of the root part of a message, for a
// request without TLS client certificate.
func (v *Verifier) VerifyEnvelope(root []byte) (authz.Subject, error) {
	envelope, err := xmlgate.Parse(root, xmlgate.Envelope())
	if err != nil {
		return authz.Subject{}, first(err)
	}
	return v.VerifyTree(envelope, nil)
}

// VerifyTree verifies the assertion of a SOAP envelope: the tree of the whole
// root part, parts of the security header that came as XOP attachments put back.
// client is who the TLS connection was made by, nil without a client certificate.
//
// Errors are one *xds.Error: SAML-001 to SAML-011, or XML-001 to XML-003.
func (v *Verifier) VerifyTree(envelope *xmlgate.Element, client *Client) (authz.Subject, error) {
	return v.named(v.VerifyPanel(envelope, client))
}

// VerifyPanel is VerifyTree for the transactions about several patients, which
// each is decided on: their assertion may name none, whatever the configuration.
func (v *Verifier) VerifyPanel(envelope *xmlgate.Element, client *Client) (authz.Subject, error) {
	assertion, err := locate(envelope)
	if err != nil {
		return authz.Subject{}, err
	}
	doc, err := detach(assertion)
	if err != nil {
		return authz.Subject{}, err
	}
	return v.result(v.verify(doc, client))
}

// Verify verifies an assertion that stands alone, as an issuer made it. Errors
// are those of VerifyTree.
func (v *Verifier) Verify(assertion []byte) (authz.Subject, error) {
	root, err := xmlgate.Parse(assertion, xmlgate.Security())
	if err != nil {
		return authz.Subject{}, first(err)
	}
	if !root.Is(nsSAML, "Assertion") {
		return authz.Subject{}, misplaced(root, root.Local, "saml2:Assertion")
	}
	return v.named(v.result(v.verify(root.Raw(), nil)))
}

// named refuses a subject without a patient where one is required.
func (v *Verifier) named(sub authz.Subject, err error) (authz.Subject, error) {
	if err == nil && v.config.RequirePatient && sub.Patient == "" {
		return authz.Subject{}, finding("SAML-005", nil, "resource-id absent", "l'INS du patient dans le VIHF")
	}
	return sub, err
}

func (v *Verifier) result(t *token, err *xds.Error) (authz.Subject, error) {
	if err != nil {
		return authz.Subject{}, err
	}
	return t.subject, nil
}

// verify opens the assertion or remembers it, then judges what may differ from
// one use to the next.
func (v *Verifier) verify(doc []byte, client *Client) (*token, *xds.Error) {
	if len(doc) > maxAssertion {
		return nil, finding("XML-003", nil, "assertion trop longue", counted(maxAssertion, "octets au plus"))
	}
	trust := v.trust.Load()
	key := fingerprint(trust.generation, client, doc)
	now := v.config.Now()
	t, remembered := v.memory.token(key)
	if !remembered {
		var err *xds.Error
		if t, err = v.open(trust, doc, client, now); err != nil {
			return nil, err
		}
	}
	if err := v.judge(t, client, now); err != nil {
		return nil, err
	}
	if err := v.use(t, client, now); err != nil {
		return nil, err
	}
	if !remembered {
		v.memory.keep(key, t)
	}
	return t, nil
}

// fingerprint is what an opened assertion is remembered by: an unsigned one is worth
// something from its own client alone.
func fingerprint(generation uint64, client *Client, doc []byte) digest {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64(nil, generation))
	by := client.digest()
	h.Write(by[:])
	h.Write(doc)
	return digest(h.Sum(nil))
}

// open checks the signature and reads the claims from the signed bytes: safety
// §2.2 steps 1 to 8, for one assertion on its own.
func (v *Verifier) open(trust *trust, doc []byte, client *Client, now time.Time) (*token, *xds.Error) {
	limits := xmlgate.Security()
	limits.Elements = maxElements
	sent, bad := xmlgate.Parse(doc, limits)
	if bad != nil {
		return nil, first(bad)
	}
	if err := alone(sent, sent); err != nil {
		return nil, err
	}
	id := sent.Attr("ID")
	if !plainID(id) {
		return nil, finding("SAML-005", sent, "ID absent ou mal formé", "un NCName de 256 caractères au plus")
	}
	if len(sent.ChildrenNamed(nsDS, "Signature")) == 0 {
		return openUnsigned(doc, sent, client)
	}
	issuer, ok := trust.issuers[issuerOf(sent)]
	registered := ok
	if !ok && client.card() && client.named(issuerOf(sent)) {
		issuer, ok = client.issuer(), true
	}
	if !ok {
		return nil, finding("SAML-003", sent.Child(nsSAML, "Issuer"), "", "un émetteur enregistré, au caractère près")
	}
	sig, err := readSignature(sent)
	if err != nil {
		return nil, err
	}
	tree, err := parseTree(doc)
	if err != nil {
		return nil, err
	}
	chain, ref, err := v.signer(tree, sig, issuer, now)
	if err != nil {
		return nil, err
	}
	if ref.uri != "#"+id {
		return nil, finding("SAML-002", nil, "Reference vers autre chose que l'assertion", "URI=\"#\" suivi de l'ID de l'assertion")
	}
	content, err := tree.content(ref.prefixes)
	if err != nil {
		return nil, err
	}
	if !ref.sum(content) {
		return nil, finding("SAML-002", nil, "empreinte différente de celle qui est signée", "l'assertion telle qu'elle a été signée")
	}
	t, err := read(content)
	if err != nil {
		return nil, err
	}
	if t.id != id || t.subject.Issuer != issuerOf(sent) {
		return nil, finding("SAML-002", nil, "contenu signé d'une autre assertion", "l'assertion telle qu'elle a été signée")
	}
	if len(issuer.Modes) > 0 && !slices.Contains(issuer.Modes, t.authn) {
		return nil, finding("SAML-008", nil, t.authn+", que cet émetteur ne peut pas affirmer", strings.Join(issuer.Modes, " ou "))
	}
	t.chain, t.issuer, t.content, t.subject.Unvouched = chain, issuer, sha256.Sum256(content), !registered
	return t, nil
}

// signer finds the certificate that made the signature, and reads the reference
// from the bytes that it covers.
func (v *Verifier) signer(tree canonical, sig signature, issuer Issuer, now time.Time) ([]*x509.Certificate, reference, *xds.Error) {
	chains, err := issuer.signers(sig.certs, now)
	if err != nil {
		return nil, reference{}, err
	}
	info, err := tree.signedInfo(sig.prefixes)
	if err != nil {
		return nil, reference{}, err
	}
	i := slices.IndexFunc(chains, func(c []*x509.Certificate) bool { return sig.verifies(c[0].PublicKey, info) })
	if i < 0 {
		return nil, reference{}, finding("SAML-002", nil, "valeur de signature fausse", "une signature faite avec la clé de l'émetteur")
	}
	covered, bad := xmlgate.Parse(info, xmlgate.Security())
	if bad != nil {
		return nil, reference{}, first(bad)
	}
	ref, err := readReference(covered)
	return chains[i], ref, err
}

// judge decides what depends on the instant, on the client and on revocation.
func (v *Verifier) judge(t *token, client *Client, now time.Time) *xds.Error {
	if err := t.timely(now); err != nil {
		return err
	}
	if !within(t.chain, now) {
		return expiredCertificate()
	}
	if v.config.Revoked != nil && len(t.chain) > 1 && !t.issuer.Unrevocable && v.config.Revoked(t.chain) != nil {
		return finding("SAML-010", nil, "certificat révoqué ou d'état inconnu", "un certificat dont l'état est connu et bon")
	}
	if err := t.meant(cmp.Or(t.issuer.Audience, v.config.Audience)); err != nil {
		return err
	}
	return t.bound(client)
}

// use enters this use of the assertion: its identifier stands for one content
// and one TLS client for as long as it is valid, and for one use when it or the
// operator says so.
func (v *Verifier) use(t *token, client *Client, now time.Time) *xds.Error {
	s := sighting{content: t.content, client: client.digest(), until: t.notOnOrAfter.Add(Skew)}
	earlier, seen := v.memory.sight(assertionID{t.subject.Issuer, t.id}, s, now)
	switch {
	case !seen:
		return nil
	case earlier.content != s.content:
		return finding("SAML-009", nil, "ID déjà pris par une autre assertion", "un ID nouveau pour chaque VIHF")
	case earlier.client != s.client:
		return finding("SAML-009", nil, "VIHF déjà présenté par un autre client TLS", "un VIHF par client")
	case t.oneTime || v.config.OneTime:
		return finding("SAML-009", nil, "VIHF déjà utilisé", "un VIHF par requête")
	}
	return nil
}
