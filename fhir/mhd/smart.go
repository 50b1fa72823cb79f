package mhd

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
)

// smartConfiguration is what a client of SMART App Launch 2.2 learns before it has a
// token (conformance, .well-known/smart-configuration). We are a resource server: the
// authorisation server is the operator's, and only a sandbox has an endpoint to name.
type smartConfiguration struct {
	TokenEndpoint string   `json:"token_endpoint,omitempty"`
	JWKS          string   `json:"jwks_uri,omitempty"`
	Grants        []string `json:"grant_types_supported"`
	Challenges    []string `json:"code_challenge_methods_supported"`
	Scopes        []string `json:"scopes_supported"`
	Capabilities  []string `json:"capabilities"`
}

// smart answers GET .well-known/smart-configuration; its scopes are those of the routes.
func (s *Server) smart(c *call) error {
	body, err := json.Marshal(smartConfiguration{
		TokenEndpoint: s.TokenEndpoint, JWKS: s.JWKS, Grants: []string{}, Challenges: []string{},
		Scopes: supported(s.routes), Capabilities: []string{"permission-patient", "permission-user", "permission-v1", "permission-v2"},
	})
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json")
	_, _ = c.w.Write(body) // the client may be gone
	return nil
}

// supported are the scopes that reach some route: of users all, of patients those that
// an application can be granted.
func supported(routes []route) []string {
	reached := map[string]string{}
	for _, rt := range routes {
		if asked := rt.asks(); !rt.open && asked.Resource != "" && asked.Letter != "" {
			reached[asked.Resource] += asked.Letter
		}
	}
	var scopes []string
	for _, level := range []string{"patient", "user"} {
		for _, resource := range slices.Sorted(maps.Keys(reached)) {
			var acts strings.Builder
			for _, letter := range "cruds" {
				i := authz.Interaction{Resource: resource, Letter: string(letter)}
				if strings.ContainsRune(reached[resource], letter) && (level == "user" || authz.OfApplications.Allows(i)) {
					acts.WriteRune(letter)
				}
			}
			if acts.Len() > 0 {
				scopes = append(scopes, level+"/"+resource+"."+acts.String())
			}
		}
	}
	return scopes
}
