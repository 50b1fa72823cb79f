package fhir

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/xds"
)

func readXMLText(text string, types ...string) (*Node, xds.Errors) {
	return ReadXML(strings.NewReader(text), 1<<20, types...)
}

func toXML(t testing.TB, n *Node, pretty bool) string {
	t.Helper()
	raw, err := AppendXML(nil, n, pretty)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// content is a Node as text in which the order of properties says nothing, as in JSON.
func content(n *Node) string {
	switch n.Kind {
	case Object:
		var members []string
		for _, m := range n.Members {
			members = append(members, fmt.Sprintf("%q:%s", m.Name, content(m.Value)))
		}
		slices.Sort(members)
		return "{" + strings.Join(members, ",\n") + "}"
	case Array:
		var items []string
		for _, item := range n.Items {
			items = append(items, content(item))
		}
		return "[" + strings.Join(items, ",\n") + "]"
	}
	return fmt.Sprintf("%d %q", n.Kind, n.Text)
}

func file(t testing.TB, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "r4", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestXMLOfAResource: what JSON and XML each have of their own (ids and extensions of
// primitives, gaps in lists, the narrative, order) is the same resource.
func TestXMLOfAResource(t *testing.T) {
	n := read(t, []byte(file(t, "patient.json")), "Patient")
	want := strings.TrimSpace(file(t, "patient.xml"))
	if diff := cmp.Diff(want, toXML(t, n, true)); diff != "" {
		t.Error(diff)
	}
	back, findings := readXMLText(want, "Patient")
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	if diff := cmp.Diff(content(n), content(back)); diff != "" {
		t.Error(diff)
	}
	if compact := toXML(t, n, false); strings.Count(compact, "\n") != 1 || len(compact) >= len(want) { // the one of the narrative
		t.Errorf("compact XML has lines: %s", compact)
	}
}

// TestAnswersInXML: all that the product writes is the same in both encodings.
func TestAnswersInXML(t *testing.T) {
	all := answers(t)
	all["provide"] = []byte(provideText(t))
	for name, raw := range all {
		n := read(t, raw)
		back, findings := readXMLText(toXML(t, n, name == "list"))
		if len(findings) > 0 {
			t.Errorf("%s: %v", name, findings)
			continue
		}
		if diff := cmp.Diff(content(n), content(back)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		again := read(t, AppendJSON(nil, back, name == "list"))
		if diff := cmp.Diff(content(back), content(again)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestBinaryInXML(t *testing.T) {
	document := admit(t, crDocument())[0]
	before, after, err := AppendBinaryXML(nil, document)
	if err != nil {
		t.Fatal(err)
	}
	n, findings := readXMLText(string(before)+"SGVsbG8="+after, "Binary")
	if len(findings) > 0 || n.Str("data") != "SGVsbG8=" || n.Str("contentType") != "text/xml" {
		t.Errorf("%v %s…%s", findings, before, after)
	}
}

func TestXMLFindings(t *testing.T) {
	patient := func(inner string) string {
		return "<Patient xmlns=\"http://hl7.org/fhir\">\n" + inner + "</Patient>"
	}
	for name, c := range map[string]struct {
		text, id, where string
		line            int
	}{
		"nothing":               {"", "XML-001", "XML", 1},
		"a DTD":                 {"<!DOCTYPE Patient>" + patient(""), "XML-002", "XML", 1},
		"an entity":             {patient(`<id value="&x;"/>`), "XML-002", "XML", 2},
		"cut short":             {"<Patient xmlns='http://hl7.org/fhir'>", "XML-001", "XML", 1},
		"too deep":              {patient(strings.Repeat("<contact>", 60)), "XML-003", "XML", 2},
		"no namespace":          {"<Patient/>", "FHIR-001", "resourceType", 1},
		"another namespace":     {"<Patient xmlns='urn:hl7-org:v3'/>", "FHIR-001", "resourceType", 1},
		"another type":          {"<Device xmlns='http://hl7.org/fhir'/>", "FHIR-001", "resourceType", 1},
		"unknown element":       {patient(`<humeur value="1"/>`), "FHIR-001", "Patient.humeur", 2},
		"element of another":    {patient(`<h:active xmlns:h="urn:h" value="true"/>`), "FHIR-001", "Patient.active", 2},
		"unknown attribute":     {patient(`<active value="true" lang="fr"/>`), "FHIR-001", "Patient.active.lang", 2},
		"attribute of a space":  {patient(`<active value="true" xml:lang="fr"/>`), "FHIR-001", "Patient.active.lang", 2},
		"id as an attribute":    {`<Patient xmlns="http://hl7.org/fhir" id="1"/>`, "FHIR-001", "Patient.id", 1},
		"id as an element":      {patient(`<name><id value="n"/></name>`), "FHIR-001", "Patient.name[0].id", 2},
		"url as an element":     {patient(`<extension><url value="u:x"/><valueCode value="a"/></extension>`), "FHIR-001", "Patient.extension[0].url", 2},
		"order":                 {patient("<birthDate value='1980'/>\n<active value='true'/>"), "FHIR-001", "Patient.active", 3},
		"list interrupted":      {patient(`<name><text value="a"/></name><gender value="male"/><name><text value="b"/></name>`), "FHIR-001", "Patient.name", 2},
		"repeated":              {patient(`<active value="true"/><active value="true"/>`), "FHIR-001", "Patient.active", 2},
		"text":                  {patient(`<active value="true"/>vrai`), "FHIR-001", "Patient", 1},
		"value as text":         {patient(`<active>true</active>`), "FHIR-001", "Patient.active", 2},
		"empty element":         {patient(`<active/>`), "FHIR-001", "Patient.active", 2},
		"empty object":          {patient(`<name/>`), "FHIR-001", "Patient.name[0]", 2},
		"empty value":           {patient(`<name><text value=""/></name>`), "FHIR-002", "Patient.name[0].text", 2},
		"boolean":               {patient(`<active value="1"/>`), "FHIR-002", "Patient.active", 2},
		"decimal":               {patient(`<extension url="u:x"><valueDecimal value="1,5"/></extension>`), "FHIR-002", "Patient.extension[0].valueDecimal", 2},
		"integer":               {patient(`<multipleBirthInteger value="02"/>`), "FHIR-002", "Patient.multipleBirthInteger", 2},
		"date":                  {patient(`<birthDate value="2024-02-31"/>`), "FHIR-002", "Patient.birthDate", 2},
		"code":                  {patient(`<gender value="femme"/>`), "FHIR-002", "Patient.gender", 2},
		"two of a choice":       {patient(`<deceasedBoolean value="true"/><deceasedDateTime value="2020"/>`), "FHIR-001", "Patient.deceasedDateTime", 2},
		"missing":               {patient(`<link><type value="refer"/></link>`), "FHIR-001", "Patient.link[0].other", 2},
		"two contained in one":  {patient(`<contained><Device/><Device/></contained>`), "FHIR-001", "Patient.contained[0]", 2},
		"contained of no table": {patient(`<contained><Encounter/></contained>`), "FHIR-001", "Patient.contained[0]", 2},
		"narrative's space":     {patient(`<text><status value="empty"/><div>x</div></text>`), "FHIR-001", "Patient.text.div", 2},
	} {
		_, findings := readXMLText(c.text, "Patient")
		if !slices.ContainsFunc(findings, func(e *xds.Error) bool { return e.ID == c.id && e.Where == c.where && e.Line == c.line }) {
			t.Errorf("%s: want %s at %s, line %d, got %v", name, c.id, c.where, c.line, findings)
		}
	}
}

// TestXMLTakesWhatClientsWrite: prefixes, comments, a byte order mark, schema hints.
func TestXMLTakesWhatClientsWrite(t *testing.T) {
	n, findings := readXMLText("\ufeff<?xml version='1.0' encoding='utf-8'?><?xml-stylesheet href='x'?><!-- à lire -->\n<f:Patient xmlns:f='http://hl7.org/fhir' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:schemaLocation='http://hl7.org/fhir patient.xsd'>"+
		"<f:active value='true'/><!-- --><f:multipleBirthInteger value='+3'></f:multipleBirthInteger></f:Patient>", "Patient")
	if len(findings) > 0 || n.Str("active") != "true" || n.Str("multipleBirthInteger") != "3" {
		t.Errorf("%v", findings)
	}
}

// TestXMLHoldsTheWholeTable: every kind of value in the table is one that both
// encodings can write.
func TestXMLHoldsTheWholeTable(t *testing.T) {
	for name, s := range r4().structures {
		for _, e := range s.elements {
			if _, ok := primitives[e.kind]; !ok && e.kind != "Resource" && r4().structures[e.kind] == nil {
				t.Errorf("%s.%s is of type %s", name, e.name, e.kind)
			}
		}
	}
	if _, err := AppendXML(nil, &Node{Kind: Object, Members: []Member{{"resourceType", &Node{Kind: String, Text: "Patient"}}, {"humeur", &Node{Kind: Null}}}}, false); err == nil {
		t.Error("an unknown element is left out")
	}
}

// FuzzXML: what is read is written, and reads the same again.
func FuzzXML(f *testing.F) {
	f.Add(file(f, "patient.xml"))
	f.Add(`<List xmlns="http://hl7.org/fhir"><status value="current"/><mode value="working"/></List>`)
	f.Fuzz(func(t *testing.T, text string) {
		n, findings := readXMLText(text)
		if len(findings) > 0 {
			return
		}
		written := toXML(t, n, false)
		again, findings := readXMLText(written)
		if len(findings) > 0 {
			t.Fatalf("%v\n%s", findings, written)
		}
		if content(n) != content(again) {
			t.Errorf("%s\nis not\n%s", content(again), content(n))
		}
	})
}

// FuzzJSON: what is read is written in both encodings, and reads the same again.
func FuzzJSON(f *testing.F) {
	f.Add(file(f, "patient.json"))
	f.Add(provideText(f))
	f.Fuzz(func(t *testing.T, text string) {
		n, findings := readText(text)
		if len(findings) > 0 {
			return
		}
		again, findings := readText(string(AppendJSON(nil, n, true)))
		if len(findings) > 0 || content(n) != content(again) {
			t.Fatalf("JSON: %v\n%s\nis not\n%s", findings, content(again), content(n))
		}
		again, findings = readXMLText(toXML(t, n, false))
		if len(findings) > 0 || content(n) != content(again) {
			t.Fatalf("XML: %v\n%s\nis not\n%s", findings, content(again), content(n))
		}
	})
}
