package iua

import (
	"encoding/json"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// Nominal reads what Pro Santé Connect says of a professional who has just signed in at
// one of the gateway's own pages: the verified claims of his ID token and UserInfo, by the
// mapping of the bearer tokens. He stands at the other end himself, with his card or his
// e-CPS: that is no indirect authentication by a structure's software, and what C-13 keeps
// from feeding. Mode, patient and reason are those of each later request, never of a sign-in.
func Nominal(raw []byte, issuer string) (authz.Subject, error) {
	c, bad := object(raw)
	if bad != nil {
		return authz.Subject{}, refuse("TOK-002", "userinfo", "mal formé", "un objet JSON")
	}
	if _, psc := c["SubjectNameID"]; !psc {
		return authz.Subject{}, refuse("TOK-002", "SubjectNameID", "absent", "l'identifiant national du professionnel")
	}
	name, bad := json.Marshal(issuer)
	if bad != nil {
		return authz.Subject{}, refuse("TOK-007", "iss", "illisible", "un émetteur")
	}
	c["iss"] = name
	for _, ofRequests := range []string{"mode", "patient", "reason", "patient_family", "patient_given", "patient_birthdate", "Mode_Acces_Raison", "secret", "scope", "client_id", "azp", "extensions"} {
		delete(c, ofRequests)
	}
	sub, err := c.subject(nil)
	if err != nil {
		return authz.Subject{}, err
	}
	if sub.Nature != authz.NaturePro {
		return authz.Subject{}, &xds.Error{ID: "TOK-004", Where: "SubjectRole", Expected: "un professionnel de santé, en son nom"}
	}
	sub.Reinforced = false
	return sub, nil
}
