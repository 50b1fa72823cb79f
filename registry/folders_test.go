package registry_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// lotOf is a submission without documents, to which the parts add.
func (w *world) lotOf(parts ...func(*xds.Submission)) xds.Submission {
	w.n++
	lot := xds.Submission{Set: xds.SubmissionSet{EntryUUID: "Set01", UniqueID: fmt.Sprintf("1.2.4.%d", w.n), SourceID: "1.2.5", SubmissionTime: "20260102"}}
	for _, part := range parts {
		part(&lot)
	}
	return lot
}

// join adds an association, and its symbolic id.
func join(t xds.AssociationType, source, target string) func(*xds.Submission) {
	return func(lot *xds.Submission) {
		a := xds.Association{EntryUUID: fmt.Sprintf("J%d", len(lot.Associations)), Type: t, Source: source, Target: target}
		if t == xds.HasMember && source == "Set01" {
			a.SetStatus = "Reference"
		}
		lot.Associations = append(lot.Associations, a)
	}
}

// folder adds a new folder, Folder01, to the lot.
func (w *world) folder() func(*xds.Submission) {
	return func(lot *xds.Submission) {
		lot.Folders = append(lot.Folders, xds.Folder{EntryUUID: "Folder01", UniqueID: fmt.Sprintf("1.2.6.%d", w.n), Title: "Grossesse", Codes: []xds.Code{{Value: "x", Scheme: "1.2"}}})
		join(xds.HasMember, "Set01", "Folder01")(lot)
	}
}

// with adds to a lot of one document.
func with(lot xds.Submission, parts ...func(*xds.Submission)) xds.Submission {
	lot.Associations = slices.Clone(lot.Associations)
	for _, part := range parts {
		part(&lot)
	}
	return lot
}

// send submits a lot whose documents have contents of their own.
func (w *world) send(sub authz.Subject, lot xds.Submission) (registry.Receipt, error) {
	contents := []xds.Content{}
	for i := range lot.Documents {
		contents = append(contents, content(fmt.Sprintf("%039d%d", w.n, i)))
	}
	if len(contents) > 0 {
		contents = w.intended(contents...)
	}
	return w.sendAs(sub, lot, contents, false)
}

func (w *world) sendAs(sub authz.Subject, lot xds.Submission, contents []xds.Content, again bool) (registry.Receipt, error) {
	submit := w.reg.Submit
	if again {
		submit = w.reg.Resubmit
	}
	return submit(context.Background(), func(s *registry.Session) (authz.Deposit, error) {
		return w.gate.OpenDeposit(context.Background(), s, sub, w.alice, authz.Purpose{Transaction: "ITI-42"})
	}, lot, contents)
}

func (w *world) mustSend(sub authz.Subject, lot xds.Submission) registry.Receipt {
	w.t.Helper()
	r, err := w.send(sub, lot)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// folderOf is the entryUUID of the folder that a set brought.
func (w *world) folderOf(set xds.SubmissionSet) string {
	w.t.Helper()
	return "urn:uuid:" + w.one(`select f.id::text from association a join folder f on f.id = a.target where a.source = $1`, strings.TrimPrefix(set.EntryUUID, "urn:uuid:"))
}

// one is a single text of the tables.
func (w *world) one(sql string, args ...any) (text string) {
	w.t.Helper()
	if err := w.pool.QueryRow(w.t.Context(), sql, args...).Scan(&text); err != nil {
		w.t.Fatal(err)
	}
	return text
}

// members are the documents of a folder, sorted.
func (w *world) members(folder string) string {
	w.t.Helper()
	return w.one(`select coalesce(string_agg('urn:uuid:' || target::text, ' ' order by target), '') from association where type = $1 and source = $2`,
		string(xds.HasMember), strings.TrimPrefix(folder, "urn:uuid:"))
}

func sorted(ids ...string) string {
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// Documents and folders, of the lot and registered, in every combination (ITI TF-2
// 3.42.4.1.3.2; NIST 11999 to 12002, 12326).
func TestFolders(t *testing.T) {
	w := newWorld(t)
	empty := w.mustSend(lab, w.lotOf(w.folder()))
	folder := w.folderOf(empty.Set)
	first := w.mustSend(lab, with(w.lot(), w.folder(), join(xds.HasMember, "Folder01", "Document01")))
	if got := w.members(w.folderOf(first.Set)); got != first.Documents[0].EntryUUID {
		t.Errorf("a new folder with a document of the lot: %s", got)
	}
	second := w.mustSend(lab, with(w.lot(), join(xds.HasMember, folder, "Document01"), join(xds.HasMember, "Set01", "J1")))
	w.mustSend(lab, w.lotOf(join(xds.HasMember, folder, first.Documents[0].EntryUUID), join(xds.HasMember, "Set01", "J0")))
	if got, want := w.members(folder), sorted(first.Documents[0].EntryUUID, second.Documents[0].EntryUUID); got != want {
		t.Errorf("documents put into a registered folder: %s, want %s", got, want)
	}
	third := w.mustSend(lab, w.lotOf(w.folder(), join(xds.HasMember, "Folder01", first.Documents[0].EntryUUID)))
	if got := w.members(w.folderOf(third.Set)); got != first.Documents[0].EntryUUID {
		t.Errorf("a new folder with a registered document: %s", got)
	}
	if _, err := w.send(lab, w.lotOf(join(xds.HasMember, "Set01", first.Documents[0].EntryUUID))); err != nil {
		t.Errorf("a document by reference: %v", err)
	}
	if _, err := w.pool.Exec(t.Context(), `update folder set status = 1 where id = $1`, strings.TrimPrefix(folder, "urn:uuid:")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.send(lab, with(w.lot(), join(xds.HasMember, folder, "Document01"))); code(err) != "REG-005" {
		t.Errorf("a folder that is obsolete: %v", err)
	}
	w.sound()
}

// sound runs the checks of fsck on the tables.
func (w *world) sound() {
	w.t.Helper()
	for _, sql := range []string{
		`select count(*) from association a, unnest(array[a.source, a.target]) e (id) where not exists (select from object_id o where o.id = e.id)`,
		`select count(*) from association a where not exists (select from object_id o where o.id = a.id and o.kind = 4)`,
	} {
		if got := w.one(`select (` + sql + `)::text`); got != "0" {
			w.t.Errorf("%s: %s", sql, got)
		}
	}
}

// A folder or document is named by who sees it or brought it; to anybody else it is
// an id that nobody has, word for word (policy §0.2, SC-16).
func TestFolderIsNamedByWhoKnowsIt(t *testing.T) {
	w := newWorld(t)
	durand, hopital := doctor("durand"), doctor("hopital")
	w.link(durand)
	w.link(hopital)
	hidden := w.mustSend(lab, with(w.lot(xds.MarkMaskedPS), w.folder(), join(xds.HasMember, "Folder01", "Document01")))
	folder, unknown := w.folderOf(hidden.Set), "urn:uuid:"+newID()
	own := w.mustSend(durand, w.lot())
	answer := func(sub authz.Subject, lot xds.Submission, id string) string {
		_, err := w.send(sub, lot)
		if err == nil {
			return "stored"
		}
		return strings.ReplaceAll(err.Error(), id, "ID")
	}
	for name, lot := range map[string]func(id string) xds.Submission{
		"a document of the lot into it": func(id string) xds.Submission { return with(w.lot(), join(xds.HasMember, id, "Document01")) },
		"his own document into it": func(id string) xds.Submission {
			return w.lotOf(join(xds.HasMember, id, own.Documents[0].EntryUUID))
		},
		"it into a set": func(id string) xds.Submission { return w.lotOf(join(xds.HasMember, "Set01", id)) },
		"it into a new folder": func(id string) xds.Submission {
			return w.lotOf(w.folder(), join(xds.HasMember, "Folder01", id))
		},
	} {
		want := answer(durand, lot(unknown), unknown)
		for _, id := range []string{folder, hidden.Documents[0].EntryUUID, hidden.Set.EntryUUID} {
			if got := answer(durand, lot(id), id); got != want || !strings.HasPrefix(got, "REG-004") {
				t.Errorf("%s: %s\nunknown: %s", name, got, want)
			}
		}
	}
	put := func(sub authz.Subject) string {
		return answer(sub, with(w.lot(), join(xds.HasMember, folder, "Document01")), folder)
	}
	if got := put(lab); got != "stored" {
		t.Errorf("the structure that brought it: %s", got)
	}
	if got := put(hopital); got != "stored" {
		t.Errorf("the author of a member, who sees it: %s", got)
	}
	w.mustSend(lab, with(w.lot(), join(xds.HasMember, folder, "Document01")))
	if got := put(durand); got != "stored" {
		t.Errorf("with a member that he sees: %s", got)
	}
	w.sound()
}

// What replaces a document is in its folders, those too that the depositor does not
// see; the one replaced stays there (ITI TF-2 3.42.4.1.3.3.1; NIST 12327).
func TestReplacementInheritsFolders(t *testing.T) {
	w := newWorld(t)
	for _, kind := range []xds.AssociationType{xds.Replaces, xds.TransReplace} {
		v1 := w.mustSend(lab, with(w.lot(), w.folder(), join(xds.HasMember, "Folder01", "Document01")))
		folder := w.folderOf(v1.Set)
		other := w.mustSend(doctor("traitant"), w.lotOf(w.folder(), join(xds.HasMember, "Folder01", v1.Documents[0].EntryUUID)))
		v2 := w.mustSend(lab, with(w.lot(), join(kind, "Document01", v1.Documents[0].EntryUUID), join(xds.HasMember, folder, "Document01")))
		for _, f := range []string{folder, w.folderOf(other.Set)} {
			if got, want := w.members(f), sorted(v1.Documents[0].EntryUUID, v2.Documents[0].EntryUUID); got != want {
				t.Errorf("%s: %s, want %s", kind, got, want)
			}
		}
		set := strings.TrimPrefix(v2.Set.EntryUUID, "urn:uuid:")
		if n := w.one(`select count(*)::text from association m join association a on a.source = m.id or a.target = m.id where m.target = $1 and a.source = $2`,
			strings.TrimPrefix(v2.Documents[0].EntryUUID, "urn:uuid:"), set); n != "1" {
			t.Errorf("%s: the set has %s memberships of folders, want the inherited one", kind, n)
		}
	}
	w.sound()
}

// A replacement that loses the race to an addendum, or to a folder, starts again: the
// addendum is obsolete with what it adds to, and the folder is inherited.
func TestReplacementSeesWhatCameFirst(t *testing.T) {
	for name, meanwhile := range map[string]func(w *world, target string) xds.Submission{
		"an addendum": func(w *world, target string) xds.Submission {
			return with(w.lot(), join(xds.Appends, "Document01", target))
		},
		"a folder": func(w *world, target string) xds.Submission {
			return w.lotOf(w.folder(), join(xds.HasMember, "Folder01", target))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			target := w.mustSend(lab, w.lot()).Documents[0].EntryUUID
			var first registry.Receipt
			done := false
			lot := with(w.lot(), join(xds.Replaces, "Document01", target))
			second, err := w.reg.Submit(t.Context(), func(s *registry.Session) (authz.Deposit, error) {
				d, err := w.gate.OpenDeposit(t.Context(), s, lab, w.alice, authz.Purpose{Transaction: "ITI-42"})
				if err == nil && !done { // the snapshot is taken
					done = true
					first = w.mustSend(lab, meanwhile(w, target))
				}
				return d, err
			}, lot, w.intended(content("ab")))
			if err != nil {
				t.Fatal(err)
			}
			if len(first.Documents) > 0 {
				if got := w.one(`select status::text from document_entry where lid = $1 and latest`, strings.TrimPrefix(first.Documents[0].EntryUUID, "urn:uuid:")); got != "1" {
					t.Errorf("the addendum has status %s, want obsolete", got)
				}
				return
			}
			if got, want := w.members(w.folderOf(first.Set)), sorted(target, second.Documents[0].EntryUUID); got != want {
				t.Errorf("members %s, want %s", got, want)
			}
		})
	}
}
