package iua

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/authz"
)

// TestIUA checks that the claims of the IUA extension become the Subject of the same
// VIHF, alone or beside another description, and that no two say two things.
func TestIUA(t *testing.T) {
	type fields = map[string]any
	physician, family := fields{"system": "urn:oid:1.2.250.1.71.1.2.7", "code": "10"}, fields{"system": "urn:oid:1.2.250.1.71.4.2.5", "code": "SM26"}
	purpose := func(code string) fields { return fields{"system": "urn:oid:" + oidMode, "code": code} }
	full := fields{
		"subject_name": "TEST Alice", "subject_organization": "CABINET", "subject_organization_id": "urn:oid:1.2.250.1.71.4.2.2.1999999990",
		"subject_role": []any{physician, family}, "purpose_of_use": []any{purpose("normal")}, "home_community_id": "urn:oid:1.2.3",
		"national_provider_identifier": canaryID, "person_id": string(testPatient),
	}
	base := fields{"iss": testBase, "aud": testBase, "exp": testNow.Add(Lifetime).Unix(), "sub": "compte-17"}
	want := authz.Subject{
		Nature: authz.NaturePro, ID: canaryID, Name: "TEST Alice", Profession: "10", Specialty: "SM26", Structure: "1999999990",
		StructureName: "CABINET", Patient: testPatient, Issuer: testBase, Expires: testNow.Add(Lifetime),
	}
	psc := fields{"SubjectNameID": canaryID, "SubjectRole": "10^1.2.250.1.213.1.1.5.5", "family_name": "TEST", "given_name": "Alice"}
	for _, test := range []struct {
		name      string
		ihe, more fields
		want      func(*authz.Subject) // nil: refused
	}{
		{"alone", nil, nil, func(*authz.Subject) {}},
		{"single codings, systems of the NOS", fields{"subject_role": fields{"system": "https://mos.esante.gouv.fr/NOS/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante", "code": "60"},
			"purpose_of_use": purpose("normal")}, nil, func(s *authz.Subject) { s.Profession, s.Specialty = "60", "" }},
		{"bris de glace", fields{"purpose_of_use": purpose("bris_de_glace")}, fields{"reason": "inconscient"}, func(s *authz.Subject) { s.Mode, s.Reason = authz.BrisDeGlace, "inconscient" }},
		{"centre 15", fields{"purpose_of_use": purpose("centre_15")}, nil, func(s *authz.Subject) { s.Mode = authz.Centre15 }},
		{"no purpose", fields{"purpose_of_use": nil}, nil, func(*authz.Subject) {}},
		{"sub is the national identifier", fields{"national_provider_identifier": nil}, fields{"sub": canaryID}, func(*authz.Subject) {}},
		{"holder", fields{"subject_role": fields{"system": "urn:oid:" + oidA00, "code": "EXP_PATIENT"}, "national_provider_identifier": nil}, nil,
			func(s *authz.Subject) {
				s.Nature, s.ID, s.Profession, s.Specialty = authz.NaturePerson, "compte-17", "", ""
			}},
		{"software", fields{"subject_role": fields{"system": "urn:oid:" + oidA00, "code": "AUTOMATE"}}, nil,
			func(s *authz.Subject) { s.Nature, s.Profession, s.Specialty = authz.NatureStructure, "", "" }},
		{"profession of another system", fields{"subject_role": fields{"system": "http://snomed.info/sct", "code": "10"}}, nil,
			func(s *authz.Subject) { s.Nature, s.Specialty = authz.NatureOther, "" }},
		{"no role", fields{"subject_role": nil}, nil, func(s *authz.Subject) { s.Nature, s.Profession, s.Specialty = authz.NatureOther, "", "" }},
		{"beside our own claims", nil, fields{"sub": canaryID, "kind": "pro", "profession": "10", "specialty": "SM26", "structure": "1999999990", "patient": string(testPatient), "mode": "normal"},
			func(*authz.Subject) {}},
		{"beside Pro Santé Connect", nil, psc, func(s *authz.Subject) { s.Reinforced = true }},

		{"another profession", nil, fields{"profession": "60"}, nil},
		{"another specialty", nil, fields{"profession": "10", "specialty": "SM25"}, nil},
		{"another structure", nil, fields{"structure": "1"}, nil},
		{"another patient", nil, fields{"patient": "1^^^&1.2&ISO^NH"}, nil},
		{"another mode", fields{"purpose_of_use": purpose("centre_15")}, fields{"mode": "normal"}, nil},
		{"another kind", nil, fields{"sub": canaryID, "kind": "other"}, nil},
		{"another identifier", nil, fields{"kind": "pro", "profession": "10"}, nil},
		{"another identifier than Pro Santé Connect's", fields{"national_provider_identifier": "899900000012"}, psc, nil},
		{"two professions", fields{"subject_role": []any{physician, physician}}, nil, nil},
		{"two purposes", fields{"purpose_of_use": []any{purpose("normal"), purpose("centre_15")}}, nil, nil},
		{"purpose empty", fields{"purpose_of_use": []any{}}, nil, nil},
		{"purpose of another system", fields{"purpose_of_use": fields{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "TREAT"}}, nil, nil},
		{"purpose unknown", fields{"purpose_of_use": purpose("recherche")}, nil, nil},
		{"purpose not a coding", fields{"purpose_of_use": "normal"}, nil, nil},
		{"patient malformed", fields{"person_id": "279035121518989"}, nil, nil},
		{"name of another type", fields{"subject_name": 1}, nil, nil},
		{"extensions not an object", nil, fields{"extensions": "x"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			ihe, claims := maps.Clone(full), maps.Clone(base)
			maps.Copy(ihe, test.ihe)
			maps.DeleteFunc(ihe, func(_ string, v any) bool { return v == nil })
			claims["extensions"] = fields{"ihe_iua": ihe, "ihe_bppc": fields{"doc_id": "urn:oid:1.2"}}
			maps.Copy(claims, test.more)
			got, err := testVerifier(t, rsaKey()).Verify(must(testIssuer(rsaKey()).sign(claims, false)))
			if test.want == nil {
				refused(t, err, "TOK-002")
				return
			}
			expected := want
			test.want(&expected)
			if diff := cmp.Diff(expected, got); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
	kid := must(testIssuer(rsaKey()).jwk()).KeyID
	twice := signedWith(t, rsaKey(), `{"alg":"RS256","kid":"`+kid+`"}`, strings.Replace(`{"iss":"B","aud":"B","exp":1795342000,"sub":"x","extensions":{"ihe_iua":{"subject_name":"a","subject_name":"b"}}}`, `"B"`, `"`+testBase+`"`, 2))
	_, err := testVerifier(t, rsaKey()).Verify(twice)
	refused(t, err, "TOK-002")
}
