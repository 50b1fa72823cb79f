package console

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// All accesses to a record, in plain words (S2 "l'ensemble des actions réalisées par une
// autre personne que vous", S4 "consultables à tout moment", J-2…J-5).
var historyRoutes = []route{
	{method: http.MethodGet, path: "/patient/{record}/historique", handle: (*Server).history},
	{method: http.MethodGet, path: "/patient/{record}/historique/export", handle: (*Server).exportHistory},
}

// sort is a kind of action that the history may be narrowed to.
type sort struct {
	Name, Text string
	keep       func(registry.Event) bool
}

var sorts = []sort{
	{"lecture", "Consultations de documents", only(authz.Search, authz.Retrieve)},
	{"documents", "Dépôts, remplacements, suppressions", only(authz.Submit, authz.Replace, authz.Delete)},
	{"confidentialite", "Masquage et visibilité", only(authz.Mask, authz.Unmask, authz.RevealPatient, authz.RevealReps, authz.Archive)},
	{"acces", "Autorisations et réglages", only(authz.DeclareLink, authz.Unlink, authz.Block, authz.NameAdministrator, authz.Resign, authz.SetParams)},
	{"urgence", "Accès en urgence", func(e registry.Event) bool { return e.Mode != authz.Normal }},
	{"refus", "Accès refusés", func(e registry.Event) bool { return !e.Permit }},
}

func only(actions ...authz.Value) func(registry.Event) bool {
	return func(e registry.Event) bool { return slices.Contains(actions, e.Action) }
}

// filter is what the form of the history asks for.
type filter struct {
	From, To  string // days in Paris
	Actor     string
	Sort      string
	Document  string // of which alone the lines are, "" for all
	Mine      bool   // one's own actions too
	Page      string
	Narrowed  bool // anything but what is shown at first
	Everybody bool // no actor is chosen
}

// asked reads the filter; what cannot be read is a finding.
func (v *visit) asked() (f filter, q registry.HistoryQuery, err error) {
	f = filter{From: v.query("du"), To: v.query("au"), Actor: v.query("acteur"), Sort: v.query("type"), Document: v.query("document"), Mine: v.query("moi") != "", Page: v.query("suite")}
	f.Everybody = f.Actor == ""
	f.Narrowed = f.From+f.To+f.Actor+f.Sort+f.Document != "" || f.Mine
	q = registry.HistoryQuery{Actor: f.Actor, Page: f.Page, Limit: linesOfPage}
	var findings xds.Errors
	for _, bound := range []struct {
		name, text string
		to         *time.Time
		days       int // a day is in the period to its end
	}{{"du", f.From, &q.From, 0}, {"au", f.To, &q.To, 1}} {
		if bound.text == "" {
			continue
		}
		at, err := time.ParseInLocation(time.DateOnly, bound.text, v.server.pages.paris)
		if err != nil {
			findings.Add(&xds.Error{ID: "JSON-002", Where: bound.name, Found: bound.text, Expected: "AAAA-MM-JJ"})
			continue
		}
		*bound.to = at.AddDate(0, 0, bound.days)
	}
	i := slices.IndexFunc(sorts, func(s sort) bool { return s.Name == f.Sort })
	q.Keep = func(e registry.Event) bool {
		return (f.Mine || f.Actor != "" || !e.Own) && (i < 0 || sorts[i].keep(e)) && (f.Document == "" || e.Document == "urn:uuid:"+f.Document)
	}
	return f, q, findings.Err()
}

// linesOfPage is how many lines a page shows.
const linesOfPage = 50

// historyPage is a page of the history.
type historyPage struct {
	Filter   filter
	Lines    []historyLine
	People   []standing // who may be chosen
	Sorts    []item
	Next     string // address of the older lines, "" at the end
	First    string // address of the newest ones, "" there
	CSV      string
	JSON     string
	Findings []finding
}

// history shows the accesses, newest first.
func (s *Server) history(v *visit) error {
	f, q, err := v.asked()
	page := historyPage{Filter: f, Findings: v.findings(err), CSV: v.exportOf("csv"), JSON: v.exportOf("json")}
	for _, sort := range sorts {
		page.Sorts = append(page.Sorts, item{v.T(sort.Text), sort.Name, sort.Name == f.Sort})
	}
	status := http.StatusOK
	if err != nil {
		status, q = http.StatusUnprocessableEntity, registry.HistoryQuery{Limit: linesOfPage}
	}
	events, next, err := s.Rights.History(v.context(), v.call, q)
	if status, refused := refusedForm(err); refused { // a page that is none
		page.Findings = v.findings(err)
		return v.render(status, "history-list", v.T("Historique %s", v.Of()), page)
	}
	if err != nil {
		return err
	}
	if page.Lines, err = v.tellAll(events); err != nil {
		return err
	}
	if page.People, err = s.people(v); err != nil {
		return err
	}
	if next != "" {
		page.Next = v.with("suite", next)
	}
	if f.Page != "" {
		page.First = v.with("suite", "")
	}
	return v.render(status, "history-list", v.T("Historique %s", v.Of()), page)
}

// people are the professionals whom the history may be narrowed to.
func (s *Server) people(v *visit) (all []standing, err error) {
	found, err := s.Rights.Authorizations(v.context(), v.call, "")
	for _, a := range found {
		all = append(all, v.standing(a, s.Now()))
	}
	actor := v.query("acteur")
	if actor == "" || slices.ContainsFunc(all, func(p standing) bool { return p.Professional == actor }) {
		return all, err
	}
	known, err := s.Rights.Directory(v.context(), []string{actor})
	if p, listed := known[actor]; listed {
		all = append(all, v.standing(record.Authorization{Professional: p.ID, Family: p.Family, Given: p.Given, Profession: p.Profession, Specialty: p.Specialty}, s.Now()))
	}
	return all, err
}

// tellAll puts lines into words.
func (v *visit) tellAll(events []registry.Event) ([]historyLine, error) {
	var ids []string
	for _, e := range events {
		ids = append(ids, e.Actor, e.Structure)
	}
	slices.Sort(ids)
	known, err := v.server.Rights.Directory(v.context(), slices.Compact(ids))
	var all []historyLine
	for _, e := range events {
		all = append(all, v.tell(e, known))
	}
	return all, err
}

// with is this page with one parameter changed, "" to leave it out.
func (v *visit) with(name, value string) string {
	q := v.ctx.Request.URL.Query()
	q.Del("lang")
	if q.Set(name, value); value == "" {
		q.Del(name)
	}
	return (&url.URL{Path: v.ctx.Request.URL.Path, RawQuery: q.Encode()}).String()
}

// exportOf is where what the filter finds is exported to.
func (v *visit) exportOf(format string) string {
	q := v.ctx.Request.URL.Query()
	q.Del("lang")
	q.Del("suite")
	q.Set("format", format)
	return v.at("historique", "export") + "?" + q.Encode()
}
