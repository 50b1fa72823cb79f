package console_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// file is a file that a form sends.
type file struct{ name, content string }

// bring posts a form with a file, its fields in the order given, the token of the page
// first.
func (b *browser) bring(page, path string, f file, fields ...[2]string) answer {
	b.t.Helper()
	token := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(b.get(page).body)
	if token == nil {
		b.t.Fatalf("no form on %s", page)
	}
	return b.bringRaw(path, f, append([][2]string{{"csrf", token[1]}}, fields...)...)
}

func (b *browser) bringRaw(path string, f file, fields ...[2]string) answer {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, field := range fields {
		if err := w.WriteField(field[0], field[1]); err != nil {
			b.t.Fatal(err)
		}
	}
	part, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {multipart.FileContentDisposition("fichier", f.name)}, "Content-Type": {"application/octet-stream"}})
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := part.Write([]byte(f.content)); err != nil {
		b.t.Fatal(err)
	}
	w.Close()
	return b.do(http.MethodPost, path, w.FormDataContentType(), body.String())
}

const smallPDF = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"

func fields(title, category, date string, more ...[2]string) [][2]string {
	return append([][2]string{{"titre", title}, {"categorie", category}, {"date", date}}, more...)
}

// A person adds a document, reads it, replaces it and deletes it; professionals find it
// by the matrix, on both faces, unless it is masked.
func TestOwnDocument(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice := visitor(t, base, "patient:alice")
	form := alice.record() + "/documents/ajouter"
	durand, traitant := ask{"as": "dr-durand", "patient": "alice"}, ask{"as": "dr-traitant", "patient": "alice"}
	before, count := searches(t, base, durand), len(alice.documents(""))

	const title = `Radio <script>alert(1)</script> "du" genou & 'pied'`
	got := alice.bring(form, form, file{`../../rad"io<b>.PDF`, smallPDF}, fields(title, "radio_sc", "2026-01-02")...)
	if got.status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.status, got.body)
	}
	path := got.header.Get("Location")
	page := alice.get(path)
	if strings.Contains(page.body, "<script>alert") || !strings.Contains(page.body, "Radio &lt;script&gt;") || !strings.Contains(page.body, "Ajouté par moi") || !strings.Contains(page.body, "Le document est ajouté.") {
		t.Errorf("%d %s", page.status, page.body)
	}
	piece := alice.get(path + "/piece/0")
	if piece.body != smallPDF || piece.header.Get("Content-Type") != "application/pdf" || piece.header.Get("Content-Disposition") != "inline" {
		t.Errorf("%v %q", piece.header, piece.body)
	}
	kept := alice.get(path + "/piece/0?telecharger=1")
	if name := kept.header.Get("Content-Disposition"); kept.header.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(name, "attachment;") || strings.ContainsAny(name, "<>/\n") {
		t.Errorf("%v", kept.header)
	}
	if after := searches(t, base, durand); len(after.ids) != len(before.ids)+1 {
		t.Errorf("dr-durand finds %d, %d before", len(after.ids), len(before.ids))
	}

	got = alice.bring(path+"/remplacer", path+"/remplacer", file{"mieux.txt", "Radio relue le 3 janvier : rien."}, fields("Radio relue", "radio_sc", "2026-01-03")...)
	if got.status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.status, got.body)
	}
	newer := got.header.Get("Location")
	if page := alice.get(newer).body; !strings.Contains(page, "Radio relue le 3 janvier") || !strings.Contains(page, "Versions précédentes") || !strings.Contains(page, "Radio &lt;script&gt;") {
		t.Errorf("%s", page)
	}
	if list := alice.documents(""); len(list) != count+1 || slices.Contains(list, path) {
		t.Errorf("%d documents, %d before", len(list), count)
	}

	masked := alice.bring(form, form, file{"note.txt", "Pour mon médecin."}, fields("Note masquée", "autr_doc", "2026-01-04", [2]string{"masque", "oui"})...)
	if masked.status != http.StatusSeeOther {
		t.Fatalf("%d %s", masked.status, masked.body)
	}
	secret := alice.uniqueID(masked.header.Get("Location"))
	if slices.Contains(searches(t, base, durand).ids, secret) || !slices.Contains(searches(t, base, traitant).ids, secret) {
		t.Error("a document that was added masked is not")
	}

	if page := alice.get(newer + "/supprimer"); page.status != http.StatusOK || !strings.Contains(page.body, "définitif") {
		t.Errorf("%d %s", page.status, page.body)
	}
	if got := alice.post(newer+"/supprimer", newer+"/supprimer", nil); got.status != http.StatusSeeOther {
		t.Errorf("%d %s", got.status, got.body)
	}
	for _, gone := range []string{path, newer, newer + "/supprimer"} {
		if got := alice.get(gone); got.status != http.StatusNotFound {
			t.Errorf("%s after it was deleted: %d", gone, got.status)
		}
	}
	others := alice.documents("?q=pr%C3%A9-anesth%C3%A9sique")[0]
	if got := alice.post(others, others+"/supprimer", nil); got.status != http.StatusForbidden || !strings.Contains(got.body, "ACC-34") {
		t.Errorf("a professional's document: %d %s", got.status, got.body)
	}
	if got := alice.bring(form, others+"/remplacer", file{"a.txt", "a"}, fields("x", "autr_doc", "2026-01-04")...); got.status != http.StatusForbidden || !strings.Contains(got.body, "ACC-31") {
		t.Errorf("a professional's document: %d %s", got.status, got.body)
	}
}

// What may be added is bounded by its name, its bytes and its length; nothing is read of
// a form without its token, and a refusal keeps what was typed.
func TestAddingIsBounded(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice, leo := visitor(t, base, "patient:alice"), visitor(t, base, "delegate:alice")
	form := alice.record() + "/documents/ajouter"
	full := fields("Un titre", "autr_doc", "2026-01-02")
	for _, c := range []struct {
		name   string
		file   file
		fields [][2]string
		status int
		code   string
	}{
		{"a PNG", file{"a.png", "\x89PNG\r\n\x1a\n"}, full, http.StatusUnprocessableEntity, "WEB-021"},
		{"HTML named PDF", file{"a.pdf", "<html><script>alert(1)</script>"}, full, http.StatusUnprocessableEntity, "WEB-021"},
		{"a program named text", file{"a.txt", "MZ\x90\x00"}, full, http.StatusUnprocessableEntity, "WEB-021"},
		{"a JPEG named TIFF", file{"a.tiff", "\xff\xd8\xff\xe0"}, full, http.StatusUnprocessableEntity, "WEB-021"},
		{"nothing", file{"a.pdf", ""}, full, http.StatusUnprocessableEntity, "WEB-021"},
		{"no file", file{"", ""}, full, http.StatusUnprocessableEntity, "JSON-002"},
		{"one byte too long", file{"a.txt", strings.Repeat("a", 5<<20+1)}, full, http.StatusRequestEntityTooLarge, "WEB-020"},
		{"much too long", file{"a.pdf", "%PDF-" + strings.Repeat("a", 12<<20)}, full, http.StatusRequestEntityTooLarge, "WEB-020"},
		{"no title", file{"a.txt", "a"}, fields("", "autr_doc", "2026-01-02"), http.StatusUnprocessableEntity, "JSON-002"},
		{"a title too long", file{"a.txt", "a"}, fields(strings.Repeat("é", 129), "autr_doc", "2026-01-02"), http.StatusUnprocessableEntity, "JSON-002"},
		{"a category of professionals", file{"a.txt", "a"}, fields("x", "remb", "2026-01-02"), http.StatusUnprocessableEntity, "JSON-002"},
		{"a day to come", file{"a.txt", "a"}, fields("x", "autr_doc", "2999-01-01"), http.StatusUnprocessableEntity, "JSON-002"},
	} {
		got := alice.bring(form, form, c.file, c.fields...)
		if got.status != c.status || !strings.Contains(got.body, c.code) {
			t.Errorf("%s: %d %s", c.name, got.status, got.body)
		}
		if c.fields[0][1] == "Un titre" && !strings.Contains(got.body, `value="Un titre"`) {
			t.Errorf("%s: the title is lost", c.name)
		}
	}
	for name, got := range map[string]answer{
		"no token":          alice.bringRaw(form, file{"a.txt", "a"}, full...),
		"another token":     alice.bringRaw(form, file{"a.txt", "a"}, append([][2]string{{"csrf", "x"}}, full...)...),
		"the token last":    alice.bringRaw(form, file{"a.txt", "a"}, append(slices.Clone(full), [2]string{"csrf", "x"})...),
		"a form of no file": alice.post(form, form, url.Values{"titre": {"x"}}),
	} {
		if got.status != http.StatusForbidden || !strings.Contains(got.body, "WEB-001") {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	for name, content := range map[string]string{"a.txt": strings.Repeat("a\n", 5<<19), "b.rtf": `{\rtf1 b}`, "c.jpeg": "\xff\xd8\xff\xe0 c", "d.TIF": "II*\x00 d"} {
		if got := alice.bring(form, form, file{name, content}, fields(name, "autr_doc", "2026-01-02")...); got.status != http.StatusSeeOther {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		} else if page := alice.get(got.header.Get("Location")); page.status != http.StatusOK {
			t.Errorf("%s: %d", name, page.status)
		}
	}
	if got := leo.bring(form, form, file{"leo.txt", "De la part de Léo."}, fields("Mot de Léo", "autr_doc", "2026-01-02")...); got.status != http.StatusSeeOther {
		t.Errorf("a relative may add: %d %s", got.status, got.body)
	}
	mot := leo.titled("Mot de Léo")
	if got := leo.post(mot, mot+"/supprimer", nil); got.status != http.StatusForbidden || !strings.Contains(got.body, "ACC-34") {
		t.Errorf("a relative may not delete: %d %s", got.status, got.body)
	}
	if got := alice.get(alice.titled("Mot de Léo")).body; !strings.Contains(got, "Ajouté par un proche") {
		t.Error("alice is not told who added it")
	}
}

// The form in a real browser, with and without JavaScript.
func TestAddingInABrowser(t *testing.T) {
	t.Parallel()
	base := open(t)
	pdf := filepath.Join(t.TempDir(), "ordonnance.pdf")
	if err := os.WriteFile(pdf, []byte(smallPDF), 0o600); err != nil {
		t.Fatal(err)
	}
	s := look(t, base, "patient:alice")
	record := visitor(t, base, "patient:alice").record()
	for _, script := range []bool{true, false} {
		if !script {
			s.withoutScript()
		}
		s.open(record + "/documents")
		s.click("a", "Ajouter un document")
		s.everyWidth("add")
		s.fill("titre", "Ordonnance de lunettes")
		s.fill("categorie", "ord_soin")
		s.attach("fichier", pdf)
		s.click("main button", "Ajouter")
		if got := s.text(".done"); got != "Le document est ajouté." {
			t.Fatalf("%q %s", got, s.text("main"))
		}
		s.click("a", "Supprimer")
		s.everyWidth("delete")
		s.click("button", "Supprimer")
		if got := s.text(".done"); got != "Le document est supprimé." {
			t.Errorf("%q", got)
		}
	}
	s.open(record + "/documents/ajouter")
	s.fill("titre", "x")
	eval[bool](s, `document.querySelectorAll("[required]").forEach(e => e.required = false), true`)
	s.click("main button", "Ajouter")
	s.everyWidth("add-refused")
}
