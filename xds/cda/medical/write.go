package medical

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

// Document is a section as it stands in one document, with what the header needs.
type Document struct {
	Section  Section
	UniqueID string // OID
	SetID    string // OID, common to all versions
	Version  int
	At       time.Time
	Patient  Patient
	Author   string // who writes, by name, under the INS of the patient
	Keeper   string // OID of the repository, which keeps the document
	Entries  []Entry
}

// Patient are the traits of the holder.
type Patient struct {
	INS           xds.CX
	Family, Given string
	BirthDate     string // YYYYMMDD
	Sex           string // F, M or UN
}

//go:embed section.xml.tmpl
var source string

var document = template.Must(template.New("section").Funcs(template.FuncMap{"x": escape, "ts": ts, "row": row, "lines": lines}).Parse(source))

// Write writes a section: the header that the affinity domain asks for, a narrative of
// every entry, and the entries, which Read reads back as they were.
func Write(d Document) ([]byte, error) {
	var b bytes.Buffer
	if err := document.Execute(&b, d); err != nil {
		return nil, fmt.Errorf("section of the medical profile: %w", err)
	}
	return b.Bytes(), nil
}

func escape(s string) string { return string(xmlgate.AppendEscaped(nil, s, true)) }

func lines(s string) []string { return strings.Split(s, "\n") }

// The parts of the template.

// Time is the instant of the document as a TS.
func (d Document) Time() string { return d.At.Format("20060102150405-0700") }

// Day is the day of the document as a TS.
func (d Document) Day() string { return d.At.Format("20060102") }

// Expressed tells whether the document is an expression of the patient in the sense of
// the CI-SIS, which has a format of its own.
func (d Document) Expressed() bool { return strings.HasPrefix(d.Section.Type.Value, "EXPPAT") }

// The systems, for the template.
func (d Document) Systems() map[string]string {
	return map[string]string{"template": templateID, "section": sectionSystem, "kind": kindSystem, "field": fieldSystem}
}

// told is one value of an entry, as narrative and entry tell it.
type told struct {
	Field
	Value string
	Words string
}

// row is an entry as the template takes it.
func row(s Section, e Entry) (r struct {
	Kind  Kind
	Told  []told
	When  string
	Entry Entry
}) {
	r.Entry = e
	r.Kind, _ = s.Kind(e.Kind)
	for _, f := range r.Kind.Fields {
		value, given := e.Values[f.Name]
		if !given {
			continue
		}
		if f.Form == Instant {
			r.When = value
		}
		r.Told = append(r.Told, told{f, value, f.Words(value)})
	}
	return r
}

// Words are a value as people read it in French.
func (f Field) Words(value string) string {
	switch f.Form {
	case Choice:
		o, _ := f.Option(value)
		return o.Label
	case Number:
		return strings.TrimSpace(strings.Replace(value, ".", ",", 1) + " " + f.UnitName)
	case Date, Instant:
		return frenchWhen(value)
	case Tick:
		return "oui"
	}
	return value
}

// frenchWhen writes a date or an instant as people do.
func frenchWhen(value string) string {
	day, clock, _ := strings.Cut(value, "T")
	parts := strings.Split(day, "-")
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	if day = strings.Join(parts, "/"); clock != "" {
		day += " à " + clock[:min(len(clock), 5)]
	}
	return day
}

// ts is a date or an instant of a value as a TS.
func ts(value string) string {
	day, clock, _ := strings.Cut(value, "T")
	day = strings.ReplaceAll(day, "-", "")
	if clock == "" {
		return day
	}
	at, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return day
	}
	return at.Format("20060102150405-0700")
}

// Shape is the data type of HL7 v3 in which a value of the field is written.
func (f Field) Shape() string {
	switch f.Form {
	case Number:
		return "PQ"
	case Date, Instant:
		return "TS"
	case Choice:
		return "CD"
	case Tick:
		return "BL"
	}
	return "ST"
}

// System is the code system of the options of a choice.
func (f Field) System() string { return fieldSystem }
