package saml

import (
	"bytes"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// locate finds the assertion of an envelope. There is exactly one path to it,
// Envelope/Header/Security/Assertion, and nothing else in the envelope that
// another reader could take for it (safety §2.2 step 3).
func locate(envelope *xmlgate.Element) (*xmlgate.Element, *xds.Error) {
	if !envelope.Is(nsSOAP, "Envelope") {
		return nil, misplaced(envelope, "racine "+envelope.Local, "soap:Envelope")
	}
	header, err := single(envelope, nsSOAP, "Header")
	if err != nil {
		return nil, err
	}
	security, err := single(header, nsWSSE, "Security")
	if err != nil {
		return nil, err
	}
	for _, c := range security.Children {
		if !c.Is(nsSAML, "Assertion") && !c.Is(nsWSU, "Timestamp") {
			return nil, misplaced(c, c.Local, "une saml2:Assertion en clair, et wsu:Timestamp au plus")
		}
	}
	assertion, err := single(security, nsSAML, "Assertion")
	if err != nil {
		return nil, err
	}
	return assertion, alone(envelope, assertion)
}

// single is the only child of this name.
func single(parent *xmlgate.Element, space, local string) (*xmlgate.Element, *xds.Error) {
	found := parent.ChildrenNamed(space, local)
	if len(found) != 1 {
		return nil, misplaced(parent, counted(len(found), local), "exactement un "+local)
	}
	return found[0], nil
}

// alone refuses whatever in the text could be taken for the assertion, for its
// signature or for what the signature refers to.
func alone(root, assertion *xmlgate.Element) *xds.Error {
	id := assertion.Attr("ID")
	for e := range root.All() {
		if e != assertion && suspect(e) && !(e.Is(nsDS, "Signature") && e.Parent == assertion) {
			return misplaced(e, e.Local+" hors de sa place", "une seule Assertion et sa seule Signature")
		}
		if e.Is(nsDS, "Object") || e.Is(nsDS, "Manifest") {
			return finding("SAML-002", e, e.Local, "une signature enveloppée sans ds:Object ni ds:Manifest")
		}
		for _, a := range e.Attrs {
			own := e == assertion && a.Space == "" && a.Local == "ID"
			if !own && strings.EqualFold(a.Local, "id") && a.Value == id {
				return finding("SAML-002", e, "identifiant de l'assertion porté deux fois", "un ID unique dans tout le message")
			}
		}
	}
	return nil
}

// suspect tells whether an element is an assertion, of any version, a signature
// or something encrypted that stands for one.
func suspect(e *xmlgate.Element) bool {
	switch e.Local {
	case "Assertion", "EncryptedAssertion", "EncryptedData":
		return true
	case "Signature":
		return e.Space == nsDS
	}
	return e.Space == nsSAML1
}

// detach is the assertion as a text of its own: its bytes as received, with the
// namespace declarations that it inherits spliced into its start tag. Their
// order does not depend on the envelope, so that one assertion sent twice under
// the same declarations gives the same bytes.
func detach(assertion *xmlgate.Element) ([]byte, *xds.Error) {
	raw := assertion.Raw()
	if assertion.Parent == nil {
		return raw, nil
	}
	nameEnd := bytes.IndexAny(raw, " \t\r\n/>")
	if nameEnd < 0 {
		return nil, finding("SAML-005", assertion, "balise illisible", "saml2:Assertion")
	}
	b := append(make([]byte, 0, len(raw)+1024), raw[:nameEnd]...)
	for _, d := range assertion.Inherited() {
		switch {
		case d.Prefix != "":
			b = append(append(b, " xmlns:"...), d.Prefix...)
		case d.URI != "":
			b = append(b, " xmlns"...)
		default:
			continue
		}
		b = xmlgate.AppendEscaped(append(b, '=', '"'), d.URI, true)
		b = append(b, '"')
	}
	return append(b, raw[nameEnd:]...), nil
}
