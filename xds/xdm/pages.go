package xdm

import (
	"bytes"
	"fmt"
	"html"

	"github.com/passerelle-sante/passerelle/xds"
)

// readme is README.TXT: letters without accents, lines for the oldest of editors.
const readme = "Documents de sante au format IHE XDM (Cross-Enterprise Document Media Interchange).\r\n" +
	"\r\n" +
	"INDEX.HTM                       la liste des documents, pour un navigateur\r\n" +
	"IHE_XDM/SUBSET01/METADATA.XML   la meme liste, pour un logiciel\r\n" +
	"IHE_XDM/SUBSET01/DOC*           les documents\r\n" +
	"\r\n" +
	"Ces documents sont couverts par le secret medical. Les ouvrir, les copier ou les\r\n" +
	"transmettre engage celui qui le fait.\r\n" +
	"\r\n" +
	"Health documents as an IHE XDM medium: open INDEX.HTM, or import this folder.\r\n" +
	"Written by Passerelle.\r\n"

// index is INDEX.HTM, XHTML Basic (ITI TF-2 3.32.4.1.2.2): the documents with links.
func index(documents []xds.DocumentEntry) []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML Basic 1.0//EN" "http://www.w3.org/TR/xhtml-basic/xhtml-basic10.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="fr">
<head><title>Documents de santé</title></head>
<body>
<h1>Documents de santé</h1>
<p>Health documents (IHE XDM). <a href="README.TXT">README.TXT</a>, <a href="IHE_XDM/SUBSET01/METADATA.XML">METADATA.XML</a></p>
<ul>
`)
	for _, d := range documents {
		title := d.Title
		if title == "" {
			title = d.TypeCode.Display
		}
		if title == "" {
			title = d.URI
		}
		fmt.Fprintf(&b, "<li><a href=\"%s\">%s</a> %s %s</li>\n", folder+d.URI, html.EscapeString(title), day(d.CreationTime), html.EscapeString(d.TypeCode.Display))
	}
	b.WriteString("</ul>\n</body>\n</html>\n")
	return b.Bytes()
}

// day is a date as it is read in France.
func day(t xds.DTM) string {
	start := t.Start()
	if start.IsZero() {
		return ""
	}
	return start.Format("02/01/2006")
}
