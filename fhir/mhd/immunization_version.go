package mhd

import (
	"net/http"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
)

// readVersion is GET Immunization/{id}/_history/{vid}: the version in force, or the
// note that it replaced, where the reader sees it.
func (s *Server) readVersion(c *call) error {
	version := c.vid
	found, err := s.lookVersion(c, c.id, version)
	if err != nil {
		return err
	}
	im, err := s.confirm(c, found, authz.Retrieve)
	if err == nil && im.VersionID() != version { // marked or unmasked meanwhile
		err = &xds.Error{ID: "FHIR-003"}
	}
	if err != nil {
		return err
	}
	c.w.Header().Set("Last-Modified", im.Updated().Format(http.TimeFormat))
	if c.unchanged(immunizationETag(im)) {
		return nil
	}
	return c.write(fhir.AppendImmunization(nil, im, s.Base, s.ImmunizationProfiles))
}

// lookVersion looks for a version among the visible documents, each taken by itself;
// the zero Immunization when there is none.
func (s *Server) lookVersion(c *call, key, version string) (fhir.Immunization, error) {
	shown, at, err := s.lookIn(c, key, xds.Approved)
	if err != nil || at >= 0 && shown.acts[at].VersionID() == version {
		return shown.at(at), err
	}
	shown, _, err = s.lookIn(c, key, xds.Approved, xds.Deprecated)
	for i, d := range shown.read {
		for _, e := range vaccination.Gather(shown.record, []vaccination.Document{d}) {
			im := fhir.Immunization{Entry: e, Source: shown.documents[i], Version: d.Version}
			if e.Key == key && im.VersionID() == version {
				return im, err
			}
		}
	}
	return fhir.Immunization{}, err
}
