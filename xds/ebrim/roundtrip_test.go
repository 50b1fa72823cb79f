package ebrim

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// parse reads a message through the gate that real ones come through.
func parse(t interface{ Fatal(...any) }, message []byte) *xmlgate.Element {
	el, err := xmlgate.Parse(message, xmlgate.Envelope())
	if err != nil {
		t.Fatal(err, string(message))
	}
	return el
}

// text is any text that XML can carry, without white space at its ends: that
// belongs to the layout of a message, not to a value.
var text = rapid.Custom(func(t *rapid.T) string {
	s := rapid.StringOfN(rapid.RuneFrom([]rune("aé&<>\"'^|~\\%_ \t\n\r-0É€𝄞œ")), 1, 12, -1).Draw(t, "text")
	if s = strings.Trim(s, " \t\r\n"); s == "" {
		return "x"
	}
	return s
})

var raw = rapid.SampledFrom([]string{
	"279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH", "IPP1^^^&1.2.3.4&ISO^PI",
	"899900063480^MAX^LIBRE^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS",
	"CABINET^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^499970029200", "NOM EDITEUR^^^^^&1.3.2&ISO^SIREN^^^2704090820",
})

func maybe[T any](t *rapid.T, g *rapid.Generator[T], name string) (v T) {
	if rapid.Bool().Draw(t, name+"?") {
		return g.Draw(t, name)
	}
	return v
}

func list[T any](t *rapid.T, g *rapid.Generator[T], name string) []T {
	if values := rapid.SliceOfN(g, 0, 3).Draw(t, name); len(values) > 0 {
		return values
	}
	return nil
}

var code = rapid.Custom(func(t *rapid.T) xds.Code {
	return xds.Code{Value: text.Draw(t, "code"), Scheme: text.Draw(t, "scheme"), Display: maybe(t, text, "display")}
})

var author = rapid.Custom(func(t *rapid.T) xds.Author {
	a := xds.Author{Person: xds.XCN(maybe(t, raw, "person")), Roles: list(t, text, "roles"),
		Specialties: list(t, text, "specialties"), Telecoms: list(t, text, "telecoms")}
	for _, x := range list(t, raw, "institutions") {
		a.Institutions = append(a.Institutions, xds.XON(x))
	}
	return a
})

// fill gives every attribute that At knows a random value, absent sometimes.
func fill(t *rapid.T, at func(xds.Attribute) any, leave func(xds.Attribute) bool) {
	for a := xds.NoAttribute + 1; a < xds.AttributeCount; a++ {
		if leave(a) {
			continue
		}
		name := a.String()
		switch p := at(a).(type) {
		case *string:
			*p = maybe(t, text, name)
		case *xds.Status:
			*p = maybe(t, rapid.SampledFrom([]xds.Status{xds.Approved, xds.Deprecated, xds.Archived}), name)
		case *xds.CX:
			*p = xds.CX(maybe(t, raw, name))
		case *xds.XCN:
			*p = xds.XCN(maybe(t, raw, name))
		case *xds.DTM:
			*p = xds.DTM(maybe(t, rapid.SampledFrom([]string{"2026", "202601", "20260131", "20260131235959"}), name))
		case *int:
			*p = maybe(t, rapid.IntRange(1, 99), name)
		case *int64:
			*p = maybe(t, rapid.Int64Range(1, 1<<40), name)
		case *xds.Code:
			*p = maybe(t, code, name)
		case *[]xds.Code:
			*p = list(t, code, name)
		case *[]string:
			*p = list(t, text, name)
		case *[]xds.Author:
			*p = list(t, author, name)
		}
	}
}

func extras(t *rapid.T) []xds.Extra {
	var all []xds.Extra
	for i := range rapid.IntRange(0, 2).Draw(t, "extras") {
		all = append(all, xds.Extra{Name: "urn:example:" + string(rune('a'+i)), Values: list(t, text, "extra")})
		if all[i].Values == nil {
			all[i].Values = []string{"v"}
		}
	}
	return all
}

// submission is a random lot; registered adds what a registry sets.
func submission(t *rapid.T, registered bool) xds.Submission {
	leave := func(a xds.Attribute) bool {
		return a == xds.AttrEntryUUID || !registered && (a == xds.AttrAvailabilityStatus || a == xds.AttrVersion ||
			a == xds.AttrLogicalID || a == xds.AttrLastUpdateTime)
	}
	var s xds.Submission
	s.Set.EntryUUID = "SubmissionSet01"
	fill(t, s.Set.At, leave)
	s.Set.Extras = extras(t)
	for i := range rapid.IntRange(0, 3).Draw(t, "documents") {
		d := xds.DocumentEntry{EntryUUID: "Document0" + string(rune('1'+i))}
		fill(t, d.At, leave)
		d.Extras = extras(t)
		s.Documents = append(s.Documents, d)
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "folders") {
		f := xds.Folder{EntryUUID: "Folder0" + string(rune('1'+i))}
		fill(t, f.At, leave)
		f.Extras = extras(t)
		s.Folders = append(s.Folders, f)
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "associations") {
		a := xds.Association{EntryUUID: "as0" + string(rune('1'+i)), Type: rapid.SampledFrom([]xds.AssociationType{xds.HasMember, xds.Replaces, xds.Signs}).Draw(t, "type"),
			Source: text.Draw(t, "source"), Target: text.Draw(t, "target"), SetStatus: maybe(t, rapid.Just("Original"), "setStatus"),
			Documentation: list(t, code, "documentation"), Extras: extras(t)}
		if registered {
			a.AvailabilityStatus = xds.Approved
		}
		s.Associations = append(s.Associations, a)
	}
	return s
}

func TestSubmissionRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := submission(t, false)
		got, found := DecodeSubmission(parse(t, AppendSubmission(nil, &want)))
		if len(found) > 0 {
			t.Fatal(found)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestQueryResponseRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := submission(t, true)
		got, found := DecodeQueryResponse(parse(t, AppendQueryResponse(nil, admitted(t, want))))
		if len(found) > 0 || got.Status != StatusSuccess || len(got.Sets) != 1 {
			t.Fatal(found, got.Status, got.Sets)
		}
		back := xds.Submission{Set: got.Sets[0], Documents: got.Documents, Folders: got.Folders, Associations: got.Associations}
		if diff := cmp.Diff(want, back); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestRegistrySetIsLeftAside: what only the registry sets is accepted in a
// submission and not taken.
func TestRegistrySetIsLeftAside(t *testing.T) {
	s := xds.Submission{Set: xds.SubmissionSet{EntryUUID: "ss", AvailabilityStatus: xds.Approved}}
	s.Documents = []xds.DocumentEntry{{EntryUUID: "d", LogicalID: "d", Version: 1, AvailabilityStatus: xds.Deprecated}}
	s.Folders = []xds.Folder{{EntryUUID: "f", LastUpdateTime: "20260101", AvailabilityStatus: xds.Approved}}
	got, found := DecodeSubmission(parse(t, AppendSubmission(nil, &s)))
	want := xds.Submission{Set: xds.SubmissionSet{EntryUUID: "ss"}, Documents: []xds.DocumentEntry{{EntryUUID: "d"}}, Folders: []xds.Folder{{EntryUUID: "f"}}}
	if diff := cmp.Diff(want, got); diff != "" || len(found) > 0 {
		t.Fatal(diff, found)
	}
}
