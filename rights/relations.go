package rights

import (
	"context"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
)

// Known are the records into which the professional may go: TD0.4 of the DMP.
func (d *Desk) Known(ctx context.Context, c Call, since time.Time, by registry.KnownBy) (all []registry.Known, err error) {
	err = d.Registry.Read(ctx, func(session *registry.Session) error {
		all, err = session.Known(ctx, d.Gate, c.Subject, since, by, c.Purpose(authz.Exists, "records").Transaction)
		return err
	})
	return all, err
}

// Authorizations are who may enter the record and who is barred: TD1.6 of the DMP. With
// access, only those who have that one now.
func (d *Desk) Authorizations(ctx context.Context, c Call, access authz.Access) (all []record.Authorization, err error) {
	err = d.Registry.Read(ctx, func(session *registry.Session) error {
		patient, err := c.Patient(ctx, session)
		if err != nil {
			return err
		}
		found, err := session.Authorizations(ctx, d.Gate, c.Subject, patient, c.Purpose(authz.Journal, "authorizations").Transaction)
		for _, a := range found {
			if access == "" || a.Access(d.Now()) == access {
				all = append(all, a)
			}
		}
		return err
	})
	return all, err
}
