package iti

import (
	"context"
	"slices"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// maxLeafClass bounds how many whole objects one answer holds; ids alone go up to
// registry.MaxResults.
const maxLeafClass = 2000

// maxIDs bounds how many objects one query may name.
const maxIDs = 1000

// carrier carries out one query of the catalogue.
type carrier func(*Server, context.Context, *call, ebrim.StoredQuery) (ebrim.QueryAnswer, error)

// storedQueries says how each query of ITI-18 is carried out.
var storedQueries = map[string]carrier{
	"FindDocuments":               (*Server).findDocuments,
	"FindDocumentsByReferenceId":  (*Server).findDocuments,
	"FindDocumentsByTitle":        (*Server).findDocuments,
	"FindSubmissionSets":          (*Server).findSets,
	"FindFolders":                 (*Server).findFolders,
	"GetAll":                      (*Server).getAll,
	"GetDocuments":                (*Server).getDocuments,
	"GetFolders":                  (*Server).getFolders,
	"GetAssociations":             (*Server).getAssociations,
	"GetDocumentsAndAssociations": (*Server).getDocumentsAndAssociations,
	"GetSubmissionSets":           (*Server).getSets,
	"GetSubmissionSetAndContents": (*Server).getSetAndContents,
	"GetFolderAndContents":        (*Server).getFolderAndContents,
	"GetFoldersForDocument":       (*Server).getFoldersForDocument,
	"GetRelatedDocuments":         (*Server).getRelatedDocuments,
}

// storedQuery is ITI-18 Registry Stored Query (ITI TF-2 3.18).
func (s *Server) storedQuery(ctx context.Context, c *call) error {
	query, findings, err := c.query()
	if err != nil {
		return err
	}
	carryOut := storedQueries[query.Row.Name]
	if carryOut == nil {
		return xds.Errors{{ID: "QRY-001", Where: "AdhocQuery/@id", Found: query.Row.UUID}}
	}
	if e := s.foreignHome(c, query); e != nil {
		return xds.Errors{e}
	}
	answer, err := carryOut(s, ctx, c, query)
	if err != nil {
		return err
	}
	answer.ReturnType, answer.Findings, answer.Home = query.ReturnType, findings, c.home
	s.answerQuery(c, answer)
	return nil
}

// query reads the message of a stored query; findings are its warnings.
func (c *call) query() (q ebrim.StoredQuery, findings xds.Errors, err error) {
	if err := c.message.Drain(); err != nil {
		return q, nil, err
	}
	q, findings = ebrim.DecodeQuery(c.message.Body)
	if several := c.transaction.name == "ITI-51"; q.Row != nil && q.Row.MultiPatient != several {
		return q, nil, xds.Errors{{ID: "QRY-001", Where: "AdhocQuery/@id", Found: q.Row.UUID, Expected: "les requêtes sur plusieurs patients par ITI-51, les autres par ITI-18"}}
	}
	return q, findings, findings.Err()
}

// answerQuery writes the answer to a stored query.
func (s *Server) answerQuery(c *call, answer ebrim.QueryAnswer) {
	answer.Answer = s.located(c, answer.Answer)
	s.answers.Lend(func(b []byte) []byte {
		b = ebrim.AppendQueryResponse(b, answer)
		s.answer(c, b)
		return b
	})
}

func (s *Server) refuseQuery(c *call, findings xds.Errors) {
	s.answer(c, ebrim.AppendQueryResponse(nil, ebrim.QueryAnswer{Answer: s.located(c, ebrim.Answer{Findings: findings})}))
}

func (s *Server) purpose(c *call, action authz.Value) authz.Purpose {
	return authz.Purpose{Action: action, Transaction: c.transaction.name}
}

// bound is how many objects an answer may hold.
func bound(q ebrim.StoredQuery) int {
	if q.ReturnType == ebrim.ObjectRef {
		return registry.MaxResults
	}
	return maxLeafClass
}

func tooMany(q ebrim.StoredQuery) error { return &xds.Error{ID: "QRY-006", Expected: atMost(bound(q))} }

// ofOne opens the record that a query names and asks it.
func (s *Server) ofOne(ctx context.Context, c *call, q ebrim.StoredQuery, ask func(*registry.Session, authz.Scope) error) error {
	return s.Registry.Read(ctx, func(session *registry.Session) error {
		scope, err := s.Gate.Open(ctx, session, c.subject, q.Query.Patient, s.purpose(c, authz.Search))
		if err != nil {
			return err
		}
		return ask(session, scope)
	})
}

// findDocuments is FindDocuments, and the two that demand a condition more (ITI TF-2
// 3.18.4.1.2.3.7.1 and .14).
func (s *Server) findDocuments(ctx context.Context, c *call, q ebrim.StoredQuery) (answer ebrim.QueryAnswer, err error) {
	err = s.ofOne(ctx, c, q, func(session *registry.Session, scope authz.Scope) error {
		answer.Documents, err = documents(ctx, session, scope, q)
		return err
	})
	return answer, err
}

// documents finds the documents of one record.
func documents(ctx context.Context, session *registry.Session, scope authz.Scope, q ebrim.StoredQuery) ([]authz.Visible[xds.Document], error) {
	query, rest := q.Query, []xds.Match(nil)
	query.Match, rest = apart(query.Match)
	if query.Limit = bound(q); len(rest) > 0 {
		query.Limit = registry.MaxResults
	}
	page, err := session.Find(ctx, scope, query)
	if err != nil {
		return nil, err
	}
	found := page.Documents
	if len(rest) > 0 {
		found = slices.DeleteFunc(found, func(v authz.Visible[xds.Document]) bool { return !agrees(v, rest) })
	}
	if page.Next != nil || len(found) > bound(q) {
		return nil, tooMany(q)
	}
	return found, nil
}

// findSets is FindSubmissionSets (ITI TF-2 3.18.4.1.2.3.7.2).
func (s *Server) findSets(ctx context.Context, c *call, q ebrim.StoredQuery) (answer ebrim.QueryAnswer, err error) {
	err = s.ofOne(ctx, c, q, func(session *registry.Session, scope authz.Scope) error {
		sets, more, err := session.FindSets(ctx, scope, q.Sets, bound(q))
		if more {
			return tooMany(q)
		}
		answer.Sets = sets
		return err
	})
	return answer, err
}

// findFolders is FindFolders (ITI TF-2 3.18.4.1.2.3.7.3).
func (s *Server) findFolders(ctx context.Context, c *call, q ebrim.StoredQuery) (answer ebrim.QueryAnswer, err error) {
	err = s.ofOne(ctx, c, q, func(session *registry.Session, scope authz.Scope) error {
		answer.Folders, err = folders(ctx, session, scope, q)
		return err
	})
	return answer, err
}

// folders finds the folders of one record.
func folders(ctx context.Context, session *registry.Session, scope authz.Scope, q ebrim.StoredQuery) ([]authz.Visible[xds.Folder], error) {
	found, more, err := session.FindFolders(ctx, scope, folderMatch(q), bound(q))
	if more {
		return nil, tooMany(q)
	}
	return found, err
}

// getAll is GetAll (ITI TF-2 3.18.4.1.2.3.7.4).
func (s *Server) getAll(ctx context.Context, c *call, q ebrim.StoredQuery) (answer ebrim.QueryAnswer, err error) {
	err = s.ofOne(ctx, c, q, func(session *registry.Session, scope authz.Scope) error {
		all, more, err := session.All(ctx, scope, registry.Everything{Documents: q.Query.Match, Sets: q.Sets, Folders: folderMatch(q),
			Statuses: associationStatuses(q), Limit: bound(q)})
		if more {
			return tooMany(q)
		}
		answer = answerOf(all)
		return err
	})
	return answer, err
}

func answerOf(c registry.Contents) ebrim.QueryAnswer {
	return ebrim.QueryAnswer{Sets: c.Sets, Documents: c.Documents, Folders: c.Folders, Associations: c.Associations}
}

// folderMatch are the conditions on folders: at $MetadataLevel 1 a deprecated one is
// in no answer (ITI TF-2 3.18.4.1.2.3.5.1).
func folderMatch(q ebrim.StoredQuery) []xds.Match {
	if q.MetadataLevel >= 2 {
		return q.Folders
	}
	return append(slices.Clone(q.Folders), xds.StatusIs(xds.Approved))
}

// associationStatuses are those that associations are wanted in; a deprecated one is
// in no answer at $MetadataLevel 1 (ITI TF-2 3.18.4.1.2.3.5.1).
func associationStatuses(q ebrim.StoredQuery) []xds.Status {
	switch {
	case len(q.AssociationStatuses) == 0:
		return []xds.Status{xds.Approved}
	case q.MetadataLevel >= 2:
		return q.AssociationStatuses
	case slices.Contains(q.AssociationStatuses, xds.Approved):
		return []xds.Status{xds.Approved}
	default:
		return []xds.Status{""} // that no association has
	}
}
