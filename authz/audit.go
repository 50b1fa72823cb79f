package authz

import (
	"context"
	"fmt"

	"github.com/passerelle-sante/passerelle/xds"
)

// Audits tells whether somebody is an auditor of this installation.
func (g *Gate) Audits(sub Subject) bool {
	return g.Auditor != nil && sub.Application == "" && g.Auditor(sub)
}

// OpenAudit opens the history of one record to an auditor, as the administrator reads it
// (J-4), in whatever state the record is: a closed one is audited too. No door holds but
// that of his token (ACC-67), and he gets no other right with this one: R-02 refuses him
// everything else. That he looked is a line of the history.
func (g *Gate) OpenAudit(ctx context.Context, s Session, sub Subject, patient xds.CX, p Purpose) (Allowed, error) {
	if !g.Audits(sub) {
		return Allowed{}, &xds.Error{ID: "ACC-02"}
	}
	m := g.moment()
	judged, otherPatient := patient, false
	if sub.Patient != "" {
		judged, otherPatient = sub.Patient, patient != "" && !patient.Same(sub.Patient)
	}
	facts, err := s.Facts(ctx, sub, judged)
	if err != nil {
		return Allowed{}, fmt.Errorf("facts: %w", err)
	}
	switch {
	case facts.Record == "" && otherPatient:
		return Allowed{}, &xds.Error{ID: "ACC-67"}
	case facts.Record == "":
		return Allowed{}, &xds.Error{ID: "REG-001"}
	}
	state := g.state(m, facts, sub)
	trace := &Trace{
		Record: facts.Record, At: m.now, Subject: sub, Kind: state[Kind], Mode: state[Mode], Action: Journal, Transaction: p.Transaction,
		Unbound: p.ByID && sub.Patient == "", Policy: m.policy.Version, Matrix: m.policy.MatrixVersion, Rules: []string{auditorRule}, Permit: true,
	}
	s.Record(trace)
	if otherPatient {
		trace.Permit, trace.Code, trace.Rules = false, "ACC-67", []string{"ACC-67"}
		return Allowed{}, &xds.Error{ID: "ACC-67"}
	}
	return Allowed{session: s, record: facts.Record, action: Journal, subject: sub, kind: Other, trace: trace}, nil
}

// auditorRule stands in the trail for the auditor's right, which is of no rule of the
// policy: the installation gives it.
const auditorRule = "auditor"
