package registry

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/xds"
)

// revision is the next metadata version of a document: what it is, and what it is to
// be. An act of the JSON calls and a metadata update are both one, so they do the
// same thing.
type revision struct {
	document xds.Document
	id       string             // bare entryUUID of the new version, "" = one is made
	entry    *xds.DocumentEntry // its attributes; nil = those that it has
	marks    xds.Marks          // of the lineage
	status   xds.Status
}

// kept is the revision that changes nothing.
func kept(d xds.Document) revision {
	return revision{document: d, marks: d.Marks, status: d.Entry.AvailabilityStatus}
}

// changes tells whether the revision is another one than the current version.
func (r revision) changes() bool {
	return r.entry != nil || r.marks != r.document.Marks || r.status != r.document.Entry.AvailabilityStatus
}

// unchanged is the current version.
func (r revision) unchanged() Changed {
	e := &r.document.Entry
	return Changed{e.LogicalID, e.EntryUUID, e.Version}
}

// revise writes the next metadata version of a document: same logicalID and content,
// new entryUUID. The former version stays, deprecated, under its own entryUUID. The
// flags go to the lineage, whose other members show them and keep their versions
// (design §5). A revision that changes nothing makes no version.
func (s *Session) revise(ctx context.Context, r revision) (Changed, error) {
	d := r.document
	if !r.changes() {
		return r.unchanged(), nil
	}
	if err := s.remark(ctx, r); err != nil {
		return Changed{}, err
	}
	if r.status == xds.Deleted {
		if err := s.deleteChain(ctx, d); err != nil {
			return Changed{}, err
		}
	}
	changed, err := s.newVersion(ctx, r)
	if err != nil || r.status != xds.Deleted {
		return changed, err
	}
	// Former metadata versions stay under their own entryUUID: they are deleted too.
	_, err = s.tx.Exec(ctx, `update document_entry set status = $3 where record = $1 and lid = $2 and not latest`,
		d.Record, bareID(d.Entry.LogicalID), int16(authz.DocDeleted))
	return changed, err
}

// remark sets the flags of the lineage that change, and no other: another revision of
// the same request may be of the same lineage.
func (s *Session) remark(ctx context.Context, r revision) error {
	before := r.document.Marks
	for _, flag := range []struct {
		column    string
		was, wish bool
	}{
		{"mask_ps", before.MaskedPS, r.marks.MaskedPS},
		{"hide_patient", before.HiddenPatient, r.marks.HiddenPatient},
		{"hide_reps", before.HiddenReps, r.marks.HiddenReps},
	} {
		if flag.was == flag.wish {
			continue
		}
		if _, err := s.tx.Exec(ctx, `update lineage set `+flag.column+` = $3 where record = $1 and id = $2`, r.document.Record, r.document.Lineage, flag.wish); err != nil {
			return err
		}
	}
	return nil
}

// deleteChain deletes the earlier versions of a document, the RPLC chain; what was
// appended or transformed stays (policy §1.9). Their status changes in place.
func (s *Session) deleteChain(ctx context.Context, d xds.Document) error {
	_, err := s.tx.Exec(ctx, `
with recursive chain(lid) as (
  select a.target from association a where a.record = $1 and a.source = $2 and a.type = any($3)
  union
  select a.target from association a join chain c on a.source = c.lid where a.record = $1 and a.type = any($3)
)
update document_entry e set status = $4, updated_at = $5 from chain c where e.record = $1 and e.lid = c.lid`,
		d.Record, bareID(d.Entry.LogicalID), []string{string(xds.Replaces), string(xds.TransReplace)}, int16(authz.DocDeleted), s.Now())
	return err
}

// newVersion writes the rows of the next version.
func (s *Session) newVersion(ctx context.Context, r revision) (Changed, error) {
	d := r.document
	id, lid := r.id, bareID(d.Entry.LogicalID)
	if id == "" {
		id = s.registry.NewID()
	}
	b := &pgx.Batch{}
	b.Queue(`update document_entry set latest = false, status = $4 where record = $1 and lid = $2 and version = $3`,
		d.Record, lid, d.Entry.Version, int16(authz.DocDeprecated))
	b.Queue(newVersionSQL, d.Record, lid, d.Entry.Version, id, statusNumber[r.status], s.Now())
	if r.entry != nil {
		queueAttributes(b, d, lid, r.entry)
	}
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

// queueAttributes gives the version that was just written the attributes of an update.
// Who holds the author's rights, who deposited and whose the document is stay what
// they were: rights come from the deposit, not from a name that is corrected.
func queueAttributes(b *pgx.Batch, d xds.Document, lid string, e *xds.DocumentEntry) {
	next := *e
	next.Confidentiality, _ = xds.SplitMarks(e.Confidentiality)
	b.Queue(`
update document_entry set technical = $4, type_key = $5, class_key = $6, format_key = $7, facility_key = $8, setting_key = $9, base_codes = $10,
  event_keys = $11, reference_ids = $12, author_names = $13, institutions = $14, language = $15, mime_type = $16,
  creation_at = coalesce($17, creation_at), start_at = $18, stop_at = $19, entry = $20
where record = $1 and lid = $2 and version = $3`,
		d.Record, lid, d.Entry.Version+1, technical(next), next.TypeCode.Key(), next.ClassCode.Key(), next.FormatCode.Key(), next.FacilityType.Key(),
		next.PracticeSetting.Key(), codeKeys(next.Confidentiality), codeKeys(next.EventCodes), db.Texts(next.ReferenceIDs), personNames(next.Authors),
		institutionNames(next.Authors), next.LanguageCode, next.MimeType, instant(next.CreationTime), instant(next.ServiceStart), instant(next.ServiceStop),
		encode(&next, next.Extras))
}
