package registry_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// pages reads a history to its end.
func (w *world) pages(sub authz.Subject, first string) (pages [][]registry.Event, links []string) {
	w.t.Helper()
	for page := first; ; {
		var events []registry.Event
		err := w.reg.Read(w.t.Context(), func(s *registry.Session) error {
			a, err := w.gate.OpenProfile(w.t.Context(), s, sub, w.alice, authz.Purpose{Action: authz.Journal})
			if err != nil {
				return err
			}
			events, page, err = s.History(w.t.Context(), a, registry.HistoryQuery{Page: page})
			return err
		})
		if err != nil {
			w.t.Fatal(err)
		}
		pages = append(pages, events)
		if page == "" {
			return pages, links
		}
		links = append(links, page)
	}
}

// A page position may tell nothing about withheld lines: neither what it says nor
// what one that the reader makes up skips.
func TestHistoryPagesTellNothingOfWithheldLines(t *testing.T) {
	w := newWorld(t)
	for i := range 230 {
		w.find(doctor("inconnu"), xds.Query{})
		if i%40 == 19 || i == 129 { // the 130th search from the newest ends a page
			w.mustSubmit(lab, w.lot(xds.MarkHiddenPatient))
		}
	}
	pages, links := w.pages(holder(w), "")
	total := 0
	for i, events := range pages {
		total += len(events)
		if i == len(pages)-1 {
			continue
		}
		if want := fmt.Sprintf("%d.1", events[len(events)-1].At.UnixMicro()); links[i] != want {
			t.Errorf("page %d ends with %s, its last line is %s", i, links[i], want)
		}
	}
	if total != 230 {
		t.Errorf("%d lines, want 230: the searches and no hidden deposit", total)
	}

	w.mustSubmit(lab, w.lot(xds.MarkHiddenPatient))
	made, _ := w.pages(holder(w), "")
	lines := 0
	for _, events := range made {
		lines += len(events)
	}
	for skip := range 5 {
		lines++ // the look of the round before
		w.mustSubmit(lab, w.lot(xds.MarkHiddenPatient))
		made, _ := w.pages(holder(w), fmt.Sprintf("%d.%d", pages[0][0].At.UnixMicro()+1e12, skip))
		got := 0
		for _, events := range made {
			got += len(events)
		}
		lines += len(made) - 1
		if got != lines {
			t.Errorf("a position made up to skip %d lines gives %d, want %d", skip, got, lines)
		}
	}
}

// What the history tells of a request by id that found nothing may not depend on
// whether the id is hidden or unknown.
func TestHistoryTellsNoHiddenIDFromAnUnknownOne(t *testing.T) {
	w := newWorld(t)
	birth := w.lot(xds.MarkHiddenPatient)
	birth.Documents[0].TypeCode.Value = "15508-5" // closed to podiatrists
	hidden := w.mustSubmit(lab, birth).LogicalID
	masked := w.mustSubmit(lab, w.lot(xds.MarkMaskedPS)).LogicalID
	podiatrist, urgent := doctor("podo"), doctor("urgences")
	podiatrist.Profession, podiatrist.Specialty = "80", ""
	w.link(podiatrist)
	urgent.Mode, urgent.Reason = authz.BrisDeGlace, "inconscient"
	urgent.Traits = authz.Traits{Family: "DURAND", Given: "Alice", BirthDate: "19790315"}
	for _, c := range []struct {
		name   string
		asks   authz.Subject
		id     string
		reads  authz.Subject
		action authz.Value
	}{
		{"the holder's own line", holder(w), hidden, holder(w), authz.Journal},
		{"her delegate's, read by the holder", authz.Subject{Nature: authz.NaturePerson, ID: "leo"}, hidden, holder(w), authz.Journal},
		{"a professional's own line", podiatrist, hidden, podiatrist, authz.OwnJournal},
		{"one of an emergency", urgent, masked, doctor("urgences"), authz.OwnJournal},
	} {
		if got, unknown := w.lineOf(c.asks, c.id, c.reads, c.action), w.lineOf(c.asks, "urn:uuid:"+newID(), c.reads, c.action); !reflect.DeepEqual(got, unknown) {
			t.Errorf("%s: hidden %+v, unknown %+v", c.name, got, unknown)
		}
	}
}

// lineOf is what the history tells a reader of a retrieval that found nothing; an
// empty line when it tells nothing.
func (w *world) lineOf(asks authz.Subject, id string, reads authz.Subject, action authz.Value) registry.Event {
	w.t.Helper()
	var asked time.Time
	var told registry.Event
	asks.Patient = w.alice // a token that names no patient leaves no line of an unknown id
	w.do(func(s *registry.Session) error {
		asked = s.Now()
		sc, err := w.gate.Open(w.t.Context(), s, asks, w.alice, authz.Purpose{Action: authz.Retrieve, ByID: true})
		if err != nil {
			return err
		}
		docs, err := s.Get(w.t.Context(), sc, id)
		if len(docs) > 0 {
			w.t.Errorf("%s sees the document", asks.ID)
		}
		return err
	})
	w.do(func(s *registry.Session) error {
		a, err := w.gate.OpenProfile(w.t.Context(), s, reads, w.alice, authz.Purpose{Action: action})
		if err != nil {
			return err
		}
		events, _, err := s.History(w.t.Context(), a, registry.HistoryQuery{From: asked.Truncate(time.Microsecond)})
		for _, e := range events {
			if e.Action == authz.Retrieve {
				// The API shows no code, and Documents by Event.Document alone.
				e.At, e.Documents, e.Code, e.Seq = time.Time{}, nil, "", 0
				told = e
			}
		}
		return err
	})
	if told.Actor == "" {
		w.t.Errorf("%s: no line", reads.ID)
	}
	return told
}
