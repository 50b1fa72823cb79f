// Package level1 writes a file that somebody deposits as a CDA R2 document of level 1
// (CI-SIS, structuration minimale, nonXMLBody): the header that the affinity domain asks
// for, and the bytes as they are. It reads nothing and decides nothing: who signs, where
// and for whom is its caller's to know.
package level1

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"io"
	"text/template"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// Document is a file with what its header needs.
type Document struct {
	UniqueID  string // OID
	SetID     string // OID, common to all versions
	Version   int
	Parent    string // uniqueId of the document that it replaces, "" = none
	Title     string
	Type      xds.Code
	At        time.Time
	Act       string // TS of the documented act, a day at least
	Patient   Patient
	Author    Person // who writes and signs: a professional, or the patient under his INS
	Custodian Person // its Structure keeps the document
	Facility  xds.Code
	Setting   xds.Code
	MediaType string
	Content   []byte
}

// Patient are the traits of the holder.
type Patient struct {
	INS           xds.CX
	Family, Given string
	BirthDate     string // YYYYMMDD
	Sex           string // F, M or UN
}

// Person is a professional or the patient, with the structure he acts in.
type Person struct {
	Root, ID      string // of the person
	Family, Given string
	Specialty     xds.Code // JDV_J01
	StructureRoot string
	Structure     string
	StructureName string
}

//go:embed document.xml.tmpl
var source string

var document = template.Must(template.New("document").Funcs(template.FuncMap{"x": escape, "former": func(n int) int { return n - 1 }}).Parse(source))

// lineLength is how long a line of the base64 body is.
const lineLength = 76

// Write writes a document.
func Write(d Document) ([]byte, error) {
	var b bytes.Buffer
	if err := document.ExecuteTemplate(&b, "header", d); err != nil {
		return nil, fmt.Errorf("level 1 document: %w", err)
	}
	text := base64.NewEncoder(base64.StdEncoding, &lines{to: &b})
	if _, err := text.Write(d.Content); err != nil {
		return nil, err
	}
	if err := text.Close(); err != nil {
		return nil, err
	}
	if err := document.ExecuteTemplate(&b, "end", d); err != nil {
		return nil, fmt.Errorf("level 1 document: %w", err)
	}
	return b.Bytes(), nil
}

// lines breaks a text into lines.
type lines struct {
	to *bytes.Buffer
	at int
}

func (l *lines) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if l.at == lineLength {
			l.to.WriteByte('\n')
			l.at = 0
		}
		part := p[:min(len(p), lineLength-l.at)]
		l.to.Write(part)
		l.at += len(part)
		p = p[len(part):]
	}
	return n, nil
}

var _ io.Writer = (*lines)(nil)

func escape(s string) string { return string(xmlgate.AppendEscaped(nil, s, true)) }

// Time is the instant of the document as a TS.
func (d Document) Time() string { return d.At.Format("20060102150405-0700") }
