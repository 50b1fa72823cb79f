package iti_test

import (
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

// TestDoors: a closed door is a Failure under HTTP 200 with its own code, the same
// on the two reading transactions, and one line of the trail (policy §0.1).
func TestDoors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.stored(on(server, w.alice), w.alice)
	child := w.stored(on(server, w.leo), w.leo)
	glass := func(c saml.Claims, reason string, h holder) saml.Claims {
		c.Mode, c.Reason, c.Traits = "bris_de_glace", reason, h.traits
		return c
	}
	mode := func(c saml.Claims, m string) saml.Claims { c.Mode = m; return c }
	for _, c := range []struct {
		name  string
		as    saml.Claims
		about holder
		want  string // "" = the door is open
	}{
		{"no link", stranger, w.alice, "ACC-23"},
		{"link expired", petit, w.alice, "ACC-29"},
		{"blocked", banned, w.alice, "ACC-04"},
		{"insurer", insurer, w.alice, "ACC-02"},
		{"another patient", person(w.bruno.record), w.alice, "ACC-02"},
		{"structure", server, w.alice, "ACC-03"},
		{"occupational physician", workplace, w.alice, "ACC-11"},
		{"minor himself", person(w.leo.record), w.leo, "ACC-05"},
		{"his mother", person("mother"), w.leo, ""},
		{"centre 15, no regulator", mode(durand, "centre_15"), w.alice, "ACC-24"},
		{"centre 15, regulator", mode(regulator, "centre_15"), w.alice, ""},
		{"bris de glace without reason", glass(stranger, " ", w.alice), w.alice, "ACC-25"},
		{"bris de glace with the traits of another", glass(stranger, "coma", w.bruno), w.alice, "ACC-25"},
		{"bris de glace", glass(stranger, "coma", w.alice), w.alice, ""},
		{"blocked, bris de glace", glass(banned, "coma", w.alice), w.alice, "ACC-04"},
		{"linked", durand, w.alice, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := map[string]string{w.alice.record: d.UniqueID, w.leo.record: child.UniqueID}[c.about.record]
			want, failed := "Success", "Success"
			if c.want != "" {
				want, failed = "Failure; "+c.want+" XDSRegistryError", "Failure; "+c.want+" XDSRepositoryError"
			}
			searches, reads := len(w.trail(c.about, "ITI-18")), len(w.trail(c.about, "ITI-43"))
			got := w.find(on(c.as, c.about), c.about)
			if c.want == "" && got == id {
				got = "Success"
			}
			if got != want {
				t.Errorf("search: %s", got)
			}
			outcome, documents, raw := w.retrieve(on(c.as, c.about), id)
			if outcome != failed || c.want != "" && len(documents) > 0 {
				t.Errorf("retrieve: %s", outcome)
			}
			if c.want != "" && (!strings.Contains(string(raw.raw), `codeContext="`+c.want+" ") || strings.Contains(string(raw.raw), id)) {
				t.Errorf("answer: %s", raw.raw)
			}
			_, _, unknown := w.retrieve(on(c.as, c.about), "1.2.3.99")
			if c.want != "" { // the door comes before any id is looked up
				sameAnswer(t, normalised(raw.raw, id), normalised(unknown.raw, "1.2.3.99"))
			}
			line := c.as.ID + " true"
			if c.want != "" {
				line = c.as.ID + " false " + c.want
			}
			if lines := w.trail(c.about, "ITI-18")[searches:]; len(lines) != 1 || lines[0] != line {
				t.Errorf("trail of the search: %v", lines)
			}
			if lines := w.trail(c.about, "ITI-43")[reads:]; len(lines) != 2 || lines[0] != line {
				t.Errorf("trail of the retrieve: %v", lines)
			}
		})
	}
	w.settings(w.alice, authz.Settings{})
	if got := w.find(on(mode(regulator, "centre_15"), w.alice), w.alice); got != "Failure; ACC-24 XDSRegistryError" {
		t.Errorf("centre 15 refused by the holder: %s", got)
	}
	if got := w.find(on(glass(stranger, "coma", w.alice), w.alice), w.alice); got != "Failure; ACC-25 XDSRegistryError" {
		t.Errorf("bris de glace refused by the holder: %s", got)
	}
	w.settings(w.alice, authz.Settings{MaskAll: true})
	if got := w.find(on(durand, w.alice), w.alice); got != "" {
		t.Errorf("everything masked: %s", got)
	}
	w.state(w.alice, authz.ProfileClosed)
	for _, as := range []saml.Claims{durand, person(w.alice.record), insurer, server} {
		if got := w.find(on(as, w.alice), w.alice); got != "Failure; ACC-01 XDSRegistryError" {
			t.Errorf("closed record, %s: %s", as.ID, got)
		}
	}
	for _, state := range []authz.Value{authz.ProfileOpposed, authz.ProfileNotified, authz.ProfileErased} {
		w.state(w.alice, state)
		if got := w.find(on(durand, w.alice), w.alice); got != "Failure; REG-001 XDSUnknownPatientId" {
			t.Errorf("state %d: %s", state, got)
		}
		if got, _, _ := w.retrieve(on(durand, w.alice), d.UniqueID); got != "Failure; REG-001 XDSRepositoryError" {
			t.Errorf("state %d: %s", state, got)
		}
	}
	if got := w.find(on(person("mother"), w.bruno), w.bruno); got != "Failure; ACC-06 XDSRegistryError" {
		t.Errorf("the representative of one who is of age: %s", got)
	}
}
