package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// Contents are objects with what a Scope shows of them: hidden members and their
// associations are not there, and a set or folder without a visible member is not
// either (safety SC-04…SC-07).
type Contents struct {
	Sets         []authz.Visible[xds.SubmissionSet]
	Documents    []authz.Visible[xds.Document]
	Folders      []authz.Visible[xds.Folder]
	Associations []authz.Visible[xds.Association]
}

// Len counts the objects.
func (c Contents) Len() int {
	return len(c.Sets) + len(c.Documents) + len(c.Folders) + len(c.Associations)
}

// Add puts the objects of another record behind these.
func (c *Contents) Add(other Contents) {
	c.Sets = append(c.Sets, other.Sets...)
	c.Documents = append(c.Documents, other.Documents...)
	c.Folders = append(c.Folders, other.Folders...)
	c.Associations = append(c.Associations, other.Associations...)
}

// SetAndContents answers GetSubmissionSetAndContents (ITI TF-2 3.18.4.1.2.3.7.10)
// for a set named by entryUUID or uniqueId: its documents, of which keep narrows to
// those that further conditions match, its folders, and the associations, in the
// given statuses, that are its own, its members or between its members. One whose
// end is left out is left out too.
func (s *Session) SetAndContents(ctx context.Context, sc authz.Scope, id string, keep []xds.Match, statuses ...xds.Status) (Contents, error) {
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
		setID = noObject // looked through as a hidden one is, so that time tells neither apart (SC-32)
	}
	links, err := s.links(ctx, sc.Record(), `a.source = $2::uuid
or a.id in (select m.target from association m where m.record = $1 and m.source = $2::uuid)
or a.source in (select m.target from association m where m.record = $1 and m.source = $2::uuid)
   and a.target in (select m.target from association m where m.record = $1 and m.source = $2::uuid)`, setID)
	if err != nil {
		return Contents{}, err
	}
	held, stood := membersOf(links, setID)
	var ends []string
	for _, l := range links {
		ends = append(ends, l.source, l.target)
	}
	near, err := s.kept(ctx, sc, uuids(ends), keep)
	if err != nil {
		return Contents{}, err
	}
	witnesses := near.admitInner(links, setID, held)
	visible, ok := near.seen.AdmitSet(set, witnesses)
	// A set without a visible member is traced as an unknown one is: by what was found.
	sc.Found(stood, ok)
	if !ok {
		return Contents{}, nil
	}
	out := Contents{Sets: []authz.Visible[xds.SubmissionSet]{visible}}
	near.collect(&out, held, links, setID, statusNames(statuses))
	return out, nil
}

// noObject is the id that no object has (RFC 9562 5.9).
const noObject = "00000000-0000-0000-0000-000000000000"

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

// membersOf are the bare ids of what a container holds, and the documents that it
// holds or that its member associations end at: those that a request about it concerns.
func membersOf(links []link, container string) (held map[string]bool, documents []string) {
	held = map[string]bool{}
	for _, l := range links {
		if l.source == container && l.isMember() {
			held[l.target] = true
		}
	}
	for _, l := range links {
		if l.document && (held[l.target] || held[bareID(l.EntryUUID)]) && !slices.Contains(documents, l.target) && len(documents) < 250 {
			documents = append(documents, l.target)
		}
	}
	slices.Sort(documents)
	return held, documents
}

// content is what stands at the ends of a container's associations, as far as the
// Scope shows it.
type content struct {
	seen      *authz.Seen
	documents []keptDocument
	folders   []authz.Visible[xds.Folder]
}

// kept reads documents and folders by bare id; keep tells the documents apart.
func (s *Session) kept(ctx context.Context, sc authz.Scope, ids []string, keep []xds.Match) (content, error) {
	c := content{seen: authz.NewSeen(sc)}
	var err error
	if c.documents, err = s.narrowed(ctx, sc, ids, keep); err != nil {
		return c, err
	}
	for _, d := range c.documents {
		c.seen.Document(d.visible)
	}
	c.folders, _, err = s.folders(ctx, sc, c.seen, pick{ids: ids})
	return c, err
}

// admitInner admits the associations that do not start at the container, and gives the
// documents that a set is seen by.
func (c content) admitInner(links []link, container string, held map[string]bool) (witnesses []string) {
	for _, d := range c.documents {
		if held[d.id] {
			witnesses = append(witnesses, "urn:uuid:"+d.id)
		}
	}
	for _, l := range links {
		if l.source == container {
			continue
		}
		if _, ok := c.seen.AdmitAssociation(l.Association); ok && held[bareID(l.EntryUUID)] && l.document && l.AvailabilityStatus == xds.Approved {
			witnesses = append(witnesses, l.Target)
		}
	}
	return witnesses
}

// collect puts into the answer the members that are kept and the associations both
// ends of which are left in it, or were not members to begin with.
func (c content) collect(out *Contents, held map[string]bool, links []link, container string, statuses []xds.Status) {
	dropped := map[string]bool{}
	for _, d := range c.documents {
		switch {
		case held[d.id] && d.kept:
			out.Documents = append(out.Documents, d.visible)
		case held[d.id]:
			dropped[d.id] = true
		}
	}
	for _, v := range c.folders {
		if f, _ := v.Value(); held[bareID(f.LogicalID)] {
			out.Folders = append(out.Folders, v)
		}
	}
	for _, l := range links {
		if l.source != container && (dropped[l.source] || dropped[l.target] || !slices.Contains(statuses, l.AvailabilityStatus)) {
			dropped[bareID(l.EntryUUID)] = true
		}
	}
	for _, l := range links {
		if !slices.Contains(statuses, l.AvailabilityStatus) || dropped[l.source] || dropped[l.target] {
			continue
		}
		if v, ok := c.seen.AdmitAssociation(l.Association); ok {
			out.Associations = append(out.Associations, v)
		}
	}
}

// statusNames are the statuses that associations are wanted in: Approved unless said
// otherwise.
func statusNames(statuses []xds.Status) []xds.Status {
	if len(statuses) == 0 {
		return []xds.Status{xds.Approved}
	}
	return statuses
}

// visible reads the documents that a condition of the registry itself selects
// among those that the Scope admits.
func (s *Session) visible(ctx context.Context, sc authz.Scope, which func(st *statement, record string) string) ([]authz.Visible[xds.Document], error) {
	documents, err := s.chosen(ctx, sc, which, nil)
	var visible []authz.Visible[xds.Document]
	for _, d := range documents {
		visible = append(visible, d.visible)
	}
	return visible, err
}

// keptDocument is a visible document, and whether the client's conditions match it.
type keptDocument struct {
	id      string // bare logicalID
	visible authz.Visible[xds.Document]
	kept    bool
}

// narrowed reads the current documents of which the bare logicalIDs are given.
func (s *Session) narrowed(ctx context.Context, sc authz.Scope, ids []string, keep []xds.Match) ([]keptDocument, error) {
	return s.chosen(ctx, sc, func(st *statement, _ string) string { return listed + " and d.lid = any(" + st.arg(ids) + "::uuid[])" }, keep)
}

func (s *Session) chosen(ctx context.Context, sc authz.Scope, which func(st *statement, record string) string, keep []xds.Match) ([]keptDocument, error) {
	st := &statement{}
	record := st.arg(sc.Record())
	visible := visibleSQL(sc, which(st, record), record, names(xds.Query{Match: keep}), st)
	matched, err := matchesAmong(columns, keep, st)
	if err != nil {
		return nil, err
	}
	sql := visible + `, chosen as (select *, coalesce((` + matched + `), false) as kept from visible)` + fmt.Sprintf(documentSQL, ", c.kept") +
		` order by d.registered_at desc, d.lid, d.version desc`
	rows, err := s.tx.Query(ctx, sql, st.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []keptDocument
	for rows.Next() {
		var d xds.Document
		var kept bool
		if err := scanDocument(rows, &d, &kept); err != nil {
			return nil, err
		}
		if v, ok := s.admit(sc, d); ok {
			all = append(all, keptDocument{bareID(d.Entry.LogicalID), v, kept})
		}
	}
	return all, rows.Err()
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
