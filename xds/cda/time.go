package cda

import (
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// time reads a TS that the metadata demand.
func (r *reader) time(attribute string, ts *xmlgate.Element, path ...string) xds.DTM {
	value := ts.Attr("value")
	if value == "" {
		r.missing(attribute, "une date AAAAMMJJhhmmss et son décalage horaire", append(path, "@value")...)
		return ""
	}
	dtm, expected := toUTC(value)
	if expected != "" {
		r.errs.Add(ts.Finding("META-004", value, attribute+" : "+expected))
	}
	r.from(attribute, ts)
	return dtm
}

// toUTC converts an HL7 v3 TS to a DTM of the same precision: an instant is
// moved by its offset, a date is the same date everywhere. What is wrong with
// the value comes back as what was expected instead.
func toUTC(value string) (dtm xds.DTM, expected string) {
	const form = "AAAAMMJJhhmmss±hhmm, ou AAAAMMJJ"
	digits, offset := value, ""
	if i := strings.IndexAny(value, "+-"); i >= 0 {
		digits, offset = value[:i], value[i:]
	}
	digits, _, _ = strings.Cut(digits, ".") // fractions of a second are below the precision of a DTM
	local := xds.DTM(digits)
	from, _, err := local.Range()
	if err != nil {
		return "", form
	}
	if offset == "" {
		if len(digits) > len("AAAAMMJJ") {
			return "", "le décalage horaire à la suite de l'heure : " + form
		}
		return xds.DTM(strings.Clone(digits)), ""
	}
	zone, err := time.Parse("-0700", offset)
	if err != nil {
		return "", "un décalage de quatre chiffres : " + form
	}
	if len(digits) <= len("AAAAMMJJ") {
		return xds.DTM(strings.Clone(digits)), ""
	}
	_, seconds := zone.Zone()
	precision := len(digits)
	if precision == len("AAAAMMJJhh") && seconds%3600 != 0 {
		precision = len("AAAAMMJJhhmm") // an hour moved by half an hour is no longer an hour
	}
	return xds.NewDTM(from.Add(-time.Duration(seconds) * time.Second))[:precision], ""
}
