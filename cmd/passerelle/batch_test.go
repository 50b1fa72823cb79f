package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/lot"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
)

// delivery is the header of the delivery report of testdata.
func delivery(t *testing.T) cda.Header {
	t.Helper()
	doc, err := os.ReadFile("../../testdata/cda/cr-accouchement.xml")
	if err != nil {
		t.Fatal(err)
	}
	h, findings := cda.Derive(doc, cda.Options{ClassOf: dmp.Class})
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	return h
}

// Documents go after those of the command that they replace; rings end.
func TestParentsFirst(t *testing.T) {
	document := func(id string, parents ...string) source {
		s := source{doc: sourceDocument{file: id}}
		s.doc.header.Entry.UniqueID = id
		for _, p := range parents {
			s.doc.header.Relations = append(s.doc.header.Relations, cda.Relation{Type: xds.Replaces, Target: p})
		}
		return s
	}
	for _, c := range []struct {
		all  []source
		want string
	}{
		{[]source{document("a"), document("b")}, "a b"},
		{[]source{document("c", "b"), document("b", "a"), document("a", "0"), document("d")}, "a b c d"},
		{[]source{document("a", "b"), document("b", "a")}, "b a"},
		{[]source{document("a", "a")}, "a"},
	} {
		var names []string
		for _, s := range parentsFirst(c.all) {
			names = append(names, s.doc.file)
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// The patient of a header is compared with the one of the command: another INS is an
// error, other traits are warnings, and none repeats an identity.
func TestCoherent(t *testing.T) {
	h := delivery(t)
	alice := castPatient{Name: "alice", INS: h.Entry.PatientID, Family: "GARNIER", Given: "Alice", Sex: "F", BirthDate: "1993-03-14"}
	for name, c := range map[string]struct {
		change  func(*castPatient)
		patient string
		want    string
	}{
		"same":         {func(*castPatient) {}, "alice", ""},
		"written else": {func(p *castPatient) { p.Family, p.Given = "Garnier", "ALICE" }, "alice", ""},
		"family":       {func(p *castPatient) { p.Family = "DUBOIS" }, "alice", "warning recordTarget/patientRole/patient/name"},
		"birth":        {func(p *castPatient) { p.BirthDate = "1993-03-15" }, "", "warning recordTarget/patientRole/patient/birthTime"},
		"sex":          {func(p *castPatient) { p.Sex = "M" }, "alice", "warning recordTarget/patientRole/patient/administrativeGenderCode"},
		"other INS":    {func(p *castPatient) { p.INS = "1^^^&1.2.250.1.213.1.4.10&ISO^NH" }, "alice", "error recordTarget/patientRole/id[1]"},
		"unknown":      {func(p *castPatient) { p.INS = "1^^^&1.2.250.1.213.1.4.10&ISO^NH" }, "", ""},
	} {
		p := alice
		c.change(&p)
		found := castAnswer{Patients: []castPatient{p}}.coherent(h, c.patient)
		got := ""
		for _, f := range findingsOf(found) {
			where, _, _ := strings.Cut(strings.TrimPrefix(f.Where, "ClinicalDocument/"), " (")
			got += f.Severity + " " + where
			if f.Code != "C-09" || strings.Contains(found.Error(), "GARNIER") || strings.Contains(found.Error(), h.Entry.PatientID.ID()) {
				t.Errorf("%s: %s", name, found)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A bundle streams its document: what is read is JSON whose data are the bytes, of
// the size that was announced.
func TestBundleStreams(t *testing.T) {
	h := delivery(t)
	for _, n := range []int{0, 1, 2, 3, 48<<10 - 1, 48 << 10, 100_000} {
		doc := bytes.Repeat([]byte("é"), n)[:n]
		h.Entry.Size = int64(n)
		body, size, err := provideBundle(lot.Build(h, lot.Sender{}, lot.Choice{Relations: lot.Replacing("2.25.9")}), iotest.HalfReader(bytes.NewReader(doc)))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(iotest.OneByteReader(body))
		if err != nil || int64(len(text)) != size {
			t.Fatalf("%d bytes: %v, %d announced, %d read", n, err, size, len(text))
		}
		_, after, _ := bytes.Cut(text, []byte(`"contentType":"text/xml","data":"`))
		data, _, _ := bytes.Cut(after, []byte(`"`))
		if got, err := base64.StdEncoding.DecodeString(string(data)); err != nil || !bytes.Equal(got, doc) {
			t.Errorf("%d bytes: %v, %d come back", n, err, len(got))
		}
		if !bytes.Contains(text, []byte(`{"code":"replaces","target":{"identifier":{"system":"urn:ietf:rfc:3986","value":"urn:oid:2.25.9"}}}`)) {
			t.Errorf("no relatesTo: %s", text)
		}
	}
	broken, _, _ := provideBundle(lot.Build(h, lot.Sender{}, lot.Choice{}), iotest.ErrReader(io.ErrUnexpectedEOF))
	if _, err := io.ReadAll(broken); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}

// Every value of a submission says where it came from.
func TestRows(t *testing.T) {
	h := delivery(t)
	mark := xds.Marks{MaskedPS: true}.Codes()
	rows := lot.Rows(h, lot.Build(h, lot.Sender{Structure: "1"}, lot.Choice{Marks: mark, SubmittedAt: "20260101", Relations: lot.Replacing("urn:uuid:x")}))
	from := map[string]string{}
	for _, r := range rows {
		if r.From == "" || r.Value == "" || (r.Line > 0) != strings.HasPrefix(r.From, "ClinicalDocument/") {
			t.Errorf("%+v", r)
		}
		from[r.Object+"."+r.Attribute] = r.From
	}
	for attribute, want := range map[string]string{
		"DocumentEntry.typeCode": "ClinicalDocument/code", "DocumentEntry.classCode": "déduit de typeCode", "DocumentEntry.hash": "calculé sur les octets",
		"DocumentEntry.confidentialityCode[1]": "ClinicalDocument/confidentialityCode", "DocumentEntry.confidentialityCode[2]": "choix de l'émetteur",
		"SubmissionSet.author[1].authorInstitution": "identité du jeton", "Association.RPLC": "choix de l'émetteur",
	} {
		if from[attribute] != want {
			t.Errorf("%s: %q, want %q", attribute, from[attribute], want)
		}
	}
}

// A gateway that goes away in the middle ends the command: what was done is told, the
// rest is counted as not sent.
func TestReport(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		var out, errs bytes.Buffer
		p := &program{stdout: &out, stderr: &errs, json: asJSON, now: time.Now}
		r := newReport(p, 4)
		steps := []bool{
			r.add(sourceDocument{file: "a.xml"}, pushed{Status: "Success", UniqueID: "1.2"}, nil),
			r.add(sourceDocument{file: "b.xml"}, pushed{}, refused("non", []finding{{Code: "META-003", Severity: "error"}, {Code: "C-09", Severity: "warning"}})),
			r.add(sourceDocument{file: "c.xml"}, pushed{}, environment("rien ne répond")),
		}
		if !slices.Equal(steps, []bool{true, true, false}) {
			t.Error(steps)
		}
		if f := asFailure(r.end()); f.exit != exitEnvironment || f.told != asJSON {
			t.Errorf("%+v", f)
		}
		r.Millis = 0
		if diff := cmp.Diff(pushSummary{Documents: 4, Deposited: 1, Refused: 1, NotSent: 2, Warnings: 1}, r.pushSummary); diff != "" {
			t.Error(diff)
		}
		if text := out.String(); asJSON != strings.Contains(text, `"error": "rien ne répond"`) || asJSON == strings.Contains(text, "1 déposé, 1 refusé, 2 non envoyés, 1 avertissement") {
			t.Error(text)
		}
	}
}

func TestDocuments(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.XML", "a.xml", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := deposit{Files: []string{dir, filepath.Join(dir, "notes.txt")}}.documents()
	want := []string{filepath.Join(dir, "a.xml"), filepath.Join(dir, "b.XML"), filepath.Join(dir, "notes.txt")}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	_, err = deposit{Files: []string{dir, "nowhere", "neither"}}.documents()
	if f := asFailure(err); f.exit != exitEnvironment || !strings.Contains(f.text, "nowhere, neither") {
		t.Error(err)
	}
}
