package rights

import (
	"context"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// Asked are the minors to whose attachment the persons of an account are asked to agree
// (S3: "après assurance de l'accord de l'autre parent").
func (d *Desk) Asked(ctx context.Context, persons []string) (all []record.AgreementAsked, err error) {
	err = d.Registry.Read(ctx, func(session *registry.Session) error {
		all, err = record.AskedOf(ctx, session.Handle(), persons)
		return err
	})
	return all, err
}

// Agree is the answer of the other parent, for himself: from his agreement on he is a
// representative too. JSON-003 for whoever was not asked. He may answer anew until the
// child is of age.
func (d *Desk) Agree(ctx context.Context, c Call, agrees bool) error {
	name := "refuse-attachment"
	if agrees {
		name = "agree-attachment"
	}
	return d.Registry.Write(ctx, func(session *registry.Session) error {
		patient, err := c.Patient(ctx, session)
		if err != nil {
			return err
		}
		switch {
		case c.Subject.Patient != "" && !c.Subject.Patient.Same(patient):
			return &xds.Error{ID: "ACC-67"}
		case c.Subject.Nature != authz.NaturePerson:
			return &xds.Error{ID: "JSON-003"}
		}
		return session.Agree(ctx, d.System, d.Gate, c.Subject, c.Record, agrees, c.Purpose(authz.Attachment, name).Transaction)
	})
}

// Representation is who decides for a minor, and until when.
type Representation struct {
	Parents  []record.Parent
	Majority time.Time // 00:00 of the 18th birthday in Paris (policy Q-13); zero: not known
}

// Representatives are the parents of a minor with the agreement of each, for them alone.
func (d *Desk) Representatives(ctx context.Context, c Call) (r Representation, err error) {
	err = d.profile(ctx, c, c.Purpose(authz.ReadState, "representatives"), func(session *registry.Session, allowed authz.Allowed) error {
		r.Parents, r.Majority, err = record.Parents(ctx, session.Handle(), allowed)
		return err
	})
	return r, err
}
