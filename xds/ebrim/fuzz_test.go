package ebrim

import (
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// FuzzQueryMessage decodes any XML that passes the gate as a stored query: no panic;
// every finding is a row of the table with its place; what is accepted is within the
// bounds and asks about a valid patient.
func FuzzQueryMessage(f *testing.F) {
	const patient = "279035121518989^^^&1.2.250.1.213.1.4.10&ISO"
	for _, q := range []QueryRequest{
		{ID: Lookup("FindDocuments").UUID, ReturnType: LeafClass, Params: []QueryParam{{"$XDSDocumentEntryPatientId", []string{patient}}, {"$XDSDocumentEntryStatus", []string{string(xds.Approved)}},
			{"$XDSDocumentEntryTypeCode", []string{"11502-2^^1.2"}}, {"$XDSDocumentEntryCreationTimeFrom", []string{"2026"}}, {"$XDSDocumentEntryCreationTimeTo", []string{"20270131"}},
			{"$XDSDocumentEntryAuthorPerson", []string{"%O'Brien_%"}}}},
		{ID: Lookup("GetDocuments").UUID, ReturnType: ObjectRef, Params: []QueryParam{{"$XDSDocumentEntryUniqueId", []string{"1.2.3", "1.2.4"}}}},
		{ID: Lookup("GetSubmissionSetAndContents").UUID, ReturnType: LeafClass, Params: []QueryParam{{"$XDSSubmissionSetUniqueId", []string{"1.2.4"}}}},
		{ID: "urn:uuid:unknown", ReturnType: "Nothing"},
	} {
		f.Add(AppendQuery(nil, q))
	}
	sample := string(AppendQuery(nil, QueryRequest{ID: Lookup("FindDocuments").UUID, ReturnType: LeafClass, Params: []QueryParam{{"$XDSDocumentEntryTypeCode", []string{"MARK"}}}}))
	for _, value := range []string{"('a','b'", "('a',)", "()", "''", "'a''b'", "'", "(1,2)", "12", "-1", "('a') ('b')", "'a'b", "( 'a' , 'b' )"} {
		f.Add([]byte(strings.Replace(sample, "'MARK'", value, 1)))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		root, err := xmlgate.Parse(message, xmlgate.Envelope())
		if err != nil {
			return
		}
		q, findings := DecodeQuery(root)
		for _, e := range findings {
			if e.Problem().ID != e.ID || e.Where == "" || len(e.Error()) > 8<<10 {
				t.Fatalf("finding %+v", e)
			}
		}
		if findings.Failed() {
			return
		}
		if q.Row == nil || q.ReturnType == "" || len(q.IDs) > MaxValues*len(q.Row.names()) {
			t.Fatalf("accepted as %+v", q)
		}
		if q.Query.Patient != "" && !q.Query.Patient.Valid() {
			t.Fatalf("patient %q", q.Query.Patient)
		}
		for _, m := range slices.Concat(q.Query.Match, q.Sets, q.Folders) {
			if m.Op == xds.Within && !m.Span.From.IsZero() && !m.Span.To.IsZero() && m.Span.To.Before(m.Span.From) {
				t.Fatalf("inverted range %+v", m.Span)
			}
		}
	})
}

// FuzzLiteral: a text that is quoted comes back as itself, whatever it holds, and no text
// reads as more values than it has apostrophes and commas for.
func FuzzLiteral(f *testing.F) {
	for _, seed := range []string{"", "a", "'", "''", "('a')", `\'`, "a','b", "%", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		values, problem := literals(quote(s))
		if problem != "" || len(values) != 1 || values[0].text != s || !values[0].quoted {
			t.Fatalf("%q: %v %s", s, values, problem)
		}
		values, problem = literals(s)
		if problem == "" && (len(values) == 0 || len(values) > 1+strings.Count(s, ",") || len(values) > MaxValues) {
			t.Fatalf("%q: %d values", s, len(values))
		}
	})
}

// FuzzSubmission decodes any XML that passes the gate as ITI-41: no panic, findings of
// the table, and what is read of a submission is no more than was sent.
func FuzzSubmission(f *testing.F) {
	lot := xds.Submission{Set: xds.SubmissionSet{EntryUUID: "ss", UniqueID: "1.2"}, Documents: []xds.DocumentEntry{{EntryUUID: "d1", Title: "t", UniqueID: "1.3", MimeType: "text/xml"}},
		Folders: []xds.Folder{{EntryUUID: "f1"}}, Associations: []xds.Association{{EntryUUID: "a1", Type: xds.HasMember, Source: "ss", Target: "d1"}}}
	f.Add(AppendProvideAndRegister(nil, &lot, []SentDocument{{ID: "d1", ContentID: "d1@x"}}))
	f.Add(AppendProvideAndRegister(nil, &lot, []SentDocument{{ID: "d1", Inline: []byte("x")}, {ID: "d2"}}))
	f.Fuzz(func(t *testing.T, message []byte) {
		root, err := xmlgate.Parse(message, xmlgate.Envelope())
		if err != nil {
			return
		}
		got, refs, findings := DecodeProvideAndRegister(root)
		if objects := len(got.Documents) + len(got.Folders) + len(got.Associations) + len(refs); objects > strings.Count(string(message), "<") {
			t.Fatalf("%d objects", objects)
		}
		for _, e := range findings {
			if e.Problem().ID != e.ID || e.Where == "" || len(e.Error()) > 8<<10 {
				t.Fatalf("finding %+v", e)
			}
		}
	})
}
