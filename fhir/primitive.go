package fhir

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/passerelle-sante/passerelle/xds"
)

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// primitive is one primitive type of R4: its JSON kind and what its text must be
// (https://hl7.org/fhir/R4/datatypes.html#primitive).
type primitive struct {
	kind     Kind
	valid    func(string) bool
	expected string
}

var primitives = map[string]primitive{
	"base64Binary": {String, isBase64, "du base64 (RFC 4648)"},
	"boolean":      {Boolean, func(s string) bool { return s == "true" || s == "false" }, "true ou false"},
	"canonical":    {String, isURI, "une URI"},
	"code":         {String, isCode, "un code, sans espace au bord"},
	"date":         {String, isDate, "une date qui existe, AAAA[-MM[-JJ]]"},
	"dateTime":     {String, isDateTime, "une date qui existe, AAAA[-MM[-JJ[Thh:mm:ss+zz:zz]]]"},
	"decimal":      {Number, isNumber, "un nombre"},
	"id":           {String, isID, "1 à 64 caractères parmi A-Z a-z 0-9 - ."},
	"instant":      {String, isInstant, "un instant AAAA-MM-JJThh:mm:ss+zz:zz"},
	"integer":      {Number, integerFrom(-1 << 31), "un entier de 32 bits"},
	"markdown":     {String, isText, "un texte non vide"},
	"oid":          {String, func(s string) bool { o, ok := strings.CutPrefix(s, "urn:oid:"); return ok && xds.IsOID(o) }, "urn:oid:…"},
	"positiveInt":  {Number, integerFrom(1), "un entier à partir de 1"},
	"string":       {String, isText, "un texte non vide"},
	"time":         {String, pattern(`([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?`), "hh:mm:ss"},
	"unsignedInt":  {Number, integerFrom(0), "un entier à partir de 0"},
	"uri":          {String, isURI, "une URI"},
	"url":          {String, isURI, "une URL"},
	"uuid":         {String, func(s string) bool { return xds.IsUUID(strings.ToLower(s)) }, "urn:uuid:…"},
	"xhtml":        {String, isXHTML, "un élément div"},
}

func pattern(expr string) func(string) bool {
	return regexp.MustCompile(`^(` + expr + `)$`).MatchString
}

var isAnyCode = pattern(`[^\s]+(\s[^\s]+)*`)

// isCode tells whether a text is a code; those of letters, digits and the like, which
// nearly all are, are told at a glance.
func isCode(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= utf8.RuneSelf {
			return isAnyCode(s)
		}
	}
	return s != ""
}

// maxText is the length that FHIR allows a string (1 MiB).
const maxText = 1 << 20

// isNumber tells whether a text is a number as JSON writes it; its length bounds what
// it costs to read it as one.
func isNumber(s string) bool { return len(s) <= 400 && jsonNumber.MatchString(s) }

// isCharacter tells whether a character may stand in a text of R4, in either encoding
// (R4 datatypes.html#string; XML 1.0 section 2.2).
func isCharacter(r rune) bool {
	return r >= ' ' && r != 0xFFFE && r != 0xFFFF || r == '\t' || r == '\n' || r == '\r'
}

func notCharacter(r rune) bool { return !isCharacter(r) }

func isText(s string) bool { return len(s) <= maxText && strings.TrimSpace(s) != "" }

func isURI(s string) bool {
	return s != "" && len(s) <= 4096 && !strings.ContainsAny(s, " \t\r\n<>\"")
}

func isID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

func isXHTML(s string) bool { return len(s) <= maxText && strings.HasPrefix(s, "<div") }

func integerFrom(low int64) func(string) bool {
	return func(s string) bool {
		v, err := strconv.ParseInt(s, 10, 32)
		return err == nil && v >= low && isNumber(s)
	}
}

// isBase64 checks alphabet and padding without decoding; white space is allowed.
func isBase64(s string) bool {
	count, padding := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\r' || c == '\n' || c == ' ' || c == '\t':
			continue
		case c == '=':
			padding++
		case padding > 0, (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '+' && c != '/':
			return false
		}
		count++
	}
	return count > 0 && count%4 == 0 && padding <= 2
}

var dateTimeForm = regexp.MustCompile(`^[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2}))?)?)?$`)

func isDate(s string) bool { return !strings.Contains(s, "T") && isDateTime(s) }

func isInstant(s string) bool { return strings.Contains(s, "T") && isDateTime(s) }

func isDateTime(s string) bool {
	_, _, ok := dateRange(s)
	return ok
}

// dateRange is the first instant that a dateTime covers and the first after it;
// ok is false for a form that R4 does not know and for dates that do not exist.
// A date without a time is a day of UTC, as a DTM is.
func dateRange(s string) (from, to time.Time, ok bool) {
	if !dateTimeForm.MatchString(s) || strings.HasPrefix(s, "0000") {
		return from, to, false
	}
	var err error
	switch len(s) {
	case 4:
		from, err = time.Parse("2006", s)
		to = from.AddDate(1, 0, 0)
	case 7:
		from, err = time.Parse("2006-01", s)
		to = from.AddDate(0, 1, 0)
	case 10:
		from, err = time.Parse("2006-01-02", s)
		to = from.AddDate(0, 0, 1)
	default:
		from, err = time.Parse(time.RFC3339Nano, s)
		from = from.UTC()
		to = from.Add(time.Second)
	}
	return from, to, err == nil
}

// dtmOf is a valid dateTime as DTM, in UTC, to the second at most.
func dtmOf(s string) xds.DTM {
	from, _, ok := dateRange(s)
	switch {
	case !ok:
		return ""
	case len(s) <= 10:
		return xds.DTM(strings.ReplaceAll(s, "-", ""))
	}
	return xds.NewDTM(from)
}

// dateTimeOf is a DTM as dateTime. R4 knows no hours or minutes alone: they are
// filled up with zeros, and exact is false.
func dateTimeOf(d xds.DTM) (s string, exact bool) {
	from, _, err := d.Range()
	switch {
	case err != nil:
		return "", false
	case len(d) == 4:
		return string(d), true
	case len(d) == 6:
		return string(d[:4] + "-" + d[4:]), true
	case len(d) == 8:
		return string(d[:4] + "-" + d[4:6] + "-" + d[6:]), true
	}
	return from.Format(time.RFC3339), len(d) == 14
}
