package iti_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

const notUTF8 = "%PDF-1.7\r\n\x00\xff\xfe\n--\r\n--passerelle\r\n"

// TestSubmit: a document attached or in the envelope, one or many, is registered
// and reads back byte for byte.
func TestSubmit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		name  string
		parts []part
	}{
		{"attached", []part{attached("Document01", notUTF8)}},
		{"inline", []part{{"Document01", []byte(notUTF8), true}}},
		{"many attached", []part{attached("Document01", "one"), attached("Document02", notUTF8), attached("Document03", "three")}},
		{"many inline", []part{{"Document01", []byte("one"), true}, {"Document02", []byte(notUTF8), true}}},
		{"mixed, in another order", []part{attached("Document03", "three"), {"Document01", []byte(notUTF8), true}, attached("Document02", "two")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			lot := w.lot(server, w.alice, documents(len(c.parts)))
			if got := w.push(on(server, w.alice), lot, c.parts...); got != "Success" {
				t.Fatal(got)
			}
			want := map[string]string{}
			var ids []string
			for _, d := range lot.Documents {
				ids = append(ids, d.UniqueID)
				for _, p := range c.parts {
					if p.id == d.EntryUUID {
						want[d.UniqueID] = "text/xml " + string(p.content)
						if e := w.entry(w.alice, d.UniqueID); e.Hash != sha(p.content) || e.Size != int64(len(p.content)) || e.RepositoryUniqueID != repositoryID {
							t.Errorf("hash %s, size %d, repository %s", e.Hash, e.Size, e.RepositoryUniqueID)
						}
					}
				}
			}
			outcome, got, _ := w.retrieve(on(durand, w.alice), ids...)
			if outcome != "Success" || len(got) != len(want) {
				t.Fatalf("%s: %d documents", outcome, len(got))
			}
			for id := range want {
				if got[id] != want[id] {
					t.Errorf("%s: %q, want %q", id, got[id], want[id])
				}
			}
		})
	}
	stated := w.lot(server, w.alice, first(func(d *xds.DocumentEntry) { d.Hash, d.Size = strings.ToUpper(sha([]byte("one"))), 3 }))
	if got := w.push(on(server, w.alice), stated, attached("Document01", "one")); got != "Success" {
		t.Errorf("hash in upper case and size: %s", got)
	}
	if rows := w.trail(w.alice, "ITI-41"); len(rows) != 6 || rows[0] != hospital+" true" {
		t.Errorf("trail: %v", rows)
	}
}

// TestReplace: the old version becomes Deprecated, the new one takes the marks of
// its lineage, and each refused target is told as far as the depositor may know it.
func TestReplace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v1 := w.stored(on(server, w.alice), w.alice, marked(xds.MarkMaskedPS))
	v2 := w.stored(on(server, w.alice), w.alice, relating(xds.Replaces, v1.EntryUUID))
	if old := w.entry(w.alice, v1.UniqueID); old.AvailabilityStatus != xds.Deprecated {
		t.Errorf("v1 is %s", old.AvailabilityStatus)
	}
	if !xds.HasCode(v2.Confidentiality, xds.MarkMaskedPS) {
		t.Errorf("v2 lost the mark: %v", v2.Confidentiality)
	}
	if got := w.find(on(durand, w.alice), w.alice); got != "" {
		t.Errorf("durand finds %s", got)
	}
	visible := w.stored(on(server, w.alice), w.alice)
	deleted := w.stored(on(server, w.alice), w.alice)
	w.act(server, w.alice, authz.Delete, deleted.EntryUUID)
	foreign := w.stored(on(server, w.bruno), w.bruno)
	for _, c := range []struct {
		name   string
		as     saml.Claims
		target string
		want   string
	}{
		{"deprecated", server, v1.EntryUUID, "Failure; REG-005 XDSRegistryDeprecatedDocumentError"},
		{"hidden", durand, v2.EntryUUID, "Failure; REG-004 UnresolvedReferenceException"},
		{"hidden, no link", stranger, v2.EntryUUID, "Failure; REG-004 UnresolvedReferenceException"},
		{"of another structure", elsewhere, v2.EntryUUID, "Failure; REG-004 UnresolvedReferenceException"},
		{"deleted", server, deleted.EntryUUID, "Failure; REG-004 UnresolvedReferenceException"},
		{"of another patient", server, foreign.EntryUUID, "Failure; REG-004 UnresolvedReferenceException"},
		{"unknown", durand, "urn:uuid:" + newID(), "Failure; REG-004 UnresolvedReferenceException"},
		{"visible, of another author", durand, visible.EntryUUID, "Failure; ACC-31 XDSRepositoryError"},
		{"patient, a professional's", person(w.alice.record), visible.EntryUUID, "Failure; ACC-31 XDSRepositoryError"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, rows := w.left(), len(w.trail(w.alice, "ITI-41"))
			lot := w.lot(c.as, w.alice, relating(xds.Replaces, c.target))
			if got := w.push(on(c.as, w.alice), lot, attached("Document01", "new")); got != c.want {
				t.Errorf("got %s", got)
			}
			if after := w.left(); after != before {
				t.Errorf("%s, was %s", after, before)
			}
			code, _, _ := strings.Cut(strings.TrimPrefix(c.want, "Failure; "), " ")
			if after := w.trail(w.alice, "ITI-41")[rows:]; len(after) != 1 || after[0] != c.as.ID+" true "+code {
				t.Errorf("trail: %v", after)
			}
		})
	}
	// The author replaces without any relation, and the mark of a masked one stays.
	if got := w.push(on(author, w.alice), w.lot(author, w.alice, relating(xds.Replaces, v2.EntryUUID)), attached("Document01", "v3")); got != "Success" {
		t.Errorf("the author: %s", got)
	}
}

// TestHiddenEndsAreUnknown: whatever association names a hidden document, at either
// end, the answer is that for an id that nobody has (policy §0.2).
func TestHiddenEndsAreUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hidden := w.stored(on(server, w.alice), w.alice, marked(xds.MarkMaskedPS))
	sibling := w.stored(on(server, w.alice), w.alice, relating(xds.Appends, hidden.EntryUUID))
	other := w.stored(on(server, w.alice), w.alice, marked(xds.MarkMaskedPS))
	third := w.stored(on(server, w.alice), w.alice, marked(xds.MarkMaskedPS))
	own := w.stored(on(durand, w.alice), w.alice)
	for _, c := range []struct {
		name   string
		change func(id string) func(*xds.Submission)
	}{
		{"replaced", func(id string) func(*xds.Submission) { return relating(xds.Replaces, id) }},
		{"appended to", func(id string) func(*xds.Submission) { return relating(xds.Appends, id) }},
		{"transformed", func(id string) func(*xds.Submission) { return relating(xds.Transforms, id) }},
		{"transformed and replaced", func(id string) func(*xds.Submission) { return relating(xds.TransReplace, id) }},
		{"signed", func(id string) func(*xds.Submission) { return relating(xds.Signs, id) }},
		{"snapshot", func(id string) func(*xds.Submission) { return relating(xds.SnapshotOf, id) }},
		{"referenced by the set", func(id string) func(*xds.Submission) {
			return func(lot *xds.Submission) {
				lot.Associations = append(lot.Associations, xds.Association{EntryUUID: "Ref", Type: xds.HasMember, Source: "Set01", Target: id, SetStatus: "Reference"})
			}
		}},
		{"source of a membership", func(id string) func(*xds.Submission) {
			return func(lot *xds.Submission) {
				lot.Associations = append(lot.Associations, xds.Association{EntryUUID: "Ref", Type: xds.HasMember, Source: id, Target: "Document01"})
			}
		}},
		{"beside one of another lineage", func(id string) func(*xds.Submission) {
			return func(lot *xds.Submission) {
				relating(xds.Appends, own.EntryUUID)(lot)
				relating(xds.Appends, id)(lot)
			}
		}},
		{"beside a hidden one of another lineage", func(id string) func(*xds.Submission) {
			return func(lot *xds.Submission) {
				relating(xds.Appends, third.EntryUUID)(lot)
				relating(xds.Appends, id)(lot)
			}
		}},
		{"source of a replacement", func(id string) func(*xds.Submission) {
			return func(lot *xds.Submission) {
				lot.Associations = append(lot.Associations, xds.Association{EntryUUID: "Ref", Type: xds.Replaces, Source: id, Target: own.EntryUUID})
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := func(id string) string {
				lot := w.lot(durand, w.alice, c.change(id))
				outcome, got := w.pushed(on(durand, w.alice), lot, attached("Document01", lot.Documents[0].UniqueID))
				if strings.HasPrefix(outcome, "Success") {
					t.Errorf("%s is taken", id)
				}
				return normalised(got.raw, id)
			}
			unknown := answer("urn:uuid:" + newID())
			for _, id := range []string{hidden.EntryUUID, sibling.EntryUUID, other.EntryUUID} {
				sameAnswer(t, answer(id), unknown)
			}
		})
	}
}

// TestSameAgain: what is already there (xds §3, policy C-15).
func TestSameAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lot := w.lot(server, w.alice)
	content := attached("Document01", "bytes")
	if got := w.push(on(server, w.alice), lot, content); got != "Success" {
		t.Fatal(got)
	}
	before := w.left()
	for _, c := range []struct {
		name   string
		as     saml.Claims
		hinted bool
	}{{"its depositor", server, true}, {"somebody else", elsewhere, false}, {"a professional of the structure", author, false}} {
		again := lot
		again.Set.Authors = []xds.Author{signedBy(c.as)}
		outcome, got := w.pushed(on(c.as, w.alice), again, content)
		if outcome != "Failure; REG-002 XDSDuplicateUniqueIdInRegistry" {
			t.Errorf("%s: %s", c.name, outcome)
		}
		if hinted := strings.Contains(string(got.raw), "déjà enregistré depuis"); hinted != c.hinted {
			t.Errorf("%s: hint %v", c.name, hinted)
		}
		if after := w.left(); after != before {
			t.Errorf("%s: %s, was %s", c.name, after, before)
		}
	}
	fresh := func(h holder) xds.Submission {
		return w.lot(server, h, first(func(d *xds.DocumentEntry) { d.UniqueID = lot.Documents[0].UniqueID }))
	}
	const otherHash = "Failure; REG-003 XDSNonIdenticalHash"
	if got := w.push(on(server, w.alice), fresh(w.alice), attached("Document01", "other bytes")); got != otherHash {
		t.Errorf("other content: %s", got)
	}
	if got := w.push(on(server, w.bruno), fresh(w.bruno), content); got != otherHash {
		t.Errorf("other patient: %s", got)
	}
	if after := w.left(); after != before {
		t.Errorf("%s, was %s", after, before)
	}
	if got := w.push(on(server, w.alice), fresh(w.alice), content); got != "Success" {
		t.Errorf("a twin: %s", got)
	}
	w.act(person(w.alice.record), w.alice, authz.Mask, w.entry(w.alice, lot.Documents[0].UniqueID).EntryUUID)
	if got := w.push(on(stranger, w.alice), withAuthor(fresh(w.alice), stranger), content); got != "Success" {
		t.Errorf("a twin of a masked document: %s", got)
	}
	if got := w.find(on(durand, w.alice), w.alice); got != "" {
		t.Errorf("durand finds %s", got)
	}
}

func withAuthor(lot xds.Submission, c saml.Claims) xds.Submission {
	lot.Set.Authors = []xds.Author{signedBy(c)}
	return lot
}

// TestConcurrentSubmissions: of n identical sets one is stored, of n replacements
// of one document one wins, and the losers leave no blob.
func TestConcurrentSubmissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	target := w.stored(on(server, w.alice), w.alice)
	same := w.lot(server, w.alice)
	race := func(n int, lot func() xds.Submission) map[string]int {
		outcomes := map[string]int{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() {
				got := w.push(on(server, w.alice), lot(), attached("Document01", "raced"))
				mu.Lock()
				defer mu.Unlock()
				outcomes[got]++
			})
		}
		wg.Wait()
		return outcomes
	}
	if got := race(6, func() xds.Submission { return same }); got["Success"] != 1 || got["Failure; REG-002 XDSDuplicateUniqueIdInRegistry"] != 5 {
		t.Errorf("identical sets: %v", got)
	}
	replacement := func() xds.Submission { return w.lot(server, w.alice, relating(xds.Replaces, target.EntryUUID)) }
	if got := race(6, replacement); got["Success"] != 1 || got["Failure; REG-005 XDSRegistryDeprecatedDocumentError"] != 5 {
		t.Errorf("replacements: %v", got)
	}
	if got := w.left(); !strings.Contains(got, "document_entry 3,") || !strings.Contains(got, "blobs 3") {
		t.Errorf("left: %s", got)
	}
}
