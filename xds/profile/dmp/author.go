package dmp

import (
	"slices"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/profile"
)

// professionals is the authority of the national ids of professionals (PS_IdNat).
const professionals = "1.2.250.1.71.4.2.1"

// submissionAuthor demands that SubmissionSet.author is the identity of the token
// (META-011, policy §1.1 author):
//   - a professional: his national id, and, when both the token and the author name
//     a structure, that of the token among his institutions;
//   - a structure: the structure, and no person;
//   - the patient side: a person, who must not carry the id of a professional.
//
// That the set has exactly one author is a row.
func submissionAuthor(r *profile.Report) {
	if len(r.Lot.Set.Authors) != 1 {
		return
	}
	a, d := &r.Lot.Set.Authors[0], r.Context.Depositor
	place := r.SetPlace(xds.AttrAuthor)
	place.Rank = 1
	wrong := func(part, expected string) {
		place.Part = part
		r.Add(place, &xds.Error{ID: "META-011", Expected: expected})
	}
	switch d.Kind {
	case profile.Professional:
		if d.ID == "" || a.Person.ID() != d.ID {
			wrong("authorPerson", "l'identifiant national du jeton en première composante")
		}
		if d.Structure != "" && len(a.Institutions) > 0 && !inStructure(a, d.Structure) {
			wrong("authorInstitution", "la structure du jeton (XON.10), ou aucune")
		}
	case profile.Structure:
		if a.Person != "" {
			wrong("authorPerson", "aucune personne : le jeton est celui d'une structure")
		}
		if d.Structure == "" || !inStructure(a, d.Structure) {
			wrong("authorInstitution", "la structure du jeton (XON.10)")
		}
	default:
		if a.Person == "" || a.Person.Authority() == professionals {
			wrong("authorPerson", "le patient ou son représentant, sous son INS (type NH)")
		}
	}
}

// inStructure tells whether an author is of a structure; structures are compared on XON.10.
func inStructure(a *xds.Author, id string) bool {
	return slices.ContainsFunc(a.Institutions, func(x xds.XON) bool { return x.ID() == id })
}
