package mhd

import (
	"context"
	"slices"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
)

// Immunizations are the resources of the acts in documents that a reader sees, for who
// takes everything of a record with him.
func (s *Server) Immunizations(ctx context.Context, record string, docs []authz.Visible[xds.Document]) ([][]byte, error) {
	var page registry.Page
	for _, v := range docs {
		d, ok := v.Value()
		e := d.Entry
		told := slices.ContainsFunc(vaccination.Types(), func(c xds.Code) bool { return c.Key() == e.TypeCode.Key() })
		if ok && told && e.AvailabilityStatus == xds.Approved && e.ObjectType == xds.StableDocument && len(page.Documents) < maxVaccinationDocuments {
			page.Documents = append(page.Documents, v)
		}
	}
	shown := carnet{record: record}
	if err := s.gather(ctx, &shown, page); err != nil {
		return nil, err
	}
	var all [][]byte
	for _, im := range shown.acts {
		all = append(all, fhir.AppendImmunization(nil, im, s.Base, s.ImmunizationProfiles))
	}
	return all, nil
}
