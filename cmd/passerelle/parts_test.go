package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
)

// What the gateway writes into codeContext is taken apart into the same finding.
func TestFindingRoundTrip(t *testing.T) {
	for _, e := range []*xds.Error{
		{ID: "ACC-04"},
		{ID: "META-003", Where: "DocumentEntry[Document01].typeCode", Found: "0-0^^2.16.840.1.113883.6.1", Expected: "JDV_J66 (ASS_X16)", Nearest: []string{"a (x)", "b"}},
		{ID: "META-006", Where: "DocumentEntry[d].hash", Found: "aa", Expected: "bb"},
		{ID: "C-02", Where: "confidentialityCode", Found: "MASQUE_PS + INVISIBLE_PATIENT"},
		{ID: "XML-001", Where: "ClinicalDocument/id", Line: 4, Column: 7},
	} {
		want := findingsOf(xds.Errors{e})
		got := fromResponse(ebrim.Response{Errors: []ebrim.ResponseError{{Code: want[0].IHE, Context: e.Error()}}})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", e.ID, diff)
		}
	}
	other := fromResponse(ebrim.Response{Errors: []ebrim.ResponseError{{Code: "XDSRegistryError", Context: "Some other product", Location: "here", Warning: true}}})
	want := []finding{{IHE: "XDSRegistryError", Severity: "warning", Text: "Some other product", Where: "here"}}
	if diff := cmp.Diff(want, other); diff != "" {
		t.Error(diff)
	}
}

// rename reads a document that was given another id, as it would be sent.
func rename(t *testing.T, doc []byte, id string) ([]byte, error) {
	t.Helper()
	source := sourceDocument{file: filepath.Join(t.TempDir(), "cda.xml")}
	if err := os.WriteFile(source.file, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := source.rename(id); err != nil {
		return nil, err
	}
	content, err := source.open()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	return io.ReadAll(content)
}

func TestRename(t *testing.T) {
	doc, err := os.ReadFile("../../testdata/cda/cr-accouchement.xml")
	if err != nil {
		t.Fatal(err)
	}
	before, findings := cda.Derive(doc, cda.Options{ClassOf: dmp.Class})
	if findings.Failed() {
		t.Fatal(findings)
	}
	renamed, err := rename(t, doc, "2.25.42")
	if err != nil {
		t.Fatal(err)
	}
	after, findings := cda.Derive(renamed, cda.Options{ClassOf: dmp.Class})
	if findings.Failed() || after.Entry.UniqueID != "2.25.42" {
		t.Fatal(after.Entry.UniqueID, findings)
	}
	after.Entry.UniqueID, after.Entry.Hash, after.Entry.Size = before.Entry.UniqueID, before.Entry.Hash, before.Entry.Size
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct{ from, to string }{
		{`<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1.2"/><id root="3.4"/></ClinicalDocument>`,
			`<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="2.25.42"/><id root="3.4"/></ClinicalDocument>`},
		{"<h:ClinicalDocument xmlns:h=\"urn:hl7-org:v3\"><h:id\n extension='x' root='1.2'></h:id></h:ClinicalDocument>",
			`<h:ClinicalDocument xmlns:h="urn:hl7-org:v3"><h:id root="2.25.42"/></h:ClinicalDocument>`},
	} {
		got, err := rename(t, []byte(c.from), "2.25.42")
		if err != nil || string(got) != c.to {
			t.Errorf("%s: %s %v", c.from, got, err)
		}
	}
	for _, bad := range []string{`<a/>`, `<ClinicalDocument xmlns="urn:hl7-org:v3"/>`, `<`} {
		if got, err := rename(t, []byte(bad), "new"); err == nil {
			t.Errorf("%s: %s", bad, got)
		}
	}
	if first, second := must(t, doc), must(t, doc); first == second {
		t.Error("new gave the same id twice")
	}
}

// must is the id that --unique-id new draws.
func must(t *testing.T, doc []byte) string {
	t.Helper()
	renamed, err := rename(t, doc, "new")
	if err != nil {
		t.Fatal(err)
	}
	header, _ := cda.Derive(renamed, cda.Options{})
	return header.Entry.UniqueID
}

func TestCodes(t *testing.T) {
	for _, c := range []struct {
		attribute xds.Attribute
		text      string
		fallback  string
		want      string
	}{
		{xds.AttrTypeCode, "15508-5", "", "15508-5^^2.16.840.1.113883.6.1"},
		{xds.AttrTypeCode, "REMB", "", "REMB^^1.2.250.1.213.1.1.4.12"},
		{xds.AttrTypeCode, "0-0", "2.16.840.1.113883.6.1", "0-0^^2.16.840.1.113883.6.1"},
		{xds.AttrTypeCode, "0-0", "", ""},
		{xds.AttrTypeCode, "x^^1.2.3", "", "x^^1.2.3"},
		{xds.AttrConfidentiality, "N", "", "N^^" + xds.ConfidentialityOID},
		{xds.AttrConfidentiality, "MASQUE_PS", "", "MASQUE_PS^^" + xds.MarkScheme},
	} {
		got, err := codeOf(c.attribute, c.text, c.fallback)
		if (err != nil) != (c.want == "") || err == nil && got.Key() != c.want {
			t.Errorf("%s: %s %v", c.text, got.Key(), err)
		}
	}
	mark, err := markOf("INVISIBLE_PATIENT")
	if err != nil || mark.Scheme != xds.MarkScheme {
		t.Error(mark, err)
	}
}

func TestFileName(t *testing.T) {
	for _, c := range []struct{ id, kind, want string }{
		{"2.25.1", "text/xml", "2.25.1.xml"},
		{"../../etc/passwd", "text/xml", "document-3.xml"},
		{".hidden", "application/x-unheard-of", "document-3.bin"},
		{"", "text/xml; charset=utf-8", "document-3.xml"},
	} {
		d := ebrim.ReceivedDocument{RetrieveRequest: ebrim.RetrieveRequest{DocumentUniqueID: c.id}, MimeType: c.kind}
		if got := fileName(d, 3); got != c.want {
			t.Errorf("%s: %s", c.id, got)
		}
	}
}

func TestSecurity(t *testing.T) {
	got := string(security([]byte("<?xml version=\"1.0\"?>\n<a>\n é</a>\n")))
	if !strings.HasPrefix(got, "<wsse:Security ") || !strings.HasSuffix(got, `soap:mustUnderstand="true">`+"<a>\n é</a></wsse:Security>") {
		t.Error(got)
	}
}

func TestReasons(t *testing.T) {
	request := map[string]string{"mode": "normal", "link": "consent", "maskAll": "f", "maskedOK": "f"}
	for _, c := range []struct {
		rules    []string
		permit   bool
		document map[string]string
		want     string
	}{
		{[]string{"R-23"}, true, nil, "R-23  lien valable"},
		{[]string{"R-09"}, false, nil, "R-09  document caché au patient"},
		{nil, false, map[string]string{"matrix": "f"}, "la matrice"},
		{nil, false, map[string]string{"maskPS": "t"}, "MASQUE_PS"},
		{nil, false, map[string]string{}, "aucune règle"},
	} {
		got := reasons(c.rules, c.permit, request, c.document)
		if len(got) != 1 || !strings.Contains(got[0], c.want) {
			t.Errorf("%v %v: %q", c.rules, c.document, got)
		}
	}
}

func TestQuoted(t *testing.T) {
	if got := quoted(`l'urgence "$X"`); got != `'l'\''urgence "$X"'` {
		t.Error(got)
	}
}

func TestRecorder(t *testing.T) {
	t.Chdir(t.TempDir())
	r := &recorder{name: "iti41"}
	for _, file := range []string{"passerelle-iti41.mime", "passerelle-iti41-2.mime"} {
		q, err := http.NewRequest(http.MethodPost, "http://127.0.0.1:1/xds", strings.NewReader("frame"))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Content-Type", "multipart/related")
		if _, err := r.RoundTrip(q); err != errRecorded { //nolint:errorlint // returned as it is
			t.Fatal(err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != "frame" || r.file != file {
			t.Errorf("%s %q %v", r.file, got, err)
		}
	}
}

func TestListen(t *testing.T) {
	l, err := listen(t.Context(), "--listen", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for address, exit := range map[string]int{
		l.Addr().String(): exitEnvironment, ":8080": exitUsage, "0.0.0.0:8080": exitUsage, "[::]:80": exitUsage, "192.168.1.2:80": exitUsage,
		"example.org:80": exitUsage, "8080": exitUsage,
	} {
		other, err := listen(t.Context(), "--listen", address)
		if err == nil {
			other.Close()
		}
		if f := asFailure(err); err == nil || f.exit != exit || len(f.next) == 0 {
			t.Errorf("%s: %+v", address, f)
		}
	}
}

func TestBundle(t *testing.T) {
	var b bundle
	err := json.Unmarshal([]byte(`{"link":[{"relation":"self","url":"a"},{"relation":"next","url":"b"}],"entry":[
		{"resource":{"resourceType":"DocumentReference","id":"i","status":"current","extension":[{"url":"https://x/isArchived","valueBoolean":true}],
			"masterIdentifier":{"value":"urn:oid:1.2"},"date":"2026-01-02T00:00:00Z","content":[{"attachment":{"hash":"3q2+7w=="}}]}},
		{"resource":{"resourceType":"OperationOutcome","issue":[{"severity":"warning","details":{"text":"lenient"}}]}}]}`), &b)
	if err != nil || b.next() != "b" {
		t.Fatal(b.next(), err)
	}
	documents, warnings, err := b.documents()
	if err != nil || len(documents) != 1 || len(warnings) != 1 || warnings[0].Severity != "warning" {
		t.Fatal(documents, warnings, err)
	}
	want := listed{UniqueID: "1.2", LogicalID: "urn:uuid:i", Status: "archived", Date: "2026-01-02", Confidentiality: []string{}, Hash: "deadbeef"}
	if diff := cmp.Diff(want, documents[0]); diff != "" {
		t.Error(diff)
	}
}
