package rights

import (
	"context"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// bases are the grounds of a link, as calls name them (C-08).
var bases = map[string]authz.Value{"consent": authz.ConsentLink, "team": authz.TeamLink}

// Declaration is the ticked box of a professional: "j'ai le consentement du patient".
type Declaration struct {
	Basis    string // consent or team
	Attested bool   // the box is ticked
	Expires  string // a date to come, "" = record.LinkDuration from now
}

// Linked is a relation as it was stored.
type Linked struct {
	Professional string
	Basis        string
	Expires      time.Time
}

// DeclareLink is R-44 and C-08, by the professional himself (else ACC-44).
func (d *Desk) DeclareLink(ctx context.Context, c Call, name string, dec Declaration) (l Linked, err error) {
	p := c.Purpose(authz.DeclareLink, "link")
	p.Attested = dec.Attested
	err = d.profile(ctx, c, p, func(session *registry.Session, allowed authz.Allowed) error {
		if self, err := itself(ctx, session, c.Subject, name); err != nil || !self {
			return or(err, "ACC-44")
		}
		expires, err := dec.check(c.Subject, d.Now())
		if err != nil {
			return err
		}
		l = Linked{c.Subject.ID, dec.Basis, expires}
		return record.DeclareLink(ctx, session.Handle(), allowed, bases[dec.Basis], d.Now(), expires)
	})
	return l, err
}

// check holds C-08 and gives the end of the link.
func (dec Declaration) check(sub authz.Subject, now time.Time) (time.Time, error) {
	basis, known := bases[dec.Basis]
	switch {
	case !known:
		return time.Time{}, &xds.Error{ID: "C-08", Where: "basis", Found: dec.Basis, Expected: "consent ou team"}
	case !dec.Attested:
		return time.Time{}, &xds.Error{ID: "C-08", Where: "attested", Found: "false", Expected: "true"}
	case basis == authz.TeamLink && sub.Structure == "":
		return time.Time{}, &xds.Error{ID: "C-08", Where: "basis", Found: "team", Expected: "un jeton qui porte la structure de l'équipe"}
	case dec.Expires == "":
		return now.Add(record.LinkDuration), nil
	}
	expires, err := Date(dec.Expires)
	if err != nil || !expires.After(now) {
		return time.Time{}, &xds.Error{ID: "JSON-002", Where: "expires", Found: dec.Expires, Expected: "une date à venir (AAAA-MM-JJ ou RFC 3339)"}
	}
	return expires, nil
}

// Unlink withdraws a link: the professional his own, the holder any.
func (d *Desk) Unlink(ctx context.Context, c Call, name string) error {
	return d.profile(ctx, c, c.Purpose(authz.Unlink, "unlink"), func(session *registry.Session, allowed authz.Allowed) error {
		if allowed.Kind() == authz.Pro {
			self, err := itself(ctx, session, c.Subject, name)
			if err != nil || !self {
				return or(err, "ACC-44")
			}
			return record.Unlink(ctx, session.Handle(), allowed, c.Subject.ID)
		}
		p, err := professional(ctx, session, name)
		if err != nil {
			return err
		}
		return record.Unlink(ctx, session.Handle(), allowed, p.ID)
	})
}

// Block bars a professional (R-41, R-42, C-07, C-11) and gives his national id.
func (d *Desk) Block(ctx context.Context, c Call, name string, attested bool) (id string, err error) {
	p := c.Purpose(authz.Block, "block")
	p.Attested = attested
	err = d.profile(ctx, c, p, func(session *registry.Session, allowed authz.Allowed) error {
		target, err := professional(ctx, session, name)
		if err != nil {
			return err
		}
		if allowed.Kind() == authz.Pro && !attested {
			return &xds.Error{ID: "C-11", Where: "attested"}
		}
		id = target.ID
		return record.Block(ctx, session.Handle(), allowed, target.ID, d.Now())
	})
	return id, err
}

// Unblock lifts a block; it restores no link (policy Q-12).
func (d *Desk) Unblock(ctx context.Context, c Call, name string) error {
	return d.profile(ctx, c, c.Purpose(authz.Block, "unblock"), func(session *registry.Session, allowed authz.Allowed) error {
		target, err := professional(ctx, session, name)
		if err != nil {
			return err
		}
		return record.Unblock(ctx, session.Handle(), allowed, target.ID)
	})
}

// NameAdministrator sets the médecin traitant (R-42, C-06, C-14) and gives his national
// id.
func (d *Desk) NameAdministrator(ctx context.Context, c Call, name string) (id string, err error) {
	err = d.profile(ctx, c, c.Purpose(authz.NameAdministrator, "administrator"), func(session *registry.Session, allowed authz.Allowed) error {
		target, err := professional(ctx, session, name)
		if err != nil {
			return err
		}
		id = target.ID
		return record.NameAdministrator(ctx, session.Handle(), allowed, target)
	})
	return id, err
}

// RemoveAdministrator is R-42 for the holder and R-43 for the administrator himself.
func (d *Desk) RemoveAdministrator(ctx context.Context, c Call) error {
	action := authz.NameAdministrator
	if c.Subject.Nature == authz.NaturePro {
		action = authz.Resign
	}
	return d.profile(ctx, c, c.Purpose(action, "administrator"), func(session *registry.Session, allowed authz.Allowed) error {
		return record.RemoveAdministrator(ctx, session.Handle(), allowed)
	})
}
