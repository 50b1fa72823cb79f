package rights

import (
	"context"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// acts are the acts on a document, by the word that calls have for them.
var acts = map[string]struct {
	action    authz.Value
	unarchive bool
}{
	"mask": {authz.Mask, false}, "unmask": {authz.Unmask, false}, "reveal-patient": {authz.RevealPatient, false},
	"reveal-representatives": {authz.RevealReps, false}, "archive": {authz.Archive, false}, "unarchive": {authz.Archive, true},
	"delete": {authz.Delete, false},
}

// IsAct tells whether there is an act of that name: mask, unmask, reveal-patient,
// reveal-representatives, archive, unarchive or delete.
func IsAct(name string) bool {
	_, known := acts[name]
	return known
}

// Act carries out R-34…R-39 on one document, named by any id of its own. An act that
// there is not is JSON-003; the rest is registry.Session.Act's to say.
func (d *Desk) Act(ctx context.Context, c Call, document, name string, attested bool) (changed registry.Changed, err error) {
	act, known := acts[name]
	if !known {
		return changed, &xds.Error{ID: "JSON-003", Where: "act", Expected: "mask, unmask, reveal-patient, reveal-representatives, archive, unarchive, delete"}
	}
	change := registry.Change{Document: document, Unarchive: act.unarchive, Attested: attested}
	purpose := c.Purpose(act.action, name)
	purpose.Attested, purpose.ByID = attested, true
	err = d.Registry.Write(ctx, func(session *registry.Session) error {
		patient, err := c.Patient(ctx, session)
		if err != nil {
			return err
		}
		amend, err := d.Gate.OpenAmend(ctx, session, c.Subject, patient, purpose)
		if err != nil {
			return err
		}
		changed, err = session.Act(ctx, amend, change)
		return err
	})
	return changed, err
}
