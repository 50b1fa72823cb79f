package registry

import (
	"context"
	"slices"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// Changed is a document after an act: its ids and its metadata version.
type Changed struct {
	LogicalID string
	EntryUUID string
	Version   int
}

// Change is what is asked for on one document.
type Change struct {
	Document  string        // logicalID, any entryUUID of the document, or its uniqueId
	Acts      []authz.Value // in one new version, all or none; nil = the act that the Amend was opened for
	Unarchive bool          // the action archive, turned round (policy §1.9)
	Attested  bool          // at the patient's request (C-11)
}

// Act carries out mask, unmask, reveal, archive or delete on the document that the
// change names (policy §1.3 R-34…R-39, §1.4, §1.9). What the actor may neither
// change nor see answers as an unknown id (JSON-003). A repeated act changes
// nothing and makes no new version; nor does a change without an act.
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
	if c.Acts != nil && len(c.Acts) == 0 {
		return kept(d).unchanged(), a.Leave(d)
	}
	if c.Acts == nil {
		c.Acts = []authz.Value{a.Action()}
	}
	if err := a.Judge(d, c.Acts...); err != nil {
		return Changed{}, err
	}
	next := asked(d, c)
	if code := precondition(a, next, c); code != "" {
		a.Refuse(code)
		return Changed{}, &xds.Error{ID: code}
	}
	a.Effect(next.changes())
	return s.revise(ctx, next)
}

// asked is the next version of a document after its acts; nothing is done after a
// delete.
func asked(d xds.Document, c Change) revision {
	r := kept(d)
	for _, action := range c.Acts {
		switch {
		case action == authz.Mask:
			r.marks.MaskedPS = true
		case action == authz.Unmask:
			r.marks.MaskedPS = false
		case action == authz.RevealPatient:
			r.marks.HiddenPatient = false
		case action == authz.RevealReps:
			r.marks.HiddenReps = false
		case r.status == xds.Deleted:
		case action == authz.Archive && c.Unarchive:
			r.status = xds.Approved
		case action == authz.Archive:
			r.status = xds.Archived
		default:
			r.status = xds.Deleted
		}
	}
	return r
}

// precondition holds what policy §1.4 demands of acts that are permitted: the
// attestation of a professional (C-11), no cumul of marks (C-02), a state that
// allows archiving.
func precondition(a authz.Amend, next revision, c Change) string {
	asks := func(acts ...authz.Value) bool {
		return slices.ContainsFunc(acts, func(act authz.Value) bool { return slices.Contains(c.Acts, act) })
	}
	status := next.document.Entry.AvailabilityStatus
	switch {
	case a.Kind() == authz.Pro && asks(authz.Mask, authz.Unmask) && !c.Attested:
		return "C-11"
	case asks(authz.Mask) && next.marks.MaskedPS && next.marks.HiddenPatient && !next.document.Marks.MaskedPS:
		return "C-02"
	case asks(authz.Archive) && status != xds.Approved && status != xds.Archived:
		return "REG-007"
	default:
		return ""
	}
}

// Acted is a document as the actor sees it after his act, the zero Visible when he does
// not: what was deleted is not there any more.
func (s *Session) Acted(ctx context.Context, a authz.Amend, changed Changed) (authz.Visible[xds.Document], error) {
	if !a.HeldBy(s) {
		return authz.Visible[xds.Document]{}, errForeign
	}
	seen, err := s.visible(ctx, a.Reading(), func(st *statement, _ string) string {
		return "d.latest and d.lid = " + st.arg(bareID(changed.LogicalID)) + "::uuid"
	})
	if err != nil || len(seen) == 0 {
		return authz.Visible[xds.Document]{}, err
	}
	return seen[0], nil
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
