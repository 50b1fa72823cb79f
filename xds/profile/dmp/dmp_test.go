package dmp

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/profile"
)

const loinc = "2.16.840.1.113883.6.1"

// lot is a delivery report as a hospital sends it, without fault, and the
// signature document of the lot.
func lot() xds.Submission {
	const ins = xds.CX("279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH")
	hospital := xds.NewXON("CHU de test", "1.2.250.1.71.4.2.2", "IDNST", "1590000001")
	doctor := xds.NewXCN("899900063480", "MAX", "LIBRE", "1.2.250.1.71.4.2.1", "IDNPS")
	report := xds.DocumentEntry{
		EntryUUID: "d1", UniqueID: "1.2.3.2", ObjectType: xds.StableDocument, Title: "CR d'accouchement",
		TypeCode:  xds.Code{Value: "15508-5", Scheme: loinc, Display: "CR d'accouchement"},
		ClassCode: xds.Code{Value: "10", Scheme: "1.2.250.1.213.1.1.4.1", Display: "Compte rendu"}, FormatCode: xds.Code{Value: "urn:ihe:iti:xds-sd:pdf:2008", Scheme: "1.3.6.1.4.1.19376.1.2.3"},
		FacilityType: xds.Code{Value: "SA01", Scheme: "1.2.250.1.71.4.2.4"}, PracticeSetting: xds.Code{Value: "ETABLISSEMENT", Scheme: "1.2.250.1.213.1.1.4.9"},
		Confidentiality: []xds.Code{{Value: "N", Scheme: xds.ConfidentialityOID, Display: "Normal"}},
		CreationTime:    "20260131120000", ServiceStart: "20260130", LanguageCode: "fr-FR", MimeType: "text/xml", PatientID: ins,
		SourcePatientID: "IPP1^^^&1.2.3.4&ISO^PI", SourcePatientInfo: []string{"PID-5|DURAND^Alice", "PID-7|19790315", "PID-8|F"},
		LegalAuthenticator: doctor, ReferenceIDs: []string{"A1^^^&1.2.3&ISO^urn:ihe:iti:xds:2013:accession"},
		Authors: []xds.Author{{Person: doctor, Institutions: []xds.XON{hospital}, Specialties: []string{"G15_10/SM20^Gynécologie obstétrique^1.2.250.1.213.1.1.4.5"}}},
	}
	signature := report
	signature.EntryUUID, signature.UniqueID, signature.Title = "sig", "1.2.3.3", ""
	signature.TypeCode = xds.Code{Value: "E1762", Scheme: "ASTM", Display: "Full Document"}
	signature.ClassCode = xds.Code{Value: "urn:oid:1.3.6.1.4.1.19376.1.2.1.1.1", Scheme: "URN"}
	signature.FormatCode = xds.Code{Value: "http://www.w3.org/2000/09/xmldsig#", Scheme: "URN"}
	signature.LanguageCode, signature.LegalAuthenticator, signature.ServiceStart, signature.SourcePatientInfo = "art", "", "", nil
	signature.Confidentiality = append(signature.Confidentiality, xds.Marks{MaskedPS: true, HiddenPatient: true}.Codes()...)
	return xds.Submission{
		Set: xds.SubmissionSet{EntryUUID: "ss", UniqueID: "1.2.3.1", SourceID: "1.2.3", PatientID: ins, SubmissionTime: "20260131120000",
			ContentType: xds.Code{Value: "03", Scheme: "1.2.250.1.213.2.2"}, Authors: []xds.Author{{Person: doctor, Institutions: []xds.XON{hospital}}}},
		Documents: []xds.DocumentEntry{report, signature},
		Associations: []xds.Association{{EntryUUID: "a1", Type: xds.HasMember, Source: "ss", Target: "d1", SetStatus: "Original"},
			{EntryUUID: "a2", Type: xds.HasMember, Source: "ss", Target: "sig", SetStatus: "Original"},
			{EntryUUID: "a3", Type: xds.Signs, Source: "sig", Target: "d1"}},
	}
}

func doctor() profile.Context {
	return profile.Context{BirthDate: "19790315", Depositor: profile.Depositor{Kind: profile.Professional, ID: "899900063480", Structure: "1590000001"}}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*xds.Submission, *profile.Context)
		want  string
	}{
		{"nothing wrong", func(*xds.Submission, *profile.Context) {}, ""},
		{"an unknown type", func(s *xds.Submission, _ *profile.Context) { s.Documents[0].TypeCode.Value = "15508-6" }, "META-003 DocumentEntry[d1].typeCode"},
		{"a type of the CI-SIS alone", func(s *xds.Submission, _ *profile.Context) { s.Documents[0].TypeCode.Value = "11493-4" }, "META-003 DocumentEntry[d1].typeCode"},
		{"a type of another terminology", func(s *xds.Submission, _ *profile.Context) { s.Documents[0].TypeCode.Scheme = "1.2.3" }, "META-003 DocumentEntry[d1].typeCode"},
		{"the class of another type", func(s *xds.Submission, _ *profile.Context) { s.Documents[0].ClassCode.Value = "11" }, "META-005 DocumentEntry[d1].classCode"},
		{"a class that is none", func(s *xds.Submission, _ *profile.Context) { s.Documents[0].ClassCode.Value = "12" }, "META-005 DocumentEntry[d1].classCode"},
		{"no class: derived", func(s *xds.Submission, _ *profile.Context) { s.Documents[0].ClassCode = xds.Code{} }, ""},
		{"an unknown format", func(s *xds.Submission, _ *profile.Context) { s.Documents[0].FormatCode.Value = "pdf" }, "META-003 DocumentEntry[d1].formatCode"},
		{"a format of another scheme", func(s *xds.Submission, _ *profile.Context) { s.Documents[0].FormatCode.Scheme = "1.2.3" }, ""},
		{"an unknown facility", func(s *xds.Submission, _ *profile.Context) { s.Documents[0].FacilityType.Value = "SA99" }, "META-003 DocumentEntry[d1].healthcareFacilityTypeCode"},
		{"an unknown setting", func(s *xds.Submission, _ *profile.Context) { s.Documents[0].PracticeSetting.Value = "X" }, "META-003 DocumentEntry[d1].practiceSettingCode"},
		{"an unknown confidentiality", func(s *xds.Submission, _ *profile.Context) {
			s.Documents[0].Confidentiality = append(s.Documents[0].Confidentiality, xds.Code{Value: xds.MarkMaskedPS, Scheme: "1.2.3"})
		}, "META-003 DocumentEntry[d1].confidentialityCode[2]"},
		{"marks alone", func(s *xds.Submission, _ *profile.Context) {
			s.Documents[0].Confidentiality = xds.Marks{MaskedPS: true}.Codes()
		}, "META-001 DocumentEntry[d1].confidentialityCode"},
		{"five confidentialities", func(s *xds.Submission, _ *profile.Context) {
			n := s.Documents[0].Confidentiality[0]
			s.Documents[0].Confidentiality = []xds.Code{n, n, n, n, n}
		}, "META-002 DocumentEntry[d1].confidentialityCode"},
		{"another language", func(s *xds.Submission, _ *profile.Context) { s.Documents[0].LanguageCode = "en-US" }, "META-003 DocumentEntry[d1].languageCode"},
		{"no title", func(s *xds.Submission, _ *profile.Context) { s.Documents[0].Title = "" }, "META-001 DocumentEntry[d1].title"},
		{"a title of 128 characters", func(s *xds.Submission, _ *profile.Context) { s.Documents[0].Title = strings.Repeat("é", 128) }, ""},
		{"a title of 129 characters", func(s *xds.Submission, _ *profile.Context) { s.Documents[0].Title = strings.Repeat("é", 129) }, "META-010 DocumentEntry[d1].title"},
		{"no authenticator", func(s *xds.Submission, _ *profile.Context) { s.Documents[0].LegalAuthenticator = "" }, "META-001 DocumentEntry[d1].legalAuthenticator"},
		{"nobody signs what is not made yet", func(s *xds.Submission, c *profile.Context) {
			c.Form = profile.OnDemanded
			for i := range s.Documents {
				d := &s.Documents[i]
				d.ObjectType, d.RepositoryUniqueID, d.LegalAuthenticator, d.CreationTime, d.Hash, d.Size = xds.OnDemandDocument, "1.2.3", "", "", "", 0
			}
		}, "META-012 Association[a3].associationType"}, // signs
		{"no author", func(s *xds.Submission, _ *profile.Context) { s.Documents[0].Authors = nil }, "META-001 DocumentEntry[d1].author"},
		{"an unknown specialty", func(s *xds.Submission, _ *profile.Context) {
			s.Documents[0].Authors[0].Specialties[0] = "G15_10/SM99^?^1.2.250.1.213.1.1.4.5"
		}, "META-003 DocumentEntry[d1].author[1].authorSpecialty"},
		{"a specialty in words", func(s *xds.Submission, _ *profile.Context) { s.Documents[0].Authors[0].Specialties[0] = "Gynécologie" }, "META-003 DocumentEntry[d1].author[1].authorSpecialty (warning)"},
		{"no start of service", func(s *xds.Submission, _ *profile.Context) { s.Documents[0].ServiceStart = "" }, "META-001 DocumentEntry[d1].serviceStartTime"},
		{"a uniqueId with an extension", func(s *xds.Submission, _ *profile.Context) { s.Documents[0].UniqueID = "1.2.3^a" }, "META-004 DocumentEntry[d1].uniqueId"},
		{"a reference of another kind", func(s *xds.Submission, _ *profile.Context) { s.Documents[0].ReferenceIDs[0] = "A1^^^&1.2&ISO^urn:x" }, "META-003 DocumentEntry[d1].referenceIdList[1] (warning)"},
		{"no patient info", func(s *xds.Submission, _ *profile.Context) { s.Documents[0].SourcePatientInfo = nil }, "META-001 DocumentEntry[d1].sourcePatientInfo"},
		{"no sex", func(s *xds.Submission, _ *profile.Context) {
			s.Documents[0].SourcePatientInfo = s.Documents[0].SourcePatientInfo[:2]
		}, "META-001 DocumentEntry[d1].sourcePatientInfo.PID-8"},
		{"an empty name", func(s *xds.Submission, _ *profile.Context) { s.Documents[0].SourcePatientInfo[0] = "PID-5|^" }, "META-001 DocumentEntry[d1].sourcePatientInfo.PID-5"},
		{"half a birth date", func(s *xds.Submission, _ *profile.Context) { s.Documents[0].SourcePatientInfo[1] = "PID-7|1979" }, "META-004 DocumentEntry[d1].sourcePatientInfo.PID-7"},
		{"a patient of a hospital", func(s *xds.Submission, _ *profile.Context) {
			s.Set.PatientID, s.Documents[0].PatientID, s.Documents[1].PatientID = "1^^^&1.2&ISO", "1^^^&1.2&ISO", "1^^^&1.2&ISO"
		}, "META-004 SubmissionSet[ss].patientId"},
		{"an unknown content type", func(s *xds.Submission, _ *profile.Context) { s.Set.ContentType.Value = "99" }, "META-003 SubmissionSet[ss].contentTypeCode (warning)"},
		{"a set without author", func(s *xds.Submission, _ *profile.Context) { s.Set.Authors = nil }, "META-001 SubmissionSet[ss].author"},
		{"a set of two authors", func(s *xds.Submission, _ *profile.Context) { s.Set.Authors = append(s.Set.Authors, s.Set.Authors[0]) }, "META-002 SubmissionSet[ss].author"},
		{"a set of another author", func(_ *xds.Submission, c *profile.Context) { c.Depositor.ID = "899900000001" }, "META-011 SubmissionSet[ss].author[1].authorPerson"},
		{"a set of another structure", func(_ *xds.Submission, c *profile.Context) { c.Depositor.Structure = "1590000002" }, "META-011 SubmissionSet[ss].author[1].authorInstitution"},
		{"a token without structure", func(_ *xds.Submission, c *profile.Context) { c.Depositor.Structure = "" }, ""},
		{"a structure that writes a person", func(_ *xds.Submission, c *profile.Context) { c.Depositor.Kind = profile.Structure }, "META-011 SubmissionSet[ss].author[1].authorPerson"},
		{"a structure", func(s *xds.Submission, c *profile.Context) {
			c.Depositor.Kind, s.Set.Authors[0].Person = profile.Structure, ""
		}, ""},
		{"another structure", func(s *xds.Submission, c *profile.Context) {
			c.Depositor = profile.Depositor{Kind: profile.Structure, Structure: "1590000002"}
			s.Set.Authors[0].Person = ""
		}, "META-011 SubmissionSet[ss].author[1].authorInstitution"},
		{"a patient as a professional", func(s *xds.Submission, c *profile.Context) {
			c.Depositor = profile.Depositor{ID: "r1"}
			s.Documents = s.Documents[:1]
			s.Associations = s.Associations[:1]
		}, "META-011 SubmissionSet[ss].author[1].authorPerson"},
		{"the patient", func(s *xds.Submission, c *profile.Context) {
			c.Depositor = profile.Depositor{ID: "r1"}
			s.Set.Authors = []xds.Author{{Person: "279035121518989^DURAND^Alice^^^^^^&1.2.250.1.213.1.4.10&ISO^L^^^NH"}}
			s.Documents = s.Documents[:1]
			s.Associations = s.Associations[:1]
		}, ""},
		{"C-02", func(s *xds.Submission, _ *profile.Context) {
			s.Documents[0].Confidentiality = append(s.Documents[0].Confidentiality, xds.Marks{MaskedPS: true, HiddenPatient: true}.Codes()...)
		}, "C-02 DocumentEntry[d1].confidentialityCode"},
		{"a signature document of another class", func(s *xds.Submission, _ *profile.Context) { s.Documents[1].ClassCode = s.Documents[0].ClassCode }, "META-005 DocumentEntry[sig].classCode"},
		{"a signature document of class 99", func(s *xds.Submission, _ *profile.Context) { s.Documents[1].ClassCode = signatureClass }, ""},
		{"all at once", func(s *xds.Submission, _ *profile.Context) {
			s.Documents[0].TypeCode.Value, s.Documents[0].Title, s.Documents[0].LanguageCode = "x", "", "en"
		}, "META-001 DocumentEntry[d1].title, META-003 DocumentEntry[d1].typeCode, META-003 DocumentEntry[d1].languageCode"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, context := lot(), doctor()
			c.spoil(&s, &context)
			p := New(Options{TestINS: true})
			p.Normalise(&s)
			found := p.Check(s, context)
			var all []string
			for _, e := range found {
				line := e.ID + " " + e.Where
				if e.Severity == xds.SeverityWarning {
					line += " (warning)"
				}
				all = append(all, line)
			}
			if got := strings.Join(all, ", "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			for _, secret := range []string{"279035121518989", "DURAND", "MAX", "8999"} {
				if strings.Contains(found.Error(), secret) {
					t.Errorf("a finding names somebody: %s", found)
				}
			}
		})
	}
}

// TestUnknownCodeSaysAll: attribute, code, set and the nearest codes (P-07).
func TestUnknownCodeSaysAll(t *testing.T) {
	s := lot()
	s.Documents[0].TypeCode.Value = "15508-6"
	found := New(Options{TestINS: true}).Check(s, doctor())
	if len(found) != 1 || len(found[0].Nearest) != 3 || !strings.HasPrefix(found[0].Nearest[0], "15508-5^^"+loinc) ||
		!strings.Contains(found[0].Expected, "JDV_J66") || found[0].Found != "15508-6^^"+loinc {
		t.Error(found)
	}
}

func TestINS(t *testing.T) {
	real := func(id string) string { return id + "^^^&1.2.250.1.213.1.4.8&ISO^NH" }
	for _, c := range []struct {
		cx         string
		prod, test bool
	}{
		{real("279035121518989"), true, true},
		{real("2790351215189"), true, true},
		{real("1790320A12345"), false, false},
		{real("179032A12345678"), true, true},
		{real("17903"), false, false},
		{"279035121518989^^^&1.2.250.1.213.1.4.9&ISO", true, true},
		{"279035121518989^^^&1.2.250.1.213.1.4.8&ISO^PI", false, false},
		{"279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH", false, true},
		{"TEST1^^^&1.2.250.1.213.1.4.11&ISO^NH", false, true},
		{"1^^^&1.2.250.1.213.1.4.2&ISO", false, false},
	} {
		if got := ins(false).Problem(c.cx) == ""; got != c.prod {
			t.Errorf("production, %s: %v", c.cx, got)
		}
		if got := ins(true).Problem(c.cx) == ""; got != c.test {
			t.Errorf("test, %s: %v", c.cx, got)
		}
	}
}

// TestNormalise: the class follows from the type, NOPAT becomes the mark that is
// stored, and what a sender gave otherwise stays.
func TestNormalise(t *testing.T) {
	s, p := lot(), New(Options{})
	s.Documents[0].ClassCode = xds.Code{}
	s.Documents[0].Confidentiality = append(s.Documents[0].Confidentiality, xds.Code{Value: xds.MarkNOPAT, Scheme: xds.ActCodeScheme})
	s.Documents[1].ClassCode = xds.Code{}
	want := lot()
	want.Documents[0].Confidentiality = append(want.Documents[0].Confidentiality, xds.Marks{HiddenPatient: true}.Codes()...)
	want.Documents[1].ClassCode = signatureClass
	p.Normalise(&s)
	if diff := cmp.Diff(want, s); diff != "" {
		t.Error(diff)
	}
}

// TestSets: the files are whole, and no code is there twice.
func TestSets(t *testing.T) {
	for a, n := range map[xds.Attribute]int{
		xds.AttrTypeCode: 102, xds.AttrClassCode: 12, xds.AttrFormatCode: 62, xds.AttrConfidentiality: 7, xds.AttrFacilityType: 69,
		xds.AttrPracticeSetting: 12, xds.AttrAuthor: 396, xds.AttrContentType: 9, xds.AttrReferenceIDs: 3, xds.AttrLanguageCode: 1,
	} {
		set, seen := ValueSets()[a], map[string]bool{}
		if len(set.Codes) != n {
			t.Errorf("%s: %d codes, want %d", set.Name, len(set.Codes), n)
		}
		for _, c := range set.Codes {
			if c.Value == "" || seen[c.Key()] {
				t.Errorf("%s: %s empty or twice", set.Name, c.Key())
			}
			seen[c.Key()] = true
		}
	}
	for _, c := range ValueSets()[xds.AttrTypeCode].Codes {
		if class, ok := Class(c); !ok || class.Display == "" {
			t.Errorf("no class for %s", c.Key())
		}
	}
	for v, want := range map[string]string{"15508-5": "10", "18748-4": "31", "11369-6": "52", "57833-6": "42"} {
		if class, _ := Class(xds.Code{Value: v, Scheme: loinc}); class.Value != want {
			t.Errorf("%s: class %s", v, class.Value)
		}
	}
}
