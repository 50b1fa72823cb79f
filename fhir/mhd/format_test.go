package mhd_test

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/fhir/iua"
)

// form is what an answer turned out to be: json, xml or its status.
func (c *answer) form() string {
	switch kind := c.header.Get("Content-Type"); {
	case c.header.Get("Content-Length") != strconv.Itoa(len(c.body)):
		return "Content-Length " + c.header.Get("Content-Length")
	case c.status != http.StatusOK:
		return strconv.Itoa(c.status)
	case kind == "application/fhir+json; charset=utf-8" && bytes.HasPrefix(c.body, []byte("{")):
		return "json"
	case kind == "application/fhir+xml; charset=utf-8" && bytes.HasPrefix(c.body, []byte("<?xml")):
		return "xml"
	default:
		return kind
	}
}

// resource reads the answer in the encoding that it says it is in.
func (c *answer) resource(types ...string) *fhir.Node {
	c.t.Helper()
	format, ok := fhir.FormatOf(c.header.Get("Content-Type"))
	n, findings := fhir.Read(format, bytes.NewReader(c.body), 1<<20, types...)
	if !ok || len(findings) > 0 {
		c.t.Fatalf("%s: %v\n%s", c.header.Get("Content-Type"), findings, c.body)
	}
	return n
}

func inXML(t *testing.T, text string) string {
	t.Helper()
	n, findings := fhir.ReadResource(strings.NewReader(text), 1<<20)
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	raw, err := fhir.AppendXML(nil, n, true)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestNegotiation: _format wins over Accept, the highest quality over the first place,
// and another version of FHIR is another format (F3).
func TestNegotiation(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ format, accept, want string }{
		{"", "", "json"},
		{"", "*/*", "json"},
		{"", "application/*", "json"},
		{"", "application/fhir+json", "json"},
		{"", "application/fhir+xml", "xml"},
		{"", "Application/FHIR+XML; Charset=UTF-8", "xml"},
		{"", "application/xml", "xml"},
		{"", "text/xml", "xml"},
		{"", "application/json", "json"},
		{"", "application/fhir+xml;q=0.5, application/fhir+json;q=0.9", "json"},
		{"", "application/fhir+json;q=0.5, application/fhir+xml", "xml"},
		{"", "application/fhir+xml, application/fhir+json", "xml"},
		{"", "application/fhir+json;q=0, */*", "xml"},
		{"", "application/fhir+xml, */*;q=0.1", "xml"},
		{"", "text/html, */*;q=0.1", "json"},
		{"", "application/fhir+xml; fhirVersion=4.0", "xml"},
		{"", "application/fhir+xml; fhirVersion=5.0, application/fhir+json;q=0.2", "json"},
		{"", "application/fhir+json; fhirVersion=3.0", "406"},
		{"", "text/turtle", "406"},
		{"", "application/fhir+xml;q=0", "406"},
		{"", "application/fhir+xml;q=oui", "406"},
		{"xml", "application/fhir+json", "xml"},
		{"json", "text/turtle", "json"},
		{"text/xml", "", "xml"},
		{"application/fhir+xml", "", "xml"},
		{"application/fhir%2Bxml", "", "xml"},
		{"application/fhir%2Bxml;%20fhirVersion=4.0", "", "xml"},
		{"application/fhir%2Bxml;%20fhirVersion=5.0", "", "406"},
		{"ttl", "application/fhir+xml", "406"},
		{"html", "", "406"},
	} {
		path := "metadata"
		if c.format != "" {
			path += "?_format=" + strings.ReplaceAll(c.format, ";", "%3B")
		}
		got := w.get(iua.Claims{}, path, "Accept", c.accept)
		if form := got.form(); form != c.want {
			t.Errorf("_format=%s, Accept: %s: %s", c.format, c.accept, form)
		}
		if got.status == http.StatusNotAcceptable && got.outcome()[0] != "FHIR-005 _format" && got.outcome()[0] != "FHIR-005 Accept" {
			t.Errorf("a refused form is refused in JSON: %s", got.body)
		}
		if !strings.Contains(got.header.Get("Vary"), "Accept") {
			t.Errorf("Vary: %s", got.header.Get("Vary"))
		}
	}
}

// TestSubsetsOnTheFace: reads and searches give the part that was asked for, in either encoding.
func TestSubsetsOnTheFace(t *testing.T) {
	w := newWorld(t)
	id, durand := w.mustPush(), pro("durand")
	for query, want := range map[string]string{"_summary=true": "type", "_summary=text": "content", "_elements=type&_format=xml": "type", "_summary=data": "context"} {
		n := w.get(durand, "DocumentReference/"+id+"?"+query).resource("DocumentReference")
		set := w.get(durand, "DocumentReference?patient="+w.record+"&"+query).resource("Bundle")
		if set.Get("entry").At(0).Get("resource").Get(want) == nil || n.Get(want) == nil || n.Get("meta").Get("tag") == nil || query != "_summary=data" && n.Get("description") != nil {
			t.Errorf("%s: %s", query, fhir.AppendJSON(nil, n, true))
		}
	}
	for _, path := range []string{"DocumentReference/" + id + "?_summary=all", "DocumentReference?_summary=all&patient=" + w.record} {
		if got := w.get(durand, path); got.status != http.StatusBadRequest || got.outcome()[0] != "FHIR-008 _summary" {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

// TestXMLFace: a lot pushed as XML is the one pushed as JSON, and everything that the
// face answers comes as XML to who asks for it, refusals included (F2).
func TestXMLFace(t *testing.T) {
	w := newWorld(t)
	xml := []string{"Content-Type", "application/fhir+xml", "Accept", "application/fhir+xml"}
	lot := strings.Replace(inXML(t, w.lot()), `value="SGVsbG8gV29ybGQ="`, "value=\"\n  SGVsbG8g\n  V29ybGQ=\n\"", 1) // lines, as stacks write them
	pushed := w.as(chu, http.MethodPost, "/fhir", strings.NewReader(lot), xml...)
	response := pushed.resource("Bundle")
	location := response.Get("entry").At(1).Get("response").Str("location")
	id, ok := strings.CutPrefix(location, "DocumentReference/")
	if pushed.form() != "xml" || !ok {
		t.Fatalf("%s: %s", pushed.form(), pushed.body)
	}
	durand, query := pro("durand"), "DocumentReference?patient="+w.record
	found := w.get(durand, query, xml[2:]...)
	document := w.get(durand, location, xml[2:]...)
	inSet := found.resource("Bundle").Get("entry").At(0).Get("resource")
	if string(fhir.AppendJSON(nil, inSet, false)) != string(fhir.AppendJSON(nil, document.resource("DocumentReference"), false)) {
		t.Errorf("found %s\nread %s", found.body, document.body)
	}
	plain := w.get(durand, location).resource("DocumentReference")
	if inXML(t, string(fhir.AppendJSON(nil, plain, false))) != inXML(t, string(fhir.AppendJSON(nil, inSet, false))) {
		t.Errorf("JSON %s\nXML %s", fhir.AppendJSON(nil, plain, false), fhir.AppendJSON(nil, inSet, false))
	}
	form := w.as(durand, http.MethodPost, "/fhir/DocumentReference/_search", strings.NewReader("patient="+w.record+"&_format=xml&_pretty=true"),
		"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/turtle")
	if form.form() != "xml" || strings.Count(string(form.body), "\n") < 50 {
		t.Errorf("_format in a form: %s %s", form.form(), form.body)
	}

	binary := w.get(durand, "Binary/"+id, xml[2:]...)
	if n := binary.resource("Binary"); binary.form() != "xml" || n.Str("data") != "SGVsbG8gV29ybGQ=" || n.Str("contentType") != "text/plain" {
		t.Errorf("%s %s", binary.form(), binary.body)
	}
	if again := w.get(durand, "Binary/"+id, "Accept", "application/fhir+xml", "If-None-Match", binary.header.Get("ETag")); again.status != http.StatusNotModified {
		t.Errorf("the same resource again: %d", again.status)
	}
	if other := w.get(durand, "Binary/"+id, "Accept", "application/fhir+json", "If-None-Match", binary.header.Get("ETag")); other.form() != "json" {
		t.Errorf("the other encoding has the same ETag: %s", other.form())
	}
	for accept, want := range map[string]string{"*/*": "text/plain", "text/plain, application/fhir+xml": "text/plain", "application/fhir+xml, text/plain": "xml", "text/plain;q=0.1, application/fhir+json": "json", "application/xml": "406"} {
		if got := w.get(durand, "Binary/"+id, "Accept", accept); got.form() != want {
			t.Errorf("Binary, Accept: %s: %s", accept, got.form())
		}
	}

	for name, got := range map[string]*answer{
		"no token":       w.get(iua.Claims{}, query, xml[2:]...),
		"unknown path":   w.get(durand, "Appointment", xml[2:]...),
		"unknown id":     w.get(durand, "DocumentReference/"+newID()+"?_format=xml"),
		"no document":    w.get(durand, "Binary/"+newID(), xml[2:]...),
		"another method": w.as(durand, http.MethodDelete, "/fhir/metadata", nil, xml[2:]...),
		"closed door":    w.get(pro("inconnu"), query, xml[2:]...),
		"malformed":      w.as(chu, http.MethodPost, "/fhir", strings.NewReader("<Bundle>"), xml...),
		"entity":         w.as(chu, http.MethodPost, "/fhir", strings.NewReader("<!DOCTYPE b [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><Bundle xmlns='http://hl7.org/fhir'><id value='&e;'/></Bundle>"), xml...),
	} {
		if outcome := got.resource("OperationOutcome"); got.status < 400 || !strings.Contains(got.header.Get("Content-Type"), "fhir+xml") || outcome.Get("issue").At(0).Str("severity") != "error" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if got := w.as(chu, http.MethodPost, "/fhir", strings.NewReader(w.lot()), "Content-Type", "application/fhir+json; fhirVersion=5.0"); got.status != http.StatusUnsupportedMediaType {
		t.Errorf("a bundle of R5: %d", got.status)
	}
}

// TestUnknownCodeSystemInALot: it is stored, and the entry is answered with a warning.
func TestUnknownCodeSystemInALot(t *testing.T) {
	w := newWorld(t)
	got := w.push(chu, w.lot(`"gender": "female"`, `"maritalStatus": { "coding": [{ "system": "https://ailleurs.example/codes", "code": "M" }] }, "gender": "female"`))
	outcome := got.resource("Bundle").Get("entry").At(1).Get("response").Get("outcome")
	issue := outcome.Get("issue").At(0)
	if got.status != http.StatusOK || issue.Str("severity") != "warning" || issue.Get("expression").At(0).Text != "Bundle.entry[1].resource.contained[3].maritalStatus.coding[0].system" {
		t.Errorf("%d %s", got.status, got.body)
	}
}
