package mhd

import (
	"context"
	"encoding/binary"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// AuditEvent is the history of accesses as BALP tells it (ITI-81 Retrieve ATNA Audit
// Event): the lines that the JSON call gives to the same reader, one AuditEvent each, under
// J-2…J-5. Asking is an act on the record too, with a line of its own. No client writes
// one (A5).

// findAudit is GET AuditEvent?patient=…, newest first.
func (s *Server) findAudit(c *call) error {
	query, err := s.terms(c, "AuditEvent")
	if err != nil {
		return err
	}
	var found []fhir.Found
	record, total, next := query.Record, 0, ""
	err = s.Registry.Read(c.r.Context(), func(session *registry.Session) error {
		found, record, total, next = nil, query.Record, 0, ""
		ctx := c.r.Context()
		patient, same, err := s.named(ctx, session, c, query.Record, query.Patient)
		if err != nil {
			return err
		}
		allowed, err := s.journal(ctx, session, c, patient, false)
		if unseen(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if record = allowed.Record(); !same {
			return nil
		}
		found, total, next, err = s.audits(ctx, session, c, allowed, query)
		return err
	})
	if err != nil {
		return err
	}
	return s.writeFound(c, query, record, found, total, next)
}

// audits are a page of the lines that hold the terms of a search, and how many there are.
func (s *Server) audits(ctx context.Context, session *registry.Session, c *call, allowed authz.Allowed, query fhir.Search) (found []fhir.Found, total int, next string, err error) {
	q := registry.HistoryQuery{
		Limit: query.Query.Limit,
		Keep:  func(e registry.Event) bool { return s.auditOf(e, allowed.Record()).Fits(query.Terms) },
	}
	if query.Cursor != "" {
		at, err := s.Cursors.Open(c.reader(), query.Key(allowed.Record()), query.Cursor)
		if err != nil {
			return nil, 0, "", err
		}
		q.Page = at.LogicalID
	}
	if !query.NoTotal || query.CountOnly {
		whole := q
		whole.Page = ""
		if total, err = session.CountHistory(ctx, allowed, whole); err != nil {
			return nil, 0, "", err
		}
	}
	if query.CountOnly {
		return nil, total, "", nil
	}
	events, page, err := session.History(ctx, allowed, q)
	if err != nil {
		return nil, 0, "", err
	}
	sets, err := session.OriginalSets(ctx, allowed, events)
	if err != nil {
		return nil, 0, "", err
	}
	for _, e := range events {
		a := s.auditOf(e, allowed.Record())
		a.Set = sets[e.Document]
		found = append(found, fhir.Found{Kind: "AuditEvent", ID: a.ID, JSON: fhir.AppendAuditEvent(nil, a, s.Base)})
	}
	if page != "" {
		next = s.Cursors.Seal(c.reader(), query.Key(allowed.Record()), xds.Cursor{LogicalID: page})
	}
	return found, total, next, nil
}

// readAudit is GET AuditEvent/{id}: a line that is withheld from the reader is unknown.
func (s *Server) readAudit(c *call) error {
	return s.readMade(c, "AuditEvent", func(ctx context.Context, session *registry.Session, allowed authz.Allowed, rest []byte) ([]byte, error) {
		at, seq := time.UnixMicro(int64(binary.BigEndian.Uint64(rest))), int64(binary.BigEndian.Uint64(rest[8:]))
		e, ok, err := session.HistoryLine(ctx, allowed, at, seq)
		if err != nil || !ok {
			return nil, err
		}
		sets, err := session.OriginalSets(ctx, allowed, []registry.Event{e})
		if err != nil {
			return nil, err
		}
		a := s.auditOf(e, allowed.Record())
		a.Set = sets[e.Document]
		return fhir.AppendAuditEvent(nil, a, s.Base), nil
	})
}

// auditOf is a line as an AuditEvent tells it; of its documents the one alone that the
// reader may know of, and of its code nothing.
func (s *Server) auditOf(e registry.Event, record string) fhir.Audit {
	var rest [16]byte
	binary.BigEndian.PutUint64(rest[:], uint64(e.At.UnixMicro()))
	binary.BigEndian.PutUint64(rest[8:], uint64(e.Seq))
	return fhir.Audit{
		ID: s.Cursors.ID("AuditEvent", record, rest[:]), Record: record, At: e.At,
		Actor: e.Actor, ActorName: e.ActorName, Profession: e.Profession, Structure: e.Structure, Application: e.Application,
		Issuer: e.Issuer, TokenID: e.TokenID, Kind: e.Line.Kind, Mode: e.Mode, Action: e.Action,
		Transaction: e.Transaction, Permit: e.Permit, Document: strings.TrimPrefix(e.Document, "urn:uuid:"), Reason: e.Reason, Own: e.Own,
	}
}
