package france

import (
	"slices"
	"strings"

	a "github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/matrix"
)

// Version names this reading of the seeds; it changes with the table.
const Version = "france-1"

// occupational is the savoir-faire of occupational medicine.
const occupational = "SM25"

// professions are the codes of health professions (TRE_G15) and the role codes
// of the social sector (TRE_R94, R95, R291); any other is of kind other.
var professions = []string{
	"10", "21", "26", "28", "31", "32", "35", "36", "37", "38", "39", "40", "50", "60", "69", "70", "80", "81", "82", "83",
	"84", "85", "86", "91", "92", "93", "94", "95", "96", "98", "R94", "R95", "R291",
}

// Professions are the codes whose bearers are professionals, and that a column of
// the matrix may stand for.
func Professions() []string { return slices.Clone(professions) }

// New is the French policy over one version of the matrix.
func New(m *matrix.Matrix, o matrix.Options) *a.Policy {
	return &a.Policy{
		Version:       Version,
		Rules:         Rules,
		Types:         m.TypesOf(o),
		MatrixVersion: m.Version,
		Professions:   professionsOf(m, o),
		Pro:           func(profession string) bool { return slices.Contains(professions, profession) },
		Occupational:  func(s a.Subject) bool { return s.Specialty == occupational },
	}
}

// professionsOf are the columns of a matrix that are in force, each by its first code. An
// alias is told where it is chosen by a specialty; what a label says in brackets is for
// those who read the tables.
func professionsOf(m *matrix.Matrix, o matrix.Options) (all []a.Profession) {
	for _, c := range m.Columns {
		if c.Provisional && !o.Provisional || len(c.Professions) == 0 {
			continue
		}
		label, _, _ := strings.Cut(c.Label, " (")
		p := a.Profession{Label: label, Code: c.Professions[0]}
		if len(c.Specialties) > 0 {
			p.Specialty = c.Specialties[0]
		}
		all = append(all, p)
	}
	return all
}
