package iua

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// TestClient checks who is taken for an application, and how far scopes reach.
func TestClient(t *testing.T) {
	type limits struct {
		Application string
		Scoped      bool
		Scopes      authz.Reach
	}
	holder := Claims{Nature: authz.NaturePerson, ID: "r-1", Patient: testPatient}
	as := func(c Claims, client, scope string) Claims { c.Client, c.Scope = client, scope; return c }
	unbound := holder
	unbound.Patient = ""
	structure := Claims{Nature: authz.NatureStructure, ID: "bio", Structure: "1"}
	for _, test := range []struct {
		name   string
		claims Claims
		more   map[string]any
		want   limits
		id     string
	}{
		{"the patient himself", holder, nil, limits{}, ""},
		{"the patient on the operator's portal", as(holder, "portal", "openid profile"), nil, limits{}, ""},
		{"the portal with scopes", as(holder, "portal", "patient/List.rs"), nil, limits{"", true, "List.rs"}, ""},
		{"an application", as(holder, "tracker", "openid patient/DocumentReference.rs patient/Immunization.cruds"), nil, limits{"tracker", true, "DocumentReference.rs Immunization.cruds"}, ""},
		{"an application, by azp", as(holder, "", "patient/DocumentReference.read"), map[string]any{"azp": "tracker"}, limits{"tracker", true, "DocumentReference.rs"}, ""},
		{"an application without scopes", as(holder, "tracker", ""), nil, limits{"tracker", true, ""}, ""},
		{"scopes of users are none of an application's", as(holder, "tracker", "user/*.cruds system/*.cruds"), nil, limits{"tracker", true, ""}, ""},
		{"a physician's software", as(doctor(), "lgc", "openid"), nil, limits{}, ""},
		{"with scopes", as(doctor(), "lgc", "user/DocumentReference.rs patient/List.rs system/*.cruds"), nil, limits{"", true, "DocumentReference.rs List.rs"}, ""},
		{"scopes of IUA", as(doctor(), "lgc", "ITI-67 ITI-68"), nil, limits{}, ""},
		{"a structure", as(structure, "lab", "system/DocumentReference.c patient/*.cruds"), nil, limits{"", true, "DocumentReference.c"}, ""},

		{"scopes of a patient without a client", as(holder, "", "patient/DocumentReference.rs"), nil, limits{}, "TOK-002"},
		{"an application that names no patient", as(unbound, "tracker", "patient/DocumentReference.rs"), nil, limits{}, "TOK-002"},
		{"two clients", as(holder, "portal", ""), map[string]any{"azp": "tracker"}, limits{}, "TOK-002"},
		{"scope of another type", holder, map[string]any{"scope": []string{"patient/*.rs"}}, limits{}, "TOK-002"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := testVerifier(t, rsaKey())
			v.config.Portals = []string{"portal"}
			token := must(testIssuer(rsaKey()).Issue(test.claims))
			if test.more != nil {
				kept := must(object(must(decoded(token))))
				claims := map[string]any{}
				for name, raw := range kept {
					claims[name] = raw
				}
				for name, value := range test.more {
					claims[name] = value
				}
				token = must(testIssuer(rsaKey()).sign(claims, false))
			}
			sub, err := v.Verify(token)
			if test.id != "" {
				refused(t, err, test.id)
				return
			}
			if diff := cmp.Diff(test.want, limits{sub.Application, sub.Scoped, sub.Scopes}); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
}

func decoded(token string) ([]byte, error) {
	_, payload, ok := decode(token)
	if !ok {
		return nil, errors.New("no JWT")
	}
	return payload, nil
}

// TestExplain checks that the failing claim is told in a sandbox alone, and to the
// operator always.
func TestExplain(t *testing.T) {
	expired := doctor()
	expired.ExpiresIn = -time.Hour
	token := must(testIssuer(rsaKey()).Issue(expired))
	for _, explain := range []bool{true, false} {
		var heard string
		v := testVerifier(t, rsaKey())
		v.config.Explain, v.config.Refused = explain, func(e *xds.Error) { heard = e.ID + " " + e.Where }
		_, err := v.Verify(token)
		refused(t, err, "TOK-003")
		var told *xds.Error
		if errors.As(err, &told); (told.Where == "exp") != explain || (told.Found != "") != explain {
			t.Errorf("explain %v: %+v", explain, told)
		}
		if heard != "TOK-003 exp" {
			t.Errorf("heard %q", heard)
		}
	}
}
