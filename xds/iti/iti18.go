package iti

import (
	"context"

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

// storedQueries says how each query of the catalogue is carried out.
var storedQueries = map[string]func(*Server, context.Context, *call, ebrim.StoredQuery) (ebrim.QueryAnswer, error){
	"FindDocuments":               (*Server).findDocuments,
	"GetDocuments":                (*Server).getDocuments,
	"GetSubmissionSetAndContents": (*Server).getSetAndContents,
}

// storedQuery is ITI-18 Registry Stored Query (ITI TF-2 3.18).
func (s *Server) storedQuery(ctx context.Context, c *call) error {
	if err := c.message.Drain(); err != nil {
		return err
	}
	query, findings := ebrim.DecodeQuery(c.message.Body)
	if err := findings.Err(); err != nil {
		return err
	}
	carryOut := storedQueries[query.Row.Name]
	if carryOut == nil || query.Row.MultiPatient {
		return xds.Errors{{ID: "QRY-001", Where: "AdhocQuery/@id", Found: query.Row.UUID}}
	}
	if query.HomeCommunityID != "" {
		return xds.Errors{{ID: "DOC-005", Where: "homeCommunityId", Found: query.HomeCommunityID}}
	}
	answer, err := carryOut(s, ctx, c, query)
	if err != nil {
		return err
	}
	answer.ReturnType, answer.Findings = query.ReturnType, findings
	s.answers.Lend(func(b []byte) []byte {
		b = ebrim.AppendQueryResponse(b, answer)
		s.answer(c, b)
		return b
	})
	return nil
}

func (s *Server) refuseQuery(c *call, findings xds.Errors) {
	s.answer(c, ebrim.AppendQueryResponse(nil, ebrim.QueryAnswer{Answer: ebrim.Answer{Findings: findings}}))
}

func (s *Server) purpose(c *call, action authz.Value) authz.Purpose {
	return authz.Purpose{Action: action, Transaction: c.transaction.name}
}

// findDocuments is FindDocuments (ITI TF-2 3.18.4.1.2.3.7.1).
func (s *Server) findDocuments(ctx context.Context, c *call, q ebrim.StoredQuery) (answer ebrim.QueryAnswer, err error) {
	limit := maxLeafClass
	if q.ReturnType == ebrim.ObjectRef {
		limit = registry.MaxResults
	}
	q.Query.Limit = limit
	err = s.Registry.Read(ctx, func(session *registry.Session) error {
		scope, err := s.Gate.Open(ctx, session, c.subject, q.Query.Patient, s.purpose(c, authz.Search))
		if err != nil {
			return err
		}
		page, err := session.Find(ctx, scope, q.Query)
		if err != nil {
			return err
		}
		if page.Next != nil {
			return &xds.Error{ID: "QRY-006", Expected: atMost(limit)}
		}
		answer.Documents = page.Documents
		return nil
	})
	return answer, err
}

// getDocuments is GetDocuments (ITI TF-2 3.18.4.1.2.3.7.5). A structure may find
// the ids of its own documents, and no more (policy ).
func (s *Server) getDocuments(ctx context.Context, c *call, q ebrim.StoredQuery) (answer ebrim.QueryAnswer, err error) {
	if len(q.IDs) > maxIDs {
		return answer, &xds.Error{ID: "QRY-003", Expected: atMost(maxIDs)}
	}
	action := authz.Search
	if c.subject.Nature == authz.NatureStructure && q.ReturnType == ebrim.ObjectRef && q.By == xds.AttrUniqueID {
		action = authz.Exists
	}
	err = s.Registry.Read(ctx, func(session *registry.Session) error {
		scopes, err := session.Scopes(ctx, s.Gate, c.subject, s.purpose(c, action), q.IDs...)
		if err != nil {
			return err
		}
		answer.Documents = nil
		for _, scope := range scopes {
			docs, err := get(ctx, session, scope, q)
			if err != nil {
				return err
			}
			if len(docs) > 0 && len(answer.Documents) > 0 && q.ReturnType == ebrim.LeafClass {
				return &xds.Error{ID: "QRY-005"}
			}
			answer.Documents = append(answer.Documents, docs...)
		}
		return nil
	})
	return answer, err
}

func get(ctx context.Context, session *registry.Session, scope authz.Scope, q ebrim.StoredQuery) ([]authz.Visible[xds.Document], error) {
	if q.By == xds.AttrEntryUUID {
		return session.GetVersions(ctx, scope, q.IDs...)
	}
	return session.Get(ctx, scope, q.IDs...)
}

// getSetAndContents is GetSubmissionSetAndContents (ITI TF-2 3.18.4.1.2.3.7.10).
func (s *Server) getSetAndContents(ctx context.Context, c *call, q ebrim.StoredQuery) (answer ebrim.QueryAnswer, err error) {
	err = s.Registry.Read(ctx, func(session *registry.Session) error {
		scopes, err := session.Scopes(ctx, s.Gate, c.subject, s.purpose(c, authz.Search), q.IDs...)
		if err != nil {
			return err
		}
		answer = ebrim.QueryAnswer{}
		for _, scope := range scopes {
			for _, id := range q.IDs {
				contents, err := session.SetAndContents(ctx, scope, id, q.Query.Match)
				if err != nil {
					return err
				}
				answer.Sets = append(answer.Sets, contents.Sets...)
				answer.Documents = append(answer.Documents, contents.Documents...)
				answer.Folders = append(answer.Folders, contents.Folders...)
				answer.Associations = append(answer.Associations, contents.Associations...)
			}
		}
		return nil
	})
	return answer, err
}
