package registry

import (
	"context"
	"slices"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

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
	links, err := s.links(ctx, sc.Record(), "a.source = any($2) and a.status = 0", sources)
	if err != nil || len(links) == 0 {
		return nil, err
	}
	ends := []string{}
	for _, l := range links {
		ends = append(ends, l.target)
	}
	others, err := s.visible(ctx, sc, func(st *statement, _ string) string {
		return "d.latest and d.lid = any(" + st.arg(ends) + "::uuid[])"
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
			targets[bareID(d.Entry.LogicalID)] = v
		}
	}
	var out []Relation
	for _, l := range links {
		if v, ok := seen.AdmitAssociation(l.Association); ok {
			out = append(out, Relation{v, targets[l.target]})
		}
	}
	return out, nil
}

// Related answers GetRelatedDocuments (ITI TF-2 3.18.4.1.2.3.7.13) for a document
// named by any of its ids: the associations of the given types between it and other
// documents, those documents as far as keep matches them, and itself; nothing when
// nothing relates to it. Membership is no relation.
func (s *Session) Related(ctx context.Context, sc authz.Scope, id string, types []xds.AssociationType, keep []xds.Match, statuses ...xds.Status) (Contents, error) {
	if sc.Record() == "" {
		return Contents{}, nil
	}
	if !sc.HeldBy(s) {
		return Contents{}, errForeign
	}
	objects, err := s.objects(ctx, sc.Record(), []string{id})
	if err != nil {
		return Contents{}, err
	}
	wanted := []string{}
	for _, t := range types {
		if t != xds.HasMember {
			wanted = append(wanted, string(t))
		}
	}
	links, err := s.links(ctx, sc.Record(), "(a.source = any($2) or a.target = any($2)) and a.type = any($3) and a.status = any($4)",
		objects, wanted, statusNumbers(statuses))
	if err != nil {
		return Contents{}, err
	}
	ends := append([]string{}, objects...)
	for _, l := range links {
		ends = append(ends, l.source, l.target)
	}
	documents, err := s.narrowed(ctx, sc, uuids(ends), keep)
	if err != nil {
		return Contents{}, err
	}
	seen, named := authz.NewSeen(sc), false
	for _, d := range documents {
		itself := slices.Contains(objects, d.id)
		if named = named || itself; itself || d.kept {
			seen.Document(d.visible)
		}
	}
	out := Contents{}
	at := map[string]bool{}
	for _, l := range links {
		if v, ok := seen.AdmitAssociation(l.Association); ok {
			out.Associations = append(out.Associations, v)
			at[l.source], at[l.target] = true, true
		}
	}
	for _, d := range documents {
		if at[d.id] {
			out.Documents = append(out.Documents, d.visible)
		}
	}
	return out, s.told(ctx, sc, objects, named)
}

// DocumentsAndAssociations answers GetDocumentsAndAssociations (ITI TF-2
// 3.18.4.1.2.3.7.8): the documents, as get gave them, with the associations that
// start or end at them.
func (s *Session) DocumentsAndAssociations(ctx context.Context, sc authz.Scope, docs []authz.Visible[xds.Document], statuses ...xds.Status) (Contents, error) {
	if sc.Record() == "" {
		return Contents{}, nil
	}
	if !sc.HeldBy(s) {
		return Contents{}, errForeign
	}
	ids, _ := splitIDs(logicalIDs(docs))
	links, err := s.links(ctx, sc.Record(), "(a.source = any($2) or a.target = any($2)) and a.status = any($3)", uuids(ids), statusNumbers(statuses))
	if err != nil {
		return Contents{}, err
	}
	_, admitted, err := s.neighbours(ctx, sc, links)
	out := Contents{Documents: docs}
	for _, n := range admitted {
		out.Associations = append(out.Associations, n.visible)
	}
	return out, err
}
