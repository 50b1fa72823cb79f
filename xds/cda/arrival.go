package cda

import (
	"bytes"
	"io"
	"strconv"

	"github.com/passerelle-sante/passerelle/xds"
)

// Arrival is a document that is still coming in: its header is read, and its bytes
// are all still to be read from it, unchanged.
type Arrival struct {
	// Header is what the beginning of the document tells; its Entry has no hash and no
	// size, which are those of bytes that have not come yet.
	Header
	Findings xds.Errors

	content io.Reader
	root    string // of a document whose end is still to be seen, prefix included
	last    ending
}

// MaxHeader bounds how much of a document is held to read its header, in bytes. Longer
// documents hold images or a PDF in their body.
const MaxHeader = 1 << 20

// Arrive reads the header of a document that comes in, from its first limit bytes at
// most: a document that ends within them is checked whole, of a longer one the header
// alone is opened, and it must end before limit. The error is that of the stream.
func Arrive(doc io.Reader, o Options, limit int64) (*Arrival, error) {
	start, err := io.ReadAll(io.LimitReader(doc, limit+1))
	if err != nil {
		return nil, err
	}
	a := &Arrival{content: io.MultiReader(bytes.NewReader(start), doc)}
	if int64(len(start)) <= limit {
		a.Header, a.Findings = Derive(start, o)
	} else {
		a.long(start, o, limit)
	}
	a.Entry.Hash, a.Entry.Size = "", 0
	return a, nil
}

// long reads the header of a document of which more is to come.
func (a *Arrival) long(start []byte, o Options, limit int64) {
	outline, root, ok := skeleton(start)
	if ok {
		a.root = root
		a.Header, a.Findings = Derive(outline, o)
		return
	}
	if _, found := Derive(start, o); found.Failed() && found[0].ID == "XML-002" { // an encoding, for one
		a.Findings = found
		return
	}
	a.Findings = xds.Errors{xds.Found("XML-003", "ClinicalDocument/component", "", "un en-tête CDA lisible d'au plus "+strconv.FormatInt(limit, 10)+" octets avant le corps")}
}

// Read gives the bytes of the document.
func (a *Arrival) Read(b []byte) (int, error) {
	n, err := a.content.Read(b)
	if a.root != "" {
		_, _ = a.last.Write(b[:n]) // memory does not fail
	}
	return n, err
}

// End judges, once all bytes were read, whether a long document ended where its root
// does: XML-001 for one that was cut off.
func (a *Arrival) End() xds.Errors {
	if a.root == "" || bytes.HasSuffix(bytes.TrimRight(a.last.bytes, " \t\r\n"), []byte("</"+a.root+">")) {
		return nil
	}
	return xds.Errors{xds.Found("XML-001", a.root, "", "la balise </"+a.root+"> à la fin du document : il est peut-être tronqué")}
}
