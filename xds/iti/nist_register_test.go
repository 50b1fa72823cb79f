package iti_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// TestNISTRegister are the tests of the NIST toolkit on Register Document Set-b, by
// their numbers.
func TestNISTRegister(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	as, reader := on(server, w.alice), on(durand, w.alice)
	register := func(changes ...func(*xds.Submission)) (xds.Submission, string) {
		lot := w.lot(server, w.alice, append(changes, kept)...)
		return lot, w.register(as, lot)
	}
	must := func(t *testing.T, changes ...func(*xds.Submission)) (lot xds.Submission, entry xds.DocumentEntry) {
		t.Helper()
		lot, got := register(changes...)
		if got != "Success" {
			t.Fatal(got)
		}
		if len(lot.Documents) > 0 {
			entry = w.entry(w.alice, lot.Documents[0].UniqueID)
		}
		return lot, entry
	}
	refused := func(t *testing.T, want string, changes ...func(*xds.Submission)) {
		t.Helper()
		before := w.left()
		if _, got := register(changes...); got != "Failure; "+want {
			t.Errorf("got %s, want %s", got, want)
		}
		if after := w.left(); after != before {
			t.Errorf("%s, was %s", after, before)
		}
	}
	status := func(t *testing.T, e xds.DocumentEntry, want xds.Status) {
		t.Helper()
		if got := w.entry(w.alice, e.UniqueID).AvailabilityStatus; got != want {
			t.Errorf("%s is %s, want %s", e.UniqueID, got, want)
		}
	}
	for name, n := range map[string]int{"11990": 1, "11991": 2} {
		t.Run(name, func(t *testing.T) {
			lot, _ := must(t, documents(n))
			q, outcome, _ := w.query(reader, "GetSubmissionSetAndContents", ebrim.LeafClass, "$XDSSubmissionSetUniqueId", lot.Set.UniqueID)
			if outcome != "Success" || len(q.Sets) != 1 || len(q.Documents) != n || len(q.Associations) != n {
				t.Errorf("%s: %d sets, %d documents, %d associations", outcome, len(q.Sets), len(q.Documents), len(q.Associations))
			}
		})
	}
	for name, kind := range map[string]xds.AssociationType{"11992": xds.Replaces, "11995": xds.TransReplace} {
		t.Run(name, func(t *testing.T) {
			_, v1 := must(t)
			_, v2 := must(t, relating(kind, v1.EntryUUID))
			status(t, v1, xds.Deprecated)
			status(t, v2, xds.Approved)
			if got := w.relations(reader, v2.EntryUUID, kind); len(got) != 1 || got[0].Target != v1.EntryUUID {
				t.Errorf("associations: %v", got)
			}
		})
	}
	for name, kind := range map[string]xds.AssociationType{"11993": xds.Appends, "11994": xds.Transforms} {
		t.Run(name, func(t *testing.T) {
			_, original := must(t)
			_, replaced := must(t)
			must(t, relating(xds.Replaces, replaced.EntryUUID))
			_, added := must(t, relating(kind, original.EntryUUID))
			status(t, original, xds.Approved)
			status(t, added, xds.Approved)
			refused(t, "REG-005 XDSRegistryDeprecatedDocumentError", relating(kind, replaced.EntryUUID))
		})
	}
	t.Run("11996", func(t *testing.T) {
		nobody := holder{newID(), xds.NewCX("199035121518989", nameCode, "NH"), w.alice.traits}
		if got := w.register(server, w.lot(server, nobody, kept)); got != "Failure; REG-001 XDSUnknownPatientId" {
			t.Error(got)
		}
	})
	t.Run("11997", func(t *testing.T) {
		refused(t, "META-016 XDSPatientIdDoesNotMatch", first(func(d *xds.DocumentEntry) { d.PatientID = w.bruno.ins }))
	})
	t.Run("11998", func(t *testing.T) { // of a patient whom the depositor does not name, it is an unknown document
		foreign := w.mustRegister(on(server, w.bruno), w.bruno)
		refused(t, "REG-004 UnresolvedReferenceException", relating(xds.Replaces, foreign.EntryUUID))
	})
	t.Run("11998a", func(t *testing.T) { // but for classCode, which follows from typeCode
		for name, missing := range map[string]func(*xds.DocumentEntry){
			"confidentialityCode": func(d *xds.DocumentEntry) { d.Confidentiality = nil },
			"creationTime":        func(d *xds.DocumentEntry) { d.CreationTime = "" }, "formatCode": func(d *xds.DocumentEntry) { d.FormatCode = xds.Code{} },
			"healthcareFacilityTypeCode": func(d *xds.DocumentEntry) { d.FacilityType = xds.Code{} },
			"languageCode":               func(d *xds.DocumentEntry) { d.LanguageCode = "" },
			"practiceSettingCode":        func(d *xds.DocumentEntry) { d.PracticeSetting = xds.Code{} },
			"sourcePatientId":            func(d *xds.DocumentEntry) { d.SourcePatientID = "" },
			"typeCode":                   func(d *xds.DocumentEntry) { d.TypeCode = xds.Code{} },
		} {
			before := w.left()
			if _, got := register(first(missing)); !strings.HasPrefix(got, "Failure; META-001 XDSRegistryMetadataError") || w.left() != before {
				t.Errorf("without %s: %s", name, got)
			}
		}
	})
	t.Run("11999", func(t *testing.T) {
		lot, _ := must(t, bare, foldered())
		if id := w.folderNamed(lot.Folders[0].UniqueID); id == "" {
			t.Error("no folder")
		}
	})
	t.Run("12000", func(t *testing.T) {
		lot, e := must(t, foldered("Document01"))
		q, _, _ := w.query(reader, "GetSubmissionSetAndContents", ebrim.LeafClass, "$XDSSubmissionSetUniqueId", lot.Set.UniqueID)
		if len(q.Sets) != 1 || len(q.Folders) != 1 || len(q.Documents) != 1 || len(q.Associations) != 4 {
			t.Errorf("%d sets, %d folders, %d documents, %d associations", len(q.Sets), len(q.Folders), len(q.Documents), len(q.Associations))
		}
		if got := w.shelf(reader, w.folderNamed(lot.Folders[0].UniqueID)); len(got.Associations) != 1 || documentsOf(got.Documents) != e.UniqueID {
			t.Errorf("in the folder: %s, %d associations", documentsOf(got.Documents), len(got.Associations))
		}
	})
	t.Run("12000.1a", func(t *testing.T) {
		_, e := must(t, foldered("Document01"))
		q, _, _ := w.query(reader, "GetDocuments", ebrim.LeafClass, "$XDSDocumentEntryUniqueId", e.UniqueID)
		if len(q.Documents) != 1 || len(q.Sets)+len(q.Folders)+len(q.Associations) != 0 {
			t.Errorf("%d documents, %d sets, %d folders, %d associations", len(q.Documents), len(q.Sets), len(q.Folders), len(q.Associations))
		}
	})
	t.Run("12001", func(t *testing.T) {
		lot, _ := must(t, bare, foldered())
		folder := w.folderNamed(lot.Folders[0].UniqueID)
		_, e := must(t, into(folder, "Document01"))
		if got := documentsOf(w.shelf(reader, folder).Documents); got != e.UniqueID {
			t.Errorf("in the folder: %s", got)
		}
	})
	t.Run("12002", func(t *testing.T) { // as 11998
		lot := w.lot(server, w.bruno, bare, foldered())
		if got := w.register(on(server, w.bruno), lot); got != "Success" {
			t.Fatal(got)
		}
		refused(t, "REG-004 UnresolvedReferenceException", into(w.folderNamed(lot.Folders[0].UniqueID), "Document01"))
	})
	t.Run("12004", func(t *testing.T) {
		_, e := must(t)
		same := first(func(d *xds.DocumentEntry) { d.UniqueID = e.UniqueID })
		must(t, same)
		lot := w.lot(server, w.alice, same, kept, first(func(d *xds.DocumentEntry) { d.Hash = strings.Repeat("ab", 20) }))
		if got := w.register(as, lot); got != "Failure; REG-003 XDSNonIdenticalHash" {
			t.Errorf("another hash: %s", got)
		}
		q, _, _ := w.query(reader, "GetDocuments", ebrim.LeafClass, "$XDSDocumentEntryUniqueId", e.UniqueID)
		if len(q.Documents) != 2 {
			t.Errorf("%d copies", len(q.Documents))
		}
	})
	t.Run("12022", func(t *testing.T) {
		_, original := must(t)
		_, appended := must(t, relating(xds.Appends, original.EntryUUID))
		_, transformed := must(t, relating(xds.Transforms, original.EntryUUID))
		_, again := must(t, relating(xds.Appends, transformed.EntryUUID))
		_, v2 := must(t, relating(xds.Replaces, original.EntryUUID))
		for _, e := range []xds.DocumentEntry{original, appended, transformed, again} {
			status(t, e, xds.Deprecated)
		}
		status(t, v2, xds.Approved)
	})
	t.Run("12084", func(t *testing.T) {
		before := w.left()
		lot := w.lot(server, w.alice, documents(2), kept, func(lot *xds.Submission) { lot.Documents[1].RepositoryUniqueID = "" })
		if got := w.register(as, lot); got != "Failure; META-001 XDSRegistryMetadataError" || w.left() != before {
			t.Errorf("%s: %s, was %s", got, w.left(), before)
		}
		_, e := must(t) // and one entryUUID for two documents
		refused(t, "REG-002 XDSDuplicateUniqueIdInRegistry", first(func(d *xds.DocumentEntry) { d.EntryUUID = e.EntryUUID }),
			func(lot *xds.Submission) { lot.Associations[0].Target = e.EntryUUID })
	})
	t.Run("12323", func(t *testing.T) {
		lot, _ := must(t, foldered("Document01"), func(lot *xds.Submission) { lot.Folders[0].LastUpdateTime = "20041231" })
		folder := w.folderNamed(lot.Folders[0].UniqueID)
		updated := func() xds.DTM { return w.shelf(reader, folder).Folders[0].LastUpdateTime }
		created := updated()
		if created.Start().Year() < 2025 {
			t.Errorf("lastUpdateTime of the sender: %s", created)
		}
		w.age(t, folder)
		_, e := must(t, into(folder, "Document01"))
		added := updated()
		w.age(t, folder)
		if aged := updated(); aged >= added {
			t.Fatalf("aged %s, was %s", aged, added)
		}
		must(t, relating(xds.Replaces, e.EntryUUID))
		if replaced := updated(); replaced < added {
			t.Errorf("after a replacement %s, was %s", replaced, added)
		}
	})
	t.Run("12326", func(t *testing.T) {
		lot, e := must(t, foldered())
		folder := w.folderNamed(lot.Folders[0].UniqueID)
		must(t, bare, into(folder, e.EntryUUID))
		if got := documentsOf(w.shelf(reader, folder).Documents); got != e.UniqueID {
			t.Errorf("in the folder: %s", got)
		}
	})
	t.Run("12327", func(t *testing.T) {
		lot, v1 := must(t, foldered("Document01"))
		_, v2 := must(t, relating(xds.Replaces, v1.EntryUUID))
		want := []string{v1.UniqueID, v2.UniqueID}
		slices.Sort(want)
		got := w.shelf(reader, w.folderNamed(lot.Folders[0].UniqueID))
		if documentsOf(got.Documents) != strings.Join(want, " ") || len(got.Associations) != 2 {
			t.Errorf("in the folder: %s, %d associations", documentsOf(got.Documents), len(got.Associations))
		}
	})
	t.Run("12370", func(t *testing.T) {
		documented := func(id string) func(*xds.Submission) {
			return func(lot *xds.Submission) {
				for i := range lot.Associations {
					if a := &lot.Associations[i]; strings.HasPrefix(a.EntryUUID, id) {
						a.Documentation = []xds.Code{{Value: "erratum", Scheme: "1.2.3", Display: "Correction"}}
					}
				}
			}
		}
		_, v1 := must(t)
		refused(t, "META-012 XDSRegistryMetadataError", documented("Member"))
		_, v2 := must(t, relating(xds.Replaces, v1.EntryUUID), documented("Relation"))
		if got := w.relations(reader, v2.EntryUUID, xds.Replaces); len(got) != 1 || len(got[0].Documentation) != 1 || got[0].Documentation[0].Display != "Correction" {
			t.Errorf("associations: %+v", got)
		}
	})
	t.Run("12379", func(t *testing.T) {
		extra := []xds.Extra{{Name: "urn:example:room", Values: []string{"12", "b"}}}
		lot, e := must(t, foldered("Document01"), func(lot *xds.Submission) {
			lot.Documents[0].Extras, lot.Set.Extras, lot.Folders[0].Extras, lot.Associations[0].Extras = extra, extra, extra, extra
		})
		q, _, _ := w.query(reader, "GetSubmissionSetAndContents", ebrim.LeafClass, "$XDSSubmissionSetUniqueId", lot.Set.UniqueID)
		n := 0
		for _, a := range q.Associations {
			n += len(a.Extras)
		}
		if len(e.Extras) != 1 || len(q.Sets[0].Extras) != 1 || len(q.Folders[0].Extras) != 1 || n != 1 || len(e.Extras[0].Values) != 2 {
			t.Errorf("kept: %v %v %v %d", e.Extras, q.Sets[0].Extras, q.Folders[0].Extras, n)
		}
		other := w.lot(server, w.alice, kept, first(func(d *xds.DocumentEntry) { d.Extras = []xds.Extra{{Name: "room", Values: []string{"12"}}} }))
		if got := w.register(as, other); got != "Success; (META-018 XDSExtraMetadataNotSaved)" {
			t.Errorf("a name that is no URN: %s", got)
		}
	})
	t.Run("15806", func(t *testing.T) {
		lot := w.lot(server, w.alice, onDemand)
		if got, _ := w.registered(actionOnDemand, as, lot); got != "Success" {
			t.Fatal(got)
		}
		source := w.entry(w.alice, lot.Documents[0].UniqueID)
		_, snapshot := must(t, relating(xds.SnapshotOf, source.EntryUUID))
		if got := w.relations(reader, snapshot.EntryUUID, xds.SnapshotOf); len(got) != 1 || got[0].Target != source.EntryUUID {
			t.Errorf("associations: %v", got)
		}
		status(t, source, xds.Approved)
		refused(t, "META-012 XDSRegistryMetadataError", relating(xds.SnapshotOf, snapshot.EntryUUID))
	})
}
