package ebrim

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

const patient = "279035121518989^^^&amp;1.2.250.1.213.1.4.10&amp;ISO^NH"

// ask is the message for one query; slots are name, value, name, value, …
func ask(id string, slots ...string) []byte {
	var b strings.Builder
	b.WriteString(`<query:AdhocQueryRequest xmlns:query="` + NamespaceQuery + `" xmlns="` + NamespaceRIM + `"><query:ResponseOption returnType="LeafClass"/><AdhocQuery id="` + id + `">`)
	for i := 0; i < len(slots); i += 2 {
		b.WriteString(slotXML(slots[i], slots[i+1]))
	}
	b.WriteString(`</AdhocQuery></query:AdhocQueryRequest>`)
	return []byte(b.String())
}

// find is FindDocuments with what it demands.
func find(slots ...string) []byte {
	return ask(Lookup("FindDocuments").UUID, append([]string{"$XDSDocumentEntryPatientId", "'" + patient + "'", "$XDSDocumentEntryStatus", "('" + string(xds.Approved) + "')"}, slots...)...)
}

func TestFindDocuments(t *testing.T) {
	day := func(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }
	approved, stable := xds.StatusIs(xds.Approved), xds.EqualTexts(xds.AttrObjectType, xds.StableDocument)
	code := func(v, s string) xds.Code { return xds.Code{Value: v, Scheme: s} }
	for _, c := range []struct {
		name  string
		slots []string
		want  []xds.Match
	}{
		{"the least", nil, []xds.Match{stable}},
		{"one code", []string{"$XDSDocumentEntryTypeCode", "('15508-5^^2.16.840.1.113883.6.1')"},
			[]xds.Match{xds.EqualCodes(xds.AttrTypeCode, code("15508-5", "2.16.840.1.113883.6.1")), stable}},
		{"codes joined by OR", []string{"$XDSDocumentEntryClassCode", "( 'a^^1' , 'b^^2' )"},
			[]xds.Match{xds.EqualCodes(xds.AttrClassCode, code("a", "1"), code("b", "2")), stable}},
		{"a list in several values", []string{"$XDSDocumentEntryClassCode", "('a^^1')</Value><Value>('b^^2')"},
			[]xds.Match{xds.EqualCodes(xds.AttrClassCode, code("a", "1"), code("b", "2")), stable}},
		{"slots joined by AND", []string{"$XDSDocumentEntryEventCodeList", "('a^^1','b^^1')", "$XDSDocumentEntryEventCodeList", "('c^^1')"},
			[]xds.Match{xds.EqualCodes(xds.AttrEventCodes, code("a", "1"), code("b", "1")), xds.EqualCodes(xds.AttrEventCodes, code("c", "1")), stable}},
		{"a range: from inclusive, to exclusive, partial precision", []string{"$XDSDocumentEntryCreationTimeFrom", "2025", "$XDSDocumentEntryCreationTimeTo", "'202603'"},
			[]xds.Match{{Attribute: xds.AttrCreationTime, Op: xds.Within, Span: xds.Span{From: day(2025, 1, 1), To: day(2026, 3, 1)}}, stable}},
		{"an open range", []string{"$XDSDocumentEntryServiceStopTimeTo", "20260102"},
			[]xds.Match{{Attribute: xds.AttrServiceStop, Op: xds.Within, Span: xds.Span{To: day(2026, 1, 2)}}, stable}},
		{"an author, quotes doubled, a backslash for itself", []string{"$XDSDocumentEntryAuthorPerson", `('%D''A_TAGNAN\%')`},
			[]xds.Match{{Attribute: xds.AttrAuthorPerson, Op: xds.Like, Texts: []string{`%D'A_TAGNAN\\%`}}, stable}},
		{"both types", []string{"$XDSDocumentEntryType", "('" + xds.StableDocument + "','" + xds.OnDemandDocument + "')"},
			[]xds.Match{xds.EqualTexts(xds.AttrObjectType, xds.StableDocument, xds.OnDemandDocument)}},
		{"the metadata level", []string{"$MetadataLevel", "1"}, []xds.Match{stable}},
	} {
		t.Run(c.name, func(t *testing.T) {
			q, found := DecodeQuery(parse(t, find(c.slots...)))
			if len(found) > 0 {
				t.Fatal(found)
			}
			want := StoredQuery{Row: Lookup("FindDocuments"), ReturnType: LeafClass, MetadataLevel: 1,
				Query: xds.Query{Patient: "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH", Match: append([]xds.Match{approved}, c.want...)}}
			want.Patients = []xds.CX{want.Query.Patient}
			if diff := cmp.Diff(want, q); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestQueryFindings(t *testing.T) {
	findID, getID := Lookup("FindDocuments").UUID, Lookup("GetDocuments").UUID
	many := "('a^^1'" + strings.Repeat(",'a^^1'", MaxValues) + ")"
	for _, c := range []struct {
		name    string
		message []byte
		want    string
	}{
		{"an unknown query", ask("urn:uuid:0"), "[QRY-001 AdhocQuery@id]"},
		{"a name is no id", ask("FindDocuments"), "[QRY-001 AdhocQuery@id]"},
		{"nothing given", ask(findID), "[QRY-002 AdhocQuery.$XDSDocumentEntryPatientId QRY-002 AdhocQuery.$XDSDocumentEntryStatus]"},
		{"no id", ask(getID), "[QRY-002 AdhocQuery]"},
		{"two kinds of id", ask(getID, "$XDSDocumentEntryEntryUUID", "('a')", "$XDSDocumentEntryUniqueId", "('b')"), "[QRY-003 AdhocQuery]"},
		{"two sets", ask(Lookup("GetSubmissionSetAndContents").UUID, "$XDSSubmissionSetUniqueId", "('a','b')"), "[QRY-003 AdhocQuery.$XDSSubmissionSetUniqueId]"},
		{"an unknown parameter", find("$XDSDocumentEntryColor", "'red'"), "[QRY-007 AdhocQuery.$XDSDocumentEntryColor]"},
		{"a parameter of another query", find("$XDSFolderCodeList", "('a^^1')"), "[QRY-007 AdhocQuery.$XDSFolderCodeList]"},
		{"a slot that is no parameter", find("vendor", "1"), "[QRY-007 AdhocQuery.vendor (warning)]"},
		{"AND where there is none", find("$XDSDocumentEntryTypeCode", "('a^^1')", "$XDSDocumentEntryTypeCode", "('b^^1')"), "[QRY-003 AdhocQuery.$XDSDocumentEntryTypeCode]"},
		{"two times", find("$XDSDocumentEntryCreationTimeFrom", "('2025','2026')"), "[QRY-003 AdhocQuery.$XDSDocumentEntryCreationTimeFrom]"},
		{"too many values", find("$XDSDocumentEntryTypeCode", many), "[QRY-003 AdhocQuery.$XDSDocumentEntryTypeCode]"},
		{"no quotes", find("$XDSDocumentEntryTypeCode", "(a^^1)"), "[QRY-004 AdhocQuery.$XDSDocumentEntryTypeCode]"},
		{"a number for a text", find("$XDSDocumentEntryTypeCode", "(12)"), "[QRY-004 AdhocQuery.$XDSDocumentEntryTypeCode]"},
		{"an open quote", find("$XDSDocumentEntryTypeCode", "('a^^1)"), "[QRY-004 AdhocQuery.$XDSDocumentEntryTypeCode]"},
		{"an open list", find("$XDSDocumentEntryTypeCode", "('a^^1',"), "[QRY-004 AdhocQuery.$XDSDocumentEntryTypeCode]"},
		{"an empty list", find("$XDSDocumentEntryTypeCode", "()"), "[QRY-004 AdhocQuery.$XDSDocumentEntryTypeCode]"},
		{"values without parentheses", find("$XDSDocumentEntryTypeCode", "'a^^1','b^^1'"), "[QRY-004 AdhocQuery.$XDSDocumentEntryTypeCode]"},
		{"no value", find("$XDSDocumentEntryTypeCode", " "), "[QRY-003 AdhocQuery.$XDSDocumentEntryTypeCode]"},
		{"a code without scheme", find("$XDSDocumentEntryTypeCode", "('a')"), "[QRY-004 AdhocQuery.$XDSDocumentEntryTypeCode]"},
		{"a time with an offset", find("$XDSDocumentEntryCreationTimeFrom", "'20260131120000+0100'"), "[QRY-004 AdhocQuery.$XDSDocumentEntryCreationTimeFrom]"},
		{"an unknown status", find("$XDSDocumentEntryStatus2", "('x')"), "[QRY-007 AdhocQuery.$XDSDocumentEntryStatus2]"},
		{"a status that is none", ask(findID, "$XDSDocumentEntryPatientId", "'"+patient+"'", "$XDSDocumentEntryStatus", "('Approved')"), "[QRY-004 AdhocQuery.$XDSDocumentEntryStatus]"},
		{"a type that is none", find("$XDSDocumentEntryType", "('stable')"), "[QRY-004 AdhocQuery.$XDSDocumentEntryType]"},
		{"a level that is none", find("$MetadataLevel", "3"), "[QRY-004 AdhocQuery.$MetadataLevel]"},
		{"a patient that is none", ask(findID, "$XDSDocumentEntryPatientId", "'279035121518989'", "$XDSDocumentEntryStatus", "('"+string(xds.Approved)+"')"), "[QRY-004 AdhocQuery.$XDSDocumentEntryPatientId]"},
		{"whole documents in the answer", []byte(strings.Replace(string(find()), "LeafClass", "LeafClassWithRepositoryItem", 1)), "[QRY-008 ResponseOption@returnType]"},
		{"all at once", find("$XDSDocumentEntryTypeCode", "(x)", "$MetadataLevel", "9", "$x", "1"),
			"[QRY-004 AdhocQuery.$XDSDocumentEntryTypeCode QRY-004 AdhocQuery.$MetadataLevel QRY-007 AdhocQuery.$x]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, found := DecodeQuery(parse(t, c.message))
			if got := fmt.Sprint(brief(found)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if strings.Contains(found.Error(), "279035121518989") {
				t.Error("the finding names the patient:", found)
			}
		})
	}
}

func TestGetQueries(t *testing.T) {
	q, found := DecodeQuery(parse(t, ask(Lookup("GetDocuments").UUID, "$XDSDocumentEntryUniqueId", "('1.2','1.3')", "$homeCommunityId", "'urn:oid:1.2'")))
	if len(found) > 0 || q.By != xds.AttrUniqueID || fmt.Sprint(q.IDs) != "[1.2 1.3]" || q.HomeCommunityID != "urn:oid:1.2" || q.Query.Match != nil {
		t.Error(q, found)
	}
	q, found = DecodeQuery(parse(t, ask(Lookup("GetSubmissionSetAndContents").UUID, "$XDSSubmissionSetEntryUUID", "'urn:uuid:1'", "$XDSDocumentEntryFormatCode", "('f^^1')")))
	want := []xds.Match{xds.EqualCodes(xds.AttrFormatCode, xds.Code{Value: "f", Scheme: "1"}), xds.EqualTexts(xds.AttrObjectType, xds.StableDocument)}
	if len(found) > 0 || q.By != xds.AttrEntryUUID || fmt.Sprint(q.IDs) != "[urn:uuid:1]" || cmp.Diff(want, q.Query.Match) != "" {
		t.Error(q, found)
	}
}

// TestCatalogue: every parameter of every query exists, no query or name comes
// twice, and the AND parameters are those of the TF.
func TestCatalogue(t *testing.T) {
	ids := map[string]bool{}
	for _, r := range Catalogue {
		if ids[r.UUID] || ids[r.Name] || !xds.IsUUID(r.UUID) || len(r.Required)+len(r.OneOf) == 0 {
			t.Errorf("%s: %s", r.Name, r.UUID)
		}
		ids[r.UUID], ids[r.Name] = true, true
		given := map[string]bool{}
		for _, name := range r.names() {
			if params[name] == nil {
				t.Errorf("%s: unknown parameter %s", r.Name, name)
			}
			if given[name] {
				t.Errorf("%s: %s twice", r.Name, name)
			}
			given[name] = true
		}
	}
	if len(Catalogue) != 17 {
		t.Errorf("%d queries", len(Catalogue))
	}
	for name, p := range params {
		want := name == "$XDSDocumentEntryEventCodeList" || name == "$XDSDocumentEntryConfidentialityCode" ||
			name == "$XDSDocumentEntryReferenceIdList" || name == "$XDSFolderCodeList"
		if p.And != want {
			t.Errorf("%s: And = %v", name, p.And)
		}
	}
}

// TestClientQuery: what the client writes is what the server reads.
func TestClientQuery(t *testing.T) {
	message := AppendQuery(nil, QueryRequest{ID: Lookup("FindDocuments").UUID, ReturnType: ObjectRef, Home: "urn:oid:1.2", Params: []QueryParam{
		{"$XDSDocumentEntryPatientId", []string{"279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH"}},
		{"$XDSDocumentEntryStatus", []string{string(xds.Approved), string(xds.Archived)}},
		{"$XDSDocumentEntryAuthorPerson", []string{"%D'ARTAGNAN%"}},
		{"$XDSDocumentEntryCreationTimeFrom", []string{"2026"}},
	}})
	q, found := DecodeQuery(parse(t, message))
	if len(found) > 0 || q.ReturnType != ObjectRef || q.HomeCommunityID != "urn:oid:1.2" || len(q.Query.Match) != 4 ||
		q.Query.Match[1].Texts[0] != "%D'ARTAGNAN%" || len(q.Query.Match[0].Texts) != 2 {
		t.Error(q, found)
	}
}

// FuzzStoredQuery: no message crashes the reader, and a query without error has
// what it demands.
func FuzzStoredQuery(f *testing.F) {
	f.Add("$XDSDocumentEntryTypeCode", "('a^^1','b^^2')")
	f.Add("$XDSDocumentEntryCreationTimeFrom", "20260131")
	f.Add("$XDSDocumentEntryAuthorPerson", `('%D''A_\')`)
	f.Add("$XDSDocumentEntryEventCodeList", "(")
	f.Add("$XDSDocumentEntryType", "''")
	f.Add("$MetadataLevel", "('1'")
	f.Fuzz(func(t *testing.T, name, value string) {
		var e encoder
		e.buf = append(e.buf, find()...)
		at := strings.Index(string(e.buf), "</AdhocQuery>")
		tail := string(e.buf[at:])
		e.buf = e.buf[:at]
		e.open("Slot")
		e.attr("name", name)
		e.more()
		e.buf = append(e.buf, "<ValueList>"...)
		e.text("Value", value)
		e.buf = append(e.buf, "</ValueList></Slot>"...)
		el, err := xmlgate.Parse(append(e.buf, tail...), xmlgate.Envelope())
		if err != nil {
			t.Fatalf("the encoder wrote what the gate refuses: %v", err)
		}
		q, found := DecodeQuery(el)
		if !found.Failed() && (q.Row == nil || q.Query.Patient == "" || len(q.Query.Match) < 2) {
			t.Errorf("%q = %q gives %+v", name, value, q)
		}
	})
}
