package registry

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/xds"
)

// checkObjectIDs refuses UUIDs that are already those of registered objects.
func (p *plan) checkObjectIDs(ctx context.Context) error {
	var fresh []string
	for _, id := range p.ids {
		if !slices.Contains(fresh, id) {
			fresh = append(fresh, id)
		}
	}
	rows, err := p.session.tx.Query(ctx, `select id::text from object_id where id = any($1)`, fresh)
	if err != nil {
		return err
	}
	taken, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, id := range taken {
		p.findings.Add(&xds.Error{ID: "REG-002", Where: "entryUUID", Found: "urn:uuid:" + id, Object: "urn:uuid:" + id})
	}
	return err
}

// registered is a row of unique_id.
type registered struct {
	record, sha1, depositor, structure string
	kind                               int16
	at                                 time.Time
}

// The kinds of object in object_id and unique_id.
const (
	kindDocument    int16 = 1
	kindSet         int16 = 2
	kindFolder      int16 = 3
	kindAssociation int16 = 4
)

// checkUniqueIDs holds the uniqueness rules of xds §3 and policy C-15, and returns
// for each document of the lot the lineage of the entry that already has its
// uniqueId and content, the zero lineage when it is new.
func (p *plan) checkUniqueIDs(ctx context.Context) ([]lineage, error) {
	uids := []string{p.lot.Set.UniqueID}
	for _, f := range p.lot.Folders {
		uids = append(uids, f.UniqueID)
	}
	for _, d := range p.lot.Documents {
		uids = append(uids, d.UniqueID)
	}
	known, err := p.registered(ctx, uids)
	if err != nil {
		return nil, err
	}
	if r, ok := known[p.lot.Set.UniqueID]; ok {
		if err := p.sentAgain(ctx, r); err != nil || p.replayed != nil {
			return nil, err
		}
	}
	for _, f := range p.lot.Folders {
		if _, ok := known[f.UniqueID]; ok {
			p.findings.Add(p.duplicate("Folder.uniqueId", f.UniqueID))
		}
	}
	twins := make([]lineage, len(p.lot.Documents))
	for i, d := range p.lot.Documents {
		r, ok := known[d.UniqueID]
		switch {
		case !ok:
		case r.kind != kindDocument:
			p.findings.Add(p.duplicate("DocumentEntry.uniqueId", d.UniqueID))
		case kindOf(d) == xds.OnDemandDocument && r.sha1 == "":
			p.findings.Add(p.duplicate("DocumentEntry.uniqueId", d.UniqueID)) // nothing tells two of them apart
		case r.record != p.deposit.Record() || r.sha1 != p.contents[i].SHA1:
			p.findings.Add(&xds.Error{ID: "REG-003", Where: "DocumentEntry.uniqueId", Found: d.UniqueID, Object: d.UniqueID})
		default:
			if twins[i], err = p.lineageOf(ctx, d.UniqueID); err != nil {
				return nil, err
			}
		}
	}
	return twins, nil
}

func (p *plan) registered(ctx context.Context, uids []string) (map[string]registered, error) {
	rows, err := p.session.tx.Query(ctx,
		`select uid, record::text, kind, sha1, depositor, structure, registered_at from unique_id where uid = any($1)`, uids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := map[string]registered{}
	for rows.Next() {
		var uid string
		var r registered
		if err := rows.Scan(&uid, &r.record, &r.kind, &r.sha1, &r.depositor, &r.structure, &r.at); err != nil {
			return nil, err
		}
		known[uid] = r
	}
	return known, rows.Err()
}

// duplicate is an id that is taken, and nothing more.
func (p *plan) duplicate(where, uid string) *xds.Error {
	return &xds.Error{ID: "REG-002", Where: where, Found: uid, Object: uid}
}

// sentAgain judges a set whose uniqueId is taken. Its own depositor is told whether
// this is the very lot that was registered, so that an engine that retries knows that
// nothing is lost, or another one under a used id, which is not stored (xds §3); when
// he may replay, the very lot is answered as it was. Anybody else is told nothing.
func (p *plan) sentAgain(ctx context.Context, r registered) error {
	e := p.duplicate("SubmissionSet.uniqueId", p.lot.Set.UniqueID)
	defer func() {
		if p.replayed == nil {
			p.findings.Add(e)
		}
	}()
	if !p.ownSet(r) {
		return nil
	}
	former, err := p.formerSet(ctx)
	if err != nil {
		return err
	}
	since := r.at.UTC().Format("2006-01-02 15:04:05") + " UTC"
	switch {
	case !p.same(former):
		e.Hint = "un autre lot porte cet identifiant depuis le " + since + " ; celui-ci N'EST PAS enregistré : lui donner un nouvel identifiant"
	case p.mayReplay:
		p.replayed = p.replay(former)
	default:
		e.Hint = "ce lot est déjà enregistré depuis le " + since + " : rien à renvoyer"
	}
	return nil
}

func (p *plan) lineageOf(ctx context.Context, uid string) (l lineage, err error) {
	err = p.session.tx.QueryRow(ctx, `
select l.id::text, l.mask_ps, l.hide_patient, l.hide_reps from document_entry d join lineage l on l.record = d.record and l.id = d.lineage
where d.record = $1 and d.unique_id = $2 and d.latest order by d.registered_at limit 1 for update of l`, p.deposit.Record(), uid).
		Scan(&l.id, &l.marks.MaskedPS, &l.marks.HiddenPatient, &l.marks.HiddenReps)
	return l, err
}

// borrowBytes finds the bytes of entries that come without them and name this
// repository (ITI-42): those of a document with the same uniqueId and hash that the
// depositor may name. Any other one, seen or not, answers as one that is not here: a
// hash must not open what its owner hides.
func (p *plan) borrowBytes(ctx context.Context) error {
	for i := range p.lot.Documents {
		d := &p.lot.Documents[i]
		if p.contents[i].Blob != "" || d.RepositoryUniqueID != "" && d.RepositoryUniqueID != p.session.registry.RepositoryID {
			continue
		}
		content, err := p.bytesHere(ctx, d.UniqueID, p.contents[i])
		if err != nil {
			return err
		}
		if content.Blob == "" {
			p.findings.Add(&xds.Error{ID: "META-019", Where: "DocumentEntry[" + p.given[d.EntryUUID] + "].repositoryUniqueId", Found: d.RepositoryUniqueID, Object: p.given[d.EntryUUID]})
		}
		p.contents[i], p.borrowed[i] = content, true
	}
	return nil
}

// bytesHere is the content that is kept for a uniqueId and is what an entry says of
// it; without a blob when there is none that the depositor may name.
func (p *plan) bytesHere(ctx context.Context, uid string, said xds.Content) (xds.Content, error) {
	rows, err := p.session.tx.Query(ctx, currentSQL+`
where d.record = $1 and d.unique_id = $2 and d.latest and d.blob <> '' order by d.registered_at limit 100 for update of l`, p.deposit.Record(), uid)
	if err != nil {
		return said, err
	}
	defer rows.Close()
	for rows.Next() {
		var d xds.Document
		if err := scanDocument(rows, &d); err != nil {
			return said, err
		}
		if d.Content.SHA1 == said.SHA1 && d.Content.Size == said.Size && p.deposit.Names(d) {
			said = d.Content
			break
		}
	}
	rows.Close()
	return said, rows.Err()
}
