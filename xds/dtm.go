package xds

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// DTM is an HL7 v2 time: YYYY[MM[DD[hh[mm[ss]]]]], in UTC (ITI TF-3 Table
// 4.2.3.1.7-2). The text is kept, so its precision is kept; an offset (`+0100`)
// is not part of the type and is a finding when a sender writes one.
type DTM string

var dtmLayouts = map[int]string{4: "2006", 6: "200601", 8: "20060102", 10: "2006010215", 12: "200601021504", 14: "20060102150405"}

// Range returns the first instant that the value covers and the first instant
// after it: 2026 covers a year, 20260131 a day. The error says what is wrong in
// words fit for a sender.
func (d DTM) Range() (from, to time.Time, err error) {
	if strings.Trim(string(d), "0123456789") != "" {
		return from, to, errors.New("des chiffres seuls (YYYYMMDDhhmmss, UTC, sans tiret, deux-points ni décalage)")
	}
	layout, ok := dtmLayouts[len(d)]
	if !ok {
		return from, to, fmt.Errorf("%d caractères au lieu de 4, 6, 8, 10, 12 ou 14 chiffres (YYYYMMDDhhmmss, UTC, sans décalage)", len(d))
	}
	from, err = time.Parse(layout, string(d))
	if err != nil || from.Year() == 0 {
		return from, to, fmt.Errorf("cette date n'existe pas (YYYYMMDDhhmmss, UTC)")
	}
	switch len(d) {
	case 4:
		to = from.AddDate(1, 0, 0)
	case 6:
		to = from.AddDate(0, 1, 0)
	case 8:
		to = from.AddDate(0, 0, 1)
	case 10:
		to = from.Add(time.Hour)
	case 12:
		to = from.Add(time.Minute)
	default:
		to = from.Add(time.Second)
	}
	return from, to, nil
}

// Start is the first instant that the value covers, the zero time when it is
// absent or malformed.
func (d DTM) Start() time.Time {
	from, _, err := d.Range()
	if err != nil {
		return time.Time{}
	}
	return from
}

// NewDTM writes an instant with the precision of a second, in UTC.
func NewDTM(t time.Time) DTM { return DTM(t.UTC().Format("20060102150405")) }
