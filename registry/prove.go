package registry

import (
	"context"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// Prove holds the three data of an activation against the notice of a record (S2, S4);
// LIFE-004 whatever is wrong. The try counts even though it is refused, so it is committed
// before.
func (r *Registry) Prove(ctx context.Context, p record.Proof) (who record.Proved, err error) {
	ok := false
	err = r.Write(ctx, func(s *Session) error {
		who, ok, err = record.Prove(ctx, s.Handle(), p, s.Now())
		return err
	})
	if err == nil && !ok {
		err = &xds.Error{ID: "LIFE-004"}
	}
	return who, err
}

// Proven is the subject of whoever has proved who he is, bound to that record.
func (r *Registry) Proven(who record.Proved) authz.Subject {
	return authz.Subject{Nature: authz.NaturePerson, ID: who.Person, Name: who.Name, Patient: who.Patient}
}
