package mhd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// findLists is ITI-66 Find Document Lists (MHD 2:3.66): the SubmissionSets and Folders
// that the reader may see, with the members that he may see.
func (f *found) findLists(ctx context.Context, session *registry.Session, scope authz.Scope, query fhir.Search) error {
	q := registry.ListQuery{
		Sets: query.Sets, Folders: query.Folders, Match: query.Query.Match, Sort: query.Query.Sort,
		After: query.Query.After, Limit: query.Query.Limit, Count: query.Query.Count,
	}
	for _, n := range query.Named {
		q.Named = append(q.Named, registry.Named{IDs: n.IDs, Not: n.Not})
	}
	page, err := session.FindLists(ctx, scope, q)
	if err != nil {
		return err
	}
	f.lists, f.total, f.next = listsOf(scope, page.Lists), page.Total, page.Next
	if query.CountOnly {
		return nil
	}
	return f.join(ctx, session, scope, query)
}

// listsOf are Lists as the encoder takes them.
func listsOf(scope authz.Scope, found []registry.List) []fhir.List {
	var lists []fhir.List
	for _, l := range found {
		lists = append(lists, fhir.List{Set: l.Set, Folder: l.Folder, Documents: l.Documents, Folders: l.Folders, Record: scope.Record(), Changed: l.Changed})
	}
	return lists
}

// readList is GET List/{id}. Its ETag is made of what the reader sees, so that a change
// of a member that he does not see changes nothing for him.
func (s *Server) readList(c *call) error {
	ctx := c.r.Context()
	var list fhir.List
	found := false
	lid := fhir.LogicalID(c.id)
	err := s.Registry.Read(ctx, func(session *registry.Session) error {
		found = false
		var ids []string
		if lid != "" {
			ids = append(ids, lid)
		}
		scopes, err := session.Scopes(ctx, s.Gate, c.subject, c.purpose(authz.Search, true), ids...)
		if err != nil {
			return err
		}
		for _, scope := range scopes {
			one, ok, err := session.GetList(ctx, scope, lid)
			if err != nil {
				return err
			}
			if ok {
				list, found = listsOf(scope, []registry.List{one})[0], true
			}
		}
		return nil
	})
	if err == nil && !found || unseen(err) {
		err = &xds.Error{ID: "FHIR-003"}
	}
	if err != nil {
		return err
	}
	body := fhir.AppendList(nil, list)
	sum := sha256.Sum256(body)
	c.w.Header().Set("Last-Modified", list.Changed.UTC().Format(http.TimeFormat))
	if c.unchanged(`W/"` + hex.EncodeToString(sum[:8]) + `"`) {
		return nil
	}
	return c.write(body)
}

// maxIncluded bounds the documents, and the Lists, that come with a page because it
// refers to them.
const maxIncluded = 1000

// join finds what is to come with the page: what the reader may see of it, each once,
// and nothing that is there already. What an application may not read by itself does not
// come with anything else.
func (f *found) join(ctx context.Context, session *registry.Session, scope authz.Scope, query fhir.Search) error {
	reaches := func(kind string) bool {
		return kind == query.Resource || scope.Reaches(authz.Interaction{Resource: kind, Letter: "r"})
	}
	if query.JoinsPatient() && reaches("Patient") && len(f.documents)+len(f.lists) > 0 {
		f.included.Record, f.included.Patient = scope.Record(), scope.Patient()
	}
	there := map[string]bool{}
	for _, v := range f.documents {
		d, _ := v.Value()
		there[d.Entry.LogicalID] = true
	}
	add := func(v authz.Visible[xds.Document]) {
		// An on-demand entry has no document yet, hence no DocumentReference.
		if d, ok := v.Value(); ok && !there[d.Entry.LogicalID] && d.Entry.ObjectType != xds.OnDemandDocument {
			there[d.Entry.LogicalID] = true
			f.included.Documents = append(f.included.Documents, v)
		}
	}
	if query.Joins("DocumentReference:relatesto") {
		for _, v := range f.documents {
			for _, r := range related(f.relations)(v) {
				add(r.Target)
			}
		}
	}
	if query.Joins("List:item") && query.Resource == "List" {
		for _, l := range f.lists {
			for _, v := range l.Documents {
				if reaches("DocumentReference") {
					add(v)
				}
			}
		}
		if err := f.joinFolders(ctx, session, scope); err != nil {
			return err
		}
	}
	if query.Joins("List:item") && query.Resource == "DocumentReference" && reaches("List") {
		lists, err := session.ListsOf(ctx, scope, f.documents, maxIncluded+1)
		if err != nil {
			return err
		}
		f.included.Lists = listsOf(scope, lists)
	}
	if len(f.included.Documents) > maxIncluded || len(f.included.Lists) > maxIncluded {
		f.included.Documents = f.included.Documents[:min(len(f.included.Documents), maxIncluded)]
		f.included.Lists = f.included.Lists[:min(len(f.included.Lists), maxIncluded)]
		f.warnings.Add(&xds.Error{ID: "QRY-006", Severity: xds.SeverityWarning, Where: "_include", Expected: "un _count plus petit : au plus 1 000 ressources jointes à une page"})
	}
	if len(f.included.Documents) == 0 {
		return nil
	}
	more, err := relations(ctx, session, scope, f.included.Documents)
	for source, related := range f.relations {
		more[source] = related
	}
	f.relations = more
	return err
}

// joinFolders adds the Folders that are members of the sets found.
func (f *found) joinFolders(ctx context.Context, session *registry.Session, scope authz.Scope) error {
	var ids, there []string
	for _, l := range f.lists {
		there = append(there, l.ID())
		for _, v := range l.Folders {
			ids = append(ids, fhir.List{Folder: v}.ID())
		}
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return slices.Contains(there, id) })
	if len(ids) == 0 {
		return nil
	}
	page, err := session.FindLists(ctx, scope, registry.ListQuery{Folders: true, IDs: ids, Limit: maxIncluded + 1})
	f.included.Lists = listsOf(scope, page.Lists)
	return err
}
