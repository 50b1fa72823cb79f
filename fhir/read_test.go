package fhir

import (
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
)

func readText(text string, types ...string) (*Node, xds.Errors) {
	return ReadResource(strings.NewReader(text), 1<<16, types...)
}

func TestReadResource(t *testing.T) {
	n, findings := readText(`{"resourceType":"Patient","active":true,"multipleBirthInteger":2,"birthDate":"1980","_birthDate":{"extension":[{"url":"http://x.example/t","valueDecimal":0.50}]},
"name":[{"given":["é","\u00e9\ud83d\ude00",null],"_given":[null,null,{"id":"a"}]}]}`, "Patient")
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	if got := root(n).follow("_birthDate.extension[0]").Str("valueDecimal"); got != "0.50" {
		t.Errorf("a decimal keeps its text: %s", got)
	}
	if got := root(n).follow("name[0]").get("given").at(1).text(); got != "é😀" {
		t.Errorf("escapes: %q", got)
	}
}

func TestReadFindings(t *testing.T) {
	deep := strings.Repeat(`{"extension":[`, 60) + strings.Repeat(`]}`, 60)
	for name, c := range map[string]struct{ text, id, where string }{
		"empty":               {``, "FHIR-001", ""},
		"list":                {`[]`, "FHIR-001", ""},
		"after the end":       {`{"resourceType":"Patient"} x`, "FHIR-001", ""},
		"comma at the end":    {`{"resourceType":"Patient",}`, "FHIR-001", ""},
		"no comma":            {`{"resourceType":"Patient" "id":"1"}`, "FHIR-001", ""},
		"single quotes":       {`{'resourceType':'Patient'}`, "FHIR-001", ""},
		"open text":           {`{"resourceType":"Pat`, "FHIR-001", ""},
		"control character":   {"{\"resourceType\":\"Pat\nient\"}", "FHIR-001", ""},
		"half a surrogate":    {`{"resourceType":"Patient","id":"\ud83d"}`, "FHIR-001", ""},
		"no UTF-8":            {"{\"resourceType\":\"Patient\",\"id\":\"\xff\"}", "FHIR-001", ""},
		"number":              {`{"resourceType":"Patient","multipleBirthInteger":02}`, "FHIR-001", ""},
		"too deep":            {`{"resourceType":"Patient","extension":[` + deep + `]}`, "FHIR-001", ""},
		"too long":            {`{"resourceType":"Patient","id":"` + strings.Repeat("a", 1<<16) + `"}`, "FHIR-007", ""},
		"another type":        {`{"resourceType":"Device"}`, "FHIR-001", "resourceType"},
		"no type":             {`{"id":"1"}`, "FHIR-001", "resourceType"},
		"null":                {`{"resourceType":"Patient","active":null}`, "FHIR-001", "Patient.active"},
		"empty list":          {`{"resourceType":"Patient","name":[]}`, "FHIR-001", "Patient.name"},
		"empty object":        {`{"resourceType":"Patient","name":[{}]}`, "FHIR-001", "Patient.name[0]"},
		"two of a choice":     {`{"resourceType":"Patient","deceasedBoolean":true,"deceasedDateTime":"2020"}`, "FHIR-001", "Patient.deceasedDateTime"},
		"choice of other":     {`{"resourceType":"Patient","deceasedString":"x"}`, "FHIR-001", "Patient.deceasedString"},
		"missing":             {`{"resourceType":"Patient","link":[{"type":"refer"}]}`, "FHIR-001", "Patient.link[0].other"},
		"long id":             {`{"resourceType":"Patient","id":"` + strings.Repeat("a", 65) + `"}`, "FHIR-002", "Patient.id"},
		"blank text":          {`{"resourceType":"Patient","name":[{"text":" "}]}`, "FHIR-002", "Patient.name[0].text"},
		"code":                {`{"resourceType":"Patient","gender":"femme"}`, "FHIR-002", "Patient.gender"},
		"companion of nobody": {`{"resourceType":"Patient","_nobody":{"id":"1"}}`, "FHIR-001", "Patient._nobody"},
		"companion's length":  {`{"resourceType":"Patient","name":[{"given":["a"],"_given":[null,null]}]}`, "FHIR-001", "Patient.name[0]._given"},
		"companion of an id":  {`{"resourceType":"Patient","_id":{"id":"1"}}`, "FHIR-001", "Patient._id"},
		"companion of a url":  {`{"resourceType":"Patient","extension":[{"url":"u:x","_url":{"id":"1"},"valueCode":"a"}]}`, "FHIR-001", "Patient.extension[0]._url"},
		"companion of a div":  {`{"resourceType":"Patient","text":{"status":"empty","_div":{"id":"1"}}}`, "FHIR-001", "Patient.text._div"},
		"second by companion": {`{"resourceType":"Patient","deceasedBoolean":true,"_deceasedDateTime":{"id":"1"}}`, "FHIR-001", "Patient._deceasedDateTime"},
		"null for nobody":     {`{"resourceType":"Patient","name":[{"given":["a",null]}]}`, "FHIR-001", "Patient.name[0].given[1]"},
		"null and null":       {`{"resourceType":"Patient","name":[{"given":["a",null],"_given":[{"id":"1"},null]}]}`, "FHIR-001", "Patient.name[0].given[1]"},
		"endless number":      {`{"resourceType":"Patient","multipleBirthInteger":1` + strings.Repeat("0", 400) + `}`, "FHIR-001", "Patient.multipleBirthInteger"},
		"control by escape":   {`{"resourceType":"Patient","name":[{"text":"a\u0001"}]}`, "FHIR-002", "Patient.name[0].text"},
		"not read here":       {`{"resourceType":"Patient","contained":[{"resourceType":"Slot","id":"s"}]}`, "FHIR-009", "Patient.contained[0]"},
		"extension of Bundle": {`{"resourceType":"Patient","contained":[{"resourceType":"Parameters","extension":[]}]}`, "FHIR-001", "Patient.contained[0].extension"},
		"extension's url":     {`{"resourceType":"Patient","extension":[{"valueString":"x"}]}`, "FHIR-001", "Patient.extension[0].url"},
	} {
		if _, findings := readText(c.text, "Patient"); !has(findings, c.id, c.where) {
			t.Errorf("%s: want %s at %s, got %v", name, c.id, c.where, findings)
		}
	}
}

func TestFindingsHaveALine(t *testing.T) {
	_, findings := readText("{\n  \"resourceType\": \"Patient\",\n  \"humeur\": 1\n}", "Patient")
	if len(findings) != 1 || findings[0].Line != 3 || findings[0].Column != 13 {
		t.Errorf("%+v", findings)
	}
}

func TestDates(t *testing.T) {
	for text, want := range map[string]xds.DTM{
		"2026": "2026", "2026-06": "202606", "2026-06-12": "20260612", "2026-06-12T10:00:00+02:00": "20260612080000", "2026-06-12T10:00:00.999Z": "20260612100000",
		"2026-02-31": "", "2026-13": "", "2026-06-12T10:00": "", "2026-06-12T25:00:00Z": "", "0000": "", "2024-02-29": "20240229", "2026-06-12T10:00:00": "",
	} {
		if got := dtmOf(text); got != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}

// FuzzReadResource: no text makes the reader fall over, and what it accepts without
// a finding it accepts again.
func FuzzReadResource(f *testing.F) {
	f.Add(provideText(f))
	f.Add(`{"resourceType":"Patient","name":[{"given":["\u00e9\ud83d\ude00"]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		n, findings := readText(text)
		if n != nil && len(findings) == 0 && n.ResourceType() == "Bundle" {
			ReadProvideBundle(n, References{Base: testBase})
		}
	})
}
