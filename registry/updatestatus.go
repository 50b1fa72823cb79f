package registry

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// statusAct is the act that a change of status is (domain §3.2): archiving and its
// undoing, deleting; making a document obsolete, or current again, is for who may
// replace it.
func statusAct(from, to xds.Status) (authz.Value, bool) {
	switch {
	case to == xds.Deleted:
		return authz.Delete, true
	case from == xds.Approved && to == xds.Archived, from == xds.Archived && to == xds.Approved:
		return authz.Archive, true
	case from == xds.Approved && to == xds.Deprecated, from == xds.Deprecated && to == xds.Approved:
		return authz.Replace, true
	default:
		return 0, false
	}
}

// readStatus finds what an UpdateAvailabilityStatus is about: something registered, or
// what has a new version in the same message (ITI TF-2 3.57.4.1.3.1).
func (p *updatePlan) readStatus(ctx context.Context, c *xds.StatusChange) error {
	t := target{"Association[" + c.ID + "].targetObject", c.Target, c.ID}
	if slices.ContainsFunc(p.up.Links, func(l xds.Association) bool { return l.EntryUUID == c.Target }) {
		return nil // read with the new association
	}
	kind, object, err := p.session.objectOf(ctx, p.deposit.Record(), p.endOf(c.Target))
	switch {
	case err != nil:
		return err
	case kind == kindDocument:
		return p.readDocumentStatus(ctx, c, t, object)
	case kind == kindFolder:
		return p.readFolderStatus(ctx, c, t, object)
	case kind == kindAssociation:
		return p.readAssociationStatus(ctx, c, t, object)
	default: // nothing, or a SubmissionSet, whose status never changes
		p.unknown(t)
		return nil
	}
}

func (p *updatePlan) readDocumentStatus(ctx context.Context, c *xds.StatusChange, t target, lid string) error {
	d, err := p.session.lockDocument(ctx, p.deposit.Record(), lid)
	if err != nil {
		return err
	}
	change := &documentChange{revision: kept(d), claim: c}
	change.status = c.To
	if p.refused(t, p.update.Judge(d, change.acts()...)) {
		return nil
	}
	if _, ok := statusAct(c.From, c.To); !ok {
		p.find("Association["+c.ID+"].NewStatus", c.ID, &xds.Error{ID: "REG-007", Found: string(c.To)})
		return nil
	}
	p.claimed(c, d.Entry.AvailabilityStatus)
	p.documents = append(p.documents, change)
	return nil
}

func (p *updatePlan) readFolderStatus(ctx context.Context, c *xds.StatusChange, t target, lid string) error {
	held, ok, err := p.holdFolder(ctx, lid)
	if err != nil {
		return err
	}
	if !ok {
		p.unknown(t)
		return nil
	}
	if p.refused(t, p.update.JudgeFolder(held.owner, held.inside)) || !p.twoStates(c) {
		return nil
	}
	p.claimed(c, held.folder.AvailabilityStatus)
	p.folders = append(p.folders, &folderChange{heldFolder: held, next: held.folder, status: c.To, claim: c})
	return nil
}

// readAssociationStatus judges a change of status of a relation or of the membership
// of a folder. A membership of a SubmissionSet has none (ITI TF-2 3.57.4.1.3.3.5), and
// answers as an unknown id: nobody need know of the set.
func (p *updatePlan) readAssociationStatus(ctx context.Context, c *xds.StatusChange, t target, id string) error {
	record := p.deposit.Record()
	var typ, source, end string
	var status int16
	err := p.session.tx.QueryRow(ctx, `select type, source::text, target::text, status from association where record = $1 and id = $2 for update`, record, id).
		Scan(&typ, &source, &end, &status)
	if errors.Is(err, pgx.ErrNoRows) {
		p.unknown(t)
		return nil
	}
	if err != nil {
		return err
	}
	to, err := p.session.lockDocument(ctx, record, end)
	if err != nil {
		return err
	}
	kind, _, err := p.session.objectOf(ctx, record, source)
	switch {
	case err != nil:
		return err
	case !p.update.Knows(to) || kind != kindDocument && kind != kindFolder:
		p.unknown(t)
		return nil
	case kind == kindFolder:
		f, _, err := p.holdFolder(ctx, source)
		if err != nil {
			return err
		}
		if p.refused(t, p.update.JudgeFolder(f.owner, f.inside)) {
			return nil
		}
	default:
		from, err := p.session.lockDocument(ctx, record, source)
		if err != nil {
			return err
		}
		if p.refused(t, p.update.Judge(from, authz.Replace)) {
			return nil
		}
	}
	if !p.twoStates(c) {
		return nil
	}
	p.claimed(c, statusName[status])
	if slices.Contains(slices.Concat(p.demoted, p.promoted), id) {
		p.twice(c.Target)
		return nil
	}
	if c.To == xds.Deprecated {
		p.demoted = append(p.demoted, id)
	} else {
		p.promoted = append(p.promoted, id)
	}
	return nil
}

// claimed holds the OriginalStatus of a change against the status that the object has
// (ITI TF-2 3.57.4.1.3.3.2.2).
func (p *updatePlan) claimed(c *xds.StatusChange, now xds.Status) {
	if c.From != now {
		p.find("Association["+c.ID+"].OriginalStatus", c.ID, &xds.Error{ID: "UPD-007", Found: string(c.From), Expected: string(now), Hint: "relire l'état de l'objet"})
	}
}

// twoStates refuses a status that folders and associations do not have.
func (p *updatePlan) twoStates(c *xds.StatusChange) bool {
	for _, s := range []xds.Status{c.From, c.To} {
		if s != xds.Approved && s != xds.Deprecated {
			p.find("Association["+c.ID+"]", c.ID, &xds.Error{ID: "UPD-007", Found: string(s), Expected: string(xds.Approved) + " ou " + string(xds.Deprecated)})
			return false
		}
	}
	return true
}

// twice is the finding of two operations of one kind on one object.
func (p *updatePlan) twice(id string) {
	p.find("RegistryObjectList", id, &xds.Error{ID: "UPD-006", Found: strings.TrimSpace(id),
		Expected: "une seule nouvelle version et un seul changement d'état d'un objet par message"})
}
