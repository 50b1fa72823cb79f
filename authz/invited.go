package authz

import (
	"context"
	"fmt"

	"github.com/passerelle-sante/passerelle/xds"
)

// Invited is what somebody may do with a delegation that concerns himself (S1): take up
// or refuse the invitation that he holds, give up what he has. No rule of the policy
// decides it, and it gives nothing on the record: what a delegate may do there is R-20,
//
type Invited struct {
	session Session
	record  string
	subject Subject
	trace   *Trace
}

// invitationRule stands in the trail for it.
const invitationRule = "invitation"

// OpenInvitation opens it on the record of a patient, to whoever has shown that the
// invitation is his.
func (g *Gate) OpenInvitation(ctx context.Context, s Session, sub Subject, patient xds.CX, p Purpose) (Invited, error) {
	return g.openInvited(ctx, s, sub, patient, p, func(Value) string { return "" })
}

// OpenDelegation opens it to a delegate of the record, who gives his delegation up;
// others have no role for that (ACC-02).
func (g *Gate) OpenDelegation(ctx context.Context, s Session, sub Subject, patient xds.CX, p Purpose) (Invited, error) {
	return g.openInvited(ctx, s, sub, patient, p, func(kind Value) string {
		if kind == Delegate {
			return ""
		}
		return "ACC-02"
	})
}

// openInvited judges the doors: the patient of the token, a closed record, and that of the
// kind of the subject on the record.
func (g *Gate) openInvited(ctx context.Context, s Session, sub Subject, patient xds.CX, p Purpose, door func(kind Value) string) (Invited, error) {
	m := g.moment()
	judged, otherPatient := patient, false
	if sub.Patient != "" {
		judged, otherPatient = sub.Patient, !patient.Same(sub.Patient)
	}
	facts, err := s.Facts(ctx, sub, judged)
	if err != nil {
		return Invited{}, fmt.Errorf("facts: %w", err)
	}
	state := g.state(m, facts, sub)
	code := door(state[Kind])
	unseen := facts.Profile != ProfileOpen && facts.Profile != ProfileActive && facts.Profile != ProfileClosed
	switch {
	case otherPatient && unseen:
		return Invited{}, &xds.Error{ID: "ACC-67"}
	case unseen:
		return Invited{}, &xds.Error{ID: "REG-001"}
	case otherPatient:
		code = "ACC-67"
	case facts.Profile == ProfileClosed:
		code = "ACC-01"
	}
	trace := &Trace{
		Record: facts.Record, At: m.now, Subject: sub, Kind: state[Kind], Action: Delegation, Transaction: p.Transaction,
		Policy: m.policy.Version, Matrix: m.policy.MatrixVersion, Rules: []string{invitationRule}, Permit: true,
	}
	s.Record(trace)
	if code != "" {
		trace.Permit, trace.Code, trace.Rules = false, code, []string{code}
		return Invited{}, &xds.Error{ID: code}
	}
	return Invited{session: s, record: facts.Record, subject: sub, trace: trace}, nil
}

// HeldBy tells whether it was opened in this very session.
func (i Invited) HeldBy(s Session) bool { return i.session != nil && i.session == s && s.Live() }

// Record is the opaque id of the record.
func (i Invited) Record() string { return i.record }

// Subject is the relative.
func (i Invited) Subject() Subject { return i.subject }

// Refuse notes the code of a refusal that came after.
func (i Invited) Refuse(code string) { i.trace.Permit, i.trace.Code = false, code }
