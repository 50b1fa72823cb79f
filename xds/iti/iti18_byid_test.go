package iti_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

// TestGetDocuments: by entryUUID, uniqueId and logicalID; a hidden document is
// answered byte for byte as an unknown id.
func TestGetDocuments(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	deleted := l.stored(on(server, l.alice), l.alice)
	l.act(server, l.alice, authz.Delete, deleted.EntryUUID)
	foreign := l.stored(on(server, l.bruno), l.bruno)
	get := func(as saml.Claims, by string, ids ...string) string {
		q, outcome, _ := l.query(as, "GetDocuments", ebrim.LeafClass, "$XDSDocumentEntry"+by, strings.Join(ids, "|"))
		if outcome != "Success" {
			return outcome
		}
		found := strings.Fields(l.names(uniqueIDs(q.Documents)))
		slices.Sort(found)
		return strings.Join(found, " ")
	}
	for _, as := range []saml.Claims{on(durand, l.alice), durand} {
		for by, id := range map[string]func(xds.DocumentEntry) string{
			"EntryUUID": func(d xds.DocumentEntry) string { return d.EntryUUID },
			"UniqueId":  func(d xds.DocumentEntry) string { return d.UniqueID },
			"LogicalID": func(d xds.DocumentEntry) string { return d.LogicalID },
		} {
			if got := get(as, by, id(l.plain), id(l.masked), id(l.old), id(l.archived), id(deleted), id(foreign)); got != "archived old plain" {
				t.Errorf("by %s: %s", by, got)
			}
			unknown := newID()
			if by == "UniqueId" {
				unknown = "1.2.3.4.5.6"
			} else {
				unknown = "urn:uuid:" + unknown
			}
			for _, as2 := range []ebrim.ReturnType{ebrim.LeafClass, ebrim.ObjectRef} {
				_, outcome, empty := l.query(as, "GetDocuments", as2, "$XDSDocumentEntry"+by, unknown)
				if outcome != "Success" {
					t.Errorf("unknown by %s: %s", by, outcome)
				}
				for _, d := range []xds.DocumentEntry{l.masked, deleted, foreign} {
					_, _, got := l.query(as, "GetDocuments", as2, "$XDSDocumentEntry"+by, id(d))
					sameAnswer(t, normalised(got.raw, id(d)), normalised(empty.raw, unknown))
				}
			}
		}
	}
	// The former entryUUID of a document that was archived names its former version.
	q, _, _ := l.query(on(durand, l.alice), "GetDocuments", ebrim.LeafClass, "$XDSDocumentEntryEntryUUID", l.archived.LogicalID)
	if len(q.Documents) != 1 || q.Documents[0].Version != 1 || q.Documents[0].AvailabilityStatus != xds.Deprecated {
		t.Errorf("former version: %v", q.Documents)
	}
}

// TestVersions: $MetadataLevel 2 tells the former versions too (ITI TF-2
// 3.18.4.1.2.3.5.1), but to nobody from whom the current one is hidden: a document
// whose type was corrected answers as an unknown one, by whichever of its ids.
func TestVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.stored(author, w.alice, typed("11488-4"))
	if got := w.update(author, w.updating(author, w.alice, revised(e, titled("CR corrigé")))); got != "Success" {
		t.Fatalf("update: %s", got)
	}
	ask := func(as saml.Claims, query, by, id, level string) (string, reply) {
		q, outcome, got := w.query(on(as, w.alice), query, ebrim.LeafClass, "$XDSDocumentEntry"+by, id, "$MetadataLevel", level)
		told := []string{outcome}
		for _, d := range q.Documents {
			told = append(told, fmt.Sprint(d.Version, " ", d.AvailabilityStatus == xds.Approved))
		}
		return strings.Join(told, ", "), got
	}
	for _, c := range [][4]string{
		{"UniqueId", e.UniqueID, "1", "Success, 2 true"}, {"UniqueId", e.UniqueID, "2", "Success, 2 true, 1 false"},
		{"LogicalID", e.LogicalID, "1", "Success, 2 true"}, {"LogicalID", e.LogicalID, "2", "Success, 2 true, 1 false"},
		{"EntryUUID", e.EntryUUID, "2", "Success, 1 false"},
	} {
		for _, as := range []saml.Claims{durand, hearing} {
			if got, _ := ask(as, "GetDocuments", c[0], c[1], c[2]); got != c[3] {
				t.Errorf("by %s at level %s: %s, want %s", c[0], c[2], got, c[3])
			}
		}
	}
	now := w.entry(w.alice, e.UniqueID)
	retyped := func(e *xds.DocumentEntry) {
		e.TypeCode, e.ClassCode = xds.Code{Value: "18748-4", Scheme: loinc, Display: "x"}, xds.Code{}
	}
	if got := w.update(author, w.updating(author, w.alice, revised(now, retyped))); got != "Success" {
		t.Fatalf("update: %s", got)
	}
	for _, level := range []string{"1", "2"} {
		for id, c := range map[string][2]string{
			e.UniqueID: {"UniqueId", "1.2.3.99"}, e.LogicalID: {"LogicalID", "urn:uuid:" + newID()},
			e.EntryUUID: {"EntryUUID", "urn:uuid:" + newID()}, now.EntryUUID: {"EntryUUID", "urn:uuid:" + newID()},
		} {
			for _, query := range []string{"GetDocuments", "GetDocumentsAndAssociations"} {
				_, got := ask(hearing, query, c[0], id, level)
				_, unknown := ask(hearing, query, c[0], c[1], level)
				sameAnswer(t, normalised(got.raw, id), normalised(unknown.raw, c[1]))
			}
		}
	}
	if got, _ := ask(durand, "GetDocuments", "LogicalID", e.LogicalID, "2"); got != "Success, 3 true, 2 false, 1 false" {
		t.Errorf("for who sees the type: %s", got)
	}
}

// TestClosedDoorByID: a token without patient sees no door; whoever may not enter
// gets for every id the answer of an unknown one (policy §0.1).
func TestClosedDoorByID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.stored(on(server, w.alice), w.alice)
	set := w.setOf(d)
	for _, as := range []saml.Claims{stranger, petit, banned, insurer, workplace} {
		for _, q := range [][]string{
			{"GetDocuments", "$XDSDocumentEntryUniqueId", d.UniqueID}, {"GetDocuments", "$XDSDocumentEntryEntryUUID", d.EntryUUID},
			{"GetSubmissionSetAndContents", "$XDSSubmissionSetEntryUUID", set.EntryUUID}, {"GetSubmissionSetAndContents", "$XDSSubmissionSetUniqueId", set.UniqueID},
		} {
			unknown := "urn:uuid:" + newID()
			if strings.HasSuffix(q[1], "UniqueId") {
				unknown = "1.2.3.99"
			}
			_, outcome, got := w.query(as, q[0], ebrim.LeafClass, q[1], q[2])
			_, _, want := w.query(as, q[0], ebrim.LeafClass, q[1], unknown)
			if outcome != "Success" {
				t.Errorf("%s: %s", q[0], outcome)
			}
			sameAnswer(t, normalised(got.raw, q[2]), normalised(want.raw, unknown))
		}
		outcome, documents, got := w.retrieve(as, d.UniqueID)
		_, _, want := w.retrieve(as, "1.2.3.99")
		if outcome != "Failure; DOC-003 XDSDocumentUniqueIdError" || len(documents) > 0 {
			t.Errorf("retrieve: %s", outcome)
		}
		sameAnswer(t, normalised(got.raw, d.UniqueID), normalised(want.raw, "1.2.3.99"))
	}
	w.state(w.alice, authz.ProfileClosed)
	if _, outcome, _ := w.query(durand, "GetDocuments", ebrim.LeafClass, "$XDSDocumentEntryUniqueId", d.UniqueID); outcome != "Success" {
		t.Errorf("closed record: %s", outcome)
	}
	if outcome, _, _ := w.retrieve(durand, d.UniqueID); outcome != "Failure; DOC-003 XDSDocumentUniqueIdError" {
		t.Errorf("closed record: %s", outcome)
	}
}

// setOf is the submission set of a document, as the holder sees it.
func (w *world) setOf(d xds.DocumentEntry) xds.SubmissionSet {
	w.t.Helper()
	var uid string
	err := w.pool.QueryRow(w.t.Context(), `
select s.unique_id from submission_set s join association a on a.record = s.record and a.source = s.id where 'urn:uuid:' || a.target = $1`, d.LogicalID).Scan(&uid)
	if err != nil {
		w.t.Fatal(err)
	}
	q, _, _ := w.query(person(w.alice.record), "GetSubmissionSetAndContents", ebrim.LeafClass, "$XDSSubmissionSetUniqueId", uid)
	if len(q.Sets) != 1 {
		w.t.Fatalf("%d sets", len(q.Sets))
	}
	return q.Sets[0]
}

// TestSubmissionSet: a set shows with what is visible of it and no word of the
// rest; one whose members are all hidden is unknown.
func TestSubmissionSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lot := w.lot(server, w.alice, documents(3), func(lot *xds.Submission) {
		lot.Set.Title = "lot de trois"
		lot.Documents[1].Confidentiality = append(lot.Documents[1].Confidentiality, xds.Code{Value: xds.MarkMaskedPS, Scheme: xds.MarkScheme})
		lot.Documents[2].FormatCode.Value = "urn:ihe:iti:xds-sd:text:2008"
	})
	if got := w.push(on(server, w.alice), lot, attached("Document01", "1"), attached("Document02", "2"), attached("Document03", "3")); got != "Success" {
		t.Fatal(got)
	}
	contents := func(as saml.Claims, params ...string) (ebrim.QueryResponse, string) {
		q, outcome, got := w.query(on(as, w.alice), "GetSubmissionSetAndContents", ebrim.LeafClass, append([]string{"$XDSSubmissionSetUniqueId", lot.Set.UniqueID}, params...)...)
		if outcome != "Success" {
			t.Errorf("outcome %s", outcome)
		}
		for _, a := range q.Associations {
			known := a.Source == q.Sets[0].EntryUUID && slices.ContainsFunc(q.Documents, func(d xds.DocumentEntry) bool { return d.EntryUUID == a.Target })
			if !known {
				t.Errorf("dangling association %v", a)
			}
		}
		return q, string(got.raw)
	}
	for _, c := range []struct {
		name   string
		as     saml.Claims
		params []string
		want   int
	}{
		{"holder", person(w.alice.record), nil, 3}, {"linked", durand, nil, 2},
		{"format", durand, []string{"$XDSDocumentEntryFormatCode", "urn:ihe:iti:xds-sd:text:2008^^1.3.6.1.4.1.19376.1.2.3"}, 1},
		{"the mark", durand, []string{"$XDSDocumentEntryConfidentialityCode", "MASQUE_PS^^" + xds.MarkScheme}, 0},
	} {
		q, raw := contents(c.as, c.params...)
		if len(q.Sets) != 1 || len(q.Documents) != c.want || len(q.Associations) != c.want || q.Sets[0].Title != "lot de trois" {
			t.Errorf("%s: %d sets, %d documents, %d associations", c.name, len(q.Sets), len(q.Documents), len(q.Associations))
		}
		if c.want < 3 && strings.Contains(raw, lot.Documents[1].UniqueID) {
			t.Errorf("%s: the hidden one shows", c.name)
		}
	}
	if got := w.retrieved(on(durand, w.alice), lot.Documents); got != "true false true" {
		t.Errorf("retrieve of the set: %s", got)
	}
	whole := w.lot(server, w.alice, marked(xds.MarkMaskedPS))
	if got := w.push(on(server, w.alice), whole, attached("Document01", "4")); got != "Success" {
		t.Fatal(got)
	}
	_, _, hidden := w.query(on(durand, w.alice), "GetSubmissionSetAndContents", ebrim.LeafClass, "$XDSSubmissionSetUniqueId", whole.Set.UniqueID)
	_, _, unknown := w.query(on(durand, w.alice), "GetSubmissionSetAndContents", ebrim.LeafClass, "$XDSSubmissionSetUniqueId", "1.2.4.99")
	sameAnswer(t, normalised(hidden.raw, whole.Set.UniqueID), normalised(unknown.raw, "1.2.4.99"))
}

func (w *world) retrieved(as saml.Claims, docs []xds.DocumentEntry) string {
	var ids, got []string
	for _, d := range docs {
		ids = append(ids, d.UniqueID)
	}
	_, documents, _ := w.retrieve(as, ids...)
	for _, id := range ids {
		got = append(got, map[bool]string{true: "true", false: "false"}[documents[id] != ""])
	}
	return strings.Join(got, " ")
}

// TestStructure: the server of a structure finds the technical ids of its own
// documents, and that is all (policy ).
func TestStructure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	own := w.stored(on(server, w.alice), w.alice, marked(xds.MarkMaskedPS))
	other := w.stored(on(elsewhere, w.alice), w.alice)
	deleted := w.stored(on(server, w.alice), w.alice)
	w.act(server, w.alice, authz.Delete, deleted.EntryUUID)
	refs := func(as saml.Claims, id string) ([]string, reply) {
		q, outcome, got := w.query(as, "GetDocuments", ebrim.ObjectRef, "$XDSDocumentEntryUniqueId", id)
		if outcome != "Success" {
			t.Errorf("outcome %s", outcome)
		}
		return q.Refs, got
	}
	for _, as := range []saml.Claims{on(server, w.alice), server} {
		if got, _ := refs(as, own.UniqueID); !slices.Equal(got, []string{own.EntryUUID}) {
			t.Errorf("own: %v", got)
		}
		_, unknown := refs(as, "1.2.3.99")
		for _, d := range []xds.DocumentEntry{other, deleted} {
			_, got := refs(as, d.UniqueID)
			sameAnswer(t, normalised(got.raw, d.UniqueID), normalised(unknown.raw, "1.2.3.99"))
		}
	}
	as := on(server, w.alice)
	for name, ask := range map[string]func() string{
		"LeafClass": func() string {
			_, o, _ := w.query(as, "GetDocuments", ebrim.LeafClass, "$XDSDocumentEntryUniqueId", own.UniqueID)
			return o
		},
		"by entryUUID": func() string {
			_, o, _ := w.query(as, "GetDocuments", ebrim.ObjectRef, "$XDSDocumentEntryEntryUUID", own.EntryUUID)
			return o
		},
		"FindDocuments": func() string { return w.find(as, w.alice) },
		"references": func() string {
			_, o, _ := w.query(as, "FindDocuments", ebrim.ObjectRef, "$XDSDocumentEntryPatientId", string(w.alice.ins), "$XDSDocumentEntryStatus", string(xds.Approved))
			return o
		},
		"set": func() string {
			_, o, _ := w.query(as, "GetSubmissionSetAndContents", ebrim.ObjectRef, "$XDSSubmissionSetUniqueId", "1.2.4.1")
			return o
		},
		"retrieve": func() string {
			o, _, _ := w.retrieve(as, own.UniqueID)
			return strings.Replace(o, "Repository", "Registry", 1)
		},
	} {
		if got := ask(); got != "Failure; ACC-03 XDSRegistryError" {
			t.Errorf("%s: %s", name, got)
		}
	}
}
