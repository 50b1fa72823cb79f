package registry_test

import (
	"fmt"
	"testing"

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
