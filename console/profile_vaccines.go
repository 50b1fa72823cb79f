package console

import (
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/carnet"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
)

// vaccinePage is the vaccination book (S1: the calendar, and reminders for all vaccines).
type vaccinePage struct {
	Sheet     proSheet
	Late, Due []forecastView
	Acts      []actView
	Done      int // doses of the calendar that are complete
	carnet.Vaccinations
}

type forecastView struct {
	Name, Text string
	Due, Late  time.Time
	Mandatory  bool
}

type actView struct {
	carnet.Act
	Name, On, State, By string
	Diseases            []string
	Remove              bool
}

// vaccinations shows the book.
func (s *Server) vaccinations(v *visit) error {
	book, err := s.Carnet.Vaccinations(v.context(), v.call)
	if err != nil {
		return err
	}
	page := vaccinePage{Vaccinations: book}
	if page.Sheet, err = v.sheet(); err != nil {
		return err
	}
	for _, f := range book.Forecasts {
		view := forecastView{v.T(f.Group), f.Text, f.Due, f.Late, f.Mandatory}
		switch f.Status {
		case vaccination.Overdue:
			page.Late = append(page.Late, view)
		case vaccination.DueNow:
			page.Due = append(page.Due, view)
		default:
			page.Done++
		}
	}
	for _, a := range book.Acts {
		page.Acts = append(page.Acts, v.act(a))
	}
	return v.show("profile-vaccines", v.T("Carnet de vaccination"), page)
}

// act is a vaccination as the page tells it.
func (v *visit) act(a carnet.Act) actView {
	view := actView{Act: a, Name: a.Title(), On: vaccination.Day(a.When), Remove: v.changes() && a.Own && a.Entry.Note >= 0}
	if at, err := time.Parse("20060102", view.On); err == nil {
		view.On = tellDay(v.lang, at)
	}
	switch {
	case a.Nullified:
		view.State = v.T("Saisi par erreur")
	case a.NotDone:
		view.State = v.T("Non réalisé")
	}
	for _, c := range a.Vaccine {
		if found := vaccination.Diseases(c); len(found) > 0 {
			view.Diseases = found
			break
		}
	}
	view.By = strings.TrimSpace(a.Performer.Given + " " + a.Performer.Family)
	return view
}

var vaccineGroup = profileGroup{Path: "vaccinations", Title: "Carnet de vaccination"}

// draftVaccination shows the form of a vaccination.
func (s *Server) draftVaccination(v *visit) error {
	return v.entryForm(vaccineGroup, carnet.Shot, "", map[string]string{}, nil)
}

// addVaccination writes it.
func (s *Server) addVaccination(v *visit) error {
	values := v.values(carnet.Shot)
	if err := s.Carnet.AddVaccination(v.context(), v.call, values); err != nil {
		return v.entryAgain(vaccineGroup, carnet.Shot, "", values, err)
	}
	return v.done(v.at("profil", vaccineGroup.Path), v.T("C'est enregistré."))
}

// removeVaccination deletes one that the patient wrote.
func (s *Server) removeVaccination(v *visit) error {
	if err := s.Carnet.RemoveVaccination(v.context(), v.call, v.param("key")); err != nil {
		return err
	}
	return v.done(v.at("profil", vaccineGroup.Path), v.T("C'est supprimé."))
}

// To is where a form goes: a vaccination has no kind in its address.
func (f entryForm) To(v *visit) string {
	switch {
	case f.Kind.ID == carnet.Shot.ID:
		return v.at("profil", f.Group.Path, "ajouter")
	case f.Key != "":
		return v.at("profil", f.Group.Path, "modifier", f.Key)
	}
	return v.at("profil", f.Group.Path, "ajouter", f.Kind.ID)
}

// reminders shows whether the visitor is written to when a vaccination becomes due.
func (s *Server) reminders(v *visit) error {
	on, err := s.Carnet.Reminds(v.context(), v.call)
	if err != nil {
		return err
	}
	return v.show("profile-reminders", v.T("Rappels de vaccination"), on)
}

// setReminders changes it.
func (s *Server) setReminders(v *visit) error {
	if err := s.Carnet.Remind(v.context(), v.call, v.ticked("rappels")); err != nil {
		return err
	}
	return v.done(v.at("profil", vaccineGroup.Path), v.T("C'est enregistré."))
}
