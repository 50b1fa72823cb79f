package iti_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// TestStatementsReadByIndex: no statement of a deposit, a query, an update, a removal or a
// retrieve needs a whole table. The planner is told to scan only where no index serves, and the
// counters of the server must show no scan.
func TestStatementsReadByIndex(t *testing.T) {
	t.Parallel()
	w := operated(t)
	var database string
	if err := w.pool.QueryRow(t.Context(), "select current_database()").Scan(&database); err != nil {
		t.Fatal(err)
	}
	if _, err := w.pool.Exec(t.Context(), fmt.Sprintf("alter database %q set enable_seqscan = off", database)); err != nil {
		t.Fatal(err)
	}
	before := w.scans(t)
	first := w.stored(server, w.alice)
	removed := w.stored(server, w.alice)
	w.stored(server, w.alice, relating("urn:ihe:iti:2007:AssociationType:RPLC", first.EntryUUID))
	w.push(on(server, w.alice), w.lot(server, w.alice)) // without its document: refused
	w.find(on(durand, w.alice), w.alice)
	w.query(on(durand, w.alice), "GetDocuments", ebrim.LeafClass, "$XDSDocumentEntryUniqueId", first.UniqueID)
	w.retrieve(on(durand, w.alice), first.UniqueID)
	filed, folder := w.filed(server, w.alice)
	w.update(server, w.updating(server, w.alice, revised(filed, titled("x")), refiled(folder, func(f *xds.Folder) { f.Title = "y" }), joined(xds.HasMember, folder.EntryUUID, removed.EntryUUID)))
	for _, name := range []string{"GetAssociations", "GetSubmissionSets"} {
		w.query(on(author, w.alice), name, ebrim.LeafClass, "$uuid", first.EntryUUID)
	}
	w.query(on(author, w.alice), "GetAll", ebrim.LeafClass, "$patientId", string(w.alice.ins), "$XDSDocumentEntryStatus", string(xds.Approved),
		"$XDSSubmissionSetStatus", string(xds.Approved), "$XDSFolderStatus", string(xds.Approved))
	if got := w.removeDocuments(operator, repositoryID, removed.UniqueID); got != "Success" {
		t.Fatal(got)
	}
	if after := w.scans(t); after != before {
		t.Errorf("scans of whole tables:\nbefore %s\nafter  %s", before, after)
	}
}

// scans are the sequential scans of each large table so far. A backend tells of what it
// did at the latest when it ends, so the connections of the pool are closed first.
func (w *world) scans(t *testing.T) string {
	t.Helper()
	w.pool.Reset()
	for range 10_000 { // each a round trip to the server
		var others int
		if err := w.pool.QueryRow(t.Context(), "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()").Scan(&others); err != nil {
			t.Fatal(err)
		}
		if others == 0 {
			break
		}
	}
	rows, err := w.pool.Query(t.Context(), `select relname, seq_scan from pg_stat_user_tables
		where relname in ('document_entry','submission_set','unique_id','object_id','association','lineage','trail','folder') order by relname`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var table string
		var n int
		if err := rows.Scan(&table, &n); err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %d", table, n))
	}
	return strings.Join(out, ", ")
}
