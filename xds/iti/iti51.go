package iti

import (
	"context"
	"slices"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// maxPatients bounds how many patients one query names.
const maxPatients = 100

// manyPatients says how each query of ITI-51 is carried out on one of its records.
var manyPatients = map[string]func(context.Context, *registry.Session, authz.Scope, ebrim.StoredQuery) (registry.Contents, error){
	"FindDocumentsForMultiplePatients": func(ctx context.Context, session *registry.Session, scope authz.Scope, q ebrim.StoredQuery) (registry.Contents, error) {
		found, err := documents(ctx, session, scope, q)
		return registry.Contents{Documents: found}, err
	},
	"FindFoldersForMultiplePatients": func(ctx context.Context, session *registry.Session, scope authz.Scope, q ebrim.StoredQuery) (registry.Contents, error) {
		found, err := folders(ctx, session, scope, q)
		return registry.Contents{Folders: found}, err
	},
}

// multiPatientQuery is ITI-51 Multi-Patient Stored Query (ITI TF-2 3.51), for those to
// whom the operator gave the right. The patients are named, never all; each record is
// opened under the subject's own right on it, as by as many queries of ITI-18.
func (s *Server) multiPatientQuery(ctx context.Context, c *call) error {
	query, findings, err := c.query()
	if err != nil {
		return err
	}
	carryOut := manyPatients[query.Row.Name]
	if carryOut == nil {
		return xds.Errors{{ID: "QRY-001", Where: "AdhocQuery/@id", Found: query.Row.UUID}}
	}
	if e := s.foreignHome(c, query); e != nil {
		return xds.Errors{e}
	}
	if len(query.Patients) > maxPatients {
		return xds.Errors{{ID: "QRY-003", Where: "patientId", Expected: atMost(maxPatients)}}
	}
	var all registry.Contents
	err = s.Registry.Read(ctx, func(session *registry.Session) error {
		all = registry.Contents{}
		scopes, err := s.Gate.OpenMany(ctx, session, c.subject, distinct(query.Patients), s.purpose(c, authz.Search))
		if err != nil {
			return err
		}
		for _, scope := range scopes {
			found, err := carryOut(ctx, session, scope, query)
			if err != nil {
				return err
			}
			if all.Add(found); all.Len() > bound(query) {
				return tooMany(query)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	answer := answerOf(all)
	answer.ReturnType, answer.Findings, answer.Home = query.ReturnType, findings, c.home
	s.answerQuery(c, answer)
	return nil
}

// distinct are the patients, each once.
func distinct(patients []xds.CX) (each []xds.CX) {
	for _, p := range patients {
		if !slices.ContainsFunc(each, p.Same) {
			each = append(each, p)
		}
	}
	return each
}
