package iti_test

import (
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

// TestOwnFolder: who deposits an empty folder finds it again by every query of folders,
// and nobody else does. When what he put into it is hidden from him, it is to everybody
// as it was when it was empty, to be read and to be changed.
func TestOwnFolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lot := w.lot(on(durand, w.alice), w.alice, bare, foldered())
	if got := w.push(on(durand, w.alice), lot); got != "Success" {
		t.Fatal(got)
	}
	folder := w.folderNamed(lot.Folders[0].UniqueID)
	look := func(c saml.Claims) (raws []string) {
		for _, q := range [][]string{
			{"FindFolders", "$XDSFolderPatientId", string(w.alice.ins), "$XDSFolderStatus", string(xds.Approved)},
			{"GetFolders", "$XDSFolderEntryUUID", folder}, {"GetFolderAndContents", "$XDSFolderEntryUUID", folder},
			{"GetAssociations", "$uuid", folder}, {"GetSubmissionSets", "$uuid", folder},
		} {
			found, outcome, got := w.query(on(c, w.alice), q[0], ebrim.LeafClass, q[1:]...)
			if outcome != "Success" {
				t.Errorf("%s %s: %s", c.ID, q[0], outcome)
			}
			folders := q[0] == "FindFolders" || q[0] == "GetFolders" || q[0] == "GetFolderAndContents"
			if mine := c.ID == durand.ID && folders; mine != (len(found.Folders) == 1) {
				t.Errorf("%s %s: %d folders", c.ID, q[0], len(found.Folders))
			}
			raws = append(raws, normalised(got.raw, "no id"))
		}
		same := xds.Folder{LogicalID: folder, UniqueID: lot.Folders[0].UniqueID, PatientID: w.alice.ins, Title: lot.Folders[0].Title, Codes: lot.Folders[0].Codes, Version: 1}
		outcome := w.update(on(c, w.alice), w.updating(on(c, w.alice), w.alice, refiled(same, func(*xds.Folder) {})))
		if mine := c.ID == durand.ID; mine != (outcome == "Success") {
			t.Errorf("%s changes nothing: %s", c.ID, outcome)
		}
		raws = append(raws, outcome)
		return raws
	}
	readers := []saml.Claims{durand, hearing}
	before := [][]string{look(readers[0]), look(readers[1])}
	d := w.stored(on(server, w.alice), w.alice)
	if got := w.push(on(durand, w.alice), w.lot(on(durand, w.alice), w.alice, bare, into(folder, d.EntryUUID))); got != "Success" {
		t.Fatal(got)
	}
	if got := w.shelf(on(durand, w.alice), folder); documentsOf(got.Documents) != d.UniqueID {
		t.Fatalf("in the folder: %s", documentsOf(got.Documents))
	}
	w.act(person(w.alice.record), w.alice, authz.Mask, d.EntryUUID)
	for i, c := range readers {
		for j, raw := range look(c) {
			sameAnswer(t, raw, before[i][j])
		}
	}
	// A colleague of his structure who sees the document renames the folder: the words of
	// those who see what is in it are for those who do.
	renamed := xds.Folder{LogicalID: folder, UniqueID: lot.Folders[0].UniqueID, PatientID: w.alice.ins, Title: lot.Folders[0].Title, Codes: lot.Folders[0].Codes, Version: 1}
	if got := w.update(on(traitant, w.alice), w.updating(on(traitant, w.alice), w.alice, refiled(renamed, func(f *xds.Folder) { f.Title = "Suivi d'un secret" }))); got != "Success" {
		t.Fatal(got)
	}
	if got := w.shelf(on(traitant, w.alice), folder); len(got.Folders) != 1 || got.Folders[0].Title != "Suivi d'un secret" {
		t.Fatalf("as the colleague sees it: %+v", got.Folders)
	}
	for j, query := range [][]string{
		{"FindFolders", "$XDSFolderPatientId", string(w.alice.ins), "$XDSFolderStatus", string(xds.Approved)},
		{"GetFolders", "$XDSFolderEntryUUID", folder}, {"GetFolderAndContents", "$XDSFolderEntryUUID", folder},
	} {
		_, _, got := w.query(on(durand, w.alice), query[0], ebrim.LeafClass, query[1:]...)
		sameAnswer(t, normalised(got.raw, "no id"), before[0][j])
	}
	if newer := w.folderNamed(lot.Folders[0].UniqueID); newer == folder {
		t.Error("no new version")
	} else if q, _, _ := w.query(on(durand, w.alice), "GetFolders", ebrim.LeafClass, "$XDSFolderEntryUUID", newer); len(q.Folders) > 0 {
		t.Errorf("the colleague's version: %+v", q.Folders)
	}
}
