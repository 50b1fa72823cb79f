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
}
