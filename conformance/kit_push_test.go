package conformance_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/xds"
)

// pushEither: a document of the corpus, pushed again with the same metadata by
// ITI-41 and by ITI-65, reads the same on both faces: its bytes, its DocumentEntry,
// its DocumentReference.
func (k *kit) pushEither(t *testing.T) {
	pushed := 0
	for _, p := range k.patients(t) {
		administrator := kitClaims{As: "dr-traitant", Patient: p.Name}
		corpus := k.findDocuments(t, k.bearer(administrator), p.INS, xds.Approved, xds.Deprecated, xds.Archived)
		pushed += len(corpus.entries)
		for _, e := range corpus.entries {
			t.Run(p.Name+" "+e.TypeCode.Value+" "+e.UniqueID, func(t *testing.T) {
				k.pushedTwice(t, p, k.bearer(administrator), e)
			})
		}
	}
	if pushed < 30 {
		t.Errorf("only %d documents of the corpus were pushed again", pushed)
	}
}

// pushedTwice pushes one document on each face and compares what comes back.
func (k *kit) pushedTwice(t *testing.T, p kitPatient, reader *kitBearer, e xds.DocumentEntry) {
	t.Helper()
	bytes := k.retrieveSet(t, reader, e.UniqueID).content
	var copies [2]kitDocument
	for i, deposit := range k.faces() {
		copies[i] = kitDocument{kitRenamed(e), bytes}
		lot, content := k.lot(p, "chu-lille", copies[i])
		if answer := deposit(t, k.bearer(kitClaims{As: "chu-lille", Patient: p.Name}), lot, content); answer.code != "" {
			t.Fatalf("face %d: %s", i, answer.whole)
		}
	}
	if bytes == nil {
		t.Fatal("an empty document")
	}
	var entries [2]xds.DocumentEntry
	var references [2]string
	for i, d := range copies {
		found := k.getDocuments(t, reader, d.entry.UniqueID)
		read := k.readReference(t, reader, d.entry.EntryUUID)
		if len(found.entries) != 1 || len(read.resources) != 1 {
			t.Fatalf("face %d: %s %s", i, found.whole, read.whole)
		}
		entries[i], references[i] = kitUnnamed(found.entries[0]), kitUnnamedReference(t, read.resources[0])
		soap, fhir := k.retrieveSet(t, reader, d.entry.UniqueID), k.readBinary(t, reader, d.entry.EntryUUID)
		if string(soap.content) != string(bytes) || string(fhir.content) != string(bytes) {
			t.Errorf("face %d: other bytes: %d by ITI-43, %d by ITI-68, pushed %d", i, len(soap.content), len(fhir.content), len(bytes))
		}
	}
	if diff := cmp.Diff(entries[0], entries[1]); diff != "" {
		t.Errorf("DocumentEntry: pushed by ITI-41 (-), by ITI-65 (+):\n%s", diff)
	}
	if diff := cmp.Diff(references[0], references[1]); diff != "" {
		t.Errorf("DocumentReference: pushed by ITI-41 (-), by ITI-65 (+):\n%s", diff)
	}
	original := kitUnnamed(e)
	original.AvailabilityStatus, original.Version = xds.Approved, 1
	if diff := cmp.Diff(original, entries[0]); diff != "" {
		t.Errorf("DocumentEntry: of the corpus (-), pushed again (+):\n%s", diff)
	}
}

// kitRenamed is an entry to push: ids of its own, and nothing that the gateway fixes.
func kitRenamed(e xds.DocumentEntry) xds.DocumentEntry {
	e.EntryUUID, e.UniqueID, e.LogicalID, e.Version = kitUUID(), kitOID(), "", 0
	e.AvailabilityStatus, e.RepositoryUniqueID, e.HomeCommunityID, e.URI, e.Availability = "", "", "", "", ""
	return e
}

// kitUnnamed is an entry without what tells two documents of the same metadata apart.
func kitUnnamed(e xds.DocumentEntry) xds.DocumentEntry {
	e.EntryUUID, e.UniqueID, e.LogicalID = "", "", ""
	return e
}

// kitUnnamedReference is the same for a DocumentReference.
func kitUnnamedReference(t *testing.T, resource map[string]any) string {
	t.Helper()
	raw, err := json.MarshalIndent(resource, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(kitUniqueID(resource), "UNIQUEID", resource["id"].(string), "UUID").Replace(string(raw))
	meta, _ := resource["meta"].(map[string]any)
	updated, _ := meta["lastUpdated"].(string)
	return strings.ReplaceAll(text, updated, "UPDATED")
}

// replaceAcross: a lineage that began on one face goes on on the other; both
// show the chain and the marks.
func (k *kit) replaceAcross(t *testing.T) {
	row := caseRow{ID: "across", Patient: "alice", As: "dr-durand", By: "chu-lille", Author: "dr-hopital", Type: "11502-2", Status: "deprecated", Action: "search", Expect: "visible"}
	s := k.stage(t, row)
	reader := s.as("dr-durand")
	for _, d := range s.documents {
		s.api(t, s.holder, http.MethodPost, "/documents/"+d.entry.EntryUUID+"/mask", nil)
		for name, got := range map[string]kitAnswer{"ITI-18": s.getDocuments(t, reader, d.entry.UniqueID), "FHIR": s.readReference(t, reader, d.entry.EntryUUID)} {
			if len(got.ids) > 0 {
				t.Errorf("%s shows the former version of a masked document", name)
			}
		}
	}
	soap, fhir := s.search(t, reader, false)
	if len(soap.ids)+len(fhir.ids) > 0 {
		t.Errorf("ITI-18 %v, ITI-67 %v of a lineage that is masked", soap.ids, fhir.ids)
	}
	soap, fhir = s.search(t, s.as(s.holder), false)
	if len(soap.ids) != 4 || !slices.Equal(soap.ids, fhir.ids) {
		t.Errorf("the holder: ITI-18 %v, ITI-67 %v", soap.ids, fhir.ids)
	}
	for _, e := range soap.entries {
		if !xds.HasCode(e.Confidentiality, xds.MarkMaskedPS) {
			t.Errorf("%s without the mark of its lineage", e.UniqueID)
		}
	}
}
