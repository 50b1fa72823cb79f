package cda

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// TestRead: a long document has the metadata that it has when it is read whole, and
// the hash and size of all of it.
func TestRead(t *testing.T) {
	structured := sample(t)
	binary := strings.Replace(structured, `<structuredBody><component><section/></component></structuredBody>`,
		`<nonXMLBody><text mediaType="application/pdf" representation="B64">`+strings.Repeat("QUFB", 4000)+`</text></nonXMLBody>`, 1)
	prefixed := strings.NewReplacer(`<ClinicalDocument xmlns="urn:hl7-org:v3"`, `<h:ClinicalDocument xmlns:h="urn:hl7-org:v3" xmlns="urn:hl7-org:v3"`,
		"</ClinicalDocument>", "</h:ClinicalDocument>\n").Replace(binary)
	for name, doc := range map[string]string{"structured": structured, "binary": binary, "prefixed": prefixed, "BOM": "\xEF\xBB\xBF" + binary} {
		want, wanted := Derive([]byte(doc), Options{ClassOf: report})
		for _, whole := range []int64{int64(len(doc)), int64(strings.Index(doc, "Body>") + 80), int64(len(doc)) - 1} {
			if whole <= 0 || strings.Contains(doc, "nonXMLBody") {
				whole = max(whole, int64(strings.Index(doc, "representation")+30))
			}
			got, findings, err := read(iotest.OneByteReader(strings.NewReader(doc)), Options{ClassOf: report}, whole)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(wanted, findings); diff != "" {
				t.Errorf("%s, %d bytes whole: %s", name, whole, diff)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %d bytes whole: %s", name, whole, diff)
			}
		}
	}
}

// TestReadRefused: what a long document lacks is found without its body.
func TestReadRefused(t *testing.T) {
	doc := sample(t)
	for name, c := range map[string]struct {
		doc   string
		whole int64 // 0 = up to the body
		id    string
	}{
		"truncated":     {strings.TrimSuffix(strings.TrimSpace(doc), "</ClinicalDocument>"), 0, "XML-001"},
		"no body":       {strings.ReplaceAll(doc, "structuredBody", "otherBody"), 0, "META-001"},
		"endless head":  {doc, 900, "XML-003"},
		"other charset": {strings.Replace(doc, `encoding="UTF-8"`, `encoding="ISO-8859-1"`, 1), 0, "XML-002"},
		"DTD":           {strings.Replace(doc, "<!-- en-tête -->", `<!DOCTYPE ClinicalDocument [<!ENTITY e "x">]>`, 1), 0, "XML-002"},
	} {
		if c.whole == 0 {
			c.whole = int64(strings.Index(c.doc, "<section/>"))
		}
		_, findings, err := read(strings.NewReader(c.doc), Options{ClassOf: report}, c.whole)
		if err != nil || len(findings) != 1 || findings[0].ID != c.id {
			t.Errorf("%s: %v %v", name, findings, err)
		}
	}
	broken := io.MultiReader(strings.NewReader(doc[:600]), iotest.ErrReader(io.ErrUnexpectedEOF))
	if _, _, err := read(broken, Options{}, 500); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}
