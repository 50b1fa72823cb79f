package registry_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// kept says where the document of a lot is, as ITI-42 does.
func kept(lot xds.Submission, repository, kind string) xds.Submission {
	d := lot.Documents[0]
	d.RepositoryUniqueID, d.ObjectType = repository, kind
	lot.Documents = []xds.DocumentEntry{d}
	return lot
}

func said(hash string) []xds.Content { return []xds.Content{{SHA1: hash, Size: 10}} }

// An entry whose bytes are elsewhere keeps what it came with, is whole to fsck, and
// shares the lineage of its twin, which may be here.
func TestElsewhere(t *testing.T) {
	w := newWorld(t)
	lot := kept(w.lot(), "1.9.9", xds.StableDocument)
	r, err := w.sendAs(lab, lot, said("aa"), false)
	if err != nil || r.Documents[0].RepositoryUniqueID != "1.9.9" || r.Documents[0].Hash != "aa" || r.Documents[0].Size != 10 {
		t.Fatalf("%+v %v", r.Documents, err)
	}
	twin := lot
	twin.Set.UniqueID += ".1"
	if _, err := w.sendAs(lab, twin, w.intended(content("aa")), false); err != nil {
		t.Error(err)
	}
	if n := w.one(`select count(distinct lineage)::text || ' ' || count(*) from document_entry`); n != "1 2" {
		t.Errorf("lineages and entries: %s", n)
	}
	twin.Set.UniqueID += ".2"
	if _, err := w.sendAs(lab, twin, said("bb"), false); code(err) != "REG-003" {
		t.Errorf("another hash: %v", err)
	}
	if n := w.one(`select count(*)::text from blob_intent`); n != "0" {
		t.Errorf("%s intents left", n)
	}
}

// A hash opens nothing: an entry that says that its bytes are in this repository gets
// those of a document that its sender may name, and for any other one the answer is
// that for bytes that are not here (policy §0.2).
func TestBytesAreLentToWhoKnowsThem(t *testing.T) {
	w := newWorld(t)
	durand := doctor("durand")
	w.link(durand)
	hidden, visible := w.lot(xds.MarkMaskedPS), w.lot()
	for i, lot := range []xds.Submission{hidden, visible} {
		if _, err := w.submit(lab, lot, fmt.Sprintf("a%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(sub authz.Subject, uid, hash string) (registry.Receipt, string) {
		lot := kept(w.lot(), "1.2.3.4", xds.StableDocument)
		lot.Documents[0].UniqueID = uid
		r, err := w.sendAs(sub, lot, said(hash), false)
		if err == nil {
			return r, "stored"
		}
		return r, strings.ReplaceAll(err.Error(), uid, "UID")
	}
	_, unknown := ask(durand, "1.2.3.99999", "a0")
	if !strings.HasPrefix(unknown, "META-019") {
		t.Errorf("unknown: %s", unknown)
	}
	if _, got := ask(durand, hidden.Documents[0].UniqueID, "a0"); !strings.HasPrefix(got, "META-019") {
		t.Errorf("hidden: %s", got)
	}
	r, got := ask(durand, visible.Documents[0].UniqueID, "a1")
	if got != "stored" || r.Documents[0].RepositoryUniqueID != "1.2.3.4" {
		t.Fatalf("visible: %s", got)
	}
	if n := w.one(`select count(distinct blob)::text || ' ' || count(*) from document_entry where unique_id = $1`, visible.Documents[0].UniqueID); n != "1 2" {
		t.Errorf("blobs and entries: %s", n)
	}
	if _, got := ask(lab, hidden.Documents[0].UniqueID, "a0"); got != "stored" {
		t.Errorf("the structure that brought it: %s", got)
	}
}

// On-demand entries: no hash, one per uniqueId, listed only when asked for, replaced
// by their like, and the one thing of which there are snapshots.
func TestOnDemand(t *testing.T) {
	w := newWorld(t)
	demand := func() xds.Submission { return kept(w.lot(), "1.9.9", xds.OnDemandDocument) }
	send := func(lot xds.Submission) (registry.Receipt, error) {
		return w.sendAs(lab, lot, []xds.Content{{}}, false)
	}
	lot := demand()
	v1, err := send(lot)
	if err != nil {
		t.Fatal(err)
	}
	again := demand()
	again.Documents[0].UniqueID = lot.Documents[0].UniqueID
	if _, err := send(again); code(err) != "REG-002" {
		t.Errorf("a known uniqueId: %v", err)
	}
	stable := w.mustSend(lab, w.lot()).Documents[0].EntryUUID
	target := v1.Documents[0].EntryUUID
	for _, c := range []struct {
		name, target, want string
		kind               xds.AssociationType
		lot                xds.Submission
	}{
		{"a snapshot", target, "", xds.SnapshotOf, w.lot()},
		{"a snapshot of a stable document", stable, "META-012", xds.SnapshotOf, w.lot()},
		{"an addendum", target, "META-012", xds.Appends, w.lot()},
		{"a signature", target, "META-012", xds.Signs, w.lot()},
		{"a stable replacement", target, "META-012", xds.Replaces, w.lot()},
		{"for a stable document", stable, "META-012", xds.Replaces, demand()},
		{"a replacement", target, "", xds.Replaces, demand()},
		{"a snapshot of what is replaced", target, "REG-005", xds.SnapshotOf, w.lot()},
	} {
		submit := w.send
		if c.lot.Documents[0].ObjectType == xds.OnDemandDocument {
			submit = func(_ authz.Subject, lot xds.Submission) (registry.Receipt, error) { return send(lot) }
		}
		if _, err := submit(lab, with(c.lot, join(c.kind, "Document01", c.target))); code(err) != c.want {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	kinds := func(kind string) int {
		ids, _ := w.find(holder(w), xds.Query{Match: []xds.Match{xds.EqualTexts(xds.AttrObjectType, kind)}})
		return len(ids)
	}
	if s, d := kinds(xds.StableDocument), kinds(xds.OnDemandDocument); s != 2 || d != 2 {
		t.Errorf("%d stable, %d on demand", s, d)
	}
}

// rush sends one lot several times at once: one is stored, and all are answered alike.
func (w *world) rush(lot xds.Submission) (stored registry.Receipt) {
	w.t.Helper()
	receipts := make([]registry.Receipt, 4)
	var wg sync.WaitGroup
	for i := range receipts {
		wg.Go(func() {
			r, err := w.sendAs(lab, lot, w.intended(content("aa")), true)
			if err != nil {
				w.t.Error(err)
			}
			receipts[i] = r
		})
	}
	wg.Wait()
	n := 0
	for _, r := range receipts {
		if !r.Replayed {
			stored = r
			n++
		}
		if r.Set.EntryUUID != receipts[0].Set.EntryUUID || len(r.Documents) != 1 {
			w.t.Errorf("answered as %+v", r)
		}
	}
	if n != 1 {
		w.t.Fatalf("%d stored", n)
	}
	return stored
}

// The very lot again, of a sender whose engine retries: the answer of then, and
// nothing added, whether one or many come at once. Anything else stays refused.
func TestResubmit(t *testing.T) {
	w := newWorld(t)
	lot := with(w.lot(), w.folder(), join(xds.HasMember, "Folder01", "Document01"))
	first := w.rush(lot)
	rows := func() string {
		return w.one(`select (select count(*) from document_entry) || ' ' || (select count(*) from association) || ' ' || (select count(*) from object_id) || ' ' || (select count(*) from folder)`)
	}
	before := rows()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			again, err := w.sendAs(lab, lot, w.intended(content("aa")), true)
			if err != nil || !again.Replayed || again.Set.EntryUUID != first.Set.EntryUUID || again.Documents[0].EntryUUID != first.Documents[0].EntryUUID {
				t.Errorf("%+v %v", again, err)
			}
		})
	}
	wg.Wait()
	other := lot
	other.Documents = []xds.DocumentEntry{lot.Documents[0]}
	other.Documents[0].UniqueID += ".9"
	for name, c := range map[string]struct {
		sub  authz.Subject
		lot  xds.Submission
		hash string
		many bool
	}{
		"other bytes":       {lab, lot, "bb", true},
		"another document":  {lab, other, "aa", true},
		"somebody else's":   {doctor("traitant"), lot, "aa", true},
		"without the right": {lab, lot, "aa", false},
	} {
		if _, err := w.sendAs(c.sub, c.lot, w.intended(content(c.hash)), c.many); code(err) != "REG-002" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if after := rows(); after != before {
		t.Errorf("%s, was %s", after, before)
	}
	reference := w.lotOf(join(xds.HasMember, "Set01", first.Documents[0].EntryUUID))
	w.mustSend(lab, reference)
	if again, err := w.sendAs(lab, reference, nil, true); err != nil || !again.Replayed {
		t.Errorf("a set of references: %+v %v", again, err)
	}
	if _, err := w.sendAs(lab, with(reference, w.folder()), nil, true); code(err) != "REG-002" {
		t.Errorf("with a folder more: %v", err)
	}
}
