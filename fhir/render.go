package fhir

import (
	"mime"
	"slices"
	"strings"
)

// Format is an encoding of resources.
type Format uint8

// The encodings that MHD asks for (F2).
const (
	JSON Format = iota
	XML
)

// formatNames are the names of the encodings: the media type of R4, then those that
// older and laxer clients use (R4 http.html, mime-type).
var formatNames = [...][]string{
	JSON: {"application/fhir+json", "application/json", "text/json", "json", "application/json+fhir"},
	XML:  {"application/fhir+xml", "application/xml", "text/xml", "xml", "application/xml+fhir"},
}

// Names are the names of the encoding, its media type first.
func (f Format) Names() []string { return formatNames[f] }

// MediaType is the Content-Type of an answer.
func (f Format) MediaType() string { return formatNames[f][0] + "; charset=utf-8" }

// FormatOf reads a media type, or a short name as in _format. Another charset than
// UTF-8 and another version of FHIR than R4 are no formats of this server.
func FormatOf(text string) (f Format, ok bool) {
	kind, params, err := mime.ParseMediaType(text)
	charset, version := params["charset"], params["fhirversion"]
	if err != nil || charset != "" && !strings.EqualFold(charset, "utf-8") || version != "" && version != "4.0" && version != "4.0.1" {
		return 0, false
	}
	for f, names := range formatNames {
		if slices.Contains(names, kind) {
			return Format(f), true
		}
	}
	return 0, false
}

// Rendering is the form in which a client takes resources (R4 http.html).
type Rendering struct {
	Format Format
	Pretty bool
	Subset Subset
}

// Render gives a resource, written as JSON by this package, the form that the client
// takes. JSON as it is costs nothing.
func (r Rendering) Render(resource []byte) ([]byte, error) {
	if r == (Rendering{}) {
		return resource, nil
	}
	n, err := scan(string(resource))
	if err != nil {
		return nil, err
	}
	n = r.Subset.of(n)
	if r.Format == XML {
		return AppendXML(make([]byte, 0, 3*len(resource)/2), n, r.Pretty)
	}
	return AppendJSON(nil, n, r.Pretty), nil
}
