package authz

import (
	"context"
	"fmt"
	"slices"

	"github.com/passerelle-sante/passerelle/xds"
)

// Removal is the operator's permission to remove what is registered in one record
// (ITI-62, ITI-86), valid only in its session. It shows nothing to anybody.
type Removal struct {
	session Session
	record  string
	trace   *Trace
}

// Operates refuses whoever is no operator, before anything is looked up: he learns
// nothing of what is registered, and no record is concerned.
func (g *Gate) Operates(sub Subject) error {
	if g.Operator == nil || !g.Operator(sub) {
		return &xds.Error{ID: "OPS-001"}
	}
	return nil
}

// OpenRemoval opens the removal of objects of one record, in whatever state it is.
// No door holds for an operator, and he gets no other right with this one: R-02
// refuses him everything else. The trail row stands on the record.
func (g *Gate) OpenRemoval(ctx context.Context, s Session, sub Subject, patient xds.CX, p Purpose) (Removal, error) {
	if err := g.Operates(sub); err != nil {
		return Removal{}, err
	}
	m := g.moment()
	facts, err := s.Facts(ctx, sub, patient)
	if err != nil {
		return Removal{}, fmt.Errorf("facts: %w", err)
	}
	if facts.Record == "" {
		return Removal{}, &xds.Error{ID: "REG-004"}
	}
	state := g.state(m, facts, sub)
	trace := &Trace{
		Record: facts.Record, At: m.now, Subject: sub, Kind: state[Kind], Mode: state[Mode], Action: Delete, Transaction: p.Transaction,
		Policy: m.policy.Version, Matrix: m.policy.MatrixVersion, Rules: []string{operatorRule}, Permit: true,
	}
	s.Record(trace)
	return Removal{session: s, record: facts.Record, trace: trace}, nil
}

// operatorRule stands in the trail for the operator's right, which is of no rule of
// the policy: the installation gives it.
const operatorRule = "operator"

// HeldBy tells whether the Removal was opened in this very session.
func (r Removal) HeldBy(s Session) bool { return r.session != nil && r.session == s && s.Live() }

// Record is the opaque id of the record.
func (r Removal) Record() string { return r.record }

// Removed completes the trail row with the logicalIDs that went.
func (r Removal) Removed(documents []string) {
	for _, d := range documents {
		if !slices.Contains(r.trace.Documents, d) {
			r.trace.Documents = append(r.trace.Documents, d)
		}
	}
}

// Refuse completes the trail row of a removal that the state of the objects forbids.
func (r Removal) Refuse(code string) {
	if r.trace != nil {
		r.trace.Permit, r.trace.Code = false, code
	}
}
