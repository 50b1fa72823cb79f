package conformance_test

import (
	"slices"
	"testing"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// The actions that update and remove.
const (
	kitUpdate          = "urn:ihe:iti:2010:UpdateDocumentSet"
	kitRestricted      = "urn:ihe:iti:2018:RestrictedUpdateDocumentSet"
	kitRemove          = "urn:ihe:iti:2010:DeleteDocumentSet"
	kitRemoveDocuments = "urn:ihe:iti:2017:RemoveDocuments"
)

// updateRow is an update of something that is hidden, or not there.
type updateRow struct {
	operation string
	target    string
}

var updateRows = []updateRow{
	{"correct", "{hidden}"}, {"mask", "{hidden}"}, {"unmask", "{hidden}"}, {"correct and delete", "{hidden}"}, {"correct and delete", "{hidden.folder}"},
	{"archive", "{hidden}"}, {"delete", "{hidden}"}, {"deprecate", "{hidden}"}, {"deprecate", "{hidden.set}"}, {"deprecate", "{hidden.member}"},
	{"deprecate", "{hidden.relation}"}, {"deprecate", "{hidden.folder}"}, {"deprecate", "{hidden.in}"},
	{"folder", "{hidden.folder}"}, {"folder", "{hidden}"}, {"append", "{hidden}"}, {"contain", "{hidden}"}, {"contain", "{hidden.folder}"},
}

// questions ask by ITI-57 and, where it has the operation, by ITI-92.
func (r updateRow) questions() []question {
	all := []question{r.question("ITI-57", kitUpdate, false)}
	if slices.Contains([]string{"correct", "mask", "unmask"}, r.operation) {
		all = append(all, r.question("ITI-92", kitRestricted, true))
	}
	return all
}

func (r updateRow) question(name, action string, restricted bool) question {
	q := question{route: name, text: r.operation + " " + r.target}
	q.ask = func(t *testing.T, w *world, b *kitBearer) string {
		t.Helper()
		up := r.update(t, w, b, name)
		up.Restricted = restricted
		return w.refusedBy(t, b, action, ebrim.AppendUpdate(nil, &up))
	}
	return q
}

// update is the message of a row, with ids of its own.
func (r updateRow) update(t *testing.T, w *world, b *kitBearer, name string) xds.Update {
	t.Helper()
	lot, _ := depositRow{xds.Appends, r.target}.lot(t, w, b, name+r.operation)
	id := "urn:uuid:" + w.fill(r.target)
	up := xds.Update{Set: lot.Set, Attested: true}
	entry := lot.Documents[0]
	entry.LogicalID = id
	revision := xds.Revision{Previous: 1, Propagate: true}
	status := func(target string, from, to xds.Status) {
		up.Statuses = append(up.Statuses, xds.StatusChange{Target: target, From: from, To: to})
	}
	switch r.operation {
	case "mask":
		entry.Confidentiality = append(slices.Clone(entry.Confidentiality), xds.Marks{MaskedPS: true}.Codes()...)
		up.Entries = []xds.EntryRevision{{Entry: entry, Revision: revision}}
	case "unmask", "correct":
		if r.operation == "correct" {
			entry.Title, up.Attested = "sonde", false
		}
		up.Entries = []xds.EntryRevision{{Entry: entry, Revision: revision}}
	case "correct and delete":
		up.Entries = []xds.EntryRevision{{Entry: entry, Revision: revision}}
		status(entry.EntryUUID, xds.Approved, xds.Deleted)
		status(id, xds.Archived, xds.Approved)
	case "archive":
		status(id, xds.Approved, xds.Archived)
	case "delete":
		status(id, xds.Approved, xds.Deleted)
	case "deprecate":
		status(id, xds.Approved, xds.Deprecated)
	case "folder":
		up.Folders = []xds.FolderRevision{{Folder: xds.Folder{EntryUUID: entry.EntryUUID, LogicalID: id, UniqueID: entry.UniqueID, PatientID: w.patient.INS, Title: "sonde",
			Codes: []xds.Code{{Value: "x", Scheme: "1.2.3"}}}, Revision: revision}}
	case "append", "contain":
		kind := map[string]xds.AssociationType{"append": xds.Appends, "contain": xds.HasMember}[r.operation]
		up.Links = []xds.Association{{EntryUUID: lot.Associations[1].EntryUUID, Type: kind, Source: id, Target: "urn:uuid:" + w.ids["one"]}}
	}
	return up
}

// removeQuestions ask for what an operator alone does.
func removeQuestions(id string) []question {
	return []question{
		{route: "ITI-62", text: id, ask: func(t *testing.T, w *world, b *kitBearer) string {
			t.Helper()
			return w.refusedBy(t, b, kitRemove, ebrim.AppendRemoval(nil, []string{"urn:uuid:" + w.fill(id)}))
		}},
		{route: "ITI-86", text: id, ask: func(t *testing.T, w *world, b *kitBearer) string {
			t.Helper()
			return w.refusedBy(t, b, kitRemoveDocuments, ebrim.AppendRemoveDocuments(nil,
				[]ebrim.RetrieveRequest{{RepositoryUniqueID: sandbox.RepositoryID, DocumentUniqueID: w.fill(id[:len(id)-1] + ".uid}")}}))
		}},
	}
}

// refusedBy sends a message whose answer is a RegistryResponse that refuses.
func (w *world) refusedBy(t *testing.T, b *kitBearer, action string, body []byte) string {
	t.Helper()
	path := "/xds/registry"
	if action == kitRemoveDocuments {
		path = "/xds/repository"
	}
	reply, fault, whole := w.postTo(t, b, path, action, body)
	if fault != nil {
		t.Fatalf("%s: %v", action, fault)
	}
	answer, findings := ebrim.DecodeRegistryResponse(reply.Body)
	if err := findings.Err(); err != nil {
		t.Fatalf("%s: %v", action, err)
	}
	return refused(t, kitAnswer{code: registryCode(t, answer, func(p xds.Problem) string { return p.Code(action == kitRemoveDocuments) }), whole: whole})
}

// updates is SC-17: an update of a hidden object is refused as one of an object that
// is not there, and a removal is refused before anything is looked up.
func updates(t *testing.T, th *theatre) {
	for _, name := range []string{"masked", "off the matrix", "hidden from the patient", "deleted"} {
		p := th.pair(t, name)
		all(t, p.unlike(t, th, p.readers[0], "ITI-57 ", " {hidden}"), "UPD-001")
		all(t, p.ask(t, th, p.readers[0], "ITI-92 ", " {hidden}"), "UPD-001")
		all(t, p.ask(t, th, p.readers[0], "ITI-62 "), "OPS-001")
		all(t, p.ask(t, th, p.readers[0], "ITI-86 "), "OPS-001")
	}
}
