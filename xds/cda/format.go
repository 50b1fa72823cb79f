package cda

import (
	_ "embed"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

//go:embed formats.csv
var formatsCSV string

// formats are the rows of formats.csv by key: a templateId, or a media type.
var formats = func() map[string]xds.Code {
	byKey := map[string]xds.Code{}
	for line := range strings.Lines(formatsCSV) {
		f := strings.SplitN(strings.TrimSpace(line), ",", 4)
		if len(f) == 4 && f[0] != "key" {
			byKey[f[0]] = xds.Code{Value: f[1], Scheme: f[2], Display: f[3]}
		}
	}
	return byKey
}()

// structured is the row of a structured body whose template is not in the table.
const structured = "structuredBody"

// FormatOf is the formatCode of a document (ASS_A11 and the DMP's rule for level
// 1): by the media type of its nonXMLBody when it has one, else by the first of
// its templateIds that the table knows, else the code of structured documents
// outside profiles. It is false for a media type that the DMP has no format for.
func FormatOf(templates []string, mediaType string) (xds.Code, bool) {
	if mediaType != "" {
		c, ok := formats[mediaType]
		return c, ok
	}
	for _, t := range templates {
		if c, ok := formats[t]; ok {
			return c, true
		}
	}
	return formats[structured], true
}

// format reads what FormatOf needs and reports a body that has none.
func (r *reader) format() xds.Code {
	text := r.root.Find(hl7, "component", "nonXMLBody", "text")
	mediaType := text.Attr("mediaType")
	if text == nil && r.root.Find(hl7, "component", "structuredBody") == nil {
		r.missing("formatCode", "un corps structuredBody ou nonXMLBody", "component")
		return xds.Code{}
	}
	if text != nil && mediaType == "" {
		r.missing("formatCode", "le type de contenu du corps", "component", "nonXMLBody", "text", "@mediaType")
		return xds.Code{}
	}
	c, ok := FormatOf(r.Templates, mediaType)
	r.from("formatCode", r.formatSource(text))
	if !ok {
		r.errs.Add(text.Finding("META-003", mediaType, "formatCode : application/pdf, text/plain, text/rtf, image/jpeg ou image/tiff"))
	}
	return c
}

// formatSource is what decided: the media type of the text, a template of the
// table, or that the body is structured.
func (r *reader) formatSource(text *xmlgate.Element) *xmlgate.Element {
	if text != nil {
		return text
	}
	for _, t := range r.repeated("templateId") {
		if _, ok := formats[t.Attr("root")]; ok {
			return t
		}
	}
	return r.root.Find(hl7, "component", "structuredBody")
}
