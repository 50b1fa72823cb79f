package rights

import (
	"context"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/mail"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// Lived is a record after an act of its life.
type Lived struct {
	Record string
	State  authz.Value
	Until  time.Time // of a closed record: when its data are destroyed (S3); zero otherwise
}

// Activate is R-50, by the holder or a representative who has signed in: whoever has not
// proves with Redeem that the record is his. The record of a minor is activated with the
// agreement of the other parent, his own or attested (S3: LIFE-003). LIFE-001 in a state
// that does not allow it, hence also when it is done already.
func (d *Desk) Activate(ctx context.Context, c Call, attested bool) (Lived, error) {
	return d.live(ctx, c, authz.Activate, attested)
}

// Oppose is R-51: within the six weeks after the notice.
func (d *Desk) Oppose(ctx context.Context, c Call) (Lived, error) {
	return d.live(ctx, c, authz.Oppose, false)
}

// Close is R-52: nobody reads or writes any more, the data are kept for ten years.
func (d *Desk) Close(ctx context.Context, c Call) (Lived, error) {
	return d.live(ctx, c, authz.Close, false)
}

// Reopen is R-53: with the data that the record held when it was closed.
func (d *Desk) Reopen(ctx context.Context, c Call) (Lived, error) {
	return d.live(ctx, c, authz.Reopen, false)
}

// live carries an act of the life cycle out.
func (d *Desk) live(ctx context.Context, c Call, action authz.Value, attested bool) (l Lived, err error) {
	p := c.Purpose(action, authz.Action.Name(action))
	p.Attested = attested
	err = d.profile(ctx, c, p, func(session *registry.Session, allowed authz.Allowed) error {
		l, err = d.act(ctx, session, allowed, attested)
		return err
	})
	return l, err
}

// act is an act of the life cycle in a session that permits it.
func (d *Desk) act(ctx context.Context, session *registry.Session, allowed authz.Allowed, attested bool) (Lived, error) {
	if allowed.Action() == authz.Activate && allowed.Kind() == authz.Representative {
		if err := record.Agreed(ctx, session.Handle(), allowed, attested); err != nil {
			return Lived{}, err
		}
	}
	now, err := record.Act(ctx, session.Handle(), allowed, d.Now())
	if err != nil {
		return Lived{}, err
	}
	l := Lived{Record: now.Record, State: now.State}
	var params map[string]string
	if now.ClosedAt != nil {
		l.Until = now.ClosedAt.AddDate(record.RetentionYears, 0, 0)
		params = map[string]string{"until": message.Day(l.Until)}
	}
	return l, d.tell(ctx, session, l.Record, told[allowed.Action()], params)
}

// told are the messages by which an act of the life cycle is confirmed: to the holder or
// the representatives, who thereby learn of one that somebody else did in their name.
var told = map[authz.Value]message.Kind{
	authz.Activate: message.RecordActivated, authz.Oppose: message.RecordOpposed, authz.Close: message.RecordClosed, authz.Reopen: message.RecordReopened,
}

// tell writes to the contacts of a record.
func (d *Desk) tell(ctx context.Context, session *registry.Session, id string, kind message.Kind, params map[string]string) error {
	if d.System.Reason() == "" {
		return nil
	}
	_, err := mail.Write(ctx, session.Handle(), d.System, d.Now(), id, kind, params)
	return err
}

// Confirmation is the word that confirms a definitive deletion.
const Confirmation = "SUPPRIMER"

// Erase is R-54: everything in the record is destroyed, for good (S3). It wants to be
// confirmed by the word.
func (d *Desk) Erase(ctx context.Context, c Call, confirm string) (record.Ending, error) {
	return d.Registry.Erase(ctx, d.Repository, func(session *registry.Session) (authz.Allowed, error) {
		patient, err := c.Patient(ctx, session)
		if err != nil {
			return authz.Allowed{}, err
		}
		allowed, err := d.Gate.OpenProfile(ctx, session, c.Subject, patient, c.Purpose(authz.Erase, "erase"))
		if err == nil && confirm != Confirmation {
			allowed.Refuse("LIFE-002")
			err = &xds.Error{ID: "LIFE-002", Where: "confirm", Expected: Confirmation}
		}
		if err == nil { // now, for its address goes too
			err = d.tell(ctx, session, allowed.Record(), message.RecordErased, nil)
		}
		return allowed, err
	})
}
