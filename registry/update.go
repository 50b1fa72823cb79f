package registry

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// Updates tells which acts a metadata update asks for by itself, whatever is
// registered: those that its changes of status are. What a new version amounts to
// follows from what it changes (policy §1.3).
func Updates(up xds.Update) []authz.Value {
	var acts []authz.Value
	for _, c := range up.Statuses {
		if act, ok := statusAct(c.From, c.To); ok {
			acts = append(acts, act)
		}
	}
	if len(up.Folders) > 0 || len(up.Links) > 0 {
		acts = append(acts, authz.Replace)
	}
	return acts
}

// Update carries out a metadata update: all of its operations, or none (ITI TF-2
// 3.57.4.1.3). The difference between what is sent and what is registered decides
// which acts it is, and each must be permitted. Its SubmissionSet is registered with
// it. An update that changes nothing succeeds and leaves nothing (policy §1.9).
//
// Errors are findings: UPD-001…UPD-009, REG-002, REG-007, C-02, C-04, C-11, and the
// codes of the acts (policy §0.3). What the sender may neither change nor know of
// answers as an unknown id, by the same way.
func (s *Session) Update(ctx context.Context, u authz.Update, up xds.Update) error {
	if !u.HeldBy(s) {
		return errForeign
	}
	p := newUpdatePlan(s, u, up)
	if err := p.examine(ctx); err != nil {
		return err
	}
	if err := p.findings.Err(); err != nil {
		u.Refuse(p.findings[0].ID)
		return err
	}
	if !p.changes() {
		return nil
	}
	return p.store(ctx)
}

// updatePlan is one metadata update on its way into the tables. The plan of a
// submission carries its set and its associations.
type updatePlan struct {
	*plan
	session   *Session
	update    authz.Update
	up        xds.Update
	documents []*documentChange
	folders   []*folderChange
	held      map[string]heldFolder // by bare logicalId
	links     []linkChange
	merged    []merge
	demoted   []string // bare ids of associations that are deprecated
	promoted  []string // and of those approved again
}

// documentChange is what a request asks of one document: a new version, a change of
// status, or both once they are joined.
type documentChange struct {
	revision
	rewritten bool // attributes other than the marks differ
	blind     bool // MASQUE_PS is said by a sender who cannot know whether it is there
	sent      *xds.EntryRevision
	claim     *xds.StatusChange
}

// newUpdatePlan takes the set, the new versions and what joins them into the plan of a
// submission, which gives them their ids.
func newUpdatePlan(s *Session, u authz.Update, up xds.Update) *updatePlan {
	lot := up.Lot()
	lot.Associations = slices.Concat(up.Links, lot.Associations)
	return &updatePlan{plan: newPlan(s, u.Deposit(), lot, nil), session: s, update: u, up: up, held: map[string]heldFolder{}}
}

// examine reads what is registered and collects all findings.
func (p *updatePlan) examine(ctx context.Context) error {
	if err := p.checkObjectIDs(ctx); err != nil {
		return err
	}
	if err := p.checkSet(ctx); err != nil {
		return err
	}
	for i := range p.up.Entries {
		if err := p.readEntry(ctx, i); err != nil {
			return err
		}
	}
	for i := range p.up.Folders {
		if err := p.readFolder(ctx, i); err != nil {
			return err
		}
	}
	for i := range p.up.Statuses {
		if err := p.readStatus(ctx, &p.up.Statuses[i]); err != nil {
			return err
		}
	}
	for i := range p.up.Links {
		if err := p.readLink(ctx, i); err != nil {
			return err
		}
	}
	p.join()
	p.joinFolders()
	return nil
}

// checkSet refuses a set that is registered already.
func (p *updatePlan) checkSet(ctx context.Context) error {
	uid := p.lot.Set.UniqueID
	known, err := p.registered(ctx, []string{uid})
	if err != nil {
		return err
	}
	if _, ok := known[uid]; ok {
		p.findings.Add(p.duplicate("SubmissionSet.uniqueId", uid))
	}
	return nil
}

// target is how a message names a registered object.
type target struct {
	where  string // of the name
	name   string
	object string // of the message that names it
}

// find enters a finding about an object of the message.
func (p *updatePlan) find(where, object string, e *xds.Error) {
	e.Where, e.Object = where, object
	p.findings.Add(e)
}

// refused enters what the Gate says of a target; false when it permits.
func (p *updatePlan) refused(t target, err error) bool {
	e, ok := err.(*xds.Error)
	if ok {
		p.find(t.where, t.object, &xds.Error{ID: e.ID, Found: t.name})
	}
	return ok
}

// unknown is the answer for an object that is not there. One that is not for the
// sender gets it by refused, at the same point, with the same words (SC-17).
func (p *updatePlan) unknown(t target) { p.refused(t, &xds.Error{ID: "UPD-001"}) }

// changes tells whether anything is left to write.
func (p *updatePlan) changes() bool {
	return len(p.links)+len(p.demoted)+len(p.promoted) > 0 ||
		slices.ContainsFunc(p.documents, func(d *documentChange) bool { return d.changes() || d.detached() }) ||
		slices.ContainsFunc(p.folders, func(f *folderChange) bool { return f.changes() })
}

// store writes everything in the transaction of the session.
func (p *updatePlan) store(ctx context.Context) error {
	b := &pgx.Batch{}
	p.queueSet(b)
	for _, d := range p.documents {
		if d.sent != nil {
			p.queueMember(b, d.sent.Member)
		}
		if d.detached() {
			b.Queue(detachSQL, d.document.Record, bareID(d.document.Entry.LogicalID))
		}
	}
	for _, f := range p.folders {
		p.queueFolderChange(b, f)
	}
	if err := p.session.tx.Run(ctx, b); err != nil {
		return err
	}
	for _, d := range p.documents {
		if _, err := p.session.revise(ctx, d.revision); err != nil {
			return err
		}
	}
	return p.storeLinks(ctx)
}

// storeLinks writes the associations, what they do to their documents, and the changes
// of status of others.
func (p *updatePlan) storeLinks(ctx context.Context) error {
	b := &pgx.Batch{}
	record := p.deposit.Record()
	for _, l := range p.links {
		p.queueAssociation(b, l.association)
		if l.deprecated {
			p.demoted = append(p.demoted, bareID(l.association.EntryUUID))
		}
	}
	for _, m := range p.merged {
		b.Queue(`update document_entry set lineage = $3 where record = $1 and lineage = $2`, record, m.from, m.into)
		b.Queue(`update lineage set mask_ps = mask_ps or $3 where record = $1 and id = $2`, record, m.into, m.masked)
		b.Queue(`delete from lineage where record = $1 and id = $2`, record, m.from)
	}
	if len(p.replaced) > 0 {
		b.Queue(deprecateSQL, record, p.replaced, p.at, []string{string(xds.Appends), string(xds.Transforms)}, int16(authz.DocDeprecated), int16(authz.DocApproved))
	}
	for _, c := range []struct {
		ids    []string
		status int16
	}{{p.demoted, int16(authz.DocDeprecated)}, {p.promoted, int16(authz.DocApproved)}} {
		if len(c.ids) > 0 {
			b.Queue(`update association set status = $3 where record = $1 and id = any($2)`, record, c.ids, c.status)
		}
	}
	if b.Len() == 0 {
		return nil
	}
	return p.session.tx.Run(ctx, b)
}

// queueMember registers the membership of a new version in its set: that of the
// object, which the versions share.
func (p *updatePlan) queueMember(b *pgx.Batch, member xds.Association) {
	for _, a := range p.lot.Associations {
		if a.Type == xds.HasMember && a.Source == member.Source && a.Target == member.Target {
			p.queueAssociation(b, a)
		}
	}
}
