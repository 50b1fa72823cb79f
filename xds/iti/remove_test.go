package iti_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

const (
	actionRemove          = "urn:ihe:iti:2010:DeleteDocumentSet"
	actionRemoveDocuments = "urn:ihe:iti:2017:RemoveDocuments"
)

// operator is who the installation lets remove; he is nobody on any record.
var operator = saml.Claims{Nature: authz.NatureOther, ID: "899900000111", Profession: "EXPLOITANT"}

// operated is a world with an operator.
func operated(t *testing.T) *world {
	w := newWorld(t)
	w.gate.Operator = func(sub authz.Subject) bool { return sub.ID == operator.ID }
	return w
}

func (w *world) remove(c saml.Claims, ids ...string) string {
	w.t.Helper()
	return w.outcome(w.post(actionRemove, w.security(c), ebrim.AppendRemoval(nil, ids), nil))
}

func (w *world) removeDocuments(c saml.Claims, repository string, uids ...string) string {
	w.t.Helper()
	var requests []ebrim.RetrieveRequest
	for _, uid := range uids {
		requests = append(requests, ebrim.RetrieveRequest{RepositoryUniqueID: repository, DocumentUniqueID: uid})
	}
	return w.outcome(w.post(actionRemoveDocuments, w.security(c), ebrim.AppendRemoveDocuments(nil, requests), nil))
}

// objects are the ids of everything of a kind that is registered for a record.
func (w *world) objects(h holder, kind int) (ids []string) {
	w.t.Helper()
	rows, err := w.pool.Query(w.t.Context(), `select 'urn:uuid:' || id from object_id where record = $1 and kind = $2 order by 1`, h.record, kind)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			w.t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// TestRemoveMetadata: what goes and what may not be left (ITI TF-2 3.62.4.1.3, NIST
// 30000…30003): the set, its document with all its versions, and what joins them.
func TestRemoveMetadata(t *testing.T) {
	w := operated(t)
	kept := w.stored(author, w.bruno)
	before := w.left()
	e, f := w.filed(author, w.alice)
	if got := w.update(author, w.updating(author, w.alice, revised(e, titled("deux")))); got != "Success" {
		t.Fatal(got)
	}
	sets, associations := w.objects(w.alice, 2), w.objects(w.alice, 4)
	for _, c := range []struct {
		name string
		ids  []string
		want string
	}{
		{"the document alone", []string{e.LogicalID}, "REG-008 ReferencesExistException"},
		{"a set alone", sets[:1], "REG-008 ReferencesExistException"},
		{"the folder alone", []string{f.EntryUUID}, "REG-008 ReferencesExistException"},
		{"the associations alone", associations, "REG-009 XDSUnreferencedObjectException"},
		{"all but a set", slices.Concat([]string{e.EntryUUID, f.EntryUUID}, sets[:1], associations), "REG-009 XDSUnreferencedObjectException"},
		{"an unknown id", []string{"urn:uuid:" + newID()}, "UnresolvedReferenceException"},
		{"an unknown id among others", []string{e.LogicalID, "urn:uuid:" + newID()}, "UnresolvedReferenceException"},
		{"no id", nil, "XDSRegistryMetadataError"},
		{"an id that is none", []string{"Document01"}, "XDSRegistryMetadataError"},
	} {
		if got := w.remove(operator, c.ids...); !strings.HasPrefix(got, "Failure; ") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if got := w.docState(w.alice, e); got != "v2 Approved" {
		t.Fatalf("after refusals alone: %s", got)
	}
	all := slices.Concat([]string{e.EntryUUID, f.EntryUUID}, sets, associations)
	if got := w.remove(operator, all...); got != "Success" {
		t.Fatal(got)
	}
	if got := w.left(); got != before {
		t.Errorf("left %s, want %s", got, before)
	}
	if got, _, _ := w.retrieve(author, e.UniqueID); !strings.HasPrefix(got, "Failure; DOC-003") {
		t.Errorf("retrieve: %s", got)
	}
	if got := w.remove(operator, all...); !strings.Contains(got, "UnresolvedReferenceException") {
		t.Errorf("twice: %s", got)
	}
	if got := w.removeDocuments(operator, repositoryID, e.UniqueID); got != "Success" {
		t.Errorf("and ITI-86 of the same: %s", got)
	}
	if got := w.removeDocuments(operator, repositoryID, e.UniqueID); got != "Failure; DOC-003 XDSDocumentUniqueIdError" {
		t.Errorf("and again: %s", got)
	}
	again := w.lot(author, w.alice, first(func(d *xds.DocumentEntry) { d.UniqueID = e.UniqueID }))
	if got := w.push(author, again, attached("Document01", "another content")); !strings.HasPrefix(got, "Success") {
		t.Errorf("its uniqueId comes again: %s", got)
	}
	if got := w.docState(w.bruno, kept); got != "v1 Approved" {
		t.Errorf("another record: %s", got)
	}
	w.fsck()
}

// TestRemoveChain: an addendum and a replacement go with what joins them (NIST 30004,
// 30008), and what they followed stays.
func TestRemoveChain(t *testing.T) {
	w := operated(t)
	root := w.stored(author, w.alice)
	addendum := w.stored(author, w.alice, relating(xds.Appends, root.EntryUUID))
	next := w.stored(author, w.alice, relating(xds.TransReplace, root.EntryUUID))
	related := func(e xds.DocumentEntry) (ids []string) {
		q, _, _ := w.query(author, "GetAssociations", ebrim.LeafClass, "$uuid", e.EntryUUID)
		for _, a := range q.Associations {
			ids = append(ids, a.EntryUUID)
			if a.Type == xds.HasMember {
				ids = append(ids, a.Source)
			}
		}
		return ids
	}
	if got := w.remove(operator, append(related(addendum), addendum.EntryUUID)...); got != "Success" {
		t.Errorf("the addendum: %s", got)
	}
	if got := w.remove(operator, append(related(next), next.EntryUUID)...); got != "Success" {
		t.Errorf("the replacement: %s", got)
	}
	if got := w.docState(w.alice, root); got != "v1 Deprecated" {
		t.Errorf("the first: %s", got)
	}
	w.fsck()
	if got := w.remove(operator, append(related(root), root.EntryUUID)...); got != "Success" {
		t.Errorf("the first: %s", got)
	}
	if got := w.left(); got != "" {
		t.Errorf("left %s", got)
	}
	w.fsck()
}

// TestRemoveDocuments: ITI-86 takes the documents and all that would be about nothing
// without them (ITI TF-2 3.86, NIST 50000…50003).
func TestRemoveDocuments(t *testing.T) {
	w := operated(t)
	lot := w.lot(author, w.alice, documents(3))
	if got := w.push(author, lot, attached("Document01", "one"), attached("Document02", "two"), attached("Document03", "three")); got != "Success" {
		t.Fatal(got)
	}
	uid := func(i int) string { return lot.Documents[i].UniqueID }
	first := w.entry(w.alice, uid(0))
	for _, c := range []struct {
		name, repository string
		uids             []string
		want             string
	}{
		{"another repository", "1.2.9", []string{uid(0)}, "Failure; DOC-004 XDSUnknownRepositoryId"},
		{"an unknown document", repositoryID, []string{"1.2.3.999999"}, "Failure; DOC-003 XDSDocumentUniqueIdError"},
		{"one of two is unknown", repositoryID, []string{uid(0), "1.2.3.999999"}, "Failure; DOC-003 XDSDocumentUniqueIdError"},
		{"one", repositoryID, []string{uid(0)}, "Success"},
		{"twice", repositoryID, []string{uid(0)}, "Failure; DOC-003 XDSDocumentUniqueIdError"},
	} {
		if got := w.removeDocuments(operator, c.repository, c.uids...); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if c.want != "Success" && c.name != "twice" {
			if got, _, _ := w.retrieve(author, uid(0)); got != "Success" {
				t.Errorf("%s: the document is %s", c.name, got)
			}
		}
	}
	if got := w.left(); got != "document_entry 2, submission_set 1, unique_id 3, object_id 5, association 2, lineage 2, blobs 2" {
		t.Errorf("left %s", got)
	}
	if got := w.remove(operator, first.EntryUUID); got != "Success" {
		t.Errorf("and ITI-62 of the same: %s", got)
	}
	if got, docs, _ := w.retrieve(author, uid(1), uid(2)); got != "Success" || len(docs) != 2 {
		t.Errorf("the others of the lot: %s", got)
	}
	w.fsck()
	if got := w.removeDocuments(operator, repositoryID, uid(1), uid(2)); got != "Success" {
		t.Errorf("the rest: %s", got)
	}
	if got := w.left(); got != "" {
		t.Errorf("left %s", got)
	}
	if got := w.trail(w.alice, "ITI-86"); len(got) != 3 || got[1] != operator.ID+" true" || got[2] != operator.ID+" true" {
		t.Errorf("trail: %q", got)
	}
	w.fsck()
}

// TestRemovalIsTheOperators: nobody else removes, and nobody learns from the refusal
// what is there; the operator does nothing else.
func TestRemovalIsTheOperators(t *testing.T) {
	w := operated(t)
	e := w.stored(author, w.alice)
	for _, c := range []saml.Claims{author, traitant, server, insurer, banned, person(w.alice.record)} {
		if got := w.remove(c, e.EntryUUID); got != "Failure; OPS-001 XDSRegistryError" {
			t.Errorf("%s removes metadata: %s", c.ID, got)
		}
		if got := w.removeDocuments(c, repositoryID, e.UniqueID); got != "Failure; OPS-001 XDSRepositoryError" {
			t.Errorf("%s removes documents: %s", c.ID, got)
		}
	}
	ask := func(id, uid string) (answers []string) {
		for _, body := range []struct {
			action string
			body   []byte
		}{
			{actionRemove, ebrim.AppendRemoval(nil, []string{id})},
			{actionRemoveDocuments, ebrim.AppendRemoveDocuments(nil, []ebrim.RetrieveRequest{{RepositoryUniqueID: repositoryID, DocumentUniqueID: uid}})},
		} {
			answers = append(answers, normalised(w.post(body.action, w.security(author), body.body, nil).raw, id))
		}
		return answers
	}
	if known, unknown := ask(e.EntryUUID, e.UniqueID), ask("urn:uuid:"+newID(), "1.2.3.99999"); !slices.Equal(known, unknown) {
		t.Errorf("known %s, unknown %s", known, unknown)
	}
	w.gate.Operator = nil
	if got := w.remove(operator, e.EntryUUID); got != "Failure; OPS-001 XDSRegistryError" {
		t.Errorf("without operators: %s", got)
	}
	w.gate.Operator = func(sub authz.Subject) bool { return sub.ID == operator.ID }
	if got := w.find(operator, w.alice); got != "Failure; ACC-02 XDSRegistryError" {
		t.Errorf("the operator searches: %s", got)
	}
	if got := w.update(operator, w.updating(operator, w.alice, status(e.EntryUUID, xds.Approved, xds.Deleted))); got != "Failure; ACC-02 XDSRegistryError" {
		t.Errorf("the operator updates: %s", got)
	}
	if got := w.docState(w.alice, e); got != "v1 Approved" {
		t.Errorf("the document is %s", got)
	}
	if got := w.trail(w.alice, "ITI-62"); len(got) != 0 {
		t.Errorf("refused before any record is concerned: %q", got)
	}
}

// TestMoreAssociationsThanAreRead: where the registry does not look at all associations
// it says so, and neither answers nor removes in part.
func TestMoreAssociationsThanAreRead(t *testing.T) {
	w := operated(t)
	e := w.stored(author, w.alice)
	if _, err := w.pool.Exec(t.Context(), `
insert into association (record, id, type, source, target, status, registered_at, entry)
select record, gen_random_uuid(), $2, target, target, 0, registered_at, entry from association, generate_series(1, 20000)
where target = substr($1, 10)::uuid`, e.EntryUUID, string(xds.Signs)); err != nil {
		t.Fatal(err)
	}
	id := []string{"$XDSDocumentEntryEntryUUID", e.EntryUUID}
	for name, parameters := range map[string][]string{
		"GetAssociations":             {"$uuid", e.EntryUUID},
		"GetDocumentsAndAssociations": id,
		"GetRelatedDocuments":         append(id, "$AssociationTypes", string(xds.Signs)),
	} {
		if _, got, _ := w.query(author, name, ebrim.ObjectRef, parameters...); got != "Failure; QRY-006 XDSTooManyResults" {
			t.Errorf("%s: %s", name, got)
		}
	}
	refused := "Failure; META-015 XDSRegistryMetadataError"
	if got := w.remove(operator, e.EntryUUID); got != refused {
		t.Errorf("ITI-62: %s", got)
	}
	if got := w.removeDocuments(operator, repositoryID, e.UniqueID); got != strings.Replace(refused, "Registry", "Repository", 1) {
		t.Errorf("ITI-86: %s", got)
	}
	if got := w.find(author, w.alice); !strings.Contains(got, e.UniqueID) {
		t.Errorf("left: %s", got)
	}
}

// TestRemovedStaysHidden: the lines about a document that was hidden from the patient
// stay withheld when it is gone, and those of others stay as they were.
func TestRemovedStaysHidden(t *testing.T) {
	w := operated(t)
	plain, hidden := w.stored(author, w.alice), w.stored(author, w.alice, marked(xds.MarkHiddenPatient))
	lines := func() (n int) {
		w.do(func(s *registry.Session) error {
			a, err := w.gate.OpenProfile(t.Context(), s, subject(person(w.alice.record)), w.alice.ins, authz.Purpose{Action: authz.Journal})
			if err != nil {
				return err
			}
			events, _, err := s.History(t.Context(), a, registry.HistoryQuery{Actor: author.ID})
			n = len(events)
			return err
		})
		return n
	}
	before := lines()
	if got := w.removeDocuments(operator, repositoryID, plain.UniqueID, hidden.UniqueID); got != "Success" {
		t.Fatal(got)
	}
	if got := lines(); got != before {
		t.Errorf("%d lines, %d before", got, before)
	}
	w.fsck()
}

// TestConcurrentRemoval: a document that is removed while it is corrected, or removed
// twice, ends as if one had come after the other, and no byte is left or missing.
func TestConcurrentRemoval(t *testing.T) {
	w := operated(t)
	for range 4 {
		e := w.stored(author, w.alice)
		up := w.updating(author, w.alice, revised(e, titled("x")))
		again := w.lot(author, w.alice, first(func(d *xds.DocumentEntry) { d.UniqueID = e.UniqueID }))
		done := make(chan string, 4)
		go func() { done <- "remove " + w.removeDocuments(operator, repositoryID, e.UniqueID) }()
		go func() { done <- "remove " + w.removeDocuments(operator, repositoryID, e.UniqueID) }()
		go func() { done <- "update " + w.update(author, up) }()
		go func() { done <- "twin " + w.push(author, again, attached("Document01", "content of "+e.UniqueID)) }()
		for range 4 {
			switch got := <-done; got {
			case "remove Success", "remove Failure; DOC-003 XDSDocumentUniqueIdError", "update Success", "update Failure; UPD-001 XDSMetadataUpdateError",
				"twin Success", "twin Success; (META-018 XDSExtraMetadataNotSaved)":
			default:
				t.Error(got)
			}
		}
	}
	w.fsck()
}
