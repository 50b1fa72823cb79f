package registry_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/repository/repositorytest"
	"github.com/passerelle-sante/passerelle/xds"
)

const day = 24 * time.Hour

var upkeep = authz.AsSystem("test")

// store is a world with a store of blobs beside it.
type store struct {
	*world
	repo *repository.Store
}

func newStore(t *testing.T) *store {
	t.Helper()
	repo, err := repository.Dir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &store{newWorld(t), repo}
}

// begin is a submission under way: its intent is stored, and a blob.
func (s *store) begin(text string) xds.Content {
	s.t.Helper()
	prefix, err := s.reg.Intend(context.Background(), s.record)
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := s.repo.Create(context.Background(), prefix, strings.NewReader(text), 1<<20)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// end registers it.
func (s *store) end(lot xds.Submission, c xds.Content) (registry.Receipt, error) {
	return s.reg.Submit(context.Background(), func(session *registry.Session) (authz.Deposit, error) {
		return s.gate.OpenDeposit(context.Background(), session, lab, s.alice, authz.Purpose{Transaction: "ITI-41"})
	}, lot, []xds.Content{c})
}

// deposit is both.
func (s *store) deposit(text string) (xds.Content, xds.DocumentEntry) {
	s.t.Helper()
	c := s.begin(text)
	r, err := s.end(s.lot(), c)
	if err != nil {
		s.t.Fatal(err)
	}
	return c, r.Documents[0]
}

// age makes an intent as old as that.
func (s *store) age(c xds.Content, by time.Duration) {
	s.exec(`update blob_intent set created_at = $2 where prefix = $1`, path.Dir(c.Blob), time.Now().Add(-by))
}

func (s *store) sweep(olderThan time.Duration) registry.Swept {
	s.t.Helper()
	swept, err := s.reg.Sweep(s.t.Context(), upkeep, s.repo, olderThan)
	if err != nil {
		s.t.Fatal(err)
	}
	return swept
}

// blobs are the keys in the store, sorted.
func (s *store) blobs() []string {
	s.t.Helper()
	return slices.Sorted(slices.Values(repositorytest.Keys(s.t, s.repo.List(s.t.Context(), ""))))
}

func (s *store) keeps(t *testing.T, contents ...xds.Content) {
	t.Helper()
	var want []string
	for _, c := range contents {
		want = append(want, c.Blob)
	}
	slices.Sort(want)
	if got := s.blobs(); !slices.Equal(got, want) {
		t.Errorf("the store has %v, want %v", got, want)
	}
}

func (s *store) intents() (n int) {
	s.t.Helper()
	if err := s.pool.QueryRow(s.t.Context(), `select count(*) from blob_intent`).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// What a crash left is swept after its day, and nothing else: not what is under
// way, not what a document names.
func TestSweep(t *testing.T) {
	s := newStore(t)
	kept, _ := s.deposit("kept")
	young, old := s.begin("young"), s.begin("old")
	s.age(young, day-time.Minute)
	s.age(old, day+time.Minute)
	if swept := s.sweep(day); swept.Intents != 1 || swept.Blobs != 1 {
		t.Errorf("%+v, want the old one alone", swept)
	}
	s.keeps(t, kept, young)
	if _, err := s.end(s.lot(), young); err != nil {
		t.Errorf("the young one: %v", err)
	}
	if n := s.intents(); n != 0 {
		t.Errorf("%d intents left", n)
	}
	if swept := s.sweep(0); swept != (registry.Swept{}) {
		t.Errorf("again: %+v", swept)
	}
}

// What cannot be deleted or listed keeps its own intent and holds up nothing else; the
// next sweep tries it again.
func TestSweepGoesOn(t *testing.T) {
	root := t.TempDir()
	repo, err := repository.Dir(root)
	if err != nil {
		t.Fatal(err)
	}
	s := &store{newWorld(t), repo}
	const count, bad = 24, 12 // of which one cannot be listed
	files := map[string]string{}
	for range count {
		c := s.begin("left over")
		s.age(c, 2*day)
		found, err := filepath.Glob(filepath.Join(root, "blobs", "*", strings.ReplaceAll(c.Blob, "/", ",")))
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		files[c.Blob] = found[0]
	}
	var broken []string
	s.repo.Observe = func(operation string, _ error) {
		if operation != "discard" || broken != nil {
			return
		}
		for _, file := range files { // folders that are not empty cannot be removed as files
			if len(broken) < bad && os.Remove(file) == nil {
				broken = append(broken, file)
				if err := os.MkdirAll(filepath.Join(file, "x"), 0o700); err != nil {
					t.Error(err)
				}
			}
		}
	}
	swept, err := s.reg.Sweep(t.Context(), upkeep, s.repo, day)
	if err == nil || strings.Count(err.Error(), "\n") > 12 || !strings.Contains(err.Error(), "and 2 more") {
		t.Errorf("err = %v, want ten failures and the number of others", err)
	}
	if swept.Intents != count-bad || s.intents() != bad {
		t.Errorf("%+v, %d intents left; want %d gone and %d left", swept, s.intents(), count-bad, bad)
	}
	for _, file := range broken[1:] {
		if err := os.RemoveAll(file); err != nil {
			t.Fatal(err)
		}
	}
	shelf := filepath.Dir(broken[0])
	if err := errors.Join(os.RemoveAll(shelf), os.WriteFile(shelf, nil, 0o600)); err != nil { // cannot be listed
		t.Fatal(err)
	}
	if _, err := s.reg.Sweep(t.Context(), upkeep, s.repo, day); err == nil || s.intents() < 1 || s.intents() == bad {
		t.Errorf("%v, %d intents left; want those of the shelf that cannot be listed", err, s.intents())
	}
	if err := errors.Join(os.Remove(shelf), os.Mkdir(shelf, 0o700)); err != nil {
		t.Fatal(err)
	}
	if s.sweep(day); s.intents() != 0 {
		t.Errorf("%d intents left", s.intents())
	}
}

// No version's blob is swept, whatever an intent or the age of the file says.
func TestSweepKeepsEveryVersion(t *testing.T) {
	s := newStore(t)
	c, entry := s.deposit("masked, so that there are two versions")
	if _, err := s.act(doctor("traitant"), authz.Mask, registry.Change{Document: entry.LogicalID, Attested: true}); err != nil {
		t.Fatal(err)
	}
	for _, version := range []int{1, 2} {
		s.exec(`update document_entry set blob = $2 where version <> $1`, version, "elsewhere/1/x") // this version alone names it
		s.exec(`insert into blob_intent values ($1, '2020-01-01')`, path.Dir(c.Blob))
		if swept := s.sweep(0); swept.Blobs != 0 || swept.Intents != 1 {
			t.Errorf("version %d: %+v", version, swept)
		}
		if swept, err := s.reg.Reconcile(t.Context(), upkeep, s.repo, -day); err != nil || swept.Blobs != 0 {
			t.Errorf("version %d: %+v, %v", version, swept, err)
		}
		s.keeps(t, c)
		s.exec(`update document_entry set blob = $1`, c.Blob)
	}
}

// A submission that takes longer than the sweeper waits fails, whole, and may be
// sent again; it never names bytes that are gone.
func TestSweepBeforeSlowSubmission(t *testing.T) {
	s := newStore(t)
	c := s.begin("slow")
	s.sweep(-day)
	lot := s.lot()
	if _, err := s.end(lot, c); code(err) != "REG-006" {
		t.Fatalf("registered after the sweep: %v", err)
	}
	if ids, _ := s.find(holder(s.world), xds.Query{}); len(ids) > 0 {
		t.Errorf("visible: %v", ids)
	}
	if _, err := s.end(lot, s.begin("slow")); err != nil {
		t.Errorf("sent again: %v", err)
	}
}

// Sweeps and submissions at once: what was acknowledged has its bytes.
func TestSweepRace(t *testing.T) {
	s := newStore(t)
	type sent struct {
		content xds.Content
		err     error
	}
	const pushers, each = 4, 12
	lots := make([]xds.Submission, pushers*each)
	for i := range lots {
		lots[i] = s.lot()
	}
	results := make([]sent, len(lots))
	var over atomic.Bool
	var sweeper, clients sync.WaitGroup
	sweeper.Go(func() {
		for !over.Load() {
			if _, err := s.reg.Sweep(context.Background(), upkeep, s.repo, -day); err != nil {
				t.Error(err)
			}
			if _, err := s.reg.Reconcile(context.Background(), upkeep, s.repo, -day); err != nil {
				t.Error(err)
			}
		}
	})
	for p := range pushers {
		clients.Go(func() {
			for i := p * each; i < (p+1)*each; i++ {
				c := s.begin(fmt.Sprint("text ", i))
				_, err := s.end(lots[i], c)
				results[i] = sent{c, err}
			}
		})
	}
	clients.Wait()
	over.Store(true)
	sweeper.Wait()
	stored, refused := 0, 0
	for i, r := range results {
		err := s.repo.Verify(t.Context(), upkeep, r.content, true)
		switch {
		case r.err == nil && err == nil:
			stored++
		case r.err == nil:
			t.Errorf("acknowledged, and its bytes are gone: %v", err)
		case code(r.err) == "REG-006":
			refused++
		default:
			t.Errorf("%d: %v", i, r.err)
		}
	}
	t.Logf("%d stored, %d refused because they were swept", stored, refused)
	if _, err := s.reg.Reconcile(t.Context(), upkeep, s.repo, -day); err != nil { // what was written after its intent was swept
		t.Error(err)
	}
	if blobs := len(s.blobs()); blobs != stored {
		t.Errorf("%d blobs, %d documents", blobs, stored)
	}
}

// Reconcile finds what no intent tells of.
func TestReconcile(t *testing.T) {
	s := newStore(t)
	kept, _ := s.deposit("kept")
	under := s.begin("under way")
	lost := s.begin("lost")
	s.exec(`delete from blob_intent where prefix = $1`, path.Dir(lost.Blob))
	foreign, err := s.repo.Create(t.Context(), "no-record/1", strings.NewReader("x"), 10)
	if err != nil {
		t.Fatal(err)
	}
	swept, err := s.reg.Reconcile(t.Context(), upkeep, s.repo, day)
	if err != nil || swept.Blobs != 0 {
		t.Errorf("before its day: %+v, %v", swept, err)
	}
	s.keeps(t, kept, under, lost, foreign)
	swept, err = s.reg.Reconcile(t.Context(), upkeep, s.repo, -day)
	if err != nil || swept.Blobs != 2 {
		t.Errorf("%+v, %v, want 2 blobs", swept, err)
	}
	s.keeps(t, kept, under)
}

// The zero System neither sweeps nor learns anything.
func TestUpkeepNeedsSystem(t *testing.T) {
	s := newStore(t)
	c := s.begin("kept")
	_, sweep := s.reg.Sweep(t.Context(), authz.System{}, s.repo, -day)
	_, reconcile := s.reg.Reconcile(t.Context(), authz.System{}, s.repo, -day)
	_, fsck := s.reg.Fsck(t.Context(), authz.System{}, s.repo, registry.FsckOptions{}, func(registry.Finding) { t.Error("told") })
	if sweep == nil || reconcile == nil || fsck == nil {
		t.Error("the zero System was let in", sweep, reconcile, fsck)
	}
	s.keeps(t, c)
}
