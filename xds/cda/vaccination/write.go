package vaccination

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"text/template"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// Note is a vaccination note of one act, with what its header needs.
type Note struct {
	UniqueID  string // OID
	SetID     string // OID, common to all versions
	Version   int
	Parent    string // uniqueId of the note that it replaces, "" = none
	SectionID string // UUID
	At        time.Time
	Patient   Patient
	Author    Person // who writes: a professional, or the patient under his INS
	Custodian Person // its Structure keeps the document
	Facility  xds.Code
	Setting   xds.Code
	Act       Act
}

// Patient are the traits of the holder.
type Patient struct {
	INS           xds.CX
	Family, Given string
	BirthDate     string // YYYYMMDD
	Sex           string // F, M or UN
}

//go:embed note.xml.tmpl
var noteSource string

var noteTemplate = template.Must(template.New("note").Funcs(template.FuncMap{
	"x": escape, "day": frenchDay, "title": Act.Title, "state": state, "dash": dash, "words": words, "whole": whole,
	"series": SeriesName, "main": main, "translations": translations,
}).Parse(noteSource))

// Write writes a note (CI-SIS VAC-NOTE 2023.01): the header that the affinity domain
// asks for, a narrative, and the entry, which Read reads back as it was.
func Write(n Note) ([]byte, error) {
	var b bytes.Buffer
	if err := noteTemplate.Execute(&b, n); err != nil {
		return nil, fmt.Errorf("vaccination note: %w", err)
	}
	return append(bytes.TrimRight(b.Bytes(), "\n"), '\n'), nil
}

// Time is the instant of the note as a TS.
func (n Note) Time() string { return n.At.Format("20060102150405-0700") }

// Former is the version that is replaced.
func (n Note) Former() int { return n.Version - 1 }

func escape(s string) string { return string(xmlgate.AppendEscaped(nil, s, true)) }

// Title is what the vaccine is called.
func (a Act) Title() string {
	if a.Name != "" {
		return a.Name
	}
	for _, c := range a.Vaccine {
		if c.Display != "" {
			return c.Display
		}
	}
	if len(a.Vaccine) > 0 {
		return a.Vaccine[0].Value
	}
	return "Vaccin non précisé"
}

func state(a Act) string {
	switch {
	case a.Nullified:
		return "Saisi par erreur"
	case a.NotDone && words(a.Reason) != "":
		return "Non réalisé : " + words(a.Reason)
	case a.NotDone:
		return "Non réalisé"
	}
	return "Réalisé"
}

// main is the code that the material bears, the CIS; what has none has a null code.
func main(a Act) xds.Code { return a.Code(CIS) }

// translations are all other codes.
func translations(a Act) []xds.Code {
	cis := main(a)
	var others []xds.Code
	for _, c := range a.Vaccine {
		if c != cis {
			others = append(others, c)
		}
	}
	return others
}

func words(c xds.Code) string {
	if c.Display != "" {
		return c.Display
	}
	return c.Value
}

func whole(p Person) string { return strings.TrimSpace(p.Given + " " + p.Family) }

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// frenchDay writes the day of a TS as people do.
func frenchDay(ts string) string {
	day := Day(ts)
	switch len(day) {
	case 8:
		return day[6:] + "/" + day[4:6] + "/" + day[:4]
	case 6:
		return day[4:] + "/" + day[:4]
	}
	return dash(day)
}

// seriesNames are the kinds of act (JDV_HL7_ActSubstanceAdministrationImmunizationCode).
var seriesNames = map[string]string{"BOOSTER": "Rappel", "IMMUNIZ": "Vaccination", "INITIMMUNIZ": "Primo-vaccination"}

// SeriesName is the name of a kind of act, "" for a code that is none.
func SeriesName(code string) string { return seriesNames[code] }
