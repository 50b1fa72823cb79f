package registry

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// inheritFolders makes a document that replaces another a member of the same folders
// (ITI TF-2 3.42.4.1.3.3.1, NIST 12327): a membership each, and one of the set, which
// says which submission brought it. It asks no right of the depositor and tells him
// nothing: he learns of a folder when he sees a member of it, as everybody does.
func (p *plan) inheritFolders(ctx context.Context) error {
	if len(p.replaced) == 0 {
		return nil
	}
	rows, err := p.session.tx.Query(ctx, `
select a.target::text, f.id::text from association a join folder f on f.record = a.record and f.id = a.source and f.latest
where a.record = $1 and a.target = any($2) and a.type = $3 and a.status = $4 and f.status = $4
order by 1, 2 for share of f`, p.deposit.Record(), p.replaced, string(xds.HasMember), int16(authz.DocApproved))
	if err != nil {
		return err
	}
	var document, folder string
	_, err = pgx.ForEachRow(rows, []any{&document, &folder}, func() error {
		p.inherit(document, folder)
		return nil
	})
	return err
}

// inherit puts the replacement of a document, by bare logicalIDs, into one folder,
// unless the lot itself does or it is there already.
func (p *plan) inherit(document, folder string) {
	replacement := p.replacementOf(document)
	if replacement == "" || slices.ContainsFunc(slices.Concat(p.lot.Associations, p.inherited), func(a xds.Association) bool {
		return a.Type == xds.HasMember && p.end(a.Source) == folder && p.end(a.Target) == bareID(replacement)
	}) {
		return
	}
	id := "urn:uuid:" + folder
	p.folders[id] = container{lid: folder}
	member := xds.Association{EntryUUID: "urn:uuid:" + p.session.registry.NewID(), Type: xds.HasMember, Source: id, Target: replacement}
	p.ids[member.EntryUUID] = bareID(member.EntryUUID)
	p.inherited = append(p.inherited, member, xds.Association{
		EntryUUID: "urn:uuid:" + p.session.registry.NewID(), Type: xds.HasMember, Source: p.lot.Set.EntryUUID, Target: member.EntryUUID,
	})
}

// replacementOf is the entryUUID of the document of the lot that replaces another,
// "" when none does.
func (p *plan) replacementOf(document string) string {
	for _, a := range p.lot.Associations {
		if target, ok := p.targets[a.Target]; ok && a.Type.Supersedes() && bareID(target.Entry.LogicalID) == document {
			return "urn:uuid:" + p.ids[a.Source]
		}
	}
	return ""
}
