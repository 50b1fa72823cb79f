package conformance_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// refusedToken stands for the codes by which each face refuses a token.
const refusedToken = "jeton refusé"

// verifiersAgree: whatever claims the two issuers are asked for, a VIHF and a
// bearer token of the same claims are decided alike.
func (k *kit) verifiersAgree(t *testing.T) {
	people := k.patients(t)
	random := rand.New(rand.NewPCG(3, 20261122))
	decisions := map[string]int{}
	for range 400 {
		p := people[random.IntN(len(people))]
		c := k.someClaims(random, people, p)
		name := c.String() + " on " + p.Name
		b := k.bearer(c)
		soapCode, soapIDs := k.tryQuery(t, b, p)
		fhir := k.tryReferences(t, b, p)
		if soapCode == "REG-001" && fhir.code == "" && len(fhir.ids) == 0 {
			soapCode = ""
		}
		if soapCode != fhir.code || !slices.Equal(soapIDs, fhir.ids) {
			t.Errorf("%s: VIHF %q %v, token %q %v", name, soapCode, soapIDs, fhir.code, fhir.ids)
		}
		if other := c.Patient != "" && c.Patient != p.Name && !slices.Contains(c.Omit, "patient"); other && fhir.code != refusedToken && fhir.code != "ACC-67" {
			t.Errorf("%s: a token for another patient: %q", name, fhir.code)
		}
		decisions[fhir.code]++
		if random.IntN(4) == 0 {
			k.depositAlike(t, b, c, p, name)
		}
	}
	t.Logf("%v", decisions)
	for _, code := range []string{"", refusedToken, "ACC-02", "ACC-03", "ACC-23", "ACC-24", "ACC-25", "ACC-67"} {
		if decisions[code] == 0 {
			t.Errorf("no combination led to %q", code)
		}
	}
}

// oneFormAlone: what the VIHF demands and a bearer token need not say. The
// drawn claims leave these out.
func (k *kit) oneFormAlone(t *testing.T) {
	alice := k.seeded(t, "alice")
	for name, c := range map[string]kitClaims{
		"an assertion has an ID (SAML core 2.3.3), a token may lack jti": {Omit: []string{"jti"}},
		"the VIHF requires purposeofuse, a token without mode is normal": {Omit: []string{"purpose"}},
		"a direct VIHF is of a card, a token may be of two factors":      {AuthnContext: "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorUnregistered"},
	} {
		c.As, c.Patient = "dr-durand", alice.Name
		b := k.bearer(c)
		soap, _ := k.tryQuery(t, b, alice)
		fhir := k.tryReferences(t, b, alice)
		if soap != refusedToken || fhir.code != "" {
			t.Errorf("%s: VIHF %q, token %q", name, soap, fhir.code)
		}
	}
}

// String is the claims as the issuers get them.
func (c kitClaims) String() string {
	raw, _ := json.Marshal(c) // texts, numbers and booleans
	return string(raw)
}

// someClaims draws claims; most of them are about the patient asked for.
func (k *kit) someClaims(random *rand.Rand, people []kitPatient, p kitPatient) kitClaims {
	one := func(texts ...string) string { return texts[random.IntN(len(texts))] }
	rarely := func() bool { return random.IntN(10) == 0 }
	all := k.everybody()
	c := kitClaims{
		As: all[random.IntN(len(all))].As, Mode: one("", "normal", "normal", "centre_15", "bris_de_glace"),
		Reason: one("", "détresse vitale", "détresse vitale", " ", "-"), Patient: one(p.Name, p.Name, ""),
	}
	if rarely() {
		c.Patient = people[random.IntN(len(people))].Name
	}
	if c.Mode == "bris_de_glace" {
		born := one(p.BirthDate, p.BirthDate, p.BirthDate, "1950-01-01", "")
		family := one(p.Family, p.Family, strings.ToLower(p.Family), strings.Join(strings.Split(p.Family, ""), " "), "AUTRE", "")
		c.Traits = &kitTraits{family, one(p.Given, p.Given, strings.ToUpper(p.Given), ""), born}
		if random.IntN(3) == 0 {
			c.Traits = p.traits()
		}
	}
	for _, change := range []func(){
		func() { s := one("", "1599990017", "1599990025"); c.Structure = &s },
		func() { c.Secret = true },
		func() { c.AIR = true },
		func() {
			c.AuthnContext = "urn:oasis:names:tc:SAML:2.0:ac:classes:" + one("SmartcardPKI", "Password", "unspecified")
		},
		func() { c.SecondRole = one("60", "40") },
		func() { c.SecondPurpose = one("bris_de_glace", "centre_15") },
		func() { n := []int{-3600, -120, -20, 20, 7200}[random.IntN(5)]; c.ExpiresIn = &n },
		func() { n := []int{-120, 20, 120, 1800}[random.IntN(4)]; c.NotBefore = &n },
		func() {
			c.Omit = []string{one("exp", "audience", "issuer", "subject", "role", "patient")}
		},
	} {
		if rarely() {
			change()
		}
	}
	if c.AIR { // says itself how somebody was authenticated
		c.AuthnContext = ""
	}
	return c
}

// tryQuery is FindDocuments by a token that may be refused.
func (k *kit) tryQuery(t *testing.T, b *kitBearer, p kitPatient) (code string, ids []string) {
	t.Helper()
	body := ebrim.AppendQuery(nil, ebrim.QueryRequest{ID: ebrim.Lookup("FindDocuments").UUID, ReturnType: ebrim.LeafClass, Params: []ebrim.QueryParam{
		{Name: "$XDSDocumentEntryPatientId", Values: []string{string(p.INS.Key())}},
		{Name: "$XDSDocumentEntryStatus", Values: []string{string(xds.Approved), string(xds.Deprecated)}},
	}})
	reply, fault, _ := k.post(t, b, kitQuery, body)
	if fault != nil {
		return kitTokenFault(t, fault), nil
	}
	answer, findings := ebrim.DecodeQueryResponse(reply.Body)
	if err := findings.Err(); err != nil {
		t.Fatal(err)
	}
	for _, d := range answer.Documents {
		ids = append(ids, d.UniqueID)
	}
	slices.Sort(ids)
	return registryCode(t, answer.Response, xds.Problem.QueryCode), ids
}

// kitTokenFault makes sure that a fault is about the token (policy §0.5).
func kitTokenFault(t *testing.T, fault *soap.FaultError) string {
	t.Helper()
	if fault.Status != 400 || fault.Code != "Sender" || fault.Subcode == "" || len(fault.Findings) == 0 || !strings.HasPrefix(fault.Findings[0].ID, "SAML-") {
		t.Errorf("a refused VIHF: %+v", fault)
	}
	return refusedToken
}

func (k *kit) tryReferences(t *testing.T, b *kitBearer, p kitPatient) kitAnswer {
	t.Helper()
	answer := k.findReferences(t, b, p, "status=current,superseded")
	if strings.HasPrefix(answer.code, "TOK-") {
		answer.code = refusedToken
	}
	return answer
}

// depositAlike deposits the same document on both faces: each decides alike, be it
// about the token, the record or the content.
func (k *kit) depositAlike(t *testing.T, b *kitBearer, c kitClaims, p kitPatient, name string) {
	t.Helper()
	marks := []string{}
	if c.Secret {
		marks = append(marks, xds.MarkHiddenReps)
	}
	var codes [2]string
	for i := range codes {
		lot, content := k.lot(p, c.As, k.document(t, p, c.As, "", "11502-2", marks...))
		if i == 1 {
			answer := k.provideBundle(t, b, lot, content)
			if codes[i] = answer.code; strings.HasPrefix(answer.code, "TOK-") {
				codes[i] = refusedToken
			}
			continue
		}
		body, parts := kitMessage(lot, content)
		reply, fault, _ := k.post(t, b, kitProvide, body, parts...)
		if fault != nil {
			codes[i] = kitTokenFault(t, fault)
			continue
		}
		answer, findings := ebrim.DecodeRegistryResponse(reply.Body)
		if err := findings.Err(); err != nil {
			t.Fatal(err)
		}
		codes[i] = registryCode(t, answer, submissionCode)
	}
	if codes[0] != codes[1] {
		t.Errorf("deposit %s: VIHF %q, token %q", name, codes[0], codes[1])
	}
}
