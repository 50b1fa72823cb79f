package console_test

import (
	"net/http"
	"strings"
	"testing"
)

// The first page counts what came since the last visit and is visible to its visitor:
// not what he brought himself, not what is hidden from him. A record that is not open
// leads to the page of its life.
func TestHome(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice := visitor(t, base, "patient:alice")
	home := alice.record()
	if got := alice.get(home).body; !strings.Contains(got, "Derniers documents") || !strings.Contains(got, "Claire Carpentier") || strings.Contains(got, "Serge Bridoux") {
		t.Errorf("the first visit: %s", got)
	}
	leo := visitor(t, base, "delegate:alice")
	for _, b := range []*browser{alice, leo} {
		form := home + "/documents/ajouter"
		if got := b.bring(form, form, file{"a.txt", "a"}, fields("Document nouveau", "autr_doc", "2026-01-02")...); got.status != http.StatusSeeOther {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	if got := alice.get(home).body; !strings.Contains(got, "Derniers documents") {
		t.Errorf("the same visit: %s", got)
	}
	alice.get(home)
	leoForm := home + "/documents/ajouter"
	if got := leo.bring(leoForm, leoForm, file{"b.txt", "b"}, fields("Encore un", "autr_doc", "2026-01-02")...); got.status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.status, got.body)
	}
	again := visitor(t, base, "patient:alice")
	if got := again.get(home).body; !strings.Contains(got, "1 nouveau document") || !strings.Contains(got, "Encore un") {
		t.Errorf("the second visit: %s", got)
	}
	emma := visitor(t, base, "patient:emma")
	if got := emma.get(emma.record()); got.status != http.StatusSeeOther || !strings.HasSuffix(got.header.Get("Location"), "/parametres/vie") {
		t.Errorf("closed: %d %s", got.status, got.body)
	}
	s := look(t, base, "patient:alice")
	s.open(home)
	s.everyWidth("home-record")
	s.open(home + "?lang=en")
	s.everyWidth("home-english")
}
