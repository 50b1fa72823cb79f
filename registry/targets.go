package registry

import (
	"context"
	"slices"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// container is a registered folder that an association of the lot names.
type container struct {
	lid    string // bare
	status int16
	named  bool // the depositor may name it
}

// loadTargets reads and locks the registered documents that associations name.
func (p *plan) loadTargets(ctx context.Context) error {
	wanted := []string{}
	for _, a := range p.lot.Associations {
		if _, inLot := p.ids[a.Target]; !inLot && xds.IsUUID(a.Target) {
			wanted = append(wanted, bareID(a.Target))
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	rows, err := p.session.tx.Query(ctx, `
select `+wholeSQL+`, v.entry_uuid::text
from document_entry v
join document_entry d on d.record = v.record and d.lid = v.lid and d.latest
join lineage l on l.record = d.record and l.id = d.lineage
where v.record = $1 and (v.entry_uuid = any($2) or v.latest and v.lid = any($2))
for update of d, l`, p.deposit.Record(), wanted)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var d xds.Document
		var named string
		if err := scanDocument(rows, &d, &named); err != nil {
			return err
		}
		p.targets["urn:uuid:"+named] = d
		p.targets[d.Entry.LogicalID] = d
	}
	return rows.Err()
}

// loadFolders reads and holds the registered folders into which the lot puts
// documents. The depositor may name a folder when he or his structure deposited it,
// or when he sees one of its members, which is what shows it to him (safety SC-06).
func (p *plan) loadFolders(ctx context.Context) error {
	wanted := []string{}
	for _, a := range p.lot.Associations {
		if _, inLot := p.ids[a.Source]; !inLot && a.Type == xds.HasMember && xds.IsUUID(a.Source) {
			wanted = append(wanted, bareID(a.Source))
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	st := &statement{}
	record, ids, member := st.arg(p.deposit.Record()), st.arg(wanted), st.arg(string(xds.HasMember))
	rows, err := p.session.tx.Query(ctx, `
select v.entry_uuid::text, f.id::text, f.status, f.depositor, f.structure, exists (
  select from association a
  join document_entry d on d.record = a.record and d.lid = a.target and d.latest and not d.technical
  join lineage l on l.record = d.record and l.id = d.lineage
  where a.record = f.record and a.source = f.id and a.type = `+member+` and `+predicateSQL(p.deposit.Reads(), st)+`)
from folder v join folder f on f.record = v.record and f.id = v.id and f.latest
where v.record = `+record+` and (v.entry_uuid = any(`+ids+`) or v.latest and v.id = any(`+ids+`))
for share of f`, st.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var entryUUID, depositor, structure string
		var f container
		if err := rows.Scan(&entryUUID, &f.lid, &f.status, &depositor, &structure, &f.named); err != nil {
			return err
		}
		f.named = f.named || p.deposit.Deposited(depositor, structure)
		p.folders["urn:uuid:"+entryUUID], p.folders["urn:uuid:"+f.lid] = f, f
	}
	return rows.Err()
}

// judgeAssociations asks the deposit about every registered end, and finds ends
// that are nowhere. A source is of the lot, but for a folder that documents are put
// into: any other registered one, seen or not, answers as an unknown one.
func (p *plan) judgeAssociations() {
	for _, a := range p.lot.Associations {
		where := "Association[" + p.given[a.EntryUUID] + "]"
		if e := p.judgeSource(a); e != nil {
			e.Where, e.Found, e.Object = where+".sourceObject", a.Source, a.Source
			p.findings.Add(e)
			continue
		}
		if _, inLot := p.ids[a.Target]; inLot {
			continue
		}
		if e := p.judgeTarget(a); e != nil {
			e.Where, e.Found, e.Object = where+".targetObject", a.Target, a.Target
			p.findings.Add(e)
		}
	}
}

// judgeSource is the finding about the source of an association, nil when it is right.
func (p *plan) judgeSource(a xds.Association) *xds.Error {
	if _, inLot := p.ids[a.Source]; inLot {
		return nil
	}
	f, known := p.folders[a.Source]
	switch {
	case a.Type != xds.HasMember || !known || !f.named:
		return &xds.Error{ID: "REG-004"}
	case f.status != int16(authz.DocApproved):
		return &xds.Error{ID: "REG-005", Expected: "un Folder en cours (Approved)"}
	default:
		return nil
	}
}

// judgeTarget is the finding about a registered target, nil when the depositor may
// make the association; what it does to the target is noted.
func (p *plan) judgeTarget(a xds.Association) *xds.Error {
	target, known := p.targets[a.Target]
	if !known {
		return &xds.Error{ID: "REG-004"}
	}
	if err := p.deposit.Target(target, a.Type); err != nil {
		e := err.(*xds.Error)
		return &xds.Error{ID: e.ID}
	}
	lid := bareID(target.Entry.LogicalID)
	if e := p.judgeKinds(a, target.Entry.ObjectType); e != nil {
		return e
	}
	if a.Type.Supersedes() {
		if slices.Contains(p.replaced, lid) { // under another of its ids
			return &xds.Error{ID: "META-012", Expected: "un seul remplacement par document"}
		}
		p.replaced = append(p.replaced, lid)
	}
	if !slices.Contains(p.touched, target.Lineage) {
		p.touched = append(p.touched, target.Lineage)
	}
	return nil
}

// judgeKinds tells stable from on-demand: one is replaced by its like alone, a
// snapshot is one of an on-demand entry, and nothing else can be said of a document
// that is not made yet (ITI TF-3 4.2.2.2.6).
func (p *plan) judgeKinds(a xds.Association, target string) *xds.Error {
	if a.Type == xds.HasMember {
		return nil
	}
	i := slices.IndexFunc(p.lot.Documents, func(d xds.DocumentEntry) bool { return p.ids[a.Source] == bareID(d.EntryUUID) })
	if i < 0 {
		return nil // a finding of the profile
	}
	wanted := xds.StableDocument
	switch {
	case a.Type == xds.Replaces:
		wanted = kindOf(p.lot.Documents[i])
	case a.Type == xds.SnapshotOf:
		wanted = xds.OnDemandDocument
	}
	if target != wanted {
		return &xds.Error{ID: "META-012", Expected: "un document dont objectType est " + wanted}
	}
	return nil
}

// kindOf is the objectType that an entry is registered with.
func kindOf(d xds.DocumentEntry) string {
	if d.ObjectType == "" {
		return xds.StableDocument
	}
	return d.ObjectType
}
