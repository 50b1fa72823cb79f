package sandbox

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/pki"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

// tokenRequest is the body of /sandbox/vihf and /sandbox/token (design §7): who, for
// which patient, how; the fields below the first line override one thing each, for
// tests of verifiers.
type tokenRequest struct {
	As            string       `json:"as"`
	Patient       string       `json:"patient"`
	Mode          string       `json:"mode"`
	Reason        string       `json:"reason"`
	Traits        *traitsField `json:"traits"`
	ExpiresIn     *int         `json:"expiresIn"`
	NotBefore     *int         `json:"notBefore"`
	Audience      string       `json:"audience"`
	Issuer        string       `json:"issuer"`
	Structure     *string      `json:"structure"`
	AuthnContext  string       `json:"authnContext"`
	SecondRole    string       `json:"secondRole"`
	SecondPurpose string       `json:"secondPurpose"`
	Omit          []string     `json:"omit"`
	Direct        bool         `json:"direct"` // unsigned, in the name of the bearer's card
	Secret        bool         `json:"secret"`
	AIR           bool         `json:"air"`
	Client        string       `json:"client"` // of an application: its client_id
	Scope         string       `json:"scope"`
}

type traitsField struct {
	Family    *string `json:"family"`
	Given     *string `json:"given"`
	BirthDate *string `json:"birthDate"`
}

// identity is who a name of the cast is.
type identity struct {
	nature        authz.Nature
	id            string
	family, given string
	profession    string
	specialty     string
	structure     string
	structureName string
}

func (i identity) name() string {
	if i.nature == authz.NatureStructure {
		return i.structureName
	}
	return strings.TrimSpace(i.family + " " + i.given)
}

// subject is the identity as the gateway itself sees it, for the seed.
func (i identity) subject() authz.Subject {
	return authz.Subject{
		Nature: i.nature, ID: i.id, Name: i.name(), Profession: i.profession, Specialty: i.specialty, Structure: i.structure,
		StructureName: i.structureName, TokenID: "amorce", Issuer: "bac à sable",
	}
}

// who resolves `as`: a professional or structure by name or id, patient:alice,
// rep:chloe, rep:chloe:2 or delegate:alice.
func (st *state) who(as string) (identity, error) {
	if p, ok := st.professional(as); ok {
		return identity{natureOf(p.Kind), p.ID, p.Family, p.Given, p.Profession, p.Specialty, p.Structure, p.StructureName}, nil
	}
	role, name, _ := strings.Cut(as, ":")
	if role == "rep" {
		name, _, _ = strings.Cut(name, ":")
	}
	p, ok := st.patient(name)
	switch {
	case ok && role == "patient":
		return identity{nature: authz.NaturePerson, id: p.Record, family: p.Family, given: p.Given}, nil
	case ok && (role == "rep" || role == "delegate"):
		for _, x := range slices.Concat(p.Representatives, p.Delegates) {
			if x.As == as || as == role+":"+name+":1" && x.As == role+":"+name {
				return identity{nature: authz.NaturePerson, id: x.ID, family: x.Family, given: x.Given}, nil
			}
		}
	}
	return identity{}, &xds.Error{ID: "JSON-002", Where: "as", Found: as,
		Expected: "un nom de /sandbox/cast, ou patient:NOM, rep:NOM, rep:NOM:2, delegate:NOM", Nearest: st.nearest(as)}
}

// nearest are names of the cast that come close to what was asked.
func (st *state) nearest(as string) []string {
	var names []string
	for _, p := range st.Professionals {
		names = append(names, p.Name)
	}
	for _, p := range st.Patients {
		names = append(names, "patient:"+p.Name)
		for _, x := range slices.Concat(p.Representatives, p.Delegates) {
			names = append(names, x.As)
		}
	}
	return xds.Nearest(as, names, 3)
}

// nearestPatients are names of patients that come close to what was asked.
func (st *state) nearestPatients(name string) []string {
	var names []string
	for _, p := range st.Patients {
		names = append(names, p.Name)
	}
	return xds.Nearest(name, names, 3)
}

func natureOf(kind string) authz.Nature {
	switch kind {
	case "pro":
		return authz.NaturePro
	case "struct":
		return authz.NatureStructure
	default:
		return authz.NatureOther
	}
}

// claims are the common claims of both issuers.
func (st *state) claims(r tokenRequest) (saml.Claims, error) {
	who, err := st.who(r.As)
	if err != nil {
		return saml.Claims{}, err
	}
	c := saml.Claims{
		Nature: who.nature, ID: who.id, Name: who.name(), Profession: who.profession, Specialty: who.specialty,
		Structure: who.structure, StructureName: who.structureName, Mode: r.Mode, Reason: r.Reason, Secret: r.Secret, Reinforced: r.AIR,
		Audience: r.Audience, Issuer: r.Issuer, AuthnContext: r.AuthnContext, SecondRole: r.SecondRole, SecondPurpose: r.SecondPurpose,
		Omit: r.Omit, ExpiresIn: seconds(r.ExpiresIn), NotBefore: seconds(r.NotBefore),
	}
	if r.Structure != nil {
		c.Structure = *r.Structure
		if named, ok := st.professional(c.Structure); ok && named.Kind == "struct" {
			c.Structure, c.StructureName = named.Structure, named.StructureName
		}
	}
	if r.Direct {
		if c.Nature != authz.NaturePro {
			return c, &xds.Error{ID: "JSON-002", Where: "direct", Found: "true", Expected: "un professionnel : lui seul a une carte"}
		}
		c.Issuer, c.Omit = cmp.Or(c.Issuer, pki.CardName(c.ID).String()), append(slices.Clone(c.Omit), "signature")
	}
	if !slices.Contains([]string{"", "normal", "centre_15", "bris_de_glace"}, r.Mode) {
		return c, &xds.Error{ID: "JSON-002", Where: "mode", Found: r.Mode, Expected: "normal, centre_15 ou bris_de_glace"}
	}
	if r.Patient == "" {
		c.Traits = overridden(authz.Traits{}, r.Traits)
		return c, nil
	}
	p, ok := st.patient(r.Patient)
	if !ok {
		return c, &xds.Error{ID: "JSON-002", Where: "patient", Found: r.Patient, Expected: "un patient de /sandbox/cast", Nearest: st.nearestPatients(r.Patient)}
	}
	c.Patient = p.INS
	if r.Mode == "bris_de_glace" {
		c.Traits = overridden(authz.Traits{Family: p.Family, Given: p.Given, BirthDate: compact(p.BirthDate)}, r.Traits)
	}
	return c, nil
}

// overridden fills the traits of the cast unless the request gives others.
func overridden(t authz.Traits, f *traitsField) authz.Traits {
	if f == nil {
		return t
	}
	if f.Family != nil {
		t.Family = *f.Family
	}
	if f.Given != nil {
		t.Given = *f.Given
	}
	if f.BirthDate != nil {
		t.BirthDate = compact(*f.BirthDate)
	}
	return t
}

func seconds(n *int) time.Duration {
	if n == nil {
		return 0
	}
	if *n == 0 {
		return time.Nanosecond // zero means "not said" to the issuers
	}
	return time.Duration(*n) * time.Second
}

// bearer is the same claims for the issuer of bearer tokens.
func bearer(c saml.Claims) iua.Claims {
	return iua.Claims{
		Nature: c.Nature, ID: c.ID, Name: c.Name, Profession: c.Profession, Specialty: c.Specialty, Structure: c.Structure,
		StructureName: c.StructureName, Mode: c.Mode, Reason: c.Reason, Traits: c.Traits, Patient: c.Patient, Secret: c.Secret,
		Reinforced: c.Reinforced, ExpiresIn: c.ExpiresIn, NotBefore: c.NotBefore, Audience: c.Audience, Issuer: c.Issuer,
		AuthnContext: c.AuthnContext, SecondRole: c.SecondRole, SecondPurpose: c.SecondPurpose, Omit: c.Omit,
	}
}
