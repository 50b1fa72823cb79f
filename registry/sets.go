package registry

import (
	"context"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// FindSets answers FindSubmissionSets (ITI TF-2 3.18.4.1.2.3.7.2): the sets of the
// Scope's record that it shows and the conditions match, newest first, at most limit;
// more tells whether that is not all. One statement.
func (s *Session) FindSets(ctx context.Context, sc authz.Scope, match []xds.Match, limit int) (sets []authz.Visible[xds.SubmissionSet], more bool, err error) {
	if sc.Record() == "" {
		return nil, false, nil
	}
	if !sc.HeldBy(s) {
		return nil, false, errForeign
	}
	return s.sets(ctx, sc, authz.NewSeen(sc), pick{match: match, limit: limit})
}

// SetsOf answers GetSubmissionSets (ITI TF-2 3.18.4.1.2.3.7.9): the sets that the
// documents, folders or associations named by their ids were submitted with, and the
// memberships.
func (s *Session) SetsOf(ctx context.Context, sc authz.Scope, ids ...string) (Contents, error) {
	if sc.Record() == "" {
		return Contents{}, nil
	}
	if !sc.HeldBy(s) {
		return Contents{}, errForeign
	}
	objects, err := s.objects(ctx, sc.Record(), ids)
	if err != nil {
		return Contents{}, err
	}
	links, err := s.links(ctx, sc.Record(), "a.target = any($2) and a.type = $3", objects, string(xds.HasMember))
	if err != nil {
		return Contents{}, err
	}
	near, admitted, err := s.neighbours(ctx, sc, links)
	if err != nil {
		return Contents{}, err
	}
	out, there := Contents{}, map[string]bool{}
	for _, n := range admitted {
		set, ok := near.sets[n.source]
		if !ok {
			continue // membership of a folder
		}
		if !there[n.source] {
			out.Sets = append(out.Sets, set)
		}
		there[n.source] = true
		out.Associations = append(out.Associations, n.visible)
	}
	return out, s.told(ctx, sc, objects, out.Len() > 0)
}

// Everything says what GetAll is to answer with.
type Everything struct {
	Documents     []xds.Match
	Sets, Folders []xds.Match
	Statuses      []xds.Status // of associations; Approved when there is none
	Limit         int          // objects, all kinds together
}

// All answers GetAll (ITI TF-2 3.18.4.1.2.3.7.4): the documents, sets and folders of
// the Scope's record that the conditions match, and the associations between them.
// more tells that there are more than Limit.
func (s *Session) All(ctx context.Context, sc authz.Scope, q Everything) (out Contents, more bool, err error) {
	page, err := s.Find(ctx, sc, xds.Query{Match: q.Documents, Limit: q.Limit})
	if err != nil || sc.Record() == "" || page.Next != nil {
		return out, page.Next != nil, err
	}
	out.Documents = page.Documents
	seen := authz.NewSeen(sc)
	for _, v := range out.Documents {
		seen.Document(v)
	}
	if out.Sets, more, err = s.sets(ctx, sc, seen, pick{match: q.Sets, limit: q.Limit}); err != nil || more {
		return out, more, err
	}
	if out.Folders, more, err = s.folders(ctx, sc, seen, pick{match: q.Folders, limit: q.Limit}); err != nil || more {
		return out, more, err
	}
	answered := out.ids()
	links, err := s.links(ctx, sc.Record(), `a.status = any($3) and a.source = any($2) and (a.target = any($2)
or a.target in (select x.id from association x where x.record = $1 and x.source = any($2) and x.target = any($2) and x.status = any($3)))`,
		answered, statusNumbers(q.Statuses))
	if err != nil {
		return out, false, err
	}
	for range 2 { // a membership of an association after the association itself
		out.Associations = nil
		for _, l := range links {
			if v, ok := seen.AdmitAssociation(l.Association); ok {
				out.Associations = append(out.Associations, v)
			}
		}
	}
	return out, out.Len() > q.Limit, nil
}

// ids are the bare logicalIDs of documents, sets and folders.
func (c Contents) ids() []string {
	ids := []string{}
	for _, v := range c.Documents {
		d, _ := v.Value()
		ids = append(ids, bareID(d.Entry.LogicalID))
	}
	for _, v := range c.Sets {
		set, _ := v.Value()
		ids = append(ids, bareID(set.EntryUUID))
	}
	for _, v := range c.Folders {
		f, _ := v.Value()
		ids = append(ids, bareID(f.LogicalID))
	}
	return ids
}
