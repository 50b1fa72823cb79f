package sandbox

import (
	"crypto"
	"crypto/rand"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/oidc"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/console"
	"github.com/passerelle-sante/passerelle/signin"
)

// The addresses of the providers of identities that the sandbox has in itself.
const (
	pscPath           = "/sandbox/oidc/psc"
	franceConnectPath = "/sandbox/oidc/franceconnect"
)

// openProviders makes the two providers of identities, and the gateway one who relies on
// them as it does in production: by their addresses alone.
func (s *Sandbox) openProviders(key crypto.Signer) service.SignIn {
	secret := rand.Text()
	client := func(redirect, back string) map[string]oidc.Client {
		return map[string]oidc.Client{"passerelle": {Secret: secret, Redirects: []string{s.Base + redirect}, Backs: []string{s.Base + back}}}
	}
	s.psc = &oidc.Provider{Issuer: s.Base + pscPath, Title: "Pro Santé Connect", Level: "eidas2", Key: key, Now: s.clock.Now, People: s.professionalPeople,
		Wording: "Ici, un professionnel s’authentifie avec sa e-CPS ou sa carte CPS.", Clients: client(console.PSCBack, "/pro/connexion")}
	s.franceConnect = &oidc.Provider{Issuer: s.Base + franceConnectPath, Title: "FranceConnect", Level: "eidas1", Key: key, Now: s.clock.Now, People: s.frenchPeople,
		Wording: "Ici, une personne s’identifie avec un compte qu’elle a déjà.", Clients: client(console.FranceConnectBack, "/patient/connexion")}
	relying := func(issuer, level string, scopes ...string) *signin.Relying {
		return &signin.Relying{Issuer: issuer, ClientID: "passerelle", Secret: func() string { return secret }, Scopes: append([]string{"openid"}, scopes...), Level: level}
	}
	return service.SignIn{PSC: relying(s.psc.Issuer, "eidas1", "scope_all"), FranceConnect: relying(s.franceConnect.Issuer, "eidas1", "identite_pivot", "email"),
		Samples: console.Samples{Password: samplePassword, People: s.samples}}
}

// providers adds their pages and calls.
func (s *Sandbox) providers(r gin.IRouter) {
	for path, p := range map[string]*oidc.Provider{pscPath: s.psc, franceConnectPath: s.franceConnect} {
		h := gin.WrapH(p.Handler())
		r.GET(path+"/*what", h)
		r.POST(path+"/*what", h)
	}
}

// who is who in the cast, in a sentence: what each one shows of the gateway.
var sentences = map[string]string{
	"alice":       "Adulte, réglages d’origine ; Léo l’aide.",
	"bruno":       "Tous ses documents sont masqués ; rien de masqué ne s’ouvre en urgence.",
	"chloe":       "Mineure : ses deux parents la représentent, elle n’a pas d’accès elle-même.",
	"david":       "A refusé tout accès en urgence, au Samu comme aux autres.",
	"emma":        "A fermé son espace santé il y a deux ans.",
	"farid":       "S’est opposé à la création de son espace santé.",
	"gina":        "Un résultat lui est caché jusqu’à sa consultation d’annonce.",
	"leo":         "Proche d’Alice, qui lui a délégué l’accès.",
	"rep:chloe":   "Mère de Chloé, 15 ans.",
	"rep:chloe:2": "Père de Chloé, 15 ans.",
	"dr-traitant": "Médecin traitant de la plupart des patients : voit aussi ce qui est masqué.",
	"dr-durand":   "Médecin généraliste, avec l’accord d’Alice, Bruno, Chloé et Gina.",
	"dr-hopital":  "Médecin hospitalier, dans l’équipe de soins d’Alice.",
	"dr-bloque":   "Médecin généraliste qu’Alice a bloqué.",
	"ide-nadia":   "Infirmière, dans l’équipe de soins d’Alice.",
	"podo-paul":   "Pédicure-podologue, avec l’accord d’Alice.",
	"dent-rose":   "Chirurgienne-dentiste, avec l’accord d’Alice.",
	"samu-31":     "Médecin régulatrice du Samu : consulte en mode centre 15.",
	"dr-urg":      "Médecin urgentiste, sans lien avec personne : bris de glace.",
	"dr-inconnu":  "Médecin généraliste à Brest, que personne ne connaît.",
}

// professionalPeople are whom Pro Santé Connect knows: the nominal professionals.
func (s *Sandbox) professionalPeople() (all []oidc.Person) {
	for _, p := range s.cast().Professionals {
		if p.Kind != "pro" {
			continue
		}
		exercise := map[string]any{"codeProfession": p.Profession, "codeCategorieProfessionnelle": "C", "activities": []any{map[string]any{"raisonSocialeSite": p.StructureName}}}
		if strings.HasPrefix(p.Specialty, "S") {
			exercise["codeTypeSavoirFaire"], exercise["codeSavoirFaire"] = "S", p.Specialty
		} else if p.Specialty != "" {
			exercise["activities"] = []any{map[string]any{"codeSectionPharmacien": p.Specialty}}
		}
		regulates := map[bool]string{true: "VRAI", false: "FAUX"}[p.Regulator]
		all = append(all, oidc.Person{Key: p.Name, Name: p.Given + " " + p.Family, Sentence: sentences[p.Name], Claims: map[string]any{
			"sub": "f:bac-a-sable:" + p.ID, "SubjectNameID": p.ID, "preferred_username": p.ID, "family_name": p.Family, "given_name": p.Given,
			"SubjectRole": []string{p.Profession + "^1.2.250.1.213.1.1.5.5"}, "SubjectOrganization": p.StructureName, "SubjectOrganizationID": p.Structure,
			"SubjectRefPro": map[string]any{"exercices": []any{exercise}}, "Acces_Regulation_Medicale": regulates, "authMode": "MOBILE",
		}})
	}
	return all
}

// frenchPeople are whom FranceConnect knows: the patients, and somebody who is none.
func (s *Sandbox) frenchPeople() (all []oidc.Person) {
	for _, p := range s.cast().Patients {
		ins := p.INS.ID()
		if len(ins) != 15 {
			continue
		}
		all = append(all, oidc.Person{Key: p.Name, Name: p.Given + " " + p.Family, Sentence: sentences[p.Name],
			Claims: pivot("fc-"+p.Record, p.Family, p.Given, p.BirthDate, p.Sex, ins[5:10], p.Name+"@sandbox.invalid")})
	}
	return append(all, oidc.Person{Key: "personne", Name: "Zoé SANSDOSSIER", Sentence: "N’a pas d’espace santé.",
		Claims: pivot("fc-personne", "SANSDOSSIER", "Zoé", "1999-12-31", "F", "59999", "personne@sandbox.invalid")})
}

// pivot is an identité pivot.
func pivot(sub, family, given, born, sex, place, mail string) map[string]any {
	gender := "female"
	if sex == "M" {
		gender = "male"
	}
	return map[string]any{"sub": sub, "family_name": family, "given_name": given, "birthdate": born, "gender": gender,
		"birthplace": place, "birthcountry": "99100", "email": mail}
}

// samples are the accounts that the sign-in page of the sandbox offers.
func (s *Sandbox) samples() (all []console.Sample) {
	st := s.cast()
	for _, a := range st.accounts() {
		all = append(all, console.Sample{Login: a.login, Name: a.name, Sentence: sentences[a.as]})
	}
	return all
}

// accountHolder is a person of the cast who has an account.
type accountHolder struct{ as, login, name, person string }

// accounts are those of the cast: holders of age whose record is or was active, all
// representatives, all relatives.
func (st *state) accounts() (all []accountHolder) {
	for _, p := range st.Patients {
		if profile := profileValue(p.State); (profile == authz.ProfileActive || profile == authz.ProfileClosed) && len(p.Representatives) == 0 {
			all = append(all, accountHolder{p.Name, p.Name, p.Given + " " + p.Family, p.Record})
		}
		for _, x := range p.Representatives {
			all = append(all, accountHolder{x.As, loginOf(x.As), x.Given + " " + x.Family, x.ID})
		}
		for _, x := range p.Delegates {
			login := x.Name
			if login == "" {
				login = loginOf(x.As)
			}
			all = append(all, accountHolder{login, login, x.Given + " " + x.Family, x.ID})
		}
	}
	return all
}

// loginOf is the identifier of a member of the cast: alice, rep.chloe.2.
func loginOf(as string) string {
	return strings.ReplaceAll(strings.TrimPrefix(as, "patient:"), ":", ".")
}
