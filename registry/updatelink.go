package registry

import (
	"context"
	"slices"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// linkChange is a new association between registered objects.
type linkChange struct {
	association xds.Association // its ends as the message names them
	deprecated  bool            // its status is changed in the same message
}

// merge joins the lineage of a document to that of the one that it now comes from.
type merge struct {
	from, into string
	masked     bool
}

// relations are the types that join documents to documents.
var relations = []xds.AssociationType{xds.Replaces, xds.Appends, xds.Transforms, xds.TransReplace, xds.Signs, xds.SnapshotOf}

// readLink judges an association that a SubmitAssociation asks to register (ITI TF-2
// 3.57.4.1.3.3.6): both ends are registered and current; a relation is for who may
// replace its source and may make it with its target, a membership for who may change
// the folder. Each end is judged whatever the other is.
func (p *updatePlan) readLink(ctx context.Context, i int) error {
	l := p.up.Links[i]
	where := "Association[" + l.EntryUUID + "]"
	wrong := func(part, found, expected string) error {
		p.find(where+part, l.EntryUUID, &xds.Error{ID: "UPD-006", Found: found, Expected: expected})
		return nil
	}
	member := l.Type == xds.HasMember
	switch {
	case !member && !slices.Contains(relations, l.Type):
		return wrong(".associationType", string(l.Type), string(xds.HasMember)+" d'un Folder, RPLC, APND, XFRM, XFRM_RPLC, signs ou IsSnapshotOf")
	case l.Source == l.Target:
		return wrong(".targetObject", l.Target, "un autre objet que la source")
	}
	found := len(p.findings)
	source, target := p.endOf(l.Source), p.endOf(l.Target)
	if err := p.readSource(ctx, where, l, source); err != nil {
		return err
	}
	to, err := p.readTarget(ctx, where, l, target)
	if err != nil || len(p.findings) > found {
		return err
	}
	if !member {
		if p.carried(source) || p.carried(target) {
			return wrong("", string(l.Type), "AssociationPropagation = no sur la nouvelle version du document")
		}
		if err := p.related(ctx, where, l, p.targets[l.Source], to); err != nil {
			return err
		}
	}
	return p.link(ctx, where, i, l)
}

// endOf is the registered id behind one of the message: that of the document of which
// it is a new version.
func (p *updatePlan) endOf(id string) string {
	for _, e := range p.up.Entries {
		if e.Entry.EntryUUID == id {
			return e.Entry.LogicalID
		}
	}
	for _, f := range p.up.Folders {
		if f.Folder.EntryUUID == id {
			return f.Folder.LogicalID
		}
	}
	return id
}

// carried tells whether a document gets a new version in this message that keeps its
// associations: none is added by hand then (NIST 20006).
func (p *updatePlan) carried(id string) bool {
	return slices.ContainsFunc(p.documents, func(c *documentChange) bool {
		return c.sent != nil && c.sent.Propagate && (c.document.Entry.LogicalID == id || c.document.Entry.EntryUUID == id)
	})
}

// readSource judges where a new association starts.
func (p *updatePlan) readSource(ctx context.Context, where string, l xds.Association, id string) error {
	t := target{where + ".sourceObject", l.Source, l.EntryUUID}
	record := p.deposit.Record()
	kind, object, err := p.session.objectOf(ctx, record, id)
	if err != nil {
		return err
	}
	if l.Type == xds.HasMember {
		f, ok, err := heldFolder{}, false, error(nil)
		if kind == kindFolder {
			f, ok, err = p.holdFolder(ctx, object)
		}
		switch {
		case err != nil:
			return err
		case !ok:
			p.unknown(t)
		case p.refused(t, p.update.JudgeFolder(f.owner, f.inside)):
		case f.folder.AvailabilityStatus != xds.Approved:
			p.obsolete(t)
		}
		p.ids[l.Source] = f.lid
		return nil
	}
	d := xds.Document{}
	if kind == kindDocument {
		if d, err = p.session.lockDocument(ctx, record, object); err != nil {
			return err
		}
	}
	switch {
	case d.Record == "":
		p.unknown(t)
	case p.refused(t, p.update.Judge(d, authz.Replace)):
	case d.Entry.AvailabilityStatus != xds.Approved:
		p.obsolete(t)
	}
	p.targets[l.Source] = d
	return nil
}

func (p *updatePlan) obsolete(t target) {
	p.find(t.where, t.object, &xds.Error{ID: "UPD-007", Found: t.name, Expected: "un objet en cours (Approved)"})
}

// readTarget judges where it ends, as a submission is judged.
func (p *updatePlan) readTarget(ctx context.Context, where string, l xds.Association, id string) (d xds.Document, err error) {
	t := target{where + ".targetObject", l.Target, l.EntryUUID}
	kind, object, err := p.session.objectOf(ctx, p.deposit.Record(), id)
	if err != nil {
		return d, err
	}
	if kind == kindDocument {
		if d, err = p.session.lockDocument(ctx, p.deposit.Record(), object); err != nil {
			return d, err
		}
	}
	judgement := p.deposit.Target(d, l.Type)
	e, refused := judgement.(*xds.Error)
	switch {
	case !refused:
		p.targets[l.Target] = d
	case e.ID == "REG-004":
		p.unknown(t)
	case e.ID == "REG-005":
		p.obsolete(t)
	default:
		p.refused(t, e)
	}
	return d, nil
}

// related checks what a relation makes of its two documents: no ring, and one lineage
// with one set of marks. The lineage that joins another must be the sender's,
// with all that he sees of it, or its marks would pass to somebody else; what he does
// not see of it goes with it and answers nothing (SC-09). What is hidden from the
// patient or from representatives neither spreads (C-04) nor is shown by the way.
func (p *updatePlan) related(ctx context.Context, where string, l xds.Association, source, target xds.Document) error {
	if !l.Type.Joins() {
		return nil
	}
	impossible := func(expected string) {
		p.find(where, l.EntryUUID, &xds.Error{ID: "UPD-007", Found: string(l.Type), Expected: expected})
	}
	ring := false
	err := p.session.tx.QueryRow(ctx, `
with recursive origin(lid) as (
  select $2::uuid
  union
  select a.target from association a join origin o on a.source = o.lid where a.record = $1 and a.type = any($4)
)
select exists (select from origin where lid = $3)`, p.deposit.Record(), bareID(target.Entry.LogicalID), bareID(source.Entry.LogicalID), joining).Scan(&ring)
	if err != nil {
		return err
	}
	if ring {
		impossible("une suite de documents sans boucle")
		return nil
	}
	if source.Lineage == target.Lineage {
		return nil
	}
	if p.remarks(source.Lineage) || p.remarks(target.Lineage) {
		impossible("les marques d'abord, l'association dans un autre message")
		return nil
	}
	kin, err := p.session.documentsWhere(ctx, `d.record = $1 and d.lineage = $2 and d.latest and d.status <> $3`, p.deposit.Record(), source.Lineage, int16(authz.DocDeleted))
	if err != nil {
		return err
	}
	own := p.leads(source, target) && !slices.ContainsFunc(kin, func(d xds.Document) bool {
		return p.update.Sees(d) && p.deposit.Target(approved(d), xds.Replaces) != nil
	})
	hidden := source.Marks.HiddenPatient != target.Marks.HiddenPatient || source.Marks.HiddenReps != target.Marks.HiddenReps
	both := source.Marks.HiddenPatient && source.Marks.MaskedPS != target.Marks.MaskedPS
	if !own || hidden || both || len(p.merged) > 0 {
		impossible("une suite de documents du même déposant, de mêmes marques ; une à la fois")
		return nil
	}
	p.merged = append(p.merged, merge{source.Lineage, target.Lineage, source.Marks.MaskedPS})
	return nil
}

// remarks tells whether the message changes the marks of a lineage.
func (p *updatePlan) remarks(lineage string) bool {
	return slices.ContainsFunc(p.documents, func(c *documentChange) bool { return c.document.Lineage == lineage && c.marks != c.document.Marks })
}

// leads tells whether the marks of the joining lineage are the sender's to give away:
// he is an author of its first entry or, when he is no professional and so never one,
// those who are lose and win nothing. A structure joins none that has no author: it may
// have only a twin in it (C-15).
func (p *updatePlan) leads(source, target xds.Document) bool {
	authors := source.LineageAuthors
	if p.deposit.Kind() == authz.Pro {
		return slices.Contains(authors, p.deposit.Subject().ID)
	}
	return (len(authors) > 0 || p.deposit.Kind() != authz.Structure) &&
		slices.Equal(slices.Sorted(slices.Values(authors)), slices.Sorted(slices.Values(target.LineageAuthors)))
}

// joining are the types that make one lineage.
var joining = []string{string(xds.Replaces), string(xds.Appends), string(xds.Transforms), string(xds.TransReplace)}

func approved(d xds.Document) xds.Document {
	d.Entry.AvailabilityStatus = xds.Approved
	return d
}

// link enters the association, once it is known that no such one is in force or asked
// for in the same message (NIST 20008), and no other replacement of the document.
func (p *updatePlan) link(ctx context.Context, where string, i int, l xds.Association) error {
	impossible := func(expected string) {
		p.find(where, l.EntryUUID, &xds.Error{ID: "UPD-007", Found: string(l.Type), Expected: expected})
	}
	source, target := p.endID(l.Source), p.endID(l.Target)
	there := slices.ContainsFunc(p.links, func(c linkChange) bool {
		return c.association.Type == l.Type && p.endID(c.association.Source) == source && p.endID(c.association.Target) == target
	})
	if !there {
		err := p.session.tx.QueryRow(ctx, `select exists (select from association where record = $1 and source = $2 and target = $3 and type = $4 and status = 0)`,
			p.deposit.Record(), source, target, string(l.Type)).Scan(&there)
		if err != nil {
			return err
		}
	}
	switch {
	case there:
		impossible("une association qui n'est pas déjà là")
		return nil
	case l.Type.Supersedes() && slices.Contains(p.replaced, target):
		impossible("un seul remplacement par document")
		return nil
	}
	c := linkChange{association: p.lot.Associations[i]}
	for _, s := range p.up.Statuses {
		if s.Target != l.EntryUUID {
			continue
		}
		if !p.twoStates(&s) {
			return nil
		}
		p.claimed(&s, xds.Approved)
		c.deprecated = s.To == xds.Deprecated
	}
	if l.Type.Supersedes() {
		p.replaced = append(p.replaced, target)
	}
	p.deposit.Stored([]string{p.targets[l.Target].Entry.LogicalID})
	p.links = append(p.links, c)
	return nil
}

// endID is the bare id of an end in the tables.
func (p *updatePlan) endID(id string) string {
	if d, ok := p.targets[id]; ok && d.Record != "" {
		return bareID(d.Entry.LogicalID)
	}
	return p.ids[id]
}
