package mhd_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/registry/trail"
)

// The types of the bundle of the tests and of another one.
const (
	oneType   = "11490-0"
	otherType = "34133-9"
	loincOID  = "2.16.840.1.113883.6.1"
)

// list puts an application into the operator's catalogue, without any limit.
func (w *world) list(client string) {
	w.gate.Applications = func(id string) (authz.Application, bool) {
		return authz.Application{Client: client, Reach: "*.cruds"}, id == client
	}
}

// grant authorises an application in alice's name; types nil is all of them.
func (w *world) grant(client string, until time.Time, types []string, scopes ...string) {
	w.t.Helper()
	w.do(func(s *registry.Session) error {
		a, err := w.gate.OpenProfile(w.t.Context(), s, authz.Subject{Nature: authz.NaturePerson, ID: w.record}, w.alice, authz.Purpose{Action: authz.SetParams})
		if err != nil {
			return err
		}
		g := authz.Grant{Given: true, Reach: authz.ReachOf(scopes, "patient"), Types: types, Expires: until}
		return record.Authorize(w.t.Context(), s.Handle(), a, client, g, time.Now())
	})
}

// app is alice's token of an application.
func (w *world) app(scope string) iua.Claims {
	return iua.Claims{Nature: authz.NaturePerson, ID: w.record, Patient: w.alice, Client: "tracker", Scope: scope}
}

// TestScopes: a route that the scopes do not reach is refused before anything is looked
// up, the same for what is there, hidden or unknown, and says which scope it takes.
func TestScopes(t *testing.T) {
	w := newWorld(t)
	there := w.mustPush()
	masked := w.mustPush()
	w.mask(masked)
	scoped := func(scope string) iua.Claims { c := pro("durand"); c.Patient, c.Scope = w.alice, scope; return c }
	for _, c := range []struct {
		scope, path string
		status      int
	}{
		{"user/DocumentReference.s", "DocumentReference?patient=" + w.record, 200},
		{"user/DocumentReference.r", "DocumentReference?patient=" + w.record, 403},
		{"user/DocumentReference.r", "DocumentReference/" + there, 200},
		{"user/DocumentReference.r", "Binary/" + there, 200},
		{"user/DocumentReference.s", "DocumentReference/" + there, 403},
		{"user/Immunization.cruds", "Binary/" + there, 403},
		{"user/*.read", "Binary/" + there, 200},
		{"openid", "DocumentReference/" + there, 200},
		{"patient/DocumentReference.r", "DocumentReference/" + there, 200}, // the token names its patient
	} {
		got := w.get(scoped(c.scope), c.path)
		if got.status != c.status {
			t.Errorf("%s %s: %d %s", c.scope, c.path, got.status, got.body)
		}
		if c.status == 403 && (got.outcome()[0][:7] != "TOK-008" || !strings.Contains(got.header.Get("WWW-Authenticate"), `error="insufficient_scope"`)) {
			t.Errorf("%s %s: %s %s", c.scope, c.path, got.header.Get("WWW-Authenticate"), got.body)
		}
	}
	narrow := scoped("user/List.rs")
	first := w.get(narrow, "DocumentReference/"+there)
	for _, id := range []string{masked, newID()} {
		if got := w.get(narrow, "DocumentReference/"+id); string(got.body) != string(first.body) || got.header.Get("WWW-Authenticate") != first.header.Get("WWW-Authenticate") {
			t.Errorf("%s: %s", id, got.body)
		}
	}
	if got := w.push(scoped("user/DocumentReference.rs"), w.lot()); got.status != 403 {
		t.Errorf("ITI-65 without c: %d", got.status)
	}
}

// TestApplication: an application acts within its grant and no further; what its grant
// leaves out does not exist for it, and one without a grant learns nothing.
func TestApplication(t *testing.T) {
	w := newWorld(t)
	w.list("tracker")
	one := w.mustPush()
	other := w.mustPush(`"code": "`+oneType+`"`, `"code": "`+otherType+`"`)
	hour := time.Now().Add(time.Hour)
	search, token := "patient="+w.record, w.app("patient/DocumentReference.rs")

	ungranted := w.get(token, "DocumentReference?"+search)
	if ungranted.status != 403 || ungranted.outcome()[0][:7] != "APP-001" || !strings.Contains(ungranted.header.Get("WWW-Authenticate"), "insufficient_scope") {
		t.Fatalf("no grant: %d %s", ungranted.status, ungranted.body)
	}
	for _, path := range []string{"DocumentReference/" + one, "DocumentReference/" + newID(), "Binary/" + other} {
		if got := w.get(token, path); got.status != 403 || got.outcome()[0] != ungranted.outcome()[0] {
			t.Errorf("no grant, %s: %d %s", path, got.status, got.body)
		}
	}

	w.grant("tracker", hour, nil, "patient/DocumentReference.rs")
	if got := w.search(token, search); *got.Total != 2 {
		t.Errorf("all types: %d", *got.Total)
	}
	w.grant("tracker", hour, []string{oneType + "^^" + loincOID}, "patient/DocumentReference.rs")
	if got := w.search(token, search); *got.Total != 1 || got.ids() != one {
		t.Errorf("one type: %d %s", *got.Total, got.ids())
	}
	if got := w.search(token, search+"&type="+otherType); *got.Total != 0 {
		t.Errorf("asked for: %d", *got.Total)
	}
	for _, kind := range []string{"DocumentReference/", "Binary/"} {
		if got := w.get(token, kind+one); got.status != http.StatusOK {
			t.Errorf("%s of the type: %d", kind, got.status)
		}
		hidden, unknown := w.get(token, kind+other), w.get(token, kind+newID())
		if hidden.status != 404 || string(hidden.body) != string(unknown.body) {
			t.Errorf("%s of another type: %d %s, unknown: %s", kind, hidden.status, hidden.body, unknown.body)
		}
	}
	if got := w.search(iua.Claims{Nature: authz.NaturePerson, ID: w.record, Patient: w.alice}, search); *got.Total != 2 {
		t.Errorf("the holder herself: %d", *got.Total)
	}

	// It writes where scope and grant say so, and nothing of a type that does not exist for it.
	writer := w.app("patient/DocumentReference.cruds")
	if got := w.push(writer, w.lot()); got.status != 403 || got.outcome()[0][:7] != "APP-001" {
		t.Errorf("a grant to read alone: %d %s", got.status, got.body)
	}
	w.grant("tracker", hour, []string{oneType + "^^" + loincOID}, "patient/DocumentReference.crs")
	if got := w.push(writer, w.lot()); got.status != 200 {
		t.Errorf("a grant to write: %d %s", got.status, got.body)
	}
	if got := w.push(writer, w.lot(`"code": "`+oneType+`"`, `"code": "`+otherType+`"`)); got.status != 403 || got.outcome()[0][:7] != "APP-001" {
		t.Errorf("a document of another type: %d %s", got.status, got.body)
	}

	// Expired, it answers as if there had never been a grant; so does an application that
	// the operator no longer lists.
	w.grant("tracker", time.Now(), nil, "patient/DocumentReference.rs")
	if got := w.get(token, "DocumentReference?"+search); string(got.body) != string(ungranted.body) {
		t.Errorf("expired: %d %s", got.status, got.body)
	}
	w.grant("tracker", hour, nil, "patient/DocumentReference.rs")
	w.gate.Applications = nil
	if got := w.get(token, "DocumentReference?"+search); string(got.body) != string(ungranted.body) {
		t.Errorf("not listed: %d %s", got.status, got.body)
	}

	// Every request of it, refused ones too, names it in the trail.
	w.do(func(s *registry.Session) error {
		a, err := w.gate.OpenProfile(t.Context(), s, authz.Subject{Nature: authz.NaturePerson, ID: w.record}, w.alice, authz.Purpose{Action: authz.Journal})
		if err != nil {
			return err
		}
		lines, err := trail.Read(t.Context(), s.Handle(), a, trail.Filter{Limit: 100})
		count := map[bool]int{}
		for _, l := range lines {
			if l.Application == "tracker" {
				count[l.Permit]++
			}
		}
		if count[true] == 0 || count[false] < 6 {
			t.Errorf("lines of the application: %v", count)
		}
		return err
	})
}

// TestWritingIsNoReading: what reaches creating or changing alone is shown no document
// that is there, neither by If-None-Exist nor in the answer to a PATCH.
func TestWritingIsNoReading(t *testing.T) {
	w := newWorld(t)
	w.list("tracker")
	id := w.mustPublish()
	const there, nothing = "identifier=1.2.250.1.999.10.1", `[{"op":"test","path":"/status","value":"current"}]`
	granted := func(scope string) iua.Claims {
		w.grant("tracker", time.Now().Add(time.Hour), nil, scope)
		return w.app("patient/DocumentReference.cruds")
	}
	scoped := func(scope string) iua.Claims {
		c := author()
		c.Patient, c.Scope = w.alice, scope
		return c
	}
	w.link(author().ID)
	if got := w.publish(scoped("user/DocumentReference.cr"), w.note(), "If-None-Exist", there); got.status != http.StatusOK || got.state() != "current v1" {
		t.Errorf("who reads: %d %s", got.status, got.body)
	}
	for name, who := range map[string]iua.Claims{"token": scoped("user/DocumentReference.c"), "grant": granted("patient/DocumentReference.c")} {
		if got := w.publish(who, w.note(), "If-None-Exist", there); got.status == http.StatusOK || strings.Contains(got.header.Get("Location"), id) {
			t.Errorf("If-None-Exist, %s: %d %v %s", name, got.status, got.header, got.body)
		}
	}
	if got := w.patch(scoped("user/DocumentReference.ru"), "/"+id, jsonPatch, nothing); got.state() != "current v1" {
		t.Errorf("who reads: %d %s", got.status, got.body)
	}
	for name, who := range map[string]iua.Claims{"token": scoped("user/DocumentReference.u"), "grant": granted("patient/DocumentReference.u")} {
		if got := w.patch(who, "/"+id, jsonPatch, nothing); strings.Contains(string(got.body), `"resourceType":"DocumentReference"`) || got.header.Get("ETag") != "" {
			t.Errorf("PATCH, %s: %d %v %s", name, got.status, got.header, got.body)
		}
	}
}

// TestLinksOfApplications: a next link is for the application that was given it.
func TestLinksOfApplications(t *testing.T) {
	w := newWorld(t)
	w.gate.Applications = func(client string) (authz.Application, bool) {
		return authz.Application{Client: client, Reach: "*.cruds"}, true
	}
	for range 3 {
		w.mustPush()
	}
	token, second := w.app("patient/DocumentReference.rs"), w.app("patient/DocumentReference.rs")
	second.Client = "diary"
	for _, client := range []string{"tracker", "diary"} {
		w.grant(client, time.Now().Add(time.Hour), nil, "patient/DocumentReference.rs")
	}
	next := w.search(token, "patient="+w.record+"&_count=1").link("next")
	if next == "" {
		t.Fatal("no next link")
	}
	for who, status := range map[string]int{"tracker": 200, "diary": 400} {
		asking := token
		if who == "diary" {
			asking = second
		}
		if got := w.get(asking, next); got.status != status {
			t.Errorf("%s: %d %s", who, got.status, got.body)
		}
	}
}

// TestReinforcedNeverFeeds: an indirect reinforced authentication (AIR) reads as the
// professional himself and brings nothing, whatever the interaction that would (C-13,
// PDT-INF-606: TD2 closed, TD3 open).
func TestReinforcedNeverFeeds(t *testing.T) {
	w := newWorld(t)
	id := w.mustPush()
	air := author()
	air.Patient, air.Reinforced = w.alice, true
	w.link(air.ID)
	before := *w.search(air, "patient="+w.record).Total
	for name, got := range map[string]*answer{
		"ITI-65": w.push(air, w.lot()), "ITI-105": w.publish(air, w.note()), "Immunization": w.vaccinate(air, w.whole()),
	} {
		if got.status != http.StatusUnprocessableEntity || got.outcome()[0][:4] != "C-13" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if after := *w.search(air, "patient="+w.record).Total; after != before {
		t.Errorf("%d documents, were %d", after, before)
	}
	if got := w.get(air, "Binary/"+id); got.status != http.StatusOK {
		t.Errorf("reads: %d %s", got.status, got.body)
	}
	// An act on a mark brings nothing (TD3.3a): it is answered as to the professional himself.
	mask := `[{"op":"replace","path":"/securityLabel/0","value":` + masked + `}]`
	reinforced := w.patch(air, "/"+id, jsonPatch, mask)
	air.Reinforced = false
	if plain := w.patch(air, "/"+id, jsonPatch, mask); reinforced.status != plain.status {
		t.Errorf("masks: %d, himself %d", reinforced.status, plain.status)
	}
}

// TestApplicationsDoNoActs: marks, archiving and whatever else is the holder's own stay
// his, also for an application whose scopes and grant say update.
func TestApplicationsDoNoActs(t *testing.T) {
	w := newWorld(t)
	w.list("tracker")
	id := w.mustPush()
	w.grant("tracker", time.Now().Add(time.Hour), nil, "patient/*.cruds")
	app := w.app("patient/*.cruds")
	for name, patch := range map[string]string{
		"mask":    `[{"op":"replace","path":"/securityLabel/0","value":` + masked + `}]`,
		"archive": `[{"op":"add","path":"/extension/-","value":{"url":"` + isArchived + `","valueBoolean":true}}]`,
		"delete":  `[{"op":"replace","path":"/status","value":"entered-in-error"}]`,
	} {
		if got := w.patch(app, "/"+id, jsonPatch, patch); got.status != http.StatusForbidden {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if got := w.get(w.holder(), "DocumentReference/"+id); got.status != http.StatusOK || got.state() != "current N v1" {
		t.Errorf("%d %s", got.status, got.state())
	}
	if got := w.get(app, "Patient/"+w.record); got.status != http.StatusOK {
		t.Errorf("Patient: %d %s", got.status, got.body)
	}
}
