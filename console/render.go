package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

//go:embed pages
var sources embed.FS

// pages are the templates by language and name.
type pages struct {
	byLang map[string]map[string]*template.Template
	paris  *time.Location
}

// load parses every page with the frame, in each language: a page that does not parse is
// a gateway that does not start.
func (p *pages) load() (err error) {
	if p.paris, err = time.LoadLocation("Europe/Paris"); err != nil {
		return err
	}
	p.byLang = map[string]map[string]*template.Template{}
	names, err := fs.Glob(sources, "pages/*.html")
	if err != nil {
		return err
	}
	for _, lang := range languages {
		frame, err := template.New("frame.html").Funcs(p.functions(lang)).ParseFS(sources, "pages/frame.html", "pages/part-*.html")
		if err != nil {
			return err
		}
		p.byLang[lang] = map[string]*template.Template{}
		for _, file := range names {
			name := strings.TrimSuffix(path.Base(file), ".html")
			if name == "frame" || strings.HasPrefix(name, "part-") {
				continue
			}
			one, err := frame.Clone()
			if err == nil {
				one, err = one.ParseFS(sources, file)
			}
			if err != nil {
				return err
			}
			p.byLang[lang][name] = one
		}
	}
	return nil
}

// functions are what pages may call: t translates, date, day and time tell an instant in
// Paris, asset is the address of a static file.
func (p *pages) functions(lang string) template.FuncMap {
	return template.FuncMap{
		"t":     func(text string, args ...any) string { return translate(lang, text, args...) },
		"day":   func(at time.Time) string { return tellDay(lang, at.In(p.paris)) },
		"time":  func(at time.Time) string { return tellTime(lang, at.In(p.paris)) },
		"iso":   func(at time.Time) string { return at.UTC().Format(time.RFC3339) },
		"born":  func(date string) string { return tellBirth(lang, date) },
		"asset": Asset,
		"dict":  dict,
	}
}

// day is the day of an instant in Paris, in words.
func (v *visit) day(at time.Time) string { return tellDay(v.lang, at.In(v.server.pages.paris)) }

// dict makes the argument of a part out of names and values.
func dict(pairs ...any) (map[string]any, error) {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is no name", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}

// Asset is the address of a static file, with a digest of its content.
func Asset(name string) (string, error) {
	raw, err := static.ReadFile("static/" + name)
	sum := sha256.Sum256(raw)
	return "/console/static/" + name + "?" + hex.EncodeToString(sum[:6]), err
}

// view is what the frame shows around a page: V is the visit, D what the page is about.
type view struct {
	Visit   *visit
	Title   string
	Lang    string
	Other   string // address of this page in the other language
	Token   string // of the forms
	Message string // what the former page left
	Sandbox bool
	Home    string // of the side
	Menu    []item
	Names   string // of who visits
	D       any
}

// show renders a page.
func (v *visit) show(name, title string, data any) error {
	return v.render(http.StatusOK, name, title, data)
}

func (v *visit) render(status int, name, title string, data any) error {
	if v.ctx.IsAborted() {
		return nil
	}
	page := v.server.pages.byLang[v.lang][name]
	if page == nil {
		return fmt.Errorf("console: no page %s", name)
	}
	var b bytes.Buffer
	err := page.ExecuteTemplate(&b, "frame.html", view{
		Visit: v, Title: title, Lang: v.lang, Other: v.otherLanguage(), Token: v.token(), Message: v.said(), Sandbox: v.server.Sandbox,
		Home: "/" + string(v.side), Menu: v.menu(), Names: v.session.Name, D: data,
	})
	if err != nil {
		return err
	}
	v.gone = true
	v.ctx.Data(status, "text/html; charset=utf-8", b.Bytes())
	return nil
}

// redirect sends the browser on, to an address of this gateway.
func (v *visit) redirect(to string) {
	v.gone = true
	v.ctx.Redirect(http.StatusSeeOther, to)
}

// done ends an act: a message, and the page that shows its effect.
func (v *visit) done(to, message string) error {
	v.say(message)
	v.redirect(to)
	return nil
}

// fail renders findings as a page: what happened and what to do, never more than the
// error table says.
func (v *visit) fail(err error) {
	all, told := xds.FindingsOf(err)
	if !told {
		incident := v.server.NewID()
		v.server.Log.Error("incident", "request", incident, "path", v.ctx.FullPath(), "error", err)
		all = xds.Errors{xds.Incident(err, incident)}
	}
	for i, e := range all {
		if e.ID == "REG-001" {
			all[i] = &xds.Error{ID: "JSON-003"}
		}
	}
	v.server.Log.Info("page", "path", v.ctx.FullPath(), "code", all[0].ID)
	findings := v.findings(all)
	if findings[0].Code == "JSON-003" {
		findings[0].Hint = v.T("Cette page n'existe pas, n'existe plus, ou ne vous est pas ouverte.")
	}
	if err := v.render(all[0].Problem().Status, "error", v.T("Cette page ne peut pas s'afficher"), findings); err != nil && !v.gone {
		v.server.Log.Error("page", "path", v.ctx.FullPath(), "error", err)
		v.ctx.Data(http.StatusInternalServerError, "text/plain; charset=utf-8", []byte("INT-001\n"))
	}
}

// finding is an error as a page tells it.
type finding struct {
	Code, Text, Where, Expected, Hint string
	Help                              string // what to do, in words that are no integrator's
}

// findings are errors in the language of the visit; for a form that is shown again they
// stand above it, with the fields that they are about.
func (v *visit) findings(err error) []finding {
	all, told := xds.FindingsOf(err)
	if !told {
		return nil
	}
	var out []finding
	for _, e := range all {
		p := e.Problem()
		f := finding{Code: e.ID, Text: p.French, Where: e.Where, Expected: e.Expected, Hint: e.HintText()}
		doors := patientDoorWords
		if v.side == proSide {
			doors = proDoorWords
		}
		if words, door := doors[e.ID]; door {
			f.Help = v.T(words)
			f.Hint, f.Where, f.Expected = f.Help, "", "" // which name fields of messages
		}
		if v.lang == "en" {
			f.Text = strings.ToUpper(p.English[:1]) + p.English[1:]
		}
		out = append(out, f)
	}
	return out
}

// told tells findings for whoever asked from a failure, which the caller passes on: a
// form is shown again with them.
func told(err error) bool {
	_, ok := xds.FindingsOf(err)
	return ok
}

// names of the languages, the first is that of who says nothing.
var languages = []string{"fr", "en"}

// known tells whether there are pages of a language.
func known(lang string) bool { return slices.Contains(languages, lang) }
