package registry

import (
	"bytes"
	"context"
	"errors"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// heldFolder is the current version of a folder.
type heldFolder struct {
	lid    string // bare
	folder xds.Folder
	owner  authz.Owner
	inside []xds.Document // what is in it now
}

// folderChange is what a request asks of one folder.
type folderChange struct {
	heldFolder
	next   xds.Folder
	status xds.Status
	id     string // bare entryUUID of the new version, "" = one is made
	sent   *xds.FolderRevision
	claim  *xds.StatusChange
}

func (f *folderChange) changes() bool {
	return f.status != f.folder.AvailabilityStatus || !bytes.Equal(encode(&f.next, f.next.Extras), encode(&f.folder, f.folder.Extras))
}

// objectOf tells what an id of the record names, and the object itself: the bare
// logicalId of a document or folder, else the id. kind is 0 when it names nothing there.
func (s *Session) objectOf(ctx context.Context, record, id string) (kind int16, object string, err error) {
	uuids, _ := splitIDs([]string{id})
	err = s.tx.QueryRow(ctx, `select kind, object::text from object_id where id = any($1) and record = $2`, uuids, record).Scan(&kind, &object)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, "", nil
	}
	return kind, object, err
}

// lockFolder reads the current version of a folder and what is in it, and holds it;
// ok is false when the record has none of this logicalId.
func (s *Session) lockFolder(ctx context.Context, record, lid string) (f heldFolder, ok bool, err error) {
	var payload []byte
	var entryUUID string
	var status int16
	err = s.tx.QueryRow(ctx, `
select id::text, version, entry_uuid::text, status, depositor, structure, entry from folder where record = $1 and id = any($2) and latest for update`,
		record, uuidOf(lid)).Scan(&f.lid, &f.folder.Version, &entryUUID, &status, &f.owner.Depositor, &f.owner.Structure, &payload)
	if errors.Is(err, pgx.ErrNoRows) {
		return f, false, nil
	}
	if err != nil {
		return f, false, err
	}
	version := f.folder.Version
	if err := decode(payload, &f.folder, &f.folder.Extras); err != nil {
		return f, false, err
	}
	f.folder.Version, f.folder.EntryUUID, f.folder.LogicalID = version, "urn:uuid:"+entryUUID, "urn:uuid:"+f.lid
	f.folder.AvailabilityStatus = statusName[status]
	f.inside, err = s.documentsWhere(ctx, `d.record = $1 and d.latest and d.lid in (
  select target from association where record = $1 and source = $2 and type = $3 and status = 0) limit 2000`, record, f.lid, string(xds.HasMember))
	return f, true, err
}

// holdFolder is lockFolder, once a folder whatever the message says of it: what is in a
// folder may be two thousand documents.
func (p *updatePlan) holdFolder(ctx context.Context, lid string) (f heldFolder, ok bool, err error) {
	lid = bareID(lid)
	if f, ok = p.held[lid]; ok {
		return f, true, nil
	}
	if f, ok, err = p.session.lockFolder(ctx, p.deposit.Record(), lid); ok && err == nil {
		p.held[lid] = f
	}
	return f, ok, err
}

func uuidOf(id string) []string {
	uuids, _ := splitIDs([]string{id})
	return uuids
}

// documentsWhere reads documents for a decision: what it gives is no answer.
func (s *Session) documentsWhere(ctx context.Context, where string, args ...any) ([]xds.Document, error) {
	rows, err := s.tx.Query(ctx, currentSQL+` where `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var docs []xds.Document
	for rows.Next() {
		var d xds.Document
		if err := scanDocument(rows, &d); err != nil {
			return nil, err
		}
		docs = append(docs, d)
	}
	return docs, rows.Err()
}

// readFolder finds the folder that one of the message is a new version of, and judges
// the change (ITI TF-2 3.57.4.1.3.3.3).
func (p *updatePlan) readFolder(ctx context.Context, i int) error {
	sent := &p.up.Folders[i]
	f := sent.Folder
	where := "Folder[" + f.EntryUUID + "]"
	t := target{where + ".logicalID", f.LogicalID, f.EntryUUID}
	held, ok, err := p.holdFolder(ctx, f.LogicalID)
	if err != nil {
		return err
	}
	if !ok {
		p.unknown(t)
		return nil
	}
	p.ids[f.EntryUUID] = held.lid
	if p.refused(t, p.update.JudgeFolder(held.owner, held.inside)) {
		return nil
	}
	c := &folderChange{heldFolder: held, next: f, status: held.folder.AvailabilityStatus, id: bareID(p.lot.Folders[i].EntryUUID), sent: sent}
	if f.UniqueID != held.folder.UniqueID {
		p.find(where+".uniqueId", f.EntryUUID, &xds.Error{ID: "UPD-005", Found: f.UniqueID, Expected: held.folder.UniqueID})
	}
	if sent.Previous != held.folder.Version {
		p.find(where+".PreviousVersion", f.EntryUUID, &xds.Error{ID: "UPD-002", Found: strconv.Itoa(sent.Previous), Expected: strconv.Itoa(held.folder.Version)})
	}
	now := held.folder
	c.next.EntryUUID, c.next.LogicalID, c.next.Version, c.next.AvailabilityStatus = now.EntryUUID, now.LogicalID, now.Version, now.AvailabilityStatus
	c.next.UniqueID, c.next.PatientID, c.next.HomeCommunityID, c.next.LastUpdateTime = now.UniqueID, now.PatientID, now.HomeCommunityID, now.LastUpdateTime
	c.next.Extras = without(c.next.Extras)
	p.folders = append(p.folders, c)
	return nil
}

// joinFolders is join for folders.
func (p *updatePlan) joinFolders() {
	joined := map[string]*folderChange{}
	var order []*folderChange
	for _, c := range p.folders {
		switch first := joined[c.lid]; {
		case first == nil:
			joined[c.lid] = c
			order = append(order, c)
		case c.sent != nil || first.claim != nil:
			p.twice("urn:uuid:" + c.lid)
		default:
			first.claim, first.status = c.claim, c.status
		}
	}
	p.folders = order
}

// queueFolderChange writes the next version of a folder, and the membership of a
// version that was sent in its set.
func (p *updatePlan) queueFolderChange(b *pgx.Batch, c *folderChange) {
	if c.sent != nil {
		p.queueMember(b, c.sent.Member)
	}
	if !c.changes() {
		return
	}
	id := c.id
	if id == "" {
		id = p.session.registry.NewID()
	}
	next := c.next
	next.EntryUUID, next.Version, next.AvailabilityStatus, next.LastUpdateTime = "urn:uuid:"+id, c.folder.Version+1, c.status, xds.NewDTM(p.at)
	record := p.deposit.Record()
	b.Queue(`update folder set latest = false, status = $4 where record = $1 and id = $2 and version = $3`,
		record, c.lid, c.folder.Version, int16(authz.DocDeprecated))
	b.Queue(`
insert into folder (record, id, version, latest, entry_uuid, unique_id, updated_at, code_keys, status, depositor, structure, writer, title, entry)
values ($1, $2, $3, true, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		record, c.lid, next.Version, id, next.UniqueID, p.at, codeKeys(next.Codes), statusNumber[c.status], c.owner.Depositor, c.owner.Structure,
		p.deposit.Subject().ID, next.Title, encode(&next, next.Extras))
	b.Queue(`insert into object_id (id, record, kind, object) values ($1, $2, $3, $4)`, id, record, kindFolder, c.lid)
}
