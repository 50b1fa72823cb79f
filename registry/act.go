package registry

import (
	"context"

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
	return s.revise(ctx, asked(a.Action(), d, c.Unarchive))
}

// asked is the next version of a document after an act.
func asked(action authz.Value, d xds.Document, unarchive bool) revision {
	r := kept(d)
	switch {
	case action == authz.Mask:
		r.marks.MaskedPS = true
	case action == authz.Unmask:
		r.marks.MaskedPS = false
	case action == authz.RevealPatient:
		r.marks.HiddenPatient = false
	case action == authz.RevealReps:
		r.marks.HiddenReps = false
	case action == authz.Archive && unarchive:
		r.status = xds.Approved
	case action == authz.Archive:
		r.status = xds.Archived
	default:
		r.status = xds.Deleted
	}
	return r
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
