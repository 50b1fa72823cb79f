package iti_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

// filed deposits a report in a folder of its own, and gives both.
func (w *world) filed(c saml.Claims, h holder, changes ...func(*xds.Submission)) (xds.DocumentEntry, xds.Folder) {
	w.t.Helper()
	var uid string
	e := w.stored(c, h, append(changes, func(lot *xds.Submission) {
		uid = lot.Documents[0].UniqueID + ".9"
		lot.Folders = []xds.Folder{{EntryUUID: "Folder01", UniqueID: uid, PatientID: h.ins, Title: "Grossesse", Codes: []xds.Code{{Value: "x", Scheme: "1.2.3"}}}}
		lot.Associations = append(lot.Associations,
			xds.Association{EntryUUID: "FolderOfSet", Type: xds.HasMember, Source: "Set01", Target: "Folder01"},
			xds.Association{EntryUUID: "InFolder", Type: xds.HasMember, Source: "Folder01", Target: "Document01"})
	})...)
	return e, w.folderOf(c, uid)
}

// folderOf is a folder as a reader gets it, the zero one when he gets none.
func (w *world) folderOf(c saml.Claims, uid string) xds.Folder {
	w.t.Helper()
	q, outcome, _ := w.query(c, "GetFolders", ebrim.LeafClass, "$XDSFolderUniqueId", uid, "$MetadataLevel", "2")
	if outcome != "Success" {
		w.t.Fatalf("GetFolders: %s", outcome)
	}
	if len(q.Folders) == 0 {
		return xds.Folder{}
	}
	return q.Folders[0]
}

// refiled adds a new version of a folder.
func refiled(f xds.Folder, change func(*xds.Folder)) func(*xds.Update) {
	return func(up *xds.Update) {
		r := xds.FolderRevision{Folder: f, Revision: xds.Revision{Previous: f.Version, Propagate: true}}
		r.Folder.EntryUUID, r.Folder.AvailabilityStatus = "FolderVersion", ""
		change(&r.Folder)
		up.Folders = append(up.Folders, r)
	}
}

// TestUpdateFolder: metadata and status of a folder, for who brought it and his
// structure (ITI TF-2 3.57.4.1.3.3.3 and 3.3.4, NIST 20000, 20004).
func TestUpdateFolder(t *testing.T) {
	w := newWorld(t)
	_, f := w.filed(author, w.alice)
	renamed := func(f *xds.Folder) { f.Title = "Suivi" }
	refuse := func(name string, by saml.Claims, change func(*xds.Update), want string) {
		t.Helper()
		if got := w.update(by, w.updating(by, w.alice, change)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	refuse("another doctor", durand, refiled(f, renamed), "Failure; ACC-31 XDSRegistryError")
	refuse("no link", stranger, refiled(f, renamed), "Failure; UPD-001 XDSMetadataUpdateError")
	refuse("the patient", person(w.alice.record), refiled(f, renamed), "Failure; ACC-31 XDSRegistryError")
	refuse("another uniqueId", author, refiled(f, func(f *xds.Folder) { f.UniqueID = "1.2.3.4.5" }), "Failure; UPD-005 XDSMetadataIdentifierError")
	refuse("an older version", author, func(up *xds.Update) { refiled(f, renamed)(up); up.Folders[0].Previous = 7 }, "Failure; UPD-002 XDSMetadataVersionError")
	refuse("archiving", author, status(f.EntryUUID, xds.Approved, xds.Archived), "Failure; UPD-007 XDSMetadataUpdateError")
	refuse("another status", author, status(f.EntryUUID, xds.Deprecated, xds.Approved), "Failure; UPD-007 XDSMetadataUpdateError")
	refuse("without a change", author, refiled(f, func(*xds.Folder) {}), "Success")
	if now := w.folderOf(author, f.UniqueID); now.Version != 1 {
		t.Errorf("version %d", now.Version)
	}

	refuse("the author", author, refiled(f, renamed), "Success")
	now := w.folderOf(durand, f.UniqueID)
	if now.Title != "Suivi" || now.Version != 2 || now.LogicalID != f.LogicalID || now.EntryUUID == f.EntryUUID {
		t.Errorf("after the update: %+v", now)
	}
	refuse("his hospital", server, refiled(now, func(f *xds.Folder) { f.Comments = "vu" }), "Success")
	now = w.folderOf(durand, f.UniqueID)
	refuse("metadata and status", author, func(up *xds.Update) {
		refiled(now, func(f *xds.Folder) { f.Title = "Clos" })(up)
		status("FolderVersion", xds.Approved, xds.Deprecated)(up)
	}, "Success")
	if now = w.folderOf(durand, f.UniqueID); now.Version != 4 || now.Title != "Clos" || now.AvailabilityStatus != xds.Deprecated {
		t.Errorf("after both: %+v", now)
	}
	refuse("back by the first id", author, status(f.EntryUUID, xds.Deprecated, xds.Approved), "Success")
	w.fsck()
}

// association is the association of a type that joins two objects, as a reader gets it.
func (w *world) association(c saml.Claims, t xds.AssociationType, id string) (xds.Association, bool) {
	w.t.Helper()
	q, outcome, _ := w.query(c, "GetAssociations", ebrim.LeafClass, "$uuid", id)
	if outcome != "Success" {
		w.t.Fatalf("GetAssociations: %s", outcome)
	}
	i := slices.IndexFunc(q.Associations, func(a xds.Association) bool { return a.Type == t })
	if i < 0 {
		return xds.Association{}, false
	}
	return q.Associations[i], true
}

// TestSubmitAssociation: a new association between registered objects (ITI TF-2
// 3.57.4.1.3.3.6, NIST 20001, 20005, 20006, 20008, 20100a, 20100b, 21004).
func TestSubmitAssociation(t *testing.T) {
	w := newWorld(t)
	a, b, masked := w.stored(author, w.alice), w.stored(author, w.alice), w.stored(author, w.alice, marked(xds.MarkMaskedPS))
	foreign, hidden := w.stored(traitant, w.alice), w.stored(author, w.alice, marked(xds.MarkHiddenPatient))
	other := w.stored(author, w.bruno)
	filed, f := w.filed(author, w.alice)
	try := func(name string, by saml.Claims, want string, changes ...func(*xds.Update)) {
		t.Helper()
		if got := w.update(by, w.updating(by, w.alice, changes...)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	unknown, impossible, unclear := "Failure; UPD-001 XDSMetadataUpdateError", "Failure; UPD-007 XDSMetadataUpdateError", "Failure; UPD-006 XDSMetadataUpdateOperationError"
	try("an addendum to itself", author, unclear, joined(xds.Appends, a.EntryUUID, a.EntryUUID))
	try("no type", author, unclear, joined("urn:x", a.EntryUUID, b.EntryUUID))
	try("a source that is not his", author, "Failure; ACC-31 XDSRegistryError", joined(xds.Appends, foreign.EntryUUID, b.EntryUUID))
	try("two patients", author, unknown, joined(xds.Appends, a.EntryUUID, other.EntryUUID))
	try("an unknown end", author, unknown, joined(xds.Appends, a.EntryUUID, "urn:uuid:"+newID()))
	try("marks that differ", author, impossible, joined(xds.Appends, a.EntryUUID, hidden.EntryUUID))
	try("to a folder", author, unknown, joined(xds.Appends, a.EntryUUID, f.EntryUUID))
	try("with a new version that keeps its associations", author, unclear, revised(b, titled("x")), joined(xds.Appends, "Version01", a.EntryUUID))

	try("an addendum", author, "Success", joined(xds.Appends, b.EntryUUID, a.EntryUUID))
	if got, ok := w.association(author, xds.Appends, b.EntryUUID); !ok || got.Target != a.EntryUUID {
		t.Errorf("the association: %+v", got)
	}
	try("twice", author, impossible, joined(xds.Appends, b.EntryUUID, a.EntryUUID))
	try("a ring", author, impossible, joined(xds.Appends, a.EntryUUID, b.EntryUUID))
	if got := w.update(person(w.alice.record), w.updating(person(w.alice.record), w.alice, revised(a, with(xds.MarkMaskedPS)))); got != "Success" {
		t.Fatal(got)
	}
	if got := w.docState(w.alice, b); got != "v1 Approved MASQUE_PS" {
		t.Errorf("one lineage, one mark: the addendum is %s", got)
	}
	try("masked joins unmasked", author, "Success", joined(xds.Transforms, masked.EntryUUID, filed.EntryUUID))
	if got := w.docState(w.alice, filed); got != "v1 Approved MASQUE_PS" {
		t.Errorf("no mark is lost: %s", got)
	}

	c, d := w.stored(author, w.alice), w.stored(author, w.alice)
	try("a replacement", author, "Success", joined(xds.Replaces, d.EntryUUID, c.EntryUUID))
	if got := w.docState(w.alice, c); got != "v1 Deprecated" {
		t.Errorf("what was replaced is %s", got)
	}
	try("on what is obsolete", author, impossible, joined(xds.Signs, d.EntryUUID, c.EntryUUID))
	try("from what is obsolete", author, impossible, joined(xds.Signs, c.EntryUUID, d.EntryUUID))
	try("into a folder", author, "Success", joined(xds.HasMember, f.EntryUUID, d.EntryUUID))
	try("into it twice", author, impossible, joined(xds.HasMember, f.EntryUUID, d.EntryUUID))
	try("into a folder of another", traitant, "Failure; ACC-31 XDSRegistryError", joined(xds.HasMember, f.EntryUUID, foreign.EntryUUID))
	try("by the hospital", server, "Success", joined(xds.Signs, d.EntryUUID, filed.EntryUUID))

	membership, _ := w.association(author, xds.HasMember, d.EntryUUID)
	q, _, _ := w.query(author, "GetAssociations", ebrim.LeafClass, "$uuid", d.EntryUUID)
	for _, x := range q.Associations {
		if x.Source == f.EntryUUID {
			membership = x
		}
	}
	try("out of the folder, by another", durand, "Failure; ACC-31 XDSRegistryError", status(membership.EntryUUID, xds.Approved, xds.Deprecated))
	try("out of the folder", author, "Success", status(membership.EntryUUID, xds.Approved, xds.Deprecated))
	try("out of it twice", author, impossible, status(membership.EntryUUID, xds.Approved, xds.Deprecated))
	try("and into it again", author, "Success", status(membership.EntryUUID, xds.Deprecated, xds.Approved))
	own := q.Associations[slices.IndexFunc(q.Associations, func(x xds.Association) bool { return x.SetStatus != "" })]
	try("out of the set", author, unknown, status(own.EntryUUID, xds.Approved, xds.Deprecated))
	try("new and obsolete at once", author, "Success", joined(xds.Appends, w.stored(author, w.alice).EntryUUID, d.EntryUUID), status("Link01", xds.Approved, xds.Deprecated))
	w.fsck()
}

// TestJoinAndMark: a mark that a message sets is not lost when the same message joins
// the lineage that bears it to another one; nor does a message join twice what it may
// join once.
func TestJoinAndMark(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.stored(author, w.alice), w.stored(author, w.alice), w.stored(author, w.alice)
	masked := func(e xds.DocumentEntry) func(*xds.Update) {
		return func(up *xds.Update) {
			revised(e, with(xds.MarkMaskedPS))(up)
			up.Entries[0].Propagate = false
		}
	}
	impossible := "Failure; UPD-007 XDSMetadataUpdateError"
	for name, end := range map[string]xds.DocumentEntry{"the source": a, "the target": b} {
		if got := w.update(author, w.updating(author, w.alice, attested, masked(end), joined(xds.Appends, a.EntryUUID, b.EntryUUID))); got != impossible {
			t.Errorf("%s is masked in the same message: %s", name, got)
		}
	}
	if got := w.update(author, w.updating(author, w.alice, joined(xds.Signs, a.EntryUUID, b.EntryUUID), joined(xds.Signs, a.EntryUUID, b.EntryUUID))); got != impossible {
		t.Errorf("one association twice: %s", got)
	}
	for _, e := range []xds.DocumentEntry{a, b} {
		if got := w.update(author, w.updating(author, w.alice, joined(xds.Appends, e.EntryUUID, c.EntryUUID))); got != "Success" {
			t.Fatal(got)
		}
	}
	if got := w.update(author, w.updating(author, w.alice, joined(xds.Replaces, a.EntryUUID, c.EntryUUID), joined(xds.Replaces, b.EntryUUID, c.EntryUUID))); got != impossible {
		t.Errorf("two replacements of one document: %s", got)
	}
	for _, e := range []xds.DocumentEntry{a, b, c} {
		if got := w.docState(w.alice, e); got != "v1 Approved" {
			t.Errorf("%s is left", got)
		}
	}
}

// TestHiddenKin: whether documents of one's own can be joined does not tell whether
// somebody has appended to them what one may not see (SC-09, SC-17); who may mask what
// is not seen stays somebody who might before.
func TestHiddenKin(t *testing.T) {
	w := newWorld(t)
	const impossible = "Failure; UPD-007 XDSMetadataUpdateError"
	for _, c := range []struct {
		name    string
		beneath saml.Claims // who wrote what the source is appended to, when anybody did
		beside  saml.Claims // who appends to the source, when anybody does
		typ     string      // of these
		want    string
	}{
		{"alone", saml.Claims{}, saml.Claims{}, "", "Success"},
		{"with a hidden addendum", saml.Claims{}, author, "18748-4", "Success"},
		{"with an addendum that is seen", saml.Claims{}, author, "11488-4", impossible},
		{"appended to another's", author, saml.Claims{}, "11488-4", impossible},
	} {
		beneath, into := []func(*xds.Submission){}, w.stored(hearing, w.alice)
		if c.beneath.ID != "" {
			beneath = append(beneath, relating(xds.Appends, w.stored(c.beneath, w.alice, typed(c.typ)).EntryUUID))
		}
		source := w.stored(hearing, w.alice, beneath...)
		if c.beside.ID != "" {
			w.stored(c.beside, w.alice, typed(c.typ), relating(xds.Appends, source.EntryUUID))
		}
		if got := w.update(hearing, w.updating(hearing, w.alice, joined(xds.Appends, source.EntryUUID, into.EntryUUID))); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	w.fsck()
}

// TestAssociationPropagation: by default a new version keeps what joins it to others;
// without, its relations and its folders are left behind (ITI TF-2 3.57.4.1.3.3.1.5).
func TestAssociationPropagation(t *testing.T) {
	w := newWorld(t)
	e, f := w.filed(author, w.alice)
	if got := w.update(author, w.updating(author, w.alice, revised(e, titled("deux")))); got != "Success" {
		t.Fatal(got)
	}
	now := w.entry(w.alice, e.UniqueID)
	q, _, _ := w.query(author, "GetFolderAndContents", ebrim.LeafClass, "$XDSFolderEntryUUID", f.EntryUUID)
	if len(q.Documents) != 1 || q.Documents[0].EntryUUID != now.EntryUUID {
		t.Errorf("propagated: %d documents in the folder", len(q.Documents))
	}
	up := w.updating(author, w.alice, revised(now, titled("trois")))
	up.Entries[0].Propagate = false
	if got := w.update(author, up); got != "Success" {
		t.Fatal(got)
	}
	if got := w.folderOf(durand, f.UniqueID); got.UniqueID != "" {
		t.Errorf("the folder is still seen by a document that left it: %+v", got)
	}
	if q, _, _ := w.query(author, "GetFolderAndContents", ebrim.LeafClass, "$XDSFolderEntryUUID", f.EntryUUID); len(q.Folders) != 1 || len(q.Documents) != 0 {
		t.Errorf("who deposited it sees %d folders, %d documents", len(q.Folders), len(q.Documents))
	}
	q, _, _ = w.query(author, "GetSubmissionSetAndContents", ebrim.LeafClass, "$XDSSubmissionSetUniqueId", up.Set.UniqueID)
	if len(q.Documents) != 1 || q.Documents[0].Title != "trois" {
		t.Errorf("the set of the update holds %d documents", len(q.Documents))
	}
	w.fsck()
}

// TestUpdateForm: what the message must say of the version that it makes, and what an
// update never changes (ITI TF-2 3.57.4.1.3.1, NIST 15802, 20002, 21002, 40007).
func TestUpdateForm(t *testing.T) {
	w := newWorld(t)
	e, mine := w.stored(author, w.alice), w.stored(author, w.alice)
	changed := func(change func(*xds.DocumentEntry)) func(*xds.Update) {
		return revised(e, titled("x"), change)
	}
	revision := func(change func(*xds.EntryRevision)) func(*xds.Update) {
		return func(up *xds.Update) { revised(e, titled("x"))(up); change(&up.Entries[0]) }
	}
	for _, c := range []struct {
		name   string
		change func(*xds.Update)
		want   string
	}{
		{"another uniqueId", changed(func(e *xds.DocumentEntry) { e.UniqueID = "1.2.3.999" }), "UPD-005 XDSMetadataIdentifierError"},
		{"another hash", changed(func(e *xds.DocumentEntry) { e.Hash = strings.Repeat("a", 40) }), "UPD-003 XDSMetadataUpdateError"},
		{"another size", changed(func(e *xds.DocumentEntry) { e.Size++ }), "UPD-003 XDSMetadataUpdateError"},
		{"another repository", changed(func(e *xds.DocumentEntry) { e.RepositoryUniqueID = "1.2.9" }), "UPD-003 XDSMetadataUpdateError"},
		{"another kind", changed(func(e *xds.DocumentEntry) { e.ObjectType = xds.OnDemandDocument; e.Hash, e.Size = "", 0 }), "UPD-003 XDSMetadataUpdateError"},
		{"another patient", changed(func(e *xds.DocumentEntry) { e.PatientID = w.bruno.ins }), "META-016 XDSPatientIdDoesNotMatch"},
		{"a patient who has no such document", func(up *xds.Update) {
			changed(func(e *xds.DocumentEntry) { e.PatientID = w.bruno.ins })(up)
			up.Set.PatientID = w.bruno.ins
			up.Entries[0].Entry.SourcePatientInfo = nil
		}, "META-001 XDSRegistryMetadataError"},
		{"an older version", revision(func(r *xds.EntryRevision) { r.Previous = 2 }), "UPD-002 XDSMetadataVersionError"},
		{"no version", revision(func(r *xds.EntryRevision) { r.Previous = 0 }), "UPD-006 XDSMetadataUpdateOperationError"},
		{"no lid", changed(func(e *xds.DocumentEntry) { e.LogicalID = "" }), "UPD-007 XDSMetadataUpdateError"},
		{"a symbolic lid", changed(func(e *xds.DocumentEntry) { e.LogicalID = "Document01" }), "UPD-007 XDSMetadataUpdateError"},
		{"an unknown lid", changed(func(e *xds.DocumentEntry) { e.LogicalID = "urn:uuid:" + newID() }), "UPD-001 XDSMetadataUpdateError"},
		{"the lid as id", changed(func(e *xds.DocumentEntry) { e.EntryUUID = e.LogicalID }), "UPD-007 XDSMetadataUpdateError"},
		{"the id of another", changed(func(e *xds.DocumentEntry) { e.EntryUUID = mine.EntryUUID }), "REG-002 XDSDuplicateUniqueIdInRegistry"},
		{"two versions of one", func(up *xds.Update) { revised(e, titled("x"))(up); revised(e, titled("y"))(up) }, "META-017 XDSRegistryDuplicateUniqueIdInMessage"},
		{"a required attribute less", changed(func(e *xds.DocumentEntry) { e.LanguageCode = "" }), "META-001 XDSRegistryMetadataError"},
		{"a code of no value set", changed(func(e *xds.DocumentEntry) { e.TypeCode.Value = "0-0" }), "META-003 XDSRegistryMetadataError"},
		{"no operation", func(*xds.Update) {}, "UPD-006 XDSMetadataUpdateOperationError"},
		{"another author of the set", func(up *xds.Update) { revised(e, titled("x"))(up); up.Set.Authors = []xds.Author{signedBy(durand)} }, "META-011 XDSRegistryMetadataError"},
		{"two statuses", func(up *xds.Update) {
			status(e.EntryUUID, xds.Approved, xds.Archived)(up)
			status(e.LogicalID, xds.Approved, xds.Deleted)(up)
		}, "UPD-006 XDSMetadataUpdateOperationError"},
	} {
		got := w.update(author, w.updating(author, w.alice, c.change))
		first, _, _ := strings.Cut(strings.TrimPrefix(got, "Failure; "), ";")
		if !strings.HasPrefix(got, "Failure; ") || first != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if got := w.docState(w.alice, e); got != "v1 Approved" {
		t.Errorf("after refusals alone: %s", got)
	}
	// All that is wrong with the registered object comes at once.
	got := w.update(author, w.updating(author, w.alice, func(up *xds.Update) {
		revised(e, titled("x"), with(xds.MarkHiddenReps), func(e *xds.DocumentEntry) { e.UniqueID, e.Size = "1.2.3.998", 77 })(up)
		up.Entries[0].Previous = 9
	}))
	if want := "Failure; UPD-005 XDSMetadataIdentifierError; UPD-003 XDSMetadataUpdateError; C-04 XDSRegistryMetadataError; UPD-002 XDSMetadataVersionError"; got != want {
		t.Errorf("all at once: %s, want %s", got, want)
	}
	if got := w.left(); strings.Contains(got, "submission_set 3") {
		t.Errorf("a refused update left its set: %s", got)
	}
	w.fsck()
}

// TestUpdateOfWhatIsHidden: an object that is not for the sender answers as one that
// does not exist, byte by byte, whatever is asked of it and of what else (SC-17).
func TestUpdateOfWhatIsHidden(t *testing.T) {
	w := newWorld(t)
	masked, mf := w.filed(author, w.alice, marked(xds.MarkMaskedPS))
	secret := w.stored(author, w.alice, marked(xds.MarkHiddenPatient))
	deleted := w.stored(author, w.alice)
	foreign := w.stored(author, w.bruno)
	seen := w.stored(author, w.alice)
	w.act(author, w.alice, authz.Delete, deleted.LogicalID)
	mf = w.folderOf(author, mf.UniqueID)
	inFolder, _ := w.association(author, xds.HasMember, mf.EntryUUID)
	holderOf := person(w.alice.record)
	for _, c := range []struct {
		name string
		by   saml.Claims
		id   string // hidden; for an entry and a folder its lid
		of   xds.DocumentEntry
	}{
		{"masked, for a doctor", durand, masked.LogicalID, masked},
		{"masked, for a blocked one", banned, masked.LogicalID, masked},
		{"masked, for a relative without a role", hearing, masked.LogicalID, masked},
		{"hidden, for the patient", holderOf, secret.LogicalID, secret},
		{"deleted, for its author", author, deleted.LogicalID, deleted},
		{"of another patient", author, foreign.LogicalID, foreign},
		{"a folder", durand, mf.LogicalID, masked},
		{"an association", durand, inFolder.EntryUUID, masked},
	} {
		ask := func(id string) []string {
			var answers []string
			for _, op := range []func(*xds.Update){
				revised(c.of, titled("x"), func(e *xds.DocumentEntry) { e.LogicalID, e.PatientID = id, w.alice.ins }),
				revised(c.of, with(xds.MarkMaskedPS), func(e *xds.DocumentEntry) { e.LogicalID, e.PatientID = id, w.alice.ins }),
				revised(c.of, unmarked(xds.MarkMaskedPS), unmarked(xds.MarkHiddenPatient), func(e *xds.DocumentEntry) { e.LogicalID, e.PatientID = id, w.alice.ins }),
				func(up *xds.Update) {
					revised(c.of, func(e *xds.DocumentEntry) { e.LogicalID, e.PatientID = id, w.alice.ins })(up)
					up.Entries[0].Previous = 5
				},
				status(id, xds.Approved, xds.Deleted), status(id, xds.Approved, xds.Deprecated), status(id, xds.Archived, xds.Approved),
				func(up *xds.Update) { // the same thing three times, and a known one between
					status(id, xds.Approved, xds.Archived)(up)
					status("urn:uuid:"+newID(), xds.Approved, xds.Deleted)(up)
					status(id, xds.Approved, xds.Deleted)(up)
				},
				func(up *xds.Update) {
					revised(c.of, titled("x"), func(e *xds.DocumentEntry) { e.LogicalID, e.PatientID = id, w.alice.ins })(up)
					status("Version01", xds.Approved, xds.Deleted)(up)
				},
				joined(xds.Appends, seen.EntryUUID, id), joined(xds.Appends, id, seen.EntryUUID), joined(xds.HasMember, id, seen.EntryUUID),
				refiled(mf, func(f *xds.Folder) { f.LogicalID = id; f.Title = "x" }),
			} {
				up := w.updating(c.by, w.alice, op)
				up.Attested, up.Set.UniqueID, up.Set.EntryUUID = true, "1.2.4.77", "Set01"
				for i := range up.Statuses {
					if up.Statuses[i].Target != id && strings.HasPrefix(up.Statuses[i].Target, "urn:uuid:") {
						up.Statuses[i].Target = "urn:uuid:00000000-0000-4000-8000-000000000001"
					}
				}
				_, got := w.updated(c.by, up)
				answers = append(answers, normalised(got.raw, id))
			}
			return answers
		}
		hidden, unknown := ask(c.id), ask("urn:uuid:"+newID())
		for i := range hidden {
			if hidden[i] != unknown[i] {
				t.Errorf("%s, operation %d:", c.name, i)
				sameAnswer(t, hidden[i], unknown[i])
			}
		}
	}
	w.fsck()
}

// TestConcurrentUpdates: of updates of one version exactly one is made, and the others
// are told that the version is not current any more.
func TestConcurrentUpdates(t *testing.T) {
	w := newWorld(t)
	e, f := w.filed(author, w.alice)
	const n = 6
	race := func(name string, up func(i int) xds.Update) {
		t.Helper()
		outcomes := make([]string, n)
		var group sync.WaitGroup
		for i := range n {
			sent := up(i)
			group.Go(func() { outcomes[i] = w.update(author, sent) })
		}
		group.Wait()
		slices.Sort(outcomes)
		if outcomes[n-1] != "Success" || slices.ContainsFunc(outcomes[:n-1], func(o string) bool { return o != "Failure; UPD-002 XDSMetadataVersionError" }) {
			t.Errorf("%s: %q", name, outcomes)
		}
	}
	race("a document", func(i int) xds.Update {
		return w.updating(author, w.alice, revised(e, titled(fmt.Sprint("titre ", i))))
	})
	race("a folder", func(i int) xds.Update {
		return w.updating(author, w.alice, refiled(f, func(f *xds.Folder) { f.Title = fmt.Sprint("titre ", i) }))
	})
	if got := w.docState(w.alice, e); got != "v2 Approved" {
		t.Error(got)
	}
	w.fsck()
}

// TestMaskAndReplace: in whatever order a document is masked and replaced, and by
// whichever call, its whole lineage ends masked, the former versions with it.
func TestMaskAndReplace(t *testing.T) {
	w := newWorld(t)
	patient := person(w.alice.record)
	masks := map[string]func(e xds.DocumentEntry){
		"ITI-57": func(e xds.DocumentEntry) {
			if got := w.update(patient, w.updating(patient, w.alice, revised(w.entry(w.alice, e.UniqueID), with(xds.MarkMaskedPS)))); got != "Success" {
				t.Errorf("mask: %s", got)
			}
		},
		"JSON": func(e xds.DocumentEntry) { w.act(patient, w.alice, authz.Mask, e.LogicalID) },
	}
	for call, mask := range masks {
		for _, order := range []string{"mask replace", "replace mask old", "replace mask new", "mask correct replace", "replace correct mask old"} {
			e := w.stored(author, w.alice)
			next := e
			for _, step := range strings.Fields(order) {
				switch step {
				case "mask":
					if strings.HasSuffix(order, "new") {
						mask(next)
					} else {
						mask(e)
					}
				case "replace":
					next = w.stored(author, w.alice, relating(xds.Replaces, w.entry(w.alice, e.UniqueID).EntryUUID))
				case "correct":
					if got := w.update(author, w.updating(author, w.alice, revised(w.entry(w.alice, next.UniqueID), titled("corrigé")))); got != "Success" {
						t.Errorf("correct: %s", got)
					}
				}
			}
			for _, d := range []xds.DocumentEntry{e, next} {
				if got := w.docState(w.alice, d); !strings.HasSuffix(got, "MASQUE_PS") {
					t.Errorf("%s, %s: %s is left", call, order, got)
				}
			}
			if got := w.find(durand, w.alice, "$XDSDocumentEntryStatus", string(xds.Approved)+"|"+string(xds.Deprecated)); strings.Contains(got, e.UniqueID) || strings.Contains(got, next.UniqueID) {
				t.Errorf("%s, %s: another doctor finds %s", call, order, got)
			}
		}
	}
	w.fsck()
}

// TestSameActByBothCalls: an act of the JSON calls and the update that amounts to it
// leave the same document, the same number of versions and the same line in the trail.
func TestSameActByBothCalls(t *testing.T) {
	w := newWorld(t)
	line := func(e xds.DocumentEntry) (text string) {
		err := w.pool.QueryRow(t.Context(), `select action || ' ' || permit || ' ' || attested || ' ' || code || ' ' || kind from trail
where $1::uuid = any(documents) and transaction <> 'ITI-41' order by seq desc limit 1`, strings.TrimPrefix(e.LogicalID, "urn:uuid:")).Scan(&text)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for _, c := range []struct {
		action authz.Value
		by     saml.Claims
		has    []string
		update func(e xds.DocumentEntry) func(*xds.Update)
	}{
		{authz.Mask, traitant, nil, func(e xds.DocumentEntry) func(*xds.Update) { return revised(e, with(xds.MarkMaskedPS)) }},
		{authz.Unmask, author, []string{xds.MarkMaskedPS}, func(e xds.DocumentEntry) func(*xds.Update) { return revised(e, unmarked(xds.MarkMaskedPS)) }},
		{authz.RevealPatient, traitant, []string{xds.MarkHiddenPatient}, func(e xds.DocumentEntry) func(*xds.Update) { return revised(e, unmarked(xds.MarkHiddenPatient)) }},
		{authz.Archive, person(w.alice.record), nil, func(e xds.DocumentEntry) func(*xds.Update) { return status(e.EntryUUID, xds.Approved, xds.Archived) }},
		{authz.Delete, author, nil, func(e xds.DocumentEntry) func(*xds.Update) { return status(e.EntryUUID, xds.Approved, xds.Deleted) }},
		{authz.Delete, server, nil, func(e xds.DocumentEntry) func(*xds.Update) { return status(e.EntryUUID, xds.Approved, xds.Deleted) }},
	} {
		one, two := w.stored(author, w.alice, marked(c.has...)), w.stored(author, w.alice, marked(c.has...))
		w.act(c.by, w.alice, c.action, one.LogicalID)
		if got := w.update(c.by, w.updating(c.by, w.alice, attested, c.update(two))); got != "Success" {
			t.Errorf("%s: %s", authz.Action.Name(c.action), got)
		}
		if a, b := w.docState(w.alice, one), w.docState(w.alice, two); a != b {
			t.Errorf("%s: %s and %s", authz.Action.Name(c.action), a, b)
		}
		if a, b := line(one), line(two); a != b {
			t.Errorf("%s: in the trail %s and %s", authz.Action.Name(c.action), a, b)
		}
	}
}

// TestRestrictedUpdate: ITI-92 changes the metadata of a document, not its patient, its
// place nor its status (ITI TF-2 3.92.4.1.3, NIST 40000…40007, 12319).
func TestRestrictedUpdate(t *testing.T) {
	w := newWorld(t)
	e := w.stored(author, w.alice)
	for _, c := range []struct {
		name   string
		by     saml.Claims
		change func(*xds.Update)
		want   string
	}{
		{"title", author, revised(e, titled("x")), "Success"},
		{"the version that was", author, revised(e, titled("y")), "Failure; UPD-002 XDSMetadataVersionError"},
		{"another doctor", durand, func(up *xds.Update) { revised(e, titled("y"))(up); up.Entries[0].Previous = 2 }, "Failure; ACC-31 XDSRegistryError"},
		{"source patient", author, revised(e, func(e *xds.DocumentEntry) { e.SourcePatientID = "IPP2^^^&1.2.3.4&ISO^PI" }), "UPD-004 UnmodifiableMetadataError"},
		{"availability", author, revised(e, func(e *xds.DocumentEntry) { e.Availability = "Offline" }), "UPD-004 UnmodifiableMetadataError"},
		{"repository", author, revised(e, func(e *xds.DocumentEntry) { e.RepositoryUniqueID = "1.2.9" }), "UPD-004 UnmodifiableMetadataError"},
		{"kind", author, revised(e, func(e *xds.DocumentEntry) { e.ObjectType = xds.OnDemandDocument; e.Hash, e.Size = "", 0 }), "UPD-004 UnmodifiableMetadataError"},
		{"uniqueId", author, revised(e, func(e *xds.DocumentEntry) { e.UniqueID = "1.2.3.997" }), "UPD-005 XDSMetadataIdentifierError"},
		{"patient", author, revised(e, func(e *xds.DocumentEntry) { e.PatientID = w.bruno.ins }), "UPD-009 XDSPatientIDReconciliationError"},
		{"status", author, status(e.EntryUUID, xds.Approved, xds.Archived), "UPD-004 UnmodifiableMetadataError"},
		{"association", author, joined(xds.Appends, e.EntryUUID, e.LogicalID), "UPD-007 XDSMetadataUpdateError"},
		{"no version", author, func(up *xds.Update) { revised(e, titled("y"))(up); up.Entries[0].Previous = 0 }, "UPD-008 XDSMetadataAnnotationError"},
		{"status of the entry", author, revised(e, func(e *xds.DocumentEntry) { e.AvailabilityStatus = xds.Deprecated }), "UPD-004 UnmodifiableMetadataError"},
	} {
		up := w.updating(c.by, w.alice, c.change)
		up.Restricted = true
		if got := w.update(c.by, up); got != c.want && !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if got := w.update(author, w.updating(author, w.alice, status(e.LogicalID, xds.Approved, xds.Deprecated))); got != "Success" {
		t.Fatal(got)
	}
	up := w.updating(author, w.alice, attested, revised(w.entry(w.alice, e.UniqueID), with(xds.MarkMaskedPS)))
	up.Restricted = true
	if got := w.update(author, up) + " / " + w.docState(w.alice, e); got != "Success / v4 Deprecated MASQUE_PS" {
		t.Errorf("the confidentiality of what is obsolete: %s", got)
	}
	w.fsck()
}

// TestFolderOfHiddenIsWithheld: what is done to a folder whose documents are hidden
// from the patient is no line of her history.
func TestFolderOfHiddenIsWithheld(t *testing.T) {
	w := newWorld(t)
	_, f := w.filed(author, w.alice, marked(xds.MarkHiddenPatient))
	lines := func() (n int) {
		w.do(func(s *registry.Session) error {
			a, err := w.gate.OpenProfile(t.Context(), s, subject(person(w.alice.record)), w.alice.ins, authz.Purpose{Action: authz.Journal})
			if err != nil {
				return err
			}
			events, _, err := s.History(t.Context(), a, registry.HistoryQuery{Actor: author.ID})
			n = len(slices.DeleteFunc(events, func(e registry.Event) bool { return e.Transaction != "ITI-57" }))
			return err
		})
		return n
	}
	if got := w.update(author, w.updating(author, w.alice, refiled(f, func(f *xds.Folder) { f.Title = "Suivi" }))); got != "Success" {
		t.Fatal(got)
	}
	if got := lines(); got != 0 {
		t.Errorf("%d lines about a folder of hidden documents", got)
	}
	_, open := w.filed(author, w.alice)
	if got := w.update(author, w.updating(author, w.alice, refiled(open, func(f *xds.Folder) { f.Title = "Suivi" }))); got != "Success" {
		t.Fatal(got)
	}
	if got := lines(); got != 1 {
		t.Errorf("%d lines about an open folder", got)
	}
}
