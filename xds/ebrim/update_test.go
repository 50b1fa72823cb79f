package ebrim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

const registeredID = "urn:uuid:8c3a1f3e-5d0b-4d0e-9b7c-0123456789ab"

// parsedUpdate is a message of an update as the server gets it.
func parsedUpdate(t *testing.T, raw []byte) *xmlgate.Element {
	t.Helper()
	el, err := xmlgate.Parse(raw, xmlgate.Envelope())
	if err != nil {
		t.Fatal(err)
	}
	return el
}

// updateOf is an update with one operation of each kind.
func updateOf() xds.Update {
	return xds.Update{
		Set: xds.SubmissionSet{EntryUUID: "Set01", UniqueID: "1.2.3"},
		Entries: []xds.EntryRevision{{Entry: xds.DocumentEntry{EntryUUID: "Doc01", LogicalID: registeredID, UniqueID: "1.2.4", Title: "a"},
			Revision: xds.Revision{Previous: 3, Propagate: true}}},
		Folders: []xds.FolderRevision{{Folder: xds.Folder{EntryUUID: "Fol01", LogicalID: registeredID, UniqueID: "1.2.5"},
			Revision: xds.Revision{Previous: 1}}},
		Statuses: []xds.StatusChange{{ID: "Status-1", Target: "Doc01", From: xds.Approved, To: xds.Archived}},
		Links:    []xds.Association{{EntryUUID: "Link01", Type: xds.Appends, Source: registeredID, Target: "Doc01"}},
	}
}

// TestDecodeUpdate: what is written is read back; then one thing wrong at a time.
func TestDecodeUpdate(t *testing.T) {
	up := updateOf()
	up.Attested = true
	got, findings := DecodeUpdate(parsedUpdate(t, AppendUpdate(nil, &up)), false)
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	for i, r := range []*xds.Revision{&got.Entries[0].Revision, &got.Folders[0].Revision} {
		if r.Member.Source != "Set01" || r.Member.SetStatus != "Original" {
			t.Errorf("member %d: %+v", i, r.Member)
		}
		r.Member = xds.Association{}
	}
	got.Set.Extras = nil
	if diff := cmp.Diff(up, got); diff != "" {
		t.Error(diff)
	}

	slot := func(name, value string) string {
		return `<rim:Slot name="` + name + `"><rim:ValueList><rim:Value>` + value + `</rim:Value></rim:ValueList></rim:Slot>`
	}
	for _, c := range []struct{ name, old, new, want, restricted string }{
		{"a version that is no number", slot("PreviousVersion", "3"), slot("PreviousVersion", "x"), "UPD-006 Association[Member-1].PreviousVersion", "UPD-008 Association[Member-1].PreviousVersion"},
		{"version zero", slot("PreviousVersion", "3"), slot("PreviousVersion", "0"), "UPD-006 Association[Member-1].PreviousVersion", ""},
		{"no version", slot("PreviousVersion", "3"), "", "UPD-007 DocumentEntry[Doc01]", "UPD-008 DocumentEntry[Doc01]"},
		{"two versions", slot("PreviousVersion", "3"), slot("PreviousVersion", "3") + slot("PreviousVersion", "4"), "UPD-006 Association[Member-1].PreviousVersion", ""},
		{"a propagation that is neither", slot("AssociationPropagation", "no"), slot("AssociationPropagation", "perhaps"), "UPD-006 Association[Member-2].AssociationPropagation", ""},
		{"a reference", ">Original<", ">Reference<", "UPD-006 Association[Member-1].SubmissionSetStatus", "UPD-008 Association[Member-1].SubmissionSetStatus"},
		{"no original status", slot("OriginalStatus", string(xds.Approved)), "", "UPD-006 Association[Status-1].OriginalStatus", ""},
		{"a status that is none", string(xds.Archived), "urn:x", "UPD-006 Association[Status-1].NewStatus", ""},
		{"the same status", string(xds.Archived), string(xds.Approved), "UPD-006 Association[Status-1].NewStatus", ""},
		{"an annotation of another operation", slot("NewStatus", string(xds.Archived)), slot("NewStatus", string(xds.Archived)) + slot("PreviousVersion", "1"), "UPD-006 Association[Status-1].PreviousVersion", ""},
		{"an operation from elsewhere", `associationType="` + string(xds.UpdateStatus) + `" sourceObject="Set01"`, `associationType="` + string(xds.UpdateStatus) + `" sourceObject="Doc01"`, "UPD-006 Association[Status-1].sourceObject", ""},
		{"an operation that is none", string(xds.UpdateStatus), "urn:ihe:iti:2010:AssociationType:Else", "UPD-006 Association[Status-1].associationType", ""},
		{"an association that nobody submits", `targetObject="Link01"`, `targetObject="Link02"`, "UPD-006 Association[Link01].sourceObject", ""},
		{"no lid", ` lid="` + registeredID + `"`, "", "UPD-007 DocumentEntry[Doc01].logicalID", "UPD-007 DocumentEntry[Doc01].logicalID"},
		{"a symbolic lid", ` lid="` + registeredID + `"`, ` lid="Doc00"`, "UPD-007 DocumentEntry[Doc01].logicalID", ""},
	} {
		raw := string(AppendUpdate(nil, &up))
		changed := strings.Replace(raw, c.old, c.new, 1)
		if changed == raw {
			t.Fatalf("%s: %q is not there", c.name, c.old)
		}
		for _, restricted := range []bool{false, true} {
			want := c.want
			if restricted {
				if want = c.restricted; want == "" {
					continue
				}
			}
			_, findings := DecodeUpdate(parsedUpdate(t, []byte(changed)), restricted)
			if len(findings) == 0 || findings[0].ID+" "+findings[0].Where != want || findings[0].Line == 0 {
				t.Errorf("%s (restricted %v): %v, want %s", c.name, restricted, findings, want)
			}
		}
	}
	_, findings = DecodeUpdate(parsedUpdate(t, AppendUpdate(nil, &up)), true)
	ids := []string{}
	for _, e := range findings {
		ids = append(ids, e.ID)
	}
	if got := fmt.Sprint(ids); got != "[UPD-004 UPD-007 UPD-007]" {
		t.Errorf("ITI-92 with all operations: %s", got)
	}
}

// TestDecodeRemoval reads the ids of ITI-62 and the documents of ITI-86, and refuses
// what is no list of either.
func TestDecodeRemoval(t *testing.T) {
	ids, findings := DecodeRemoval(parsedUpdate(t, AppendRemoval(nil, []string{registeredID, registeredID})))
	if len(findings) > 0 || len(ids) != 1 || ids[0] != registeredID {
		t.Errorf("%v %v", ids, findings)
	}
	// As IPF writes it: an empty query beside the ids, which asks for nothing.
	beside := `<lcm:RemoveObjectsRequest xmlns:lcm="` + NamespaceLCM + `" xmlns="` + NamespaceRIM + `"><AdhocQuery/><ObjectRefList><ObjectRef id="` + registeredID + `"/></ObjectRefList></lcm:RemoveObjectsRequest>`
	if ids, findings = DecodeRemoval(parsedUpdate(t, []byte(beside))); len(findings) > 0 || len(ids) != 1 {
		t.Errorf("an empty query beside the ids: %v %v", ids, findings)
	}
	requests, findings := DecodeRemoveDocuments(parsedUpdate(t, AppendRemoveDocuments(nil, []RetrieveRequest{{RepositoryUniqueID: "1.2", DocumentUniqueID: "3.4"}})))
	if len(findings) > 0 || len(requests) != 1 || requests[0].DocumentUniqueID != "3.4" {
		t.Errorf("%v %v", requests, findings)
	}
	for raw, want := range map[string]string{
		`<a/>`: "SOAP-001",
		`<lcm:RemoveObjectsRequest xmlns:lcm="` + NamespaceLCM + `"/>`: "SOAP-001",
		`<lcm:RemoveObjectsRequest xmlns:lcm="` + NamespaceLCM + `" xmlns:rim="` + NamespaceRIM + `"><rim:AdhocQuery id="x"/><rim:ObjectRefList/></lcm:RemoveObjectsRequest>`:                   "META-013",
		`<lcm:RemoveObjectsRequest xmlns:lcm="` + NamespaceLCM + `" xmlns:rim="` + NamespaceRIM + `"><rim:ObjectRefList/></lcm:RemoveObjectsRequest>`:                                           "META-001",
		`<lcm:RemoveObjectsRequest xmlns:lcm="` + NamespaceLCM + `" xmlns:rim="` + NamespaceRIM + `"><rim:ObjectRefList><rim:ObjectRef id="x"/></rim:ObjectRefList></lcm:RemoveObjectsRequest>`: "META-004",
	} {
		if _, findings := DecodeRemoval(parsedUpdate(t, []byte(raw))); len(findings) == 0 || findings[0].ID != want {
			t.Errorf("%s: %v, want %s", raw, findings, want)
		}
	}
}
