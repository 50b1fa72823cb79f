package cda

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/xds"
)

// TestArrive: the header of a document that is coming in is that of the whole
// document, and its bytes come out as they went in, however they are cut.
func TestArrive(t *testing.T) {
	doc := sample(t)
	want, wanted := Derive([]byte(doc), Options{ClassOf: report})
	want.Entry.Hash, want.Entry.Size = "", 0
	body := int64(strings.Index(doc, "Body>") + 10)
	for _, limit := range []int64{body, int64(len(doc)) - 1, int64(len(doc)), int64(len(doc)) + 1} {
		a, err := Arrive(iotest.OneByteReader(strings.NewReader(doc)), Options{ClassOf: report}, limit)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, a.Header) + cmp.Diff(wanted, a.Findings); diff != "" {
			t.Errorf("%d bytes: %s", limit, diff)
		}
		if got, err := io.ReadAll(iotest.HalfReader(a)); err != nil || string(got) != doc || a.End() != nil {
			t.Errorf("%d bytes: %d come out, %v, %v", limit, len(got), err, a.End())
		}
	}
}

// TestArriveRefused: a document that is cut off is told once its bytes are read, what
// else is wrong before.
func TestArriveRefused(t *testing.T) {
	doc := sample(t)
	body := int64(strings.Index(doc, "Body>") + 10)
	for name, c := range map[string]struct {
		doc   string
		limit int64
		early string
		late  string
	}{
		"truncated, long":  {strings.TrimSuffix(strings.TrimSpace(doc), "</ClinicalDocument>"), body, "", "XML-001"},
		"truncated, short": {strings.TrimSuffix(strings.TrimSpace(doc), "</ClinicalDocument>"), 1 << 20, "XML-001", ""},
		"endless head":     {doc, 900, "XML-003", ""},
		"other charset":    {strings.Replace(doc, `encoding="UTF-8"`, `encoding="ISO-8859-1"`, 1), body, "XML-002", ""},
		"nothing":          {"", 900, "XML-001", ""},
	} {
		a, err := Arrive(strings.NewReader(c.doc), Options{ClassOf: report}, c.limit)
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Findings) > 0 != (c.early != "") || c.early != "" && a.Findings[0].ID != c.early {
			t.Errorf("%s: %v", name, a.Findings)
		}
		if _, err := io.Copy(io.Discard, a); err != nil {
			t.Fatal(err)
		}
		if end := a.End(); len(end) > 0 != (c.late != "") || c.late != "" && end[0].ID != c.late {
			t.Errorf("%s at its end: %v", name, end)
		}
	}
	if _, err := Arrive(iotest.ErrReader(io.ErrUnexpectedEOF), Options{}, 10); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}

// TestLocated: a finding about the entry stands where its value was read, once; what
// deriving only warned of hides nothing.
func TestLocated(t *testing.T) {
	h, _ := Derive([]byte(sample(t)), Options{ClassOf: report})
	at, _ := h.Origin("typeCode")
	derived := xds.Errors{
		{ID: "META-004", Where: "ClinicalDocument/title", Line: 9, Expected: "title : un titre"},
		{ID: "META-001", Where: "ClinicalDocument/author", Line: 31, Severity: xds.SeverityWarning, Expected: "author.authorInstitution : name"},
	}
	got := h.Located(derived, append(xds.Errors{
		{ID: "META-003", Where: "SubmissionSet[s].contentTypeCode"},
		{ID: "META-003", Where: "DocumentEntry[d].typeCode"},
		{ID: "META-004", Where: "DocumentEntry[d].author[1].authorPerson"},
		{ID: "META-001", Where: "DocumentEntry[d].title"},
		{ID: "META-001", Where: "DocumentEntry[d].URI"},
	}, derived...))
	var lines []string
	for _, e := range got {
		lines = append(lines, e.ID+" "+e.Where)
	}
	person, _ := h.Origin("author[1].authorPerson")
	want := []string{
		"META-003 " + at.Path + " (typeCode)", "META-004 ClinicalDocument/title", "META-001 ClinicalDocument/author",
		"META-004 " + person.Path + " (author[1].authorPerson)", "META-003 SubmissionSet[s].contentTypeCode", "META-001 DocumentEntry[d].URI",
	}
	slices.Sort(lines)
	slices.Sort(want)
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	order := make([]int, len(got))
	for i, e := range got {
		if order[i] = e.Line; e.Line == 0 {
			order[i] = 1 << 20
		}
	}
	if !slices.IsSorted(order) {
		t.Errorf("not in the order of the document: %v", got)
	}
}
