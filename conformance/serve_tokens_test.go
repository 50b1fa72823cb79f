package conformance_test

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir/iua"
)

// provider is a Pro Santé Connect of the site: it knows the token of one physician, and
// its certificate is psc.pem. It answers the address of its UserInfo endpoint.
func (s *site) provider(t *testing.T) string {
	t.Helper()
	traitant, _ := s.people.Professional("dr-traitant")
	answer, err := json.Marshal(map[string]any{
		"sub": "f:0:" + traitant.ID, "SubjectNameID": traitant.ID, "family_name": traitant.Family, "given_name": traitant.Given,
		"SubjectOrganizationID": traitant.Structure.ID, "SubjectOrganization": traitant.Structure.Name, "SubjectRole": []string{traitant.Profession + "^1.2.250.1.213.1.1.5.5"},
		"Mode_Acces_Raison": "", "Acces_Regulation_Medicale": "FAUX", "authMode": "CARD",
		"SubjectRefPro": map[string]any{"exercices": []any{map[string]any{"codeProfession": traitant.Profession, "codeTypeSavoirFaire": "S", "codeSavoirFaire": traitant.Specialty}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/userinfo" || r.Header.Get("Authorization") != "Bearer jeton-opaque-du-traitant" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write(answer)
	}))
	t.Cleanup(web.Close)
	s.write(t, "psc.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}))
	return web.URL + "/userinfo"
}

// opaque: a token that says nothing is that of whom its provider names, who reads and
// never feeds (C-13); what is wrong with a token is told by its code alone, and the
// configuration of SMART names no endpoint that is not there.
func (s *site) opaque(t *testing.T) {
	t.Helper()
	known := &kitBearer{token: "jeton-opaque-du-traitant"}
	if got := s.findReferences(t, known, s.patient, ""); got.code != "" || len(got.ids) == 0 {
		t.Errorf("an opaque token: %s", got.whole)
	}
	if got := s.findReferences(t, &kitBearer{token: "jeton-opaque-de-personne"}, s.patient, ""); got.code != "TOK-002" {
		t.Errorf("an opaque token of nobody: %s", got.whole)
	}
	expired, err := s.tokens.Issue(iua.Claims{Nature: authz.NaturePro, ID: "8", Profession: "10", Patient: s.patient.INS, ExpiresIn: -time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	answer := s.call(t, http.MethodGet, "/fhir/DocumentReference", expired, nil)
	challenge := answer.header.Get("WWW-Authenticate")
	if answer.status != 401 || !strings.Contains(challenge, "TOK-003") || strings.Contains(challenge, "exp\"") || strings.Contains(string(answer.body), "expression") {
		t.Errorf("an expired token: %d %s %s", answer.status, challenge, answer.body)
	}
	smart := s.call(t, http.MethodGet, "/fhir/.well-known/smart-configuration", "", nil)
	if smart.status != 200 || strings.Contains(string(smart.body), "token_endpoint") || !strings.Contains(string(smart.body), "patient/DocumentReference") {
		t.Errorf("SMART: %d %s", smart.status, smart.body)
	}
	if all := s.call(t, http.MethodGet, "/api/v1/applications", s.as(t, "dr-traitant", s.patient.INS).token, nil); all.status != 200 || !strings.Contains(string(all.body), `"client":"suivi"`) {
		t.Errorf("catalogue: %d %s", all.status, all.body)
	}
}
