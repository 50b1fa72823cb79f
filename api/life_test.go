package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
)

// put gives alice's record a state, as if it had always had it.
func (w *world) put(state authz.Value) {
	w.t.Helper()
	w.do(func(s *registry.Session) error {
		return record.SetProfile(w.t.Context(), s.Handle(), authz.AsSystem("test"), w.record, state)
	})
}

// TestLifeInEveryState walks the state machine of policy §1.5 by its public calls: each
// act in each state, by the holder, is a transition or a stable refusal.
func TestLifeInEveryState(t *testing.T) {
	const unseen, closed, state = "404 JSON-003", "403 ACC-01", "409 LIFE-001"
	w := newWorld(t)
	acts := []string{"activate", "oppose", "close", "reopen", "erase"}
	for _, c := range []struct {
		from authz.Value
		want [5]string // of the acts, in their order
		to   [5]authz.Value
	}{
		{authz.ProfileNone, [5]string{state, state, unseen, unseen, unseen}, [5]authz.Value{}},
		{authz.ProfileNotified, [5]string{"200", "200", unseen, unseen, unseen}, [5]authz.Value{authz.ProfileActive, authz.ProfileOpposed}},
		{authz.ProfileOpposed, [5]string{"200", state, unseen, unseen, unseen}, [5]authz.Value{authz.ProfileActive}},
		{authz.ProfileOpen, [5]string{"200", state, "200", state, "200"}, [5]authz.Value{0: authz.ProfileActive, 2: authz.ProfileClosed, 4: authz.ProfileErased}},
		{authz.ProfileActive, [5]string{state, state, "200", state, "200"}, [5]authz.Value{2: authz.ProfileClosed, 4: authz.ProfileErased}},
		{authz.ProfileClosed, [5]string{state, state, closed, "200", "200"}, [5]authz.Value{3: authz.ProfileActive, 4: authz.ProfileErased}},
		{authz.ProfileErased, [5]string{"200", state, unseen, unseen, unseen}, [5]authz.Value{authz.ProfileActive}},
	} {
		for i, act := range acts {
			w.put(c.from)
			body := ""
			if act == "erase" {
				body = `{"confirm":"SUPPRIMER"}`
			}
			answer := w.want(w.holder(), "POST", "/"+act, body, c.want[i])
			to := c.from
			if c.want[i] == "200" {
				if to = c.to[i]; answer["state"] != authz.Profile.Name(to) {
					t.Errorf("%s of %s: %v", act, authz.Profile.Name(c.from), answer)
				}
			}
			if now := w.want(w.holder(), "GET", "", "", "200"); now["state"] != authz.Profile.Name(to) {
				t.Errorf("%s of %s: state %v afterwards", act, authz.Profile.Name(c.from), now["state"])
			}
		}
	}
}

// Nobody but the holder and representatives acts on the life of a record.
func TestLifeIsTheHolders(t *testing.T) {
	w := newWorld(t)
	for _, act := range []string{"activate", "oppose", "close", "reopen", "erase"} {
		// The administrator's, the relative's and the structure's refusals are those of any
		// setting; an unconfirmed deletion by one of them tells no more.
		for _, who := range []iua.Claims{doctor("traitant"), leo} {
			w.want(who, "POST", "/"+act, "", "403 ACC-42")
		}
		w.want(chu, "POST", "/"+act, "", "403 ACC-03")
		w.want(insurer, "POST", "/"+act, "", "403 ACC-02")
		w.want(iua.Claims{}, "POST", "/"+act, "", "401 TOK-001")
	}
	if w.want(w.holder(), "GET", "", "", "200")["state"] != "active" {
		t.Error("moved")
	}
}

func TestClosedAndReopened(t *testing.T) {
	w := newWorld(t)
	id := w.document(doctor("durand"))
	closed := w.want(w.holder(), "POST", "/close", "", "200")
	until, err := time.Parse(time.RFC3339, closed["until"].(string))
	if err != nil || until.Sub(time.Now().AddDate(10, 0, 0)).Abs() > time.Minute {
		t.Errorf("until %v, %v", closed["until"], err)
	}
	w.want(w.holder(), "POST", "/documents/"+id+"/mask", "", "403 ACC-01")
	w.want(w.holder(), "POST", "/reopen", "", "200")
	w.want(w.holder(), "POST", "/documents/"+id+"/mask", "", "200")
}

// TestErased: a confirmed deletion leaves the state alone, and reactivated the record is
// empty: no document, link, setting or history of before (S3).
func TestErased(t *testing.T) {
	w := newWorld(t)
	id := w.document(doctor("durand"))
	w.want(w.holder(), "PUT", "/settings", `{"maskAll":true,"samuOK":false}`, "200")
	w.want(w.holder(), "POST", "/erase", "", "422 LIFE-002")
	w.want(w.holder(), "POST", "/erase", `{"confirm":"oui"}`, "422 LIFE-002")
	ended := w.want(w.holder(), "POST", "/erase", `{"confirm":"SUPPRIMER"}`, "200")
	if ended["documents"] != 1.0 || ended["destroyedAt"] == nil || ended["epoch"] != 1.0 {
		t.Errorf("%v", ended)
	}
	w.want(w.holder(), "GET", "/history", "", "404 JSON-003")
	w.want(w.holder(), "POST", "/activate", "", "200")
	now := w.want(w.holder(), "GET", "", "", "200")
	if s := now["settings"].(map[string]any); s["maskAll"] != false || s["samuOK"] != true || now["administrator"] != nil {
		t.Errorf("%v", now)
	}
	w.want(w.holder(), "POST", "/documents/"+id+"/mask", "", "404 JSON-003")
	if all := w.want(w.holder(), "GET", "/authorizations", "", "200")["authorizations"].([]any); len(all) != 0 {
		t.Errorf("%v", all)
	}
	history := w.ask(w.holder(), "GET", "/history", "").Body.String()
	if strings.Contains(history, "erase") || strings.Contains(history, "durand") || !strings.Contains(history, "activate") {
		t.Errorf("history of the new epoch: %s", history)
	}
}
