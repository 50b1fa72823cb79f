package rights

import (
	"context"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
)

// Position is where a professional stands on a record: what an existence test tells him
// of his own way in (policy Q-24), and once he may enter, whose record it is.
type Position struct {
	Record        string
	Access        authz.Access
	Administrator bool
	Regulator     bool
	Link          authz.Value // authz.NoLink, TeamLink or ConsentLink
	Until         time.Time   // end of the link
	Traits        authz.Traits
	Sex           string
}

// standing is a position without whose record it is.
func standing(sub authz.Subject, f authz.Facts) Position {
	return Position{Record: f.Record, Administrator: f.Administrator, Regulator: sub.Regulator || f.Regulator, Link: f.Link, Until: f.LinkExpires}
}

// Position is the existence test of a professional on a record.
func (d *Desk) Position(ctx context.Context, c Call) (p Position, err error) {
	err = d.profile(ctx, c, c.Purpose(authz.Exists, "state"), func(_ *registry.Session, allowed authz.Allowed) error {
		p = d.position(c, allowed)
		return nil
	})
	return p, err
}

// Heading is the Position for what stands above a page: the row of the trail is that of
// the page's own reading, or of the act that its form asks for.
func (d *Desk) Heading(ctx context.Context, c Call) (p Position, err error) {
	err = d.Registry.Probe(ctx, func(session *registry.Session) error {
		patient, err := c.Patient(ctx, session)
		if err != nil {
			return err
		}
		allowed, err := d.Gate.OpenProfile(ctx, session, c.Subject, patient, c.Purpose(authz.Exists, "state"))
		if err == nil {
			p = d.position(c, allowed)
		}
		return err
	})
	return p, err
}

func (d *Desk) position(c Call, allowed authz.Allowed) Position {
	f := allowed.Facts()
	p := standing(c.Subject, f)
	if p.Access = allowed.Access(d.Now()); p.Access == authz.AccessValid {
		p.Traits, p.Sex = f.Traits, f.Sex
	}
	return p
}

// FindByTraits is the opaque id of the record of the one person with exactly these
// traits, by the existence test: several persons are nobody, and nobody answers as
// an unknown INS does.
func (d *Desk) FindByTraits(ctx context.Context, c Call, t authz.Traits, sex string) (id string, err error) {
	err = d.Registry.Read(ctx, func(session *registry.Session) error {
		patient, err := session.PatientOfTraits(ctx, t, sex)
		if err != nil {
			return err
		}
		if patient == "" {
			patient = nobody
		}
		allowed, err := d.Gate.OpenProfile(ctx, session, c.Subject, patient, c.Purpose(authz.Exists, "search"))
		id = allowed.Record()
		return err
	})
	return id, err
}

// Consult opens the record to be read, and reads: documents come out of the session as
// Visible values. A request by id names documents, and shows the door of its record
// first (policy §0.1).
func (d *Desk) Consult(ctx context.Context, c Call, p authz.Purpose, read func(*registry.Session, authz.Scope) error) (at Position, err error) {
	err = d.Registry.Read(ctx, func(session *registry.Session) error {
		patient, err := c.Patient(ctx, session)
		if err != nil {
			return err
		}
		scope, err := d.Gate.Open(ctx, session, c.Subject, patient, p)
		if err != nil {
			return err
		}
		facts := scope.Facts()
		at = standing(c.Subject, facts)
		at.Access, at.Traits, at.Sex = authz.AccessValid, facts.Traits, facts.Sex
		return read(session, scope)
	})
	return at, err
}

// Regulates tells whether a professional is a medical regulator of the centre 15, by his
// identity provider or the directory, and never by what he asks (policy §1.9).
func (d *Desk) Regulates(ctx context.Context, c Call) (yes bool, err error) {
	err = d.Registry.Read(ctx, func(session *registry.Session) error {
		p, known, err := record.LookUp(ctx, session.Handle(), c.Subject.ID)
		yes = c.Subject.Regulator || known && p.ID == c.Subject.ID && p.Regulator
		return err
	})
	return yes, err
}
