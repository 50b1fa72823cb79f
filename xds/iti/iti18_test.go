package iti_test

import (
	"github.com/google/go-cmp/cmp"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

const ccam = "1.2.250.1.215.300.1"

// library is a record with one document of each kind that the queries tell apart.
type library struct {
	*world
	plain, other, masked, archived, old, current xds.DocumentEntry
}

func newLibrary(t *testing.T) library {
	l := library{world: newWorld(t)}
	as := on(server, l.alice)
	l.plain = l.stored(as, l.alice, first(func(d *xds.DocumentEntry) {
		d.EventCodes = []xds.Code{{Value: "ZBQK002", Scheme: ccam}, {Value: "BFGA004", Scheme: ccam}}
		d.ServiceStop = "20260131"
	}))
	l.other = l.stored(as, l.alice, typed("18748-4"), first(func(d *xds.DocumentEntry) {
		d.FormatCode = xds.Code{Value: "urn:ihe:iti:xds-sd:text:2008", Scheme: "1.3.6.1.4.1.19376.1.2.3"}
		d.FacilityType = xds.Code{Value: "SA07", Scheme: "1.2.250.1.71.4.2.4"}
		d.PracticeSetting = xds.Code{Value: "AMBULATOIRE", Scheme: "1.2.250.1.213.1.1.4.9"}
		d.EventCodes = []xds.Code{{Value: "ZBQK002", Scheme: ccam}}
		d.Confidentiality[0] = xds.Code{Value: "R", Scheme: xds.ConfidentialityOID}
		d.CreationTime, d.ServiceStart, d.ServiceStop = "2025061508", "20250601", "20250610"
		d.Authors[0].Person = xds.NewXCN("899900000200", `O'BRIEN_100%\`, "Seán", "1.2.250.1.71.4.2.1", "IDNPS")
	}))
	l.masked = l.stored(as, l.alice, marked(xds.MarkMaskedPS), first(func(d *xds.DocumentEntry) {
		d.EventCodes = []xds.Code{{Value: "HIDDEN1", Scheme: ccam}}
		d.CreationTime = "20240101"
	}))
	l.archived = l.stored(as, l.alice, first(func(d *xds.DocumentEntry) { d.CreationTime = "20230101" }))
	l.act(person(l.alice.record), l.alice, authz.Archive, l.archived.EntryUUID)
	l.archived = l.entry(l.alice, l.archived.UniqueID)
	l.old = l.stored(as, l.alice, first(func(d *xds.DocumentEntry) { d.CreationTime = "20220101" }))
	l.current = l.stored(as, l.alice, relating(xds.Replaces, l.old.EntryUUID), typed("11488-4"), first(func(d *xds.DocumentEntry) { d.CreationTime = "20220102" }))
	return l
}

// names writes uniqueIds as the names of the library.
func (l library) names(ids string) string {
	for name, d := range map[string]xds.DocumentEntry{
		"plain": l.plain, "other": l.other, "masked": l.masked, "archived": l.archived, "old": l.old, "current": l.current,
	} {
		ids = strings.ReplaceAll(ids+" ", d.UniqueID+" ", name+" ")
		ids = strings.TrimSuffix(ids, " ")
	}
	return ids
}

// TestFindDocuments: each parameter narrows, and nothing that is hidden is ever
// found through one.
func TestFindDocuments(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	const (
		all    = "plain other current"
		status = "$XDSDocumentEntryStatus"
		every  = string(xds.Approved + "|" + xds.Deprecated + "|" + xds.Archived + "|" + xds.Deleted)
	)
	for _, c := range []struct {
		name   string
		as     saml.Claims
		params []string
		want   string
	}{
		{"nothing", durand, nil, all},
		{"the holder", person(l.alice.record), nil, "plain other masked current"},
		{"the administrator", traitant, nil, "plain other masked current"},
		{"without the type of the matrix", hearing, nil, "current"},
		{"type", durand, []string{"$XDSDocumentEntryTypeCode", "18748-4^^" + loinc}, "other"},
		{"types", durand, []string{"$XDSDocumentEntryTypeCode", "18748-4^^" + loinc + "|11502-2^^" + loinc}, "plain other"},
		{"type of another scheme", durand, []string{"$XDSDocumentEntryTypeCode", "18748-4^^1.2.3"}, ""},
		{"class", durand, []string{"$XDSDocumentEntryClassCode", "31^^1.2.250.1.213.1.1.4.1"}, "other"},
		{"format", durand, []string{"$XDSDocumentEntryFormatCode", "urn:ihe:iti:xds-sd:text:2008^^1.3.6.1.4.1.19376.1.2.3"}, "other"},
		{"facility", durand, []string{"$XDSDocumentEntryHealthcareFacilityTypeCode", "SA07^^1.2.250.1.71.4.2.4"}, "other"},
		{"setting", durand, []string{"$XDSDocumentEntryPracticeSettingCode", "ETABLISSEMENT^^1.2.250.1.213.1.1.4.9"}, "plain current"},
		{"event", durand, []string{"$XDSDocumentEntryEventCodeList", "ZBQK002^^" + ccam}, "plain other"},
		{"events, one or the other", durand, []string{"$XDSDocumentEntryEventCodeList", "BFGA004^^" + ccam + "|NONE^^" + ccam}, "plain"},
		{"events, both", durand, []string{"$XDSDocumentEntryEventCodeList", "ZBQK002^^" + ccam, "$XDSDocumentEntryEventCodeList", "BFGA004^^" + ccam}, "plain"},
		{"event of a hidden document", durand, []string{"$XDSDocumentEntryEventCodeList", "HIDDEN1^^" + ccam}, ""},
		{"event of a hidden document, the holder", person(l.alice.record), []string{"$XDSDocumentEntryEventCodeList", "HIDDEN1^^" + ccam}, "masked"},
		{"confidentiality", durand, []string{"$XDSDocumentEntryConfidentialityCode", "R^^" + xds.ConfidentialityOID}, "other"},
		{"confidentiality: the mark", durand, []string{"$XDSDocumentEntryConfidentialityCode", "MASQUE_PS^^" + xds.MarkScheme}, ""},
		{"confidentiality: the mark, the holder", person(l.alice.record), []string{"$XDSDocumentEntryConfidentialityCode", "MASQUE_PS^^" + xds.MarkScheme}, "masked"},
		{"confidentialities, both", traitant, []string{"$XDSDocumentEntryConfidentialityCode", "MASQUE_PS^^" + xds.MarkScheme, "$XDSDocumentEntryConfidentialityCode", "R^^" + xds.ConfidentialityOID}, ""},
		{"created from, inclusive", durand, []string{"$XDSDocumentEntryCreationTimeFrom", "20260131120000"}, "plain"},
		{"created to, exclusive", durand, []string{"$XDSDocumentEntryCreationTimeTo", "20260131120000"}, "other current"},
		{"created in a year", durand, []string{"$XDSDocumentEntryCreationTimeFrom", "2025", "$XDSDocumentEntryCreationTimeTo", "2026"}, "other"},
		{"created in a month", durand, []string{"$XDSDocumentEntryCreationTimeFrom", "202506", "$XDSDocumentEntryCreationTimeTo", "202507"}, "other"},
		{"created in an hour", durand, []string{"$XDSDocumentEntryCreationTimeFrom", "2025061508", "$XDSDocumentEntryCreationTimeTo", "202506150801"}, "other"},
		{"created while only a hidden one was", durand, []string{"$XDSDocumentEntryCreationTimeFrom", "2024", "$XDSDocumentEntryCreationTimeTo", "2025"}, ""},
		{"served from", durand, []string{"$XDSDocumentEntryServiceStartTimeFrom", "20260130"}, "plain current"},
		{"served to", durand, []string{"$XDSDocumentEntryServiceStartTimeTo", "20260130"}, "other"},
		{"stopped", durand, []string{"$XDSDocumentEntryServiceStopTimeFrom", "202506", "$XDSDocumentEntryServiceStopTimeTo", "20260131"}, "other"},
		{"author, start", durand, []string{"$XDSDocumentEntryAuthorPerson", "%^O'BRIEN%"}, "other"},
		{"author, one character", durand, []string{"$XDSDocumentEntryAuthorPerson", "8999000000__^HOPITAL%"}, "plain current"},
		{"author, a backslash is itself", durand, []string{"$XDSDocumentEntryAuthorPerson", `%100\%`}, ""},
		{"author, everything quoted", durand, []string{"$XDSDocumentEntryAuthorPerson", `%O'BRIEN_100%\^Seán%`}, "other"},
		{"author, no pattern", durand, []string{"$XDSDocumentEntryAuthorPerson", "O'BRIEN"}, ""},
		{"author, injection", durand, []string{"$XDSDocumentEntryAuthorPerson", `%') or true --`}, ""},
		{"author, injection by quote", durand, []string{"$XDSDocumentEntryAuthorPerson", `'; drop table record; --`}, ""},
		{"author, a backslash at the end", durand, []string{"$XDSDocumentEntryAuthorPerson", `x\`}, ""},
		{"type, injection", durand, []string{"$XDSDocumentEntryTypeCode", "x' or '1'='1^^" + loinc}, ""},
		{"Deprecated", durand, []string{status, string(xds.Deprecated)}, "old"},
		{"Archived", durand, []string{status, string(xds.Archived)}, "archived"},
		{"Deleted", durand, []string{status, string(xds.Deleted)}, ""},
		{"every status", durand, []string{status, every}, all + " old archived"},
		{"stable", durand, []string{"$XDSDocumentEntryType", xds.StableDocument}, all},
		{"on demand", durand, []string{"$XDSDocumentEntryType", xds.OnDemandDocument}, ""},
		{"metadata level", durand, []string{"$MetadataLevel", "1"}, all},
		{"metadata level 2", durand, []string{"$MetadataLevel", "2"}, all},
		{"two parameters", durand, []string{"$XDSDocumentEntryTypeCode", "11502-2^^" + loinc, "$XDSDocumentEntryEventCodeList", "ZBQK002^^" + ccam}, "plain"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Fields(l.names(l.find(on(c.as, l.alice), l.alice, c.params...)))
			want := strings.Fields(c.want)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
	t.Run("ObjectRef", func(t *testing.T) {
		q, outcome, _ := l.query(on(durand, l.alice), "FindDocuments", ebrim.ObjectRef, "$XDSDocumentEntryPatientId", string(l.alice.ins), status, string(xds.Approved))
		want := []string{l.plain.EntryUUID, l.other.EntryUUID, l.current.EntryUUID}
		if outcome != "Success" || !slices.Equal(q.Refs, want) || len(q.Documents) > 0 {
			t.Errorf("%s %v, want %v", outcome, q.Refs, want)
		}
	})
	t.Run("without patient in the token", func(t *testing.T) {
		if got := l.names(l.find(durand, l.alice)); got != all {
			t.Errorf("got %s", got)
		}
	})
}

// TestFindDocumentsReturnsAll: what was submitted comes back whole.
func TestFindDocumentsReturnsAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lot := w.lot(server, w.alice, first(func(d *xds.DocumentEntry) {
		d.Comments, d.URI = `"<&>'`+"\n é", "a.xml"
		d.ReferenceIDs = []string{"A1^^^&1.2.3&ISO^urn:ihe:iti:xds:2013:accession"}
		d.Extras = []xds.Extra{{Name: "urn:x:y", Values: []string{"a", "b"}}}
		d.Authors[0].Telecoms, d.Authors[0].Roles = []string{"^^Internet^a@b.fr"}, []string{"r"}
	}))
	if got := w.push(on(server, w.alice), lot, attached("Document01", "one")); got != "Success" {
		t.Fatal(got)
	}
	q, _, _ := w.query(on(durand, w.alice), "FindDocuments", ebrim.LeafClass, "$XDSDocumentEntryPatientId", string(w.alice.ins), "$XDSDocumentEntryStatus", string(xds.Approved))
	if len(q.Documents) != 1 {
		t.Fatal(q)
	}
	want, got := lot.Documents[0], q.Documents[0]
	if !xds.IsUUID(got.EntryUUID) || got.LogicalID != got.EntryUUID || got.Version != 1 || got.ClassCode.Value != "10" {
		t.Errorf("ids %s %s, version %d, class %s", got.EntryUUID, got.LogicalID, got.Version, got.ClassCode.Value)
	}
	want.EntryUUID, want.LogicalID, want.Version, want.ClassCode = got.EntryUUID, got.LogicalID, got.Version, got.ClassCode
	want.AvailabilityStatus, want.Hash, want.Size, want.RepositoryUniqueID = xds.Approved, sha([]byte("one")), 3, repositoryID
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestTooManyResults: the bound is of what the reader may see, and says nothing of
// what is hidden.
func TestTooManyResults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stored(on(server, w.alice), w.alice)
	w.stored(on(server, w.alice), w.alice, marked(xds.MarkMaskedPS))
	// Copies of both, under ids of their own: as many as whole objects may come, and
	// as many again that are hidden from durand.
	const copies = `
insert into document_entry select (jsonb_populate_record(d, jsonb_build_object('lid', md5(d.lid::text || n), 'entry_uuid', md5(d.lid::text || n)))).*
from document_entry d, generate_series(1, $1) n`
	if _, err := w.pool.Exec(t.Context(), copies, 1999); err != nil {
		t.Fatal(err)
	}
	as := on(durand, w.alice)
	if got := len(strings.Fields(w.find(as, w.alice))); got != 2000 {
		t.Errorf("durand finds %d", got)
	}
	if got := w.find(on(person(w.alice.record), w.alice), w.alice); got != "Failure; QRY-006 XDSTooManyResults" {
		t.Errorf("the holder: %.80s", got)
	}
	if q, outcome, _ := w.query(on(person(w.alice.record), w.alice), "FindDocuments", ebrim.ObjectRef, "$XDSDocumentEntryPatientId", string(w.alice.ins),
		"$XDSDocumentEntryStatus", string(xds.Approved)); outcome != "Success" || len(q.Refs) != 4000 {
		t.Errorf("references: %s %d", outcome, len(q.Refs))
	}
}

// TestQueryErrors: a query that cannot be answered is refused with the code of
// its fault; the answer holds no object and the record is not opened.
func TestQueryErrors(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	foreign := l.stored(on(server, l.bruno), l.bruno)
	l.link(durand, l.bruno, 3600e9)
	patient := []string{"$XDSDocumentEntryPatientId", string(l.alice.ins)}
	approved := []string{"$XDSDocumentEntryStatus", string(xds.Approved)}
	both := slices.Concat(patient, approved)
	for _, c := range []struct {
		name   string
		query  ebrim.QueryRequest
		want   string
		opened bool
	}{
		{"unknown query", ebrim.QueryRequest{ID: "urn:uuid:" + newID(), ReturnType: ebrim.LeafClass}, "QRY-001 XDSUnknownStoredQuery", false},
		{"of several patients", storedQuery("FindDocumentsForMultiplePatients", ebrim.LeafClass, append(both, "$XDSDocumentEntryClassCode", "10^^1.2")...), "QRY-001 XDSUnknownStoredQuery", false},
		{"GetAll without statuses", storedQuery("GetAll", ebrim.LeafClass, "$patientId", string(l.alice.ins)),
			"QRY-002 XDSStoredQueryMissingParam; QRY-002 XDSStoredQueryMissingParam; QRY-002 XDSStoredQueryMissingParam", false},
		{"relations of no type", storedQuery("GetRelatedDocuments", ebrim.LeafClass, "$XDSDocumentEntryUniqueId", l.plain.UniqueID), "QRY-002 XDSStoredQueryMissingParam", false},
		{"folders of two documents", storedQuery("GetFoldersForDocument", ebrim.LeafClass, "$XDSDocumentEntryUniqueId", "1.2|1.3"), "QRY-003 XDSStoredQueryParamNumber", false},
		{"a folder by two ids", storedQuery("GetFolderAndContents", ebrim.LeafClass, "$XDSFolderUniqueId", "1.2", "$XDSFolderEntryUUID", "urn:uuid:"+newID()), "QRY-003 XDSStoredQueryParamNumber", false},
		{"two sources in two slots", storedQuery("FindSubmissionSets", ebrim.LeafClass, "$XDSSubmissionSetPatientId", string(l.alice.ins), "$XDSSubmissionSetStatus", string(xds.Approved),
			"$XDSSubmissionSetSourceId", "1.2", "$XDSSubmissionSetSourceId", "1.3"), "QRY-003 XDSStoredQueryParamNumber", false},
		{"two author patterns", storedQuery("FindSubmissionSets", ebrim.LeafClass, "$XDSSubmissionSetPatientId", string(l.alice.ins), "$XDSSubmissionSetStatus", string(xds.Approved),
			"$XDSSubmissionSetAuthorPerson", "a%|b%"), "QRY-003 XDSStoredQueryParamNumber", false},
		{"associations of two patients", storedQuery("GetAssociations", ebrim.LeafClass, "$uuid", l.plain.EntryUUID+"|"+foreign.EntryUUID), "QRY-005 XDSResultNotSinglePatient", true},
		{"sets of two patients", storedQuery("GetSubmissionSets", ebrim.LeafClass, "$uuid", l.plain.EntryUUID+"|"+foreign.EntryUUID), "QRY-005 XDSResultNotSinglePatient", true},
		{"repository item", storedQuery("GetDocuments", "LeafClassWithRepositoryItem", "$XDSDocumentEntryUniqueId", l.plain.UniqueID), "QRY-008 XDSRegistryError", false},
		{"no patient", storedQuery("FindDocuments", ebrim.LeafClass, approved...), "QRY-002 XDSStoredQueryMissingParam", false},
		{"no status", storedQuery("FindDocuments", ebrim.LeafClass, patient...), "QRY-002 XDSStoredQueryMissingParam", false},
		{"neither", storedQuery("FindDocuments", ebrim.LeafClass), "QRY-002 XDSStoredQueryMissingParam; QRY-002 XDSStoredQueryMissingParam", false},
		{"bad status", storedQuery("FindDocuments", ebrim.LeafClass, append(patient, "$XDSDocumentEntryStatus", "Approved")...), "QRY-004 XDSRegistryError", false},
		{"bad time", storedQuery("FindDocuments", ebrim.LeafClass, append(both, "$XDSDocumentEntryCreationTimeFrom", "202613")...), "QRY-004 XDSRegistryError", false},
		{"code without scheme", storedQuery("FindDocuments", ebrim.LeafClass, append(both, "$XDSDocumentEntryTypeCode", "11502-2")...), "QRY-004 XDSRegistryError", false},
		{"bad patient", storedQuery("FindDocuments", ebrim.LeafClass, append(approved, "$XDSDocumentEntryPatientId", "279035121518989")...), "QRY-004 XDSRegistryError", false},
		{"bad level", storedQuery("FindDocuments", ebrim.LeafClass, append(both, "$MetadataLevel", "3")...), "QRY-004 XDSRegistryError", false},
		{"unknown parameter", storedQuery("FindDocuments", ebrim.LeafClass, append(both, "$Nothing", "x")...), "QRY-007 XDSRegistryError", false},
		{"parameter twice", storedQuery("FindDocuments", ebrim.LeafClass, append(both, approved...)...), "QRY-003 XDSStoredQueryParamNumber", false},
		{"two patients", storedQuery("FindDocuments", ebrim.LeafClass, append(approved, "$XDSDocumentEntryPatientId", string(l.alice.ins), "$XDSDocumentEntryPatientId", string(l.bruno.ins))...),
			"QRY-003 XDSStoredQueryParamNumber", false},
		{"ids of two kinds", storedQuery("GetDocuments", ebrim.LeafClass, "$XDSDocumentEntryUniqueId", "1.2", "$XDSDocumentEntryEntryUUID", "urn:uuid:"+newID()),
			"QRY-003 XDSStoredQueryParamNumber", false},
		{"no id", storedQuery("GetDocuments", ebrim.LeafClass), "QRY-002 XDSStoredQueryMissingParam", false},
		{"1001 ids", storedQuery("GetDocuments", ebrim.LeafClass, "$XDSDocumentEntryUniqueId", strings.Repeat("1.2|", 1000)+"1.2"), "QRY-003 XDSStoredQueryParamNumber", false},
		{"return type", storedQuery("FindDocuments", "RegistryObject", both...), "QRY-008 XDSRegistryError", false},
		{"documents of two patients", storedQuery("GetDocuments", ebrim.LeafClass, "$XDSDocumentEntryUniqueId", l.plain.UniqueID+"|"+foreign.UniqueID),
			"QRY-005 XDSResultNotSinglePatient", true},
		{"unknown patient", storedQuery("FindDocuments", ebrim.LeafClass, append(approved, "$XDSDocumentEntryPatientId", "199999999999999^^^&"+nameCode+"&ISO^NH")...),
			"REG-001 XDSUnknownPatientId", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(l.trail(l.alice, "ITI-18"))
			got := l.post(actionQuery, l.security(durand), ebrim.AppendQuery(nil, c.query), nil)
			if outcome := l.outcome(got); outcome != "Failure; "+c.want {
				t.Errorf("got %s", outcome)
			}
			if strings.Contains(string(got.raw), l.alice.ins.ID()) || strings.Contains(string(got.raw), "<rim:ExtrinsicObject") {
				t.Errorf("the answer tells more: %s", got.raw)
			}
			if opened := len(l.trail(l.alice, "ITI-18")) > before; opened != c.opened {
				t.Errorf("record opened: %v", opened)
			}
		})
	}
	if q, outcome, _ := l.query(durand, "GetDocuments", ebrim.ObjectRef, "$XDSDocumentEntryUniqueId", l.plain.UniqueID+"|"+foreign.UniqueID); outcome != "Success" || len(q.Refs) != 2 {
		t.Errorf("references of two patients: %s %v", outcome, q.Refs)
	}
	asked := mtom(envelope(actionQuery, l.security(durand), ebrim.AppendQuery(nil, storedQuery("FindDocuments", ebrim.LeafClass, both...))))
	if got, _ := l.send("/xds/registry", mtomType, asked); got != "200 Success" {
		t.Errorf("a query as MTOM: %s", got)
	}
	if got, _ := l.send("/xds/registry", mtomType, strings.TrimSuffix(asked, "--edge--\r\n")); got != "Fault 400 Sender MIME-001" {
		t.Errorf("a query that is cut: %s", got)
	}
	if got, raw := l.send("/xds/registry", soapType, envelope(actionQuery, l.security(durand), []byte(`<q:AdhocQueryRequest xmlns:q="`+ebrim.NamespaceQuery+`"/>`))); got != "Fault 400 Sender SOAP-001" {
		t.Errorf("no query: %s %s", got, raw)
	}
}
