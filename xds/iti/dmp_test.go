package iti_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/saml"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

const (
	actionExists  = "urn:hl7-org:v3:PRPA_IN201307UV02"
	actionGrant   = "urn:si-dmp-habilitations:HabilitationsEndPoint:setAuthorization"
	actionGranted = "urn:si-dmp-habilitations:HabilitationsEndPoint:listAuthorizationByPatient"
	actionKnown   = "urn:si-dmp-patients:PatientSpecificEndPoint:patientList"
)

// leaf is the text of the first element of this name, "-" when there is none.
func leaf(root *xmlgate.Element, local string) string {
	for e := range root.All() {
		if e.Local == local {
			return e.Trimmed()
		}
	}
	return "-"
}

// coded is the attribute of the first element of this name.
func coded(root *xmlgate.Element, local, attribute string) string {
	for e := range root.All() {
		if e.Local == local {
			return e.Attr(attribute)
		}
	}
	return "-"
}

// exists is TD0.2: acknowledgement, answer, AUTORISATION, STATUT_MT and the patient's state.
func (w *world) exists(c saml.Claims, ins xds.CX) string {
	w.t.Helper()
	got := w.post(actionExists, w.security(c), fmt.Appendf(nil, `<PRPA_IN201307UV02 xmlns="urn:hl7-org:v3" ITSVersion="XML_1.0"><id root="1.2.3" extension="m1"/>
<creationTime value="20261122090000"/><interactionId root="2.16.840.1.113883.1.6" extension="PRPA_IN201307UV02"/>
<controlActProcess classCode="CACT" moodCode="EVN"><reasonCode code="TEST_EXST" codeSystem="1.2.250.1.213.1.1.4.11"/>
<queryByParameter><queryId root="1.2.3.2" extension="q1"/><statusCode code="new"/><parameterList><patientIdentifier>
<value root="%s" extension="%s"/><semanticsText>Patient.id</semanticsText></patientIdentifier></parameterList></queryByParameter></controlActProcess></PRPA_IN201307UV02>`,
		ins.Authority(), ins.ID()), nil)
	if got.fault != nil {
		return faultLine(got.fault)
	}
	line := coded(got.Body, "acknowledgement", "typeCode") + " " + coded(got.Body, "queryResponseCode", "code")
	if detail := coded(got.Body, "acknowledgementDetail", "typeCode"); detail != "-" {
		return line + " " + strings.Fields(leaf(got.Body, "text"))[0]
	}
	for e := range got.Body.All() {
		if e.Local == "attentionLine" {
			v := e.Child("urn:hl7-org:v3", "value")
			line += " " + v.Attr("code") + v.Attr("value")
		}
		if e.Local == "patient" {
			line += " " + e.Child("urn:hl7-org:v3", "statusCode").Attr("code")
		}
	}
	return line
}

// TestExistence is TD0.2: who asks learns of his own way in, and of nothing else.
func TestExistence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	closed := w.bruno
	for _, c := range []struct {
		name string
		as   saml.Claims
		want string
	}{
		{"linked", durand, "AA OK VALIDE false active"},
		{"link expired", petit, "AA OK EXPIREE false active"},
		{"no link", stranger, "AA OK INEXISTANTE false active"},
		{"médecin traitant", traitant, "AA OK VALIDE true active"},
		{"blocked", banned, "AA OK INTERDITE false active"},
		{"structure", server, "AA OK INEXISTANTE false active"},
		{"insurer", insurer, "AE AE Accès"},
	} {
		if got := w.exists(on(c.as, w.alice), w.alice.ins); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if got := w.exists(durand, xds.NewCX("293035999901234", nameCode, "NH")); got != "AA NF" {
		t.Errorf("never seen: %s", got)
	}
	if got := w.exists(on(durand, w.alice), w.bruno.ins); got != "AE AE Le" { // ACC-67
		t.Errorf("another patient than the token's: %s", got)
	}
	bare := w.post(actionExists, w.security(durand), []byte(`<PRPA_IN201307UV02 xmlns="urn:hl7-org:v3"/>`), nil)
	for e := range bare.Body.All() {
		if root, ok := e.AttrNS("", "root"); ok && root == "" {
			t.Errorf("an empty identifier in the answer to an empty request: %s", e.Local)
		}
	}
	w.state(closed, authz.ProfileClosed)
	if got := w.exists(durand, closed.ins); got != "AA OK DMP_FERME false terminated" {
		t.Errorf("closed: %s", got)
	}
	w.state(closed, authz.ProfileOpposed)
	if got := w.exists(durand, closed.ins); got != "AA NF" {
		t.Errorf("opposed: %s", got)
	}
}

// grant is TD0.3: the status and the code of its context.
func (w *world) grant(c saml.Claims, action, role string) string {
	w.t.Helper()
	body := `<setAuthorization xmlns="urn:si-dmp-habilitations"><action>` + action + `</action>`
	if role != "" {
		body += `<role>` + role + `</role>`
	}
	got := w.post(actionGrant, w.security(c), []byte(body+`</setAuthorization>`), nil)
	if got.fault != nil {
		return faultLine(got.fault)
	}
	status := leaf(got.Body, "status")
	if context := leaf(got.Body, "context"); context != "-" {
		status += " " + strings.Fields(context)[0]
	}
	return status
}

// TestSetAuthorization is TD0.3: a relation is declared and withdrawn by the
// professional himself, in normal mode; the médecin traitant can only step down.
func TestSetAuthorization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	own := on(stranger, w.alice)
	glass := own
	glass.Mode, glass.Reason, glass.Traits = "bris_de_glace", "coma", w.alice.traits
	for _, c := range []struct {
		name, action, role string
		as                 saml.Claims
		want, access       string
	}{
		{"in emergency", "AJOUT", "", glass, "DMPAccessDeniedByRightsService ACC-07", "INEXISTANTE"},
		{"declared", "AJOUT", "", own, "DMPOk", "VALIDE"},
		{"again", "AJOUT", "", own, "DMPOk", "VALIDE"},
		{"as médecin traitant", "AJOUT", "MEDECIN_TRAITANT", own, "DMPAccessDeniedByRightsService ACC-42", "VALIDE"},
		{"withdrawn", "SUPPRESSION", "", own, "DMPOk", "INEXISTANTE"},
		{"nothing to withdraw", "SUPPRESSION", "", own, "DMPOk", "INEXISTANTE"},
		{"step down without being it", "SUPPRESSION", "MEDECIN_TRAITANT", own, "DMPAccessDeniedByRightsService ACC-42", "INEXISTANTE"},
		{"blocked", "AJOUT", "", on(banned, w.alice), "DMPAccessDeniedByRightsService ACC-04", "INTERDITE"},
		{"structure", "AJOUT", "", on(server, w.alice), "DMPAccessDeniedByRightsService ACC-03", "INEXISTANTE"},
		{"without patient", "AJOUT", "", stranger, "DMPInvalidRequest ACT-002", "INEXISTANTE"},
		{"another word", "DETRUIRE", "", own, "DMPInvalidRequest ACT-001", "INEXISTANTE"},
		{"another role", "AJOUT", "DIRECTEUR", own, "DMPInvalidRequest ACT-001", "INEXISTANTE"},
		{"step down", "SUPPRESSION", "MEDECIN_TRAITANT", on(traitant, w.alice), "DMPOk", "INEXISTANTE"},
	} {
		if got := w.grant(c.as, c.action, c.role); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		asked := c.as
		asked.Mode, asked.Reason = "", ""
		if got := w.exists(on(asked, w.alice), w.alice.ins); !strings.HasPrefix(got, "AA OK "+c.access+" false") {
			t.Errorf("%s: then %s, want %s", c.name, got, c.access)
		}
	}
	if lines := w.trail(w.alice, "TD0.3"); len(lines) != 10 { // all but the malformed ones
		t.Errorf("%d lines in the history: %q", len(lines), lines)
	}
}

// granted is TD1.6: one professional with his status a word.
func (w *world) granted(c saml.Claims, mode string) string {
	w.t.Helper()
	got := w.post(actionGranted, w.security(c), []byte(`<h:listAuthorizationByPatient xmlns:h="urn:si-dmp-habilitations"><mode>`+mode+`</mode></h:listAuthorizationByPatient>`), nil)
	if got.fault != nil {
		return faultLine(got.fault)
	}
	line := leaf(got.Body, "status")
	if context := leaf(got.Body, "context"); context != "-" {
		return line + " " + strings.Fields(context)[0]
	}
	for e := range got.Body.All() {
		if e.Local != "listOfAuthorizationByPatient" {
			continue
		}
		id := leaf(e, "nationalId")
		line += " " + id[len(id)-2:] + leaf(e, "status")
		if leaf(e, "role") == "MEDECIN_TRAITANT" {
			line += "*"
		}
	}
	return line
}

func TestListAuthorization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	holder := on(person(w.alice.record), w.alice)
	for _, c := range []struct {
		as         saml.Claims
		mode, want string
	}{
		{holder, "ACTIVE", "DMPOk 11ACTIVE 44ACTIVE* 66ACTIVE 77ACTIVE 99ACTIVE"},
		{holder, "INTERDITE", "DMPOk 55INTERDITE"},
		{holder, "TOUTE", "DMPOk 11ACTIVE 22EXPIREE 44ACTIVE* 55INTERDITE 66ACTIVE 77ACTIVE 99ACTIVE"},
		{on(traitant, w.alice), "TOUTE", "DMPOk 11ACTIVE 22EXPIREE 44ACTIVE* 55INTERDITE 66ACTIVE 77ACTIVE 99ACTIVE"},
		{on(durand, w.alice), "TOUTE", "DMPOk 11ACTIVE"},
		{on(stranger, w.alice), "TOUTE", "DMPOk"},
		{on(banned, w.alice), "TOUTE", "DMPOk 55INTERDITE"},
		{on(server, w.alice), "TOUTE", "DMPAccessDeniedByRightsService ACC-03"},
		{holder, "CERTAINES", "DMPInvalidRequest ACT-001"},
		{durand, "TOUTE", "DMPInvalidRequest ACT-002"},
	} {
		if got := w.granted(c.as, c.mode); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.as.ID, c.mode, got, c.want)
		}
	}
}

// known is TD0.4: the number of records, and the identifiers in order.
func (w *world) known(c saml.Claims, since, dateType string) string {
	w.t.Helper()
	got := w.post(actionKnown, w.security(c), []byte(`<patientList xmlns="urn:si-dmp-patients"><startDate>`+since+`</startDate><dateType>`+dateType+`</dateType></patientList>`), nil)
	line := leaf(got.Body, "status")
	if context := leaf(got.Body, "context"); context != "-" {
		return line + " " + strings.Fields(context)[0]
	}
	for e := range got.Body.All() {
		if e.Local == "patientlistData" {
			line += map[string]string{w.alice.ins.ID(): " alice", w.bruno.ins.ID(): " bruno", w.leo.ins.ID(): " leo"}[leaf(e, "ins")]
		}
	}
	return line
}

// TestPatientList is TD0.4: records whose door is closed are not there, and a
// document that the reader may not see, or that is archived, moves no date.
func TestPatientList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.link(durand, w.bruno, time.Hour)
	check := func(what, want string, c saml.Claims, since, dateType string) {
		t.Helper()
		if got := w.known(c, since, dateType); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	tomorrow := time.Now().Add(48 * time.Hour).Format("02012006")
	check("linked to three", "DMPOk bruno leo alice", durand, "01012018", "LASTAUTORIZATION")
	check("in the other order of the date", "DMPOk bruno leo alice", durand, "20180101", "LASTAUTORIZATION")
	check("since tomorrow", "DMPOk", durand, tomorrow, "LASTAUTORIZATION")
	check("expired link", "DMPOk", petit, "01012018", "LASTAUTORIZATION")
	check("administrator", "DMPOk alice", traitant, "01012018", "LASTAUTORIZATION")
	check("one patient in the token", "DMPOk alice", on(durand, w.alice), "01012018", "LASTAUTORIZATION")
	check("no document yet", "DMPOk", durand, "01012018", "LASTDOC")
	w.stored(on(server, w.alice), w.alice, marked(xds.MarkMaskedPS))
	check("a masked document", "DMPOk", durand, "01012018", "LASTDOC")
	archived := w.stored(on(server, w.alice), w.alice)
	w.act(person(w.alice.record), w.alice, authz.Archive, archived.EntryUUID)
	check("an archived document", "DMPOk", durand, "01012018", "LASTDOC")
	w.stored(on(server, w.alice), w.alice)
	check("a document", "DMPOk alice", durand, "01012018", "LASTDOC")
	w.state(w.bruno, authz.ProfileClosed)
	check("a closed record", "DMPOk leo alice", durand, "01012018", "LASTAUTORIZATION")
	check("structure", "DMPOk", server, "01012018", "LASTDOC")
	check("no date", "DMPInvalidRequest ACT-001", durand, "", "LASTDOC")
	check("another list", "DMPInvalidRequest ACT-001", durand, "01012018", "PREMIER")
}
