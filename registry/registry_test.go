package registry_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/registry/registrytest"
	"github.com/passerelle-sante/passerelle/xds"
)

// world is one registry with one record, its people and a gate.
type world struct {
	t      testing.TB
	pool   *pgxpool.Pool
	reg    *registry.Registry
	gate   *authz.Gate
	record string
	alice  xds.CX
	n      int
}

const (
	loinc    = "2.16.840.1.113883.6.1"
	hospital = "1999999991"
)

func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func newWorld(t testing.TB) *world {
	t.Helper()
	m, err := matrix.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	pool := registrytest.Open(t)
	w := &world{
		t:      t,
		pool:   pool,
		reg:    registry.Open(pool, registry.Registry{Now: now, NewID: newID, RepositoryID: "1.2.3.4", Report: func(e string, _ ...any) { t.Error(e) }}),
		gate:   &authz.Gate{Policy: france.New(m, matrix.Options{}), Now: now, Paris: paris},
		record: newID(),
		alice:  xds.NewCX("279035121518989", "1.2.250.1.213.1.4.10", "NH"),
	}
	w.do(func(s *registry.Session) error {
		sys := authz.AsSystem("test")
		err := record.Create(t.Context(), s.Handle(), sys, record.Holder{
			Record: w.record, Patient: w.alice, Traits: authz.Traits{Family: "DURAND", Given: "Alice", BirthDate: "19790315"}, Sex: "F",
			Profile: authz.ProfileActive, Settings: authz.DefaultSettings, People: []record.Person{{ID: "leo", Role: authz.DelegateRole}},
		})
		return errors.Join(err, record.SeedAdministrator(t.Context(), s.Handle(), sys, w.record, "traitant"))
	})
	return w
}

func (w *world) do(fn func(*registry.Session) error) {
	w.t.Helper()
	if err := w.reg.Write(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func doctor(id string) authz.Subject {
	return authz.Subject{Nature: authz.NaturePro, ID: id, Profession: "10", Specialty: "SM26"}
}

var (
	lab    = authz.Subject{Nature: authz.NatureStructure, ID: hospital, Structure: hospital}
	holder = func(w *world) authz.Subject { return authz.Subject{Nature: authz.NaturePerson, ID: w.record} }
)

// link gives a professional alice's consent.
func (w *world) link(sub authz.Subject) {
	w.t.Helper()
	w.do(func(s *registry.Session) error {
		a, err := w.gate.OpenProfile(w.t.Context(), s, sub, w.alice, authz.Purpose{Action: authz.DeclareLink})
		if err != nil {
			return err
		}
		return record.DeclareLink(w.t.Context(), s.Handle(), a, authz.ConsentLink, time.Now(), time.Now().Add(time.Hour))
	})
}

// lot is a submission of one report.
func (w *world) lot(marks ...string) xds.Submission {
	w.n++
	author := xds.Author{
		Person:       xds.NewXCN("hopital", "HOPITAL", "Ève", "1.2.250.1.71.4.2.1", "IDNPS"),
		Institutions: []xds.XON{xds.NewXON("CHU", "1.2.250.1.71.4.2.2", "IDNST", hospital)},
	}
	doc := xds.DocumentEntry{
		EntryUUID: "Document01", UniqueID: fmt.Sprintf("1.2.3.%d", w.n), TypeCode: xds.Code{Value: "11502-2", Scheme: loinc},
		ClassCode: xds.Code{Value: "10", Scheme: "1.2.250.1.213.1.1.4.1"}, CreationTime: "20260101", Title: "CR", MimeType: "text/xml",
		Confidentiality: []xds.Code{{Value: "N", Scheme: xds.ConfidentialityOID}}, Authors: []xds.Author{author}, PatientID: w.alice,
	}
	for _, m := range marks {
		doc.Confidentiality = append(doc.Confidentiality, xds.Code{Value: m, Scheme: xds.MarkScheme})
	}
	return xds.Submission{
		Set:       xds.SubmissionSet{EntryUUID: "Set01", UniqueID: fmt.Sprintf("1.2.4.%d", w.n), SourceID: "1.2.5", SubmissionTime: "20260102", Title: "lot"},
		Documents: []xds.DocumentEntry{doc},
		Associations: []xds.Association{
			{EntryUUID: "A1", Type: xds.HasMember, Source: "Set01", Target: "Document01", SetStatus: "Original"},
		},
	}
}

func replacing(lot xds.Submission, target string) xds.Submission {
	lot.Associations = append(lot.Associations, xds.Association{EntryUUID: "A2", Type: xds.Replaces, Source: "Document01", Target: target})
	return lot
}

func content(hash string) xds.Content {
	return xds.Content{Blob: newID(), SHA1: hash, SHA256: hash, Size: 10}
}

func (w *world) submit(sub authz.Subject, lot xds.Submission, hash string) (registry.Receipt, error) {
	return w.reg.Submit(context.Background(), func(s *registry.Session) (authz.Deposit, error) {
		return w.gate.OpenDeposit(context.Background(), s, sub, w.alice, authz.Purpose{Transaction: "ITI-41"})
	}, lot, w.intended(content(hash)))
}

// intended are contents under an intent of their own, as intake puts them.
func (w *world) intended(contents ...xds.Content) []xds.Content {
	prefix, err := w.reg.Intend(context.Background(), w.record)
	if err != nil {
		w.t.Error(err)
	}
	for i := range contents {
		contents[i].Blob = prefix + "/" + contents[i].Blob
	}
	return contents
}

func (w *world) mustSubmit(sub authz.Subject, lot xds.Submission) xds.DocumentEntry {
	w.t.Helper()
	r, err := w.submit(sub, lot, fmt.Sprintf("%040d", w.n))
	if err != nil {
		w.t.Fatal(err)
	}
	return r.Documents[0]
}

// find is the logicalIDs that a subject finds, or the code that he is refused with.
func (w *world) find(sub authz.Subject, q xds.Query) ([]string, string) {
	w.t.Helper()
	var ids []string
	err := w.reg.Read(w.t.Context(), func(s *registry.Session) error {
		sc, err := w.gate.Open(w.t.Context(), s, sub, w.alice, authz.Purpose{Action: authz.Search, Transaction: "ITI-18"})
		if err != nil {
			return err
		}
		page, err := s.Find(w.t.Context(), sc, q)
		for _, v := range page.Documents {
			d, _ := v.Value()
			ids = append(ids, d.Entry.LogicalID)
		}
		return err
	})
	var refused *xds.Error
	if errors.As(err, &refused) {
		return nil, refused.ID
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return ids, ""
}

func (w *world) act(sub authz.Subject, action authz.Value, c registry.Change) (registry.Changed, error) {
	var changed registry.Changed
	err := w.reg.Write(w.t.Context(), func(s *registry.Session) error {
		a, err := w.gate.OpenAmend(w.t.Context(), s, sub, w.alice, authz.Purpose{Action: action, Transaction: "test", Attested: c.Attested})
		if err != nil {
			return err
		}
		changed, err = s.Act(w.t.Context(), a, c)
		return err
	})
	return changed, err
}

func code(err error) string {
	var one *xds.Error
	var all xds.Errors
	switch {
	case errors.As(err, &one):
		return one.ID
	case errors.As(err, &all):
		return all[0].ID
	case err != nil:
		return err.Error()
	}
	return ""
}

func TestStory(t *testing.T) {
	w := newWorld(t)
	durand, hopital, traitant := doctor("durand"), doctor("hopital"), doctor("traitant")
	w.link(durand)
	w.link(hopital)
	entry := w.mustSubmit(lab, w.lot())

	want := func(sub authz.Subject, found bool) {
		t.Helper()
		ids, refused := w.find(sub, xds.Query{})
		if refused != "" || (len(ids) == 1) != found {
			t.Errorf("%s finds %v (%s), want found = %v", sub.ID, ids, refused, found)
		}
	}
	want(durand, true)
	if _, refused := w.find(doctor("inconnu"), xds.Query{}); refused != "ACC-23" {
		t.Errorf("no link: %q", refused)
	}
	if _, refused := w.find(lab, xds.Query{}); refused != "ACC-03" {
		t.Errorf("structure: %q", refused)
	}
	changed, err := w.act(holder(w), authz.Mask, registry.Change{Document: entry.LogicalID})
	if err != nil || changed.Version != 2 || changed.LogicalID != entry.LogicalID || changed.EntryUUID == entry.EntryUUID {
		t.Fatalf("mask: %+v %v", changed, err)
	}
	want(durand, false)
	want(hopital, true)
	want(traitant, true)
	want(holder(w), true)
	if again, err := w.act(holder(w), authz.Mask, registry.Change{Document: changed.EntryUUID}); err != nil || again != changed {
		t.Errorf("repeated mask: %+v %v", again, err)
	}
	if _, err := w.act(durand, authz.Unmask, registry.Change{Document: entry.LogicalID, Attested: true}); code(err) != "JSON-003" {
		t.Errorf("durand unmasks what he does not see: %v", err)
	}
	if _, err := w.act(hopital, authz.Unmask, registry.Change{Document: entry.LogicalID}); code(err) != "C-11" {
		t.Errorf("unmask without attestation: %v", err)
	}
	if _, err := w.act(hopital, authz.Unmask, registry.Change{Document: entry.LogicalID, Attested: true}); err != nil {
		t.Error(err)
	}
	want(durand, true)
}

func TestReplaceKeepsMarksAndSupersedes(t *testing.T) {
	w := newWorld(t)
	durand := doctor("durand")
	w.link(durand)
	v1 := w.mustSubmit(lab, w.lot(xds.MarkMaskedPS))
	w.mustSubmit(lab, replacing(w.lot(), v1.EntryUUID))
	if ids, _ := w.find(durand, xds.Query{}); len(ids) != 0 {
		t.Errorf("the replacement of a masked document shows: %v", ids)
	}
	current, _ := w.find(holder(w), xds.Query{Match: []xds.Match{xds.StatusIs(xds.Approved)}})
	old, _ := w.find(holder(w), xds.Query{Match: []xds.Match{xds.StatusIs(xds.Deprecated)}})
	if len(current) != 1 || len(old) != 1 || old[0] != v1.LogicalID {
		t.Errorf("current %v, old %v", current, old)
	}
	if _, err := w.submit(lab, replacing(w.lot(), v1.EntryUUID), "x"); code(err) != "REG-005" {
		t.Errorf("replacing a deprecated document: %v", err)
	}
	if _, err := w.submit(durand, replacing(w.lot(), current[0]), "y"); code(err) != "REG-004" {
		t.Errorf("replacing a hidden document: %v", err)
	}
}

func TestUniqueness(t *testing.T) {
	w := newWorld(t)
	lot := w.lot()
	if _, err := w.submit(lab, lot, "aa"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.submit(lab, lot, "aa"); code(err) != "REG-002" || !strings.Contains(err.Error(), "rien à renvoyer") {
		t.Errorf("same set again: %v", err)
	}
	other := w.lot()
	other.Set.UniqueID = lot.Set.UniqueID
	if _, err := w.submit(lab, other, "zz"); code(err) != "REG-002" || !strings.Contains(err.Error(), "N'EST PAS enregistré") {
		t.Errorf("another lot under the same id: %v", err)
	}
	if _, err := w.submit(doctor("inconnu"), lot, "aa"); code(err) != "REG-002" || strings.Contains(err.Error(), "enregistré depuis") {
		t.Errorf("somebody else's set: %v", err)
	}
	again := lot
	again.Set.UniqueID = "1.2.4.9991"
	if _, err := w.submit(lab, again, "bb"); code(err) != "REG-003" {
		t.Errorf("other content: %v", err)
	}
	if _, err := w.submit(lab, again, "aa"); err != nil {
		t.Errorf("same content in a new set: %v", err)
	}
	if ids, _ := w.find(holder(w), xds.Query{}); len(ids) != 2 {
		t.Errorf("twins: %v", ids)
	}
}

func TestTwinSharesMarks(t *testing.T) {
	w := newWorld(t)
	durand := doctor("durand")
	w.link(durand)
	lot := w.lot()
	if _, err := w.submit(lab, lot, "aa"); err != nil {
		t.Fatal(err)
	}
	ids, _ := w.find(holder(w), xds.Query{})
	if _, err := w.act(holder(w), authz.Mask, registry.Change{Document: ids[0]}); err != nil {
		t.Fatal(err)
	}
	lot.Set.UniqueID = "1.2.4.9992"
	receipt, err := w.submit(doctor("inconnu"), lot, "aa")
	if err != nil {
		t.Fatal(err)
	}
	if found, _ := w.find(durand, xds.Query{}); len(found) != 0 {
		t.Errorf("an unmasked twin: %v", found)
	}
	if xds.HasCode(receipt.Documents[0].Confidentiality, xds.MarkMaskedPS) {
		t.Error("the receipt tells that the first entry is masked")
	}
}

func TestConcurrentSubmissions(t *testing.T) {
	w := newWorld(t)
	lot := w.lot()
	first := w.mustSubmit(lab, w.lot())
	race := func(n int, lotOf func(i int) xds.Submission) (stored int, codes map[string]int) {
		codes = map[string]int{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range n {
			l := lotOf(i)
			wg.Go(func() {
				_, err := w.submit(lab, l, "cc")
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					stored++
					return
				}
				codes[code(err)]++
			})
		}
		wg.Wait()
		return stored, codes
	}
	if stored, codes := race(8, func(int) xds.Submission { return lot }); stored != 1 || codes["REG-002"] != 7 {
		t.Errorf("identical sets: stored %d, %v", stored, codes)
	}
	replacements := func(i int) xds.Submission {
		l := replacing(w.lot(), first.EntryUUID)
		l.Documents[0].UniqueID = fmt.Sprintf("1.2.9.%d", i)
		return l
	}
	if stored, codes := race(6, replacements); stored != 1 || codes["REG-005"] != 5 {
		t.Errorf("replacements: stored %d, %v", stored, codes)
	}
}

func TestDeleteTakesEarlierVersions(t *testing.T) {
	w := newWorld(t)
	v1 := w.mustSubmit(lab, w.lot())
	v2 := w.mustSubmit(lab, replacing(w.lot(), v1.EntryUUID))
	masked, err := w.act(holder(w), authz.Mask, registry.Change{Document: v2.EntryUUID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.act(doctor("durand"), authz.Delete, registry.Change{Document: v2.EntryUUID}); code(err) != "JSON-003" {
		t.Errorf("stranger deletes: %v", err)
	}
	if _, err := w.act(doctor("hopital"), authz.Delete, registry.Change{Document: v2.EntryUUID}); err != nil {
		t.Fatal(err)
	}
	if ids, _ := w.find(holder(w), xds.Query{}); len(ids) != 0 {
		t.Errorf("after delete: %v", ids)
	}
	for _, id := range []string{v1.EntryUUID, v2.EntryUUID, masked.EntryUUID, v2.UniqueID, v1.LogicalID} {
		err := w.reg.Read(t.Context(), func(s *registry.Session) error {
			sc, err := w.gate.Open(t.Context(), s, holder(w), w.alice, authz.Purpose{Action: authz.Retrieve, ByID: true})
			if err != nil {
				return err
			}
			docs, err := s.Get(t.Context(), sc, id)
			if len(docs) != 0 {
				t.Errorf("%s still reads", id)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestPermissionsEndWithTheirSession(t *testing.T) {
	w := newWorld(t)
	durand := doctor("durand")
	w.link(durand)
	w.mustSubmit(lab, w.lot())
	var kept authz.Scope
	err := w.reg.Read(t.Context(), func(s *registry.Session) (err error) {
		kept, err = w.gate.Open(t.Context(), s, durand, w.alice, authz.Purpose{Action: authz.Search})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = w.reg.Read(t.Context(), func(s *registry.Session) error {
		if page, err := s.Find(t.Context(), kept, xds.Query{}); err == nil || len(page.Documents) > 0 {
			t.Errorf("a Scope of another session finds %d documents", len(page.Documents))
		}
		page, err := s.Find(t.Context(), authz.Scope{}, xds.Query{})
		if len(page.Documents) > 0 {
			t.Error("the zero Scope finds documents")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestHistory(t *testing.T) {
	w := newWorld(t)
	durand := doctor("durand")
	w.link(durand)
	w.mustSubmit(lab, w.lot())
	hidden := w.mustSubmit(lab, w.lot(xds.MarkHiddenPatient))
	w.find(durand, xds.Query{})
	w.find(doctor("inconnu"), xds.Query{})
	history := func(sub authz.Subject, action authz.Value) []registry.Event {
		t.Helper()
		var events []registry.Event
		err := w.reg.Read(t.Context(), func(s *registry.Session) error {
			a, err := w.gate.OpenProfile(t.Context(), s, sub, w.alice, authz.Purpose{Action: action})
			if err != nil {
				return err
			}
			events, _, err = s.History(t.Context(), a, registry.HistoryQuery{})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return events
	}
	// link, deposit, (deposit of the hidden one), search, refused search.
	if events := history(holder(w), authz.Journal); len(events) != 4 {
		t.Errorf("holder sees %d lines, want 4 without the hidden deposit", len(events))
	} else if events[0].Permit || events[1].Actor != "durand" || !events[1].Permit {
		t.Errorf("newest lines: %+v %+v", events[0], events[1])
	}
	if events := history(doctor("traitant"), authz.Journal); len(events) != 6 {
		t.Errorf("administrator sees %d lines, want 6", len(events))
	}
	for _, e := range history(durand, authz.OwnJournal) {
		if e.Actor != "durand" || e.Document == hidden.LogicalID {
			t.Errorf("durand sees %+v", e)
		}
	}
}

// A holder's own request for a hidden document reads in his history as one for an
// id that never was.
func TestOwnRequestsTellNothing(t *testing.T) {
	w := newWorld(t)
	hidden := w.mustSubmit(lab, w.lot(xds.MarkHiddenPatient))
	var lines []registry.Event
	reader := holder(w)
	reader.Patient = w.alice
	for _, id := range []string{hidden.UniqueID, "1.2.3.999999"} {
		err := w.reg.Read(t.Context(), func(s *registry.Session) error {
			sc, err := w.gate.Open(t.Context(), s, reader, w.alice, authz.Purpose{Action: authz.Retrieve, Transaction: "ITI-43", ByID: true})
			if err != nil {
				return err
			}
			_, err = s.Get(t.Context(), sc, id)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	err := w.reg.Read(t.Context(), func(s *registry.Session) error {
		a, err := w.gate.OpenProfile(t.Context(), s, holder(w), w.alice, authz.Purpose{Action: authz.Journal})
		if err != nil {
			return err
		}
		lines, _, err = s.History(t.Context(), a, registry.HistoryQuery{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 2 || lines[0].Document != "" || lines[1].Document != "" || lines[0].Permit || lines[1].Permit {
		t.Errorf("%+v", lines)
	}
}

// Under a token without a patient an unknown id leaves no line, so a hidden one shows
// none to who asked; the administrator sees it.
func TestFruitlessRequestsOfUnboundTokens(t *testing.T) {
	w := newWorld(t)
	durand := doctor("durand")
	w.link(durand)
	masked := w.mustSubmit(lab, w.lot(xds.MarkMaskedPS))
	err := w.reg.Read(t.Context(), func(s *registry.Session) error {
		scopes, err := s.Scopes(t.Context(), w.gate, durand, authz.Purpose{Action: authz.Retrieve, Transaction: "ITI-43"}, masked.UniqueID)
		if err != nil || len(scopes) != 1 {
			t.Fatal(len(scopes), err)
		}
		docs, err := s.Get(t.Context(), scopes[0], masked.UniqueID)
		if len(docs) != 0 {
			t.Error("a masked document")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	count := func(sub authz.Subject, action authz.Value) (n int) {
		err := w.reg.Read(t.Context(), func(s *registry.Session) error {
			a, err := w.gate.OpenProfile(t.Context(), s, sub, w.alice, authz.Purpose{Action: action})
			if err != nil {
				return err
			}
			events, _, err := s.History(t.Context(), a, registry.HistoryQuery{})
			for _, e := range events {
				if e.Action == authz.Retrieve {
					n++
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(durand, authz.OwnJournal); n != 0 {
		t.Errorf("who asked sees %d lines", n)
	}
	if n := count(doctor("traitant"), authz.Journal); n != 1 {
		t.Errorf("the administrator sees %d lines", n)
	}
}

func TestPaging(t *testing.T) {
	w := newWorld(t)
	for range 7 {
		w.mustSubmit(lab, w.lot())
	}
	var seen []string
	q := xds.Query{Limit: 3, Count: true}
	for range 3 {
		err := w.reg.Read(t.Context(), func(s *registry.Session) error {
			sc, err := w.gate.Open(t.Context(), s, holder(w), w.alice, authz.Purpose{Action: authz.Search})
			if err != nil {
				return err
			}
			page, err := s.Find(t.Context(), sc, q)
			if page.Total != 7 {
				t.Errorf("total %d", page.Total)
			}
			for _, v := range page.Documents {
				d, _ := v.Value()
				seen = append(seen, d.Entry.LogicalID)
			}
			q.After = page.Next
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	unique := map[string]bool{}
	for _, id := range seen {
		unique[id] = true
	}
	if len(seen) != 7 || len(unique) != 7 || q.After != nil {
		t.Errorf("pages gave %d documents, %d distinct, after %v", len(seen), len(unique), q.After)
	}
}
