package registry_test

import (
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/outbox"
	"github.com/passerelle-sante/passerelle/xds"
)

// hooked subscribes somebody as the FHIR face does.
func (w *world) hooked(sub authz.Subject, h registry.Hook) (id string) {
	w.t.Helper()
	id, h.Asked = newID(), []byte(`{}`)
	if err := w.reg.Write(w.t.Context(), func(s *registry.Session) error {
		sc, err := w.gate.Open(w.t.Context(), s, sub, w.alice, authz.Purpose{Action: authz.Search, Transaction: "ITI-110"})
		if err != nil {
			return err
		}
		_, err = s.Subscribe(w.t.Context(), sc, registry.Subscription{ID: id, Consumer: "https://c/hook", Expires: time.Now().Add(time.Hour), Hook: &h})
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	return id
}

// deliver takes what is due and gives it to a consumer; it answers what he was told.
func (w *world) deliver(box *outbox.Box, down bool) (told []registry.Notification) {
	w.t.Helper()
	lanes, err := box.Take(w.t.Context(), sys, outbox.Notify, 10)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, lane := range lanes {
		for _, item := range lane {
			all, err := w.reg.Notifications(w.t.Context(), sys, w.gate, []outbox.Item{item})
			switch {
			case err == nil && len(all) == 0:
				err = box.Delivered(w.t.Context(), sys, item)
			case err == nil && down:
				if err = w.reg.Unanswered(w.t.Context(), sys, all[0], "no-response"); err == nil {
					err = box.Postpone(w.t.Context(), sys, item, box.Now())
				}
			case err == nil:
				err = w.reg.Received(w.t.Context(), sys, item, all[0])
			}
			if err != nil {
				w.t.Fatal(err)
			}
			if told = append(told, all...); down {
				break
			}
		}
	}
	return told
}

// held is the only Subscription of somebody.
func (w *world) held(sub authz.Subject) registry.Held {
	w.t.Helper()
	all, total, err := w.reg.Hooks(w.t.Context(), sub, registry.HookQuery{Limit: 10})
	if err != nil || len(all) != 1 || total != 1 {
		w.t.Fatalf("%d of %d, %v", len(all), total, err)
	}
	return all[0]
}

// A Subscription of the FHIR face is told nothing before its consumer has answered, what
// its owner may see at the delivery, and nothing once it is off; each document has a
// number.
func TestHooksAreTold(t *testing.T) {
	w := newWorld(t)
	durand, petit := doctor("durand"), doctor("petit")
	w.link(durand)
	box := outbox.Open(w.pool, time.Now)
	id := w.hooked(durand, registry.Hook{})
	if h := w.held(durand); h.ID != id || h.Status != registry.HookRequested || h.Version != 1 || h.Record != w.record {
		t.Errorf("%+v", h)
	}
	if told := w.deliver(box, true); len(told) != 1 || told[0].Telling.Kind != registry.TellHandshake || told[0].Documents != nil {
		t.Fatalf("%+v", told)
	}
	if h := w.held(durand); h.Status != registry.HookError || h.Failure != "no-response" || h.Version != 2 {
		t.Errorf("no answer: %+v", h)
	}
	w.mustSubmit(lab, w.lot()) // behind the handshake
	told := w.deliver(box, false)
	if len(told) != 2 || told[0].Telling.Kind != registry.TellHandshake || told[1].Telling.Kind != registry.TellEvent || len(told[1].Documents) != 1 || told[1].Telling.Before != 0 {
		t.Fatalf("%+v", told)
	}
	if h := w.held(durand); h.Status != registry.HookActive || h.Failure != "" || h.Told != 1 || h.Version != 3 {
		t.Errorf("answered: %+v", h)
	}
	lines := w.trailOf("durand", "ITI-112")
	w.mustSubmit(lab, w.lot())
	later := w.mustSubmit(lab, w.lot())
	if _, err := w.act(holder(w), authz.Mask, registry.Change{Document: later.LogicalID}); err != nil {
		t.Fatal(err)
	}
	if told := w.deliver(box, false); len(told) != 1 || told[0].Telling.Before != 1 {
		t.Errorf("one of two is masked: %+v", told)
	}
	if n := w.trailOf("durand", "ITI-112"); n != lines+1 {
		t.Errorf("%d lines of deliveries, want %d", n, lines+1)
	}
	if h := w.held(durand); h.Told != 2 || h.Version != 3 {
		t.Errorf("%+v", h)
	}
	off := func(sub authz.Subject, version int) string {
		return code(w.reg.SwitchOff(t.Context(), sub, id, version, []byte(`{}`)))
	}
	if a, b, c := off(petit, 0), off(durand, 2), off(durand, 3); a != "FHIR-003" || b != "FHIR-011" || c != "" {
		t.Errorf("off: %q, %q, %q", a, b, c)
	}
	w.mustSubmit(lab, w.lot())
	if told := w.deliver(box, false); len(told) != 0 || w.rows(outbox.Notify) != 0 {
		t.Errorf("off: %+v", told)
	}
	bound := durand
	bound.Patient = xds.NewCX("155077510012345", "1.2.250.1.213.1.4.10", "NH")
	for _, c := range []struct {
		sub      authz.Subject
		id, want string
	}{{petit, id, "FHIR-003"}, {bound, id, "FHIR-003"}, {durand, newID(), "FHIR-003"}, {durand, "x", "FHIR-003"}, {durand, id, ""}, {durand, id, "FHIR-003"}} {
		if c.want == "" {
			if got := code(w.reg.Unsubscribe(t.Context(), durand, w.record, id)); got != "DSUB-004" {
				t.Errorf("by SOAP: %q", got)
			}
		}
		if got := code(w.reg.Unhook(t.Context(), c.sub, c.id, 0)); got != c.want {
			t.Errorf("%s deletes %s: %q, want %q", c.sub.ID, c.id, got, c.want)
		}
	}
	if _, total, err := w.reg.Hooks(t.Context(), durand, registry.HookQuery{Limit: 10}); total != 0 || err != nil {
		t.Errorf("%d left, %v", total, err)
	}
}

// A Subscription to what is new hears of deposits alone; one that nobody hears of for
// its period has a heartbeat, and that tells nothing.
func TestHooksNewAndQuiet(t *testing.T) {
	w := newWorld(t)
	durand := doctor("durand")
	w.link(durand)
	now := time.Now()
	w.reg.Now = func() time.Time { return now }
	w.gate.Now = w.reg.Now
	box := outbox.Open(w.pool, w.reg.Now)
	w.hooked(durand, registry.Hook{NewOnly: true, Heartbeat: 60})
	if n, err := box.Expire(t.Context(), sys, outbox.Notify, now.Add(time.Second)); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	w.mustSubmit(lab, w.lot())
	if told := w.deliver(box, false); len(told) != 0 {
		t.Errorf("a consumer that never answered: %+v", told)
	}
	id := w.held(durand).ID
	if err := w.reg.Write(t.Context(), func(s *registry.Session) error {
		sc, err := w.gate.Open(t.Context(), s, durand, w.alice, authz.Purpose{Action: authz.Search, Transaction: "ITI-110"})
		if err != nil {
			return err
		}
		n := registry.Subscription{ID: id, Consumer: "https://c/other", Expires: now.Add(time.Hour), Hook: &registry.Hook{Asked: []byte(`{}`), NewOnly: true, Heartbeat: 60}}
		return s.Resubscribe(t.Context(), sc, n, 1, true)
	}); err != nil {
		t.Fatal(err)
	}
	if h := w.held(durand); h.Version != 2 || h.Status != registry.HookRequested || h.Consumer != "https://c/other" {
		t.Errorf("%+v", h)
	}
	if told := w.deliver(box, false); len(told) != 1 || told[0].Telling.Kind != registry.TellHandshake {
		t.Errorf("greeted anew: %+v", told)
	}
	entry := w.mustSubmit(lab, w.lot())
	if told := w.deliver(box, false); len(told) != 1 || len(told[0].Documents) != 1 {
		t.Errorf("new: %+v", told)
	}
	for _, action := range []authz.Value{authz.Archive, authz.Mask, authz.Unmask} {
		if _, err := w.act(holder(w), action, registry.Change{Document: entry.LogicalID}); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(time.Second)
	if told := w.deliver(box, false); len(told) != 0 {
		t.Errorf("changed: %+v", told)
	}
	w.mustSubmit(lab, w.lot())
	if told := w.deliver(box, false); len(told) != 1 || len(told[0].Documents) != 1 {
		t.Errorf("%+v", told)
	}
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{59 * time.Second, 0}, {2 * time.Second, 1}, {time.Second, 0}, {time.Minute, 1}} {
		now = now.Add(c.after)
		if err := box.Tidy(t.Context(), sys); err != nil {
			t.Fatal(err)
		}
		told := w.deliver(box, false)
		if len(told) != c.want || c.want == 1 && (told[0].Telling.Kind != registry.TellHeartbeat || told[0].Documents != nil || told[0].Telling.Before != 2) {
			t.Errorf("after %s: %+v", c.after, told)
		}
	}
}
