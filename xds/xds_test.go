package xds_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

func TestCX(t *testing.T) {
	for text, valid := range map[xds.CX]bool{
		"279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH": true,
		"279035121518989^^^&1.2.250.1.213.1.4.10&ISO":    true,
		"":                                 false,
		"1":                                false,
		"1^^^&1.2.3":                       false,
		"1^^^&1.2.3&ISO^NH^more":           false,
		"1^2^^&1.2.3&ISO":                  false,
		"1^^^name&1.2.3&ISO":               false,
		"1^^^&01.2.3&ISO":                  false,
		"1&2^^^&1.2.3&ISO":                 false,
		`1\^^^&1.2.3&ISO`:                  false,
		"1 ^^^&1.2.3&ISO":                  false,
		"1\x00^^^&1.2.3&ISO":               false,
		"^^^&1.2.3&ISO":                    false,
		"1^^^&1.2.3&DNS":                   false,
		"279035121518989^^^&1.2.3.&ISO^NH": false,
	} {
		if got := text.Valid(); got != valid {
			t.Errorf("%q valid = %v", text, got)
		}
	}
	a, b := xds.NewCX("1", "1.2.3", "NH"), xds.CX("1^^^&1.2.3&ISO")
	if !a.Same(b) || a.Type() != "NH" || a.Key() != b {
		t.Errorf("%q and %q name one patient", a, b)
	}
	if xds.CX("").Same("") || xds.CX("1").Same("1") {
		t.Error("an identifier without an authority equals nothing")
	}
}

func TestNamesComeBackUnchanged(t *testing.T) {
	person := xds.XCN("899900063480^MAX^LIBRE^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS")
	if person.ID() != "899900063480" || person.Family() != "MAX" || person.Given() != "LIBRE" || person.Authority() != "1.2.250.1.71.4.2.1" {
		t.Errorf("%q reads as %q %q %q %q", person, person.ID(), person.Family(), person.Given(), person.Authority())
	}
	if again := xds.NewXCN(person.ID(), person.Family(), person.Given(), person.Authority(), "IDNPS"); again != person {
		t.Errorf("built %q", again)
	}
	place := xds.XON("CABINET^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^499912345")
	if place.Name() != "CABINET" || place.ID() != "499912345" || place.Authority() != "1.2.250.1.71.4.2.2" {
		t.Errorf("%q reads as %q %q %q", place, place.Name(), place.ID(), place.Authority())
	}
	if again := xds.NewXON(place.Name(), place.Authority(), "IDNST", place.ID()); again != place {
		t.Errorf("built %q", again)
	}
}

func TestDTM(t *testing.T) {
	day := func(s string) time.Time {
		at, err := time.Parse("2006-01-02 15:04:05", s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for text, want := range map[xds.DTM][2]string{
		"2026":           {"2026-01-01 00:00:00", "2027-01-01 00:00:00"},
		"202602":         {"2026-02-01 00:00:00", "2026-03-01 00:00:00"},
		"20240229":       {"2024-02-29 00:00:00", "2024-03-01 00:00:00"},
		"2026022823":     {"2026-02-28 23:00:00", "2026-03-01 00:00:00"},
		"202612312359":   {"2026-12-31 23:59:00", "2027-01-01 00:00:00"},
		"20261231235959": {"2026-12-31 23:59:59", "2027-01-01 00:00:00"},
	} {
		from, to, err := text.Range()
		if err != nil || !from.Equal(day(want[0])) || !to.Equal(day(want[1])) {
			t.Errorf("%s covers %v to %v (%v)", text, from, to, err)
		}
	}
	for _, text := range []xds.DTM{"", "0000", "20260229", "20261301", "2026-01-01", "20260101+0100", "202601010", "20260101000060", "abcd"} {
		if _, _, err := text.Range(); err == nil || !text.Start().IsZero() {
			t.Errorf("%q is a date", text)
		}
	}
	if _, _, err := xds.DTM("2026-01-01").Range(); err == nil || !strings.Contains(err.Error(), "des chiffres seuls") {
		t.Errorf("dashes of the length of a date: %v", err)
	}
}

func TestIdentifiers(t *testing.T) {
	for oid, want := range map[string]bool{"1.2.3": true, "2.25.0": true, "1": false, "": false, "3.1": false, "1..2": false, "1.02": false,
		"1.2a": false, "1.2.": false, "1." + strings.Repeat("1", 63): false} {
		if xds.IsOID(oid) != want {
			t.Errorf("IsOID(%q) = %v", oid, !want)
		}
	}
	for id, want := range map[string]bool{"urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1": true, "7edca82f-054d-47f2-a032-9b2a5b5186c1": false,
		"urn:uuid:7EDCA82F-054d-47f2-a032-9b2a5b5186c1": false, "urn:uuid:7edca82f054d-47f2-a032-9b2a5b5186c1x": false, "Document01": false} {
		if xds.IsUUID(id) != want {
			t.Errorf("IsUUID(%q) = %v", id, !want)
		}
	}
}

func TestMarks(t *testing.T) {
	codes := []xds.Code{{Value: "N", Scheme: xds.ConfidentialityOID}, {Value: xds.MarkMaskedPS, Scheme: xds.MarkScheme}, {Value: xds.MarkNOPAT, Scheme: xds.ActCodeScheme},
		{Value: xds.MarkMaskedPS, Scheme: "1.2.3"}}
	base, marks := xds.SplitMarks(codes)
	if len(base) != 2 || marks != (xds.Marks{MaskedPS: true, HiddenPatient: true}) {
		t.Errorf("base %v, marks %+v", base, marks)
	}
	again, same := xds.SplitMarks(marks.Union(xds.Marks{HiddenReps: true}).Codes())
	if len(again) != 0 || same != (xds.Marks{MaskedPS: true, HiddenPatient: true, HiddenReps: true}) {
		t.Errorf("round trip: %v %+v", again, same)
	}
}

// Every row of the error table can be rendered on every face, and its id is its own.
func TestProblems(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range xds.Problems {
		if seen[p.ID] {
			t.Errorf("%s stands twice", p.ID)
		}
		seen[p.ID] = true
		if p.Status == 0 || p.Issue == "" || p.French == "" || p.English == "" {
			t.Errorf("%s is not complete", p.ID)
		}
		e := &xds.Error{ID: p.ID, Where: "ici", Found: "x", Expected: "y"}
		if !strings.HasPrefix(e.Error(), p.ID+" "+p.French) {
			t.Errorf("%s renders as %q", p.ID, e.Error())
		}
	}
	if (&xds.Error{ID: "NONE-1"}).Problem().ID != "INT-001" {
		t.Error("an unknown id is no incident")
	}
}

// Warnings never hide a failure, however many there are.
func TestFindingsAreBounded(t *testing.T) {
	var es xds.Errors
	for i := range 2 * xds.MaxFindings {
		es.Add(&xds.Error{ID: "META-018", Severity: xds.SeverityWarning, Where: fmt.Sprint(i)})
	}
	if es.Failed() || len(es) != xds.MaxFindings {
		t.Fatalf("%d findings, failed %v", len(es), es.Failed())
	}
	es.Add(&xds.Error{ID: "META-001"})
	var found xds.Errors
	if err := es.Err(); len(es) != xds.MaxFindings || !errors.As(err, &found) {
		t.Errorf("%d findings, error %v", len(es), err)
	}
}

func TestShorten(t *testing.T) {
	long := xds.Shorten(strings.Repeat("é", 200))
	if len(long) > 124 || !strings.HasSuffix(long, "é…") {
		t.Errorf("%q (%d bytes)", long, len(long))
	}
	if got := xds.Shorten("a\x00b\nc\xff"); got != "a·b·c�" {
		t.Errorf("%q", got)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"dr-durand", "dr-traitant", "ide-nadia", "patient:alice"}
	if got := xds.Nearest("dr-durant", known, 2); len(got) == 0 || got[0] != "dr-durand" {
		t.Errorf("%v", got)
	}
	if got := xds.Nearest("alice", known, 3); len(got) != 1 || got[0] != "patient:alice" {
		t.Errorf("%v", got)
	}
	if got := xds.Nearest("zzzzzzzz", known, 3); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if got := xds.Nearest("$SetTimeFrom", []string{"$SetPatientId", "$SetSubmissionTimeFrom", "$SetStatus"}, 1); len(got) != 1 || got[0] != "$SetSubmissionTimeFrom" {
		t.Errorf("a part left out: %v", got)
	}
}

// At and Texts agree for every attribute that an entry, a set or a folder has.
func TestAttributes(t *testing.T) {
	var d xds.DocumentEntry
	var s xds.SubmissionSet
	var f xds.Folder
	for a := xds.NoAttribute + 1; a < xds.AttributeCount; a++ {
		if a.String() == "" {
			t.Errorf("attribute %d has no name", a)
		}
		for _, at := range []any{d.At(a), s.At(a), f.At(a)} {
			if got := xds.Texts(at); len(got) != 0 {
				t.Errorf("%s of nothing reads %v", a, got)
			}
		}
	}
	d.TypeCode, d.Size, d.Authors = xds.Code{Value: "1", Scheme: "2"}, 3, []xds.Author{{Person: "p"}}
	for a, want := range map[xds.Attribute]string{xds.AttrTypeCode: "1^^2", xds.AttrSize: "3", xds.AttrAuthor: "p"} {
		if got := xds.Texts(d.At(a)); len(got) != 1 || got[0] != want {
			t.Errorf("%s reads %v", a, got)
		}
	}
}
