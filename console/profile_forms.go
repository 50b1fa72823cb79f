package console

import (
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/carnet"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/medical"
)

// entryForm is a form for one entry: its fields, with what was written in them and what
// is wrong with it.
type entryForm struct {
	Sheet    proSheet
	Group    profileGroup
	Kind     medical.Kind
	Key      string // "" for a new one
	Fields   []fieldView
	Findings []finding
}

type fieldView struct {
	medical.Field
	Value string
	Hour  string // of an instant
	Wrong string // what would be right
}

// The forms of a field, for pages.
func (f fieldView) IsText() bool    { return f.Form == medical.Text }
func (f fieldView) IsChoice() bool  { return f.Form == medical.Choice }
func (f fieldView) IsInstant() bool { return f.Form == medical.Instant }
func (f fieldView) IsTick() bool    { return f.Form == medical.Tick }

// Type is that of the input, and Mode the keyboard that a phone shows for it.
func (f fieldView) Type() string {
	switch f.Form {
	case medical.Phone:
		return "tel"
	case medical.Email:
		return "email"
	case medical.Instant:
		return "date"
	}
	return "text"
}

func (f fieldView) Mode() string {
	if f.Form == medical.Number {
		return "decimal"
	}
	return ""
}

// Help says how a value is written.
func (f fieldView) Help() string {
	if f.Form == medical.Date {
		return "JJ/MM/AAAA, MM/AAAA ou AAAA"
	}
	return ""
}

// Long is how many characters the field takes.
func (f fieldView) Long() int {
	switch {
	case f.Longest > 0:
		return f.Longest
	case f.Form == medical.Text:
		return medical.TextLength
	}
	return medical.LineLength
}

// kind finds the kind of the path among the sections of its page.
func (v *visit) kind(id string) (g profileGroup, section medical.Section, k medical.Kind, err error) {
	g, sections, err := v.group()
	if err != nil {
		return g, section, k, err
	}
	for _, s := range sections {
		if k, known := s.Kind(id); known {
			return g, s, k, nil
		}
	}
	return g, section, k, &xds.Error{ID: "JSON-003"}
}

// draftEntry shows the form of a new entry.
func (s *Server) draftEntry(v *visit) error {
	g, _, k, err := v.kind(v.param("kind"))
	if err != nil {
		return err
	}
	values := map[string]string{}
	if k.Measured() {
		values["quand"] = s.Now().In(s.pages.paris).Format("2006-01-02")
	}
	return v.entryForm(g, k, "", values, nil)
}

// entry shows the form of an entry that is there.
func (s *Server) entry(v *visit) error {
	g, _, k, e, err := s.theEntry(v)
	if err != nil {
		return err
	}
	return v.entryForm(g, k, e.Key, e.Values, nil)
}

// theEntry is the entry of the path, as the visitor sees it.
func (s *Server) theEntry(v *visit) (g profileGroup, section medical.Section, k medical.Kind, e carnet.Entry, err error) {
	g, sections, err := v.group()
	if err != nil {
		return g, section, k, e, err
	}
	p, err := s.Carnet.Profile(v.context(), v.call, sections...)
	if err != nil {
		return g, section, k, e, err
	}
	i := slices.IndexFunc(p.Entries, func(e carnet.Entry) bool { return e.Key == v.param("key") })
	if i < 0 {
		return g, section, k, e, &xds.Error{ID: "JSON-003"}
	}
	e = p.Entries[i]
	k, _ = e.Section.Kind(e.Kind)
	return g, e.Section, k, e, nil
}

// entryForm shows a form, the first time or with its findings.
func (v *visit) entryForm(g profileGroup, k medical.Kind, key string, values map[string]string, refused error) error {
	form := entryForm{Group: g, Kind: k, Key: key, Findings: v.findings(refused)}
	var err error
	if form.Sheet, err = v.sheet(); err != nil {
		return err
	}
	wrong := map[string]string{}
	for i := range form.Findings {
		f := &form.Findings[i]
		name := f.Where[strings.LastIndexByte(f.Where, '.')+1:]
		if _, known := k.Field(name); known {
			wrong[name], f.Where = f.Expected, ""
		}
	}
	for _, f := range k.Fields {
		field := fieldView{Field: f, Value: values[f.Name], Wrong: wrong[f.Name]}
		switch f.Form {
		case medical.Instant:
			day, hour, _ := strings.Cut(field.Value, "T")
			field.Value, field.Hour = day, hour[:min(len(hour), 5)]
		case medical.Number:
			if v.lang == "fr" {
				field.Value = strings.Replace(field.Value, ".", ",", 1)
			}
		case medical.Date:
			if refused == nil {
				field.Value = f.Words(field.Value)
			}
		}
		form.Fields = append(form.Fields, field)
	}
	status := 200
	if refused != nil {
		status = 422
	}
	return v.render(status, "profile-form", v.T(k.Title), form)
}

// written are the values that a form sends.
func (v *visit) values(k medical.Kind) map[string]string {
	values := map[string]string{}
	for _, f := range k.Fields {
		value := v.form(f.Name)
		if hour := v.form(f.Name + "-heure"); f.Form == medical.Instant && value != "" && hour != "" {
			value += "T" + hour
		}
		if value != "" {
			values[f.Name] = value
		}
	}
	return values
}

// addEntry writes a new entry.
func (s *Server) addEntry(v *visit) error {
	g, section, k, err := v.kind(v.param("kind"))
	if err != nil {
		return err
	}
	values := v.values(k)
	if err := s.Carnet.Add(v.context(), v.call, section.ID, carnet.Draft{Kind: k.ID, Values: values}); err != nil {
		return v.entryAgain(g, k, "", values, err)
	}
	return v.done(v.at("profil", g.Path), v.T("C'est enregistré."))
}

// changeEntry writes an entry anew.
func (s *Server) changeEntry(v *visit) error {
	g, section, k, e, err := s.theEntry(v)
	if err != nil {
		return err
	}
	values := v.values(k)
	if err := s.Carnet.Change(v.context(), v.call, section.ID, e.Key, values); err != nil {
		return v.entryAgain(g, k, e.Key, values, err)
	}
	return v.done(v.at("profil", g.Path), v.T("C'est enregistré."))
}

// entryAgain shows the form with what is wrong with its fields; any other refusal is a page
// of its own.
func (v *visit) entryAgain(g profileGroup, k medical.Kind, key string, values map[string]string, err error) error {
	all, told := xds.FindingsOf(err)
	if !told || slices.ContainsFunc(all, func(e *xds.Error) bool { return e.ID != "JSON-002" }) {
		return err
	}
	return v.entryForm(g, k, key, values, err)
}

// removeEntry takes an entry out.
func (s *Server) removeEntry(v *visit) error {
	g, section, _, e, err := s.theEntry(v)
	if err != nil {
		return err
	}
	if err := s.Carnet.Remove(v.context(), v.call, section.ID, e.Key); err != nil {
		return err
	}
	return v.done(v.at("profil", g.Path), v.T("C'est supprimé."))
}
