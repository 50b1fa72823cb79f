package saml

import (
	"cmp"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/passerelle-sante/passerelle/authz"
)

// writer lays out one assertion, in the order of the schema.
type writer struct {
	signer Signer
	claims Claims
	now    time.Time
}

const timeFormat = "2006-01-02T15:04:05.000Z"

func (w writer) assertion() *etree.Element {
	c := w.claims
	a := etree.NewElement("saml2:Assertion")
	a.CreateAttr("xmlns:saml2", nsSAML)
	a.CreateAttr("xmlns:xsi", nsXSI)
	if !c.omits("ID") {
		a.CreateAttr("ID", w.signer.NewID())
	}
	a.CreateAttr("IssueInstant", w.now.Format(timeFormat))
	a.CreateAttr("Version", "2.0")
	if !c.omits("Issuer") {
		issuer := a.CreateElement("saml2:Issuer")
		issuer.CreateAttr("Format", "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName")
		issuer.SetText(cmp.Or(c.Issuer, w.signer.Name))
	}
	if !c.omits("Subject") {
		subject := a.CreateElement("saml2:Subject")
		if !c.omits("NameID") {
			subject.CreateElement("saml2:NameID").SetText(c.ID)
		}
		subject.CreateElement("saml2:SubjectConfirmation").CreateAttr("Method", cmBearer)
	}
	w.conditions(a)
	w.authn(a)
	w.attributes(a.CreateElement("saml2:AttributeStatement"))
	return a
}

func (w writer) conditions(a *etree.Element) {
	c := w.claims
	if c.omits("Conditions") {
		return
	}
	to := w.now.Add(cmp.Or(c.ExpiresIn, Lifetime))
	from := w.now.Add(c.NotBefore)
	if c.NotBefore == 0 && !from.Before(to) {
		from = to.Add(-Lifetime) // an expired assertion was valid once
	}
	e := a.CreateElement("saml2:Conditions")
	if !c.omits("NotBefore") {
		e.CreateAttr("NotBefore", from.Format(timeFormat))
	}
	if !c.omits("NotOnOrAfter") {
		e.CreateAttr("NotOnOrAfter", to.Format(timeFormat))
	}
	if !c.omits("Audience") {
		e.CreateElement("saml2:AudienceRestriction").CreateElement("saml2:Audience").SetText(cmp.Or(c.Audience, w.signer.Audience))
	}
}

func (w writer) authn(a *etree.Element) {
	if w.claims.omits("AuthnStatement") {
		return
	}
	e := a.CreateElement("saml2:AuthnStatement")
	e.CreateAttr("AuthnInstant", w.now.Format(timeFormat))
	context := e.CreateElement("saml2:AuthnContext")
	if w.claims.omits("AuthnContextClassRef") {
		return
	}
	class := w.claims.AuthnContext
	if class == "" {
		_, class = w.authentication()
	}
	if !strings.Contains(class, ":") {
		class = acClasses + class
	}
	context.CreateElement("saml2:AuthnContextClassRef").SetText(class)
}

// authentication is the mode and context class that fit the bearer: a card for a
// professional, a mobile for AIR and for persons, software for a structure.
func (w writer) authentication() (mode, class string) {
	switch {
	case w.claims.Reinforced:
		return authnReinforced, "MobileTwoFactorUnregistered"
	case w.claims.Nature == authz.NatureStructure:
		return authnIndirect, acUnspecified
	case w.claims.Nature == authz.NaturePerson:
		return authnIndirect, "MobileTwoFactorUnregistered"
	}
	return authnDirect, "SmartcardPKI"
}

func (w writer) attributes(e *etree.Element) {
	c := w.claims
	mode, _ := w.authentication()
	w.text(e, attrVersion, "3.0")
	w.text(e, attrAuthn, mode)
	w.text(e, attrStructure, c.Structure)
	w.text(e, attrOrg, c.StructureName)
	w.text(e, attrSector, "SA07^1.2.250.1.71.4.2.4")
	w.text(e, attrSubjectID, c.Name)
	w.roles(e)
	w.text(e, attrResource, string(c.Patient))
	w.text(e, attrResourceURN, "urn:dmp")
	w.purposes(e)
	w.text(e, attrReason, c.Reason)
	w.text(e, attrFamily, c.Traits.Family)
	w.text(e, attrGiven, c.Traits.Given)
	w.text(e, attrBirthDate, c.Traits.BirthDate)
	if c.Secret {
		w.text(e, attrSecret, secretValue)
	}
}

func (w writer) roles(e *etree.Element) {
	c := w.claims
	if c.omits(attrRole) {
		return
	}
	code, system := c.Profession, oidG15
	switch c.Nature {
	case authz.NaturePerson:
		code, system = rolePatient, oidA00
	case authz.NatureStructure:
		code, system = roleAutomate, oidA00
	case authz.NatureOther:
		system = oidA00
	}
	if code == "" {
		return
	}
	a := w.attribute(e, attrRole)
	w.coded(a, "hl7:Role", code, system)
	if c.Specialty != "" && c.Nature == authz.NaturePro {
		system := oidR01
		if c.Profession == "21" {
			system = oidG05
		}
		w.coded(a, "hl7:Role", c.Specialty, system)
	}
	if c.SecondRole != "" {
		w.coded(a, "hl7:Role", c.SecondRole, oidG15)
	}
}

func (w writer) purposes(e *etree.Element) {
	if w.claims.omits(attrPurpose) {
		return
	}
	a := w.attribute(e, attrPurpose)
	w.coded(a, "hl7:PurposeOfUse", cmp.Or(w.claims.Mode, "normal"), oidMode)
	if w.claims.SecondPurpose != "" {
		w.coded(a, "hl7:PurposeOfUse", w.claims.SecondPurpose, oidMode)
	}
}

// text writes an attribute with one text value; an empty one is not written.
func (w writer) text(e *etree.Element, name, value string) {
	if value == "" || w.claims.omits(name) {
		return
	}
	w.attribute(e, name).CreateElement("saml2:AttributeValue").SetText(value)
}

func (w writer) attribute(e *etree.Element, name string) *etree.Element {
	a := e.CreateElement("saml2:Attribute")
	a.CreateAttr("Name", name)
	return a
}

func (w writer) coded(a *etree.Element, element, code, system string) {
	ce := a.CreateElement("saml2:AttributeValue").CreateElement(element)
	ce.CreateAttr("xmlns:hl7", nsHL7)
	ce.CreateAttr("xsi:type", "hl7:CE")
	ce.CreateAttr("code", code)
	ce.CreateAttr("codeSystem", system)
}
