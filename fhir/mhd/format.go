package mhd

import (
	"mime"
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// jsonTypes are the names of FHIR JSON that clients use (R4 http.html, mime-type).
var jsonTypes = []string{"application/fhir+json", "application/json", "text/json", "json", "application/json+fhir"}

// wantsJSON checks that the client takes FHIR JSON: _format wins over Accept (F3).
// XML comes with a later release, so it is 406.
func wantsJSON(c *call) error {
	if formats := c.query["_format"]; len(formats) > 0 {
		return jsonFormat(formats[0])
	}
	accepted := accepts(c.r.Header.Values("Accept"))
	if len(accepted) == 0 {
		return nil
	}
	for _, a := range accepted {
		if slices.Contains(jsonTypes, a) || a == "*/*" || a == "application/*" {
			return nil
		}
	}
	return &xds.Error{ID: "FHIR-005", Where: "Accept"}
}

func jsonFormat(format string) error {
	// A plus in a query that was not encoded is a space.
	kind, _, _ := strings.Cut(strings.ReplaceAll(format, " ", "+"), ";")
	if !slices.Contains(jsonTypes, strings.ToLower(strings.TrimSpace(kind))) {
		return &xds.Error{ID: "FHIR-005", Where: "_format"}
	}
	return nil
}

// accepts are the media types of Accept that are not refused by q=0, in the order
// of the header.
func accepts(values []string) []string {
	var types []string
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		kind, params, _ := strings.Cut(part, ";")
		kind = strings.ToLower(strings.TrimSpace(kind))
		if kind == "" {
			continue
		}
		q := 1.0
		for param := range strings.SplitSeq(params, ";") {
			if value, ok := strings.CutPrefix(strings.TrimSpace(param), "q="); ok {
				q, _ = strconv.ParseFloat(value, 64) // unreadable = refused
			}
		}
		if q > 0 {
			types = append(types, kind)
		}
	}
	return types
}

// sendsJSON checks the media type of a request body (415); none is taken compressed,
// since a few bytes may stand for any number.
func sendsJSON(c *call) error {
	if coding := c.r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return &xds.Error{ID: "FHIR-006", Where: "Content-Encoding", Expected: "aucun"}
	}
	kind, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	charset := params["charset"]
	if err != nil || !slices.Contains(jsonTypes, kind) || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return &xds.Error{ID: "FHIR-006", Where: "Content-Type"}
	}
	return nil
}
