package saml

import (
	"crypto/x509"
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// Inspector reads an assertion for the people who make it: all findings at once,
// with line and column, where a Verifier gives the first. It remembers nothing and
// admits nobody: what it returns must never become the subject of a request.
type Inspector struct {
	At       time.Time // instant for which the periods of validity are judged
	Audience string    // that the assertion must name, "" = any
	// Roots are whom the signing certificate must chain to; nil leaves the issuer
	// unverified and judges the signature by the certificate that comes with it.
	Roots *x509.CertPool
}

// Inspection is what an assertion says.
type Inspection struct {
	Issuer       string
	Nature       authz.Nature
	ID           string // NameID
	Structure    string
	Patient      xds.CX
	Mode         string // DIRECTE, INDIRECTE or INDIRECTE_RENFORCEE, of the authentication
	NotBefore    time.Time
	NotOnOrAfter time.Time
	Signed       bool
	Trusted      bool // the signature is right and its certificate chains to Roots
}

// Assertion inspects an assertion that stands alone.
func (i Inspector) Assertion(doc []byte) (Inspection, xds.Errors) {
	limits := xmlgate.Security()
	limits.Elements = maxElements
	root, err := xmlgate.Parse(doc, limits)
	if err != nil {
		all, _ := xds.FindingsOf(err)
		return Inspection{}, all
	}
	if !root.Is(nsSAML, "Assertion") {
		return Inspection{}, lined(root, xds.Errors{misplaced(root, root.Local, "saml2:Assertion")})
	}
	in := inspector{Inspector: i, assertion: root}
	in.add(alone(root, root))
	in.inspect()
	return in.Inspection, lined(root, in.found)
}

// Envelope inspects the assertion of a SOAP envelope.
func (i Inspector) Envelope(envelope *xmlgate.Element) (Inspection, xds.Errors) {
	assertion, err := locate(envelope)
	in := inspector{Inspector: i, assertion: assertion}
	in.add(err)
	if assertion != nil {
		in.inspect()
	}
	return in.Inspection, lined(envelope, in.found)
}

// inspector is one inspection.
type inspector struct {
	Inspector
	Inspection
	assertion *xmlgate.Element
	found     xds.Errors
}

func (in *inspector) add(err *xds.Error) {
	if err != nil {
		in.found.Add(err)
	}
}

// inspect reads part after part, each as the verifier reads it, and goes on after a
// finding.
func (in *inspector) inspect() {
	a := in.assertion
	if !plainID(a.Attr("ID")) {
		in.add(finding("SAML-005", a, "ID absent ou mal formé", "un NCName de 256 caractères au plus"))
	}
	in.Inspection.Issuer = issuerOf(a)
	if in.Inspection.Issuer == "" {
		in.add(finding("SAML-003", a, "Issuer absent ou vide", "le texte exact de l'émetteur enregistré"))
	}
	t := in.claims()
	in.periods(t)
	if in.Audience != "" {
		in.add(t.meant(in.Audience))
	}
	in.Inspection.Nature, in.Inspection.ID, in.Inspection.Structure = t.subject.Nature, t.subject.ID, t.subject.Structure
	in.Inspection.Patient, in.Inspection.Mode = t.subject.Patient, t.authn
	in.Inspection.NotBefore, in.Inspection.NotOnOrAfter = t.notBefore, t.notOnOrAfter
	in.signature(t)
}

// claims reads what the assertion says, its signature left aside.
func (in *inspector) claims() *token {
	bare := *in.assertion
	bare.Children = slices.DeleteFunc(slices.Clone(bare.Children), func(e *xmlgate.Element) bool { return e.Is(nsDS, "Signature") })
	in.add(attributes("SAML-005", &bare, "ID", "IssueInstant", "Version"))
	if v := bare.Attr("Version"); v != "2.0" {
		in.add(finding("SAML-005", in.assertion, "Version "+xds.Shorten(v), "2.0"))
	}
	in.add(only("SAML-005", &bare, particle{nsSAML, "Issuer", 1, 1}, particle{nsSAML, "Subject", 1, 1}, particle{nsSAML, "Conditions", 1, 1},
		particle{nsSAML, "AuthnStatement", 1, 1}, particle{nsSAML, "AttributeStatement", 1, 1}))
	_, err := instant(in.assertion, "IssueInstant", true)
	in.add(err)
	t := &token{id: bare.Attr("ID"), issuer: Issuer{AnyAudience: in.Audience == ""}}
	context, whole := "", true
	for _, part := range []struct {
		name string
		read func(*xmlgate.Element) *xds.Error
	}{
		{"Subject", t.readSubject}, {"Conditions", t.readConditions},
		{"AuthnStatement", func(e *xmlgate.Element) (err *xds.Error) { context, err = t.readAuthn(e); return err }},
		{"AttributeStatement", t.readAttributes},
	} {
		e := bare.Child(nsSAML, part.name)
		if e == nil {
			whole = false
			continue // only says so
		}
		err := part.read(e)
		in.add(err)
		whole = whole && err == nil
	}
	if whole {
		in.add(t.level(context))
	}
	return t
}

// periods judges the instants that could be read.
func (in *inspector) periods(t *token) {
	if !t.notBefore.IsZero() && !t.notOnOrAfter.IsZero() {
		in.add(t.timely(in.At))
	}
}

// signature judges the signature: its shape, that it covers this assertion as it
// stands, and who made it.
func (in *inspector) signature(t *token) {
	if len(in.assertion.ChildrenNamed(nsDS, "Signature")) == 0 {
		e := finding("SAML-002", in.assertion, "aucune ds:Signature", "une ds:Signature enveloppée, après Issuer")
		if t.authn == authnDirect {
			e.Severity, e.Hint = xds.SeverityWarning, "un VIHF sans signature n'est admis qu'en mode DIRECTE, sur une connexion TLS mutuelle"
		}
		in.add(e)
		return
	}
	in.Signed = true
	sig, err := readSignature(in.assertion)
	if err != nil {
		in.add(err)
		return
	}
	before := len(in.found)
	info := in.covered(sig, t.id)
	if info != nil && len(sig.certs) > 0 && !sig.verifies(sig.certs[0].PublicKey, info) {
		in.add(finding("SAML-002", in.assertion.Child(nsDS, "Signature"), "valeur de signature fausse", "une signature faite avec la clé du certificat joint"))
	}
	if len(sig.certs) > 0 {
		if bad := Unfit(sig.certs[0]); bad != "" {
			in.add(finding("SAML-010", in.assertion.Child(nsDS, "Signature"), bad, "un certificat de signature, RSA 2048 bits au moins ou ECDSA P-256, P-384, P-521"))
		}
	}
	if in.Roots == nil || len(in.found) > before {
		return
	}
	_, err = Issuer{Roots: in.Roots}.signers(sig.certs, in.At)
	in.add(err)
	in.Trusted = err == nil
}

// covered is the canonical SignedInfo, once the digest in it is that of the
// assertion; nil after a finding that leaves nothing to verify.
func (in *inspector) covered(sig signature, id string) []byte {
	doc, err := detach(in.assertion)
	if err != nil {
		in.add(err)
		return nil
	}
	tree, err := parseTree(doc)
	if err != nil {
		in.add(err)
		return nil
	}
	info, err := tree.signedInfo(sig.prefixes)
	if err != nil {
		in.add(err)
		return nil
	}
	covered, bad := xmlgate.Parse(info, xmlgate.Security())
	if bad != nil {
		in.add(first(bad))
		return nil
	}
	ref, err := readReference(covered)
	if err != nil {
		in.add(err)
		return nil
	}
	if ref.uri != "#"+id {
		in.add(finding("SAML-002", in.assertion, "Reference vers autre chose que l'assertion", "URI=\"#\" suivi de l'ID de l'assertion"))
	}
	content, err := tree.content(ref.prefixes)
	if err != nil {
		in.add(err)
		return nil
	}
	if !ref.sum(content) {
		e := finding("SAML-002", in.assertion, "empreinte différente de celle qui est signée", "l'assertion telle qu'elle a été signée, au caractère près")
		e.Hint = "ne pas remettre en forme, réindenter ni recopier une assertion signée"
		in.add(e)
	}
	return info
}

// lined gives findings the line and column of the element that their path names.
func lined(root *xmlgate.Element, found xds.Errors) xds.Errors {
	for _, f := range found {
		if f.Line > 0 {
			continue
		}
		for e := range root.All() {
			if e.Path() == f.Where || e.Local == "Assertion" && f.Where == "saml2:Assertion" ||
				e.Local == "Attribute" && f.Where == "saml2:Attribute "+e.Attr("Name") {
				f.Line, f.Column = e.Line, e.Column
				break
			}
			if e.Local == "AttributeStatement" && strings.HasPrefix(f.Where, "saml2:Attribute ") { // of one that is not there
				f.Line, f.Column = e.Line, e.Column
			}
		}
	}
	return found
}
