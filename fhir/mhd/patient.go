package mhd

import (
	"cmp"
	"context"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// Patient is TD0.2 on FHIR (PDSM4DMP): whether a patient has a record, whether it is
// closed, and the reader's own way into it; what the JSON call and the SOAP message tell,
// and never more. An INS comes in and stands in no link (D9).

// findPatient is GET Patient?identifier=…: no entry where there is no record.
func (s *Server) findPatient(c *call) error {
	query, err := s.terms(c, "Patient")
	if err != nil {
		return err
	}
	var found []fhir.Found
	record := query.Record
	err = s.Registry.Read(c.r.Context(), func(session *registry.Session) error {
		found, record = nil, query.Record
		patient, same, err := s.named(c.r.Context(), session, c, query.Record, query.Patient)
		if err != nil {
			return err
		}
		told, err := s.presence(c.r.Context(), session, c, patient, cmp.Or(query.Patient, c.subject.Patient))
		if unseen(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if record = told.Record; same {
			found = append(found, fhir.Found{Kind: "Patient", ID: told.Record, JSON: fhir.AppendPatient(nil, told)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.writeFound(c, query, record, found, len(found), "")
}

// readPatient is GET Patient/{record}. An unknown record answers as that of a patient
// never seen, and as another one than the token's (policy §0.1).
func (s *Server) readPatient(c *call) error {
	var told fhir.Presence
	err := s.Registry.Read(c.r.Context(), func(session *registry.Session) error {
		patient, _, err := s.named(c.r.Context(), session, c, c.id, "")
		if err != nil {
			return err
		}
		told, err = s.presence(c.r.Context(), session, c, patient, c.subject.Patient)
		return err
	})
	if unseen(err) {
		err = &xds.Error{ID: "FHIR-003"}
	}
	if err != nil {
		return err
	}
	return c.write(fhir.AppendPatient(nil, told))
}

// presence asks the Gate as TD0.2 does: persons read the state of the record,
// professionals and structures test that it exists. known is the identifier that
// the request or the token brought: nobody learns another one.
func (s *Server) presence(ctx context.Context, session *registry.Session, c *call, patient, known xds.CX) (fhir.Presence, error) {
	action := authz.Exists
	if c.subject.Nature == authz.NaturePerson {
		action = authz.ReadState
	}
	allowed, err := s.Gate.OpenProfile(ctx, session, c.subject, patient, c.purpose(action, false))
	if err != nil {
		return fhir.Presence{}, err
	}
	facts := allowed.Facts()
	told := fhir.Presence{
		Record: allowed.Record(), Patient: known, Profile: facts.Profile, Access: allowed.Access(s.Now()), Traitant: facts.Administrator,
		Insider: action == authz.ReadState,
	}
	if told.Insider {
		told.Physician, err = session.Physician(ctx, allowed)
	}
	return told, err
}

// terms reads a search on a resource that is made of rights and traces, and names its
// patient, or his token does.
func (s *Server) terms(c *call, resource string) (fhir.Search, error) {
	values, err := c.parameters()
	if err != nil {
		return fhir.Search{}, err
	}
	query, findings := fhir.ParseSearch(resource, values, s.Base, c.strict())
	if err := findings.Err(); err != nil {
		return query, err
	}
	return query, c.aboutPatient(query.NamesPatient())
}

// writeFound answers a search with resources that are no documents.
func (s *Server) writeFound(c *call, query fhir.Search, record string, found []fhir.Found, total int, next string, warnings ...*xds.Error) error {
	set := fhir.Searchset{Base: s.Base, Self: query.URL(s.Base, record, query.Cursor), Warnings: warnings}
	if !query.NoTotal || query.CountOnly {
		set.Total = &total
	}
	if query.CountOnly {
		found, next = nil, ""
	}
	if next != "" {
		set.Next = query.URL(s.Base, record, next)
	}
	return c.write(fhir.AppendFound(nil, set, found))
}
