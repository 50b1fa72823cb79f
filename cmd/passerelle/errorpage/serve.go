package errorpage

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

//go:embed page.html
var pageHTML string

//go:embed style.css
var styleCSS []byte

var page = template.Must(template.New("page").Parse(pageHTML))

// view is what the template shows: one row, or the index.
type view struct {
	Title  string
	One    *Row
	Groups []group
}

// group is a family in the index.
type group struct {
	Family, French, English string
	Rows                    []Row
}

// ServeHTTP answers GET /errors (the index), /errors/CODE and the style sheet of both:
// HTML, or JSON for who accepts nothing else.
func ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Vary", "Accept")
	code := strings.Trim(strings.TrimPrefix(r.URL.Path, strings.TrimSuffix(Path, "/")), "/")
	switch code {
	case "style.css":
		write(w, http.StatusOK, "text/css; charset=utf-8", styleCSS)
	case "":
		if wantsJSON(r) {
			writeJSON(w, http.StatusOK, map[string]any{"errors": Rows()})
			return
		}
		writePage(w, http.StatusOK, view{Title: "Codes d'erreur", Groups: groups()})
	default:
		one(w, r, code)
	}
}

// one answers for one code; an unknown one gets those that it may stand for.
func one(w http.ResponseWriter, r *http.Request, code string) {
	found, ok := Find(code)
	if !ok {
		unknown(w, r, code)
		return
	}
	if wantsJSON(r) {
		writeJSON(w, http.StatusOK, found)
		return
	}
	writePage(w, http.StatusOK, view{Title: found.Code + " " + found.French, One: &found})
}

// unknown is the page of a code that the table has not: the nearest ones.
func unknown(w http.ResponseWriter, r *http.Request, code string) {
	var ids []string
	for _, p := range xds.Problems {
		ids = append(ids, p.ID)
	}
	nearest := xds.Nearest(strings.ToUpper(xds.Shorten(code)), ids, 3)
	if wantsJSON(r) {
		writeJSON(w, http.StatusNotFound, map[string]any{"error": "code inconnu", "nearest": nearest})
		return
	}
	g := group{French: "Code inconnu ; proches :", English: "Unknown code; nearest:"}
	for _, id := range nearest {
		if near, ok := Find(id); ok {
			g.Rows = append(g.Rows, near)
		}
	}
	writePage(w, http.StatusNotFound, view{Title: "Code inconnu", Groups: []group{g}})
}

// groups are the rows by family.
func groups() []group {
	var all []group
	rows := Rows()
	for _, f := range families {
		g := group{Family: f.prefix, French: f.french, English: f.english}
		for _, row := range rows {
			if strings.HasPrefix(row.Code, f.prefix+"-") {
				g.Rows = append(g.Rows, row)
			}
		}
		if len(g.Rows) > 0 {
			all = append(all, g)
		}
	}
	return all
}

// wantsJSON tells whether a client asks for JSON and not for a page.
func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}

func writePage(w http.ResponseWriter, status int, v view) {
	var b bytes.Buffer
	if err := page.Execute(&b, v); err != nil {
		panic(err) // a template of ours and texts
	}
	write(w, status, "text/html; charset=utf-8", b.Bytes())
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic(err) // texts and numbers
	}
	write(w, status, "application/json; charset=utf-8", b.Bytes())
}

func write(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}
