package mhd_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// auditEvent is what a test reads of an AuditEvent.
type auditEvent struct {
	ID   string
	Meta struct {
		Profile []string
		Tag     []struct{ Code string }
	}
	Type    struct{ Code string }
	Subtype []struct{ System, Code string }
	Action  string

	Recorded       time.Time
	Outcome        string
	Agent          []auditAgent
	Entity         []auditEntity
	PurposeOfEvent []struct{ Coding []struct{ Code string } }
	OutcomeDesc    string
}

type auditAgent struct {
	Type      struct{ Coding []struct{ Code string } }
	Requestor bool
	Role      []struct {
		Coding []struct{ System, Code string }
	}
	Who struct {
		Identifier struct{ System, Value string }
		Display    string
	}
	Policy       []string
	PurposeOfUse []struct{ Coding []struct{ Code string } }
}

type auditEntity struct {
	What   struct{ Reference, Type string }
	Type   struct{ Code string }
	Detail []struct{ Type, ValueString string }
}

// detail is one detail of an event.
func (e auditEvent) detail(name string) string {
	for _, entity := range e.Entity {
		for _, d := range entity.Detail {
			if d.Type == name {
				return d.ValueString
			}
		}
	}
	return ""
}

// line is the event in the words of a line of the history.
func (e auditEvent) line() string {
	var user, structure auditAgent
	for _, a := range e.Agent {
		switch {
		case a.Requestor:
			user = a
		case a.Type.Coding[0].Code == "PROV":
			structure = a
		}
	}
	profession, purpose := "", ""
	for _, r := range user.Role {
		if strings.Contains(r.Coding[0].System, "TRE-G15") {
			profession = r.Coding[0].Code
		}
	}
	for _, p := range user.PurposeOfUse {
		purpose = p.Coding[0].Code
	}
	transaction, action, document := e.detail("transaction"), e.detail("action"), e.detail("document")
	for _, s := range e.Subtype {
		switch {
		case strings.HasSuffix(s.System, "/action"):
			action = s.Code
		case s.System == "urn:ihe:event-type-code" || strings.HasSuffix(s.System, "/transaction"):
			transaction = s.Code
		}
	}
	for _, entity := range e.Entity {
		if strings.HasPrefix(entity.What.Reference, "DocumentReference/") {
			document = entity.What.Reference
		}
	}
	return fmt.Sprint(e.Recorded.UTC().Format(time.RFC3339Nano), " ", user.Who.Identifier.Value, " ", user.Who.Display, " ", profession, " ", structure.Who.Identifier.Value, " ", action, " ", purpose, " ",
		e.Outcome == "0", " ", e.detail("justification"), " ", strings.TrimPrefix(document, "DocumentReference/"), " ", transaction, " ", len(e.Meta.Tag) > 0)
}

// lineOf is a line of the history.
func lineOf(e registry.Event) string {
	purpose := map[authz.Value]string{authz.Normal: "TREAT", authz.Centre15: "ETREAT", authz.BrisDeGlace: "BTG", authz.BrisDeGlaceUnfounded: "BTG"}[e.Mode]
	switch e.Line.Kind {
	case authz.Patient, authz.Representative, authz.Delegate:
		purpose = "PATRQT"
	case authz.Other:
		purpose = ""
	}
	return fmt.Sprint(e.At.UTC().Format(time.RFC3339Nano), " ", e.Actor, " ", e.ActorName, " ", e.Profession, " ", e.Structure, " ", authz.Action.Name(e.Action), " ", purpose, " ",
		e.Permit, " ", e.Reason, " ", strings.TrimPrefix(e.Document, "urn:uuid:"), " ", e.Transaction, " ", e.Own)
}

// events searches the trail as somebody.
func (w *world) events(who iua.Claims, query string) (all []auditEvent, body []byte) {
	w.t.Helper()
	got := w.get(who, "AuditEvent?patient="+w.record+query)
	for _, raw := range got.entries() {
		var e auditEvent
		if err := json.Unmarshal(raw, &e); err != nil {
			w.t.Fatal(err)
		}
		all = append(all, e)
	}
	return all, got.body
}

// busy fills alice's trail: deposits, some hidden, reads, refusals, an emergency, acts.
func (w *world) busy() (document string) {
	w.t.Helper()
	w.cast()
	document = w.mustPush()
	w.mustPush(`"securityLabel": [`, `"securityLabel": [{ "coding": [{ "system": "https://mos.esante.gouv.fr/NOS/TRE_A07-StatutVisibiliteDocument/FHIR/TRE-A07-StatutVisibiliteDocument", "code": "INVISIBLE_PATIENT" }] }, `)
	durand := pro("durand")
	durand.Name, durand.Structure = "Paul Durand", hospital
	glass := stranger
	glass.Mode, glass.Reason, glass.Traits = "bris_de_glace", "patiente inconsciente", authz.Traits{Family: "DURAND", Given: "Alice", BirthDate: "19790312"}
	unfounded := glass
	unfounded.Traits.Given = "Anne"
	secret := w.holder()
	secret.Secret = true
	for _, ask := range []struct {
		who  iua.Claims
		path string
	}{
		{durand, "DocumentReference?patient=" + w.record}, {durand, "Binary/" + document}, {stranger, "DocumentReference?patient=" + w.record}, {stranger, "Binary/" + document},
		{glass, "DocumentReference?patient=" + w.record}, {glass, "Binary/" + document}, {unfounded, "DocumentReference?patient=" + w.record}, {insurer, "DocumentReference?patient=" + w.record},
		{chu, "Patient?_id=" + w.record}, {w.holder(), "Binary/" + document}, {w.holder(), "Consent?patient=" + w.record}, {secret, "DocumentReference?patient=" + w.record},
		{durand, "Consent/x"}, {pro("traitant"), "AuditEvent?patient=" + w.record},
	} {
		w.get(ask.who, ask.path)
	}
	w.mask(document)
	return document
}

// TestAuditIsTheHistory: the lines that each reader is told of, and what each line says,
// are those of the JSON call.
func TestAuditIsTheHistory(t *testing.T) {
	w := newWorld(t)
	w.busy()
	end := time.Now().Truncate(time.Millisecond)
	before := "&date=lt" + url.QueryEscape(end.UTC().Format("2006-01-02T15:04:05.000Z"))
	for name, c := range map[string]struct {
		who    iua.Claims
		action authz.Value
		least  int
	}{
		"holder": {w.holder(), authz.Journal, 15}, "médecin traitant": {pro("traitant"), authz.Journal, 17}, "professional": {pro("durand"), authz.OwnJournal, 3},
		"without a link": {stranger, authz.OwnJournal, 3}, "blocked": {pro("bloque"), authz.OwnJournal, 0},
	} {
		var want []string
		sub := authz.Subject{Nature: c.who.Nature, ID: c.who.ID, Profession: c.who.Profession, Specialty: c.who.Specialty}
		w.profile(sub, c.action, func(s *registry.Session, a authz.Allowed) error {
			events, _, err := s.History(w.t.Context(), a, registry.HistoryQuery{To: end})
			for _, e := range events {
				want = append(want, lineOf(e))
			}
			return err
		})
		events, _ := w.events(c.who, before+"&_count=200")
		var got []string
		for _, e := range events {
			got = append(got, e.line())
		}
		if !slices.Equal(got, want) || len(want) < c.least {
			t.Errorf("%s: %d lines\n%s\nwant %d\n%s", name, len(got), strings.Join(got, "\n"), len(want), strings.Join(want, "\n"))
		}
		// Page by page, and one by one.
		var paged []string
		for path := "AuditEvent?patient=" + w.record + before + "&_count=4"; path != ""; {
			answer := w.get(c.who, path)
			for _, raw := range answer.entries() {
				var e auditEvent
				_ = json.Unmarshal(raw, &e)
				paged = append(paged, e.line())
				read := w.get(c.who, "AuditEvent/"+e.ID)
				read.valid("AuditEvent")
				if !bytes.Equal(read.body, raw) {
					t.Errorf("%s reads %s\nfound %s", name, read.body, raw)
				}
			}
			var set searchset
			_ = json.Unmarshal(answer.body, &set)
			if *set.Total != len(want) {
				t.Errorf("%s: total %d of %d", name, *set.Total, len(want))
			}
			if path = set.link("next"); path != "" {
				if len(set.Entry) != 4 {
					t.Errorf("%s: a page of %d", name, len(set.Entry))
				}
				if other := w.get(insurer, path); other.status != http.StatusForbidden {
					t.Errorf("another's page: %d", other.status)
				}
			}
		}
		if !slices.Equal(paged, want) {
			t.Errorf("%s, paged: %d lines, want %d", name, len(paged), len(want))
		}
	}
	for name, who := range map[string]iua.Claims{"ACC-03 ": chu, "ACC-02 ": insurer} {
		if got := w.get(who, "AuditEvent?patient="+w.record); got.status != http.StatusForbidden || got.outcome()[0] != name {
			t.Errorf("%s: %d %s", who.ID, got.status, got.body)
		}
	}
}

// TestAuditHidden: a line that is withheld is unknown by its id, to the holder and to
// whoever else may not read it, and none of its parts finds it.
func TestAuditHidden(t *testing.T) {
	w := newWorld(t)
	document := w.busy()
	all, _ := w.events(pro("traitant"), "&_count=200")
	told, _ := w.events(w.holder(), "&_count=200")
	known := map[string]bool{}
	for _, e := range told {
		known[e.ID] = true
	}
	withheld := 0
	unknown := w.get(w.holder(), "AuditEvent/unknown")
	for _, e := range all {
		if known[e.ID] || e.Recorded.After(told[0].Recorded) {
			continue
		}
		withheld++
		if got := w.get(w.holder(), "AuditEvent/"+e.ID); got.status != http.StatusNotFound || !bytes.Equal(got.body, unknown.body) {
			t.Errorf("withheld: %d %s", got.status, got.body)
		}
		if found, _ := w.events(w.holder(), "&_id="+e.ID); len(found) != 0 {
			t.Errorf("found by _id: %+v", found)
		}
	}
	if withheld == 0 {
		t.Error("nothing is withheld: the hidden deposit is told")
	}
	deposit := told[slices.IndexFunc(told, func(e auditEvent) bool { return e.Action == "C" })]
	for _, who := range []iua.Claims{stranger, pro("durand")} {
		if got := w.get(who, "AuditEvent/"+deposit.ID); got.status != http.StatusNotFound {
			t.Errorf("%s reads another's line: %d", who.ID, got.status)
		}
	}
	// The document was masked: durand's line on it no longer says which it was.
	own, _ := w.events(pro("durand"), "&_count=200")
	if found, _ := w.events(pro("durand"), "&entity=DocumentReference/"+document); len(found) != 0 || len(own) == 0 {
		t.Errorf("%d lines tell of a masked document", len(found))
	}
	if found, _ := w.events(w.holder(), "&entity=DocumentReference/"+document); len(found) < 3 {
		t.Errorf("the holder finds %d lines on her document", len(found))
	}
}

// TestAuditSearch: every parameter narrows to the events that show what it asks for.
func TestAuditSearch(t *testing.T) {
	w := newWorld(t)
	w.busy()
	whole, _ := w.events(w.holder(), "&_count=200")
	asks := 0
	count := func(query string, holds func(auditEvent) bool) {
		t.Helper()
		asks++
		got, body := w.events(w.holder(), "&_count=200&agent-name=x&"+query)
		want := 0
		for _, e := range whole {
			if holds(e) {
				want++
			}
		}
		for _, e := range got {
			if e.Recorded.After(whole[0].Recorded) { // the questions of this test
				want++
			}
			if !holds(e) {
				t.Errorf("%s finds %+v", query, e)
			}
		}
		if len(got) != want || want == 0 || strings.Contains(string(body), "279035121518989") {
			t.Errorf("%s: %d, want %d", query, len(got), want)
		}
	}
	subtype := func(code string) func(auditEvent) bool {
		return func(e auditEvent) bool {
			return slices.ContainsFunc(e.Subtype, func(s struct{ System, Code string }) bool { return s.Code == code })
		}
	}
	actor := func(id string) func(auditEvent) bool {
		return func(e auditEvent) bool {
			return slices.ContainsFunc(e.Agent, func(a auditAgent) bool { return a.Who.Identifier.Value == id })
		}
	}
	count("action=R", func(e auditEvent) bool { return e.Action == "R" })
	count("action=http://hl7.org/fhir/audit-event-action|C,R", func(e auditEvent) bool { return e.Action == "R" || e.Action == "C" })
	count("outcome=8", func(e auditEvent) bool { return e.Outcome == "8" })
	count("outcome=0&action=E", func(e auditEvent) bool { return e.Outcome == "0" && e.Action == "E" })
	count("type=110113", func(e auditEvent) bool { return e.Type.Code == "110113" })
	count("type=http://terminology.hl7.org/CodeSystem/audit-event-type|rest", func(e auditEvent) bool { return e.Type.Code == "rest" })
	count("subtype=urn:ihe:event-type-code|ITI-68", subtype("ITI-68"))
	count("subtype=ITI-65", subtype("ITI-65"))
	count("subtype=mask", subtype("mask"))
	count("subtype=AuthZ-Consent", subtype("AuthZ-Consent"))
	count("agent.identifier=urn:oid:1.2.250.1.71.4.2.1|durand", actor("durand"))
	count("agent:identifier=inconnu", actor("inconnu"))
	count("agent.identifier="+hospital, actor(hospital))
	count("entity=Patient/"+w.record+"&_sort=-date", func(auditEvent) bool { return true })
	count("date=ge2020", func(auditEvent) bool { return true })
	count("_id="+whole[3].ID, func(e auditEvent) bool { return e.ID == whole[3].ID })
	for _, query := range []string{"agent.identifier=urn:oid:1.2.3|durand", "subtype=urn:ihe:event-type-code|mask", "date=lt2020", "action=D", "entity=DocumentReference/" + newID(), "_id=x"} {
		if got, _ := w.events(w.holder(), "&"+query); len(got) != 0 {
			t.Errorf("%s: %d", query, len(got))
		}
	}
	for _, query := range []string{"action:not=R", "date=hier", "agent=Practitioner/x", "_sort=date", "_sort=-recorded", "_count=x", "_cursor=AAAA"} {
		if got := w.get(w.holder(), "AuditEvent?patient="+w.record+"&"+query); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d", query, got.status)
		}
	}
	// Each question is a line, but for those that were refused before the record was opened.
	if got := w.get(w.holder(), "AuditEvent?patient="+w.record+"&_summary=count"); len(got.entries()) != 0 || !strings.Contains(string(got.body), fmt.Sprint(`"total":`, len(whole)+asks+8, `,`)) {
		t.Errorf("count: %s", got.body)
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch} {
		for _, path := range []string{"AuditEvent", "AuditEvent/" + whole[0].ID} {
			if got := w.as(w.holder(), method, "/fhir/"+path, strings.NewReader("{}")); got.status != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: %d", method, path, got.status)
			}
		}
	}
}

// TestAuditForm: profiles, agents, the token, the purpose of use, the justification.
func TestAuditForm(t *testing.T) {
	w := newWorld(t)
	document := w.busy()
	all, _ := w.events(w.holder(), "&_count=200")
	find := func(transaction, actor, outcome string) auditEvent {
		t.Helper()
		for _, e := range all {
			if line := strings.Fields(e.line()); line[1] == actor && e.Outcome == outcome && strings.Contains(e.line(), " "+transaction+" ") {
				return e
			}
		}
		t.Fatalf("no %s by %s", transaction, actor)
		return auditEvent{}
	}
	for _, c := range []struct{ transaction, actor, outcome, profile, types string }{
		{"ITI-65", hospital, "0", "MHD.ProvideBundle.Audit.Recipient", "110153 IRCP PROV 110152"},
		{"ITI-67", "durand", "0", "MHD.FindDocumentReferences.Audit.Responder", "110153 IRCP PROV 110152"},
		{"ITI-68", "durand", "0", "MHD.RetrieveDocument.Audit.Responder", "110152 IRCP PROV 110153"},
		{"ITI-67", "assureur", "8", "BasicAudit.AuthZconsent", "110150 IRCP PROV authserver"},
		{"FHIR:Patient", hospital, "0", "BasicAudit.PatientQuery", "110153 IRCP PROV 110152"},
	} {
		e := find(c.transaction, c.actor, c.outcome)
		var types []string
		for _, a := range e.Agent {
			types = append(types, a.Type.Coding[0].Code)
			if a.Requestor && (len(a.Policy) != 1 || a.Type.Coding[1].Code != "UserOauthAgent") {
				t.Errorf("%s: no token: %+v", c.transaction, a)
			}
		}
		if !strings.HasSuffix(e.Meta.Profile[0], c.profile) || !strings.HasSuffix(e.Meta.Profile[1], "OAUTHaccessTokenUse.Minimal") || strings.Join(types, " ") != c.types {
			t.Errorf("%s: %v %v", c.transaction, e.Meta.Profile, types)
		}
	}
	deposit := find("ITI-65", hospital, "0")
	if !strings.HasPrefix(deposit.Entity[1].What.Reference, "List/") || deposit.detail("document") != "DocumentReference/"+document {
		t.Errorf("deposit: %+v", deposit.Entity)
	}
	for _, outcome := range []string{"0", "8"} { // granted, and refused for traits that do not match
		glass := auditEvent{}
		for _, e := range all {
			if e.detail("justification") != "" && e.Outcome == outcome {
				glass = e
			}
		}
		if glass.detail("justification") != "patiente inconsciente" || len(glass.PurposeOfEvent) != 1 || glass.PurposeOfEvent[0].Coding[0].Code != "BTG" {
			t.Errorf("bris de glace, outcome %s: %+v", outcome, glass)
		}
	}
}

// TestAuditor: who the installation names reads the history of any record, closed ones
// too, and nothing else; the holder sees that he did.
func TestAuditor(t *testing.T) {
	w := newWorld(t)
	w.busy()
	auditor := iua.Claims{Nature: authz.NatureOther, ID: "auditeur"}
	if got := w.get(auditor, "AuditEvent?patient="+w.record); got.status != http.StatusForbidden {
		t.Fatalf("nobody named him: %d", got.status)
	}
	w.gate.Auditor = func(sub authz.Subject) bool { return sub.ID == "auditeur" }
	all, _ := w.events(pro("traitant"), "&_count=200")
	audited, _ := w.events(auditor, "&_count=200")
	if len(audited) != len(all)+1 {
		t.Errorf("%d lines, the médecin traitant reads %d", len(audited), len(all))
	}
	w.get(auditor, "AuditEvent/"+all[0].ID).valid("AuditEvent")
	for _, path := range []string{"DocumentReference?patient=" + w.record, "Patient/" + w.record, "CareTeam?patient=" + w.record, "Consent?patient=" + w.record} {
		if got := w.get(auditor, path); got.status != http.StatusForbidden || got.outcome()[0] != "ACC-02 " {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	told, _ := w.events(w.holder(), "&agent.identifier=auditeur&outcome=0")
	if len(told) != 2 {
		t.Errorf("the holder sees %d of his two readings", len(told))
	}
	closed := newID()
	w.create(closed, xds.NewCX("180035121518903", "1.2.250.1.213.1.4.10", "NH"), authz.ProfileClosed)
	if got := w.get(auditor, "AuditEvent?patient="+closed); got.status != http.StatusOK {
		t.Errorf("closed: %d", got.status)
	}
	if got := w.get(auditor, "AuditEvent?patient="+newID()); len(got.entries()) != 0 {
		t.Errorf("never seen: %s", got.body)
	}
	bound := auditor
	bound.Patient = w.alice
	if got := w.get(bound, "AuditEvent?patient="+closed); got.status != http.StatusForbidden || got.outcome()[0] != "ACC-67 " {
		t.Errorf("another than the token's: %d %s", got.status, got.body)
	}
}
