package errorpage

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
)

func get(path, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	w := httptest.NewRecorder()
	ServeHTTP(w, r)
	return w
}

// TestEveryRowHasAPage: every code of the table has a family, a page in both languages,
// a hint or a reason for none, and what a client may send wrong has a sample.
func TestEveryRowHasAPage(t *testing.T) {
	sampled := 0
	for _, p := range xds.Problems {
		if familyOf(p.ID).prefix == "" {
			t.Errorf("%s: no family, put one into families", p.ID)
		}
		r, ok := Find(strings.ToLower(p.ID))
		if !ok || r.Hint == "" && r.Reason == "" {
			t.Errorf("%s: no hint, and no reason for none", p.ID)
		}
		w := get(Path+p.ID, "text/html")
		html := w.Body.String()
		for _, text := range []string{p.ID, p.French, p.English, p.Hint, p.Registry} {
			text = strings.NewReplacer("&", "&amp;", "'", "&#39;", `"`, "&#34;", "<", "&lt;", ">", "&gt;", "+", "&#43;").Replace(text)
			if !strings.Contains(html, text) {
				t.Errorf("%s: the page does not say %s", p.ID, text)
			}
		}
		if w.Code != http.StatusOK || strings.Contains(html, "<script") || strings.Contains(html, "http-equiv") || strings.Contains(html, "src=") {
			t.Errorf("%s: %d", p.ID, w.Code)
		}
		if (r.Bad == "") != (r.Good == "") {
			t.Errorf("%s: half a sample", p.ID)
		}
		if r.Bad != "" {
			sampled++
		}
		if !strings.Contains(get(Path[:len(Path)-1], "").Body.String(), `href="/errors/`+p.ID+`"`) {
			t.Errorf("%s does not stand in the index", p.ID)
		}
	}
	for code := range samples {
		if _, ok := Find(code); !ok {
			t.Errorf("a sample of %q, which the table has not", code)
		}
	}
	if sampled < 100 {
		t.Errorf("only %d samples", sampled)
	}
}

// TestRowSaysWhatClientsRead: of a transaction the code of the actor that answers it.
func TestRowSaysWhatClientsRead(t *testing.T) {
	for _, c := range []struct{ code, transaction, want string }{
		{"META-003", "ITI-41", "XDSRepositoryMetadataError"}, {"META-003", "ITI-42", "XDSRegistryMetadataError"}, {"META-003", "INTAKE-CDA", "XDSRepositoryMetadataError"},
		{"ACC-04", "ITI-18", "XDSRegistryError"}, {"ACC-04", "ITI-43", "XDSRepositoryError"}, {"QRY-002", "ITI-18", "XDSStoredQueryMissingParam"}, {"DOC-001", "ITI-41", "XDSMissingDocument"},
		{"DOC-001", "ITI-18", "XDSRegistryError"}, {"DOC-003", "ITI-43", "XDSDocumentUniqueIdError"},
		{"SAML-004", "ITI-18", "Fault Sender/wsse:SecurityTokenUnavailable"}, {"SOAP-001", "ITI-41", "Fault Sender"}, {"TOK-001", "ITI-67", ""},
	} {
		r, _ := Find(c.code)
		found := false
		for _, tr := range r.Transactions {
			if tr.Name == c.transaction {
				found = tr.Code == c.want
			}
		}
		if !found {
			t.Errorf("%s on %s: %+v", c.code, c.transaction, r.Transactions)
		}
	}
	if r, _ := Find("CONF-001"); r.HTTP != 0 || r.Issue != "" || len(r.Transactions) != 0 {
		t.Errorf("no client gets CONF-001: %+v", r)
	}
}

func TestServe(t *testing.T) {
	for _, c := range []struct {
		path, accept string
		status       int
		kind, holds  string
	}{
		{"/errors", "", 200, "text/html", "META-003"},
		{"/errors/", "text/html,*/*", 200, "text/html", `id="META"`},
		{"/errors", "application/json", 200, "application/json", `"code": "ACC-04"`},
		{"/errors/meta-003", "application/json", 200, "application/json", `"transaction": "ITI-41"`},
		{"/errors/META-003", "text/html, application/json", 200, "text/html", "NORMAL"},
		{"/errors/META-0033", "", 404, "text/html", "META-003"},
		{"/errors/<script>alert(1)</script>", "", 404, "text/html", "Code inconnu"},
		{"/errors/META-0033", "application/json", 404, "application/json", `"META-003"`},
		{"/errors/style.css", "", 200, "text/css", "color-scheme"},
	} {
		w := get(c.path, c.accept)
		body := w.Body.String()
		if w.Code != c.status || !strings.HasPrefix(w.Header().Get("Content-Type"), c.kind) || !strings.Contains(body, c.holds) || strings.Contains(body, "<script") {
			t.Errorf("%s (%s): %d %s %.200s", c.path, c.accept, w.Code, w.Header().Get("Content-Type"), body)
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; style-src 'self';") || strings.Contains(csp, "unsafe-") {
			t.Errorf("%s: %s", c.path, csp)
		}
		if c.kind == "application/json" && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: no JSON", c.path)
		}
	}
}
