package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
)

var proDocumentRoutes = []route{
	{method: http.MethodGet, path: "/pro/{record}/documents", handle: (*Server).proDocuments},
	{method: http.MethodGet, path: "/pro/{record}/documents/{document}", handle: (*Server).proDocument},
	{method: http.MethodGet, path: "/pro/{record}/documents/{document}/fichier", handle: (*Server).proDownload},
	{method: http.MethodPost, path: "/pro/{record}/documents/{document}/acte", handle: (*Server).proAct},
}

const (
	proPage = 50 // documents of a page
	recent  = 2  // years that a first search goes back, vaccinations apart (domain §3.3)
)

// proFilter narrows the documents of a record, as its form is filled in.
type proFilter struct {
	Type     string // code
	From, To string // days
	Author   string
	State    string // of stateWords, "" = current documents
	All      bool   // whatever their date
	Page     string // sealed
	findings xds.Errors
}

// proFilter reads the form, from the address or from a body.
func (v *visit) proFilter(get func(string) string) proFilter {
	f := proFilter{Type: get("type"), From: get("du"), To: get("au"), Author: xds.Shorten(get("auteur")), State: get("etat"), All: get("tout") != "", Page: get("page")}
	for _, day := range []struct {
		text *string
		name string
	}{{&f.From, v.T("Du")}, {&f.To, v.T("Au")}} {
		if _, err := time.Parse(time.DateOnly, *day.text); err != nil && *day.text != "" {
			f.findings.Add(&xds.Error{ID: "JSON-002", Where: day.name, Expected: v.T("une date (AAAA-MM-JJ)")})
			*day.text = ""
		}
	}
	if _, known := stateWords[f.State]; !known {
		f.State = ""
	}
	return f
}

// stateWords are the choices of the filter (EX_3.1-1030).
var stateWords = map[string]string{
	"": "Documents en cours", "masques": "Masqués aux professionnels", "caches-patient": "Non visibles du patient", "caches-representants": "Non visibles des représentants légaux",
	"archives": "Archivés", "obsoletes": "Obsolètes",
}

// stateOrder is their order in the form.
var stateOrder = []string{"", "masques", "caches-patient", "caches-representants", "archives", "obsoletes"}

// query is what the registry is asked. A first search goes two years back, but for
// vaccinations, which are for life.
func (f proFilter) query(now time.Time) xds.Query {
	q := xds.Query{Limit: proPage}
	status := xds.Approved
	switch f.State {
	case "archives":
		status = xds.Archived
	case "obsoletes":
		status = xds.Deprecated
	case "masques", "caches-patient", "caches-representants":
		mark := map[string]string{"masques": xds.MarkMaskedPS, "caches-patient": xds.MarkHiddenPatient, "caches-representants": xds.MarkHiddenReps}[f.State]
		q = q.With(xds.EqualCodes(xds.AttrConfidentiality, xds.Code{Value: mark, Scheme: xds.MarkScheme}))
	}
	q = q.With(xds.StatusIs(status))
	if f.Type != "" {
		q = q.With(xds.EqualCodes(xds.AttrTypeCode, xds.Code{Value: f.Type}))
	}
	if f.Author != "" {
		q = q.With(xds.AnyOf(xds.Match{Attribute: xds.AttrAuthorFamily, Op: xds.Contains, Texts: []string{f.Author}}, xds.Match{Attribute: xds.AttrInstitutionName, Op: xds.Contains, Texts: []string{f.Author}}))
	}
	if span := f.span(); span != (xds.Span{}) {
		q = q.With(xds.Match{Attribute: xds.AttrCreationTime, Op: xds.Within, Span: span})
	} else if f.Recent() {
		q = q.With(xds.AnyOf(
			xds.Match{Attribute: xds.AttrCreationTime, Op: xds.Within, Span: xds.Span{From: now.AddDate(-recent, 0, 0)}},
			xds.EqualCodes(xds.AttrTypeCode, vaccination.Types()...)))
	}
	return q
}

// Recent tells a search that goes two years back.
func (f proFilter) Recent() bool { return !f.All && f.From == "" && f.To == "" }

func (f proFilter) span() (s xds.Span) {
	s.From, _ = time.Parse(time.DateOnly, f.From)
	if to, err := time.Parse(time.DateOnly, f.To); err == nil {
		s.To = to.AddDate(0, 0, 1)
	}
	return s
}

// key says which search a page belongs to.
func (f proFilter) key() string {
	f.Page = ""
	return "documents " + f.values().Encode()
}

// values are the fields of the form.
func (f proFilter) values() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"type": f.Type, "du": f.From, "au": f.To, "auteur": f.Author, "etat": f.State, "page": f.Page} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.All {
		q.Set("tout", "1")
	}
	return q
}

// proDocumentList is the page of the documents of a record.
type proDocumentList struct {
	proSheet
	Findings []finding
	Filter   proFilter
	Types    []xds.Code
	States   []option
	Rows     []proRow
	Next     string // sealed place of the next page
	NextURL  string
	WideURL  string // the same without the two years
}

// option is one of a choice.
type option struct {
	Value, Text string
	Chosen      bool
}

// proRow is a document in a list.
type proRow struct {
	ID, Title, Type string
	Author          string
	Day             time.Time
	Tags            []tag
}

func (s *Server) proDocuments(v *visit) error { return v.proList(v.proFilter(v.query)) }

// proList shows the documents that the visitor may see: the Gate's Scope says which, as
// on the faces, and what it hides is counted nowhere.
func (v *visit) proList(f proFilter) error {
	query := f.query(v.server.Now())
	if f.Page != "" && !v.unseal(f.key(), f.Page, &query.After) {
		f.findings.Add(&xds.Error{ID: "JSON-002", Where: v.T("page"), Expected: v.T("une page de cette recherche")})
		f.Page = ""
	}
	var page registry.Page
	at, err := v.server.Rights.Consult(v.context(), v.call, v.call.Purpose(authz.Search, "documents"), func(session *registry.Session, scope authz.Scope) (err error) {
		query.Patient = scope.Patient()
		page, err = session.Find(v.context(), scope, query)
		return err
	})
	if err != nil {
		return err
	}
	list := proDocumentList{proSheet: proSheet{at, v.emergency}, Findings: v.findings(f.findings), Filter: f, Types: documentTypes, Rows: v.proRows(page.Documents)}
	for _, state := range stateOrder {
		list.States = append(list.States, option{state, v.T(stateWords[state]), state == f.State})
	}
	if page.Next != nil {
		if list.Next, err = v.seal(f.key(), page.Next); err != nil {
			return err
		}
		next := f
		next.Page = list.Next
		list.NextURL = v.at("documents") + "?" + next.values().Encode()
	}
	wide := f
	wide.All, wide.Page = true, ""
	list.WideURL = v.at("documents") + "?" + wide.values().Encode()
	return v.show("pro-documents", v.T("Documents"), list)
}

// documentTypes are those of the DMP, by name.
var documentTypes = func() []xds.Code {
	all := slices.Clone(dmp.ValueSets()[xds.AttrTypeCode].Codes)
	slices.SortFunc(all, func(a, b xds.Code) int { return strings.Compare(a.Display, b.Display) })
	return all
}()

func (v *visit) proRows(documents []authz.Visible[xds.Document]) (rows []proRow) {
	for _, visible := range documents {
		if d, ok := visible.Value(); ok {
			rows = append(rows, v.proRowOf(d))
		}
	}
	return rows
}

func (v *visit) proRowOf(d xds.Document) proRow {
	return proRow{
		ID: strings.TrimPrefix(d.Entry.LogicalID, "urn:uuid:"), Title: d.Entry.Title, Type: typeName(d.Entry.TypeCode), Author: authorNames(d.Entry.Authors),
		Day: d.Entry.CreationTime.Start(), Tags: v.proTags(d),
	}
}

// proTags are the states of a document in words (EX_3.1-1080), all of them to every reader
// of the document (policy §1.9).
func (v *visit) proTags(d xds.Document) (tags []tag) {
	add := func(holds bool, text, class string) {
		if holds {
			tags = append(tags, tag{text, class})
		}
	}
	add(d.Marks.MaskedPS, v.T("Masqué aux professionnels"), "warn")
	add(d.Marks.HiddenPatient, v.T("Non visible du patient"), "bad")
	add(d.Marks.HiddenReps, v.T("Non visible des représentants légaux"), "bad")
	add(d.Entry.AvailabilityStatus == xds.Archived, v.T("Archivé"), "")
	add(d.Entry.AvailabilityStatus == xds.Deprecated, v.T("Obsolète"), "")
	add(d.Origin == xds.FromPatient, v.T("Document du patient"), "good")
	add(d.Origin == xds.FromInsurer, v.T("Assurance maladie"), "")
	add(d.Entry.ObjectType == xds.OnDemandDocument, v.T("Établi à la demande"), "")
	return tags
}

func typeName(c xds.Code) string {
	if known, ok := dmp.ValueSets()[xds.AttrTypeCode].Find(c); ok && known.Display != "" {
		return known.Display
	}
	if c.Display != "" {
		return c.Display
	}
	return c.Value
}

// authorNames are who wrote a document, and where.
func authorNames(authors []xds.Author) string {
	var names []string
	for _, a := range authors {
		name := nameOf(a.Person)
		if len(a.Institutions) > 0 && a.Institutions[0].Name() != "" && xds.Unescape(a.Institutions[0].Name()) != name {
			name = strings.TrimPrefix(name+", "+xds.Unescape(a.Institutions[0].Name()), ", ")
		}
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ; ")
}
