package iua

import (
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// modes are the values of mode; a token without it asks for the normal mode.
var modes = map[string]authz.Value{"": authz.Normal, "normal": authz.Normal, "centre_15": authz.Centre15, "bris_de_glace": authz.BrisDeGlace}

// natures are the values of kind.
var natures = map[string]authz.Nature{
	"pro": authz.NaturePro, "struct": authz.NatureStructure, "person": authz.NaturePerson, "other": authz.NatureOther,
}

// Producers of TRE_A00 that stand for a profession in a token.
const (
	rolePatient  = "EXP_PATIENT"
	roleAutomate = "AUTOMATE"
)

const acClasses = "urn:oasis:names:tc:SAML:2.0:ac:classes:"

// levels are the authentication contexts (acr) of a nominal professional: a card
// or two factors. The eidas values are those of Pro Santé Connect.
var levels = []string{
	"eidas1", "eidas2", "eidas3", acClasses + "SmartcardPKI", acClasses + "Smartcard",
	acClasses + "MobileTwoFactorUnregistered", acClasses + "MobileTwoFactorContract", acClasses + "TimeSyncToken",
}

// others are the contexts that the rest may have beside levels.
var others = []string{acClasses + "X509", acClasses + "PasswordProtectedTransport", acClasses + "Password"}

// subject reads what verified claims say of the bearer, and of the client that has the
// token of him.
func (c claims) subject(portals []string) (authz.Subject, *xds.Error) {
	var sub authz.Subject
	describe, name := c.own, "sub"
	if _, psc := c["SubjectNameID"]; psc {
		describe, name = c.proSanteConnect, "SubjectNameID"
	}
	if err := describe(&sub); err != nil {
		return authz.Subject{}, err
	}
	if id, err := c.text(name); err != nil || id == "" || len(id) > maxID || id != sub.ID {
		return authz.Subject{}, refuse("TOK-002", name, "absent, trop long ou entouré de blancs", "l'identifiant du porteur")
	}
	if err := c.context(&sub); err != nil {
		return authz.Subject{}, err
	}
	if err := c.extend(&sub); err != nil {
		return authz.Subject{}, err
	}
	if sub.Nature == authz.NaturePro && sub.Profession == "" {
		sub.Nature = authz.NatureOther
	}
	switch sub.Nature {
	case authz.NaturePerson, authz.NatureStructure:
		sub.Profession, sub.Specialty = "", ""
	case authz.NatureOther:
		sub.Specialty = ""
	}
	if err := c.client(&sub, portals); err != nil {
		return authz.Subject{}, err
	}
	return sub, c.level(sub.Nature)
}

// member is a string claim and where it goes.
type member struct {
	name string
	into *string
}

func (c claims) fill(members ...member) *xds.Error {
	for _, m := range members {
		value, err := c.text(m.name)
		if err != nil {
			return err
		}
		*m.into = strings.Trim(value, " \t\r\n") // as the values of a VIHF
	}
	return nil
}

// own reads the gateway's own description of a bearer (design §7). Without kind
// it follows from the profession.
func (c claims) own(sub *authz.Subject) *xds.Error {
	var kind string
	if err := c.fill(member{"sub", &sub.ID}, member{"name", &sub.Name}, member{"kind", &kind}, member{"profession", &sub.Profession},
		member{"specialty", &sub.Specialty}, member{"structure", &sub.Structure}, member{"structure_name", &sub.StructureName}); err != nil {
		return err
	}
	nature, known := natures[kind]
	if kind != "" && !known {
		return refuse("TOK-002", "kind", xds.Shorten(kind), "pro, struct, person ou other")
	}
	if kind == "" {
		nature = natureOf(sub.Profession)
	}
	sub.Nature = nature
	var err *xds.Error
	sub.Reinforced, err = c.flag("air")
	return err
}

func natureOf(profession string) authz.Nature {
	switch profession {
	case "":
		return authz.NatureOther
	case rolePatient:
		return authz.NaturePerson
	case roleAutomate:
		return authz.NatureStructure
	}
	return authz.NaturePro
}

// context reads what both descriptions share: the request's mode and patient,
// the token's own facts.
func (c claims) context(sub *authz.Subject) *xds.Error {
	var mode, patient, reason, regulation string
	if err := c.fill(member{"iss", &sub.Issuer}, member{"jti", &sub.TokenID}, member{"mode", &mode}, member{"patient", &patient},
		member{"reason", &sub.Reason}, member{"patient_family", &sub.Traits.Family}, member{"patient_given", &sub.Traits.Given},
		member{"patient_birthdate", &sub.Traits.BirthDate}, member{"Mode_Acces_Raison", &reason}, member{"Acces_Regulation_Medicale", &regulation}); err != nil {
		return err
	}
	if reason != "" && sub.Reason != "" && reason != sub.Reason {
		return refuse("TOK-002", "reason", "deux motifs différents", "reason ou Mode_Acces_Raison")
	}
	if sub.Reason == "" {
		sub.Reason = reason
	}
	var known bool
	if sub.Mode, known = modes[mode]; !known {
		return refuse("TOK-002", "mode", xds.Shorten(mode), "normal, centre_15 ou bris_de_glace")
	}
	sub.Patient = xds.CX(patient)
	if patient != "" && !sub.Patient.Valid() {
		return refuse("TOK-002", "patient", "identifiant de patient mal formé", "valeur^^^&OID&ISO^NH")
	}
	if !slices.Contains([]string{"", "VRAI", "FAUX"}, regulation) {
		return refuse("TOK-002", "Acces_Regulation_Medicale", xds.Shorten(regulation), "VRAI ou FAUX")
	}
	sub.Regulator = regulation == "VRAI"
	var err *xds.Error
	if sub.Secret, err = c.flag("secret"); err != nil {
		return err
	}
	sub.Expires, err = c.instant("exp")
	return err
}

// level judges acr when the token has one.
func (c claims) level(n authz.Nature) *xds.Error {
	acr, err := c.text("acr")
	if err != nil {
		return err
	}
	nominal := n == authz.NaturePro || n == authz.NatureOther
	switch {
	case acr == "" || slices.Contains(levels, acr), !nominal && slices.Contains(others, acr),
		n == authz.NatureStructure && acr == acClasses+"unspecified":
		return nil
	}
	return refuse("TOK-004", "acr", xds.Shorten(acr), "une carte ou deux facteurs")
}
