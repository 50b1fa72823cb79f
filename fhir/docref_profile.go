package fhir

import (
	"github.com/passerelle-sante/passerelle/xds"
)

// Profiles that a DocumentReference may claim.
const (
	mhdProfiles        = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD."
	pdsmProfiles       = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/"
	mhdMinimalDocument = mhdProfiles + "Minimal.DocumentReference"
	mhdDocument        = mhdProfiles + "Comprehensive.DocumentReference"
	pdsmDocument       = pdsmProfiles + "pdsm-comprehensive-document-reference"
)

// The claims that an entry may make, as meta.profile.
const (
	claimsPDSm          = `["` + mhdDocument + `","` + pdsmDocument + `"]`
	claimsComprehensive = `["` + mhdDocument + `"]`
	claimsMinimal       = `["` + mhdMinimalDocument + `"]`
)

// profilesOf claims only what the entry fulfils (fhir checklist P4, P5).
func profilesOf(d *xds.Document) string {
	e := &d.Entry
	comprehensive := !e.TypeCode.IsZero() && !e.ClassCode.IsZero() && e.PatientID != "" && len(e.Confidentiality) > 0 && e.LanguageCode != "" &&
		e.CreationTime != "" && !e.FormatCode.IsZero() && !e.FacilityType.IsZero() && !e.PracticeSetting.IsZero() && e.SourcePatientID != ""
	pdsm := d.Structure != "" && len(e.Authors) > 0 && e.Size > 0 && e.Hash != "" && e.Title != "" && e.ServiceStart != ""
	switch {
	case comprehensive && pdsm:
		return claimsPDSm
	case comprehensive:
		return claimsComprehensive
	}
	return claimsMinimal
}
