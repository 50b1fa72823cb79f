package conformance_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// badBearers are tokens that no call may take, each in both forms.
func (k *kit) badBearers(t *testing.T) map[string]*kitBearer {
	t.Helper()
	ago, hence := -3600, 3600
	bad := map[string]*kitBearer{}
	for name, change := range map[string]func(*kitClaims){
		"expired":              func(c *kitClaims) { c.ExpiresIn = &ago },
		"not yet valid":        func(c *kitClaims) { c.NotBefore = &hence },
		"for another audience": func(c *kitClaims) { c.Audience = "https://ailleurs.invalid" },
		"of another issuer":    func(c *kitClaims) { c.Issuer = "CN=AUTRE,O=AILLEURS,C=FR" },
		"without an end":       func(c *kitClaims) { c.Omit = []string{"exp"} },
		"without conditions":   func(c *kitClaims) { c.Omit = []string{"conditions"} },
		"without an audience":  func(c *kitClaims) { c.Omit = []string{"audience"} },
		"without a signature":  func(c *kitClaims) { c.Omit = []string{"signature"} },
		"with two roles":       func(c *kitClaims) { c.SecondRole = "60" },
		"with two purposes":    func(c *kitClaims) { c.SecondPurpose = "bris_de_glace" },
		"with a weak context":  func(c *kitClaims) { c.AuthnContext = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password" },
	} {
		c := kitClaims{As: "dr-durand", Patient: "alice"}
		change(&c)
		bad[name] = k.bearer(c)
	}
	c := kitClaims{As: "dr-durand", Patient: "alice"}
	good := kitBearer{assertion: k.assertion(t, c), token: k.token(t, c)}
	bad["absent"] = &kitBearer{}
	bad["of the other face"] = &kitBearer{assertion: []byte("<token>" + good.token + "</token>"), token: base64.RawURLEncoding.EncodeToString(good.assertion)}
	bad["with another subject"] = kitForged(t, good, func(text []byte) []byte {
		return bytes.ReplaceAll(text, []byte("899900001217"), []byte("899900001100"))
	})
	bad["with another signature"] = &kitBearer{assertion: kitSpoiled(t, good.assertion, "SignatureValue>"), token: good.token[:len(good.token)-8] + "AAAAAAAA"}
	return bad
}

// kitForged changes what a token says and leaves its signature.
func kitForged(t *testing.T, b kitBearer, change func([]byte) []byte) *kitBearer {
	t.Helper()
	parts := strings.Split(b.token, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	parts[1] = base64.RawURLEncoding.EncodeToString(change(payload))
	forged := &kitBearer{assertion: change(b.assertion), token: strings.Join(parts, ".")}
	if forged.token == b.token || bytes.Equal(forged.assertion, b.assertion) {
		t.Fatal("nothing was forged")
	}
	return forged
}

// kitSpoiled changes bytes of base64 behind a mark.
func kitSpoiled(t *testing.T, text []byte, mark string) []byte {
	t.Helper()
	i := bytes.Index(text, []byte(mark))
	if i < 0 {
		t.Fatalf("no %s", mark)
	}
	out := slices.Clone(text)
	copy(out[i+len(mark):], "AAAAAAAA")
	return out
}

// kitState is all of a record that a call could have changed.
type kitState struct {
	Documents []kitHeld
	Record    string   // its settings and administrator
	Lines     []string // of the history, but for those of this very look
}

func (k *kit) stateOf(t *testing.T, p kitPatient) kitState {
	t.Helper()
	token := k.token(t, kitClaims{As: "patient:" + p.Name, Patient: p.Name})
	var history struct {
		Entries []struct {
			At, Action, Transaction string
			Own                     bool
		}
		Next string
	}
	path := "/api/v1/records/" + p.Record
	k.must(t, http.MethodGet, path+"/history", token, nil, &history)
	state := kitState{Documents: k.held(t, p.Name), Record: string(k.call(t, http.MethodGet, path, token, nil).body)}
	for _, e := range history.Entries {
		if !e.Own {
			state.Lines = append(state.Lines, e.At+" "+e.Transaction+" "+e.Action)
		}
	}
	return state
}

// badTokens: a bad token gets a Fault or 401 on every call, learns nothing and
// changes nothing; not even the history has a line of it.
func (k *kit) badTokens(t *testing.T) {
	alice := k.seeded(t, "alice")
	before := k.stateOf(t, alice)
	if len(before.Documents) == 0 || len(before.Lines) == 0 {
		t.Fatal("alice's record is empty")
	}
	for name, b := range k.badBearers(t) {
		t.Run(name, func(t *testing.T) {
			k.faults(t, b, alice, before.Documents)
			k.unauthorized(t, b, alice, before.Documents)
		})
	}
	if diff := cmp.Diff(before, k.stateOf(t, alice)); diff != "" {
		t.Errorf("bad tokens left something behind:\n%s", diff)
	}
}

// faults sends every transaction of the SOAP face.
func (k *kit) faults(t *testing.T, b *kitBearer, p kitPatient, held []kitHeld) {
	t.Helper()
	query := func(name string, params ...ebrim.QueryParam) []byte {
		return ebrim.AppendQuery(nil, ebrim.QueryRequest{ID: ebrim.Lookup(name).UUID, ReturnType: ebrim.LeafClass, Params: params})
	}
	lot, content := k.lot(p, "dr-durand", k.document(t, p, "dr-durand", "", "11502-2"))
	deposit, parts := kitMessage(lot, content)
	for name, message := range map[string]struct {
		action string
		body   []byte
		parts  []soap.OutPart
	}{
		"FindDocuments": {kitQuery, query("FindDocuments", ebrim.QueryParam{Name: "$XDSDocumentEntryPatientId", Values: []string{string(p.INS.Key())}},
			ebrim.QueryParam{Name: "$XDSDocumentEntryStatus", Values: []string{string(xds.Approved)}}), nil},
		"GetDocuments": {kitQuery, query("GetDocuments", ebrim.QueryParam{Name: "$XDSDocumentEntryUniqueId", Values: []string{held[0].UniqueID}}), nil},
		"ITI-41":       {kitProvide, deposit, parts},
		"ITI-43":       {kitRetrieve, ebrim.AppendRetrieveRequest(nil, []ebrim.RetrieveRequest{{RepositoryUniqueID: sandbox.RepositoryID, DocumentUniqueID: held[0].UniqueID}}), nil},
	} {
		reply, fault, whole := k.post(t, b, message.action, message.body, message.parts...)
		if reply != nil {
			t.Errorf("%s answers: %s", name, whole)
			continue
		}
		kitTokenFault(t, fault)
		kitSilent(t, name, whole, p, held)
	}
}

// unauthorized makes every kind of call of the FHIR face and of the JSON API.
func (k *kit) unauthorized(t *testing.T, b *kitBearer, p kitPatient, held []kitHeld) {
	t.Helper()
	lot, content := k.lot(p, "dr-durand", k.document(t, p, "dr-durand", "", "11502-2"))
	id, record := kitBare(held[0].LogicalID), "/api/v1/records/"+p.Record
	for _, request := range []struct {
		method, path string
		body         any
	}{
		{http.MethodGet, "/fhir/DocumentReference?patient=Patient/" + p.Record, nil},
		{http.MethodGet, "/fhir/DocumentReference/" + id, nil},
		{http.MethodGet, "/fhir/Binary/" + id, nil},
		{http.MethodPost, "/fhir", kitBundle(t, lot, content)},
		{http.MethodPost, "/api/v1/records/search", map[string]string{"ins": string(p.INS)}},
		{http.MethodGet, record, nil},
		{http.MethodGet, record + "/history", nil},
		{http.MethodPut, record + "/settings", map[string]bool{"maskAll": true}},
		{http.MethodPut, record + "/links/dr-durand", map[string]any{"basis": "consent", "attested": true}},
		{http.MethodDelete, record + "/links/dr-durand", nil},
		{http.MethodPut, record + "/blocks/dr-durand", map[string]bool{"attested": true}},
		{http.MethodPut, record + "/administrator", map[string]string{"professional": "dr-durand"}},
		{http.MethodPost, record + "/documents/" + held[0].LogicalID + "/mask", map[string]bool{"attested": true}},
		{http.MethodPost, record + "/documents/" + held[0].LogicalID + "/delete", nil},
	} {
		name := request.method + " " + request.path
		var answer kitResponse
		if bundle, ok := request.body.([]byte); ok {
			answer = k.send(t, request.method, request.path, b.jwt(t), http.Header{"Content-Type": {kitJSON}}, bundle)
		} else {
			answer = k.call(t, request.method, request.path, b.jwt(t), request.body)
		}
		if answer.status != http.StatusUnauthorized || !strings.HasPrefix(answer.header.Get("WWW-Authenticate"), "Bearer") || !strings.HasPrefix(answer.code(t), "TOK-") {
			t.Errorf("%s: %d %v %s", name, answer.status, answer.header, answer.body)
		}
		kitSilent(t, name, string(answer.body), p, held)
	}
}

// kitSilent makes sure that a refusal says nothing of the record.
func kitSilent(t *testing.T, name, text string, p kitPatient, held []kitHeld) {
	t.Helper()
	secrets := []string{p.INS.ID(), p.Family}
	for _, d := range held {
		secrets = append(secrets, d.UniqueID, kitBare(d.LogicalID))
	}
	for _, s := range secrets {
		if strings.Contains(text, s) {
			t.Errorf("%s tells %s: %s", name, s, text)
		}
	}
}
