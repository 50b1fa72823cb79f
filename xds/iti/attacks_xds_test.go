package iti_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// TestAttacksXDS is group F of safety §2.3: submissions and queries that are well
// formed and mean harm.
func TestAttacksXDS(t *testing.T) {
	a := newAssault(t)
	masked := a.world.stored(server, a.alice, marked(xds.MarkMaskedPS))
	foreign := a.world.stored(on(server, a.bruno), a.bruno)
	lot := func(name, want string, changes ...func(*xds.Submission)) attack {
		return attack{name, soapType, a.inline(a.world.lot(server, a.alice, changes...)), want}
	}
	const (
		badMeta = "XDSRepositoryMetadataError"
		unknown = "200 Failure; REG-004 UnresolvedReferenceException" // never another patient's: SC-16
	)
	a.repel(t, "/xds/repository", []attack{
		lot("105 a document that replaces itself", "200 Failure; META-012 "+badMeta, relating(xds.Replaces, "Document01")),
		lot("105 a document that appends to itself", "200 Failure; META-012 "+badMeta, relating(xds.Appends, "Document01")),
		{"105 two documents that replace each other", mtomType, mtom(a.pair(func(l *xds.Submission) {
			relating(xds.Replaces, "Document02")(l)
			l.Associations = append(l.Associations, xds.Association{EntryUUID: "Back", Type: xds.Replaces, Source: "Document02", Target: "Document01"})
		}), "d1", canary, "d2", canary), "200 Failure; META-012 " + badMeta + "; META-012 " + badMeta + "; META-012 " + badMeta},
		lot("105 a symbolic id that nothing has", "200 Failure; META-009 "+badMeta, relating(xds.Replaces, "Nowhere")),
		lot("106 a document of another patient replaced", unknown, relating(xds.Replaces, foreign.EntryUUID)),
		lot("106 a document of another patient appended to", unknown, relating(xds.Appends, foreign.EntryUUID)),
		lot("106 an unknown document replaced", unknown, relating(xds.Replaces, "urn:uuid:"+newID())),
		lot("106 a document of another patient in the set", "200 Failure; META-016 XDSPatientIdDoesNotMatch", first(func(d *xds.DocumentEntry) { d.PatientID = a.bruno.ins })),
		lot("107 patient id with an escape", "200 Failure; ACC-67 XDSRepositoryError", patient(tricked(a, `\T\`))),
		lot("107 patient id with a subcomponent", "200 Failure; ACC-67 XDSRepositoryError", patient(tricked(a, "&1"))),
		lot("107 patient id with a repetition", "200 Failure; META-004 "+badMeta+"; META-004 "+badMeta, patient(a.alice.ins+"~"+a.bruno.ins)),
		lot("113 an author who is not the token's", "200 Failure; META-011 "+badMeta+"; META-011 "+badMeta, func(l *xds.Submission) { l.Set.Authors = []xds.Author{signedBy(petit)} }),
		{"114 the mask of another's document taken off by a replacement", soapType, strings.Replace(a.inline(a.world.lot(elsewhere, a.alice, relating(xds.Replaces, masked.EntryUUID))),
			string(a.token), string(a.security(on(elsewhere, a.alice))), 1), unknown},
	})
	t.Run("103 what the metadata say of its place is not followed", func(t *testing.T) {
		submitted := a.world.lot(server, a.alice, first(func(d *xds.DocumentEntry) { d.URI, d.RepositoryUniqueID = a.outside+"/x", "1.2.3.99" }))
		a.accept(t, "/xds/repository", soapType, a.inline(submitted))
		id := submitted.Documents[0].UniqueID
		if outcome, got, _ := a.retrieve(on(durand, a.alice), id); outcome != "Success" || got[id] != "text/xml "+canary || a.entry(a.alice, id).RepositoryUniqueID != repositoryID {
			t.Error(outcome, got)
		}
		if outcome, got, _ := a.retrieveAll(on(durand, a.alice), []ebrim.RetrieveRequest{{RepositoryUniqueID: "1.2.3.99", DocumentUniqueID: id}}); outcome != "Failure; DOC-004 XDSUnknownRepositoryId" || len(got) > 0 {
			t.Error(outcome, got)
		}
		a.nobodyCalled(t)
	})
	t.Run("112 ten thousand entries", func(t *testing.T) {
		message, before, used := a.inline(a.world.lot(server, a.alice, manyDocuments(10_000))), a.left(), allocated()
		got, raw := a.send("/xds/repository", soapType, message)
		if spent := allocated() - used; spent > 48<<20 {
			t.Errorf("%d bytes allocated for a message of %d", spent, len(message))
		}
		if !strings.HasPrefix(got, "200 Failure; META-015 ") || strings.Count(got, ";") > xds.MaxFindings || a.left() != before {
			t.Errorf("%s\n%s", got, raw)
		}
	})
	a.queries(t)
}

// queries is the half of group F that asks.
func (a *assault) queries(t *testing.T) {
	query := func(name, want string, params ...string) attack {
		return attack{name, soapType, a.query(params...), want}
	}
	bare := func(id, patient string) string {
		q := storedQuery("FindDocuments", ebrim.LeafClass, "$XDSDocumentEntryPatientId", patient, "$XDSDocumentEntryStatus", string(xds.Approved))
		q.ID = id
		return envelope(actionQuery, a.reader, ebrim.AppendQuery(nil, q))
	}
	id := ebrim.Lookup("FindDocuments").UUID
	const malformedValue, unknownQuery = "200 Failure; QRY-004 XDSRegistryError", "200 Failure; QRY-001 XDSUnknownStoredQuery"
	a.repel(t, "/xds/registry", []attack{
		{"107 patient of a query with an escape", soapType, bare(id, `279035121518989\T\1^^^&1.2.3&ISO`), malformedValue},
		{"107 patient of a query with a second authority", soapType, bare(id, string(a.alice.ins)+"&1.2.3&ISO"), malformedValue},
		query("109 ten thousand values", "200 Failure; QRY-003 XDSStoredQueryParamNumber", "$XDSDocumentEntryTypeCode", strings.TrimSuffix(numbered(10_000, "%d^^1.2|"), "|")),
		query("110 a date that does not exist", malformedValue, "$XDSDocumentEntryCreationTimeFrom", "20261332"),
		query("110 the year 0000", malformedValue, "$XDSDocumentEntryCreationTimeFrom", "0000"),
		query("110 more than 14 digits", malformedValue, "$XDSDocumentEntryCreationTimeTo", "202601011200001"),
		query("110 an inverted range", malformedValue, "$XDSDocumentEntryCreationTimeFrom", "2027", "$XDSDocumentEntryCreationTimeTo", "2020"),
		{"111 unknown stored query", soapType, bare("urn:uuid:00000000-0000-0000-0000-000000000000", string(a.alice.ins)), unknownQuery},
		{"111 a statement as a stored query", soapType, bare("'; DROP TABLE trail; --", string(a.alice.ins)), unknownQuery},
	})
	t.Run("108 quotes, wildcards and parentheses match literally", func(t *testing.T) {
		before := a.left()
		for _, value := range []string{`' OR 1=1 --`, `'; DROP TABLE trail; --`, `$1`, `\'`, `x') OR ('a'='a`, "11502-_", "%", "_", `\`, `11502-2\`, "\u00a0", `"`, "*", ".*"} {
			for _, parameter := range []string{"$XDSDocumentEntryTypeCode", "$XDSDocumentEntryFormatCode"} {
				if got := a.find(on(durand, a.alice), a.alice, parameter, value+"^^"+loinc); got != "" {
					t.Errorf("%s %q: %s", parameter, value, got)
				}
			}
			if _, outcome, _ := a.world.query(on(durand, a.alice), "GetDocuments", ebrim.LeafClass, "$XDSDocumentEntryUniqueId", value); outcome != "Success" {
				t.Errorf("GetDocuments %q: %s", value, outcome)
			}
			if value != "%" && value != "_" {
				if got := a.find(on(durand, a.alice), a.alice, "$XDSDocumentEntryAuthorPerson", value); got != "" {
					t.Errorf("author %q: %s", value, got)
				}
			}
		}
		if after := a.left(); after != before {
			t.Errorf("%s, then %s", before, after)
		}
	})
}

// patient makes a lot be about this patient.
func patient(id xds.CX) func(*xds.Submission) {
	return func(l *xds.Submission) { l.Set.PatientID, l.Documents[0].PatientID = id, id }
}

// pair is an ITI-41 envelope of two documents, the parts d1 and d2.
func (a *assault) pair(change func(*xds.Submission)) string {
	l := a.world.lot(server, a.alice, documents(2), change)
	return envelope(actionSubmit, a.token, ebrim.AppendProvideAndRegister(nil, &l, []ebrim.SentDocument{{ID: "Document01", ContentID: "d1"}, {ID: "Document02", ContentID: "d2"}}))
}

func tricked(a *assault, by string) xds.CX {
	id := a.alice.ins.ID()
	return xds.CX(strings.Replace(string(a.alice.ins), id, id+by, 1))
}

// manyDocuments makes the lot hold n documents, of which one has its bytes.
func manyDocuments(n int) func(*xds.Submission) {
	return func(lot *xds.Submission) {
		for i := 2; i <= n; i++ {
			d := xds.DocumentEntry{EntryUUID: fmt.Sprintf("D%d", i), ObjectType: xds.StableDocument, MimeType: "text/xml"}
			lot.Documents = append(lot.Documents, d)
		}
	}
}
