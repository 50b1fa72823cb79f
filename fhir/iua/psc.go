package iua

import (
	"encoding/json"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// oidPSCRole is the system of the professions of SubjectRole.
const oidPSCRole = "1.2.250.1.213.1.1.5.5"

// exercise is one exercice of SubjectRefPro: a profession and what it is practised as.
type exercise struct {
	Profession    string `json:"codeProfession"`
	ExpertiseType string `json:"codeTypeSavoirFaire"`
	Expertise     string `json:"codeSavoirFaire"`
	Activities    []struct {
		Section string `json:"codeSectionPharmacien"`
	} `json:"activities"`
}

// proSanteConnect reads the description of a bearer by Pro Santé Connect (domain
// §4). It is an indirect reinforced authentication: it reads, and never feeds
// (policy C-13). Claims of the two descriptions in one token are refused: they
// could say two things.
func (c claims) proSanteConnect(sub *authz.Subject) *xds.Error {
	for _, name := range []string{"kind", "profession", "specialty", "structure", "structure_name", "air"} {
		if _, mixed := c[name]; mixed {
			return refuse("TOK-002", name, "à côté de SubjectNameID", "une seule description du porteur")
		}
	}
	var family, given string
	if err := c.fill(member{"SubjectNameID", &sub.ID}, member{"SubjectOrganizationID", &sub.Structure}, member{"SubjectOrganization", &sub.StructureName},
		member{"family_name", &family}, member{"given_name", &given}); err != nil {
		return err
	}
	sub.Name = strings.TrimSpace(family + " " + given)
	sub.Nature, sub.Reinforced = authz.NaturePro, true
	roles, err := c.texts("SubjectRole")
	if err != nil {
		return err
	}
	if len(roles) != 1 {
		return refuse("TOK-002", "SubjectRole", "aucune profession, ou plusieurs", "exactement une profession")
	}
	code, system, _ := strings.Cut(roles[0], "^")
	sub.Profession = code
	if system != oidPSCRole {
		sub.Nature = authz.NatureOther
	}
	sub.Specialty, err = c.specialty(code)
	return err
}

// specialty is the specialty, or the section of a pharmacist, of the exercises of
// a profession. Several are refused: to choose could hide the occupational
// physician.
func (c claims) specialty(profession string) (string, *xds.Error) {
	raw, given := c["SubjectRefPro"]
	if !given {
		return "", nil
	}
	var ref struct {
		Exercises []exercise `json:"exercices"`
	}
	if json.Unmarshal(raw, &ref) != nil || len(ref.Exercises) > maxList {
		return "", refuse("TOK-002", "SubjectRefPro", "mal formé", "des exercices")
	}
	found := map[string]bool{}
	for _, e := range ref.Exercises {
		if e.Profession != profession {
			continue
		}
		if e.Expertise != "" && (e.ExpertiseType == "S" || e.ExpertiseType == "") {
			found[e.Expertise] = true
		}
		for _, a := range e.Activities {
			if a.Section != "" {
				found[a.Section] = true
			}
		}
	}
	if len(found) > 1 {
		return "", refuse("TOK-002", "SubjectRefPro", "plusieurs spécialités", "une seule pour la profession du jeton")
	}
	for s := range found {
		return s, nil
	}
	return "", nil
}
