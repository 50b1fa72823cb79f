package mhd

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/xds"
)

// negotiate finds the form that the client takes: _format wins over Accept (F3). Until
// it is found, answers are JSON: so is the refusal of a form (406).
func (c *call) negotiate(values url.Values) error {
	format, err := c.format(values["_format"])
	if err != nil {
		return err
	}
	c.form.Format, c.form.Pretty = format, values.Get("_pretty") == "true"
	c.form.Subset, err = fhir.ParseSubset(values)
	return err
}

func (c *call) format(named []string) (fhir.Format, error) {
	if len(named) > 0 {
		// A plus in a query that was not encoded is a space.
		format, ok := fhir.FormatOf(strings.ReplaceAll(named[0], "fhir ", "fhir+"))
		if !ok {
			return 0, &xds.Error{ID: "FHIR-005", Where: "_format", Found: named[0]}
		}
		return format, nil
	}
	ranges := accepts(c.r.Header.Values("Accept"))
	if len(ranges) == 0 {
		return fhir.JSON, nil
	}
	switch choose(ranges, fhir.JSON.Names(), fhir.XML.Names()) {
	case 0:
		return fhir.JSON, nil
	case 1:
		return fhir.XML, nil
	}
	return 0, &xds.Error{ID: "FHIR-005", Where: "Accept", Found: strings.Join(c.r.Header.Values("Accept"), ", ")}
}

// mediaRange is one entry of Accept (RFC 9110 section 12.5.1).
type mediaRange struct {
	kind string
	q    float64
}

// accepts are the entries of Accept in their order. One that asks for another version
// of FHIR is refused, as if by q=0.
func accepts(values []string) []mediaRange {
	var ranges []mediaRange
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		kind, params, _ := strings.Cut(part, ";")
		r := mediaRange{strings.ToLower(strings.TrimSpace(kind)), 1}
		if r.kind == "" {
			continue
		}
		for param := range strings.SplitSeq(params, ";") {
			name, value, _ := strings.Cut(param, "=")
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "q":
				r.q, _ = strconv.ParseFloat(strings.TrimSpace(value), 64) // unreadable = refused
			case "fhirversion":
				if _, ok := fhir.FormatOf("json;fhirVersion=" + value); !ok {
					r.q = 0
				}
			}
		}
		ranges = append(ranges, r)
	}
	return ranges
}

// choose is the offer that the client takes most gladly, -1 for none. An offer is a
// media type and its other names; of offers taken alike, the one named first.
func choose(ranges []mediaRange, offers ...[]string) int {
	best, bestQ, bestAt := -1, 0.0, 0
	for i, names := range offers {
		q, at := liking(ranges, names)
		if q > bestQ || best >= 0 && q == bestQ && at < bestAt {
			best, bestQ, bestAt = i, q, at
		}
	}
	return best
}

// liking is the quality of an offer by the closest range that covers it, and where
// that stands.
func liking(ranges []mediaRange, names []string) (q float64, at int) {
	major, _, _ := strings.Cut(names[0], "/")
	closest := -1
	for i, r := range ranges {
		closeness := -1
		switch {
		case slices.Contains(names, r.kind):
			closeness = 2
		case r.kind == major+"/*":
			closeness = 1
		case r.kind == "*/*":
			closeness = 0
		}
		if closeness > closest {
			closest, q, at = closeness, r.q, i
		}
	}
	return q, at
}

// bodyFormat is the encoding of the request's body, else 415; none is taken compressed,
// since a few bytes may stand for any number.
func (c *call) bodyFormat() (fhir.Format, error) {
	if err := c.uncompressed(); err != nil {
		return 0, err
	}
	kind := c.r.Header.Get("Content-Type")
	format, ok := fhir.FormatOf(kind)
	if !ok {
		return 0, &xds.Error{ID: "FHIR-006", Where: "Content-Type", Found: kind}
	}
	return format, nil
}

func (c *call) uncompressed() error {
	if coding := c.r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return &xds.Error{ID: "FHIR-006", Where: "Content-Encoding", Found: coding, Expected: "aucun", Hint: "envoyer le corps sans compression"}
	}
	return nil
}
