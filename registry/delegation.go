package registry

import (
	"context"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry/mail"
	"github.com/passerelle-sante/passerelle/registry/record"
)

// EndDelegations ends delegations whose time is over, and invitations that nobody has
// answered, a batch of them: traced, and told to the holder. more says that there may be
// more to do. That an expired one gives no role does not wait for it: the Gate judges
// that at each request.
func (r *Registry) EndDelegations(ctx context.Context, sys authz.System, gate *authz.Gate, now time.Time) (more bool, err error) {
	var all []record.Delegation
	err = r.Write(ctx, func(s *Session) (err error) {
		if all, err = record.ExpireDelegations(ctx, s.Handle(), sys, now, dueBatch); err != nil {
			return err
		}
		for _, d := range all {
			if err := gate.Note(s, sys, d.Record, authz.Delegation, "SYS:delegation-expired"); err != nil {
				return err
			}
			if _, err := mail.Write(ctx, s.Handle(), sys, now, d.Record, message.DelegationExpired, nil); err != nil {
				return err
			}
		}
		return nil
	})
	return len(all) == dueBatch, err
}
