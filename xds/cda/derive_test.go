package cda

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/xds"
)

// sample is the CDA of testdata: a whole header with comments and a stylesheet.
func sample(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("testdata/header.xml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// report is the only class that the tests need.
func report(c xds.Code) (xds.Code, bool) {
	return xds.Code{Value: "10", Scheme: "1.2.250.1.213.1.1.4.1", Display: "Compte rendu"}, c.Value == "11502-2"
}

func TestDerive(t *testing.T) {
	doc := sample(t)
	h, errs := Derive([]byte(doc), Options{ClassOf: report})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	want := Header{
		Entry: xds.DocumentEntry{
			ObjectType: xds.StableDocument, UniqueID: "2.25.42.7", Title: "Bilan sanguin & ferritine", MimeType: "text/xml",
			TypeCode:        xds.Code{Value: "11502-2", Scheme: "2.16.840.1.113883.6.1", Display: "CR d'examens biologiques"},
			ClassCode:       xds.Code{Value: "10", Scheme: "1.2.250.1.213.1.1.4.1", Display: "Compte rendu"},
			FormatCode:      xds.Code{Value: "urn:ihe:lab:xd-lab:2008", Scheme: "1.3.6.1.4.1.19376.1.2.3", Display: "Compte rendu d'examens de biologie médicale"},
			Confidentiality: []xds.Code{{Value: "N", Scheme: "2.16.840.1.113883.5.25", Display: "Normal"}},
			CreationTime:    "20260110231500", ServiceStart: "20260110080000", ServiceStop: "20260111", LanguageCode: "fr-FR",
			PracticeSetting: xds.Code{Value: "AMBULATOIRE", Scheme: "1.2.250.1.213.1.1.4.9", Display: "Ambulatoire"},
			FacilityType:    xds.Code{Value: "SA25", Scheme: "1.2.250.1.71.4.2.4", Display: "Laboratoire de biologie médicale"},
			EventCodes: []xds.Code{
				{Value: "18719-5", Scheme: "2.16.840.1.113883.6.1", Display: "Biochimie"},
				{Value: "FAUX1", Scheme: "1.2.3", Display: "acte"},
				{Value: "18723-7", Scheme: "2.16.840.1.113883.6.1", Display: "Hématologie"},
			},
			PatientID: "293035999901185^^^&1.2.250.1.213.1.4.10&ISO^NH", SourcePatientID: "IPP7^^^&1.2.3.4&ISO^PI",
			SourcePatientInfo: []string{"PID-3|IPP7^^^&1.2.3.4&ISO^PI", "PID-5|GARNIER^ALICE^ALICE JEANNE^^^^L~DUBOIS^ALICE^^^^^D", "PID-7|19930314", "PID-8|F"},
			ReferenceIDs:      []string{"PRESC-12^^^&1.2.3.5&ISO^urn:ihe:iti:xds:2013:order", "ACC-9^^^&1.2.3.6&ISO^urn:ihe:iti:xds:2013:accession"},
			Authors: []xds.Author{
				{Person: "899900001211^DURAND^Philippe^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS",
					Institutions: []xds.XON{`Labo Martin \T\ Fils^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1599990025`},
					Roles:        []string{"Médecin traitant"}, Specialties: []string{"G15_10/SM03^Médecin - Biologie médicale (SM)^1.2.250.1.213.1.1.4.5"}},
				{Person: "5180/1.2^Automate^X1^^^^^^&1.2.250.1.71.4.2.1&ISO^U^^^RI",
					Specialties: []string{"DISPOSITIF^Dispositif médical^1.2.250.1.213.1.1.4.6"}},
			},
			LegalAuthenticator: "293035999901185^GARNIER^Alice^^^^^^&1.2.250.1.213.1.4.10&ISO^D^^^NH",
		},
		Relations: []Relation{{xds.Replaces, "2.25.42.6"}},
		SetID:     "2.25.42", Version: 2,
		Templates: []string{"2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1", "1.2.250.1.213.1.1.1.55"},
		Custodian: "Labo^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1599990025",
	}
	want.Entry.Hash, want.Entry.Size = h.Entry.Hash, int64(len(doc)) // the hash is checked by TestHash
	want.Origins = h.Origins                                         // and these by TestOrigins
	if diff := cmp.Diff(want, h); diff != "" {
		t.Error(diff)
	}
	if h.Replaces() != "2.25.42.6" {
		t.Error(h.Replaces())
	}
}

func TestHash(t *testing.T) {
	h, _ := Derive([]byte(`<ClinicalDocument xmlns="urn:hl7-org:v3"/>`), Options{})
	if h.Entry.Hash != "fb4dce2394e0927d829970afd5b3b2ad0f9c1899" || h.Entry.Size != 42 {
		t.Error(h.Entry.Hash, h.Entry.Size)
	}
}

// TestFindings changes one thing of the sample at a time and expects one finding
// about it, at its place.
func TestFindings(t *testing.T) {
	cases := map[string]struct{ old, new, id, where, expected string }{
		"extension":          {`<id root="2.25.42.7"/>`, `<id root="2.25.42" extension="7"/>`, "META-004", "ClinicalDocument/id", "uniqueId"},
		"UUID as id":         {`<id root="2.25.42.7"/>`, `<id root="0A1B2C3D-0000-4000-8000-000000000000"/>`, "META-004", "ClinicalDocument/id", "uniqueId"},
		"no id":              {`<id root="2.25.42.7"/>`, ``, "META-001", "ClinicalDocument/id/@root", "uniqueId"},
		"type unknown":       {`code="11502-2"`, `code="99999-9"`, "META-003", "ClinicalDocument/code", "typeCode"},
		"type null":          {`<code code="11502-2"`, `<code nullFlavor="UNK"`, "META-001", "ClinicalDocument/code/@code", "typeCode"},
		"no title":           {`<title>Bilan sanguin &amp; ferritine</title>`, ``, "META-001", "ClinicalDocument/title", "title"},
		"long title":         {`Bilan sanguin`, strings.Repeat("é", 129), "META-010", "ClinicalDocument/title", "title"},
		"time without zone":  {`value="20260111001500+0100"`, `value="20260111001500"`, "META-004", "ClinicalDocument/effectiveTime", "décalage"},
		"time malformed":     {`value="20260111001500+0100"`, `value="2026-01-11T00:15"`, "META-004", "ClinicalDocument/effectiveTime", "creationTime"},
		"no confidentiality": {`<confidentialityCode code="N"`, `<confidentialityCode nullFlavor="NI"`, "META-001", "ClinicalDocument/confidentialityCode/@code", "confidentialityCode"},
		"no language":        {`<languageCode code="fr-FR"/>`, ``, "META-001", "ClinicalDocument/languageCode/@code", "languageCode"},
		"no INS":             {`root="1.2.250.1.213.1.4.10" extension="293035999901185"/><!--ins-->`, `root="1.9.9" extension="1"/>`, "META-001", "ClinicalDocument/recordTarget/patientRole/id", "patientId"},
		"bad IPP":            {`extension="IPP7"`, `extension="IPP^7"`, "META-004", "ClinicalDocument/recordTarget/patientRole/id[1]", "sourcePatientId"},
		"no birth date":      {`<birthTime value="19930314"/>`, ``, "META-001", "ClinicalDocument/recordTarget/patientRole/patient/birthTime/@value", "sourcePatientInfo"},
		"bad birth date":     {`value="19930314"`, `value="19931332"`, "META-004", "ClinicalDocument/recordTarget/patientRole/patient/birthTime", "naissance"},
		"no name":            {`<family qualifier="BR">GARNIER</family>`, ``, "META-001", "ClinicalDocument/recordTarget/patientRole/patient/name", "sourcePatientInfo"},
		"no sex":             {`<administrativeGenderCode code="F"`, `<administrativeGenderCode nullFlavor="UNK"`, "META-001", "ClinicalDocument/recordTarget/patientRole/patient/administrativeGenderCode/@code", "sexe"},
		"author without id":  {`<id root="1.2.250.1.71.4.2.1" extension="899900001211"/>`, ``, "META-001", "ClinicalDocument/author[1]", "authorPerson"},
		"two patients":       {"<custodian>", "<recordTarget/><custodian>", "META-002", "ClinicalDocument/recordTarget[2]", "patientId"},
		"two signers":        {"<inFulfillmentOf>", "<legalAuthenticator/><inFulfillmentOf>", "META-002", "ClinicalDocument/legalAuthenticator[2]", "legalAuthenticator"},
		"no signer":          {"legalAuthenticator>", "authenticator>", "META-001", "ClinicalDocument/legalAuthenticator", "legalAuthenticator"},
		"no start":           {`<low value="20260110090000+0100"/>`, ``, "META-001", "ClinicalDocument/documentationOf/serviceEvent/effectiveTime/low/@value", "serviceStartTime"},
		"no setting":         {`<standardIndustryClassCode code="AMBULATOIRE"`, `<standardIndustryClassCode nullFlavor="NI"`, "META-001", "ClinicalDocument/documentationOf/serviceEvent/performer/assignedEntity/representedOrganization/standardIndustryClassCode/@code", "practiceSettingCode"},
		"no facility":        {`<code code="SA25"`, `<code nullFlavor="NI"`, "META-001", "ClinicalDocument/componentOf/encompassingEncounter/location/healthCareFacility/code/@code", "healthcareFacilityTypeCode"},
		"no body":            {"structuredBody", "otherBody", "META-001", "ClinicalDocument/component", "formatCode"},
		"unknown media":      {`<structuredBody><component><section/></component></structuredBody>`, `<nonXMLBody><text mediaType="video/mp4">AA==</text></nonXMLBody>`, "META-003", "ClinicalDocument/component/nonXMLBody/text", "application/pdf"},
		"relation unknown":   {`typeCode="RPLC"`, `typeCode="ZZZ"`, "META-012", "ClinicalDocument/relatedDocument", "RPLC"},
		"parent as UUID":     {`<id root="2.25.42.6"/>`, `<id root="0A1B2C3D-0000-4000-8000-000000000000"/>`, "META-004", "ClinicalDocument/relatedDocument/parentDocument/id", "document visé"},
		"Latin-1 declared":   {`encoding="UTF-8"`, `encoding="ISO-8859-1"`, "XML-002", "", "UTF-8"},
		"Latin-1 bytes":      {`Hématologie`, "H\xE9matologie", "XML-001", "", "UTF-8"},
		"DTD":                {"<!-- en-tête -->", `<!DOCTYPE ClinicalDocument [<!ENTITY e "x">]>`, "XML-002", "", ""},
		"not a CDA":          {"urn:hl7-org:v3", "urn:hl7-org:v2", "META-004", "ClinicalDocument", "CDA R2"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			doc := sample(t)
			if !strings.Contains(doc, c.old) {
				t.Fatal("the sample does not hold", c.old)
			}
			_, errs := Derive([]byte(strings.ReplaceAll(doc, c.old, c.new)), Options{ClassOf: report})
			if len(errs) != 1 {
				t.Fatalf("%d findings: %v", len(errs), errs)
			}
			e := errs[0]
			if e.ID != c.id || c.where != "" && e.Where != c.where || !strings.Contains(e.Expected, c.expected) || e.Line == 0 {
				t.Errorf("%s at %s line %d, expected %q", e.ID, e.Where, e.Line, e.Expected)
			}
			if text := e.Error(); strings.Contains(text, "GARNIER") || strings.Contains(text, "29303") || strings.Contains(text, "ferritine") {
				t.Error("the finding tells an identity or a title:", text)
			}
		})
	}
}

// TestAllAtOnce: an empty header has one finding for each attribute that it lacks.
func TestAllAtOnce(t *testing.T) {
	_, errs := Derive([]byte(`<ClinicalDocument xmlns="urn:hl7-org:v3"/>`), Options{ClassOf: report})
	got := map[string]bool{}
	for _, e := range errs {
		attribute, _, _ := strings.Cut(e.Expected, " ")
		got[attribute] = true
	}
	want := map[string]bool{"uniqueId": true, "typeCode": true, "formatCode": true, "title": true, "creationTime": true, "confidentialityCode": true,
		"languageCode": true, "patientId": true, "sourcePatientInfo": true, "author": true, "legalAuthenticator": true, "serviceStartTime": true,
		"practiceSettingCode": true, "healthcareFacilityTypeCode": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestBounds: repeated parts are bounded, and so is the text.
func TestBounds(t *testing.T) {
	many := strings.Replace(sample(t), "<custodian>", strings.Repeat(`<author/>`, 100_000)+"<custodian>", 1)
	h, errs := Derive([]byte(many), Options{})
	if len(h.Entry.Authors) != maxRepeats || len(errs) != xds.MaxFindings || errs[0].ID != "META-015" {
		t.Errorf("%d authors, %d findings, first %s", len(h.Entry.Authors), len(errs), errs[0].ID)
	}
	if _, errs := Derive(make([]byte, MaxBytes+1), Options{}); len(errs) != 1 || errs[0].ID != "XML-003" {
		t.Error(errs)
	}
	if _, errs := Derive([]byte("\xEF\xBB\xBF"+sample(t)), Options{ClassOf: report}); len(errs) > 0 {
		t.Error("a byte order mark before a CDA:", errs)
	}
}

// TestPreferredINS: the NIR wins over other roots whatever their order.
func TestPreferredINS(t *testing.T) {
	test := `<id root="1.2.250.1.213.1.4.10" extension="293035999901185"/>`
	doc := strings.Replace(sample(t), test, test+`<id root="1.2.250.1.213.1.4.8" extension="293035999901186"/>`, 1)
	h, errs := Derive([]byte(doc), Options{ClassOf: report})
	if len(errs) > 0 || h.Entry.PatientID != "293035999901186^^^&1.2.250.1.213.1.4.8&ISO^NH" || h.Entry.SourcePatientID.Type() != "PI" {
		t.Error(errs, h.Entry.PatientID, h.Entry.SourcePatientID)
	}
	alone := strings.Replace(sample(t), `<id root="1.2.3.4" extension="IPP7"/>`, "", 1)
	if h, _ := Derive([]byte(alone), Options{}); h.Entry.SourcePatientID != h.Entry.PatientID || h.Entry.SourcePatientID == "" {
		t.Error("without a local number the source id is the INS:", h.Entry.SourcePatientID)
	}
}

// TestImagingStudy: the act of an imaging report is identified by its study.
func TestImagingStudy(t *testing.T) {
	doc := strings.Replace(sample(t), `<templateId root="2.16.840.1.113883.2.8.2.1"/>`, `<templateId root="1.2.840.10008.9.1"/>`, 1)
	doc = strings.Replace(doc, `<code code="18719-5"`, `<id root="1.2.3.7.1"/><code code="18719-5"`, 1)
	h, _ := Derive([]byte(doc), Options{ClassOf: report})
	if ids := h.Entry.ReferenceIDs; len(ids) != 3 || ids[2] != "1.2.3.7.1^^^^urn:ihe:iti:xds:2016:studyInstanceUID" {
		t.Error(ids)
	}
}

// TestMainEvent: the first act that has a performer dates the service; without
// any, the first act does.
func TestMainEvent(t *testing.T) {
	const performer = `<performer typeCode="PRF">`
	none := strings.Replace(sample(t), performer, `<participant typeCode="PRF">`, 1)
	none = strings.Replace(none, "</performer>", "</participant>", 1)
	none = strings.Replace(none, `displayName="acte"/>
      </code>`, `displayName="acte"/>
      </code><effectiveTime value="20260109"/>`, 1)
	if h, _ := Derive([]byte(none), Options{}); h.Entry.ServiceStart != "20260109" {
		t.Error("without performer:", h.Entry.ServiceStart)
	}
	two := strings.Replace(sample(t), "<relatedDocument", `<documentationOf><serviceEvent><code code="18719-5" codeSystem="2.16.840.1.113883.6.1"/>
		<effectiveTime value="20270101"/>`+performer+`</performer></serviceEvent></documentationOf><relatedDocument`, 1)
	h, errs := Derive([]byte(two), Options{ClassOf: report})
	if len(errs) > 0 || h.Entry.ServiceStart != "20260110080000" {
		t.Error("with two performers:", errs, h.Entry.ServiceStart)
	}
	if len(h.Entry.EventCodes) != 3 {
		t.Error("a code twice:", h.Entry.EventCodes)
	}
}

// TestTitleLength: 128 characters pass, however many bytes they are.
func TestTitleLength(t *testing.T) {
	for n, findings := range map[int]int{maxTitle: 0, maxTitle + 1: 1} {
		doc := strings.Replace(sample(t), "Bilan sanguin &amp; ferritine", strings.Repeat("é", n), 1)
		if _, errs := Derive([]byte(doc), Options{ClassOf: report}); len(errs) != findings {
			t.Errorf("%d characters: %v", n, errs)
		}
	}
}

func TestToUTC(t *testing.T) {
	cases := map[string]xds.DTM{
		"20191203133000+0100": "20191203123000", "20260101003000+0200": "20251231223000", "201907011649+0100": "201907011549",
		"20210401": "20210401", "2021": "2021", "202104": "202104", "20210401+0100": "20210401", "2021040109+0100": "2021040108",
		"2021040109+0530": "202104010330", "20210401090000.123-0330": "20210401123000",
		"20210401090000": "", "20210401090000+01": "", "20210401090000+0175": "", "20211301": "", "": "", "202104011": "", "20210401-": "", "x": "",
	}
	for value, want := range cases {
		got, expected := toUTC(value)
		if got != want || (want == "") != (expected != "") {
			t.Errorf("toUTC(%q) = %q, %q; want %q", value, got, expected, want)
		}
	}
}

// FuzzDerive: no input panics, and what derives without a finding is well formed.
func FuzzDerive(f *testing.F) {
	b, err := os.ReadFile("testdata/header.xml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, doc []byte) {
		h, errs := Derive(doc, Options{ClassOf: report})
		if len(errs) == 0 && (!h.Entry.PatientID.Valid() || !xds.IsOID(h.Entry.UniqueID)) {
			t.Errorf("derived %q, %q", h.Entry.PatientID, h.Entry.UniqueID)
		}
	})
}
