package registry

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// Changed is a document after an act: its ids and its metadata version.
type Changed struct {
	LogicalID string
	EntryUUID string
	Version   int
}

// Change is one act asked for on one document.
type Change struct {
	Document  string // logicalID, any entryUUID of the document, or its uniqueId
	Unarchive bool   // the action archive, turned round (policy §1.9)
	Attested  bool   // at the patient's request (C-11)
}

// Act carries out mask, unmask, reveal, archive or delete on the document that the
// change names (policy §1.3 R-34…R-39, §1.4, §1.9). What the actor may neither
// change nor see answers as an unknown id (JSON-003). A repeated act changes
// nothing and makes no new version.
//
// Errors: JSON-003, the act's own ACC code, C-02, C-11, REG-007.
func (s *Session) Act(ctx context.Context, a authz.Amend, c Change) (Changed, error) {
	if !a.HeldBy(s) {
		return Changed{}, errForeign
	}
	d, err := s.lockDocument(ctx, a.Record(), c.Document)
	if err != nil {
		return Changed{}, err
	}
	if d.Record == "" {
		a.Refuse("JSON-003")
		return Changed{}, &xds.Error{ID: "JSON-003"}
	}
	if err := a.Judge(d); err != nil {
		return Changed{}, err
	}
	if code := precondition(a, d, c); code != "" {
		a.Refuse(code)
		return Changed{}, &xds.Error{ID: code}
	}
	same := Changed{d.Entry.LogicalID, d.Entry.EntryUUID, d.Entry.Version}
	switch a.Action() {
	case authz.Mask:
		return s.mark(ctx, d, same, d.Marks.MaskedPS, "mask_ps", true)
	case authz.Unmask:
		return s.mark(ctx, d, same, !d.Marks.MaskedPS, "mask_ps", false)
	case authz.RevealPatient:
		return s.mark(ctx, d, same, !d.Marks.HiddenPatient, "hide_patient", false)
	case authz.RevealReps:
		return s.mark(ctx, d, same, !d.Marks.HiddenReps, "hide_reps", false)
	case authz.Archive:
		return s.archive(ctx, d, same, c.Unarchive)
	default:
		return s.delete(ctx, d)
	}
}

// precondition holds what policy §1.4 demands of an act that is permitted: the
// attestation of a professional (C-11), no cumul of marks (C-02), a state that
// allows archiving.
func precondition(a authz.Amend, d xds.Document, c Change) string {
	masking := a.Action() == authz.Mask || a.Action() == authz.Unmask
	status := d.Entry.AvailabilityStatus
	switch {
	case a.Kind() == authz.Pro && masking && !c.Attested:
		return "C-11"
	case a.Action() == authz.Mask && d.Marks.HiddenPatient && !d.Marks.MaskedPS:
		return "C-02"
	case a.Action() == authz.Archive && status != xds.Approved && status != xds.Archived:
		return "REG-007"
	default:
		return ""
	}
}

// lockDocument reads the current version of a document of the record and holds it
// and its lineage; the zero Document when the record has none of that id.
func (s *Session) lockDocument(ctx context.Context, record, id string) (xds.Document, error) {
	uuids, uids := splitIDs([]string{id})
	rows, err := s.tx.Query(ctx, currentSQL+`
where d.record = $1 and d.latest and (d.unique_id = any($3) or d.lid in (
  select lid from document_entry where record = $1 and (entry_uuid = any($2) or lid = any($2))))
order by d.registered_at desc limit 1
for update of d, l`, record, uuids, uids)
	if err != nil {
		return xds.Document{}, err
	}
	defer rows.Close()
	var d xds.Document
	if rows.Next() {
		if err := scanDocument(rows, &d); err != nil {
			return xds.Document{}, err
		}
	}
	return d, rows.Err()
}

// mark sets one flag of the lineage and gives the addressed document a new
// metadata version; the other members of the lineage show the flag and keep
// theirs (design §5).
func (s *Session) mark(ctx context.Context, d xds.Document, same Changed, already bool, column string, value bool) (Changed, error) {
	if already {
		return same, nil
	}
	if _, err := s.tx.Exec(ctx, `update lineage set `+column+` = $3 where record = $1 and id = $2`, d.Record, d.Lineage, value); err != nil {
		return Changed{}, err
	}
	return s.newVersion(ctx, d, statusNumber[d.Entry.AvailabilityStatus])
}

func (s *Session) archive(ctx context.Context, d xds.Document, same Changed, undo bool) (Changed, error) {
	status := authz.DocArchived
	if undo {
		status = authz.DocApproved
	}
	if statusNumber[d.Entry.AvailabilityStatus] == int16(status) {
		return same, nil
	}
	return s.newVersion(ctx, d, int16(status))
}

// delete takes the document and its earlier versions, the RPLC chain; what was
// appended or transformed stays (policy §1.9). The status of the chain changes in
// place.
func (s *Session) delete(ctx context.Context, d xds.Document) (Changed, error) {
	_, err := s.tx.Exec(ctx, `
with recursive chain(lid) as (
  select a.target from association a where a.record = $1 and a.source = $2 and a.type = any($3)
  union
  select a.target from association a join chain c on a.source = c.lid where a.record = $1 and a.type = any($3)
)
update document_entry e set status = $4, updated_at = $5 from chain c where e.record = $1 and e.lid = c.lid`,
		d.Record, bareID(d.Entry.LogicalID), []string{string(xds.Replaces), string(xds.TransReplace)}, int16(authz.DocDeleted), s.Now())
	if err != nil {
		return Changed{}, err
	}
	changed, err := s.newVersion(ctx, d, int16(authz.DocDeleted))
	if err != nil {
		return Changed{}, err
	}
	// Former metadata versions stay under their own entryUUID: they are deleted too.
	_, err = s.tx.Exec(ctx, `update document_entry set status = $3 where record = $1 and lid = $2 and not latest`,
		d.Record, bareID(d.Entry.LogicalID), int16(authz.DocDeleted))
	return changed, err
}

// newVersion writes the next metadata version of a document: same logicalID and
// content, new entryUUID. The former version stays, deprecated, under its own
// entryUUID.
func (s *Session) newVersion(ctx context.Context, d xds.Document, status int16) (Changed, error) {
	id := s.registry.NewID()
	lid := bareID(d.Entry.LogicalID)
	b := &pgx.Batch{}
	b.Queue(`update document_entry set latest = false, status = $4 where record = $1 and lid = $2 and version = $3`,
		d.Record, lid, d.Entry.Version, int16(authz.DocDeprecated))
	b.Queue(newVersionSQL, d.Record, lid, d.Entry.Version, id, status, s.Now())
	b.Queue(`insert into object_id (id, record, kind, object) values ($1, $2, $3, $4)`, id, d.Record, kindDocument, lid)
	if err := s.tx.Run(ctx, b); err != nil {
		return Changed{}, err
	}
	return Changed{d.Entry.LogicalID, "urn:uuid:" + id, d.Entry.Version + 1}, nil
}

const newVersionSQL = `
insert into document_entry (record, lid, version, latest, entry_uuid, lineage, unique_id, status, technical, type_key, class_key, format_key,
  facility_key, setting_key, base_codes, event_keys, reference_ids, author_names, institutions, object_type, language, mime_type,
  creation_at, start_at, stop_at, authors, depositor, structure, origin, blob, sha256, seal, registered_at, updated_at, entry)
select record, lid, version + 1, true, $4, lineage, unique_id, $5, technical, type_key, class_key, format_key,
  facility_key, setting_key, base_codes, event_keys, reference_ids, author_names, institutions, object_type, language, mime_type,
  creation_at, start_at, stop_at, authors, depositor, structure, origin, blob, sha256, seal, registered_at, $6, entry
from document_entry where record = $1 and lid = $2 and version = $3`
