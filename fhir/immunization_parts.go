package fhir

import (
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
)

// informant tells what the patient says himself from what was recorded at the act.
func (w *out) informant(a vaccination.Act) {
	switch {
	case byPatient(a.Author):
		w.truth("primarySource", false)
		w.concept("reportOrigin", xds.Code{Value: "recall", Scheme: originSystem, Display: "Parent/Guardian/Patient Recall"})
	case a.Author.ID.Extension != "" && a.Performer.ID.Extension != "":
		w.truth("primarySource", a.Author.ID == a.Performer.ID)
	}
}

func (w *out) quantity(name string, q vaccination.Quantity) {
	if q.Value == "" {
		return
	}
	w.open(name, '{')
	w.key("value")
	w.b = append(w.b, q.Value...)
	if q.Unit != "" {
		w.str("unit", q.Unit)
		w.str("system", SystemOf(vaccination.UCUM))
		w.str("code", q.Unit)
	}
	w.shut('}')
}

// performers are who administered the vaccine and, under v3 AUT, who wrote it down.
func (w *out) performers(a vaccination.Act) {
	performer, author := authorOf(a.Performer), authorOf(a.Author)
	if performer == nil && author == nil {
		return
	}
	w.open("performer", '[')
	if performer != nil {
		w.performer("performer", functionSystem, "AP", "Administering Provider")
	}
	if author != nil {
		w.performer("author", SystemOf(participation), "AUT", "author (originator)")
	}
	w.shut(']')
}

// participation is the code system of HL7 v3 ParticipationType.
const participation = "2.16.840.1.113883.5.90"

func (w *out) performer(id, system, code, display string) {
	w.open("", '{')
	w.open("function", '{')
	w.open("coding", '[')
	w.open("", '{')
	w.str("system", system)
	w.str("code", code)
	w.str("display", display)
	w.b = append(w.b, '}', ']', '}')
	w.reference("actor", "#"+id)
	w.shut('}')
}

// reactions writes what was observed twice: as reasonReference, where the volet has
// it, and as reaction, where R4 has it.
func (w *out) reactions(all []vaccination.Reaction) {
	if len(all) == 0 {
		return
	}
	w.open("reasonReference", '[')
	for i := range all {
		w.reference("", "#reaction"+strconv.Itoa(i+1))
	}
	w.shut(']')
	w.open("reaction", '[')
	for i, r := range all {
		w.open("", '{')
		w.str("date", dateTimeOfTS(r.On))
		w.reference("detail", "#observation"+strconv.Itoa(i+1))
		w.shut('}')
	}
	w.shut(']')
}

// protocol writes the series and the rank of the dose in it.
func (w *out) protocol(a vaccination.Act) {
	if a.Series == "" && a.Rank == 0 {
		return
	}
	w.open("protocolApplied", '[')
	w.open("", '{')
	w.str("series", a.Series)
	if a.Rank > 0 {
		w.number("doseNumberPositiveInt", int64(a.Rank))
	} else {
		w.absent("doseNumberPositiveInt")
	}
	w.b = append(w.b, '}', ']')
}

// dateTimeOfTS is an HL7 v3 TS as dateTime: R4 knows no minutes without seconds.
func dateTimeOfTS(ts string) string {
	digits, offset := ts, ""
	if i := strings.IndexAny(ts, "+-"); i >= 0 {
		digits, offset = ts[:i], ts[i:]
	}
	switch {
	case len(digits) <= 4:
		return digits
	case len(digits) <= 6:
		return digits[:4] + "-" + digits[4:]
	}
	day := digits[:4] + "-" + digits[4:6] + "-" + digits[6:8]
	if len(digits) == 8 || len(offset) != 5 {
		return day
	}
	clock := (digits[8:] + "0000")[:6]
	return day + "T" + clock[:2] + ":" + clock[2:4] + ":" + clock[4:] + offset[:3] + ":" + offset[3:]
}
