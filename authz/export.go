package authz

import (
	"context"
	"fmt"

	"github.com/passerelle-sante/passerelle/xds"
)

// OpenExport decides on everything of a record at once, for its holder, a representative
// or a delegate (S0 "l'ensemble de ses données"): the Scope of what he may retrieve, and
// the right to read the history. It is one question with one trail row.
// Nobody else takes a record away whole: ACC-41.
func (g *Gate) OpenExport(ctx context.Context, s Session, sub Subject, patient xds.CX, p Purpose) (Scope, Allowed, error) {
	p.Action = Retrieve
	q, err := g.ask(ctx, s, sub, patient, p, g.moment())
	if err != nil {
		return Scope{}, Allowed{}, err
	}
	journal := q
	journal.state[Action] = Journal
	if door := journal.policy.door(journal.state); door != 0 {
		q.trace.Code = fmt.Sprintf("ACC-%02d", door)
		return Scope{}, Allowed{}, &xds.Error{ID: q.trace.Code}
	}
	reads, told := q.predicate(Retrieve), journal.predicate(Journal)
	q.trace.Rules = rulesOf(reads)
	switch kind := q.state[Kind]; {
	case kind != Patient && kind != Representative && kind != Delegate, len(told.permits) == 0:
		q.trace.Code = "ACC-41"
		return Scope{}, Allowed{}, &xds.Error{ID: "ACC-41"}
	}
	q.trace.Permit = true
	return Scope{session: s, record: q.facts.Record, patient: q.facts.Patient, predicate: reads, facts: q.facts, trace: q.trace},
		Allowed{session: s, record: q.facts.Record, facts: q.facts, action: Journal, subject: q.subject, kind: q.state[Kind], trace: q.trace, read: q.reading()}, nil
}
