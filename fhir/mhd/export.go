package mhd

import (
	"context"
	"slices"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/medical"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
)

// Views are the resources that searches make of what is in documents that a reader sees,
// vaccinations and the medical profile, for who takes everything of a record with him.
func (s *Server) Views(ctx context.Context, record string, docs []authz.Visible[xds.Document]) ([][]byte, error) {
	shown := carnet{record: record}
	if err := s.gather(ctx, &shown, registry.Page{Documents: inForce(docs, maxVaccinationDocuments, tellsActs)}); err != nil {
		return nil, err
	}
	var all [][]byte
	for _, im := range shown.acts {
		all = append(all, fhir.AppendImmunization(nil, im, s.Base, s.ImmunizationProfiles))
	}
	entries, err := s.entries(ctx, record, inForce(docs, maxSections, isSection))
	for _, e := range entries {
		if e.Resource() != "" { // advance directives are documents and nothing else
			all = append(all, fhir.AppendProfileEntry(nil, e, s.Base, s.Now()))
		}
	}
	return all, err
}

// inForce are the documents of a sort that a search would read, the newest ones.
func inForce(docs []authz.Visible[xds.Document], most int, sort func(xds.DocumentEntry) bool) (found []authz.Visible[xds.Document]) {
	for _, v := range docs {
		d, ok := v.Value()
		if e := d.Entry; ok && e.AvailabilityStatus == xds.Approved && e.ObjectType == xds.StableDocument && sort(e) && len(found) < most {
			found = append(found, v)
		}
	}
	return found
}

func tellsActs(e xds.DocumentEntry) bool {
	return slices.ContainsFunc(vaccination.Types(), e.TypeCode.Same)
}

func isSection(e xds.DocumentEntry) bool {
	return slices.ContainsFunc(medical.Sections(), func(s medical.Section) bool {
		return e.TypeCode.Same(s.Type) && slices.ContainsFunc(e.EventCodes, s.Event().Same)
	})
}
