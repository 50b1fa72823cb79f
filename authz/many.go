package authz

import (
	"context"

	"github.com/passerelle-sante/passerelle/xds"
)

// OpenMany opens one Scope for each of several patients (ITI-51), all by one policy,
// each under the subject's own right on that record and with its own trail row. Who has
// not the operator's right for it gets OPS-002 before anything is read. A patient whose
// door is closed, or who is not known, is left out: both answer alike. A token that
// names a patient asks about nobody else (ACC-67); a structure reads nothing (ACC-03).
func (g *Gate) OpenMany(ctx context.Context, s Session, sub Subject, patients []xds.CX, p Purpose) ([]Scope, error) {
	switch {
	case g.ManyPatients == nil || !g.ManyPatients(sub):
		return nil, &xds.Error{ID: "OPS-002"}
	case sub.Nature == NatureStructure:
		return nil, &xds.Error{ID: "ACC-03"}
	}
	m := g.moment()
	var scopes []Scope
	for _, patient := range patients {
		sc, err := g.open(ctx, s, sub, patient, p, m)
		if refused, ok := err.(*xds.Error); ok && refused.ID != "ACC-67" {
			continue
		}
		if err != nil {
			return nil, err
		}
		scopes = append(scopes, sc)
	}
	return scopes, nil
}
