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

// token is a verified assertion: its subject, and what is judged again on each use.
type token struct {
	id           string
	subject      authz.Subject
	authn        string // DIRECTE, INDIRECTE or INDIRECTE_RENFORCEE
	notBefore    time.Time
	notOnOrAfter time.Time
	authnInstant time.Time
	sessionEnd   time.Time // zero when not said
	confirmation window
	audiences    [][]string // one list per AudienceRestriction
	oneTime      bool
	holder       *x509.Certificate // of holder-of-key

	content digest
	chain   []*x509.Certificate // of the signer; none of an unsigned one
	issuer  Issuer              // what it is trusted with
}

// window is a period of validity; a zero end is open.
type window struct{ from, to time.Time }

func (w window) covers(now time.Time) bool {
	return (w.from.IsZero() || !now.Before(w.from.Add(-Skew))) && (w.to.IsZero() || now.Before(w.to.Add(Skew)))
}

// timely judges the instants. The clock of the issuer may be Skew off either
// way: valid from NotBefore − 60 s, that instant included, to NotOnOrAfter + 60 s,
// that one excluded.
func (t *token) timely(now time.Time) *xds.Error {
	switch {
	case !t.notBefore.Before(t.notOnOrAfter):
		return finding("SAML-004", nil, "NotOnOrAfter avant NotBefore", "NotBefore avant NotOnOrAfter")
	case now.Before(t.notBefore.Add(-Skew)):
		return finding("SAML-004", nil, "pas encore valable (NotBefore "+stamp(t.notBefore)+")", "un VIHF en cours de validité ; il est ici "+stamp(now))
	case !now.Before(t.notOnOrAfter.Add(Skew)):
		return finding("SAML-004", nil, "expiré (NotOnOrAfter "+stamp(t.notOnOrAfter)+")", "un VIHF en cours de validité ; il est ici "+stamp(now))
	case now.Before(t.authnInstant.Add(-Skew)):
		return finding("SAML-004", nil, "AuthnInstant dans le futur", "une authentification déjà faite")
	case !window{to: t.sessionEnd}.covers(now):
		return finding("SAML-004", nil, "session terminée (SessionNotOnOrAfter)", "une session ouverte")
	case !t.confirmation.covers(now):
		return finding("SAML-004", nil, "confirmation hors de sa période (SubjectConfirmationData)", "une confirmation en cours de validité")
	}
	return nil
}

// meant judges the audience: each restriction must name us.
func (t *token) meant(audience string) *xds.Error {
	if len(t.audiences) == 0 && !t.issuer.AnyAudience {
		return finding("SAML-006", nil, "aucune AudienceRestriction", audience)
	}
	for _, names := range t.audiences {
		if !slices.Contains(names, audience) {
			return finding("SAML-006", nil, xds.Shorten(strings.Join(names, " ")), audience)
		}
	}
	return nil
}

// stamp is a time as a finding tells it.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// issuerOf is the text of the issuer, to the character.
func issuerOf(assertion *xmlgate.Element) string {
	e := assertion.Child(nsSAML, "Issuer")
	if e == nil || len(e.Children) > 0 {
		return ""
	}
	return e.Text
}

// plainID tells whether a text is an identifier that needs no interpretation.
func plainID(id string) bool {
	if id == "" || len(id) > 256 {
		return false
	}
	for i, r := range id {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
		inner := r >= '0' && r <= '9' || r == '-' || r == '.'
		if !letter && (i == 0 || !inner) {
			return false
		}
	}
	return true
}

// read reads the signed bytes of an assertion and nothing else (safety §2.2
// step 6). Every element is one that the profile knows, the right number of times.
func read(content []byte) (*token, *xds.Error) {
	root, bad := xmlgate.Parse(content, xmlgate.Security())
	if bad != nil {
		return nil, first(bad)
	}
	if !root.Is(nsSAML, "Assertion") {
		return nil, misplaced(root, root.Local, "saml2:Assertion")
	}
	if err := attributes("SAML-005", root, "ID", "IssueInstant", "Version"); err != nil {
		return nil, err
	}
	if root.Attr("Version") != "2.0" {
		return nil, finding("SAML-005", root, "Version "+xds.Shorten(root.Attr("Version")), "2.0")
	}
	if err := only("SAML-005", root, particle{nsSAML, "Issuer", 1, 1}, particle{nsSAML, "Subject", 1, 1}, particle{nsSAML, "Conditions", 1, 1},
		particle{nsSAML, "AuthnStatement", 1, 1}, particle{nsSAML, "AttributeStatement", 1, 1}); err != nil {
		return nil, err
	}
	if _, err := instant(root, "IssueInstant", true); err != nil {
		return nil, err
	}
	t := &token{id: root.Attr("ID")}
	if err := t.readSubject(root.Child(nsSAML, "Subject")); err != nil {
		return nil, err
	}
	if err := t.readConditions(root.Child(nsSAML, "Conditions")); err != nil {
		return nil, err
	}
	context, err := t.readAuthn(root.Child(nsSAML, "AuthnStatement"))
	if err != nil {
		return nil, err
	}
	if err := t.readAttributes(root.Child(nsSAML, "AttributeStatement")); err != nil {
		return nil, err
	}
	if err := t.level(context); err != nil {
		return nil, err
	}
	t.subject.TokenID, t.subject.Issuer, t.subject.Expires = t.id, issuerOf(root), t.notOnOrAfter
	return t, nil
}

// readSubject reads NameID and the confirmation: bearer, the default of XUA, or
// holder-of-key. The Recipient of a bearer confirmation is not compared: it is
// the endpoint of a browser profile, the audience says for whom the token is.
func (t *token) readSubject(e *xmlgate.Element) *xds.Error {
	if err := only("SAML-005", e, particle{nsSAML, "NameID", 1, 1}, particle{nsSAML, "SubjectConfirmation", 0, 1}); err != nil {
		return err
	}
	name := e.Child(nsSAML, "NameID")
	if err := leaf("SAML-005", name); err != nil {
		return err
	}
	if name.Text == "" || len(name.Text) > 256 || name.Text != name.Trimmed() {
		return finding("SAML-005", name, "NameID vide, trop long ou entouré de blancs", "un identifiant national")
	}
	t.subject.ID = name.Text
	c := e.Child(nsSAML, "SubjectConfirmation")
	if c == nil {
		return nil
	}
	if err := only("SAML-005", c, particle{nsSAML, "SubjectConfirmationData", 0, 1}); err != nil {
		return err
	}
	data := c.Child(nsSAML, "SubjectConfirmationData")
	var err *xds.Error
	if data != nil {
		if t.confirmation.from, err = instant(data, "NotBefore", false); err != nil {
			return err
		}
		if t.confirmation.to, err = instant(data, "NotOnOrAfter", false); err != nil {
			return err
		}
	}
	switch method := c.Attr("Method"); method {
	case cmBearer:
		if data == nil {
			return nil
		}
		return only("SAML-005", data)
	case cmHolderOfKey:
		return t.readHolder(c, data)
	default:
		return finding("SAML-005", c, "méthode "+xds.Shorten(method), cmBearer)
	}
}

func (t *token) readHolder(c, data *xmlgate.Element) *xds.Error {
	if data == nil {
		return finding("SAML-005", c, "holder-of-key sans clé", "un certificat dans SubjectConfirmationData")
	}
	if err := only("SAML-005", data, particle{nsDS, "KeyInfo", 1, 1}); err != nil {
		return err
	}
	certs, err := readKeyInfo(data.Children[0])
	if err != nil {
		return err
	}
	t.holder = certs[0]
	return nil
}

// readConditions reads the conditions. They are required, and one that is not
// understood refuses the token (SAML core §2.5.1).
func (t *token) readConditions(e *xmlgate.Element) *xds.Error {
	if err := only("SAML-005", e, particle{nsSAML, "AudienceRestriction", 0, 8}, particle{nsSAML, "OneTimeUse", 0, 1}); err != nil {
		return err
	}
	var err *xds.Error
	if t.notBefore, err = instant(e, "NotBefore", true); err != nil {
		return err
	}
	if t.notOnOrAfter, err = instant(e, "NotOnOrAfter", true); err != nil {
		return err
	}
	t.oneTime = e.Child(nsSAML, "OneTimeUse") != nil
	for _, r := range e.ChildrenNamed(nsSAML, "AudienceRestriction") {
		if err := only("SAML-005", r, particle{nsSAML, "Audience", 1, 16}); err != nil {
			return err
		}
		var names []string
		for _, a := range r.Children {
			names = append(names, a.Trimmed())
		}
		t.audiences = append(t.audiences, names)
	}
	return nil
}

// readAuthn reads the authentication statement and returns its context class.
func (t *token) readAuthn(e *xmlgate.Element) (context string, err *xds.Error) {
	if err := only("SAML-005", e, particle{nsSAML, "SubjectLocality", 0, 1}, particle{nsSAML, "AuthnContext", 1, 1}); err != nil {
		return "", err
	}
	if t.authnInstant, err = instant(e, "AuthnInstant", true); err != nil {
		return "", err
	}
	if t.sessionEnd, err = instant(e, "SessionNotOnOrAfter", false); err != nil {
		return "", err
	}
	c := e.Child(nsSAML, "AuthnContext")
	if err := only("SAML-005", c, particle{nsSAML, "AuthnContextClassRef", 1, 1}, particle{nsSAML, "AuthenticatingAuthority", 0, 8}); err != nil {
		return "", err
	}
	return c.Child(nsSAML, "AuthnContextClassRef").Trimmed(), nil
}

// level judges whether the context class is worth the mode of authentication, and the
// mode what it is claimed for: a card is a person's, and what its holder writes himself
// must not make him a structure, any of which could replace and delete its documents.
func (t *token) level(context string) *xds.Error {
	if t.authn == authnDirect && t.subject.Nature == authz.NatureStructure {
		return finding("SAML-008", nil, "DIRECTE sans utilisateur", "INDIRECTE pour une structure ou un automate : une carte est celle d'une personne")
	}
	class, known := strings.CutPrefix(context, acClasses)
	if known && slices.Contains(levels[t.authn], class) {
		return nil
	}
	if known && class == acUnspecified && t.authn == authnIndirect && t.subject.Nature == authz.NatureStructure {
		return nil
	}
	return finding("SAML-008", nil, context, "un contexte d'authentification à la hauteur de "+t.authn)
}

// instant reads an xs:dateTime that says its time zone. An optional one that is
// absent is the zero time.
func instant(e *xmlgate.Element, name string, required bool) (time.Time, *xds.Error) {
	text, present := e.AttrNS("", name)
	if !present && !required {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, finding("SAML-005", e, name+" absent ou mal formé", "une date et heure avec fuseau")
	}
	return at, nil
}
