package registry

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// Resubmit is Submit for a sender whose engine sends a lot again until it hears of a
// success: the very lot that he registered before is answered with what it became
// (Receipt.Replayed), and nothing is added (xds §3). Another lot under its id, and
// anybody else's, are refused as by Submit.
func (r *Registry) Resubmit(ctx context.Context, open func(*Session) (authz.Deposit, error), lot xds.Submission, contents []xds.Content) (Receipt, error) {
	return r.submit(ctx, open, lot, contents, true)
}

// ownSet tells whether a registered uniqueId is that of a set of the depositor's own.
func (p *plan) ownSet(r registered) bool {
	sub := p.deposit.Subject()
	return r.kind == kindSet && r.record == p.deposit.Record() && r.depositor == sub.ID && r.structure == sub.Structure
}

// former is a set that is registered, with the members that it brought.
type former struct {
	set       xds.SubmissionSet
	documents []xds.DocumentEntry
	folders   []string // uniqueIds
	links     int      // its other members: references and memberships of folders
}

// formerSet reads the registered set that has the uniqueId of the lot.
func (p *plan) formerSet(ctx context.Context) (former, error) {
	f := former{}
	id, payload := "", []byte(nil)
	err := p.session.tx.QueryRow(ctx, `select id::text, entry from submission_set where record = $1 and unique_id = $2`,
		p.deposit.Record(), p.lot.Set.UniqueID).Scan(&id, &payload)
	if err != nil {
		return f, err
	}
	if err := decode(payload, &f.set, &f.set.Extras); err != nil {
		return f, err
	}
	rows, err := p.session.tx.Query(ctx, `
select a.entry, d.entry, coalesce(f.unique_id, '') from association a
left join document_entry d on d.record = a.record and d.lid = a.target and d.version = 1
left join folder f on f.record = a.record and f.id = a.target and f.version = 1
where a.record = $1 and a.source = $2 and a.type = $3 order by a.id limit 4000`, p.deposit.Record(), id, string(xds.HasMember))
	if err != nil {
		return f, err
	}
	var link, entry []byte
	var folder string
	_, err = pgx.ForEachRow(rows, []any{&link, &entry, &folder}, func() error { return f.add(link, entry, folder) })
	return f, err
}

// add enters one member of the set.
func (f *former) add(link, entry []byte, folder string) error {
	var a xds.Association
	if err := decodeAssociation(link, &a); err != nil {
		return err
	}
	switch {
	case folder != "":
		f.folders = append(f.folders, folder)
	case entry != nil && a.SetStatus == "Original":
		var d xds.DocumentEntry
		if err := decode(entry, &d, &d.Extras); err != nil {
			return err
		}
		f.documents = append(f.documents, d)
	default:
		f.links++
	}
	return nil
}

// same tells whether the lot is the one that became the set: the same documents,
// byte for byte, and the same folders; of a lot that has neither, as many references.
func (p *plan) same(f former) bool {
	if len(f.documents) != len(p.lot.Documents) || len(f.folders) != len(p.lot.Folders) {
		return false
	}
	for i, d := range p.lot.Documents {
		if p.sentBefore(f, i) < 0 || d.UniqueID == "" {
			return false
		}
	}
	for _, folder := range p.lot.Folders {
		if !slices.Contains(f.folders, folder.UniqueID) {
			return false
		}
	}
	links := 0
	for _, a := range p.lot.Associations {
		if a.Type == xds.HasMember && p.ids[a.Source] == bareID(p.lot.Set.EntryUUID) {
			links++
		}
	}
	return len(f.documents)+len(f.folders) > 0 || f.links == links
}

// sentBefore is the document of a registered set that a document of the lot is, -1 when none is.
func (p *plan) sentBefore(f former, i int) int {
	return slices.IndexFunc(f.documents, func(d xds.DocumentEntry) bool {
		return d.UniqueID == p.lot.Documents[i].UniqueID && strings.EqualFold(d.Hash, p.contents[i].SHA1)
	})
}

// replay is the receipt of the lot as it was registered, in its order.
func (p *plan) replay(f former) *Receipt {
	r := &Receipt{Set: f.set, Replayed: true}
	for i := range p.lot.Documents {
		r.Documents = append(r.Documents, f.documents[p.sentBefore(f, i)])
	}
	return r
}
