package conformance_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// races asks on both faces while somebody changes what may be seen. A change that was
// answered before a request was sent is honoured by it, and each answer is whole.
func (k *kit) races(t *testing.T) {
	rounds := 12
	if longRun() {
		rounds = 150
	}
	for _, part := range []struct {
		name string
		race func(*testing.T, int)
	}{
		{"mask and read", k.maskAndRead}, {"block and read", k.blockAndRead}, {"mask and replace", k.maskAndReplace},
		{"replace and replace", k.replaceAndReplace}, {"delete and replace", k.deleteAndReplace}, {"twice the same", k.twiceTheSame},
	} {
		t.Run(part.name, func(t *testing.T) { part.race(t, rounds) })
	}
}

// track is a drawn record in which the races run, with a reader who has its consent.
func (k *kit) track(t *testing.T, name string) *scene {
	t.Helper()
	row := caseRow{ID: "race-" + name, Patient: "alice", As: "dr-durand", By: "dr-hopital", Type: "11502-2", Status: "approved"}
	return k.stage(t, row)
}

// change is a step of the only writer: from then on the reader sees the document, or
// does not.
type change struct {
	from, to time.Time
	sees     bool
}

// look is what one reading saw.
type look struct {
	from, to time.Time
	sees     bool
	way      string
}

// linear tells whether the looks can be put in an order with the changes that real
// time allows. There is one writer, so a look is explained by an index of a change
// that began before the look ended and was not overwritten before it began; of looks
// that do not overlap the later one has no smaller index. Taking the smallest index
// each time is enough.
func linear(changes []change, looks []look) (look, bool) {
	slices.SortFunc(looks, func(a, b look) int { return a.from.Compare(b.from) })
	type placed struct {
		to    time.Time
		index int
	}
	var before []placed
	for _, l := range looks {
		least := 0
		for _, p := range before {
			if p.to.Before(l.from) {
				least = max(least, p.index)
			}
		}
		index := -1
		for i := least; i < len(changes) && index < 0; i++ {
			overwritten := i+1 < len(changes) && changes[i+1].to.Before(l.from)
			if !overwritten && changes[i].from.Before(l.to) && changes[i].sees == l.sees {
				index = i
			}
		}
		if index < 0 {
			return l, false
		}
		before = append(before, placed{l.to, index})
	}
	return look{}, true
}

// TestLinear shows that the checker tells an order from disorder.
func TestLinear(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	changes := []change{{at(0), at(1), true}, {at(10), at(20), false}, {at(30), at(40), true}}
	for _, c := range []struct {
		name  string
		looks []look
		want  bool
	}{
		{"before", []look{{at(2), at(5), true, ""}}, true},
		{"during, either", []look{{at(12), at(14), true, ""}, {at(15), at(16), false, ""}}, true},
		{"during, back again", []look{{at(12), at(13), false, ""}, {at(14), at(16), true, ""}}, false},
		{"after", []look{{at(21), at(22), true, ""}}, false},
		{"long", []look{{at(5), at(35), false, ""}}, true},
	} {
		if _, got := linear(changes, c.looks); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// watch reads a document in four ways until the writer is done.
func (s *scene) watch(t *testing.T, write func(func(sees bool, act func()))) {
	t.Helper()
	d := s.documents[0]
	b := s.reader(true)
	b.vihf(t)
	b.jwt(t)
	began := time.Now()
	changes := []change{{began.Add(-time.Hour), began.Add(-time.Minute), true}}
	var done atomic.Bool
	var mutex sync.Mutex
	var looks []look
	var readers sync.WaitGroup
	for name, ask := range map[string]func() (bool, []byte){
		"ITI-18": func() (bool, []byte) {
			return slices.Contains(s.findDocuments(t, b, s.patient.INS, xds.Approved).ids, d.entry.UniqueID), nil
		},
		"ITI-67": func() (bool, []byte) {
			return slices.Contains(s.findReferences(t, b, s.patient, "status=current").ids, d.entry.UniqueID), nil
		},
		"ITI-43": func() (bool, []byte) {
			a := s.retrieveSet(t, b, d.entry.UniqueID)
			return a.code == "", a.content
		},
		"ITI-68": func() (bool, []byte) {
			a := s.readBinary(t, b, d.entry.EntryUUID)
			return a.code == "", a.content
		},
	} {
		readers.Go(func() {
			for n := 0; !done.Load() || n < 2; n++ {
				from := time.Now()
				sees, content := ask()
				l := look{from, time.Now(), sees, name}
				if sees && content != nil && string(content) != string(d.content) || !sees && len(content) > 0 {
					t.Errorf("%s gives %d bytes, seen: %v", name, len(content), sees)
				}
				mutex.Lock()
				looks = append(looks, l)
				mutex.Unlock()
			}
		})
	}
	write(func(sees bool, act func()) {
		c := change{from: time.Now(), sees: sees}
		act()
		c.to = time.Now()
		changes = append(changes, c)
	})
	done.Store(true)
	readers.Wait()
	if l, ok := linear(changes, looks); !ok {
		t.Errorf("%s sent %v after the beginning and answered %v later saw %v, which no order explains", l.way, l.from.Sub(began), l.to.Sub(l.from), l.sees)
		for _, c := range changes[1:] {
			t.Logf("change to %v between %v and %v", c.sees, c.from.Sub(began), c.to.Sub(began))
		}
	}
	t.Logf("%d changes, %d looks", len(changes)-1, len(looks))
}

// maskAndRead: a mask that was answered is honoured by all that is sent afterwards
// (policy §1.9).
func (k *kit) maskAndRead(t *testing.T, rounds int) {
	s := k.track(t, "mask")
	path := "/documents/" + s.documents[0].entry.EntryUUID
	s.watch(t, func(change func(bool, func())) {
		for range rounds {
			change(false, func() { s.api(t, s.holder, http.MethodPost, path+"/mask", nil) })
			change(true, func() { s.api(t, s.holder, http.MethodPost, path+"/unmask", nil) })
		}
	})
}

// blockAndRead: a block that was answered is honoured; an unblock restores no link.
func (k *kit) blockAndRead(t *testing.T, rounds int) {
	s := k.track(t, "block")
	s.watch(t, func(change func(bool, func())) {
		for range rounds {
			change(false, func() { s.api(t, s.holder, http.MethodPut, "/blocks/dr-durand", nil) })
			change(false, func() { s.api(t, s.holder, http.MethodDelete, "/blocks/dr-durand", nil) })
			change(true, func() { s.link(t, "dr-durand", "consent", "") })
		}
	})
}

// at runs all of them at once.
func at(all ...func()) {
	var start, done sync.WaitGroup
	start.Add(1)
	for _, f := range all {
		done.Go(func() { start.Wait(); f() })
	}
	start.Done()
	done.Wait()
}

// successor makes a replacement of the first document, ready to be sent on a face.
func (s *scene) successor(t *testing.T, by string, face int) (send func() kitAnswer, d kitDocument) {
	t.Helper()
	d = s.document(t, s.patient, by, "", s.row.Type)
	lot, content := s.lot(s.patient, by, d)
	kitRelate(&lot, xds.Replaces, d.entry.EntryUUID, s.documents[0].entry.EntryUUID)
	b := s.as(by)
	b.vihf(t)
	b.jwt(t)
	return func() kitAnswer { return s.faces()[face](t, b, lot, content) }, d
}

// fresh deposits a document of its own for a round.
func (s *scene) fresh(t *testing.T) {
	t.Helper()
	d := s.document(t, s.patient, s.row.By, "", s.row.Type)
	lot, content := s.lot(s.patient, s.row.By, d)
	if answer := s.provide(t, s.as(s.row.By), lot, content); answer.code != "" {
		t.Fatal(answer.whole)
	}
	s.documents = []kitDocument{d}
}

// maskAndReplace: in every order the new version of a masked document is masked too.
func (k *kit) maskAndReplace(t *testing.T, rounds int) {
	s := k.track(t, "maskreplace")
	token := s.token(t, kitClaims{As: s.holder, Patient: s.patient.Name})
	reader := s.reader(true)
	for i := range rounds {
		s.fresh(t)
		replace, young := s.successor(t, s.row.By, i%2)
		path := "/api/v1/records/" + s.patient.Record + "/documents/" + s.documents[0].entry.EntryUUID + "/mask"
		var replaced kitAnswer
		var masked kitResponse
		at(func() { replaced = replace() }, func() { masked = s.call(t, http.MethodPost, path, token, nil) })
		if replaced.code != "" || masked.status != http.StatusOK {
			t.Fatalf("replace %q, mask %d %s", replaced.code, masked.status, masked.body)
		}
		for _, d := range []kitDocument{s.documents[0], young} {
			if h := s.find(t, d); !slices.Contains(h.Marks, xds.MarkMaskedPS) {
				t.Errorf("round %d: %s is not masked: %+v", i, d.entry.UniqueID, h)
			}
			if got := s.retrieveSet(t, reader, d.entry.UniqueID); got.code != "DOC-003" {
				t.Errorf("round %d: retrieved after the mask: %q", i, got.code)
			}
		}
	}
}

// replaceAndReplace: of concurrent replacements exactly one wins; the others learn
// that the target is no longer the version in force (policy §0.3).
func (k *kit) replaceAndReplace(t *testing.T, rounds int) {
	s := k.track(t, "replace")
	s.link(t, s.row.By, "team", "")
	for range max(2, rounds/4) {
		s.fresh(t)
		const n = 4
		var answers [n]kitAnswer
		var all []func()
		for i := range n {
			by := []string{s.row.By, "chu-lille"}[i/2] // the structure replaces what its physician deposited
			send, _ := s.successor(t, by, i%2)
			all = append(all, func() { answers[i] = send() })
		}
		at(all...)
		var codes []string
		for _, a := range answers {
			codes = append(codes, a.code)
		}
		slices.Sort(codes)
		if want := []string{"", "REG-005", "REG-005", "REG-005"}; !slices.Equal(codes, want) {
			t.Errorf("%q, want %q", codes, want)
		}
		if s.approvedOf(t, s.documents[0]) {
			t.Error("the target is still approved")
		}
	}
}

func (s *scene) approvedOf(t *testing.T, d kitDocument) bool {
	t.Helper()
	return s.find(t, d).Status == "approved"
}

// deleteAndReplace: a delete that was answered holds; the replacement is there whole
// or refused.
func (k *kit) deleteAndReplace(t *testing.T, rounds int) {
	s := k.track(t, "delete")
	token := s.token(t, kitClaims{As: s.row.By, Patient: s.patient.Name})
	for i := range rounds / 2 {
		s.fresh(t)
		replace, young := s.successor(t, s.row.By, i%2)
		var replaced kitAnswer
		var deleted kitResponse
		at(func() { replaced = replace() }, func() {
			deleted = s.call(t, http.MethodPost, "/api/v1/records/"+s.patient.Record+"/documents/"+s.documents[0].entry.EntryUUID+"/delete", token, nil)
		})
		old, next := s.find(t, s.documents[0]), s.find(t, young)
		if deleted.status != http.StatusOK || old.Status != "deleted" {
			t.Errorf("delete: %d, then %s", deleted.status, old.Status)
		}
		switch {
		case replaced.code == "" && next.Status == "approved", replaced.code == "REG-004" && next.UniqueID == "":
		default:
			t.Errorf("replace: %q, then %+v", replaced.code, next)
		}
	}
}

// twiceTheSame: of two identical submissions at once, on either face, exactly one is
// stored.
func (k *kit) twiceTheSame(t *testing.T, rounds int) {
	s := k.track(t, "twice")
	for i := range rounds / 2 {
		d := s.document(t, s.patient, s.row.By, "", s.row.Type)
		lot, content := s.lot(s.patient, s.row.By, d)
		b := s.as(s.row.By)
		b.vihf(t)
		b.jwt(t)
		var answers [3]kitAnswer
		var all []func()
		for j := range answers {
			face := s.faces()[(i+j)%2]
			all = append(all, func() { answers[j] = face(t, b, lot, content) })
		}
		at(all...)
		won, lost := 0, 0
		for _, a := range answers {
			switch {
			case a.code == "":
				won++
			case strings.HasPrefix(a.code, "REG-002"):
				lost++
			}
		}
		held := 0
		for _, h := range s.held(t, s.patient.Name) {
			if h.UniqueID == d.entry.UniqueID {
				held++
			}
		}
		if won != 1 || lost != 2 || held != 1 {
			t.Errorf("%d stored, %d refused as known, %d in the registry: %s", won, lost, held, fmt.Sprint(answers[0].code, answers[1].code, answers[2].code))
		}
	}
}
