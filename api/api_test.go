package api_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/xds"
)

func TestState(t *testing.T) {
	w := newWorld(t)
	state := w.want(w.holder(), "GET", "", "", "200")
	want := `map[access:valid administrator:traitant record:` + w.record + ` settings:map[bdgOK:true maskAll:false maskedOK:false samuOK:true] state:active]`
	if got := fmt.Sprint(state); got != want {
		t.Errorf("holder: %s, want %s", got, want)
	}
	w.want(w.holder(), "PUT", "/blocks/nadia", "", "200")
	for who, access := range map[*iua.Claims]string{
		ref(doctor("traitant")): "valid", ref(doctor("durand")): "valid", ref(doctor("inconnu")): "none", &nadia: "forbidden", &chu: "none",
	} {
		got := w.want(*who, "GET", "", "", "200")
		if fmt.Sprint(got) != fmt.Sprintf("map[access:%s record:%s]", access, w.record) {
			t.Errorf("%s reads %v, want the access %s alone", who.ID, got, access)
		}
	}
	w.want(insurer, "GET", "", "", "403 ACC-02")
	w.want(leo, "GET", "", "", "200")
}

func ref(c iua.Claims) *iua.Claims { return &c }

// TestStates: what each state of a record answers (policy §0.4, Q-24).
func TestStates(t *testing.T) {
	w := newWorld(t)
	for i, c := range []struct {
		state                         authz.Value
		holder, pro, journal, setting string
	}{
		{authz.ProfileNone, "200", "404 JSON-003", "404 JSON-003", "404 JSON-003"},
		{authz.ProfileNotified, "200", "404 JSON-003", "404 JSON-003", "404 JSON-003"},
		{authz.ProfileOpposed, "200", "404 JSON-003", "404 JSON-003", "404 JSON-003"},
		{authz.ProfileOpen, "200", "200", "200", "200"},
		{authz.ProfileActive, "200", "200", "200", "200"},
		{authz.ProfileClosed, "200", "200", "200", "403 ACC-01"},
		{authz.ProfileErased, "200", "404 JSON-003", "404 JSON-003", "404 JSON-003"},
	} {
		id, patient := newID(), xds.NewCX(fmt.Sprintf("17903512151%04d", i), "1.2.250.1.213.1.4.10", "NH")
		w.create(id, patient, c.state, "19790312")
		path := "/api/v1/records/" + id
		self, pro := iua.Claims{Nature: authz.NaturePerson, ID: id, Patient: patient}, doctor("durand")
		pro.Patient = patient
		for _, call := range []struct {
			who                      iua.Claims
			method, path, body, want string
		}{
			{self, "GET", "", "", c.holder}, {pro, "GET", "", "", c.pro},
			{self, "GET", "/history", "", c.journal}, {self, "PUT", "/settings", "{}", c.setting},
		} {
			if got := brief(w.unbound(call.who, call.method, path+call.path, call.body)); got != call.want {
				t.Errorf("%s: %s %s %s: %s, want %s", authz.Profile.Name(c.state), call.who.ID, call.method, call.path, got, call.want)
			}
		}
	}
}

// TestDoorBeforeIDs: under a token that names a patient his door comes before any
// id of the path; under one that names none a by-id call shows no door (policy §0.1).
func TestDoorBeforeIDs(t *testing.T) {
	w := newWorld(t)
	unknown := "/api/v1/records/" + newID()
	act := "/documents/" + newID() + "/mask"
	w.want(w.holder(), "PUT", "/blocks/inconnu", "", "200")
	blocked := doctor("inconnu")
	for _, path := range []string{unknown, unknown + "/history", "/api/v1/records/x"} {
		w.want(doctor("durand"), "GET", path, "", "403 ACC-67")
		if got := brief(w.unbound(doctor("durand"), "GET", path, "")); got != "404 JSON-003" {
			t.Errorf("unbound %s: %s", path, got)
		}
	}
	w.want(doctor("durand"), "POST", unknown+act, "{}", "403 ACC-67")
	w.want(blocked, "POST", act, "{}", "403 ACC-04")
	closed, open := w.unbound(blocked, "POST", act, "{}"), w.unbound(w.holder(), "POST", act, "{}")
	if closed.Code != http.StatusNotFound || closed.Body.String() != open.Body.String() {
		t.Errorf("a closed door: %s, an unknown id: %s", closed.Body, open.Body)
	}
	if got := w.unbound(iua.Claims{}, "GET", "", ""); got.Code != http.StatusUnauthorized || got.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("without a token: %d", got.Code)
	}
}

func TestSearchByINS(t *testing.T) {
	w := newWorld(t)
	ins := fmt.Sprintf(`{"ins":%q}`, w.alice)
	const path = "/api/v1/records/search"
	if got := w.want(doctor("inconnu"), "POST", path, ins, "200"); got["record"] != w.record {
		t.Errorf("record %v", got)
	}
	w.want(chu, "POST", path, ins, "200")
	w.want(insurer, "POST", path, ins, "403 ACC-02")
	w.want(chu, "POST", path, `{"ins":"x"}`, "422 JSON-002")
	w.want(chu, "POST", path, `{"ins":"1^^^&1.2.3&ISO"}`, "403 ACC-67")
	if got := brief(w.unbound(chu, "POST", path, `{"ins":"1^^^&1.2.3&ISO"}`)); got != "404 JSON-003" {
		t.Errorf("unknown: %s", got)
	}
}

func TestSettings(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ body, want string }{
		{`{"maskedOK":true}`, "map[bdgOK:true maskAll:false maskedOK:true samuOK:true]"},
		{`{"samuOK":false,"bdgOK":false}`, "map[bdgOK:false maskAll:false maskedOK:false samuOK:false]"},
		{`{"maskedOK":true}`, "map[bdgOK:false maskAll:false maskedOK:false samuOK:false]"},
		{`{"samuOK":true,"maskAll":true}`, "map[bdgOK:false maskAll:true maskedOK:false samuOK:true]"},
	} {
		if got := fmt.Sprint(w.want(w.holder(), "PUT", "/settings", c.body, "200")); got != c.want {
			t.Errorf("%s: %s, want %s", c.body, got, c.want)
		}
	}
	w.want(w.holder(), "PUT", "/settings", `{"other":true}`, "422 JSON-002")
	w.want(w.holder(), "PUT", "/settings", `{"maskAll":"yes"}`, "422 JSON-002")
	w.want(w.holder(), "PUT", "/settings", `{`, "400 JSON-001")
	for _, who := range []iua.Claims{leo, doctor("traitant"), doctor("durand")} {
		w.want(who, "PUT", "/settings", `{}`, "403 ACC-42")
	}
}

func TestLinks(t *testing.T) {
	w := newWorld(t)
	inconnu := doctor("inconnu")
	const ticked = `{"basis":"consent","attested":true}`
	for body, want := range map[string]string{
		`{"basis":"consent"}`: "422 C-08", `{"basis":"consent","attested":false}`: "422 C-08", `{"basis":"other","attested":true}`: "422 C-08",
		`{"basis":"consent","attested":true,"expires":"2020-01-01"}`: "422 JSON-002", `{"basis":"consent","attested":true,"expires":"soon"}`: "422 JSON-002",
	} {
		w.want(inconnu, "PUT", "/links/inconnu", body, want)
	}
	alone := inconnu
	alone.Structure = ""
	w.want(alone, "PUT", "/links/inconnu", `{"basis":"team","attested":true}`, "422 C-08")
	emergency := inconnu
	emergency.Mode, emergency.Reason = "bris_de_glace", "coma"
	w.want(emergency, "PUT", "/links/inconnu", ticked, "403 ACC-07")
	w.want(employers, "PUT", "/links/travail", ticked, "403 ACC-11")
	w.want(inconnu, "PUT", "/links/durand", ticked, "403 ACC-44")
	w.want(w.holder(), "PUT", "/links/inconnu", ticked, "403 ACC-44")
	w.want(inconnu, "PUT", "/links/inconnu", fmt.Sprintf(`{"basis":"team","attested":true,"expires":%q}`, time.Now().Add(48*time.Hour).Format(time.RFC3339)), "200")
	w.access(inconnu, "valid")
	w.ahead = 72 * time.Hour
	w.access(inconnu, "expired")
	w.access(doctor("durand"), "valid")
	w.ahead = 366 * 24 * time.Hour
	w.access(doctor("durand"), "expired") // 365 days unless said
	w.want(nadia, "DELETE", "/links/durand", "", "403 ACC-44")
	w.want(w.holder(), "DELETE", "/links/nobody", "", "404 JSON-003")
	for _, who := range []iua.Claims{w.holder(), doctor("durand")} { // again changes nothing
		w.want(who, "DELETE", "/links/durand", "", "204")
	}
	w.access(doctor("durand"), "none")
}

func (w *world) access(who iua.Claims, want string) {
	w.t.Helper()
	if got := w.want(who, "GET", "", "", "200"); got["access"] != want {
		w.t.Errorf("%s: access %v, want %s", who.ID, got["access"], want)
	}
}

func TestBlocks(t *testing.T) {
	w := newWorld(t)
	traitant := doctor("traitant")
	w.want(w.holder(), "PUT", "/blocks/traitant", "", "409 C-07")
	w.want(w.holder(), "PUT", "/blocks/nobody", "", "404 JSON-003")
	w.want(traitant, "PUT", "/blocks/durand", `{}`, "422 C-11")
	w.want(doctor("inconnu"), "PUT", "/blocks/durand", `{"attested":true}`, "403 ACC-42")
	w.want(leo, "PUT", "/blocks/durand", "", "403 ACC-42")
	for range 2 {
		w.want(traitant, "PUT", "/blocks/durand", `{"attested":true}`, "200")
	}
	w.access(doctor("durand"), "forbidden")
	w.want(doctor("durand"), "PUT", "/links/durand", `{"basis":"consent","attested":true}`, "403 ACC-04")
	w.want(doctor("durand"), "GET", "/history", "", "200")
	for range 2 {
		w.want(w.holder(), "DELETE", "/blocks/durand", "", "204")
	}
	w.access(doctor("durand"), "none") // an unblock restores nothing
}

func TestAdministrator(t *testing.T) {
	w := newWorld(t)
	name := func(id string) string { return fmt.Sprintf(`{"professional":%q}`, id) }
	w.want(w.holder(), "PUT", "/administrator", name("durand"), "422 C-06") // never connected
	w.want(nadia, "PUT", "/links/nadia", `{"basis":"team","attested":true}`, "200")
	w.read(nadia)
	w.want(w.holder(), "PUT", "/administrator", name("nadia"), "422 C-06") // no médecin
	w.read(doctor("durand"))
	for _, who := range []iua.Claims{leo, doctor("traitant"), doctor("durand")} {
		w.want(who, "PUT", "/administrator", name("durand"), "403 ACC-42")
	}
	w.want(w.holder(), "PUT", "/blocks/durand", "", "200")
	w.want(w.holder(), "PUT", "/administrator", name("durand"), "409 C-07")
	w.want(w.holder(), "DELETE", "/blocks/durand", "", "204")
	w.want(w.holder(), "PUT", "/administrator", name("durand"), "200")
	w.access(doctor("durand"), "valid")
	w.access(doctor("traitant"), "none") // replaced
	w.want(doctor("traitant"), "DELETE", "/administrator", "", "403 ACC-42")
	w.want(doctor("durand"), "DELETE", "/administrator", "", "204")
	if got := w.want(w.holder(), "GET", "", "", "200"); got["administrator"] != nil {
		t.Errorf("administrator %v after he resigned", got["administrator"])
	}
	w.want(w.holder(), "DELETE", "/administrator", "", "204")
}
