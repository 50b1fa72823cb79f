package conformance_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
)

// sampleEntry is a DocumentEntry in the terms of the mapping table.
func sampleEntry(d xds.DocumentEntry) map[string][]string {
	m := map[string][]string{}
	set := func(name string, values ...string) {
		for _, v := range values {
			if v != "" {
				m[name] = append(m[name], v)
			}
		}
		slices.Sort(m[name])
	}
	keys := func(codes []xds.Code) (all []string) {
		for _, c := range codes {
			all = append(all, c.Key())
		}
		return all
	}
	who := func(x xds.XCN) string {
		if x == "" {
			return ""
		}
		return sampleText(x.ID()) + "@" + x.Authority() + "|" + sampleText(x.Family()) + "|" + sampleText(x.Given())
	}
	set("hash", d.Hash)
	set("size", fmt.Sprint(d.Size))
	set("mimeType", d.MimeType)
	set("uniqueId", d.UniqueID)
	set("typeCode", d.TypeCode.Key())
	set("classCode", d.ClassCode.Key())
	set("formatCode", d.FormatCode.Key())
	set("title", d.Title)
	set("creationTime", string(d.CreationTime))
	set("confidentialityCode", keys(d.Confidentiality)...)
	set("languageCode", d.LanguageCode)
	set("patientId", d.PatientID.ID()+"@"+d.PatientID.Authority())
	set("sourcePatientId", d.SourcePatientID.ID()+"@"+d.SourcePatientID.Authority())
	for _, line := range d.SourcePatientInfo {
		switch field, value, _ := strings.Cut(line, "|"); field {
		case "PID-5":
			parts := strings.Split(value, "^")
			set("sourcePatientInfo", "PID-5 "+sampleText(parts[0])+"^"+sampleText(parts[1]))
		case "PID-7", "PID-8":
			set("sourcePatientInfo", field+" "+value)
		}
	}
	for _, a := range d.Authors {
		set("author.authorPerson", who(a.Person))
		for _, x := range a.Institutions {
			institution := sampleText(x.Name())
			if x.ID() != "" {
				institution += "|" + x.ID() + "@" + x.Authority()
			}
			set("author.authorInstitution", institution)
		}
		for _, text := range a.Specialties {
			parts := strings.Split(text, "^")
			set("author.authorSpecialty", parts[0]+"^^"+parts[2])
		}
		set("author.authorRole", a.Roles...)
	}
	set("legalAuthenticator", who(d.LegalAuthenticator))
	set("serviceStartTime", string(d.ServiceStart))
	set("serviceStopTime", string(d.ServiceStop))
	set("practiceSettingCode", d.PracticeSetting.Key())
	set("eventCodeList", keys(d.EventCodes)...)
	set("healthcareFacilityTypeCode", d.FacilityType.Key())
	for _, id := range d.ReferenceIDs {
		parts := strings.Split(id, "^")
		value := sampleText(parts[0])
		if authority := xds.CX(id).Authority(); authority != "" {
			value += "@" + authority
		}
		set("referenceIdList", parts[4]+" "+value)
	}
	return m
}

// sampleText undoes the escapes of HL7 v2.
func sampleText(s string) string {
	return strings.NewReplacer(`\S\`, "^", `\T\`, "&", `\R\`, "~", `\F\`, "|", `\E\`, `\`).Replace(s)
}

// sampleReference is what a DocumentReference says, in the terms of the mapping table.
func sampleReference(t *testing.T, resource map[string]any) map[string][]string {
	t.Helper()
	raw, err := json.Marshal(resource)
	if err != nil {
		t.Fatal(err)
	}
	type concept struct{ Coding []struct{ Code string } }
	var r struct {
		MasterIdentifier struct{ Value string }
		Type             concept
		Category         []concept
		SecurityLabel    []concept
		Date             string
		Content          []struct {
			Attachment struct {
				ContentType, Language, Hash, Title string
				Size                               int
			}
			Format struct{ Code string }
		}
		Context struct {
			Event                         []concept
			Period                        struct{ Start, End string }
			FacilityType, PracticeSetting concept
		}
	}
	if err := json.Unmarshal(raw, &r); err != nil || len(r.Content) != 1 {
		t.Fatalf("%v: %s", err, raw)
	}
	codes := func(all ...concept) (out []string) {
		for _, c := range all {
			out = append(out, c.Coding[0].Code)
		}
		slices.Sort(out)
		return out
	}
	content := r.Content[0]
	hash, err := base64.StdEncoding.DecodeString(content.Attachment.Hash)
	if err != nil {
		t.Error(err)
	}
	m := map[string][]string{
		"uniqueId": {strings.TrimPrefix(r.MasterIdentifier.Value, "urn:oid:")}, "typeCode": codes(r.Type), "classCode": codes(r.Category...),
		"confidentialityCode": codes(r.SecurityLabel...), "mimeType": {content.Attachment.ContentType}, "languageCode": {content.Attachment.Language},
		"hash": {hex.EncodeToString(hash)}, "title": {content.Attachment.Title}, "size": {fmt.Sprint(content.Attachment.Size)},
		"formatCode": {content.Format.Code}, "healthcareFacilityTypeCode": codes(r.Context.FacilityType), "practiceSettingCode": codes(r.Context.PracticeSetting),
		"serviceStartTime": {sampleInstant(r.Context.Period.Start)},
	}
	if events := codes(r.Context.Event...); events != nil {
		m["eventCodeList"] = events
	}
	if r.Context.Period.End != "" {
		m["serviceStopTime"] = []string{sampleInstant(r.Context.Period.End)}
	}
	return m
}

// wantReference is what a DocumentReference should say: codes without their systems,
// which FHIR names otherwise, times to the minute, which is as far as one of FHIR
// can hold all that XDS writes.
func (s sample) wantReference(t *testing.T) map[string][]string {
	t.Helper()
	m := map[string][]string{}
	for _, name := range []string{"uniqueId", "typeCode", "classCode", "confidentialityCode", "mimeType", "languageCode", "hash", "title", "size", "formatCode",
		"healthcareFacilityTypeCode", "practiceSettingCode", "eventCodeList"} {
		for _, v := range s.want[name] {
			if name != "title" {
				v, _, _ = strings.Cut(v, "^^")
			}
			m[name] = append(m[name], v)
		}
		slices.Sort(m[name])
	}
	for _, name := range []string{"serviceStartTime", "serviceStopTime"} {
		for _, v := range s.want[name] {
			m[name] = append(m[name], v[:min(len(v), 12)])
		}
	}
	if m["eventCodeList"] == nil {
		delete(m, "eventCodeList")
	}
	return m
}

// sampleInstant is a FHIR dateTime as XDS writes it, to the minute.
func sampleInstant(text string) string {
	digits := strings.NewReplacer("-", "", ":", "", "T", "", "Z", "").Replace(text)
	return digits[:min(len(digits), 12)]
}
