package iti_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

// link adds an association between any two objects of a lot.
func link(id string, t xds.AssociationType, source, target string, status ...string) func(*xds.Submission) {
	return func(lot *xds.Submission) {
		lot.Associations = append(lot.Associations, xds.Association{EntryUUID: id, Type: t, Source: source, Target: target, SetStatus: strings.Join(status, "")})
	}
}

// foldered adds a folder, Folder01, with members.
func foldered(members ...string) func(*xds.Submission) {
	return func(lot *xds.Submission) {
		lot.Folders = append(lot.Folders, xds.Folder{EntryUUID: "Folder01", UniqueID: lot.Set.UniqueID + ".6", PatientID: lot.Set.PatientID, Title: "Grossesse",
			Codes: []xds.Code{{Value: "x", Scheme: "1.2.3"}}})
		link("SetFolder", xds.HasMember, "Set01", "Folder01")(lot)
		for _, m := range members {
			link("FolderMember"+m, xds.HasMember, "Folder01", m)(lot)
			link("SetMember"+m, xds.HasMember, "Set01", "FolderMember"+m)(lot)
		}
	}
}

// into puts a document into a registered folder.
func into(folder, document string) func(*xds.Submission) {
	return func(lot *xds.Submission) {
		link("Into", xds.HasMember, folder, document)(lot)
		link("SetInto", xds.HasMember, "Set01", "Into")(lot)
	}
}

// bare is a lot without documents.
func bare(lot *xds.Submission) { lot.Documents, lot.Associations = nil, nil }

// folderNamed is the entryUUID of a folder by its uniqueId.
func (w *world) folderNamed(uniqueID string) (id string) {
	w.t.Helper()
	if err := w.pool.QueryRow(w.t.Context(), `select 'urn:uuid:' || entry_uuid from folder where unique_id = $1 and latest`, uniqueID).Scan(&id); err != nil {
		w.t.Fatal(err)
	}
	return id
}

// shelf is what a reader sees of a folder.
func (w *world) shelf(c saml.Claims, folder string) ebrim.QueryResponse {
	w.t.Helper()
	q, outcome, _ := w.query(c, "GetFolderAndContents", ebrim.LeafClass, "$XDSFolderEntryUUID", folder)
	if outcome != "Success" {
		w.t.Fatalf("GetFolderAndContents: %s", outcome)
	}
	return q
}

// documentsOf are the uniqueIds of documents, sorted.
func documentsOf(documents []xds.DocumentEntry) string {
	ids := strings.Fields(uniqueIDs(documents))
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// relations are the associations of a type that start or end at a document.
func (w *world) relations(c saml.Claims, id string, kind xds.AssociationType) (all []xds.Association) {
	w.t.Helper()
	q, outcome, _ := w.query(c, "GetAssociations", ebrim.LeafClass, "$uuid", id)
	if outcome != "Success" {
		w.t.Fatalf("GetAssociations: %s", outcome)
	}
	for _, a := range q.Associations {
		if a.Type == kind {
			all = append(all, a)
		}
	}
	return all
}

// age makes all that was registered in a folder so far an hour older.
func (w *world) age(t *testing.T, folder string) {
	t.Helper()
	_, err := w.pool.Exec(t.Context(), `update association set registered_at = registered_at - interval '1 hour' where source = $1`, strings.TrimPrefix(folder, "urn:uuid:"))
	if err == nil {
		_, err = w.pool.Exec(t.Context(), `update folder set updated_at = updated_at - interval '1 hour' where id = $1`, strings.TrimPrefix(folder, "urn:uuid:"))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestNISTProvide are those on Provide and Register Document Set-b.
func TestNISTProvide(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	as := on(server, w.alice)
	for name, n := range map[string]int{"11966": 1, "11979": 2} {
		t.Run(name, func(t *testing.T) {
			lot := w.lot(server, w.alice, documents(n))
			parts := []part{attached("Document01", "one"), attached("Document02", "two")}[:n]
			if got := w.push(as, lot, parts...); got != "Success" {
				t.Fatal(got)
			}
			for i, d := range lot.Documents {
				e := w.entry(w.alice, d.UniqueID)
				if e.Hash != sha(parts[i].content) || e.Size != 3 || e.RepositoryUniqueID != repositoryID {
					t.Errorf("forwarded as %s %d %s", e.Hash, e.Size, e.RepositoryUniqueID)
				}
			}
		})
	}
	t.Run("11981", func(t *testing.T) {
		lot := w.lot(server, w.alice, foldered("Document01"))
		if got := w.push(as, lot, attached("Document01", "x")); got != "Success" {
			t.Fatal(got)
		}
		if got := documentsOf(w.shelf(on(durand, w.alice), w.folderNamed(lot.Folders[0].UniqueID)).Documents); got != lot.Documents[0].UniqueID {
			t.Errorf("in the folder: %s", got)
		}
	})
	refused := func(t *testing.T, want string, lot xds.Submission, parts ...part) {
		t.Helper()
		before := w.left()
		if got := w.push(as, lot, parts...); got != "Failure; "+want {
			t.Errorf("got %s, want %s", got, want)
		}
		if after := w.left(); after != before {
			t.Errorf("%s, was %s", after, before)
		}
	}
	t.Run("11983", func(t *testing.T) {
		refused(t, "DOC-002 XDSMissingDocumentMetadata", w.lot(server, w.alice), attached("Document01", "x"), attached("Document02", "y"))
		refused(t, "DOC-001 XDSMissingDocument", w.lot(server, w.alice, documents(2)), attached("Document01", "x"))
	})
	t.Run("11986", func(t *testing.T) {
		refused(t, "META-016 XDSPatientIdDoesNotMatch", w.lot(server, w.alice, first(func(d *xds.DocumentEntry) { d.PatientID = w.bruno.ins })), attached("Document01", "x"))
	})
	t.Run("12369", func(t *testing.T) {
		refused(t, "META-007 XDSRepositoryMetadataError", w.lot(server, w.alice, first(func(d *xds.DocumentEntry) { d.Size = 36 })), attached("Document01", "x"))
		refused(t, "META-006 XDSRepositoryMetadataError", w.lot(server, w.alice, first(func(d *xds.DocumentEntry) { d.Hash = sha([]byte("y")) })), attached("Document01", "x"))
	})
}
