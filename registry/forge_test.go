package registry_test

import (
	"context"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/registry/trail"
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
			up, err := w.gate.OpenUpdate(ctx, session(s), stranger, w.alice, authz.Purpose{}, authz.Archive)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Update(ctx, up, xds.Update{Statuses: []xds.StatusChange{{Target: entry.LogicalID, From: xds.Approved, To: xds.Archived}}}); err == nil {
				t.Errorf("%s: Update archives", name)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.reg.Submit(ctx, func(s *registry.Session) (authz.Deposit, error) {
			return w.gate.OpenDeposit(ctx, session(s), stranger, w.alice, authz.Purpose{})
		}, w.lot(), w.intended(content("zz")))
		if err == nil {
			t.Errorf("%s: Submit stores", name)
		}
	}
	if ids, _ := w.find(holder(w), xds.Query{}); len(ids) != 1 {
		t.Errorf("after the forgeries: %v", ids)
	}
}

// A permission on the profile is worth what it was given for, in its own session;
// and the gateway itself must say why it acts.
func TestPermissionsOfTheRecord(t *testing.T) {
	w := newWorld(t)
	durand := doctor("durand")
	facts := authz.Facts{Record: w.record, Patient: w.alice, Profile: authz.ProfileActive, Role: authz.HolderRole, Traits: authz.Traits{BirthDate: "19790315"}}
	ctx := t.Context()
	err := w.reg.Read(ctx, func(s *registry.Session) error {
		open := func(session authz.Session, sub authz.Subject, action authz.Value) authz.Allowed {
			a, err := w.gate.OpenProfile(ctx, session, sub, w.alice, authz.Purpose{Action: action})
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		h, now := s.Handle(), time.Now()
		uses := func(a authz.Allowed) map[string]error {
			_, read := record.Read(ctx, h, a)
			_, settings := record.SetSettings(ctx, h, a, authz.Settings{})
			_, lines := trail.Read(ctx, h, a, trail.Filter{Limit: 1})
			_, _, history := s.History(ctx, a, registry.HistoryQuery{})
			return map[string]error{
				"Read": read, "SetSettings": settings, "trail.Read": lines, "History": history,
				"DeclareLink":         record.DeclareLink(ctx, h, a, authz.TeamLink, now, now),
				"Unlink":              record.Unlink(ctx, h, a, "hopital"),
				"Block":               record.Block(ctx, h, a, "hopital", now),
				"Unblock":             record.Unblock(ctx, h, a, "hopital"),
				"NameAdministrator":   record.NameAdministrator(ctx, h, a, record.Professional{ID: "hopital", Profession: "10"}),
				"RemoveAdministrator": record.RemoveAdministrator(ctx, h, a),
			}
		}
		for name, a := range map[string]authz.Allowed{
			"the zero permission":             {},
			"existence alone":                 open(s, durand, authz.Exists),
			"made up, of the holder":          open(forger{facts}, holder(w), authz.SetParams),
			"made up, over the real session":  open(liar{s, facts}, holder(w), authz.Journal),
			"made up, to block":               open(forger{facts}, holder(w), authz.Block),
			"made up, to name an admin":       open(forger{facts}, holder(w), authz.NameAdministrator),
			"made up, to end somebody's link": open(forger{facts}, holder(w), authz.Unlink),
		} {
			for use, err := range uses(a) {
				if err == nil {
					t.Errorf("%s: %s goes through", name, use)
				}
			}
		}
		if err := record.Unlink(ctx, h, open(s, durand, authz.Unlink), "hopital"); code(err) != "ACC-44" {
			t.Errorf("a professional ends another's link: %v", err)
		}
		for name, err := range map[string]error{
			"Create":             record.Create(ctx, h, authz.System{}, record.Holder{Record: newID()}),
			"SetProfile":         record.SetProfile(ctx, h, authz.System{}, w.record, authz.ProfileErased),
			"SeedAdministrator":  record.SeedAdministrator(ctx, h, authz.System{}, w.record, "inconnu"),
			"Enlist":             record.Enlist(ctx, h, authz.System{}, record.Professional{ID: "x"}),
			"Place":              record.Place(ctx, h, authz.System{}, record.Workplace{Professional: "x"}),
			"Extract":            w.reg.Extract(ctx, authz.System{}, "x", time.Time{}, time.Now(), nil),
			"CodeUses":           second(w.reg.CodeUses(ctx, authz.System{}, time.Time{})),
			"Wipe":               w.reg.Wipe(ctx, authz.System{}),
			"Wipe, blank reason": w.reg.Wipe(ctx, authz.AsSystem("")),
		} {
			if err == nil {
				t.Errorf("%s by nobody goes through", name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// maskedOK goes off with the last emergency mode, in what is stored (policy §1.1).
func TestMaskedOKNeedsAnEmergencyMode(t *testing.T) {
	w := newWorld(t)
	for _, wanted := range []authz.Settings{
		{MaskedOK: true}, {MaskedOK: true, SamuOK: true}, {MaskedOK: true, BdgOK: true}, {MaskAll: true, SamuOK: true, BdgOK: true},
	} {
		stored := wanted
		stored.MaskedOK = wanted.MaskedOK && (wanted.SamuOK || wanted.BdgOK)
		w.do(func(s *registry.Session) error {
			a, err := w.gate.OpenProfile(t.Context(), s, holder(w), w.alice, authz.Purpose{Action: authz.SetParams})
			if err != nil {
				return err
			}
			got, err := record.SetSettings(t.Context(), s.Handle(), a, wanted)
			if err != nil {
				return err
			}
			st, err := record.Read(t.Context(), s.Handle(), a)
			if got != stored || st.Settings != stored {
				t.Errorf("%+v: answered %+v, stored %+v", wanted, got, st.Settings)
			}
			return err
		})
	}
}

// A removal is carried out with the operator's right on that very record, in that very
// session.
func TestForgedRemoval(t *testing.T) {
	w := newWorld(t)
	entry := w.mustSubmit(lab, w.lot())
	facts := authz.Facts{Record: w.record, Patient: w.alice, Profile: authz.ProfileActive}
	w.gate.Operator = func(sub authz.Subject) bool { return sub.ID == "operator" }
	operator := authz.Subject{Nature: authz.NatureOther, ID: "operator"}
	ctx := t.Context()
	for name, open := range map[string]registry.OpenRemoval{
		"the zero value": func(*registry.Session, xds.CX) (authz.Removal, error) { return authz.Removal{}, nil },
		"a session made up": func(_ *registry.Session, patient xds.CX) (authz.Removal, error) {
			return w.gate.OpenRemoval(ctx, forger{facts}, operator, patient, authz.Purpose{})
		},
		"a session wrapped": func(s *registry.Session, patient xds.CX) (authz.Removal, error) {
			return w.gate.OpenRemoval(ctx, liar{s, facts}, operator, patient, authz.Purpose{})
		},
		"nobody's": func(s *registry.Session, patient xds.CX) (authz.Removal, error) {
			return w.gate.OpenRemoval(ctx, s, doctor("traitant"), patient, authz.Purpose{})
		},
	} {
		if err := w.reg.Remove(ctx, nil, open, []string{entry.EntryUUID}); err == nil {
			t.Errorf("%s removes metadata", name)
		}
		if err := w.reg.RemoveDocuments(ctx, nil, open, []string{entry.UniqueID}); err == nil {
			t.Errorf("%s removes documents", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }
