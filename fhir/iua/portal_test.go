package iua

import (
	"encoding/json"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// A professional who signs in himself is read as a bearer token of his is, but that he
// feeds too, and that nothing of a request is his for ever.
func TestNominal(t *testing.T) {
	doctor := authz.Subject{Nature: authz.NaturePro, ID: canaryID, Name: "TEST ALICE", Profession: "10", Specialty: "SM26", Mode: authz.Normal,
		Structure: "1999999990", StructureName: "CABINET", Issuer: psc}
	regulator := doctor
	regulator.Regulator = true
	for name, c := range map[string]struct {
		more map[string]any
		want authz.Subject
		code string
	}{
		"a doctor":                  {nil, doctor, ""},
		"a regulator":               {map[string]any{"Acces_Regulation_Medicale": "VRAI", "Mode_Acces_Raison": "regulation"}, regulator, ""},
		"what is of a request":      {map[string]any{"mode": "bris_de_glace", "patient": "1^^^&1.2.3&ISO^NH", "reason": "x", "secret": true, "scope": "user/*.r", "client_id": "x"}, doctor, ""},
		"another issuer's name":     {map[string]any{"iss": "https://other.example"}, doctor, ""},
		"the card's level":          {map[string]any{"acr": "eidas1"}, doctor, ""},
		"a password alone":          {map[string]any{"acr": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"}, authz.Subject{}, "TOK-004"},
		"nobody":                    {map[string]any{"SubjectNameID": ""}, authz.Subject{}, "TOK-002"},
		"no professional":           {map[string]any{"SubjectRole": []string{"SECRETARIAT^1.2.250.1.213.1.1.4.6"}}, authz.Subject{}, "TOK-004"},
		"two professions":           {map[string]any{"SubjectRole": []string{"10^1.2.250.1.213.1.1.5.5", "21^1.2.250.1.213.1.1.5.5"}}, authz.Subject{}, "TOK-002"},
		"an own description beside": {map[string]any{"kind": "person"}, authz.Subject{}, "TOK-002"},
	} {
		raw, err := json.Marshal(told(canaryID, c.more))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Nominal(raw, psc)
		if code := codeOf(err); code != c.code {
			t.Errorf("%s: %v, want %q", name, err, c.code)
		} else if diff := gocmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, raw := range []string{``, `[]`, `{"sub":"8"}`, `{"SubjectNameID":"1","SubjectNameID":"2"}`} {
		if sub, err := Nominal([]byte(raw), psc); err == nil || sub.ID != "" {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

func codeOf(err error) string {
	all, _ := xds.FindingsOf(err)
	if len(all) == 0 {
		return ""
	}
	return all[0].ID
}
