package sandbox

import (
	"reflect"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

// The same bearer becomes the same Subject on both faces, whoever he is and
// whatever he asks for: rights cannot depend on the form of a token.
func TestBothFormsMakeOneSubject(t *testing.T) {
	s, _ := open(t, Options{})
	st := s.cast()
	vihf, err := saml.New(saml.Config{Issuers: s.Service.VIHF, Audience: s.Base + "/xds", Now: s.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	bearers, err := iua.New(iua.Config{Issuers: s.Service.Tokens, Audience: s.Base, Now: s.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"patient:alice", "rep:chloe", "rep:chloe:2", "delegate:alice"}
	for _, p := range st.Professionals {
		names = append(names, p.Name)
	}
	other := "ZZZ"
	for _, as := range names {
		for _, r := range []tokenRequest{
			{As: as}, {As: as, Patient: "chloe"}, {As: as, Patient: "alice", Mode: "centre_15"}, {As: as, Patient: "alice", Secret: true},
			{As: as, Patient: "alice", Mode: "bris_de_glace", Reason: "coma"}, {As: as, Patient: "alice", AIR: true},
			{As: as, Patient: "alice", Mode: "bris_de_glace", Traits: &traitsField{Family: &other}},
		} {
			claims, err := st.claims(r)
			if err != nil {
				t.Fatal(err)
			}
			assertion, err := s.vihf.Issue(claims)
			if err != nil {
				t.Fatal(err)
			}
			token, err := s.tokens.Issue(bearer(claims))
			if err != nil {
				t.Fatal(err)
			}
			one, err1 := vihf.Verify(assertion)
			two, err2 := bearers.Verify(token)
			if (err1 == nil) != (err2 == nil) {
				t.Errorf("%+v: VIHF %v, token %v", r, err1, err2)
			}
			if one, two := plain(one), plain(two); !reflect.DeepEqual(one, two) {
				t.Errorf("%+v:\nVIHF  %+v\ntoken %+v", r, one, two)
			}
		}
	}
}

// plain leaves out what names the token rather than its bearer.
func plain(s authz.Subject) authz.Subject {
	s.TokenID, s.Issuer, s.Expires, s.StructureName = "", "", time.Time{}, ""
	return s
}

// The structure of a token may be given by the name of a structure, as everywhere in
// the sandbox; any other text is taken as it is.
func TestStructureOverride(t *testing.T) {
	s, _ := open(t, Options{})
	st := s.cast()
	for given, want := range map[string]string{"chu-lille": "1599990017", "1599990017": "1599990017", "1234": "1234", "": "", "dr-durand": "dr-durand"} {
		claims, err := st.claims(tokenRequest{As: "ide-nadia", Structure: &given})
		if err != nil || claims.Structure != want {
			t.Errorf("%q: %q %v, want %q", given, claims.Structure, err, want)
		}
	}
}
