package iti

import (
	"context"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// byID opens the records of the objects that a query names and asks each. Whole
// objects are of one patient (ITI TF-2 3.18.4.1.3, XDSResultNotSinglePatient).
func (s *Server) byID(ctx context.Context, c *call, q ebrim.StoredQuery, action authz.Value,
	ask func(*registry.Session, authz.Scope) (registry.Contents, error)) (answer ebrim.QueryAnswer, err error) {
	if len(q.IDs) > maxIDs {
		return answer, &xds.Error{ID: "QRY-003", Expected: atMost(maxIDs)}
	}
	err = s.Registry.Read(ctx, func(session *registry.Session) error {
		scopes, err := session.Scopes(ctx, s.Gate, c.subject, s.purpose(c, action), q.IDs...)
		if err != nil {
			return err
		}
		all := registry.Contents{}
		for _, scope := range scopes {
			found, err := ask(session, scope)
			if err != nil {
				return err
			}
			if all.Len() > 0 && found.Len() > 0 && q.ReturnType == ebrim.LeafClass {
				return &xds.Error{ID: "QRY-005"}
			}
			all.Add(found)
		}
		if all.Len() > bound(q) {
			return tooMany(q)
		}
		answer = answerOf(all)
		return nil
	})
	return answer, err
}

// getDocuments is GetDocuments (ITI TF-2 3.18.4.1.2.3.7.5). A structure may find
// the ids of its own documents, and no more (policy ).
func (s *Server) getDocuments(ctx context.Context, c *call, q ebrim.StoredQuery) (ebrim.QueryAnswer, error) {
	action := authz.Search
	if c.subject.Nature == authz.NatureStructure && q.ReturnType == ebrim.ObjectRef && q.By == xds.AttrUniqueID {
		action, q.MetadataLevel = authz.Exists, 1
	}
	return s.byID(ctx, c, q, action, func(session *registry.Session, scope authz.Scope) (registry.Contents, error) {
		docs, err := get(ctx, session, scope, q)
		return registry.Contents{Documents: docs}, err
	})
}

// get reads documents by id: the current versions, with all others at $MetadataLevel 2;
// an entryUUID names its own version (ITI TF-2 3.18.4.1.2.3.5.1).
func get(ctx context.Context, session *registry.Session, scope authz.Scope, q ebrim.StoredQuery) ([]authz.Visible[xds.Document], error) {
	if q.By == xds.AttrEntryUUID || q.MetadataLevel >= 2 {
		return session.GetVersions(ctx, scope, q.By, q.IDs...)
	}
	return session.Get(ctx, scope, q.IDs...)
}

// getFolders is GetFolders (ITI TF-2 3.18.4.1.2.3.7.6).
func (s *Server) getFolders(ctx context.Context, c *call, q ebrim.StoredQuery) (ebrim.QueryAnswer, error) {
	return s.byID(ctx, c, q, authz.Search, func(session *registry.Session, scope authz.Scope) (registry.Contents, error) {
		folders, err := session.GetFolders(ctx, scope, q.By, folderMatch(q), q.IDs...)
		return registry.Contents{Folders: folders}, err
	})
}

// getAssociations is GetAssociations (ITI TF-2 3.18.4.1.2.3.7.7).
func (s *Server) getAssociations(ctx context.Context, c *call, q ebrim.StoredQuery) (ebrim.QueryAnswer, error) {
	return s.byID(ctx, c, q, authz.Search, func(session *registry.Session, scope authz.Scope) (registry.Contents, error) {
		associations, err := session.Associations(ctx, scope, q.IDs, associationStatuses(q)...)
		return registry.Contents{Associations: associations}, err
	})
}

// getDocumentsAndAssociations is GetDocumentsAndAssociations (ITI TF-2 3.18.4.1.2.3.7.8).
func (s *Server) getDocumentsAndAssociations(ctx context.Context, c *call, q ebrim.StoredQuery) (ebrim.QueryAnswer, error) {
	return s.byID(ctx, c, q, authz.Search, func(session *registry.Session, scope authz.Scope) (registry.Contents, error) {
		docs, err := get(ctx, session, scope, q)
		if err != nil {
			return registry.Contents{}, err
		}
		return session.DocumentsAndAssociations(ctx, scope, docs, associationStatuses(q)...)
	})
}

// getSets is GetSubmissionSets (ITI TF-2 3.18.4.1.2.3.7.9).
func (s *Server) getSets(ctx context.Context, c *call, q ebrim.StoredQuery) (ebrim.QueryAnswer, error) {
	return s.byID(ctx, c, q, authz.Search, func(session *registry.Session, scope authz.Scope) (registry.Contents, error) {
		return session.SetsOf(ctx, scope, q.IDs...)
	})
}

// getSetAndContents is GetSubmissionSetAndContents (ITI TF-2 3.18.4.1.2.3.7.10).
func (s *Server) getSetAndContents(ctx context.Context, c *call, q ebrim.StoredQuery) (ebrim.QueryAnswer, error) {
	return s.byID(ctx, c, q, authz.Search, func(session *registry.Session, scope authz.Scope) (registry.Contents, error) {
		return session.SetAndContents(ctx, scope, q.IDs[0], q.Query.Match, associationStatuses(q)...)
	})
}

// getFolderAndContents is GetFolderAndContents (ITI TF-2 3.18.4.1.2.3.7.11).
func (s *Server) getFolderAndContents(ctx context.Context, c *call, q ebrim.StoredQuery) (ebrim.QueryAnswer, error) {
	return s.byID(ctx, c, q, authz.Search, func(session *registry.Session, scope authz.Scope) (registry.Contents, error) {
		return session.FolderAndContents(ctx, scope, q.IDs[0], folderMatch(q), q.Query.Match, associationStatuses(q)...)
	})
}

// getFoldersForDocument is GetFoldersForDocument (ITI TF-2 3.18.4.1.2.3.7.12).
func (s *Server) getFoldersForDocument(ctx context.Context, c *call, q ebrim.StoredQuery) (ebrim.QueryAnswer, error) {
	return s.byID(ctx, c, q, authz.Search, func(session *registry.Session, scope authz.Scope) (registry.Contents, error) {
		folders, err := session.FoldersOf(ctx, scope, q.IDs[0], folderMatch(q), associationStatuses(q)...)
		return registry.Contents{Folders: folders}, err
	})
}

// getRelatedDocuments is GetRelatedDocuments (ITI TF-2 3.18.4.1.2.3.7.13).
func (s *Server) getRelatedDocuments(ctx context.Context, c *call, q ebrim.StoredQuery) (ebrim.QueryAnswer, error) {
	return s.byID(ctx, c, q, authz.Search, func(session *registry.Session, scope authz.Scope) (registry.Contents, error) {
		return session.Related(ctx, scope, q.IDs[0], q.AssociationTypes, q.Query.Match, associationStatuses(q)...)
	})
}
