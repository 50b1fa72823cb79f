package readable

import (
	"bytes"
	"io"
	"strconv"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// hl7 is the namespace of CDA R2.
const hl7 = "urn:hl7-org:v3"

// Kind is what a page has to show.
type Kind int

// The kinds of bodies.
const (
	Sections Kind = iota // a structured body: HTML
	Text                 // plain text: HTML
	Image                // a picture that browsers show: HTML, and the first attachment
	PDF                  // the first attachment
	File                 // anything else: the first attachment, to be downloaded
)

// Document is a document ready to be shown.
type Document struct {
	Kind   Kind
	Header Header // what the CDA header says; zero for a bare file

	// Attachments are the files that the document carries: the one of a level 1 body,
	// or the media of a structured one in their order.
	Attachments []Attachment

	// Omitted says that something of the document is not shown: the page should say so
	// and offer the original.
	Omitted bool

	body *xmlgate.Element // structuredBody
	text string           // of Text
}

// Open reads a CDA R2 of at most limit bytes. The error is an xds.Errors when the text is
// no CDA, is refused by the XML gate or is too long, and else that of the reader.
func Open(r io.Reader, limit int64) (Document, error) {
	doc, err := whole(r, limit)
	if err != nil {
		return Document{}, err
	}
	limits := xmlgate.Payload()
	limits.Elements = 200_000
	root, err := xmlgate.Parse(bytes.TrimPrefix(doc, []byte("\xEF\xBB\xBF")), limits)
	if err != nil {
		return Document{}, err
	}
	if !root.Is(hl7, "ClinicalDocument") {
		return Document{}, xds.Errors{root.Finding("META-004", root.Local, "un document CDA R2 : ClinicalDocument dans l'espace de noms "+hl7)}
	}
	d := Document{Header: header(root)}
	component := root.Child(hl7, "component")
	if d.body = component.Child(hl7, "structuredBody"); d.body != nil {
		d.Attachments = media(d.body)
		return d, nil
	}
	file, ok := carried(component.Find(hl7, "nonXMLBody", "text"))
	if !ok { // by reference, or compressed, or not there
		d.Kind, d.Omitted = File, true
		return d, nil
	}
	d.carry(file)
	return d, nil
}

// Bare is a document that is no CDA, of at most limit bytes: a file that a patient added.
// What it may be shown as depends on its bytes, whatever mediaType says.
func Bare(mediaType string, r io.Reader, limit int64) (Document, error) {
	content, err := whole(r, limit)
	if err != nil {
		return Document{}, err
	}
	var d Document
	d.carry(Attachment{MediaType: bare(mediaType), Content: content})
	return d, nil
}

// carry takes the one file of a document and says how it is shown.
func (d *Document) carry(a Attachment) {
	d.Kind = a.kind()
	if d.Kind == Text {
		d.text = plain(a.Content)
	}
	d.Attachments = []Attachment{a}
}

// Attachment is the file that is the document itself; false for a structured body.
func (d Document) Attachment() (Attachment, bool) {
	if d.body != nil || len(d.Attachments) == 0 {
		return Attachment{}, false
	}
	return d.Attachments[0], true
}

func whole(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, xds.Errors{xds.Found("XML-003", "ClinicalDocument", "plus de "+strconv.FormatInt(limit, 10)+" octets", "au plus "+strconv.FormatInt(limit, 10)+" octets pour un affichage")}
	}
	return b, nil
}
