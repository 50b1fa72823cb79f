package fhir

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/passerelle-sante/passerelle/xds"
)

func parse(t testing.TB, query string, strict bool) (Search, xds.Errors) {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return ParseSearch("DocumentReference", values, testBase, strict)
}

func day(s string) time.Time {
	d, err := time.Parse("2006-01-02", s)
	if err != nil {
		panic(err)
	}
	return d
}

// statusMatch is what a search ends with.
var listed = xds.StatusIs(xds.Approved, xds.Deprecated)

func TestSearchConditions(t *testing.T) {
	code := func(value, scheme string) xds.Code { return xds.Code{Value: value, Scheme: scheme} }
	within := func(a xds.Attribute, from, to time.Time) xds.Match {
		return xds.Match{Attribute: a, Op: xds.Within, Span: xds.Span{From: from, To: to}}
	}
	var open time.Time
	served := xds.AnyOf(xds.Match{Attribute: xds.AttrServiceStart, Op: xds.Present}, xds.Match{Attribute: xds.AttrServiceStop, Op: xds.Present})
	prefix := func(a xds.Attribute, texts ...string) xds.Match {
		return xds.Match{Attribute: a, Op: xds.Prefix, Texts: texts}
	}
	for query, want := range map[string][]xds.Match{
		"":                               nil,
		"type=http://loinc.org|11502-2":  {xds.EqualCodes(xds.AttrTypeCode, code("11502-2", loincOID))},
		"type=urn:oid:" + loincOID + "|": {xds.EqualCodes(xds.AttrTypeCode, code("", loincOID))},
		"type=11502-2,11490-0":           {xds.EqualCodes(xds.AttrTypeCode, code("11502-2", ""), code("11490-0", ""))},
		"type=a&type=b":                  {xds.EqualCodes(xds.AttrTypeCode, code("a", "")), xds.EqualCodes(xds.AttrTypeCode, code("b", ""))},
		"type=|a":                        {xds.StatusIs()},
		`type=a\,b`:                      {xds.EqualCodes(xds.AttrTypeCode, code("a,b", ""))},
		"type:not=a":                     {{Attribute: xds.AttrTypeCode, Codes: []xds.Code{code("a", "")}, Not: true}},
		"event:missing=true":             {{Attribute: xds.AttrEventCodes, Op: xds.Present, Not: true}},
		"event:missing=false":            {{Attribute: xds.AttrEventCodes, Op: xds.Present}},
		"security-label=" + tre("TRE_A07-StatusVisibiliteDocument") + "|MASQUE_PS": {xds.EqualCodes(xds.AttrConfidentiality, code("MASQUE_PS", xds.MarkScheme))},
		"date=2026-06-12":                              {within(xds.AttrCreationTime, day("2026-06-12"), day("2026-06-13"))},
		"creation=ge2026-06-12&creation=lt2026-07":     {{Attribute: xds.AttrCreationTime, Op: xds.Overlaps, Span: xds.Span{From: day("2026-06-12")}}, {Attribute: xds.AttrCreationTime, Op: xds.Overlaps, Span: xds.Span{To: day("2026-07-01")}}},
		"date=gt2026":                                  {{Attribute: xds.AttrCreationTime, Op: xds.Overlaps, Span: xds.Span{From: day("2027-01-01")}}},
		"date=le2026":                                  {{Attribute: xds.AttrCreationTime, Op: xds.Overlaps, Span: xds.Span{To: day("2027-01-01")}}},
		"date=sa2026":                                  {within(xds.AttrCreationTime, day("2027-01-01"), open)},
		"date=eb2026":                                  {within(xds.AttrCreationTime, open, day("2026-01-01"))},
		"date=2026-06-12T02:00:00%2B02:00":             {within(xds.AttrCreationTime, day("2026-06-12"), day("2026-06-12").Add(time.Second))},
		"date=2026-06-12T02:00:00+02:00":               {within(xds.AttrCreationTime, day("2026-06-12"), day("2026-06-12").Add(time.Second))},
		"period=ge2026":                                {{All: []xds.Match{served, {Attribute: xds.AttrServiceStop, Op: xds.Within, Span: xds.Span{To: day("2026-01-01")}, Not: true}}}},
		"period-end=eb2026":                            {within(xds.AttrServiceStop, open, day("2026-01-01"))},
		"related:identifier=urn:oid:1.2.3|A_1":         {{Attribute: xds.AttrReferenceIDs, Op: xds.Like, Texts: []string{`A\_1^^^&1.2.3&ISO%`}}},
		"author:identifier=urn:oid:1.2.3|8":            {{Attribute: xds.AttrAuthorPerson, Op: xds.Like, Texts: []string{`8^%&1.2.3&ISO%`}}},
		"author.family=Dur":                            {prefix(xds.AttrAuthorFamily, "Dur")},
		"author:Practitioner.family=a,b":               {prefix(xds.AttrAuthorFamily, "a", "b")},
		"author:PractitionerRole.practitioner.given=a": {prefix(xds.AttrAuthorGiven, "a")},
		"author:PractitionerRole.practitioner:Practitioner.name=a": {xds.AnyOf(prefix(xds.AttrAuthorFamily, "a"), prefix(xds.AttrAuthorGiven, "a"))},
		"author.PractitionerRole.name:exact=a%5C%7Cb":              {xds.AnyOf(xds.EqualTexts(xds.AttrAuthorFamily, "a|b"), xds.EqualTexts(xds.AttrAuthorGiven, "a|b"))},
		"author:missing=true":                                      {{Any: []xds.Match{{Attribute: xds.AttrAuthorPerson, Op: xds.Present}, {Attribute: xds.AttrAuthorInstitution, Op: xds.Present}}, Not: true}},
		"author.identifier:not=urn:oid:1.2.3|8":                    {{Attribute: xds.AttrAuthorPerson, Op: xds.Like, Texts: []string{`8^%&1.2.3&ISO%`}, Not: true}},
		"period:missing=false":                                     {served},
		"date=2026-06,ne2026-06-12":                                {{Any: []xds.Match{within(xds.AttrCreationTime, day("2026-06-01"), day("2026-07-01")), {All: []xds.Match{{Attribute: xds.AttrCreationTime, Op: xds.Present}, {Attribute: xds.AttrCreationTime, Op: xds.Within, Span: xds.Span{From: day("2026-06-12"), To: day("2026-06-13")}, Not: true}}}}}},
		"date=ap2026-06-12":                                        {{Attribute: xds.AttrCreationTime, Op: xds.Overlaps, Span: xds.Span{From: day("2026-06-11"), To: day("2026-06-14")}}},
		"creation=2026-06-12T02:30%2B02:00":                        {within(xds.AttrCreationTime, day("2026-06-12").Add(30*time.Minute), day("2026-06-12").Add(31*time.Minute))},
		"PDSm_DocumentReference_period-start=eb2026":               {within(xds.AttrServiceStart, open, day("2026-01-01"))},
		"_lastupdated=ge2026":                                      {{Attribute: xds.AttrLastUpdateTime, Op: xds.Overlaps, Span: xds.Span{From: day("2026-01-01")}}},
		"_id:not=x":                                                {{Attribute: xds.AttrLogicalID, Not: true}},
		"_id=11111111-2222-4333-8444-555555555555":                 {xds.EqualTexts(xds.AttrLogicalID, "urn:uuid:11111111-2222-4333-8444-555555555555")},
		"_id=nothing-of-ours":                                      {{Attribute: xds.AttrLogicalID}},
		"_lastUpdated=ge2026":                                      {{Attribute: xds.AttrLastUpdateTime, Op: xds.Overlaps, Span: xds.Span{From: day("2026-01-01")}}},
		"_format=json&_pretty=true&unknown=ignored":                nil,
	} {
		got, findings := parse(t, "patient=5c1b&"+query, false)
		if len(findings) > 0 {
			t.Errorf("%s: %v", query, findings)
			continue
		}
		if diff := cmp.Diff(append(slices.Clone(want), listed), got.Query.Match); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", query, diff)
		}
	}
}

// TestSearchStatus: without status current and superseded, never archived (policy §1.9).
func TestSearchStatus(t *testing.T) {
	for query, want := range map[string][]xds.Status{
		"":                                      {xds.Approved, xds.Deprecated},
		"status=current":                        {xds.Approved},
		"status=superseded":                     {xds.Deprecated},
		"status=current,superseded":             {xds.Approved, xds.Deprecated},
		"status=" + statusSystem + "|current":   {xds.Approved},
		"status:not=superseded":                 {xds.Approved},
		"status=entered-in-error":               {},
		"isArchived=true":                       {xds.Archived},
		"isArchived=true&status=current":        {xds.Archived},
		"isArchived=true&status=superseded":     {},
		"isArchived=true,false":                 {xds.Approved, xds.Deprecated, xds.Archived},
		"isArchived=false&status=current":       {xds.Approved},
		"status:missing=true":                   {xds.Approved, xds.Deprecated},
		"status=current&status:not=current":     {},
		"status:missing=false&isArchived=false": {xds.Approved, xds.Deprecated},
	} {
		got, findings := parse(t, "patient=5c1b&"+query, true)
		match := got.Query.Match[len(got.Query.Match)-1]
		if len(findings) > 0 || !cmp.Equal(match, xds.StatusIs(want...)) {
			t.Errorf("%s: %v %v", query, findings, match)
		}
	}
	if got, _ := parse(t, "patient=5c1b&status:missing=true", true); !cmp.Equal(got.Query.Match[0], xds.StatusIs()) {
		t.Error("status is never missing")
	}
}

// TestSearchPatient: all ways to name the patient, and one patient alone.
func TestSearchPatient(t *testing.T) {
	const ins = "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH"
	for query, want := range map[string]Search{
		"patient=5c1b":                          {Record: "5c1b"},
		"patient=Patient/5c1b":                  {Record: "5c1b"},
		"patient:Patient=5c1b":                  {Record: "5c1b"},
		"subject=" + testBase + "/Patient/5c1b": {Record: "5c1b"},
		"patient.identifier=urn:oid:1.2.250.1.213.1.4.10|279035121518989":         {Patient: ins},
		"patient:identifier=urn:oid:1.2.250.1.213.1.4.10|279035121518989":         {Patient: ins},
		"patient:Patient.identifier=urn:oid:1.2.250.1.213.1.4.10|279035121518989": {Patient: ins},
		"subject:identifier=urn:oid:1.2.250.1.213.1.4.10|279035121518989":         {Patient: ins},
	} {
		got, findings := parse(t, query, true)
		if len(findings) > 0 || got.Record != want.Record || got.Patient != want.Patient {
			t.Errorf("%s: %v %q %q", query, findings, got.Record, got.Patient)
		}
		if link := got.URL(testBase, "5c1b", ""); link != testBase+"/DocumentReference?patient=Patient/5c1b" {
			t.Errorf("%s: self link %s", query, link)
		}
	}
	for query, id := range map[string]string{
		"": "QRY-002", "type=a": "QRY-002", "patient=1&patient=2": "QRY-005", "patient.identifier=279035121518989": "FHIR-008",
		"patient.identifier=urn:oid:1.2.3|1&patient.identifier=urn:oid:1.2.3|3": "QRY-005", "patient=a%20b": "FHIR-008", "patient.identifier=urn:oid:1.2.3|1,2": "FHIR-008",
	} {
		if _, findings := parse(t, query, false); !has(findings, id, "") {
			t.Errorf("%s: want %s, got %v", query, id, findings)
		}
	}
	if _, findings := parse(t, "identifier=urn:oid:1.2.3", true); len(findings) > 0 {
		t.Errorf("a search by identifier names its documents: %v", findings)
	}
}

// TestSearchIdentifier: every form of an identifier, by all that it may be.
func TestSearchIdentifier(t *testing.T) {
	const uuid = "11111111-2222-4333-8444-555555555555"
	for value, want := range map[string]string{
		"urn:ietf:rfc:3986|urn:oid:1.2.3": "1.2.3", "urn:oid:1.2.3": "1.2.3", "1.2.3": "1.2.3", "urn:oid:1.2.3|x": "1.2.3^x",
		"urn:ietf:rfc:3986|urn:uuid:" + uuid: "urn:uuid:" + uuid, "urn:uuid:" + uuid: "urn:uuid:" + uuid, strings.ToUpper(uuid): "urn:uuid:" + uuid, "|1.2.3": "",
	} {
		got, findings := parse(t, url.Values{"identifier": {value}}.Encode(), true)
		if len(findings) > 0 || len(got.Named) != 1 || strings.Join(got.Named[0].IDs, ",") != want {
			t.Errorf("%s: %v %v", value, findings, got.Named)
		}
	}
}

func TestSearchRefusals(t *testing.T) {
	for _, query := range []string{
		"type:above=a", "type:exact=a", "type:text=a", "type:in=a", "type:of-type=a", "type=", "type=|", "date=2026-02-31", "date=xx2026", "date=2026,", "date:not=2026", "author.family:not=a", "identifier:exact=a",
		"date=2026-06-12T10:00:00%2B2:00", "date=2026-06T10:00", "date=2026-06-12T10", "author.family=%20", "event:missing=maybe", "status=final",
		"isArchived=yes", "_count=-1", "_count=many", "_total=maybe", "_summary=all", "_sort=title", "author=Practitioner/1", "related=Encounter/1",
		"identifier=", "type=" + strings.Repeat("a,", 1001) + "a",
	} {
		if _, findings := parse(t, "patient=5c1b&"+query, false); !has(findings, "FHIR-008", "") {
			t.Errorf("%.60s: accepted", query)
		}
	}
	for _, name := range []string{"author:Practitioner:exact.family", "author:other.family", "author.organization.family", "patientidentifier"} {
		if _, findings := parse(t, "patient=5c1b&"+name+"=1", true); !has(findings, "FHIR-008", name) {
			t.Errorf("%s is understood", name)
		}
	}
	if _, findings := parse(t, "patient=5c1b&unknown=1", true); !has(findings, "FHIR-008", "unknown") {
		t.Error("Prefer: handling=strict lets an unknown parameter pass")
	}
}

// TestSearchLinks: self and next say what was understood and hide the patient.
func TestSearchLinks(t *testing.T) {
	s, findings := parse(t, "type=http://loinc.org|11502-2&unknown=1&status=current&patient.identifier=urn:oid:1.2.250.1.213.1.4.10|279035121518989&_count=7&_cursor=abc", false)
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	want := testBase + "/DocumentReference?patient=Patient/5c1b&_count=7&status=current&type=http://loinc.org|11502-2&_cursor=xyz"
	if got := s.URL(testBase, "5c1b", "xyz"); got != want {
		t.Errorf("got %s", got)
	}
	if s.Query.Limit != 7 || s.Cursor != "abc" {
		t.Errorf("limit %d cursor %s", s.Query.Limit, s.Cursor)
	}
	if big, _ := parse(t, "patient=5c1b&_count=100000", true); big.Query.Limit != maxCount {
		t.Error("_count is not bounded")
	}
}

func TestCursors(t *testing.T) {
	c, err := NewCursors([32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	at := xds.Cursor{Values: []string{"20260612080000"}, LogicalID: "urn:uuid:1"}
	sealed := c.Seal("dr-durand", "query", at)
	if sealed != c.Seal("dr-durand", "query", at) || strings.Contains(sealed, "2026") {
		t.Error("a position must seal to one opaque text")
	}
	if got, err := c.Open("dr-durand", "query", sealed); err != nil || !cmp.Equal(*got, at) {
		t.Errorf("%v %v", got, err)
	}
	other, _ := NewCursors([32]byte{2})
	flipped := []byte(sealed)
	flipped[len(flipped)/2] ^= 1
	for name, open := range map[string]func() (*xds.Cursor, error){
		"subject": func() (*xds.Cursor, error) { return c.Open("ide-nadia", "query", sealed) },
		"query":   func() (*xds.Cursor, error) { return c.Open("dr-durand", "other", sealed) },
		"key":     func() (*xds.Cursor, error) { return other.Open("dr-durand", "query", sealed) },
		"change":  func() (*xds.Cursor, error) { return c.Open("dr-durand", "query", string(flipped)) },
		"rubbish": func() (*xds.Cursor, error) { return c.Open("dr-durand", "query", "!") },
		"short":   func() (*xds.Cursor, error) { return c.Open("dr-durand", "query", "AAAA") },
	} {
		if _, err := open(); err == nil {
			t.Errorf("opened with another %s", name)
		}
	}
}
