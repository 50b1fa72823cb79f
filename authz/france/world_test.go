package france_test

import (
	"context"
	"errors"
	"testing"
	"time"

	a "github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// session answers with facts that the test made up, and keeps the trail.
type session struct {
	facts  a.Facts
	traces []*a.Trace
}

func (s *session) Facts(context.Context, a.Subject, xds.CX) (a.Facts, error) { return s.facts, nil }
func (s *session) Record(t *a.Trace)                                         { s.traces = append(s.traces, t) }
func (s *session) Live() bool                                                { return true }

const (
	recordID  = "5b1c0c3e-0000-4000-8000-000000000001"
	patientID = xds.CX("279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH")
	me        = "899900001217"
	house     = "1599990041"
)

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func gate(t *testing.T, p *a.Policy) *a.Gate {
	t.Helper()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	return &a.Gate{Policy: p, Now: func() time.Time { return now }, Paris: paris}
}

// synthetic is the French policy over two types of our own, so that profession,
// specialty and type vary freely.
func synthetic(t *testing.T) *a.Policy {
	p := *policy(t)
	p.Types = func(a.Subject) a.TypeSet { return a.TypeSet{Allowed: []string{"allowed^^1.2.3"}} }
	return &p
}

// asked are the facts and the subject that amount to the known part of a state.
func asked(s a.State) (a.Facts, a.Subject) {
	yes := func(attr a.Attr) bool { return s[attr] == a.Yes }
	f := a.Facts{
		Record: recordID, Patient: patientID, Profile: s[a.Profile],
		Traits:        a.Traits{Family: "DURAND", Given: "ALICE", BirthDate: "19790315"},
		Settings:      a.Settings{MaskAll: yes(a.MaskAll), SamuOK: yes(a.SamuOK), BdgOK: yes(a.BdgOK), MaskedOK: yes(a.MaskedOK)},
		Administrator: yes(a.Administrator), Blocked: yes(a.Blocked), Link: s[a.Link], LinkExpires: now.Add(time.Hour),
	}
	if yes(a.Minor) {
		f.Traits.BirthDate = "20110315"
	}
	if s[a.Link] == a.ExpiredLink {
		f.Link, f.LinkExpires = a.ConsentLink, now
	}
	sub := a.Subject{ID: me, Mode: s[a.Mode], Traits: f.Traits, Reason: "détresse vitale"}
	if s[a.Mode] == a.BrisDeGlaceUnfounded {
		sub.Mode, sub.Reason = a.BrisDeGlace, " - "
	}
	switch s[a.Kind] {
	case a.Patient:
		sub.Nature, f.Role = a.NaturePerson, a.HolderRole
	case a.Representative:
		sub.Nature, f.Role = a.NaturePerson, a.RepresentativeRole
	case a.Delegate:
		sub.Nature, f.Role = a.NaturePerson, a.DelegateRole
	case a.Pro:
		sub.Nature, sub.Profession, sub.Structure, sub.Regulator = a.NaturePro, "10", house, yes(a.Regulator)
		if yes(a.Occupational) {
			sub.Specialty = "SM25"
		}
	case a.Structure:
		sub.Nature, sub.Structure = a.NatureStructure, house
	default:
		sub.Nature, sub.Profession = a.NaturePro, "PLOMBIER"
	}
	return f, sub
}

// document is one that amounts to the document part of a state.
func document(s a.State) xds.Document {
	d := xds.Document{
		Record: recordID, Structure: "1599990999", Authors: []string{"somebody"}, LineageAuthors: []string{"somebody"},
		Marks:  xds.Marks{MaskedPS: s[a.MaskedPS] == a.Yes, HiddenPatient: s[a.HiddenPatient] == a.Yes, HiddenReps: s[a.HiddenReps] == a.Yes},
		Origin: [...]xds.Origin{xds.FromPro, xds.FromPatient, xds.FromInsurer}[s[a.Origin]],
	}
	d.Entry.LogicalID = "urn:uuid:5b1c0c3e-0000-4000-8000-0000000000aa"
	d.Entry.AvailabilityStatus = [...]xds.Status{xds.Approved, xds.Deprecated, xds.Archived, xds.Deleted}[s[a.Status]]
	d.Entry.TypeCode = xds.Code{Value: "other", Scheme: "1.2.3"}
	if s[a.Matrix] == a.Yes {
		d.Entry.TypeCode.Value = "allowed"
	}
	if s[a.Author] == a.Yes {
		d.Authors = append(d.Authors, me)
	}
	if s[a.LineageAuthor] == a.Yes {
		d.LineageAuthors = append(d.LineageAuthors, me)
	}
	if s[a.SameStructure] == a.Yes {
		d.Structure = house
	}
	return d
}

// answer is what a subject gets through the Gate when he wants to do the action of
// the state to the document: "" when he may, else the code of the refusal, "hidden"
// when the document is simply not there; and by which rules.
func answer(t *testing.T, g *a.Gate, f a.Facts, sub a.Subject, action a.Value, d xds.Document) (code string, rules []string) {
	t.Helper()
	return answerIn(t, &session{facts: f}, g, sub, action, d)
}

// answerIn is answer in a session whose trail the test reads.
func answerIn(t *testing.T, s *session, g *a.Gate, sub a.Subject, action a.Value, d xds.Document) (code string, rules []string) {
	t.Helper()
	f := s.facts
	purpose := a.Purpose{Action: action, Transaction: "test"}
	var err error
	switch action {
	case a.Search, a.Retrieve:
		var sc a.Scope
		if sc, err = g.Open(t.Context(), s, sub, f.Patient, purpose); err == nil {
			if v, ok := a.Admit(sc, d); !ok {
				return "hidden", forbids(sc.Predicate())
			} else if shown, ok := v.Value(); !ok || shown.Entry.LogicalID != d.Entry.LogicalID {
				t.Error("a Visible of another document")
			}
		}
	case a.Replace:
		var dep a.Deposit
		if dep, err = g.OpenDeposit(t.Context(), s, sub, f.Patient, purpose); err == nil {
			err = dep.Target(d, xds.Replaces)
		}
	case a.Submit:
		_, err = g.OpenDeposit(t.Context(), s, sub, f.Patient, purpose)
	case a.Delete, a.Mask, a.Unmask, a.RevealPatient, a.RevealReps, a.Archive:
		var am a.Amend
		if am, err = g.OpenAmend(t.Context(), s, sub, f.Patient, purpose); err == nil {
			err = am.Judge(d)
		}
	default:
		_, err = g.OpenProfile(t.Context(), s, sub, f.Patient, purpose)
	}
	for _, trace := range s.traces {
		rules = append(rules, trace.Rules...)
	}
	var refusal *xds.Error
	if err != nil && !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	if refusal == nil {
		return "", rules
	}
	return refusal.ID, rules
}

func forbids(p a.Predicate) (rules []string) {
	for _, c := range p.Forbids() {
		rules = append(rules, c.Rule)
	}
	return rules
}
