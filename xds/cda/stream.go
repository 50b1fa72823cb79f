package cda

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // XDS defines the hash attribute as SHA-1 (ITI TF-3 4.2.3.2.10)
	"encoding/hex"
	"encoding/xml"
	"io"
	"slices"
	"strconv"

	"github.com/passerelle-sante/passerelle/xds"
)

// wholeBytes is up to which length a document is held in memory and checked whole.
// Of a longer one, which holds images or a PDF, the header alone is opened and the
// rest passes by.
const wholeBytes = 8 << 20

// Read is Derive of a stream, whatever its length, in bounded memory. Of a document
// of more than 8 MiB it checks the header and that the text ends where the root
// does, and no more. The error is that of the stream.
func Read(doc io.Reader, o Options) (Header, xds.Errors, error) {
	return read(doc, o, wholeBytes)
}

func read(doc io.Reader, o Options, whole int64) (Header, xds.Errors, error) {
	start, err := io.ReadAll(io.LimitReader(doc, whole))
	if err != nil {
		return Header{}, nil, err
	}
	sum := sha1.New() //nolint:gosec // see the import
	sum.Write(start)
	last := ending{bytes: start[max(0, len(start)-longestEnd):]}
	rest, err := io.Copy(io.MultiWriter(sum, &last), doc)
	if err != nil {
		return Header{}, nil, err
	}
	if rest == 0 {
		h, findings := Derive(start, o)
		return h, findings, nil
	}
	outline, root, ok := skeleton(start)
	if !ok {
		if _, findings := Derive(start, o); findings.Failed() && findings[0].ID == "XML-002" { // an encoding, for one
			return Header{}, findings, nil
		}
		return Header{}, xds.Errors{xds.Found("XML-003", "ClinicalDocument/component", "", "un en-tête CDA lisible d'au plus "+strconv.FormatInt(whole>>20, 10)+" Mio avant le corps")}, nil
	}
	h, findings := Derive(outline, o)
	h.Entry.Size, h.Entry.Hash = int64(len(start))+rest, hex.EncodeToString(sum.Sum(nil))
	if !bytes.HasSuffix(bytes.TrimRight(last.bytes, " \t\r\n"), []byte("</"+root+">")) {
		findings.Add(xds.Found("XML-001", root, "", "la balise </"+root+"> à la fin du fichier : il est peut-être tronqué"))
	}
	return h, findings, nil
}

// longestEnd bounds the end of a text in which its last tag is looked for, in bytes.
const longestEnd = 512

// ending keeps the last bytes that were written to it.
type ending struct{ bytes []byte }

func (e *ending) Write(p []byte) (int, error) {
	joined := append(e.bytes[:len(e.bytes):len(e.bytes)], p[max(0, len(p)-longestEnd):]...)
	e.bytes = bytes.Clone(joined[max(0, len(joined)-longestEnd):])
	return len(p), nil
}

// skeleton is a document without what its body holds: every byte up to the start tag
// of structuredBody, or of the text of nonXMLBody, then the tags that close what is
// open. root is the name of the root, prefix included. What it makes of a text goes
// through the gate like any other.
func skeleton(start []byte) (outline []byte, root string, ok bool) {
	d := xml.NewDecoder(bytes.NewReader(start))
	var open []xml.Name // their Space is the prefix
	for {
		token, err := d.RawToken()
		if err != nil {
			return nil, "", false
		}
		switch t := token.(type) {
		case xml.StartElement:
			open = append(open, xml.Name{Space: t.Name.Space, Local: t.Name.Local})
			if !inBody(open) {
				continue
			}
			at := d.InputOffset()
			outline = append(outline, start[:at]...)
			if start[at-2] == '/' {
				open = open[:len(open)-1]
			}
			for _, n := range slices.Backward(open) {
				root = rawName(n)
				outline = append(outline, "</"+root+">"...)
			}
			return outline, root, true
		case xml.EndElement:
			open = open[:max(0, len(open)-1)]
		}
	}
}

// inBody tells whether the innermost open element is where a body begins.
func inBody(open []xml.Name) bool {
	switch {
	case len(open) < 3 || open[1].Local != "component":
		return false
	case open[2].Local == "nonXMLBody":
		return len(open) == 4 && open[3].Local == "text"
	default:
		return len(open) == 3
	}
}

func rawName(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}
