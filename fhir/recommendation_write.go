package fhir

import (
	"time"

	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
)

// Recommendation is what a calendar says of one record to one reader: it counts the
// acts that he may see, and says so.
type Recommendation struct {
	Record    string
	On        time.Time
	Version   string // of the calendar
	Source    string // of its figures
	Forecasts []vaccination.Forecast
}

const (
	forecastStatuses = hl7Terms + "immunization-recommendation-status"
	dateVaccineDue   = "30980-7" // LOINC
	dateOverdue      = "59778-1" // LOINC
	calendarSystem   = ourBase + "CodeSystem/vaccination-calendar"

	countsSeen = "Informatif ; ne compte que les vaccinations que le lecteur peut voir."
)

var forecastNames = map[string]string{vaccination.Complete: "Complete", vaccination.DueNow: "Due", vaccination.Overdue: "Overdue"}

// AppendRecommendation writes it as R4 ImmunizationRecommendation, each dose with the
// rule of the calendar that speaks.
func AppendRecommendation(b []byte, r Recommendation) []byte {
	w := out{b}
	w.open("", '{')
	w.str("resourceType", "ImmunizationRecommendation")
	w.str("id", r.Record)
	w.open("patient", '{')
	w.str("reference", "Patient/"+r.Record)
	w.shut('}')
	w.str("date", r.On.UTC().Format(time.DateOnly))
	w.open("authority", '{')
	w.str("display", "Calendrier "+r.Version+" : "+r.Source)
	w.shut('}')
	w.open("recommendation", '[')
	for _, f := range r.Forecasts {
		w.forecast(f, r.Version)
	}
	w.shut(']')
	w.shut('}')
	return w.b
}

func (w *out) forecast(f vaccination.Forecast, version string) {
	w.open("", '{')
	w.open("vaccineCode", '[')
	w.open("", '{')
	w.open("coding", '[')
	w.open("", '{')
	w.coding(f.Code)
	w.b = append(w.b, '}', ']')
	w.str("text", f.Group)
	w.b = append(w.b, '}', ']')
	w.open("forecastStatus", '{')
	w.openCoding(forecastStatuses, "", f.Status, forecastNames[f.Status])
	w.shut('}')
	w.open("forecastReason", '[')
	w.open("", '{')
	w.openCoding(calendarSystem, version, f.Rule, "")
	text := f.Text
	if f.Mandatory {
		text += " (obligatoire pour les enfants nés depuis 2018)"
	}
	w.str("text", text)
	w.b = append(w.b, '}', ']')
	w.open("dateCriterion", '[')
	w.criterion(dateVaccineDue, "Date vaccine due", f.Due)
	if !f.Late.IsZero() && f.Status != vaccination.Complete {
		w.criterion(dateOverdue, "Date when overdue for immunization", f.Late)
	}
	w.shut(']')
	w.str("description", countsSeen)
	w.str("series", f.Series)
	w.number("doseNumberPositiveInt", int64(f.Dose))
	w.number("seriesDosesPositiveInt", int64(f.Of))
	if f.Done != "" {
		w.open("supportingImmunization", '[')
		w.reference("", "Immunization/"+f.Done)
		w.shut(']')
	}
	w.shut('}')
}

// openCoding writes the coding of a concept that is open.
func (w *out) openCoding(system, version, code, display string) {
	w.open("coding", '[')
	w.open("", '{')
	w.str("system", system)
	w.str("version", version)
	w.str("code", code)
	w.str("display", display)
	w.b = append(w.b, '}', ']')
}

func (w *out) criterion(code, display string, on time.Time) {
	w.open("", '{')
	w.open("code", '{')
	w.openCoding(SystemOf(loincOID), "", code, display)
	w.shut('}')
	w.str("value", on.Format(time.DateOnly))
	w.shut('}')
}

// AppendRecommendationSet writes the searchset of a recommendation, of none when it
// has no forecast.
func AppendRecommendationSet(b []byte, s Searchset, r Recommendation, count bool) []byte {
	w := out{b}
	total := min(len(r.Forecasts), 1)
	s.Total = &total
	w.openSet(s)
	if total > 0 && !count || len(s.Warnings) > 0 {
		w.open("entry", '[')
		if total > 0 && !count {
			w.open("", '{')
			w.str("fullUrl", s.Base+"/ImmunizationRecommendation/"+r.Record)
			w.key("resource")
			w.b = AppendRecommendation(w.b, r)
			w.search("match")
		}
		if len(s.Warnings) > 0 {
			w.open("", '{')
			w.key("resource")
			w.b = AppendOutcome(w.b, s.Warnings, false)
			w.search("outcome")
		}
		w.shut(']')
	}
	w.shut('}')
	return w.b
}

// RecommendationParams are the search parameters of ImmunizationRecommendation.
func RecommendationParams() []Param {
	return []Param{
		{Name: "patient", Kind: "reference", Text: "Patient/{dossier}, ou :identifier=urn:oid:…|… (:identifier)"},
		{Name: "patient.identifier", Kind: "token", Text: "urn:oid:…|…"},
	}
}
