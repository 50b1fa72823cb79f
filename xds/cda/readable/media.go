package readable

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// Attachment is a file that a document carries.
type Attachment struct {
	ID        string // by which a narrative names it, "" = it does not
	MediaType string // as declared, lower case, without parameters
	Content   []byte
}

// signatures are the first bytes of what a browser may be given to show. SVG is not among
// them: it is a document with scripts and references.
var signatures = []struct {
	mediaType, first string
	kind             Kind
}{
	{"application/pdf", "%PDF-", PDF},
	{"image/jpeg", "\xFF\xD8\xFF", Image},
	{"image/png", "\x89PNG\r\n\x1A\n", Image},
	{"image/gif", "GIF87a", Image},
	{"image/gif", "GIF89a", Image},
}

// Shown is the media type under which a page may serve the file to be shown: the declared
// one when the bytes bear it out. "" is a file to be downloaded only.
func (a Attachment) Shown() string {
	for _, s := range signatures {
		if s.mediaType == a.MediaType && bytes.HasPrefix(a.Content, []byte(s.first)) {
			return s.mediaType
		}
	}
	return ""
}

func (a Attachment) kind() Kind {
	if a.MediaType == "text/plain" {
		return Text
	}
	for _, s := range signatures {
		if a.Shown() == s.mediaType {
			return s.kind
		}
	}
	return File
}

// Extension is the ending of a file name for the media type, with its dot.
func (a Attachment) Extension() string {
	if e, known := extensions[a.MediaType]; known {
		return e
	}
	return ".bin"
}

var extensions = map[string]string{
	"application/pdf": ".pdf", "image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/tiff": ".tif",
	"text/plain": ".txt", "text/rtf": ".rtf", "application/rtf": ".rtf", "text/xml": ".xml", "application/xml": ".xml",
}

// carried decodes an ED (HL7 data types R1 §2.4). What stands elsewhere is not fetched,
// what is compressed is not unpacked.
func carried(ed *xmlgate.Element) (Attachment, bool) {
	a := Attachment{MediaType: bare(ed.Attr("mediaType"))}
	switch {
	case ed == nil || ed.Text == "" || ed.Attr("compression") != "":
		return Attachment{}, false
	case ed.Attr("representation") == "B64":
		content, err := base64.StdEncoding.DecodeString(strings.Map(unspaced, ed.Text))
		a.Content = content
		return a, err == nil && len(content) > 0
	}
	if a.MediaType == "" {
		a.MediaType = "text/plain" // the default of ED
	}
	a.Content = []byte(ed.Text)
	return a, true
}

func unspaced(r rune) rune {
	if r == ' ' || r == '\t' || r == '\r' || r == '\n' {
		return -1
	}
	return r
}

// media are the observationMedia of a body. A regionOfInterest marks a place of the media
// inside it: it stands for that media.
func media(body *xmlgate.Element) []Attachment {
	var all []Attachment
	for e := range body.All() {
		if !e.Is(hl7, "observationMedia") {
			continue
		}
		a, ok := carried(e.Child(hl7, "value"))
		if !ok {
			continue
		}
		a.ID = e.Attr("ID")
		for p := e.Parent; a.ID == "" && p != nil; p = p.Parent {
			if p.Is(hl7, "regionOfInterest") {
				a.ID = p.Attr("ID")
			}
		}
		all = append(all, a)
	}
	return all
}

// bare is a media type without its parameters.
func bare(mediaType string) string {
	mediaType, _, _ = strings.Cut(mediaType, ";")
	return strings.ToLower(strings.TrimSpace(mediaType))
}

// plain reads text in UTF-8, else in Latin-1, which older software writes.
func plain(b []byte) string {
	b = bytes.TrimPrefix(b, []byte("\xEF\xBB\xBF"))
	if utf8.Valid(b) {
		return string(b)
	}
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}
