package rights

import (
	"context"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
)

// Announcements are the documents that the professional hid from his patients until they
// are announced, and has not released (S0, Q-19).
func (d *Desk) Announcements(ctx context.Context, c Call) (all []registry.Announcement, err error) {
	err = d.Registry.Read(ctx, func(session *registry.Session) error {
		all, err = session.Announcements(ctx, d.Gate, c.Subject, c.Purpose(authz.Search, "announcements").Transaction)
		return err
	})
	return all, err
}
