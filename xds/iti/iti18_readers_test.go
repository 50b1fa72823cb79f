package iti_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

// byIDQueries ask about the objects of a shelf by their ids; {x} stands for one.
var byIDQueries = map[string][]string{
	"GetFolders":                  {"$XDSFolderEntryUUID", "{x}"},
	"GetAssociations":             {"$uuid", "{x}"},
	"GetDocumentsAndAssociations": {"$XDSDocumentEntryEntryUUID", "{x}"},
	"GetSubmissionSets":           {"$uuid", "{x}"},
	"GetSubmissionSetAndContents": {"$XDSSubmissionSetEntryUUID", "{x}"},
	"GetFolderAndContents":        {"$XDSFolderEntryUUID", "{x}"},
	"GetFoldersForDocument":       {"$XDSDocumentEntryEntryUUID", "{x}"},
	"GetRelatedDocuments":         {"$AssociationTypes", string(xds.Replaces), "$XDSDocumentEntryEntryUUID", "{x}"},
}

// TestHiddenIsUnknown: of whatever kind a hidden object is, every query by id answers
// as for an id that never was, byte for byte; so it does to those whose door is closed.
func TestHiddenIsUnknown(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	hidden := []string{"hidden", "hiddenOnly", "dark", "cellar", "empty", "cellar/hiddenOnly", "has hiddenOnly", "signature", "signs"}
	every := slices.Concat(hidden, []string{"plain", "next", "first", "later", "mixed", "mixed/plain", "has plain", "replacement"})
	for _, c := range []struct {
		as    saml.Claims
		names []string
	}{{on(durand, s.alice), hidden}, {durand, hidden}, {stranger, every}, {banned, every}, {insurer, every}, {server, every}} {
		for query, params := range byIDQueries {
			ask := func(id string) string {
				filled := slices.Clone(params)
				filled[len(filled)-1] = id
				_, outcome, got := s.query(c.as, query, ebrim.LeafClass, filled...)
				if outcome != "Success" {
					t.Errorf("%s by %s: %s", query, c.as.ID, outcome)
				}
				return normalised(got.raw, id)
			}
			unknown := ask("urn:uuid:" + newID())
			for _, name := range c.names {
				sameAnswer(t, ask(s.ids[name]), unknown)
			}
		}
	}
}

// TestStructuresFindNoStructure: the server of a structure asks none of the queries
// but the one for the technical ids of its documents (policy ).
func TestStructuresFindNoStructure(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	for query, params := range map[string][]string{
		"FindSubmissionSets": {"$XDSSubmissionSetPatientId", string(s.alice.ins), "$XDSSubmissionSetStatus", approved},
		"FindFolders":        {"$XDSFolderPatientId", string(s.alice.ins), "$XDSFolderStatus", approved},
		"GetAll":             everything(s),
	} {
		if _, outcome, _ := s.query(on(server, s.alice), query, ebrim.ObjectRef, params...); outcome != "Failure; ACC-03 XDSRegistryError" {
			t.Errorf("%s: %s", query, outcome)
		}
	}
	for query, params := range byIDQueries {
		filled := slices.Clone(params)
		filled[len(filled)-1] = s.ids["plain"]
		if _, outcome, _ := s.query(on(server, s.alice), query, ebrim.ObjectRef, filled...); outcome != "Failure; ACC-03 XDSRegistryError" {
			t.Errorf("%s: %s", query, outcome)
		}
	}
}

// TestFolderTimeIsTheReaders: what is put into a folder moves its lastUpdateTime for
// those alone who see it (safety SC-11).
func TestFolderTimeIsTheReaders(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	times := func(as saml.Claims, params ...string) string {
		q, outcome, _ := s.query(on(as, s.alice), "FindFolders", ebrim.LeafClass, append([]string{"$XDSFolderPatientId", string(s.alice.ins), "$XDSFolderStatus", approved}, params...)...)
		if outcome != "Success" {
			t.Fatal(outcome)
		}
		for _, f := range q.Folders {
			if f.LogicalID == s.ids["mixed"] {
				return string(f.LastUpdateTime)
			}
		}
		return "none"
	}
	holder := person(s.alice.record)
	before := times(durand)
	if len(before) != 14 || times(holder) != before {
		t.Errorf("durand %s, the holder %s", before, times(holder))
	}
	if _, err := s.pool.Exec(t.Context(), `update association set registered_at = '2099-05-06 07:08:09+00' where 'urn:uuid:' || id = $1`, s.ids["mixed/hidden"]); err != nil {
		t.Fatal(err)
	}
	if got := times(durand); got != before {
		t.Errorf("durand reads %s, before %s", got, before)
	}
	if got := times(holder); got != "20990506070809" {
		t.Errorf("the holder reads %s", got)
	}
	for from, want := range map[string]string{"2099": "none", "20260101": before} {
		if got := times(durand, "$XDSFolderLastUpdateTimeFrom", from); got != want {
			t.Errorf("durand from %s: %s", from, got)
		}
	}
	for params, want := range map[string]string{"From 20990506070809": "20990506070809", "From 20990506070810": "none", "To 20990506070809": "none", "To 20990506070810": "20990506070809"} {
		bound, at, _ := strings.Cut(params, " ")
		if got := times(holder, "$XDSFolderLastUpdateTime"+bound, at); got != want {
			t.Errorf("the holder, %s: %s", params, got)
		}
	}
}

// TestShelfTrail: a request by id is traced with the documents that it is about, and as
// a refusal when it showed nothing (policy J-5).
func TestShelfTrail(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	for name, want := range map[string]bool{"mixed": true, "cellar": false} {
		for _, query := range []string{"GetFolders", "GetFolderAndContents"} {
			s.query(on(durand, s.alice), query, ebrim.LeafClass, "$XDSFolderEntryUUID", s.ids[name])
			var permit bool
			var documents []string
			if err := s.pool.QueryRow(t.Context(), `select permit, documents::text[] from trail where record = $1 and actor = $2 and transaction = 'ITI-18' order by seq desc limit 1`,
				s.alice.record, durand.ID).Scan(&permit, &documents); err != nil {
				t.Fatal(err)
			}
			about := map[string]string{"mixed": "plain", "cellar": "hiddenOnly"}[name]
			if permit != want || !slices.Contains(documents, strings.TrimPrefix(s.ids[about], "urn:uuid:")) {
				t.Errorf("%s of %s: permitted %v, documents %v", query, name, permit, documents)
			}
		}
	}
}

// TestTooManyObjects: the bound is of whole objects that the reader sees.
func TestTooManyObjects(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	const copies = `
with copied as (insert into submission_set select (jsonb_populate_record(p, jsonb_build_object('id', md5(p.id::text || n)))).* from submission_set p, generate_series(1, 1998) n
  where 'urn:uuid:' || p.id in ($1, $2) returning record, id)
insert into association select (jsonb_populate_record(a, jsonb_build_object('id', md5(a.id::text || n), 'source', md5(a.source::text || n)))).*
from association a, generate_series(1, 1998) n where 'urn:uuid:' || a.source in ($1, $2)`
	if _, err := s.pool.Exec(t.Context(), copies, s.ids["first"], s.ids["dark"]); err != nil {
		t.Fatal(err)
	}
	params := []string{"$XDSSubmissionSetPatientId", string(s.alice.ins), "$XDSSubmissionSetStatus", approved}
	if q, outcome, _ := s.query(on(durand, s.alice), "FindSubmissionSets", ebrim.LeafClass, params...); outcome != "Success" || len(q.Sets) != 2000 {
		t.Errorf("durand: %s, %d sets", outcome, len(q.Sets))
	}
	holder := on(person(s.alice.record), s.alice)
	if _, outcome, _ := s.query(holder, "FindSubmissionSets", ebrim.LeafClass, params...); outcome != "Failure; QRY-006 XDSTooManyResults" {
		t.Errorf("the holder: %s", outcome)
	}
	if q, outcome, _ := s.query(holder, "FindSubmissionSets", ebrim.ObjectRef, params...); outcome != "Success" || len(q.Refs) != 3999 {
		t.Errorf("the holder: %s, %d references", outcome, len(q.Refs))
	}
	if _, outcome, _ := s.query(holder, "GetAll", ebrim.LeafClass, everything(s)...); outcome != "Failure; QRY-006 XDSTooManyResults" {
		t.Errorf("GetAll: %s", outcome)
	}
}

// TestStatusNotUnderstood: beside one that is understood it is left aside with a
// warning; alone it is an error (ITI TF-2 3.18.4.1.2.3.6).
func TestStatusNotUnderstood(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stored(on(server, w.alice), w.alice)
	q, outcome, _ := w.query(on(durand, w.alice), "FindDocuments", ebrim.ObjectRef, "$XDSDocumentEntryPatientId", string(w.alice.ins), "$XDSDocumentEntryStatus", approved+"|urn:x:Pending")
	if outcome != "Success; (QRY-004 XDSRegistryError)" || len(q.Refs) != 1 {
		t.Errorf("%s, %d found", outcome, len(q.Refs))
	}
}

// TestDeprecatedMembership: a document that was taken out of a folder shows it no
// longer, and the membership is told at $MetadataLevel 2 to those who see both ends.
func TestDeprecatedMembership(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	holder := person(s.alice.record)
	if _, err := s.pool.Exec(t.Context(), `update association set status = 1 where 'urn:uuid:' || id in ($1, $2)`, s.ids["mixed/plain"], s.ids["mixed/next"]); err != nil {
		t.Fatal(err)
	}
	folder := []string{"$XDSFolderEntryUUID", "{mixed}"}
	both := []string{"$XDSAssociationStatus", deprecated + "|" + approved}
	for _, c := range []struct {
		as     saml.Claims
		query  string
		params []string
		want   string
	}{
		{durand, "GetFolders", folder, ""},
		{durand, "GetFolderAndContents", slices.Concat(folder, both, []string{"$MetadataLevel", "2"}), ""},
		{durand, "GetAssociations", slices.Concat([]string{"$uuid", "{plain}"}, both, []string{"$MetadataLevel", "2"}), "has plain, replacement"},
		{holder, "GetFolderAndContents", folder, "hidden, mixed, mixed/hidden"},
		{holder, "GetFolderAndContents", slices.Concat(folder, both), "hidden, mixed, mixed/hidden"},
		{holder, "GetFolderAndContents", slices.Concat(folder, both, []string{"$MetadataLevel", "2"}), "hidden, next, plain, mixed, mixed/hidden, mixed/next, mixed/plain"},
		{holder, "GetFoldersForDocument", []string{"$XDSDocumentEntryEntryUUID", "{plain}"}, ""},
		{holder, "GetFoldersForDocument", slices.Concat([]string{"$XDSDocumentEntryEntryUUID", "{plain}"}, both, []string{"$MetadataLevel", "2"}), "mixed"},
		{holder, "GetAssociations", slices.Concat([]string{"$uuid", "{plain}"}, both, []string{"$MetadataLevel", "2"}), "has plain, mixed/plain, replacement"},
	} {
		if got, _ := s.ask(c.as, c.query, ebrim.LeafClass, slices.Clone(c.params)...); sorted(got) != sorted(c.want) {
			t.Errorf("%s %v by %s:\n got %s\nwant %s", c.query, c.params, c.as.ID, got, c.want)
		}
	}
}

// TestFolderVersions: an entryUUID names its own metadata version, a logicalID and a
// uniqueId the current one; associations are told with the current entryUUID.
func TestFolderVersions(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	current := "urn:uuid:" + newID()
	for _, sql := range []string{
		`insert into folder select (jsonb_populate_record(f, jsonb_build_object('version', 2, 'latest', false, 'entry_uuid', $2::text))).* from folder f where 'urn:uuid:' || id = $1`,
		`insert into object_id select $2::uuid, record, kind, object from object_id where 'urn:uuid:' || id = $1`,
	} {
		if _, err := s.pool.Exec(t.Context(), sql, s.ids["mixed"], strings.TrimPrefix(current, "urn:uuid:")); err != nil {
			t.Fatal(err)
		}
	}
	for _, sql := range []string{`update folder set latest = false, status = 1 where version = 1 and 'urn:uuid:' || id = $1`, `update folder set latest = true where version = 2 and 'urn:uuid:' || id = $1`} {
		if _, err := s.pool.Exec(t.Context(), sql, s.ids["mixed"]); err != nil {
			t.Fatal(err)
		}
	}
	get := func(params ...string) string {
		q, _, _ := s.query(on(durand, s.alice), "GetFolders", ebrim.LeafClass, params...)
		var all []string
		for _, f := range q.Folders {
			all = append(all, strings.NewReplacer(current, "current", s.ids["mixed"], "first").Replace(f.EntryUUID+" "+f.LogicalID), strings.Repeat("v", f.Version))
		}
		return strings.Join(all, " ")
	}
	for want, params := range map[string][]string{
		"current first vv": {"$XDSFolderEntryUUID", current},
		"first first v":    {"$XDSFolderEntryUUID", s.ids["mixed"], "$MetadataLevel", "2"},
		"":                 {"$XDSFolderEntryUUID", s.ids["mixed"]}, // superseded: not at level 1
	} {
		if got := get(params...); got != want {
			t.Errorf("%v: %s, want %s", params, got, want)
		}
	}
	for _, params := range [][]string{{"$XDSFolderLogicalID", s.ids["mixed"]}, {"$XDSFolderUniqueId", s.uid["mixed"]}} {
		if got := get(params...); got != "current first vv" {
			t.Errorf("%v: %s", params, got)
		}
	}
	q, _, _ := s.query(on(durand, s.alice), "GetFolderAndContents", ebrim.LeafClass, "$XDSFolderUniqueId", s.uid["mixed"])
	if len(q.Associations) != 2 || q.Associations[0].Source != current {
		t.Errorf("memberships of the current version: %v", q.Associations)
	}
}

// TestSetOfSeenFolder: a folder that is seen by a document of another set does not show
// the set that brought it, all documents of which are hidden; to its depositor's reader
// it shows only what is not.
func TestSetOfSeenFolder(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.shelve("visit", func(b *lotBuilder) {
		b.document("guest", nil)
		b.member("cellar", "guest")
	})
	sets := []string{"$XDSSubmissionSetPatientId", "{ins}", "$XDSSubmissionSetStatus", approved}
	for query, c := range map[string]struct {
		params []string
		want   string
	}{
		"FindSubmissionSets":          {sets, "first, later, visit"},
		"GetSubmissionSets":           {[]string{"$uuid", "{cellar}"}, ""},
		"GetSubmissionSetAndContents": {[]string{"$XDSSubmissionSetEntryUUID", "{dark}"}, ""},
		"GetFolderAndContents":        {[]string{"$XDSFolderEntryUUID", "{cellar}"}, "guest, cellar, cellar/guest"},
		"GetAssociations":             {[]string{"$uuid", "{cellar}"}, "cellar/guest"},
		"GetFolders":                  {[]string{"$XDSFolderEntryUUID", "{cellar}|{empty}"}, "cellar"},
	} {
		if got, _ := s.ask(durand, query, ebrim.LeafClass, slices.Clone(c.params)...); sorted(got) != sorted(c.want) {
			t.Errorf("%s: %s, want %s", query, got, c.want)
		}
	}
}
