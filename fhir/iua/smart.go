package iua

import (
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// client reads for whom the token was issued and how far its SMART scopes reach (SMART
// App Launch 2, scopes and launch context). A person's token of a client that is none
// of the operator's own is that of an application: it names its patient, and nothing
// but what its scopes of that patient say. Scopes that are none of SMART (openid,
// ITI-68) limit nobody.
func (c claims) client(sub *authz.Subject, portals []string) *xds.Error {
	var id, azp, scope string
	if err := c.fill(member{"client_id", &id}, member{"azp", &azp}, member{"scope", &scope}); err != nil {
		return err
	}
	if id != "" && azp != "" && id != azp {
		return refuse("TOK-002", "azp", "autre que client_id", "un seul client")
	}
	if id == "" {
		id = azp
	}
	scopes := strings.Fields(scope)
	person := sub.Nature == authz.NaturePerson
	ofPatient := slices.ContainsFunc(scopes, func(s string) bool { return strings.HasPrefix(s, "patient/") })
	switch {
	case person && id == "" && ofPatient:
		return refuse("TOK-002", "client_id", "absent", "l'application dont les portées sont celles du patient")
	case person && id != "" && !slices.Contains(portals, id):
		if sub.Patient == "" {
			return refuse("TOK-002", "patient", "absent", "l'INS du patient pour qui l'application agit")
		}
		sub.Application = id
	}
	sub.Scoped = sub.Application != "" || slices.ContainsFunc(scopes, smart)
	if sub.Scoped {
		sub.Scopes = authz.ReachOf(scopes, levelsOf(*sub)...)
	}
	return nil
}

// smart tells whether a scope is one of SMART's on resources.
func smart(scope string) bool {
	level, _, found := strings.Cut(scope, "/")
	return found && slices.Contains([]string{"patient", "user", "system"}, level)
}

// levelsOf are the levels that count in a token: those of one patient where it names him.
func levelsOf(sub authz.Subject) []string {
	switch {
	case sub.Application != "":
		return []string{"patient"}
	case sub.Nature == authz.NatureStructure:
		return []string{"system", "user"}
	case sub.Patient != "":
		return []string{"user", "patient"}
	}
	return []string{"user"}
}
