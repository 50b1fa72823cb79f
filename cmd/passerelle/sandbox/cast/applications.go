package cast

import (
	"time"

	"github.com/passerelle-sante/passerelle/authz"
)

// Applications is the catalogue of the sandbox: fictitious services that patients may
// authorise, one that keeps their documents at hand, one of vaccinations alone.
func Applications() []authz.Application {
	const day = 24 * time.Hour
	return []authz.Application{
		{
			Client: "mes-documents", Name: "Mes documents", Publisher: "Éditeur fictif", Longest: 365 * day,
			Reach: authz.ReachOf([]string{"patient/DocumentReference.crs", "patient/Binary.r", "patient/List.rs", "patient/Patient.rs",
				"patient/Immunization.rs", "patient/ImmunizationRecommendation.rs", "patient/Provenance.r", "patient/Subscription.cruds"}, "patient"),
		},
		{
			Client: "carnet-vaccins", Name: "Carnet de vaccins", Publisher: "Association fictive", Longest: 90 * day,
			Reach: authz.ReachOf([]string{"patient/Immunization.crus", "patient/ImmunizationRecommendation.rs", "patient/DocumentReference.rs"}, "patient"),
			Types: []string{"87273-9^^2.16.840.1.113883.6.1", "11369-6^^2.16.840.1.113883.6.1"},
		},
	}
}
