package rights

import (
	"context"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/mail"
	"github.com/passerelle-sante/passerelle/xds"
)

// Notifications are how the subject is told of what others do with the record, by e-mail
// (policy N-1…N-4). A delegate is told nothing: JSON-003.
func (d *Desk) Notifications(ctx context.Context, c Call) (own mail.Contact, err error) {
	err = d.profile(ctx, c, c.Purpose(authz.ReadState, "notifications"), func(session *registry.Session, allowed authz.Allowed) error {
		if allowed.Kind() == authz.Delegate {
			return &xds.Error{ID: "JSON-003"}
		}
		own, err = mail.Own(ctx, session.Handle(), allowed)
		return err
	})
	return own, err
}

// Prefer sets what the subject wants to be told of, and when. First accesses and
// emergencies are told whatever he prefers.
func (d *Desk) Prefer(ctx context.Context, c Call, p mail.Preferences) error {
	return d.profile(ctx, c, c.Purpose(authz.SetParams, "notifications"), func(session *registry.Session, allowed authz.Allowed) error {
		return mail.Prefer(ctx, session.Handle(), allowed, d.Now(), p)
	})
}
