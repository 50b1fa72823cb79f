package fhir

import (
	"net/url"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// URIs of systems, profiles and extensions.
const (
	uriSystem = "urn:ietf:rfc:3986"
	ourBase   = "https://github.com/passerelle-sante/passerelle/fhir/"

	// ProblemSystem is the code system of the product's own error codes.
	ProblemSystem = ourBase + "CodeSystem/problem"
	// IHEErrorSystem is the code system of the error codes of ITI TF-3 Table 4.2.4.1-2,
	// which has no canonical URI.
	IHEErrorSystem = ourBase + "CodeSystem/ihe-error"

	extVerbatim    = ourBase + "StructureDefinition/hl7v2-text"
	extInstitution = ourBase + "StructureDefinition/author-institution"
	extRole        = ourBase + "StructureDefinition/author-role"
	extSpecialty   = ourBase + "StructureDefinition/author-specialty"

	extArchived      = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived"
	extDesignation   = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-designationType"
	extSourceID      = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-sourceId"
	extRecipient     = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-intendedRecipient"
	extRecipientPDSm = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-intended-recipient"
	extAuthorOrg     = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-authorOrg"

	listTypes = "https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes"
	v2Types   = "http://terminology.hl7.org/CodeSystem/v2-0203"
	v2TypesFR = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203"
)

const (
	nos       = "https://mos.esante.gouv.fr/NOS/"
	hl7Terms  = "http://terminology.hl7.org/CodeSystem/"
	oidURN    = "urn:oid:"
	uuidURN   = "urn:uuid:"
	otherURN  = "urn:x-coding-scheme:"
	loincOID  = "2.16.840.1.113883.6.1"
	formatOID = "1.3.6.1.4.1.19376.1.2.3"
)

// tre is the URI that the ANS gives a reference terminology in FHIR.
func tre(name string) string {
	return nos + name + "/FHIR/" + strings.Replace(name, "_", "-", 1)
}

// systems are the coding schemes that have a URI of their own in FHIR; any other
// OID is written urn:oid:….
var systems = map[string]string{
	loincOID:                    "http://loinc.org",
	"2.16.840.1.113883.6.96":    "http://snomed.info/sct",
	"2.16.840.1.113883.6.3":     "http://hl7.org/fhir/sid/icd-10",
	"2.16.840.1.113883.6.73":    "http://www.whocc.no/atc",
	"2.16.840.1.113883.6.8":     "http://unitsofmeasure.org",
	"1.2.840.10008.2.16.4":      "http://dicom.nema.org/resources/ontology/DCM",
	xds.ConfidentialityOID:      hl7Terms + "v3-Confidentiality",
	xds.ActCodeScheme:           hl7Terms + "v3-ActCode",
	"2.16.840.1.113883.5.111":   hl7Terms + "v3-RoleCode",
	"2.16.840.1.113883.5.110":   hl7Terms + "v3-RoleClass",
	"2.16.840.1.113883.5.90":    hl7Terms + "v3-ParticipationType",
	"2.16.840.1.113883.5.88":    hl7Terms + "v3-ParticipationFunction",
	"2.16.840.1.113883.5.8":     hl7Terms + "v3-ActReason",
	formatOID:                   "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode",
	"1.2.250.1.213.2.3.1":       "https://smt.esante.gouv.fr/terminologie-bdpm",
	"0.4.0.127.0.16.1.1.2.1":    "http://standardterms.edqm.eu",
	"1.2.250.1.213.1.1.4.6":     tre("TRE_A00-ProducteurDocNonPS"),
	"1.2.250.1.213.1.1.4.9":     tre("TRE_A01-CadreExercice"),
	"1.2.250.1.213.1.1.4.1":     tre("TRE_A03-ClasseDocument"),
	"1.2.250.1.213.1.1.4.12":    tre("TRE_A05-TypeDocComplementaire"),
	"1.2.250.1.213.1.1.4.2.282": tre("TRE_A06-FormatCodeComplementaire"),
	xds.MarkScheme:              tre("TRE_A07-StatutVisibiliteDocument"),
	"1.2.250.1.71.1.2.7":        tre("TRE_G15-ProfessionSante"),
	"1.2.250.1.71.4.2.5":        tre("TRE_R01-EnsembleSavoirFaire-CISIS"),
	"1.2.250.1.71.4.2.4":        tre("TRE_R02-SecteurActivite"),
}

// aliases are other URIs in use for a scheme: read, never written.
var aliases = map[string]string{
	tre("TRE_A07-StatusVisibiliteDocument"):     xds.MarkScheme, // spelling of the PDSm example (D4)
	tre("JDV_J08-XdsConfidentialityCode-CISIS"): xds.MarkScheme, // the value set named as system
	tre("JDV_J110-ConfidentialityCode-DMP"):     xds.MarkScheme,
	tre("TRE_A11-IheFormatCode"):                formatOID,
	"https://loinc.org":                         loincOID,
}

var schemes = func() map[string]string {
	byURI := map[string]string{}
	for oid, uri := range systems {
		byURI[uri] = oid
	}
	for uri, oid := range aliases {
		byURI[uri] = oid
	}
	return byURI
}()

// SystemOf is the Coding.system of a coding scheme. SchemeOf gives the scheme back
// exactly, also one that is neither an OID nor a URI.
func SystemOf(scheme string) string {
	if scheme == "" {
		return ""
	}
	if uri, ok := systems[scheme]; ok {
		return uri
	}
	if xds.IsOID(scheme) {
		return oidURN + scheme
	}
	if strings.Contains(scheme, ":") && isURI(scheme) && SchemeOf(scheme) == scheme {
		return scheme
	}
	return otherURN + url.PathEscape(scheme)
}

// SchemeOf is the coding scheme of a Coding.system: the OID when it has one.
func SchemeOf(system string) string {
	if oid, ok := schemes[system]; ok {
		return oid
	}
	if oid, ok := strings.CutPrefix(system, oidURN); ok && xds.IsOID(oid) {
		return oid
	}
	if escaped, ok := strings.CutPrefix(system, otherURN); ok {
		if scheme, err := url.PathUnescape(escaped); err == nil {
			return scheme
		}
	}
	return system
}

// codeOf reads a Coding. The codes N, R and V that some senders take from the
// scheme of the marks are those of v3-Confidentiality (D4).
func codeOf(p place) xds.Code {
	c := xds.Code{Value: p.Str("code"), Scheme: SchemeOf(p.Str("system")), Display: p.Str("display")}
	return confidentiality(c)
}

func confidentiality(c xds.Code) xds.Code {
	if c.Scheme == xds.MarkScheme && (c.Value == "N" || c.Value == "R" || c.Value == "V") {
		c.Scheme = xds.ConfidentialityOID
	}
	return c
}

// conceptOf reads a CodeableConcept: its first coding that has a system and a code,
// else its first one; its text stands in for a missing display.
func conceptOf(p place) xds.Code {
	codings := p.get("coding").each()
	if len(codings) == 0 {
		return xds.Code{}
	}
	chosen := codings[0]
	for _, c := range codings {
		if c.Str("system") != "" && c.Str("code") != "" {
			chosen = c
			break
		}
	}
	c := codeOf(chosen)
	if c.Display == "" {
		c.Display = p.Str("text")
	}
	return c
}
