package rights

import (
	"context"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// reading is how a subject asks about a record: persons read its state,
// professionals and structures test that it exists.
func reading(sub authz.Subject) authz.Value {
	if sub.Nature == authz.NaturePerson {
		return authz.ReadState
	}
	return authz.Exists
}

// Find is the opaque id of the record of a patient: no INS ever stands in a URL.
func (d *Desk) Find(ctx context.Context, c Call, ins xds.CX) (id string, err error) {
	err = d.Registry.Read(ctx, func(session *registry.Session) error {
		allowed, err := d.Gate.OpenProfile(ctx, session, c.Subject, ins, c.Purpose(reading(c.Subject), "search"))
		id = allowed.Record()
		return err
	})
	return id, err
}

// Standing is a record as the subject finds it.
type Standing struct {
	Record string
	Access authz.Access  // the subject's own way in
	State  *record.State // nil for who learns of his access alone (policy Q-24)
}

// State is.
func (d *Desk) State(ctx context.Context, c Call) (s Standing, err error) {
	err = d.profile(ctx, c, c.Purpose(reading(c.Subject), "state"), func(session *registry.Session, allowed authz.Allowed) error {
		s = Standing{Record: allowed.Record(), Access: allowed.Access(d.Now())}
		if allowed.Action() != authz.ReadState {
			return nil
		}
		state, err := record.Read(ctx, session.Handle(), allowed)
		s.State = &state
		return err
	})
	return s, err
}

// Switches are changes of the four settings; nil leaves one as it is.
type Switches struct {
	MaskAll  *bool `json:"maskAll"`
	SamuOK   *bool `json:"samuOK"`
	BdgOK    *bool `json:"bdgOK"`
	MaskedOK *bool `json:"maskedOK"`
}

// apply changes what is to be changed.
func (w Switches) apply(to *authz.Settings) {
	for _, change := range []struct{ to, what *bool }{
		{w.MaskAll, &to.MaskAll}, {w.SamuOK, &to.SamuOK}, {w.BdgOK, &to.BdgOK}, {w.MaskedOK, &to.MaskedOK},
	} {
		if change.to != nil {
			*change.what = *change.to
		}
	}
}

// SetSettings changes any subset of the four switches and gives all of them as
// they are stored.
func (d *Desk) SetSettings(ctx context.Context, c Call, w Switches) (now authz.Settings, err error) {
	err = d.profile(ctx, c, c.Purpose(authz.SetParams, "settings"), func(session *registry.Session, allowed authz.Allowed) error {
		st, err := record.Read(ctx, session.Handle(), allowed)
		if err != nil {
			return err
		}
		w.apply(&st.Settings)
		now, err = record.SetSettings(ctx, session.Handle(), allowed, st.Settings)
		return err
	})
	return now, err
}
