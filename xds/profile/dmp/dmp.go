// Package dmp is the profile of the French national record: the baseline of
// IHE, the value sets of the DMP as embedded data, and the checks that the DMP
// asks beside them.
//
// The class of a document always follows from its type and is never taken from
// the sender: Normalise sets an absent one, a different one is a finding. The
// signature document of a lot (typeCode E1762) is exempt from the French rules.
// Value sets reach the checks through rows (attribute, set) alone; a new one is
// a file and a row.
//
// It must never ask anything of a network: the sets are versioned data of the
// program (valuesets/ORIGIN.md), or of a folder that the operator names.
//
// Sources: policy §1.1 (author), §1.4; domain §2, §3.1, §3.3; EX_2.1-1050.
package dmp

import (
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/profile"
)

// Options open what production keeps shut.
type Options struct {
	TestINS bool  // accept the test and demonstration roots of the INS
	Cumul   bool  // allow MASQUE_PS with INVISIBLE_PATIENT (C-02)
	Sets    *Sets // the version of the value sets; nil: the program's own
}

// New is the dmp profile.
func New(o Options) *profile.Profile {
	if o.Sets == nil {
		o.Sets = embedded
	}
	p := profile.IHE().Without(profile.Document, xds.AttrClassCode).With("dmp", rules(o),
		o.Sets.classFollowsType, baseConfidentiality, patientInfo, submissionAuthor)
	p.Steps = append(p.Steps, o.Sets.normalise)
	p.Cumul = o.Cumul
	return p
}

// rules are the rows that the DMP adds to the baseline (domain §3.1). Those without
// Soft decide who sees a document (type, confidentiality, authors), whose it is (the
// patient and his traits) or whether the lot holds together (identifiers).
func rules(o Options) []profile.Rule {
	rows := []profile.Rule{
		{Object: profile.Set, Attribute: xds.AttrPatientID, Type: ins(o.TestINS)},
		{Object: profile.Set, Attribute: xds.AttrContentType, Soft: true},
		{Object: profile.Set, Attribute: xds.AttrAuthor, Min: 1, Max: 1},
		{Object: profile.Set, Attribute: xds.AttrAuthor, Part: "authorSpecialty", Code: specialty, Soft: true},
		{Object: profile.Document, Attribute: xds.AttrTitle, Min: 1, MaxChars: 128, Soft: true},
		{Object: profile.Document, Attribute: xds.AttrTypeCode},
		{Object: profile.Document, Attribute: xds.AttrFormatCode, Soft: true},
		{Object: profile.Document, Attribute: xds.AttrConfidentiality, Max: 4},
		{Object: profile.Document, Attribute: xds.AttrFacilityType, Soft: true},
		{Object: profile.Document, Attribute: xds.AttrPracticeSetting, Soft: true},
		{Object: profile.Document, Attribute: xds.AttrLanguageCode, Soft: true},
		{Object: profile.Document, Attribute: xds.AttrAuthor, Min: 1},
		{Object: profile.Document, Attribute: xds.AttrAuthor, Part: "authorSpecialty", Code: specialty, Soft: true},
		{Object: profile.Document, Attribute: xds.AttrLegalAuthenticator, Min: 1, Type: profile.XCN, Soft: true, ExceptOnDemand: true},
		{Object: profile.Document, Attribute: xds.AttrServiceStart, Min: 1, Type: profile.DTM, Soft: true},
		{Object: profile.Document, Attribute: xds.AttrSourcePatientInfo, Min: 1},
		{Object: profile.Document, Attribute: xds.AttrReferenceIDs, Code: referenceType, Soft: true},
		{Object: profile.Document, Attribute: xds.AttrUniqueID, Type: profile.OID},
	}
	for i := range rows {
		r := &rows[i]
		r.ExceptSignature = true
		if r.Attribute != xds.AttrAuthor || r.Part == "authorSpecialty" {
			r.Set = o.Sets.ByAttribute[r.Attribute]
		}
	}
	return rows
}

// specialty reads `code^label^scheme`, the form of authorSpecialty.
func specialty(text string) xds.Code {
	parts := strings.Split(text, "^")
	if len(parts) < 3 {
		return xds.Code{Value: text}
	}
	return xds.Code{Value: parts[0], Scheme: parts[2], Display: parts[1]}
}

// referenceType reads the kind of a referenced id, CXi.5.
func referenceType(text string) xds.Code {
	if parts := strings.Split(text, "^"); len(parts) >= 5 {
		return xds.Code{Value: parts[4]}
	}
	return xds.Code{Value: text}
}
