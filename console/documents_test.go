package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// record is the address of the record of a visitor.
func (b *browser) record() string {
	b.t.Helper()
	at := b.get("/patient").header.Get("Location")
	if at == "" {
		b.t.Fatal("no record of one's own")
	}
	return at
}

var linkToDocument = regexp.MustCompile(`href="(/patient/[0-9a-f-]+/documents/[0-9a-f-]{36})"`)

// documents are the addresses of the documents of all pages of a list.
func (b *browser) documents(query string) (all []string) {
	b.t.Helper()
	for path := b.record() + "/documents" + query; path != ""; {
		page := b.get(path)
		if page.status != http.StatusOK {
			b.t.Fatalf("%s: %d %s", path, page.status, page.body)
		}
		for _, m := range linkToDocument.FindAllStringSubmatch(page.body, -1) {
			if slices.Contains(all, m[1]) {
				b.t.Errorf("%s is listed twice", m[1])
			}
			all = append(all, m[1])
		}
		path = ""
		if next := regexp.MustCompile(`href="([^"]+)" rel="next"`).FindStringSubmatch(page.body); next != nil {
			path = strings.ReplaceAll(next[1], "&amp;", "&")
		}
	}
	return all
}

// titled is the address of the one document with a title.
func (b *browser) titled(title string) string {
	b.t.Helper()
	found := b.documents("?q=" + url.QueryEscape(title))
	if len(found) != 1 {
		b.t.Fatalf("%d documents of title %q", len(found), title)
	}
	return found[0]
}

// A list holds what its reader sees and asked for, in whole pages.
func TestDocumentList(t *testing.T) {
	t.Parallel()
	alice := visitor(t, open(t), "patient:alice")
	everything := alice.documents("")
	if len(everything) < 21 {
		t.Fatalf("%d documents are no two pages", len(everything))
	}
	oldest := alice.documents("?tri=anciens")
	slices.Reverse(oldest)
	if !slices.Equal(everything, oldest) {
		t.Errorf("the other order has others: %d, %d", len(everything), len(oldest))
	}
	sum := 0
	for _, c := range []string{"ord_soin", "cpt_rend", "biologie", "radio_sc", "synthese", "car_vac", "depistag", "cert_med", "doc_adm", "dir_ant", "vdp", "synth_pml", "quest_sante", "remb", "autr_doc"} {
		sum += len(alice.documents("?categorie=" + c))
	}
	if sum != len(everything) {
		t.Errorf("the categories hold %d of %d documents", sum, len(everything))
	}
	for query, most := range map[string]int{"?categorie=biologie": 10, "?q=Garnier+cabinet+introuvable": 0, "?etat=miens": 10, "?du=2999-01-01": 0, "?categorie=x": len(everything), "?apres=" + strings.Repeat("x", 50): len(everything)} {
		if got := len(alice.documents(query)); got > most || most > 0 && got == 0 {
			t.Errorf("%s: %d documents", query, got)
		}
	}
	if got := len(alice.documents("?q=DURAND")); got == 0 || got == len(everything) {
		t.Errorf("by author: %d", got)
	}
}

// Every document of everybody can be opened, read and downloaded; as many of its kind as
// there are to look at, in a real browser.
func TestDocumentPages(t *testing.T) {
	t.Parallel()
	base := open(t)
	for _, who := range []string{"patient:alice", "rep:chloe", "patient:gina"} {
		b := visitor(t, base, who)
		for _, path := range b.documents("") {
			page := b.get(path)
			if page.status != http.StatusOK || !strings.Contains(page.body, `class="preview"`) {
				t.Errorf("%s %s: %d %s", who, path, page.status, page.body)
			}
			raw := b.get(path + "/fichier")
			if raw.status != http.StatusOK || raw.header.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(raw.header.Get("Content-Disposition"), "attachment;") ||
				!strings.HasPrefix(raw.header.Get("Content-Security-Policy"), "sandbox") || raw.header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(raw.body[:200], "ClinicalDocument") {
				t.Errorf("%s/fichier: %d %v", path, raw.status, raw.header)
			}
		}
	}
	s := look(t, base, "patient:alice")
	alice := visitor(t, base, "patient:alice")
	s.open(alice.record() + "/documents")
	s.everyWidth("documents")
	for _, title := range []string{"Consultation pré-anesthésique", "personne de confiance", "radiographie", "Bilan"} {
		found := alice.documents("?q=" + url.QueryEscape(title))
		if len(found) == 0 {
			t.Errorf("nothing is called %s", title)
			continue
		}
		if got := s.open(found[0]); got != http.StatusOK {
			t.Errorf("%s: %d", title, got)
		}
		s.everyWidth("document-" + strings.Fields(title)[0])
	}
	s.click("a", "Qui peut voir")
	s.everyWidth("document-audience")
	s.withoutScript()
	s.click("button", "Masquer ce document")
	if got := s.text(".done"); !strings.HasPrefix(got, "Le document est masqué") {
		t.Errorf("after masking: %q", got)
	}
	s.everyWidth("document-masked")
	s.open(alice.record() + "/confidentialite")
	s.everyWidth("confidentiality")
}
