package iua

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/xds"
)

// Code systems of the roles and modes of a VIHF, which IUA's claims carry as FHIR
// Codings (domain §4).
const (
	oidG15       = "1.2.250.1.71.1.2.7"      // TRE_G15 professions de santé
	oidA00       = "1.2.250.1.213.1.1.4.6"   // TRE_A00 producteurs non PS
	oidR94       = "1.2.250.1.213.1.6.1.4"   // TRE_R94 professions du social
	oidR95       = "1.2.250.1.213.1.6.1.109" // TRE_R95 usagers de titre
	oidR291      = "1.2.250.1.213.1.6.1.140" // TRE_R291 autres professions
	oidR85       = "1.2.250.1.213.1.6.1.107" // TRE_R85 rôles de prise en charge
	oidR01       = "1.2.250.1.71.4.2.5"      // TRE_R01 savoir-faire
	oidG05       = "1.2.250.1.71.4.2.6"      // TRE_G05 sections de l'ordre des pharmaciens
	oidMode      = "1.2.250.1.213.1.1.4.248" // TRE_R248 modes d'accès
	oidStructure = "1.2.250.1.71.4.2.2"      // Struct_IdNat
)

// ihe are the claims of the IUA extension (ITI TF-2 3.71.4.2.2.1), nil when the token
// has none. What stands beside them in `extensions` is for others.
func (c claims) ihe() (claims, *xds.Error) {
	raw, given := c["extensions"]
	if !given {
		return nil, nil
	}
	extensions, bad := object(raw)
	if bad != nil {
		return nil, refuse("TOK-002", "extensions", "mal formé", "un objet JSON")
	}
	raw, given = extensions["ihe_iua"]
	if !given {
		return nil, nil
	}
	found, bad := object(raw)
	if bad != nil {
		return nil, refuse("TOK-002", iheClaim(""), "mal formé", "un objet JSON")
	}
	return found, nil
}

func iheClaim(name string) string { return strings.TrimSuffix("extensions.ihe_iua."+name, ".") }

// extend reads the IUA extension into a subject that another description may have
// begun: it fills what is not said yet, and refuses what would say something else. Its
// names are for display, and no contradiction.
func (c claims) extend(sub *authz.Subject) *xds.Error {
	ihe, err := c.ihe()
	if ihe == nil || err != nil {
		return err
	}
	var name, organization, structure, npi, patient, home string
	if err := ihe.fill(member{"subject_name", &name}, member{"subject_organization", &organization}, member{"subject_organization_id", &structure},
		member{"national_provider_identifier", &npi}, member{"person_id", &patient}, member{"home_community_id", &home}); err != nil {
		err.Where = iheClaim(err.Where)
		return err
	}
	if sub.Name == "" {
		sub.Name = name
	}
	if sub.StructureName == "" {
		sub.StructureName = organization
	}
	if err := agree(&sub.Structure, structureID(structure), "subject_organization_id"); err != nil {
		return err
	}
	if err := c.provider(sub, npi); err != nil {
		return err
	}
	if err := samePatient(sub, xds.CX(patient)); err != nil {
		return err
	}
	if err := c.roles(ihe, sub); err != nil {
		return err
	}
	return c.purpose(ihe, sub)
}

// agree fills an empty value, and refuses one that the token gives otherwise elsewhere.
func agree(into *string, value, claim string) *xds.Error {
	if value == "" || *into == value {
		return nil
	}
	if *into != "" {
		return contradicts(claim)
	}
	*into = value
	return nil
}

func contradicts(claim string) *xds.Error {
	return refuse("TOK-002", iheClaim(claim), "autre valeur qu'ailleurs dans le jeton", "une seule valeur")
}

// structureID is an identifier of a structure as a VIHF has it: the URN that IUA
// recommends may hold it as the last arc of the root of French structures.
func structureID(uri string) string {
	id, ok := strings.CutPrefix(uri, "urn:oid:"+oidStructure+".")
	if !ok || strings.Contains(id, ".") {
		return uri
	}
	return id
}

// provider takes the national identifier for the bearer's: sub is often an account of
// the issuer. A description that has a national identifier of its own must have this one.
func (c claims) provider(sub *authz.Subject, npi string) *xds.Error {
	_, psc := c["SubjectNameID"]
	if npi == "" || npi == sub.ID {
		return nil
	}
	_, described := c["kind"]
	if psc || described {
		return contradicts("national_provider_identifier")
	}
	sub.ID = npi
	return nil
}

func samePatient(sub *authz.Subject, patient xds.CX) *xds.Error {
	switch {
	case patient == "":
		return nil
	case !patient.Valid():
		return refuse("TOK-002", iheClaim("person_id"), "identifiant de patient mal formé", "valeur^^^&OID&ISO^NH")
	case sub.Patient != "" && !sub.Patient.Same(patient):
		return contradicts("person_id")
	}
	sub.Patient = patient
	return nil
}

// roles reads subject_role as the role attribute of a VIHF: a profession, then at most
// one savoir-faire, section or role of it. What is no profession is nobody's.
func (c claims) roles(ihe claims, sub *authz.Subject) *xds.Error {
	found, err := ihe.codings("subject_role")
	if err != nil || len(found) == 0 {
		return err
	}
	if len(found) > 2 || len(found) == 2 && !slices.Contains([]string{oidR01, oidG05, oidR85}, found[1].Scheme) {
		return refuse("TOK-002", iheClaim("subject_role"), "plusieurs professions", "une profession, puis un savoir-faire, une section ou un rôle")
	}
	nature := natureOfRole(found[0])
	if _, kind := c["kind"]; (kind || sub.Nature != authz.NatureOther) && sub.Nature != nature {
		return contradicts("subject_role")
	}
	if err := agree(&sub.Profession, found[0].Value, "subject_role"); err != nil {
		return err
	}
	sub.Nature = nature
	if len(found) == 2 {
		return agree(&sub.Specialty, found[1].Value, "subject_role")
	}
	return nil
}

func natureOfRole(role xds.Code) authz.Nature {
	switch {
	case slices.Contains([]string{oidG15, oidR94, oidR95, oidR291}, role.Scheme):
		return authz.NaturePro
	case role.Scheme == oidA00 && role.Value == rolePatient:
		return authz.NaturePerson
	case role.Scheme == oidA00 && role.Value == roleAutomate:
		return authz.NatureStructure
	}
	return authz.NatureOther
}

// purpose reads purpose_of_use: one mode of access of the VIHF. Any other purpose is
// refused, as on SOAP: there is none but care.
func (c claims) purpose(ihe claims, sub *authz.Subject) *xds.Error {
	found, err := ihe.codings("purpose_of_use")
	if _, given := ihe["purpose_of_use"]; err != nil || !given {
		return err
	}
	const expected = "normal, centre_15 ou bris_de_glace, système urn:oid:" + oidMode
	if len(found) != 1 || found[0].Scheme != oidMode {
		return refuse("TOK-002", iheClaim("purpose_of_use"), "aucune finalité, plusieurs, ou une autre", expected)
	}
	mode, known := modes[found[0].Value]
	if !known || found[0].Value == "" {
		return refuse("TOK-002", iheClaim("purpose_of_use"), xds.Shorten(found[0].Value), expected)
	}
	if _, said := c["mode"]; said && sub.Mode != mode {
		return contradicts("purpose_of_use")
	}
	sub.Mode = mode
	return nil
}

// coding is a FHIR Coding of a claim.
type coding struct {
	System string `json:"system"`
	Code   string `json:"code"`
}

// codings is a claim that is a FHIR Coding or a list of them; its systems are URIs,
// or the OIDs that the examples of IUA have.
func (c claims) codings(name string) ([]xds.Code, *xds.Error) {
	raw, given := c[name]
	if !given {
		return nil, nil
	}
	list := []json.RawMessage{raw}
	if raw[0] == '[' {
		list = nil
		if json.Unmarshal(raw, &list) != nil || len(list) > maxList {
			return nil, badCoding(name)
		}
	}
	var found []xds.Code
	for _, item := range list {
		one, bad := object(item)
		if bad != nil {
			return nil, badCoding(name)
		}
		var k coding
		if one.fill(member{"system", &k.System}, member{"code", &k.Code}) != nil || k.Code == "" {
			return nil, badCoding(name)
		}
		found = append(found, xds.Code{Value: k.Code, Scheme: fhir.SchemeOf(k.System)})
	}
	return found, nil
}

func badCoding(name string) *xds.Error {
	return refuse("TOK-002", iheClaim(name), "mal formé", "un Coding FHIR, ou une liste")
}
