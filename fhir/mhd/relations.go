package mhd

import (
	"cmp"
	"context"
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// CareTeam and Consent are views of the links, blocks and settings of a record for those
// who read them by the JSON calls: the holder's side all of them, the médecin traitant the
// list of professionals, another professional himself (R-40, R-41, R-47, R-48; TD1.6).
// They are written by the JSON calls alone.

// made writes the resources of one type that a reader may see of a record.
type made func(ctx context.Context, session *registry.Session, allowed authz.Allowed) ([]fhir.Found, error)

// findMade answers a search with what make writes and keep lets through, page by page.
func (s *Server) findMade(c *call, resource string, write func(fhir.Search) made) error {
	query, err := s.terms(c, resource)
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
		allowed, err := s.journal(c.r.Context(), session, c, patient, false)
		if unseen(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if record = allowed.Record(); same {
			found, err = write(query)(c.r.Context(), session, allowed)
		}
		return err
	})
	if err != nil {
		return err
	}
	slices.SortFunc(found, func(a, b fhir.Found) int { return strings.Compare(a.Key, b.Key) })
	page, next, err := s.page(c, query, record, found)
	if err != nil {
		return err
	}
	return s.writeFound(c, query, record, page, len(found), next)
}

// page cuts what was found where the client asked.
func (s *Server) page(c *call, query fhir.Search, record string, found []fhir.Found) ([]fhir.Found, string, error) {
	if query.Cursor != "" {
		after, err := s.Cursors.Open(c.reader(), query.Key(record), query.Cursor)
		if err != nil {
			return nil, "", err
		}
		found = slices.DeleteFunc(slices.Clone(found), func(f fhir.Found) bool { return f.Key <= after.LogicalID })
	}
	if len(found) <= query.Query.Limit {
		return found, "", nil
	}
	found = found[:query.Query.Limit]
	return found, s.Cursors.Seal(c.reader(), query.Key(record), xds.Cursor{LogicalID: found[len(found)-1].Key}), nil
}

// readMade answers with the one resource that the path names. An id is unknown when it
// is of another record than the token's, when the reader may not see it, or when it
// never was one: all leave and answer the same (policy §0.1).
func (s *Server) readMade(c *call, kind string, find func(ctx context.Context, session *registry.Session, allowed authz.Allowed, rest []byte) ([]byte, error)) error {
	record, rest, _ := s.Cursors.OpenID(kind, c.id)
	var body []byte
	err := s.Registry.Read(c.r.Context(), func(session *registry.Session) error {
		body = nil
		ctx, unbound := c.r.Context(), c.subject.Patient == ""
		patient, err := session.PatientOfRecord(ctx, record)
		if err != nil {
			return err
		}
		if unbound && patient == "" {
			return &xds.Error{ID: "FHIR-003"}
		}
		allowed, err := s.journal(ctx, session, c, cmp.Or(c.subject.Patient, patient), true)
		if _, refused := xds.FindingsOf(err); err != nil && refused && (unbound || unseen(err)) {
			return &xds.Error{ID: "FHIR-003"}
		}
		if err != nil {
			return err
		}
		if allowed.Record() == record {
			body, err = find(ctx, session, allowed, rest)
		}
		if err == nil && body == nil {
			allowed.Refuse("FHIR-003")
			return &xds.Error{ID: "FHIR-003"}
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.write(body)
}

// journal asks for the right to read who has been, and may come, into a record: the
// administrator that of all, any other professional his own; of the history alone, an
// auditor that of all.
func (s *Server) journal(ctx context.Context, session *registry.Session, c *call, patient xds.CX, byID bool) (authz.Allowed, error) {
	if c.route.resource == "AuditEvent" && s.Gate.Audits(c.subject) {
		return s.Gate.OpenAudit(ctx, session, c.subject, patient, c.purpose(authz.Journal, byID))
	}
	action, err := session.JournalOf(ctx, c.subject, cmp.Or(c.subject.Patient, patient))
	if err != nil {
		return authz.Allowed{}, err
	}
	return s.Gate.OpenProfile(ctx, session, c.subject, patient, c.purpose(action, byID))
}

// standings are where the professionals stand, as far as the reader may know.
func (s *Server) standings(ctx context.Context, session *registry.Session, allowed authz.Allowed) ([]fhir.Standing, error) {
	all, err := session.Relationships(ctx, allowed)
	var standings []fhir.Standing
	for _, a := range all {
		standings = append(standings, fhir.Standing{
			Professional: a.Professional, Name: strings.TrimSpace(a.Given + " " + a.Family), Profession: a.Profession, Structure: a.Structure,
			Traitant: a.Administrator, Basis: a.Basis, Since: a.Since, Until: a.Until, Access: a.Access(s.Now()),
		})
	}
	return standings, err
}

func (s *Server) findCareTeams(c *call) error {
	return s.findMade(c, "CareTeam", func(q fhir.Search) made {
		return func(ctx context.Context, session *registry.Session, allowed authz.Allowed) ([]fhir.Found, error) {
			id, body, members, err := s.careTeam(ctx, session, allowed)
			if err != nil || body == nil || !q.Fits("CareTeam", id, "active", members) {
				return nil, err
			}
			return []fhir.Found{{Kind: "CareTeam", ID: id, JSON: body}}, nil
		}
	})
}

func (s *Server) readCareTeam(c *call) error {
	return s.readMade(c, "CareTeam", func(ctx context.Context, session *registry.Session, allowed authz.Allowed, _ []byte) ([]byte, error) {
		_, body, _, err := s.careTeam(ctx, session, allowed)
		return body, err
	})
}

// careTeam is the one team of a record; nothing when the reader knows of no member.
func (s *Server) careTeam(ctx context.Context, session *registry.Session, allowed authz.Allowed) (id string, body []byte, members []string, err error) {
	standings, err := s.standings(ctx, session, allowed)
	standings = slices.DeleteFunc(standings, func(st fhir.Standing) bool { return !st.Member() })
	if err != nil || len(standings) == 0 {
		return "", nil, nil, err
	}
	for _, st := range standings {
		members = append(members, st.Professional)
	}
	id = s.Cursors.ID("CareTeam", allowed.Record(), nil)
	return id, fhir.AppendCareTeam(nil, id, allowed.Record(), standings), members, nil
}

func (s *Server) findConsents(c *call) error {
	return s.findMade(c, "Consent", func(q fhir.Search) made {
		return func(ctx context.Context, session *registry.Session, allowed authz.Allowed) ([]fhir.Found, error) {
			all, err := s.consents(ctx, session, allowed)
			var found []fhir.Found
			for _, one := range all {
				if q.Fits("Consent", one.ID, one.Status(), []string{one.Standing.Professional}) {
					found = append(found, fhir.Found{Kind: "Consent", ID: one.ID, Key: one.Standing.Professional + "\n" + string(one.Kind), JSON: fhir.AppendConsent(nil, one, allowed.Record())})
				}
			}
			return found, err
		}
	})
}

func (s *Server) readConsent(c *call) error {
	return s.readMade(c, "Consent", func(ctx context.Context, session *registry.Session, allowed authz.Allowed, _ []byte) ([]byte, error) {
		all, err := s.consents(ctx, session, allowed)
		for _, one := range all {
			if one.ID == c.id {
				return fhir.AppendConsent(nil, one, allowed.Record()), err
			}
		}
		return nil, err
	})
}

// consents are the views of the rights on a record; the settings are told to the
// holder's side alone.
func (s *Server) consents(ctx context.Context, session *registry.Session, allowed authz.Allowed) ([]fhir.Consent, error) {
	standings, err := s.standings(ctx, session, allowed)
	if err != nil {
		return nil, err
	}
	name := func(kind fhir.ConsentKind, professional string) string {
		sum := sha256.Sum256([]byte(string(kind) + "\n" + professional))
		return s.Cursors.ID("Consent", allowed.Record(), sum[:16])
	}
	var all []fhir.Consent
	if kind := allowed.Kind(); kind == authz.Patient || kind == authz.Representative || kind == authz.Delegate {
		all = append(all, fhir.Consent{ID: name(fhir.ConsentSettings, ""), Kind: fhir.ConsentSettings, Settings: allowed.Facts().Settings})
	}
	for _, st := range standings {
		for _, kind := range st.Consents() {
			all = append(all, fhir.Consent{ID: name(kind, st.Professional), Kind: kind, Standing: st})
		}
	}
	return all, nil
}
