package xdm_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xdm"
)

const patient = xds.CX("279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH")

// entry is a document as a gateway lists it, with its bytes.
func entry(n int, content string, marks ...string) xds.DocumentEntry {
	sum := sha1.Sum([]byte(content))
	d := xds.DocumentEntry{
		EntryUUID: fmt.Sprintf("urn:uuid:00000000-0000-4000-8000-%012d", n), LogicalID: "urn:uuid:00000000-0000-4000-8000-000000000099", Version: 2,
		ObjectType: xds.StableDocument, AvailabilityStatus: xds.Approved, HomeCommunityID: "urn:oid:1.2.3", RepositoryUniqueID: "1.2.3.4",
		UniqueID: fmt.Sprintf("1.2.3.%d", n), PatientID: patient, Title: fmt.Sprintf("CR <%d> & suite", n), MimeType: "text/xml", LanguageCode: "fr-FR",
		CreationTime: "20260131120000", Hash: hex.EncodeToString(sum[:]), Size: int64(len(content)),
		TypeCode:        xds.Code{Value: "11502-2", Scheme: "2.16.840.1.113883.6.1", Display: "CR d'examens biologiques"},
		Confidentiality: []xds.Code{{Value: "N", Scheme: xds.ConfidentialityOID}},
	}
	for _, m := range marks {
		scheme := xds.MarkScheme
		if m == xds.MarkNOPAT {
			scheme = xds.ActCodeScheme
		}
		d.Confidentiality = append(d.Confidentiality, xds.Code{Value: m, Scheme: scheme})
	}
	return d
}

func set() xds.SubmissionSet {
	return xds.SubmissionSet{UniqueID: "1.2.9", SourceID: "1.2.8", PatientID: patient, SubmissionTime: "20260201100000",
		ContentType: xds.Code{Value: "97", Scheme: "1.2.250.1.213.2.2"}, Authors: []xds.Author{{Person: "1^DURAND"}}}
}

// written is a medium with these documents, each given as content.
func written(t *testing.T, to xdm.Recipient, contents map[string]string, docs ...xds.DocumentEntry) ([]byte, []xds.DocumentEntry) {
	t.Helper()
	var b bytes.Buffer
	w, err := xdm.Create(&b, xdm.Medium{Recipient: to, Set: set(), Documents: docs})
	if err != nil {
		t.Fatal(err)
	}
	for i := len(w.Documents) - 1; i >= 0; i-- { // any order
		if err := w.Write(w.Documents[i].UniqueID, strings.NewReader(contents[w.Documents[i].UniqueID])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), w.Documents
}

func open(raw []byte) (*xdm.Archive, xds.Errors) {
	return xdm.Open(bytes.NewReader(raw), int64(len(raw)))
}

// TestRoundTrip: what is written is read back whole, without what a registry gives.
func TestRoundTrip(t *testing.T) {
	contents := map[string]string{"1.2.3.1": "<a/>", "1.2.3.2": strings.Repeat("é", 100_000)}
	raw, listed := written(t, xdm.Professional, contents, entry(1, contents["1.2.3.1"]), entry(2, contents["1.2.3.2"]), entry(1, "a twin"))
	a, found := open(raw)
	if len(found) > 0 || len(a.Lots) != 1 {
		t.Fatal(found)
	}
	if found := a.Verify(); len(found) > 0 {
		t.Fatal(found)
	}
	lot := a.Lots[0]
	if diff := cmp.Diff(listed, lot.Submission.Documents); diff != "" {
		t.Error(diff)
	}
	d := lot.Submission.Documents[0]
	if d.LogicalID+d.HomeCommunityID+d.RepositoryUniqueID+string(d.AvailabilityStatus) != "" || d.URI != "DOC00001.XML" || d.EntryUUID != "Document01" || lot.Folder != "IHE_XDM/SUBSET01" {
		t.Errorf("%+v", d)
	}
	for i, d := range lot.Submission.Documents {
		body, err := lot.Document(i)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(body)
		if err != nil || string(got) != contents[d.UniqueID] {
			t.Errorf("%s: %d bytes, %v", d.UniqueID, len(got), err)
		}
	}
	if got := lot.Submission.Set; got.UniqueID != "1.2.9" || got.PatientID != patient || len(lot.Submission.Associations) != 2 {
		t.Errorf("%+v", got)
	}
}

// TestPatientSide: a document that is hidden from the patient is on no medium for his
// side, whoever makes it; nothing on the medium tells of it.
func TestPatientSide(t *testing.T) {
	docs := []xds.DocumentEntry{entry(1, "one"), entry(2, "two", xds.MarkHiddenPatient), entry(3, "three", xds.MarkNOPAT), entry(4, "four", xds.MarkHiddenReps), entry(5, "five", xds.MarkMaskedPS)}
	contents := map[string]string{"1.2.3.1": "one", "1.2.3.2": "two", "1.2.3.3": "three", "1.2.3.4": "four", "1.2.3.5": "five"}
	raw, listed := written(t, xdm.PatientSide, contents, docs...)
	if len(listed) != 2 || listed[0].UniqueID != "1.2.3.1" || listed[1].UniqueID != "1.2.3.5" {
		t.Errorf("%+v", listed)
	}
	without, _ := written(t, xdm.PatientSide, contents, docs[0], docs[4])
	if !bytes.Equal(raw, without) {
		t.Error("the medium tells of a document that is not on it")
	}
	if _, all := written(t, xdm.Professional, contents, docs...); len(all) != 5 {
		t.Errorf("a professional gets %d", len(all))
	}
	var b bytes.Buffer
	w, err := xdm.Create(&b, xdm.Medium{Recipient: xdm.PatientSide, Set: set(), Documents: docs})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write("1.2.3.2", strings.NewReader("two")); !errors.Is(err, xdm.ErrNotListed) {
		t.Errorf("%v", err)
	}
}

// TestWriterRefuses: a medium holds what it announces, all of it and once.
func TestWriterRefuses(t *testing.T) {
	begin := func() *xdm.Writer {
		w, err := xdm.Create(io.Discard, xdm.Medium{Set: set(), Documents: []xds.DocumentEntry{entry(1, "one")}})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	for content, want := range map[string]error{"one": nil, "two": xdm.ErrDiffers, "one and more": xdm.ErrDiffers, "o": xdm.ErrDiffers, "": xdm.ErrDiffers} {
		if err := begin().Write("1.2.3.1", strings.NewReader(content)); !errors.Is(err, want) {
			t.Errorf("%q: %v", content, err)
		}
	}
	if err := begin().Close(); !errors.Is(err, xdm.ErrMissing) {
		t.Error(err)
	}
	w := begin()
	if err := w.Write("1.2.3.1", strings.NewReader("one")); err != nil {
		t.Fatal(err)
	}
	if err := w.Write("1.2.3.1", strings.NewReader("one")); !errors.Is(err, xdm.ErrNotListed) {
		t.Error(err)
	}
	other, bare := entry(2, "x"), entry(3, "y")
	other.PatientID, bare.Hash = "1^^^&1.2&ISO", ""
	_, err := xdm.Create(io.Discard, xdm.Medium{Set: set(), Documents: []xds.DocumentEntry{other, bare}})
	if all, _ := xds.FindingsOf(err); len(all) != 2 || all[0].ID != "META-016" || all[1].ID != "META-001" {
		t.Errorf("%v", err)
	}
}

// file is one file of an archive made for a test.
type file struct {
	name, text string
	change     func(*zip.FileHeader)
}

func archive(t *testing.T, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate}
		if f.change != nil {
			f.change(h)
		}
		part, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(part, f.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// metadata is that of a good medium, changed.
func metadata(t *testing.T, changes ...string) string {
	t.Helper()
	raw, _ := written(t, xdm.Professional, map[string]string{"1.2.3.1": "one"}, entry(1, "one"))
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open("IHE_XDM/SUBSET01/METADATA.XML")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(changes...).Replace(string(text))
}

// TestHostileArchives: what is refused is refused before it is unpacked, by name.
func TestHostileArchives(t *testing.T) {
	const at = "IHE_XDM/SUBSET01/"
	meta := file{name: at + "METADATA.XML", text: metadata(t)}
	doc := file{name: at + "DOC00001.XML", text: "one"}
	many := make([]file, xdm.MaxEntries+1)
	for i := range many {
		many[i] = file{name: fmt.Sprintf("F%d", i)}
	}
	good := archive(t, meta, doc)
	named := func(name string) []byte { return archive(t, meta, doc, file{name: name, text: "x"}) }
	with := func(changes ...string) []byte {
		return archive(t, file{name: meta.name, text: metadata(t, changes...)}, doc)
	}
	for name, c := range map[string]struct {
		raw  []byte
		want string
	}{
		"good":                       {good, ""},
		"lower case":                 {archive(t, file{name: "ihe_xdm/subset01/metadata.xml", text: meta.text}, file{name: "ihe_xdm/subset01/doc00001.xml", text: "one"}), ""},
		"a comment at the end":       {commented(t, good), ""},
		"empty":                      {nil, "XDM-001"},
		"no zip":                     {[]byte("%PDF-1.4"), "XDM-001"},
		"cut":                        {good[:len(good)-30], "XDM-001"},
		"something behind":           {append(bytes.Clone(good), "x"...), "XDM-001"},
		"path out":                   {named("../x"), "XDM-003"},
		"path out below":             {named(at + "../../x"), "XDM-003"},
		"absolute":                   {named("/etc/x"), "XDM-003"},
		"backslashes":                {named(`IHE_XDM\x`), "XDM-003"},
		"a drive":                    {named("C:x"), "XDM-003"},
		"control characters":         {named("a\nb"), "XDM-003"},
		"long":                       {named(strings.Repeat("a", 300)), "XDM-003"},
		"the same name":              {named(doc.name), "XDM-003"},
		"the same in lower case":     {named(strings.ToLower(doc.name)), "XDM-003"},
		"a link":                     {archive(t, meta, doc, file{"L", "/etc/passwd", func(h *zip.FileHeader) { h.SetMode(os.ModeSymlink | 0o777) }}), "XDM-003"},
		"encrypted":                  {flagged(t, good), "XDM-001 XDM-001"},
		"too many files":             {archive(t, many...), "XDM-002"},
		"a bomb":                     {archive(t, meta, doc, file{name: "B", text: strings.Repeat("\x00", 20<<20)}), "XDM-002"},
		"files that share bytes":     {sharing(t, archive(t, meta, doc, file{name: "A", text: "x"}, file{name: "B", text: "x"})), "XDM-001"},
		"zip64":                      {zip64(good), "XDM-002"},
		"no metadata":                {archive(t, doc), "XDM-004"},
		"metadata too deep":          {archive(t, file{name: at + "X/METADATA.XML", text: meta.text}), "XDM-004"},
		"metadata with a DTD":        {with(`<?xml version="1.0" encoding="UTF-8"?>`, `<!DOCTYPE x>`), "XML-002"},
		"metadata of something else": {archive(t, file{name: meta.name, text: "<x/>"}, doc), "SOAP-001"},
		"no URI":                     {with("DOC00001.XML", ""), "META-001"},
		"URI out of the archive":     {with("DOC00001.XML", "../../../etc/passwd"), "XDM-003"},
		"URI out, encoded":           {with("DOC00001.XML", "%2e%2e/x"), "XDM-003"},
		"URI of a server":            {with("DOC00001.XML", "http://127.0.0.1/x"), "XDM-003"},
		"URI of nothing":             {with("DOC00001.XML", "DOC00002.XML"), "DOC-001"},
		"another size":               {archive(t, meta, file{name: doc.name, text: "longer"}), "META-007"},
		"another content":            {archive(t, meta, file{name: doc.name, text: "two"}), "META-006"},
	} {
		a, found := open(c.raw)
		if a != nil {
			found = append(found, a.Verify()...)
		}
		var ids []string
		for _, e := range found {
			ids = append(ids, e.ID)
		}
		if got := strings.Join(ids, " "); got != c.want {
			t.Errorf("%s: %q, want %q: %v", name, got, c.want, found)
		}
	}
	// All at once.
	_, found := open(archive(t, file{name: meta.name, text: metadata(t, "DOC00001.XML", "http://x", "<rim:Value>3</rim:Value>", "<rim:Value>x</rim:Value>")}, doc))
	if len(found) < 2 {
		t.Errorf("%v", found)
	}
}

// commented is the archive with a comment in its end record.
func commented(t *testing.T, raw []byte) []byte {
	t.Helper()
	out := bytes.Clone(raw)
	out[len(out)-2] = 5
	return append(out, "hello"...)
}

// flagged says that every file is encrypted.
func flagged(t *testing.T, raw []byte) []byte {
	t.Helper()
	out := bytes.Clone(raw)
	for at := 0; ; at += 4 {
		i := bytes.Index(out[at:], []byte("PK\x01\x02"))
		if i < 0 {
			return out
		}
		at += i
		out[at+8] |= 1
	}
}

// sharing makes the last file of the list begin where the one before it does: two
// names for the same bytes, of which every sum is right.
func sharing(t *testing.T, raw []byte) []byte {
	t.Helper()
	out := bytes.Clone(raw)
	last := bytes.LastIndex(out, []byte("PK\x01\x02"))
	before := bytes.LastIndex(out[:last], []byte("PK\x01\x02"))
	copy(out[last+42:last+46], out[before+42:before+46])
	return out
}

// zip64 puts a locator of ZIP64 before the end record.
func zip64(raw []byte) []byte {
	end := len(raw) - 22
	out := append(bytes.Clone(raw[:end]), "PK\x06\x07"...)
	return append(append(out, make([]byte, 16)...), raw[end:]...)
}

// TestMediumByOthers: Python's zipfile unpacks it, and xmllint finds METADATA.XML
// valid where the schemas are at hand; either says when it is not there.
func TestMediumByOthers(t *testing.T) {
	raw, _ := written(t, xdm.Professional, map[string]string{"1.2.3.1": "one", "1.2.3.2": "two"}, entry(1, "one"), entry(2, "two"))
	dir := t.TempDir()
	name := filepath.Join(dir, "medium.zip")
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Log("not judged by Python's zipfile: no python3 on this machine")
		return
	}
	out, err := exec.CommandContext(t.Context(), python, "-c", `import sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
print("\n".join(sorted(z.namelist())))
z.extractall(sys.argv[2])`, name, dir).CombinedOutput()
	want := "IHE_XDM/SUBSET01/DOC00001.XML\nIHE_XDM/SUBSET01/DOC00002.XML\nIHE_XDM/SUBSET01/METADATA.XML\nINDEX.HTM\nREADME.TXT\n"
	if err != nil || string(out) != want {
		t.Fatalf("%v: %s", err, out)
	}
	schema := os.Getenv("PASSERELLE_XSD")
	lint, err := exec.LookPath("xmllint")
	if err != nil || schema == "" {
		t.Log("METADATA.XML not judged by xmllint: PASSERELLE_XSD names no folder of schemas, or there is no xmllint")
		return
	}
	out, err = exec.CommandContext(t.Context(), lint, "--noout", "--nonet", "--schema", filepath.Join(schema, "ebRS30", "lcm.xsd"),
		filepath.Join(dir, "IHE_XDM", "SUBSET01", "METADATA.XML")).CombinedOutput()
	if err != nil {
		t.Errorf("%s", out)
	}
	if out, err := exec.CommandContext(t.Context(), lint, "--noout", "--nonet", filepath.Join(dir, "INDEX.HTM")).CombinedOutput(); err != nil {
		t.Errorf("INDEX.HTM: %s", out)
	}
}
