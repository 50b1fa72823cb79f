package vaccination

import (
	"regexp"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// when reads a TS, or the beginning of an interval. An absent or null one is "" and
// ok; ok is false for a value that is no date. A time without offset is cut to its
// day: an hour of nobody's clock is not to be told.
func when(e *xmlgate.Element) (ts string, ok bool) {
	value := e.Attr("value")
	if value == "" {
		value = e.Child(hl7, "low").Attr("value")
	}
	if value == "" {
		return "", true
	}
	digits, offset := splitTS(value)
	if _, _, err := xds.DTM(digits).Range(); err != nil || offset != "" && !offsetForm.MatchString(offset) {
		return "", false
	}
	if len(digits) > len("YYYYMMDD") && offset == "" {
		return clone(digits[:len("YYYYMMDD")]), true
	}
	if len(digits) <= len("YYYYMMDD") {
		return clone(digits), true
	}
	return digits + offset, true
}

// splitTS separates the digits of a TS from its offset; fractions of a second are
// below what is kept.
func splitTS(value string) (digits, offset string) {
	digits = value
	if i := strings.IndexAny(value, "+-"); i >= 0 {
		digits, offset = value[:i], value[i:]
	}
	digits, _, _ = strings.Cut(digits, ".")
	return digits, offset
}

var (
	offsetForm  = regexp.MustCompile(`^[+-](0[0-9]|1[0-4])[0-5][0-9]$`)
	decimalForm = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?$`)
)

func decimal(s string) bool { return decimalForm.MatchString(s) }

// Span is the time that a TS covers; zero times for an unknown one. A day is one of
// UTC, as in the metadata.
func Span(ts string) (from, to time.Time) {
	digits, offset := splitTS(ts)
	from, to, err := xds.DTM(digits).Range()
	if err != nil {
		return time.Time{}, time.Time{}
	}
	if zone, err := time.Parse("-0700", offset); err == nil {
		_, seconds := zone.Zone()
		shift := -time.Duration(seconds) * time.Second
		from, to = from.Add(shift), to.Add(shift)
	}
	return from, to
}

// Day is the calendar day of a TS as its writer saw it, less when it says less.
func Day(ts string) string {
	digits, _ := splitTS(ts)
	return digits[:min(len(digits), len("YYYYMMDD"))]
}
