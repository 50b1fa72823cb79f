package saml

import (
	"slices"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// statement are the attributes of an AttributeStatement by name. Those that the
// gateway does not know (LPS_ID, Secteur_Activite…) may be there and say nothing.
type statement map[string]*xmlgate.Element

// maxAttributes bounds a statement: a VIHF has fifteen.
const maxAttributes = 64

func readStatement(e *xmlgate.Element) (statement, *xds.Error) {
	if err := only("SAML-005", e, particle{nsSAML, "Attribute", 1, maxAttributes}); err != nil {
		return nil, err
	}
	s := statement{}
	for _, a := range e.Children {
		name := a.Attr("Name")
		if name == attrAuthnOther {
			name = attrAuthn
		}
		if _, twice := s[name]; twice || name == "" {
			return nil, finding("SAML-005", a, "attribut sans nom ou répété : "+xds.Shorten(name), "chaque attribut une fois")
		}
		if err := only("SAML-005", a, particle{nsSAML, "AttributeValue", 0, 16}); err != nil {
			return nil, err
		}
		s[name] = a
	}
	return s, nil
}

// text is the one value of an attribute, trimmed; "" when the attribute is absent.
func (s statement) text(name string) (string, *xds.Error) {
	a, ok := s[name]
	if !ok {
		return "", nil
	}
	if len(a.Children) != 1 {
		return "", s.bad(name, counted(len(a.Children), "AttributeValue"), "une seule valeur")
	}
	value := a.Children[0]
	if err := leaf("SAML-005", value); err != nil {
		return "", err
	}
	if len(value.Text) > maxValue {
		return "", s.bad(name, "valeur trop longue", counted(maxValue, "octets au plus"))
	}
	return value.Trimmed(), nil
}

// codes are the coded values (HL7 v3 CE) of an attribute, none when it is absent.
func (s statement) codes(name string, elements ...string) ([]xds.Code, *xds.Error) {
	a, ok := s[name]
	if !ok {
		return nil, nil
	}
	var found []xds.Code
	for _, value := range a.Children {
		if len(value.Children) != 1 || value.Trimmed() != "" {
			return nil, s.bad(name, "valeur sans code", "un élément "+elements[0])
		}
		ce := value.Children[0]
		if ce.Space != nsHL7 || !slices.Contains(elements, ce.Local) || len(ce.Children) > 0 || ce.Trimmed() != "" {
			return nil, s.bad(name, "élément "+xds.Shorten(ce.Local), "un élément "+elements[0])
		}
		c := xds.Code{Value: ce.Attr("code"), Scheme: ce.Attr("codeSystem")}
		if c.Value == "" || c.Scheme == "" || len(c.Value) > 64 {
			return nil, s.bad(name, "code ou codeSystem absent", "code et codeSystem")
		}
		found = append(found, c)
	}
	return found, nil
}

func (s statement) bad(name, found, expected string) *xds.Error {
	return &xds.Error{ID: "SAML-005", Where: "saml2:Attribute " + name, Found: found, Expected: expected}
}

// modes are the values of purposeofuse.
var modes = map[string]authz.Value{"normal": authz.Normal, "centre_15": authz.Centre15, "bris_de_glace": authz.BrisDeGlace}

// readAttributes reads what the VIHF says of its subject (domain §4). What it
// does not know how to read it refuses; what policy does not know is Other.
// Regulator stays false: the software of the structure writes a VIHF, and only
// the directory or the identity provider may say so (policy §1.9).
func (t *token) readAttributes(e *xmlgate.Element) *xds.Error {
	s, err := readStatement(e)
	if err != nil {
		return err
	}
	if err := s.version(); err != nil {
		return err
	}
	sub := &t.subject
	for _, claim := range []struct {
		name string
		into *string
	}{
		{attrAuthn, &t.authn}, {attrStructure, &sub.Structure}, {attrOrg, &sub.StructureName}, {attrSubjectID, &sub.Name}, {attrReason, &sub.Reason},
		{attrFamily, &sub.Traits.Family}, {attrGiven, &sub.Traits.Given}, {attrBirthDate, &sub.Traits.BirthDate},
	} {
		if *claim.into, err = s.text(claim.name); err != nil {
			return err
		}
	}
	if _, known := levels[t.authn]; !known {
		return s.bad(attrAuthn, xds.Shorten(t.authn), "DIRECTE, INDIRECTE ou INDIRECTE_RENFORCEE")
	}
	sub.Reinforced = t.authn == authnReinforced
	if sub.Mode, err = s.mode(); err != nil {
		return err
	}
	if sub.Patient, err = s.patient(); err != nil {
		return err
	}
	if sub.Secret, err = s.secret(); err != nil {
		return err
	}
	role, err := s.roles(sub)
	if err != nil {
		return err
	}
	sub.Nature = nature(role, t.authn, sub.Structure)
	switch sub.Nature {
	case authz.NaturePerson, authz.NatureStructure: // their role says what they are, not what they practise
		sub.Profession, sub.Specialty = "", ""
	case authz.NatureOther:
		sub.Specialty = ""
	}
	return nil
}

func (s statement) version() *xds.Error {
	v, err := s.text(attrVersion)
	if err != nil {
		return err
	}
	if v != "" && v != "3.0" && v != "4.0" {
		return s.bad(attrVersion, xds.Shorten(v), "3.0 ou 4.0")
	}
	return nil
}

// mode reads the one purpose of use; absent, repeated or unknown is refused.
func (s statement) mode() (authz.Value, *xds.Error) {
	found, err := s.codes(attrPurpose, "PurposeOfUse", "PurposeForUse")
	if err != nil {
		return 0, err
	}
	if len(found) != 1 {
		return 0, s.bad(attrPurpose, counted(len(found), "valeur"), "exactement un mode d'accès")
	}
	mode, known := modes[found[0].Value]
	if !known || found[0].Scheme != oidMode {
		return 0, s.bad(attrPurpose, xds.Shorten(found[0].Key()), "normal, centre_15 ou bris_de_glace, système "+oidMode)
	}
	return mode, nil
}

// patient reads the record that the token is for, "" when it names none.
func (s statement) patient() (xds.CX, *xds.Error) {
	text, err := s.text(attrResource)
	if err != nil || text == "" {
		return "", err
	}
	cx := xds.CX(text)
	if !cx.Valid() {
		return "", s.bad(attrResource, "identifiant de patient mal formé", "valeur^^^&OID&ISO^NH")
	}
	return cx, nil
}

// secret reads the request of a secret connection (EX_0.1-1100).
func (s statement) secret() (bool, *xds.Error) {
	text, err := s.text(attrSecret)
	if err != nil {
		return false, err
	}
	if _, given := s[attrSecret]; given && text != secretValue {
		return false, s.bad(attrSecret, xds.Shorten(text), secretValue)
	}
	return text == secretValue, nil
}

// professions are the code systems of the first role: professions with or
// without a title. TRE_A00 names what is no person of the art.
var professions = []string{oidG15, oidR94, oidR95, oidR291}

// roles reads the role attribute: a profession, then at most one savoir-faire,
// section or role of that profession. Two professions are refused: policy knows
// one column of the matrix.
func (s statement) roles(sub *authz.Subject) (role xds.Code, err *xds.Error) {
	found, err := s.codes(attrRole, "Role")
	if err != nil {
		return role, err
	}
	if len(found) > 2 {
		return role, s.bad(attrRole, counted(len(found), "rôle"), "une profession, puis un savoir-faire")
	}
	if len(found) == 2 {
		if second := found[1]; second.Scheme != oidR01 && second.Scheme != oidG05 && second.Scheme != oidR85 {
			return role, s.bad(attrRole, "second rôle du système "+xds.Shorten(second.Scheme), "un savoir-faire, une section ou un rôle de prise en charge")
		}
		sub.Specialty = found[1].Value
	}
	if len(found) > 0 {
		role = found[0]
		sub.Profession = role.Value
	}
	return role, nil
}

// software are the producers of TRE_A00 that act for a structure.
var software = []string{"SECRETARIAT_MEDICAL", "DISPOSITIF", "LOGICIEL_DUI"}

// nature derives what the bearer is from the first role (policy §1.9). What it
// does not recognise is NatureOther: an insurer, another code system, no role.
func nature(role xds.Code, authn, structure string) authz.Nature {
	indirect := authn == authnIndirect && structure != ""
	switch {
	case slices.Contains(professions, role.Scheme):
		return authz.NaturePro
	case role.Scheme == oidA00 && role.Value == rolePatient:
		return authz.NaturePerson
	case role.Scheme == oidA00 && role.Value == roleAutomate:
		return authz.NatureStructure
	case role.Scheme == oidA00 && indirect && slices.Contains(software, role.Value):
		return authz.NatureStructure
	case role == xds.Code{} && indirect:
		return authz.NatureStructure
	}
	return authz.NatureOther
}
