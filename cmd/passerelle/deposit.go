package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/lot"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
)

// deposit are the arguments of both faces: the documents, and what changes in what
// their headers say.
type deposit struct {
	Type            string   `placeholder:"CODE" help:"typeCode, à la place de celui de l'en-tête : code, ou code^^système."`
	Confidentiality []string `placeholder:"CODE" help:"Code de confidentialité en plus : MASQUE_PS, INVISIBLE_PATIENT, INVISIBLE_REPRESENTANTS_LEGAUX. Répétable."`
	UniqueID        string   `name:"unique-id" placeholder:"new|OID" help:"Donner un autre identifiant au document envoyé : new en tire un au hasard."`
	Replace         string   `placeholder:"ID" help:"Remplacer ce document : son uniqueId, ou son entryUUID (id FHIR)."`
	DryRun          bool     `name:"dry-run" help:"Ne rien envoyer : les métadonnées déduites, et d'où vient chacune dans le CDA."`
	Files           []string `arg:"" name:"FICHIER" help:"Documents CDA, ou dossiers de documents .xml."`
}

// check refuses options that make no sense for several documents.
func (d deposit) check(documents int) error {
	switch {
	case documents > 1 && d.Replace != "":
		return misuse("--replace : un seul document peut en remplacer un autre")
	case documents > 1 && d.UniqueID != "" && d.UniqueID != "new":
		return misuse("--unique-id : un identifiant pour un seul document", "--unique-id new")
	case d.UniqueID != "" && d.UniqueID != "new" && !xds.IsOID(d.UniqueID):
		return misuse("--unique-id : new ou un OID est attendu")
	}
	return nil
}

// documents are the files that the arguments name, a folder being its .xml files in
// the order of their names. Nothing is sent when one of them is not there.
func (d deposit) documents() ([]string, error) {
	var files, absent []string
	for _, name := range d.Files {
		info, err := os.Stat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			absent = append(absent, name)
			continue
		case err != nil:
			return nil, environment(err.Error())
		case !info.IsDir():
			files = append(files, name)
			continue
		}
		within, err := os.ReadDir(name)
		if err != nil {
			return nil, environment(err.Error())
		}
		found := len(files)
		for _, f := range within {
			if !f.IsDir() && strings.EqualFold(filepath.Ext(f.Name()), ".xml") {
				files = append(files, filepath.Join(name, f.Name()))
			}
		}
		if len(files) == found {
			return nil, environment("aucun document .xml dans " + name)
		}
	}
	if len(absent) > 0 {
		return nil, environment("fichier introuvable : " + strings.Join(absent, ", "))
	}
	return files, nil
}

// choice is what the sender decides beside the document.
func (d deposit) choice(now time.Time) (lot.Choice, error) {
	c := lot.Choice{SubmittedAt: xds.NewDTM(now)}
	for _, text := range d.Confidentiality {
		mark, err := markOf(text)
		if err != nil {
			return c, err
		}
		c.Marks = append(c.Marks, mark)
	}
	return c, nil
}

// sourceDocument is a CDA ready to be sent, left in its file.
type sourceDocument struct {
	file     string
	header   cda.Header
	warnings xds.Errors // of the derivation
	head     []byte     // takes the place of the first skip bytes of the file
	skip     int64
	renamed  bool
}

// open reads the document as it is sent: the bytes of the file, all of them, but for
// another id where one was asked for.
func (doc sourceDocument) open() (io.ReadCloser, error) {
	f, err := os.Open(doc.file)
	if err != nil {
		return nil, environment(err.Error())
	}
	if _, err := f.Seek(doc.skip, io.SeekStart); err != nil {
		_ = f.Close()
		return nil, environment(err.Error())
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(doc.head), f), f}, nil
}

// read derives the metadata of a CDA; all findings at once.
func (d deposit) read(file string) (sourceDocument, error) {
	doc := sourceDocument{file: file}
	unnamed := error(nil)
	if d.UniqueID != "" {
		unnamed = doc.rename(d.UniqueID)
	}
	options := cda.Options{ClassOf: dmp.Class}
	if d.Type != "" {
		options.ClassOf = nil // the type of the header is not kept
	}
	content, err := doc.open()
	if err != nil {
		return doc, err
	}
	defer content.Close()
	header, findings, err := cda.Read(content, options)
	if err != nil {
		return doc, environment(err.Error())
	}
	doc.header, doc.warnings = header, findings
	switch {
	case findings.Failed():
		return doc, refused("métadonnées impossibles à déduire : rien n'est envoyé", findingsOf(findings))
	case unnamed != nil:
		return doc, unnamed
	case d.Type == "":
		return doc, nil
	}
	code, err := codeOf(xds.AttrTypeCode, d.Type, header.Entry.TypeCode.Scheme)
	if err != nil {
		return doc, err
	}
	doc.header.Entry.TypeCode = code
	doc.header.Entry.ClassCode, _ = dmp.Class(code) // unknown: the gateway says so
	doc.header.Origins = slices.DeleteFunc(doc.header.Origins, func(o cda.Origin) bool { return o.Attribute == xds.AttrTypeCode.String() })
	return doc, nil
}

// longestHead bounds how far into a file its id is looked for, in bytes.
const longestHead = 8 << 20

// rename gives a CDA another id: the bytes of its first ClinicalDocument/id change
// and no other.
func (doc *sourceDocument) rename(id string) error {
	if id == "new" {
		id = lot.NewOID()
	}
	f, err := os.Open(doc.file)
	if err != nil {
		return environment(err.Error())
	}
	defer f.Close()
	start, err := io.ReadAll(io.LimitReader(f, longestHead))
	if err != nil {
		return environment(err.Error())
	}
	from, to, tag := idTag(start)
	if tag == "" {
		return refused("rien à renommer", findingsOf(xds.Errors{xds.Found("META-004", "ClinicalDocument/id", "", "un document CDA R2 avec un identifiant")}))
	}
	doc.head = fmt.Appendf(start[:from:from], `<%s root="%s"/>`, tag, id)
	doc.skip, doc.renamed = to, true
	return nil
}

// idTag is where the id of a CDA begins and ends, and its name with its prefix; ""
// when there is none.
func idTag(start []byte) (from, to int64, tag string) {
	d := xml.NewDecoder(bytes.NewReader(start))
	for depth := 0; ; {
		at := d.InputOffset()
		token, err := d.RawToken()
		if err != nil {
			return 0, 0, ""
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch {
			case depth == 0 && t.Name.Local != "ClinicalDocument":
				return 0, 0, ""
			case depth == 1 && tag == "" && t.Name.Local == "id":
				from = at
				tag = strings.TrimPrefix(t.Name.Space+":id", ":")
			}
			depth++
		case xml.EndElement:
			if depth--; depth == 1 && tag != "" {
				return from, d.InputOffset(), tag
			}
		}
	}
}
