package intake

import (
	"context"
	"slices"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/profile"
)

// Update takes a metadata update in (ITI TF-2 3.57, 3.92): the decision, the rules of
// the profile on what is sent, then all of its operations or none. found are the
// findings of decoding; the warnings among them stand beside a success.
func (d *Desk) Update(ctx context.Context, subject authz.Subject, transaction string, up xds.Update, found xds.Errors) (xds.Errors, error) {
	lot := d.asLot(&up)
	purpose := authz.Purpose{Transaction: transaction, Attested: up.Attested}
	err := d.Registry.Write(ctx, func(s *registry.Session) error {
		u, err := d.Gate.OpenUpdate(ctx, s, subject, up.Set.PatientID, purpose, registry.Updates(up)...)
		if err != nil {
			return err
		}
		findings := slices.Clone(found)
		findings.AddAll(reconciled(up, d.Profile.Check(lot, updating(u.Deposit(), up))))
		if err := findings.Err(); err != nil {
			u.Refuse(findings.First().ID)
			return err
		}
		return s.Update(ctx, u, up)
	})
	return found, err
}

// asLot brings the new versions to the form that is stored, and gives what the profile
// checks of them: a submission without the marks, which are judged against those that
// the lineage has.
func (d *Desk) asLot(up *xds.Update) xds.Submission {
	lot := up.Lot()
	d.Profile.Normalise(&lot)
	up.Set = lot.Set
	for i := range lot.Documents {
		up.Entries[i].Entry = lot.Documents[i]
		lot.Documents[i].Confidentiality, _ = xds.SplitMarks(lot.Documents[i].Confidentiality)
	}
	for i := range lot.Folders {
		up.Folders[i].Folder = lot.Folders[i]
	}
	return lot
}

// reconciled gives a change of patient the code that ITI-92 has for it (ITI TF-2
// 3.92.4.1.3).
func reconciled(up xds.Update, findings xds.Errors) xds.Errors {
	for _, e := range findings {
		if up.Restricted && e.ID == "META-016" {
			e.ID = "UPD-009"
		}
	}
	return findings
}

// updating are the facts that the profile needs: those of a deposit, but that a secret
// connection asks no mark of what is registered already.
func updating(dep authz.Deposit, up xds.Update) profile.Context {
	sub := dep.Subject()
	c := profile.Context{Patient: dep.Patient(), BirthDate: dep.BirthDate(), Minor: dep.Minor(),
		Depositor: profile.Depositor{Kind: depositors[dep.Kind()], ID: sub.ID, Structure: sub.Structure}}
	if len(up.Entries) > 0 && !slices.ContainsFunc(up.Entries, func(e xds.EntryRevision) bool { return e.Entry.ObjectType != xds.OnDemandDocument }) {
		c.Form = profile.OnDemanded
	}
	return c
}
