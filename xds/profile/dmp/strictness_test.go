package dmp

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/profile"
)

// TestStrictness: what a relaxed sender is only warned of, and what holds all the same.
func TestStrictness(t *testing.T) {
	for _, c := range []struct {
		name  string
		ids   []string // relaxed; none = all
		spoil func(*xds.DocumentEntry, *xds.SubmissionSet)
		want  string
	}{
		{"an unknown format", nil, func(d *xds.DocumentEntry, _ *xds.SubmissionSet) { d.FormatCode.Value = "x" }, "META-003 warning"},
		{"no service time", nil, func(d *xds.DocumentEntry, _ *xds.SubmissionSet) { d.ServiceStart = "" }, "META-001 warning"},
		{"a title beyond the DMP's length", nil, func(d *xds.DocumentEntry, _ *xds.SubmissionSet) { d.Title = strings.Repeat("x", 200) }, "META-010 warning"},
		{"a title beyond that of IHE", nil, func(d *xds.DocumentEntry, _ *xds.SubmissionSet) { d.Title = strings.Repeat("x", profile.MaxText+1) }, "META-010"},
		{"another code than the relaxed one", []string{"META-001"}, func(d *xds.DocumentEntry, _ *xds.SubmissionSet) { d.FormatCode.Value = "x" }, "META-003"},
		{"an unknown type", nil, func(d *xds.DocumentEntry, _ *xds.SubmissionSet) { d.TypeCode.Value = "x" }, "META-003"},
		{"an unknown confidentiality", nil, func(d *xds.DocumentEntry, _ *xds.SubmissionSet) { d.Confidentiality[0].Value = "X" }, "META-003"},
		{"no traits", nil, func(d *xds.DocumentEntry, _ *xds.SubmissionSet) { d.SourcePatientInfo = nil }, "META-001"},
		{"another birth date", nil, func(d *xds.DocumentEntry, _ *xds.SubmissionSet) { d.SourcePatientInfo[1] = "PID-7|19790316" }, "C-09"},
		{"no INS", nil, func(d *xds.DocumentEntry, _ *xds.SubmissionSet) { d.PatientID = "" }, "META-001"},
		{"a malformed time", nil, func(d *xds.DocumentEntry, _ *xds.SubmissionSet) { d.ServiceStart = "hier" }, "META-004"},
		{"no uniqueId", nil, func(d *xds.DocumentEntry, _ *xds.SubmissionSet) { d.UniqueID = "" }, "META-001"},
		{"another class", nil, func(d *xds.DocumentEntry, _ *xds.SubmissionSet) { d.ClassCode.Value = "11" }, "META-005"},
		{"another author than the token", nil, func(_ *xds.DocumentEntry, s *xds.SubmissionSet) {
			s.Authors[0].Person = xds.NewXCN("1", "A", "B", "1.2.250.1.71.4.2.1", "IDNPS")
		}, "META-011"},
	} {
		s, ctx := lot(), doctor()
		c.spoil(&s.Documents[0], &s.Set)
		relaxed, ok := profile.Relax(c.ids...)
		if !ok {
			t.Fatal(c.ids)
		}
		strict := New(Options{TestINS: true}).Check(s, ctx)
		if !strict.Failed() {
			t.Errorf("%s: the strict profile lets it pass", c.name)
		}
		ctx.Relaxed = relaxed
		var got []string
		for _, e := range New(Options{TestINS: true}).Check(s, ctx) {
			text := e.ID
			if e.Severity == xds.SeverityWarning {
				text += " warning"
			}
			got = append(got, text)
		}
		slices.Sort(got)
		if text := strings.Join(slices.Compact(got), ", "); text != c.want {
			t.Errorf("%s: %q, want %q", c.name, text, c.want)
		}
	}
}

// TestRelaxIsBounded: nothing but what a table names can be relaxed, on nothing but
// soft rules, and behind each of those stands what IHE asks.
func TestRelaxIsBounded(t *testing.T) {
	for _, p := range xds.Problems {
		if _, ok := profile.Relax(p.ID); ok != slices.Contains(profile.Relaxable(), p.ID) || ok && !strings.HasPrefix(p.ID, "META-") {
			t.Errorf("%s can be relaxed", p.ID)
		}
	}
	var soft []string
	for _, r := range New(Options{}).Rules {
		if r.Soft {
			soft = append(soft, fmt.Sprintf("%s.%s.%s", r.Object, r.Attribute, r.Part))
		}
	}
	for _, r := range profile.IHE().Rules {
		if r.Soft {
			t.Errorf("IHE's own rule on %s is soft", r.Attribute)
		}
	}
	slices.Sort(soft)
	want := []string{
		"DocumentEntry.author.authorSpecialty", "DocumentEntry.formatCode.", "DocumentEntry.healthcareFacilityTypeCode.", "DocumentEntry.languageCode.",
		"DocumentEntry.legalAuthenticator.", "DocumentEntry.practiceSettingCode.", "DocumentEntry.referenceIdList.", "DocumentEntry.serviceStartTime.",
		"DocumentEntry.title.", "SubmissionSet.author.authorSpecialty", "SubmissionSet.contentTypeCode.",
	}
	if !reflect.DeepEqual(soft, want) {
		t.Errorf("the soft rules are %q", soft)
	}
}
