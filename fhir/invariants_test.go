package fhir

import (
	"fmt"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
)

// TestInvariants: what R4 says of an object beside its elements, in either encoding.
func TestInvariants(t *testing.T) {
	const org = `{"resourceType":"Organization","id":"o","name":"x"}`
	for name, c := range map[string]struct{ text, id, where string }{
		"extension without a value":   {`"extension":[{"url":"u:x"}]`, "FHIR-009", "Patient.extension[0]"},
		"extension with both":         {`"extension":[{"url":"u:x","valueCode":"a","extension":[{"url":"u:y","valueCode":"b"}]}]`, "FHIR-009", "Patient.extension[0]"},
		"period upside down":          {`"name":[{"text":"x","period":{"start":"2026-03-02","end":"2026-03-01"}}]`, "FHIR-009", "Patient.name[0].period"},
		"data without a type":         {`"photo":[{"data":"SGVsbG8="}]`, "FHIR-009", "Patient.photo[0]"},
		"type of media":               {`"photo":[{"contentType":"image"}]`, "FHIR-002", "Patient.photo[0].contentType"},
		"contained in contained":      {`"contained":[{"resourceType":"Organization","id":"o","contained":[` + org + `]}],"managingOrganization":{"reference":"#o"}`, "FHIR-009", "Patient.contained[0].contained"},
		"contained without an id":     {`"contained":[{"resourceType":"Organization","name":"x"}]`, "FHIR-009", "Patient.contained[0]"},
		"contained twice":             {`"contained":[` + org + `,` + org + `],"managingOrganization":{"reference":"#o"}`, "FHIR-009", "Patient.contained[1].id"},
		"reference to nothing":        {`"contained":[` + org + `],"managingOrganization":{"reference":"#p"}`, "FHIR-009", "Patient.managingOrganization.reference"},
		"contained that leads astray": {`"contained":[{"resourceType":"Organization","id":"o","partOf":{"reference":"#p"}}],"managingOrganization":{"reference":"#o"}`, "FHIR-009", "Patient.contained[0].partOf.reference"},
	} {
		text := `{"resourceType":"Patient",` + c.text + `}`
		n, findings := readText(text, "Patient")
		if !has(findings, c.id, c.where) || findings[0].Problem().Status < 400 {
			t.Errorf("%s: want %s at %s, got %v", name, c.id, c.where, findings)
		}
		if _, findings := readXMLText(toXML(t, n, false)); !has(findings, c.id, c.where) {
			t.Errorf("%s in XML: want %s at %s, got %v", name, c.id, c.where, findings)
		}
	}
	for _, text := range []string{
		`"contained":[` + org + `],"managingOrganization":{"reference":"#o"}`,
		`"contained":[{"resourceType":"Organization","id":"o","partOf":{"reference":"#"}}]`,
		`"name":[{"text":"x","period":{"start":"2026-03-02T10:00:00Z","end":"2026-03-02"}}]`,
		`"extension":[{"url":"u:x","valueString":"a","_valueString":{"id":"i"}}]`,
		`"extension":[{"url":"u:x","_valueString":{"id":"i"}}]`,
		`"photo":[{"contentType":"text/plain; charset=utf-8","data":"SGVs\nbG8="}]`,
	} {
		if _, findings := readText(`{"resourceType":"Patient",` + text + `}`); len(findings) > 0 {
			t.Errorf("%s: %v", text, findings)
		}
	}
}

// TestNarratives: a narrative shows and does nothing else.
func TestNarratives(t *testing.T) {
	narrative := func(inner string) xds.Errors {
		_, findings := readText(`{"resourceType":"Patient","text":{"status":"generated","div":` + fmt.Sprintf("%q", inner) + `}}`)
		return findings
	}
	div := func(inner string) string { return `<div xmlns="http://www.w3.org/1999/xhtml">` + inner + `</div>` }
	for _, good := range []string{
		div("Bonjour"), div(`<p class="x" style="color: red">a<br/>b</p>`), div(`<table><tr><td colspan="2">x</td></tr></table>`), div(`<img src="#photo" alt="x"/>`),
		div(`<a href="https://exemple.fr/">x</a>`), div(`<a href="Patient/1">x</a>`), div(`<a name="x">x</a>`), div(`<img src="data:image/png;base64,AAAA"/>`),
		div(`<!-- note --><b xml:lang="fr">x</b>`), `<div xmlns="http://www.w3.org/1999/xhtml" lang="fr" xml:lang="fr">é &amp; &#233;</div>`,
	} {
		if findings := narrative(good); len(findings) > 0 {
			t.Errorf("%s: %v", good, findings)
		}
	}
	for _, bad := range []string{
		"Bonjour", "<div>Bonjour</div>", "<div xmlns='urn:x'>x</div>", "<p xmlns='http://www.w3.org/1999/xhtml'>x</p>", div(""), div(" <p> </p>"), div("<p>x"),
		div("x") + div("x"), div("&nbsp;"), "<!DOCTYPE div>" + div("x"), div("<?php x ?>x"),
		div("<script>alert(1)</script>"), div("<SCRIPT>alert(1)</SCRIPT>"), div(`<iframe src="x">x</iframe>`), div(`<form action="x"><input/></form>`), div(`<object data="x">x</object>`),
		div(`<p onclick="x()">x</p>`), div(`<p xmlns:x="urn:x" x:y="z">x</p>`), div(`<svg xmlns="http://www.w3.org/2000/svg"><a/></svg>`), div(`<style>p{}</style>x`), div(`<link href="x"/>x`),
		div(`<a href="javascript:x()">x</a>`), div(`<a href=" java&#10;script:x()">x</a>`), div(`<a href="JaVaScRiPt:x()">x</a>`), div(`<a href="data:text/html,x">x</a>`), div(`<a href="vbscript:x">x</a>`),
		div(`<img src="https://ailleurs.example/pixel.gif"/>`), div(`<img src="//ailleurs.example/pixel.gif"/>`), div(`<img src="data:image/svg+xml,x"/>`),
		div(`<p style="background: url(https://ailleurs.example/x)">x</p>`), div(`<p style="width: expression(x)">x</p>`), div(`<p style="background: u\72l(x)">x</p>`),
	} {
		if findings := narrative(bad); !has(findings, "FHIR-002", "Patient.text.div") {
			t.Errorf("%s is taken: %v", bad, findings)
		}
	}
}

// TestUnknownCodeSystem: a code system that nobody here knows is a warning, with its
// place, and never a failure.
func TestUnknownCodeSystem(t *testing.T) {
	_, findings := readText(`{"resourceType":"Patient","maritalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-MaritalStatus","code":"M"},{"system":"urn:oid:1.2.3","code":"M"},{"system":"https://ailleurs.example/codes","code":"M"}]}}`)
	if len(findings) != 1 || findings.Failed() || findings[0].Where != "Patient.maritalStatus.coding[2].system" || findings[0].Column == 0 {
		t.Errorf("%v", findings)
	}
	if text := findings.Error(); strings.Contains(text, "ailleurs") {
		t.Errorf("the warning repeats what was sent: %s", text)
	}
	for scheme, uri := range systems {
		if !knownSystem(uri) || !knownSystem(SystemOf(scheme)) {
			t.Errorf("%s is written and not known", uri)
		}
	}
}
