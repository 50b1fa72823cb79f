package registry_test

import (
	"context"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// forger is a Session with facts of its own choice and a trail that it throws
// away: what somebody would write to get round the Gate.
type forger struct{ facts authz.Facts }

func (f forger) Facts(context.Context, authz.Subject, xds.CX) (authz.Facts, error) {
	return f.facts, nil
}
func (forger) Record(*authz.Trace) {}
func (forger) Live() bool          { return true }

// liar is the real session but for its facts.
type liar struct {
	*registry.Session
	facts authz.Facts
}

func (l liar) Facts(context.Context, authz.Subject, xds.CX) (authz.Facts, error) {
	return l.facts, nil
}

// A permission from any Session but the registry's own is worth nothing there.
func TestForgedSessions(t *testing.T) {
	w := newWorld(t)
	entry := w.mustSubmit(lab, w.lot())
	stranger := doctor("inconnu")
	facts := authz.Facts{
		Record: w.record, Patient: w.alice, Profile: authz.ProfileActive, Settings: authz.DefaultSettings, Administrator: true,
		Traits: authz.Traits{BirthDate: "19790315"},
	}
	ctx := t.Context()
	for name, session := range map[string]func(s *registry.Session) authz.Session{
		"made up": func(*registry.Session) authz.Session { return forger{facts} },
		"wrapped": func(s *registry.Session) authz.Session { return liar{s, facts} },
	} {
		err := w.reg.Read(ctx, func(s *registry.Session) error {
			sc, err := w.gate.Open(ctx, session(s), stranger, w.alice, authz.Purpose{Action: authz.Search})
			if err != nil || !sc.Live() || sc.Record() != w.record {
				t.Fatalf("%s: the forged Scope itself: %v", name, err)
			}
			if page, err := s.Find(ctx, sc, xds.Query{}); err == nil || len(page.Documents) > 0 {
				t.Errorf("%s: Find gives %d documents", name, len(page.Documents))
			}
			if docs, err := s.Get(ctx, sc, entry.EntryUUID); err == nil || len(docs) > 0 {
				t.Errorf("%s: Get gives %d documents", name, len(docs))
			}
			if c, err := s.SetAndContents(ctx, sc, "1.2.4.1", nil); err == nil || len(c.Sets) > 0 {
				t.Errorf("%s: SetAndContents gives %d sets", name, len(c.Sets))
			}
			al, err := w.gate.OpenProfile(ctx, session(s), stranger, w.alice, authz.Purpose{Action: authz.Journal})
			if err != nil {
				t.Fatal(err)
			}
			if events, _, err := s.History(ctx, al, registry.HistoryQuery{}); err == nil || len(events) > 0 {
				t.Errorf("%s: History gives %d lines", name, len(events))
			}
			am, err := w.gate.OpenAmend(ctx, session(s), stranger, w.alice, authz.Purpose{Action: authz.Mask})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Act(ctx, am, registry.Change{Document: entry.LogicalID, Attested: true}); err == nil {
				t.Errorf("%s: Act masks", name)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.reg.Submit(ctx, func(s *registry.Session) (authz.Deposit, error) {
			return w.gate.OpenDeposit(ctx, session(s), stranger, w.alice, authz.Purpose{})
		}, w.lot(), []xds.Content{content("zz")})
		if err == nil {
			t.Errorf("%s: Submit stores", name)
		}
	}
	if ids, _ := w.find(holder(w), xds.Query{}); len(ids) != 1 {
		t.Errorf("after the forgeries: %v", ids)
	}
}
