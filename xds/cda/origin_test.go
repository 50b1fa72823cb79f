package cda

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOrigins: each value says where it was read, by path and line.
func TestOrigins(t *testing.T) {
	doc := sample(t)
	h, _ := Derive([]byte(doc), Options{ClassOf: report})
	got := map[string]string{}
	for _, o := range h.Origins {
		got[o.Attribute] = strings.TrimPrefix(o.Path, "ClinicalDocument/")
		lines := strings.Split(doc, "\n")
		element := o.Path[strings.LastIndex(o.Path, "/")+1:]
		element, _, _ = strings.Cut(element, "[")
		if o.Line < 1 || o.Line > len(lines) || !strings.HasPrefix(lines[o.Line-1][o.Column-1:], "<"+element) && !strings.Contains(lines[o.Line-1], ":"+element) {
			t.Errorf("%s: no <%s> at line %d, column %d", o.Attribute, element, o.Line, o.Column)
		}
	}
	want := map[string]string{
		"uniqueId": "id", "typeCode": "code", "formatCode": "templateId[3]", "title": "title", "creationTime": "effectiveTime",
		"confidentialityCode[1]": "confidentialityCode", "languageCode": "languageCode",
		"patientId": "recordTarget/patientRole/id[2]", "sourcePatientId": "recordTarget/patientRole/id[1]",
		"sourcePatientInfo[1]": "recordTarget/patientRole/id[1]", "sourcePatientInfo[2]": "recordTarget/patientRole/patient/name",
		"sourcePatientInfo[3]": "recordTarget/patientRole/patient/birthTime", "sourcePatientInfo[4]": "recordTarget/patientRole/patient/administrativeGenderCode",
		"author[1].authorPerson": "author[1]/assignedAuthor/id", "author[1].authorInstitution": "author[1]/assignedAuthor/representedOrganization",
		"author[1].authorRole": "author[1]/functionCode", "author[1].authorSpecialty": "author[1]/assignedAuthor/code",
		"author[2].authorPerson": "author[2]/assignedAuthor/id", "author[2].authorSpecialty": "author[2]/assignedAuthor/code",
		"legalAuthenticator":         "legalAuthenticator/assignedEntity/id",
		"eventCodeList[1]":           "documentationOf[1]/serviceEvent/code",
		"eventCodeList[2]":           "documentationOf[1]/serviceEvent/code/translation",
		"eventCodeList[3]":           "documentationOf[2]/serviceEvent/code",
		"serviceStartTime":           "documentationOf[2]/serviceEvent/effectiveTime/low",
		"serviceStopTime":            "documentationOf[2]/serviceEvent/effectiveTime/high",
		"practiceSettingCode":        "documentationOf[2]/serviceEvent/performer/assignedEntity/representedOrganization/standardIndustryClassCode",
		"healthcareFacilityTypeCode": "componentOf/encompassingEncounter/location/healthCareFacility/code",
		"relatedDocument[1]":         "relatedDocument/parentDocument/id",
		"referenceIdList[1]":         "inFulfillmentOf/order/id", "referenceIdList[2]": "inFulfillmentOf/order/accessionNumber",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for asked, found := range map[string]string{
		"sourcePatientInfo[3].PID-7": "sourcePatientInfo[3]", "eventCodeList": "eventCodeList[1]", "typeCode": "typeCode",
		"confidentialityCode[2]": "", "classCode": "", "author[3].authorPerson": "",
	} {
		if o, ok := h.Origin(asked); o.Attribute != found || ok != (found != "") {
			t.Errorf("%s: %q", asked, o.Attribute)
		}
	}
}

// TestNamelessStructure: an author's structure known by its id alone takes the name
// that the header gives elsewhere, else its id, with a warning.
func TestNamelessStructure(t *testing.T) {
	doc := strings.Replace(sample(t), "<name>Labo Martin &amp;\n          Fils</name>", "", 1)
	h, errs := Derive([]byte(doc), Options{ClassOf: report})
	if len(errs) > 0 || h.Entry.Authors[0].Institutions[0] != "Labo^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1599990025" {
		t.Error("the custodian has the name:", errs, h.Entry.Authors[0].Institutions)
	}
	doc = strings.Replace(doc, "<name>Labo</name>", "", 1)
	h, errs = Derive([]byte(doc), Options{ClassOf: report})
	if len(errs) != 1 || errs.Failed() || errs[0].Where != "ClinicalDocument/author[1]/assignedAuthor/representedOrganization" ||
		h.Entry.Authors[0].Institutions[0] != "1599990025^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1599990025" {
		t.Error("nobody has the name:", errs, h.Entry.Authors[0].Institutions)
	}
}
