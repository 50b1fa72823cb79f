package console

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/carnet"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/medical"
)

// The medical profile (S1, S4; users §3): the patient writes it, professionals read it on
// the same pages. A reader finds there what the documents that he sees say, so that the
// pages need no rule of their own.
var profileRoutes = slices.Concat(
	[]route{
		{method: http.MethodGet, path: "/patient/{record}/profil/{page}/ajouter/{kind}", handle: (*Server).draftEntry},
		{method: http.MethodPost, path: "/patient/{record}/profil/{page}/ajouter/{kind}", handle: (*Server).addEntry},
		{method: http.MethodGet, path: "/patient/{record}/profil/{page}/modifier/{key}", handle: (*Server).entry},
		{method: http.MethodPost, path: "/patient/{record}/profil/{page}/modifier/{key}", handle: (*Server).changeEntry},
		{method: http.MethodPost, path: "/patient/{record}/profil/{page}/supprimer/{key}", handle: (*Server).removeEntry},
		{method: http.MethodPost, path: "/patient/{record}/profil/vaccinations/supprimer/{key}", handle: (*Server).removeVaccination},
		{method: http.MethodGet, path: "/patient/{record}/profil/vaccinations/rappels", handle: (*Server).reminders},
		{method: http.MethodPost, path: "/patient/{record}/profil/vaccinations/rappels", handle: (*Server).setReminders},
	}, profilePages("/patient"), profilePages("/pro"))

// profilePages are the pages that both consoles have.
func profilePages(side string) []route {
	return []route{
		{method: http.MethodGet, path: side + "/{record}/profil", handle: (*Server).profile},
		{method: http.MethodGet, path: side + "/{record}/profil/{page}", handle: (*Server).profilePage},
		{method: http.MethodGet, path: side + "/{record}/profil/vaccinations", handle: (*Server).vaccinations},
		{method: http.MethodGet, path: side + "/{record}/profil/vaccinations/ajouter", handle: (*Server).draftVaccination},
		{method: http.MethodPost, path: side + "/{record}/profil/vaccinations/ajouter", handle: (*Server).addVaccination},
	}
}

// profileGroup is a page of the profile: one section, or several that belong together.
type profileGroup struct {
	Path, Title, Intro string
	Sections           []string
}

var profileGroups = []profileGroup{
	{"allergies", "Allergies", "Ce que je ne supporte pas : médicaments, aliments, autres.", []string{medical.Allergies}},
	{"antecedents", "Antécédents", "Mes maladies et opérations passées, et celles de ma famille.", []string{medical.History}},
	{"traitements", "Traitements", "Ce que je prends, ou que j'ai pris.", []string{medical.Treatments}},
	{"mesures", "Mesures", "Tension, glycémie, poids et autres mesures, au fil du temps.", []string{medical.Measures}},
	{"entourage", "Entourage et volontés", "Personne de confiance, personnes à prévenir, don d'organes, directives anticipées, médecin traitant.",
		[]string{medical.Relatives, medical.Wishes, medical.Directives}},
}

// group is the page of the path.
func (v *visit) group() (profileGroup, []medical.Section, error) {
	i := slices.IndexFunc(profileGroups, func(g profileGroup) bool { return g.Path == v.param("page") })
	if i < 0 {
		return profileGroup{}, nil, &xds.Error{ID: "JSON-003"}
	}
	var sections []medical.Section
	for _, id := range profileGroups[i].Sections {
		s, _ := medical.SectionOf(id)
		sections = append(sections, s)
	}
	return profileGroups[i], sections, nil
}

// writes tells whether the visitor writes the profile, and whether he may change what
// stands there: a delegate only adds.
func (v *visit) writes() bool  { return v.side == patientSide }
func (v *visit) changes() bool { return v.writes() && v.record.Role != authz.DelegateRole }

// Writes is that for pages: they speak to the patient, or to who reads about him.
func (v *visit) Writes() bool { return v.writes() }

// overview is the first page of the profile.
type overview struct {
	Sheet  proSheet
	Groups []groupLine
}

type groupLine struct {
	profileGroup
	Count int
	Last  time.Time
}

// profile shows what each page holds.
func (s *Server) profile(v *visit) error {
	p, err := s.Carnet.Profile(v.context(), v.call, medical.Sections()...)
	if err != nil {
		return err
	}
	var page overview
	if page.Sheet, err = v.sheet(); err != nil {
		return err
	}
	for _, g := range profileGroups {
		line := groupLine{profileGroup: g}
		for _, section := range g.Sections {
			for _, e := range p.Of(section) {
				line.Count++
				if at := written(e); at.After(line.Last) {
					line.Last = at
				}
			}
		}
		page.Groups = append(page.Groups, line)
	}
	return v.show("profile-home", v.T("Profil médical"), page)
}

// written is when an entry was.
func written(e carnet.Entry) time.Time {
	at, _ := time.Parse("20060102150405-0700", e.Written)
	return at
}

// sectionPage is a page of the profile.
type sectionPage struct {
	Sheet    proSheet
	Group    profileGroup
	Sections []sectionView
	Cut      bool // there is more than is read
	Physician
}

// Physician is the médecin traitant, on the page of Entourage et volontés.
type Physician struct {
	Asked bool
	Name  string
}

type sectionView struct {
	medical.Section
	Kinds     []kindView
	Empty     []medical.Kind // measures that were never made
	Documents []documentView
}

type documentView struct {
	ID     string
	Masked bool
}

type kindView struct {
	medical.Kind
	Section string
	Entries []entryView // the newest first
	Older   int         // how many entries are shown before these; -1 = no more
	Chart   *chart
	Add     bool
}

// entryView is an entry as a page tells it.
type entryView struct {
	Key, Title string
	When       string // of a measure
	Facts      []fact
	By         string
	Written    time.Time
	Change     bool
}

type fact struct{ Label, Value string }

// measuresShown is how many measures of a kind a page shows.
const measuresShown = 50

// profilePage shows the sections of a page.
func (s *Server) profilePage(v *visit) error {
	group, sections, err := v.group()
	if err != nil {
		return err
	}
	p, err := s.Carnet.Profile(v.context(), v.call, sections...)
	if err != nil {
		return err
	}
	page := sectionPage{Group: group, Cut: p.Cut}
	if page.Sheet, err = v.sheet(); err != nil {
		return err
	}
	for _, section := range sections {
		page.Sections = append(page.Sections, v.section(section, p))
	}
	if group.Path == "entourage" && v.side == patientSide {
		if page.Physician, err = s.traitant(v); err != nil {
			return err
		}
	}
	return v.show("profile-section", v.T(group.Title), page)
}

// traitant is who the médecin traitant is.
func (s *Server) traitant(v *visit) (Physician, error) {
	standing, err := s.Rights.State(v.context(), v.call)
	if err != nil || standing.State == nil || standing.State.Administrator == "" {
		return Physician{Asked: err == nil}, err
	}
	p, err := s.Rights.Professional(v.context(), standing.State.Administrator)
	return Physician{Asked: true, Name: v.Professional(p)}, err
}

func (v *visit) section(section medical.Section, p carnet.Profile) sectionView {
	view := sectionView{Section: section}
	for _, d := range p.In(section.ID) {
		view.Documents = append(view.Documents, documentView{d.ID, d.Marks.MaskedPS})
	}
	for _, k := range section.Kinds {
		entries := p.Of(section.ID, k.ID)
		slices.SortStableFunc(entries, func(a, b carnet.Entry) int { return strings.Compare(order(b), order(a)) })
		kind := kindView{Kind: k, Section: section.ID, Add: v.writes() && !(k.One && len(entries) > 0), Older: -1}
		if k.Measured() {
			kind.Chart = v.chart(k, entries)
			if entries, kind.Older = v.cut(k, entries); len(entries) == 0 {
				if kind.Add {
					view.Empty = append(view.Empty, k)
				}
				continue
			}
		}
		for _, e := range entries {
			kind.Entries = append(kind.Entries, v.entryView(k, e))
		}
		view.Kinds = append(view.Kinds, kind)
	}
	return view
}

// order is what entries are sorted by: when they are of, else when they were written.
func order(e carnet.Entry) string {
	if value := e.Values["quand"]; value != "" {
		return value
	}
	return written(e).UTC().Format(time.RFC3339)
}

// cut is a page of the measures of one kind: avant=poids:50 is what comes after the
// first fifty.
func (v *visit) cut(k medical.Kind, entries []carnet.Entry) (page []carnet.Entry, older int) {
	from := 0
	if kind, n, ok := strings.Cut(v.query("avant"), ":"); ok && kind == k.ID {
		from, _ = strconv.Atoi(n)
	}
	from = min(max(from, 0), len(entries))
	if to := from + measuresShown; to < len(entries) {
		return entries[from:to], to
	}
	return entries[from:], -1
}

func (v *visit) entryView(k medical.Kind, e carnet.Entry) entryView {
	view := entryView{Key: e.Key, By: e.By, Written: written(e), Change: v.changes()}
	if v.own() && view.By == v.Holder() {
		view.By = "" // I know
	}
	title := titles[k.ID]
	for _, f := range k.Fields {
		value, given := e.Values[f.Name]
		words := v.words(f, value)
		switch {
		case !given:
		case f.Form == medical.Instant:
			view.When = words
		case slices.Contains(title, f.Name):
		default:
			view.Facts = append(view.Facts, fact{v.T(f.Label), words})
		}
	}
	var parts []string
	for _, name := range title {
		f, _ := k.Field(name)
		if value := e.Values[name]; value != "" {
			parts = append(parts, v.words(f, value))
		}
	}
	if view.Title = strings.Join(parts, " "); view.Title == "" {
		view.Title = v.T(k.Title)
	}
	if k.ID == "tension" {
		view.Title = strings.TrimSuffix(parts[0], " mmHg") + " / " + parts[1]
	}
	return view
}

// titles are the fields that name an entry of a kind.
var titles = map[string][]string{
	"allergie": {"substance"}, "personnel": {"intitule"}, "familial": {"intitule"}, "traitement": {"nom"}, "confiance": {"prenom", "nom"}, "urgence": {"prenom", "nom"},
	"aidant": {"prenom", "nom"}, "don": {"position"}, "tension": {"systolique", "diastolique"}, "glycemie": {"valeur"}, "poids": {"valeur"}, "taille": {"valeur"},
	"temperature": {"valeur"}, "pouls": {"valeur"}, "saturation": {"valeur"}, "perimetre-cranien": {"valeur"},
}

// words are a value in the language of the visit.
func (v *visit) words(f medical.Field, value string) string {
	switch f.Form {
	case medical.Choice:
		o, _ := f.Option(value)
		return v.T(o.Label)
	case medical.Tick:
		return v.T("oui")
	case medical.Number:
		if v.lang == "fr" {
			value = strings.Replace(value, ".", ",", 1)
		}
		return strings.TrimSpace(value + " " + v.T(f.UnitName))
	case medical.Date, medical.Instant:
		if at, err := time.Parse(time.RFC3339, value); err == nil {
			return tellTime(v.lang, at.In(v.server.pages.paris))
		}
		if at, err := time.Parse(time.DateOnly, value); err == nil {
			return tellDay(v.lang, at)
		}
		return f.Words(value)
	}
	return value
}
