package registry

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// Contents is a SubmissionSet with what a Scope shows of it: hidden members and
// their associations are not there, and a set without a visible member is not
// either (safety SC-04…SC-07).
type Contents struct {
	Sets         []authz.Visible[xds.SubmissionSet]
	Documents    []authz.Visible[xds.Document]
	Folders      []authz.Visible[xds.Folder]
	Associations []authz.Visible[xds.Association]
}

// SetAndContents answers GetSubmissionSetAndContents (ITI TF-2 3.18.4.1.2.3.7.10)
// for a set named by entryUUID or uniqueId. keep narrows the documents by further
// conditions of the query.
func (s *Session) SetAndContents(ctx context.Context, sc authz.Scope, id string, keep []xds.Match) (Contents, error) {
	if sc.Record() == "" {
		return Contents{}, nil
	}
	if !sc.HeldBy(s) {
		return Contents{}, errForeign
	}
	set, setID, err := s.loadSet(ctx, sc.Record(), id)
	if err != nil {
		return Contents{}, err
	}
	if setID == "" {
		setID = noSet // looked through as a hidden one is, so that time tells neither apart (SC-32)
	}
	seen := authz.NewSeen(sc)
	out := Contents{}
	members, err := s.members(ctx, sc, setID)
	if err != nil {
		return Contents{}, err
	}
	for _, v := range members {
		seen.Document(v)
	}
	associations, err := s.associationsFrom(ctx, sc.Record(), []string{setID})
	if err != nil {
		return Contents{}, err
	}
	// A set without a visible member is traced as an unknown one is: by what was found.
	uuids, _ := splitIDs(targetsOf(associations, setID))
	stood, err := s.logicalIDs(ctx, sc.Record(), uuids, []string{})
	if err != nil {
		return Contents{}, err
	}
	sc.Found(stood, len(members) > 0)
	visibleSet, ok := seen.AdmitSet(set, targetsOf(associations, setID))
	if !ok {
		return Contents{}, nil
	}
	out.Sets = append(out.Sets, visibleSet)
	shown, err := s.narrowed(ctx, sc, members, keep)
	if err != nil {
		return Contents{}, err
	}
	kept := authz.NewSeen(sc)
	for _, v := range shown {
		kept.Document(v)
	}
	kept.AdmitSet(set, logicalIDs(shown))
	out.Documents = shown
	for _, a := range associations {
		if v, ok := kept.AdmitAssociation(a); ok {
			out.Associations = append(out.Associations, v)
		}
	}
	return out, nil
}

// noSet is the id that no set has (RFC 9562 5.9).
const noSet = "00000000-0000-0000-0000-000000000000"

// loadSet finds a set by entryUUID or uniqueId.
func (s *Session) loadSet(ctx context.Context, record, id string) (xds.SubmissionSet, string, error) {
	uuids, uids := splitIDs([]string{id})
	var set xds.SubmissionSet
	var setID string
	var payload []byte
	err := s.tx.QueryRow(ctx, `select id::text, entry from submission_set where record = $1 and (id = any($2) or unique_id = any($3))`,
		record, uuids, uids).Scan(&setID, &payload)
	if errors.Is(err, pgx.ErrNoRows) {
		return set, "", nil
	}
	if err != nil {
		return set, "", err
	}
	return set, setID, decode(payload, &set, &set.Extras)
}

// members are the visible current versions of the documents of a set.
func (s *Session) members(ctx context.Context, sc authz.Scope, setID string) ([]authz.Visible[xds.Document], error) {
	return s.visible(ctx, sc, func(st *statement, record string) string {
		return "d.latest and not d.technical and d.lid in (select target from association where record = " + record + "::uuid and source = " +
			st.arg(setID) + "::uuid and type = " + st.arg(string(xds.HasMember)) + ")"
	})
}

// visible reads the documents that a condition of the registry itself selects
// among those that the Scope admits.
func (s *Session) visible(ctx context.Context, sc authz.Scope, which func(st *statement, record string) string) ([]authz.Visible[xds.Document], error) {
	st := &statement{}
	record := st.arg(sc.Record())
	sql := visibleSQL(sc, which(st, record), record, nil, st) +
		`, chosen as (select * from visible)` + fmt.Sprintf(documentSQL, "") + ` order by d.registered_at desc, d.lid, d.version desc`
	rows, err := s.tx.Query(ctx, sql, st.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var visible []authz.Visible[xds.Document]
	for rows.Next() {
		var d xds.Document
		if err := scanDocument(rows, &d); err != nil {
			return nil, err
		}
		if v, ok := s.admit(sc, d); ok {
			visible = append(visible, v)
		}
	}
	return visible, rows.Err()
}

// narrowed keeps the members that a query's further conditions match.
func (s *Session) narrowed(ctx context.Context, sc authz.Scope, members []authz.Visible[xds.Document], keep []xds.Match) ([]authz.Visible[xds.Document], error) {
	if len(keep) == 0 || len(members) == 0 {
		return members, nil
	}
	q := xds.Query{Match: append([]xds.Match{xds.EqualTexts(xds.AttrLogicalID, logicalIDs(members)...)}, keep...)}
	page, err := s.Find(ctx, sc, q)
	return page.Documents, err
}

func logicalIDs(docs []authz.Visible[xds.Document]) []string {
	var ids []string
	for _, v := range docs {
		if d, ok := v.Value(); ok {
			ids = append(ids, d.Entry.LogicalID)
		}
	}
	return ids
}

// Relation is an association from a document, and the document that it points to.
type Relation struct {
	Association authz.Visible[xds.Association]
	Target      authz.Visible[xds.Document]
}

// Relations are the associations from the given documents to others that the
// Scope admits too: relatesTo of a DocumentReference (SC-07, SC-09).
func (s *Session) Relations(ctx context.Context, sc authz.Scope, docs []authz.Visible[xds.Document]) ([]Relation, error) {
	if sc.Record() == "" || len(docs) == 0 {
		return nil, nil
	}
	if !sc.HeldBy(s) {
		return nil, errForeign
	}
	sources, _ := splitIDs(logicalIDs(docs))
	associations, err := s.associationsFrom(ctx, sc.Record(), sources)
	if err != nil || len(associations) == 0 {
		return nil, err
	}
	var ids []string
	for _, a := range associations {
		ids = append(ids, a.Target)
	}
	ends, _ := splitIDs(ids)
	others, err := s.visible(ctx, sc, func(st *statement, _ string) string {
		return "d.latest and d.entry_uuid = any(" + st.arg(ends) + "::uuid[])"
	})
	if err != nil {
		return nil, err
	}
	seen, targets := authz.NewSeen(sc), map[string]authz.Visible[xds.Document]{}
	for _, v := range docs {
		seen.Document(v)
	}
	for _, v := range others {
		seen.Document(v)
		if d, ok := v.Value(); ok {
			targets[d.Entry.EntryUUID] = v
		}
	}
	var out []Relation
	for _, a := range associations {
		if v, ok := seen.AdmitAssociation(a); ok {
			out = append(out, Relation{v, targets[a.Target]})
		}
	}
	return out, nil
}

// associationsFrom are the associations that start at objects, their ends written
// as current entryUUIDs.
func (s *Session) associationsFrom(ctx context.Context, record string, sources []string) ([]xds.Association, error) {
	rows, err := s.tx.Query(ctx, `
select a.id::text, a.type, coalesce(ds.entry_uuid, a.source)::text, coalesce(dt.entry_uuid, a.target)::text, a.entry
from association a
left join document_entry ds on ds.record = a.record and ds.lid = a.source and ds.latest
left join document_entry dt on dt.record = a.record and dt.lid = a.target and dt.latest
where a.record = $1 and a.source = any($2) order by a.id limit 20000`, record, sources)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []xds.Association
	for rows.Next() {
		var id, typ, from, to string
		var payload []byte
		if err := rows.Scan(&id, &typ, &from, &to, &payload); err != nil {
			return nil, err
		}
		a := xds.Association{EntryUUID: "urn:uuid:" + id, Type: xds.AssociationType(typ), Source: "urn:uuid:" + from,
			Target: "urn:uuid:" + to, AvailabilityStatus: xds.Approved}
		if err := decodeAssociation(payload, &a); err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, rows.Err()
}

func targetsOf(associations []xds.Association, source string) []string {
	var targets []string
	for _, a := range associations {
		if a.Type == xds.HasMember && bareID(a.Source) == source {
			targets = append(targets, a.Target)
		}
	}
	return targets
}

// encodeAssociation and decodeAssociation carry what the columns do not hold.
func encodeAssociation(a xds.Association) []byte {
	b := appendText([]byte{payloadVersion}, a.SetStatus)
	b = binary.AppendUvarint(b, uint64(len(a.Documentation)))
	for _, c := range a.Documentation {
		b = appendCode(b, c)
	}
	b = binary.AppendUvarint(b, uint64(len(a.Extras)))
	for _, x := range a.Extras {
		b = appendTexts(appendText(b, x.Name), x.Values)
	}
	return b
}

func decodeAssociation(payload []byte, a *xds.Association) error {
	r := reader{rest: string(payload)}
	if v := r.byte(); v != payloadVersion {
		return fmt.Errorf("association payload version %d", v)
	}
	a.SetStatus = r.text()
	for range r.count() {
		a.Documentation = append(a.Documentation, r.code())
	}
	for range r.count() {
		a.Extras = append(a.Extras, xds.Extra{Name: r.text(), Values: r.texts()})
	}
	if r.failed {
		return errors.New("association payload truncated")
	}
	return nil
}
