package mhd_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/registry"
)

// entries are the resources of a searchset, which is read strictly.
func (a *answer) entries() (all []json.RawMessage) {
	a.t.Helper()
	a.valid("Bundle")
	var set struct {
		Total int
		Entry []struct{ Resource json.RawMessage }
	}
	if err := json.Unmarshal(a.body, &set); err != nil {
		a.t.Fatal(err)
	}
	for _, e := range set.Entry {
		all = append(all, e.Resource)
	}
	if set.Total < len(all) {
		a.t.Errorf("total %d of %d", set.Total, len(all))
	}
	return all
}

// members are the participants of a CareTeam: who, on what basis, with what access.
func members(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	var team struct {
		Participant []struct {
			Extension []struct{ ValueCode string }
			Role      []struct {
				Coding []struct{ System, Code string }
			}
			Member struct{ Identifier struct{ Value string } }
			Period *struct{ Start, End time.Time }
		}
	}
	if err := json.Unmarshal(raw, &team); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, p := range team.Participant {
		text := p.Member.Identifier.Value + "=" + p.Extension[0].ValueCode
		for _, r := range p.Role {
			if strings.HasSuffix(r.Coding[0].System, "fondement") {
				text += "/" + r.Coding[0].Code
			}
		}
		if linked := p.Period != nil && !p.Period.Start.IsZero() && !p.Period.End.IsZero(); linked == strings.HasSuffix(text, "administrator") {
			t.Errorf("period of %s: %v", text, p.Period)
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

// provisions are the Consents of an answer: kind, status, what and who.
func provisions(t *testing.T, all []json.RawMessage) string {
	t.Helper()
	var lines []string
	for _, raw := range all {
		var c struct {
			Status    string
			Category  []struct{ Coding []struct{ Code string } }
			Provision struct {
				Type  string
				Actor []struct {
					Reference struct{ Identifier struct{ Value string } }
				}
				Provision []struct {
					Type string
					Code []struct{ Coding []struct{ Code string } }
				}
			}
		}
		if err := json.Unmarshal(raw, &c); err != nil {
			t.Fatal(err)
		}
		text := c.Category[1].Coding[0].Code + "/" + c.Status
		if len(c.Provision.Actor) > 0 {
			text += "/" + c.Provision.Type + "=" + c.Provision.Actor[0].Reference.Identifier.Value
		}
		for _, p := range c.Provision.Provision {
			text += "/" + p.Type + "=" + p.Code[0].Coding[0].Code
		}
		lines = append(lines, text)
	}
	slices.Sort(lines)
	return strings.Join(lines, " ")
}

// TestRelations: who reads the list of authorizations by the JSON calls reads the same
// here, and nobody else.
func TestRelations(t *testing.T) {
	w := newWorld(t)
	w.cast()
	const (
		team = "durand=valid/consent hopital=valid/consent petit=expired/team traitant=valid/administrator"
		all  = "blocage/active/deny=bloque lien/active/permit=durand lien/active/permit=hopital lien/inactive/permit=petit medecin-traitant/active/permit=traitant"
		mine = " reglages/active/permit=maskAll/permit=samuOK/permit=bdgOK/deny=maskedOK"
	)
	for name, c := range map[string]struct {
		who            iua.Claims
		team, consents string
	}{
		"holder":           {w.holder(), team, all + mine},
		"médecin traitant": {pro("traitant"), team, all},
		"linked":           {pro("durand"), "durand=valid/consent", "lien/active/permit=durand"},
		"expired":          {pro("petit"), "petit=expired/team", "lien/inactive/permit=petit"},
		"no link":          {stranger, "", ""},
		"blocked":          {pro("bloque"), "", "blocage/active/deny=bloque"},
		"structure":        {chu, "ACC-03", "ACC-03"},
		"insurer":          {insurer, "ACC-02", "ACC-02"},
	} {
		for resource, want := range map[string]string{"CareTeam": c.team, "Consent": c.consents} {
			got := w.get(c.who, resource+"?patient="+w.record)
			if strings.HasPrefix(want, "ACC") {
				if got.status != http.StatusForbidden || got.outcome()[0] != want+" " {
					t.Errorf("%s %s: %d %s", name, resource, got.status, got.body)
				}
				continue
			}
			entries, text := got.entries(), ""
			if resource == "Consent" {
				text = provisions(t, entries)
			} else if len(entries) > 0 {
				text = members(t, entries[0])
			}
			if text != want {
				t.Errorf("%s %s: %s\nwant %s", name, resource, text, want)
			}
			for _, raw := range entries {
				var one struct{ ID string }
				_ = json.Unmarshal(raw, &one)
				read := w.get(c.who, resource+"/"+one.ID)
				read.valid(resource)
				if !bytes.Equal(read.body, raw) {
					t.Errorf("%s reads %s, found %s", name, read.body, raw)
				}
				// What another may not see is unknown to him, whatever his token names.
				bound := stranger
				bound.Patient = w.alice
				unknown := w.get(bound, resource+"/x")
				for _, who := range []iua.Claims{stranger, chu, bound} {
					if got := w.get(who, resource+"/"+one.ID); got.status != http.StatusNotFound || !bytes.Equal(got.body, unknown.body) {
						t.Errorf("%s %s of another: %d %s", who.ID, resource, got.status, got.body)
					}
				}
			}
		}
	}
}

// TestRelationSearch: every parameter narrows, none is answered that does not work, pages
// are walked once, and no link holds an INS.
func TestRelationSearch(t *testing.T) {
	w := newWorld(t)
	w.cast()
	holder := w.holder()
	const space = "urn:oid:1.2.250.1.71.4.2.1|"
	for query, want := range map[string]int{
		"Consent?patient=" + w.record: 6, "Consent?patient.identifier=" + ins: 6, "Consent?patient:identifier=" + ins: 6, "Consent?patient=Patient/" + w.record + "&status=inactive": 1,
		"Consent?patient=" + w.record + "&status=active,inactive": 6, "Consent?patient=" + w.record + "&status=draft": 0, "Consent?patient=" + w.record + "&actor:identifier=durand": 1,
		"Consent?patient=" + w.record + "&actor.identifier=" + space + "durand": 1, "Consent?patient=" + w.record + "&actor.identifier=urn:oid:1.2.3|durand": 0,
		"Consent?patient=" + w.record + "&_id=x": 0, "CareTeam?patient=" + w.record + "&participant:identifier=durand": 1, "CareTeam?patient=" + w.record + "&participant.identifier=bloque": 0,
		"CareTeam?patient=" + w.record + "&status=active": 1, "CareTeam?patient=" + w.record + "&status=inactive": 0, "Consent?patient=" + w.record + "&patient.identifier=urn:oid:1.2.3|4": -1,
		"CareTeam?_id=x": 0,
	} {
		got := w.get(holder, query)
		if want < 0 {
			if got.status != http.StatusForbidden {
				t.Errorf("%s: %d", query, got.status)
			}
			continue
		}
		if n := len(got.entries()); n != want || strings.Contains(string(got.body), "279035121518989") {
			t.Errorf("%s: %d, want %d: %s", query, n, want, got.body)
		}
	}
	for _, query := range []string{"Consent?patient=" + w.record + "&actor=durand", "Consent?patient=" + w.record + "&status:not=active", "Consent?patient=a,b", "Consent?patient=" + w.record + "&_count=x"} {
		if got := w.get(holder, query); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d", query, got.status)
		}
	}
	seen := map[string]bool{}
	path := "Consent?patient=" + w.record + "&_count=2"
	for pages := 0; path != ""; pages++ {
		got := w.get(holder, path)
		for _, raw := range got.entries() {
			seen[string(raw)] = true
		}
		var set searchset
		_ = json.Unmarshal(got.body, &set)
		next := set.link("next")
		if pages == 0 {
			if other := w.get(pro("traitant"), next); other.status != http.StatusBadRequest {
				t.Errorf("another reader's link: %d", other.status)
			}
		}
		if path = next; *set.Total != 6 || pages > 2 {
			t.Fatalf("page %d: %s", pages, got.body)
		}
	}
	if len(seen) != 6 {
		t.Errorf("%d of 6", len(seen))
	}
	if got := w.get(stranger, "Consent?patient="+newID()); len(got.entries()) != 0 {
		t.Errorf("never seen: %s", got.body)
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		if got := w.as(holder, method, "/fhir/Consent", strings.NewReader("{}")); got.status != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, got.status)
		}
	}
}

// TestReadUnknownLeavesNoTrace: the id of a Consent that a reader may not see leaves the
// history that he and the holder read as an unknown one does.
func TestReadUnknownLeavesNoTrace(t *testing.T) {
	w := newWorld(t)
	w.cast()
	lines := func() (all []string) {
		w.profile(authz.Subject{Nature: authz.NaturePro, ID: "inconnu", Profession: "10"}, authz.OwnJournal, func(s *registry.Session, a authz.Allowed) error {
			events, _, err := s.History(w.t.Context(), a, registry.HistoryQuery{})
			for _, e := range events {
				all = append(all, fmt.Sprint(e.Transaction, e.Permit, e.Reason, e.Document))
			}
			return err
		})
		return all
	}
	var one struct{ ID string }
	_ = json.Unmarshal(w.get(w.holder(), "Consent?patient="+w.record).entries()[0], &one)
	before := lines()
	w.get(stranger, "Consent/"+one.ID)
	hidden := lines()
	w.get(stranger, "Consent/unknown")
	if unknown := lines(); len(hidden)-len(before) != 1 || len(unknown)-len(hidden) != 1 { // the look itself
		t.Errorf("hidden leaves %v, unknown %v after %v", hidden, unknown, before)
	}
}
