package iti

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// retrieve is ITI-43 Retrieve Document Set (ITI TF-2 3.43): the documents that the
// reader may see, streamed in the order of the request; each other one is a finding
// of its own, the same for a hidden document as for an unknown one.
func (s *Server) retrieve(ctx context.Context, c *call) error {
	if err := c.message.Drain(); err != nil {
		return err
	}
	requests, findings := ebrim.DecodeRetrieve(c.message.Body)
	if err := findings.Err(); err != nil {
		return err
	}
	visible, err := s.readable(ctx, c, requests)
	if err != nil {
		return err
	}
	own := s.collect(ctx, c, requests, visible)
	own.answer.Findings = append(findings, own.answer.Findings...)
	s.hand(ctx, c, own)
	return nil
}

// collected is an answer to ITI-43 on its way: what is told, and what is streamed.
type collected struct {
	answer    ebrim.Answer
	documents []ebrim.RetrievedDocument
	others    []ebrim.ForeignDocument // of other communities
	parts     []soap.OutPart
}

// collect opens the visible documents of a request, and finds the others unknown.
// What an Initiating Gateway asks of another community is left to it.
func (s *Server) collect(ctx context.Context, c *call, requests []ebrim.RetrieveRequest, visible map[string]authz.Visible[xds.Document]) collected {
	own := collected{answer: s.located(c, ebrim.Answer{Repository: true, Home: c.home})}
	for i, r := range requests {
		where := fmt.Sprintf("DocumentRequest[%d]", i+1)
		if c.transaction.actor == InitiatingActor && s.Others.Knows(r.HomeCommunityID) {
			continue
		}
		if e := s.misdirected(r, where); e != nil {
			own.answer.Findings.Add(e)
			continue
		}
		v, ok := visible[r.DocumentUniqueID]
		if !ok {
			own.answer.Findings.Add(&xds.Error{ID: "DOC-003", Where: where, Found: r.DocumentUniqueID, Object: r.DocumentUniqueID})
			continue
		}
		body, err := s.Repository.Open(ctx, v)
		if err != nil {
			s.Log.Error("incident", "request", c.request, "transaction", c.transaction.name, "error", err)
			own.answer.Findings.Add(unread(err, c, where, r.DocumentUniqueID))
			continue
		}
		d, _ := v.Value()
		id := fmt.Sprintf("document%d@passerelle", i+1)
		own.documents = append(own.documents, ebrim.RetrievedDocument{Document: v, ContentID: id})
		own.parts = append(own.parts, soap.OutPart{ContentID: id, ContentType: d.Entry.MimeType, Body: body})
	}
	own.answer.Partial = len(own.documents) > 0
	return own
}

// hand writes the answer and streams the documents, each of which is closed.
func (s *Server) hand(ctx context.Context, c *call, all collected) {
	defer func() { closeAll(all.parts) }()
	body := ebrim.AppendFederatedRetrieveResponse(nil, all.answer, all.documents, all.others)
	if len(all.parts) == 0 {
		s.answer(c, body)
		return
	}
	s.Respond.WriteMTOM(c.w, c.transaction.replyAction(), c.relatesTo(), func(w *soap.Writer) { w.Raw(body) }, all.parts,
		func(err error) { s.cut(ctx, c, err) })
}

// cut tells of an answer that could not be sent to its end: its status is gone, and
// no other code runs after it.
func (s *Server) cut(ctx context.Context, c *call, err error) {
	s.Log.Error("incident", "request", c.request, "transaction", c.transaction.name, "error", err)
	if s.Observe != nil {
		s.Observe(ctx, c.transaction.name, []string{xds.Incident(err, c.request).ID})
	}
}

// unread is the finding of a document whose bytes cannot be had now.
func unread(err error, c *call, where, uniqueID string) *xds.Error {
	e := &xds.Error{ID: "INT-001", Where: where, Found: c.request, Object: uniqueID}
	if errors.Is(err, xds.ErrUnavailable) {
		e.ID = "REG-006" // on this face INT-002 is a Fault, and the other documents are given
	}
	return e
}

func (s *Server) refuseRetrieve(c *call, findings xds.Errors) {
	s.answer(c, ebrim.AppendRetrieveResponse(nil, s.located(c, ebrim.Answer{Findings: findings, Repository: true}), nil))
}

// readable finds the requested documents that the reader may retrieve, by uniqueId.
// Of twins it is the newest one that he may see (policy C-15).
func (s *Server) readable(ctx context.Context, c *call, requests []ebrim.RetrieveRequest) (map[string]authz.Visible[xds.Document], error) {
	var ids []string
	for _, r := range requests {
		if s.misdirected(r, "") == nil && !slices.Contains(ids, r.DocumentUniqueID) {
			ids = append(ids, r.DocumentUniqueID)
		}
	}
	visible := map[string]authz.Visible[xds.Document]{}
	err := s.Registry.Read(ctx, func(session *registry.Session) error {
		scopes, err := session.Scopes(ctx, s.Gate, c.subject, s.purpose(c, authz.Retrieve), ids...)
		if err != nil {
			return err
		}
		for _, scope := range scopes {
			docs, err := session.Get(ctx, scope, ids...)
			if err != nil {
				return err
			}
			for _, v := range docs {
				d, _ := v.Value()
				if d.Content.Blob == "" {
					continue // in another repository, or made on demand
				}
				if _, known := visible[d.Entry.UniqueID]; !known {
					visible[d.Entry.UniqueID] = v
				}
			}
		}
		return nil
	})
	return visible, err
}

// misdirected refuses a request for another repository or another community.
func (s *Server) misdirected(r ebrim.RetrieveRequest, where string) *xds.Error {
	switch {
	case r.HomeCommunityID != "" && r.HomeCommunityID != s.Home:
		return &xds.Error{ID: "DOC-005", Where: where + "/HomeCommunityId", Found: r.HomeCommunityID, Expected: s.Home, Object: r.DocumentUniqueID}
	case r.RepositoryUniqueID != s.Registry.RepositoryID:
		return &xds.Error{ID: "DOC-004", Where: where + "/RepositoryUniqueId", Found: r.RepositoryUniqueID, Expected: s.Registry.RepositoryID, Object: r.DocumentUniqueID}
	default:
		return nil
	}
}
