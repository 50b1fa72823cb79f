package medical

import (
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/passerelle-sante/passerelle/xds"
)

// Bounds are what an entry is held against beside the table.
type Bounds struct {
	Born string    // YYYYMMDD, "" = not known
	Now  time.Time // zero = nothing is too late
	Zone *time.Location
}

func (b Bounds) zone() *time.Location {
	if b.Zone == nil {
		return time.UTC
	}
	return b.Zone
}

// The lengths of words, in characters.
const (
	LineLength = 200
	TextLength = 2000
)

// Check holds the values of an entry against its kind and gives them in their one form:
// trimmed, a number with a point, a date as ISO 8601 has it. All findings come at once,
// each at the name of its field; none repeats a value.
func Check(k Kind, values map[string]string, b Bounds) (clean map[string]string, findings xds.Errors) {
	clean = map[string]string{}
	for name := range values {
		if _, known := k.Field(name); !known {
			findings.Add(xds.Found("JSON-002", name, "", "une valeur que cette rubrique connaît"))
		}
	}
	for _, f := range k.Fields {
		value, expected := f.read(values[f.Name], b)
		switch {
		case expected != "":
			findings.Add(xds.Found("JSON-002", f.Name, "", f.Label+" : "+expected))
		case value != "":
			clean[f.Name] = value
		case f.Required:
			findings.Add(xds.Found("JSON-002", f.Name, "", f.Label+" : obligatoire"))
		}
	}
	if len(k.AnyOf) > 0 && !slices.ContainsFunc(k.AnyOf, func(name string) bool { return strings.TrimSpace(values[name]) != "" }) {
		findings.Add(xds.Found("JSON-002", k.AnyOf[0], "", "de quoi joindre cette personne : téléphone, e-mail ou adresse"))
	}
	if e := ordered(k, clean); e != nil {
		findings.Add(e)
	}
	return clean, findings
}

// ordered refuses an end before its beginning, and a diastolic pressure that is no less
// than the systolic one.
func ordered(k Kind, clean map[string]string) *xds.Error {
	from, to := clean["debut"], clean["fin"]
	if n := min(len(from), len(to)); from[:n] > to[:n] {
		return xds.Found("JSON-002", "fin", "", "Fin : pas avant le début")
	}
	high, _ := strconv.ParseFloat(clean["systolique"], 64)
	low, _ := strconv.ParseFloat(clean["diastolique"], 64)
	if high > 0 && low >= high {
		return xds.Found("JSON-002", "diastolique", "", "Diastolique : plus petite que la systolique")
	}
	return nil
}

// read gives a value its form; expected says what would be right when it has none.
func (f Field) read(text string, b Bounds) (value, expected string) {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	if text == "" {
		return "", ""
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\t' || r == utf8.RuneError || r >= 0xFFFE && r <= 0xFFFF
	}) {
		return "", "un texte sans caractère de contrôle"
	}
	if longest := f.longest(); utf8.RuneCountInString(text) > longest {
		return "", fmt.Sprintf("au plus %d caractères", longest)
	}
	switch f.Form {
	case Date:
		if f.Ahead {
			b.Now = time.Time{}
		}
		return readDate(text, b)
	case Instant:
		return readInstant(text, b)
	case Number:
		return f.readNumber(text)
	case Choice:
		if _, known := f.Option(text); !known {
			return "", "une des valeurs proposées"
		}
	case Tick:
		if text != "oui" {
			return "", "oui, ou rien"
		}
	case Phone:
		if !phoneForm.MatchString(text) {
			return "", "un numéro de téléphone, par exemple 06 12 34 56 78 ou +33 6 12 34 56 78"
		}
	case Email:
		if a, err := mail.ParseAddress(text); err != nil || a.Address != text || !strings.Contains(text[strings.LastIndexByte(text, '@'):], ".") {
			return "", "une adresse e-mail, par exemple nom@exemple.fr"
		}
	case Line:
		return strings.Join(strings.Fields(text), " "), ""
	}
	return text, ""
}

func (f Field) longest() int {
	switch {
	case f.Longest > 0:
		return f.Longest
	case f.Form == Text:
		return TextLength
	}
	return LineLength
}

var (
	phoneForm  = regexp.MustCompile(`^\+?[0-9][0-9 .()-]{4,24}$`)
	numberForm = regexp.MustCompile(`^[0-9]{1,4}([.,][0-9]{1,2})?$`)
	frenchDate = regexp.MustCompile(`^(?:(?:([0-9]{1,2})/)?([0-9]{1,2})/)?([0-9]{4})$`)
)

func (f Field) readNumber(text string) (value, expected string) {
	n, err := strconv.ParseFloat(strings.Replace(text, ",", ".", 1), 64)
	if !numberForm.MatchString(text) || err != nil || n < f.Least || n > f.Most {
		return "", fmt.Sprintf("un nombre de %s à %s %s", decimal(f.Least), decimal(f.Most), f.UnitName)
	}
	return strconv.FormatFloat(n, 'f', -1, 64), ""
}

func decimal(n float64) string {
	return strings.Replace(strconv.FormatFloat(n, 'f', -1, 64), ".", ",", 1)
}

// readDate takes a day, a month or a year, as people here write it or as ISO does.
func readDate(text string, b Bounds) (value, expected string) {
	if m := frenchDate.FindStringSubmatch(text); m != nil && len(text) > 4 {
		if text = m[3] + "-" + twoDigits(m[2]); m[1] != "" {
			text += "-" + twoDigits(m[1])
		}
	}
	from, _, err := xds.DTM(strings.ReplaceAll(text, "-", "")).Range()
	layout := map[int]string{4: "2006", 7: "2006-01", 10: time.DateOnly}[len(text)]
	if err != nil || layout == "" || from.Format(layout) != text {
		return "", "une date : JJ/MM/AAAA, MM/AAAA ou AAAA"
	}
	return text, b.outside(text)
}

func twoDigits(s string) string { return strings.Repeat("0", 2-len(s)) + s }

// readInstant takes a day, a day and an hour of the zone, or an instant with its offset.
func readInstant(text string, b Bounds) (value, expected string) {
	const form = "une date JJ/MM/AAAA, avec une heure si elle compte"
	if len(text) <= len(time.DateOnly) {
		value, expected = readDate(text, b)
		if expected == "" && len(value) < len(time.DateOnly) {
			return "", form
		}
		return value, expected
	}
	zone := b.zone()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		at, err = time.ParseInLocation("2006-01-02T15:04", text, zone)
	}
	if err != nil || at.Year() < 1800 {
		return "", form
	}
	if !b.Now.IsZero() && at.After(b.Now) {
		return "", toCome
	}
	return at.In(zone).Format(time.RFC3339), b.outside(at.In(zone).Format(time.DateOnly))
}

const toCome = "pas une date à venir"

// outside says that a date is to come, or before the birth. A day is one of the zone.
func (b Bounds) outside(text string) string {
	day := strings.ReplaceAll(text, "-", "")
	switch {
	case !b.Now.IsZero() && day > b.Now.In(b.zone()).Format("20060102")[:len(day)]:
		return toCome
	case b.Born != "" && len(b.Born) >= len(day) && day < b.Born[:len(day)]:
		return "pas avant la naissance"
	}
	return ""
}
