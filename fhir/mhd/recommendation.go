package mhd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
)

// An ImmunizationRecommendation is what the calendar makes of the acts that the reader
// may see: it informs, and tells nothing that they do not tell. Whose matrix has no
// vaccination documents is told none.

// recommendations is the search: patient, and nothing else.
func (s *Server) recommendations(c *call) error {
	values, err := c.parameters()
	if err != nil {
		return err
	}
	query, findings := fhir.ParseImmunizationSearch(ofPatient(values, c.strict()), s.Base, c.strict())
	if err := findings.Err(); err != nil {
		return err
	}
	if err := c.aboutPatient(query.Record != "" || query.Patient != ""); err != nil {
		return err
	}
	shown, err := s.carnet(c, query.Record, query.Patient)
	if err != nil {
		return err
	}
	set := fhir.Searchset{Base: s.Base, Self: s.Base + "/ImmunizationRecommendation?patient=Patient/" + url.QueryEscape(shown.record), Warnings: shown.warnings}
	return c.write(fhir.AppendRecommendationSet(nil, set, s.recommended(shown), query.CountOnly))
}

// ofPatient leaves what this search knows; strict leaves the rest to be refused, as no
// parameter has a name with a space.
func ofPatient(values url.Values, strict bool) url.Values {
	kept := url.Values{}
	for name, given := range values {
		known := slices.Contains([]string{"patient", "patient:identifier", "patient.identifier", "_format", "_pretty", "_summary", "_elements", "_count", "_total"}, name)
		if known {
			kept[name] = given
		} else if strict {
			kept[name+" "] = given
		}
	}
	return kept
}

// recommended holds what was seen against the calendar.
func (s *Server) recommended(shown carnet) fhir.Recommendation {
	now := s.Now().UTC()
	r := fhir.Recommendation{Record: shown.record, On: now, Version: s.Calendar.Version, Source: s.Calendar.Source}
	if !shown.concerned {
		return r
	}
	entries := make([]vaccination.Entry, len(shown.acts))
	for i, im := range shown.acts {
		entries[i] = im.Entry
	}
	r.Forecasts = s.Calendar.Forecasts(shown.born, entries, now)
	return r
}

// readRecommendation is GET ImmunizationRecommendation/{id}: the id is that of the
// record, which answers as an unknown one where its door is closed (policy §0.1).
func (s *Server) readRecommendation(c *call) error {
	ctx := c.r.Context()
	var page registry.Page
	shown := carnet{}
	err := s.Registry.Read(ctx, func(session *registry.Session) error {
		page, shown = registry.Page{}, carnet{}
		scopes, err := s.scopesOf(ctx, session, c)
		if err != nil {
			return err
		}
		for _, scope := range scopes {
			if scope.Record() != c.id {
				scope.Found(nil, false)
				continue
			}
			shown = through(scope)
			if page, err = findVaccinations(ctx, session, scope, xds.Approved); err != nil {
				return err
			}
		}
		return nil
	})
	if unseen(err) || err == nil && shown.record == "" {
		return &xds.Error{ID: "FHIR-003"}
	}
	if err != nil {
		return err
	}
	if err := s.gather(ctx, &shown, page); err != nil {
		return err
	}
	r := s.recommended(shown)
	if len(r.Forecasts) == 0 {
		return &xds.Error{ID: "FHIR-003"}
	}
	if c.unchanged(forecastTag(r)) {
		return nil
	}
	return c.write(fhir.AppendRecommendation(nil, r))
}

// forecastTag is the version of a recommendation: its day, its calendar, and what it
// says of each dose.
func forecastTag(r fhir.Recommendation) string {
	sum := sha256.New()
	fmt.Fprintln(sum, r.On.Format(time.DateOnly), r.Version)
	for _, f := range r.Forecasts {
		fmt.Fprintln(sum, f.Rule, f.Status, f.Due.Format(time.DateOnly), f.Done)
	}
	return `W/"` + hex.EncodeToString(sum.Sum(nil)[:8]) + `"`
}

// scopesOf opens the Scopes of a request that names a record by its id.
func (s *Server) scopesOf(ctx context.Context, session *registry.Session, c *call) ([]authz.Scope, error) {
	patient, err := session.PatientOfRecord(ctx, c.id)
	if err != nil {
		return nil, err
	}
	var named []xds.CX
	if patient != "" {
		named = append(named, patient)
	}
	return s.Gate.OpenByID(ctx, session, c.subject, named, c.purpose(authz.Search, true))
}

// concerned tells whether vaccination documents are the reader's business at all.
func concerned(scope authz.Scope) bool {
	return slices.ContainsFunc(vaccination.Types(), func(t xds.Code) bool { return scope.Concerns(t.Key()) })
}
