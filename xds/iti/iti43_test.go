package iti_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

const unknownDocument = "DOC-003 XDSDocumentUniqueIdError"

// TestRetrieve: each document that the reader may see comes byte for byte; each
// other one is an error of its own beside them.
func TestRetrieve(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	as := on(server, w.alice)
	deposit := func(content string, changes ...func(*xds.Submission)) xds.DocumentEntry {
		lot := w.lot(server, w.alice, changes...)
		if got := w.push(as, lot, attached("Document01", content)); got != "Success" {
			t.Fatal(got)
		}
		return w.entry(w.alice, lot.Documents[0].UniqueID)
	}
	plain := deposit(notUTF8, first(func(d *xds.DocumentEntry) { d.MimeType = "application/pdf" }))
	old := deposit("old")
	current := deposit("\r\n--edge--\r\n", relating(xds.Replaces, old.EntryUUID))
	masked := deposit("masked", marked(xds.MarkMaskedPS))
	deleted := deposit("deleted")
	w.act(server, w.alice, authz.Delete, deleted.EntryUUID)
	foreign := w.stored(on(server, w.bruno), w.bruno)
	archived := deposit("archived")
	w.act(person(w.alice.record), w.alice, authz.Archive, archived.EntryUUID)
	for _, c := range []struct {
		name string
		ids  []string
		want string
		got  map[string]string
	}{
		{"one", []string{plain.UniqueID}, "Success", map[string]string{plain.UniqueID: "application/pdf " + notUTF8}},
		{"many", []string{current.UniqueID, plain.UniqueID}, "Success",
			map[string]string{plain.UniqueID: "application/pdf " + notUTF8, current.UniqueID: "text/xml \r\n--edge--\r\n"}},
		{"superseded", []string{old.UniqueID}, "Success", map[string]string{old.UniqueID: "text/xml old"}},
		{"archived", []string{archived.UniqueID}, "Success", map[string]string{archived.UniqueID: "text/xml archived"}},
		{"some", []string{masked.UniqueID, old.UniqueID, "1.2.3.99"}, "PartialSuccess; " + unknownDocument + "; " + unknownDocument, map[string]string{old.UniqueID: "text/xml old"}},
		{"none", []string{masked.UniqueID, deleted.UniqueID, foreign.UniqueID, "1.2.3.99"}, "Failure" + strings.Repeat("; "+unknownDocument, 4), nil},
		{"by the technical id", []string{plain.EntryUUID}, "Failure; " + unknownDocument, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(w.trail(w.alice, "ITI-43"))
			outcome, got, _ := w.retrieve(on(durand, w.alice), c.ids...)
			if outcome != c.want {
				t.Errorf("got %s", outcome)
			}
			if len(got) != len(c.got) {
				t.Errorf("%d documents", len(got))
			}
			for id, content := range c.got {
				if got[id] != content {
					t.Errorf("%s: %q", id, got[id])
				}
			}
			if lines := w.trail(w.alice, "ITI-43")[before:]; len(lines) != 1 {
				t.Errorf("trail: %v", lines)
			}
		})
	}
	t.Run("hidden is unknown", func(t *testing.T) {
		_, _, unknown := w.retrieve(on(durand, w.alice), "1.2.3.99")
		_, _, beside := w.retrieve(on(durand, w.alice), old.UniqueID, "1.2.3.99")
		for _, d := range []xds.DocumentEntry{masked, deleted, foreign} {
			_, _, got := w.retrieve(on(durand, w.alice), d.UniqueID)
			sameAnswer(t, normalised(got.raw, d.UniqueID), normalised(unknown.raw, "1.2.3.99"))
			_, _, got = w.retrieve(on(durand, w.alice), old.UniqueID, d.UniqueID)
			sameAnswer(t, withoutBoundary(normalised(got.raw, d.UniqueID)), withoutBoundary(normalised(beside.raw, "1.2.3.99")))
		}
	})
	t.Run("elsewhere", func(t *testing.T) {
		outcome, got, _ := w.retrieveAll(on(durand, w.alice), []ebrim.RetrieveRequest{
			{RepositoryUniqueID: "1.2.3", DocumentUniqueID: plain.UniqueID},
			{RepositoryUniqueID: repositoryID, DocumentUniqueID: plain.UniqueID, HomeCommunityID: "urn:oid:1.2.3"},
			{RepositoryUniqueID: repositoryID, DocumentUniqueID: old.UniqueID},
		})
		if outcome != "PartialSuccess; DOC-004 XDSUnknownRepositoryId; DOC-005 XDSUnknownCommunity" || len(got) != 1 {
			t.Errorf("%s, %d documents", outcome, len(got))
		}
		outcome, _, _ = w.retrieveAll(on(durand, w.alice), []ebrim.RetrieveRequest{{RepositoryUniqueID: "1.2.3", DocumentUniqueID: plain.UniqueID}})
		if outcome != "Failure; DOC-004 XDSUnknownRepositoryId" {
			t.Error(outcome)
		}
	})
	t.Run("malformed", func(t *testing.T) {
		if outcome, _, _ := w.retrieveAll(on(durand, w.alice), nil); outcome != "Failure; META-001 XDSRepositoryError" {
			t.Errorf("no request: %s", outcome)
		}
		outcome, _, _ := w.retrieveAll(on(durand, w.alice), []ebrim.RetrieveRequest{{}})
		if outcome != "Failure; META-001 XDSRepositoryError; META-001 XDSRepositoryError" {
			t.Errorf("empty request: %s", outcome)
		}
		if outcome, _, _ := w.retrieveAll(on(durand, w.alice), make([]ebrim.RetrieveRequest, 1001)); outcome != "Failure; META-015 XDSRepositoryError" {
			t.Errorf("1001 requests: %.80s", outcome)
		}
	})
	t.Run("without patient in the token", func(t *testing.T) {
		if outcome, got, _ := w.retrieve(durand, plain.UniqueID, foreign.UniqueID); outcome != "PartialSuccess; "+unknownDocument || len(got) != 1 {
			t.Errorf("%s, %d documents", outcome, len(got))
		}
	})
}

// withoutBoundary names the random boundary of a multipart EDGE.
func withoutBoundary(raw string) string {
	boundary, _, _ := strings.Cut(strings.TrimPrefix(raw, "--"), "\r\n")
	return strings.ReplaceAll(raw, boundary, "EDGE")
}

// TestLostBlob: a blob that is gone is an incident with its number, beside the
// documents that are there.
func TestLostBlob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.expectIncidents()
	lost, kept := w.stored(on(server, w.alice), w.alice), w.stored(on(server, w.alice), w.alice)
	for _, d := range w.inspect(w.alice) {
		if d.Entry.UniqueID == lost.UniqueID {
			if err := w.blobs.Discard(t.Context(), d.Content.Blob); err != nil {
				t.Fatal(err)
			}
		}
	}
	outcome, got, raw := w.retrieve(on(durand, w.alice), lost.UniqueID, kept.UniqueID)
	if outcome != "PartialSuccess; INT-001 XDSRepositoryError" || len(got) != 1 || !strings.Contains(string(raw.raw), "donner ce numéro") {
		t.Errorf("%s, %d documents", outcome, len(got))
	}
}

// TestCorruptBlob: a document that does not read to its end as it was written is
// never taken for whole: the connection is cut.
func TestCorruptBlob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.stored(on(server, w.alice), w.alice)
	err := filepath.WalkDir(filepath.Join(w.folder, "blobs"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		content[len(content)-1] ^= 1
		return os.WriteFile(path, content, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	client := &soap.Client{HTTP: w.server.Client(), URL: w.server.URL + "/xds/repository", NewID: func() string { return "urn:uuid:" + newID() }}
	body := ebrim.AppendRetrieveRequest(nil, []ebrim.RetrieveRequest{{RepositoryUniqueID: repositoryID, DocumentUniqueID: d.UniqueID}})
	w.expectIncidents()
	got, err := client.Post(t.Context(), actionRetrieve, w.security(on(durand, w.alice)), func(out *soap.Writer) { out.Raw(body) }, nil)
	if err == nil { // not cut before the envelope went out
		defer got.Close()
		if err := got.Drain(); err == nil {
			t.Error("a corrupt document was taken for whole")
		}
	}
	w.server.Close() // waits for the handler
	lines := w.incidents.all()
	if len(lines) != 1 || !strings.Contains(lines[0], "transaction=ITI-43") || !strings.Contains(lines[0], "seal broken") || strings.Contains(lines[0], w.alice.ins.ID()) {
		t.Errorf("log: %q", lines)
	}
	if heard := w.observed.Load(); heard != "ITI-43 INT-001" {
		t.Errorf("observed %q", heard)
	}
}
