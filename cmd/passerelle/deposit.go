package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/lot"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// deposit are the flags of both faces that change what a CDA header says.
type deposit struct {
	Type            string   `placeholder:"CODE" help:"typeCode, à la place de celui de l'en-tête : code, ou code^^système."`
	Confidentiality []string `placeholder:"CODE" help:"Code de confidentialité en plus : MASQUE_PS, INVISIBLE_PATIENT, INVISIBLE_REPRESENTANTS_LEGAUX. Répétable."`
	UniqueID        string   `name:"unique-id" placeholder:"new|OID" help:"Donner un autre identifiant au document envoyé : new en tire un au hasard."`
}

// sourceDocument is a CDA ready to be sent.
type sourceDocument struct {
	bytes   []byte
	header  cda.Header
	renamed bool
}

// read reads a CDA and derives its metadata; all findings at once.
func (d deposit) read(file string) (sourceDocument, error) {
	doc, err := readFile(file)
	if err != nil {
		return sourceDocument{}, err
	}
	out := sourceDocument{bytes: doc}
	if d.UniqueID != "" {
		if out.bytes, err = rename(doc, d.UniqueID); err != nil {
			return out, err
		}
		out.renamed = true
	}
	options := cda.Options{ClassOf: dmp.Class}
	if d.Type != "" {
		options.ClassOf = nil // the type of the header is not kept
	}
	var findings xds.Errors
	if out.header, findings = cda.Derive(out.bytes, options); findings.Failed() {
		return out, refused("métadonnées impossibles à déduire : rien n'est envoyé", findingsOf(findings))
	}
	if d.Type == "" {
		return out, nil
	}
	code, err := codeOf(xds.AttrTypeCode, d.Type, out.header.Entry.TypeCode.Scheme)
	if err != nil {
		return out, err
	}
	out.header.Entry.TypeCode = code
	out.header.Entry.ClassCode, _ = dmp.Class(code) // unknown: the gateway says so
	return out, nil
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

// readFile reads a document whole, at most cda.MaxBytes.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, environment("fichier introuvable : " + name)
	}
	if err != nil {
		return nil, environment(err.Error())
	}
	defer f.Close()
	doc, err := io.ReadAll(io.LimitReader(f, cda.MaxBytes+1))
	if err != nil {
		return nil, environment(err.Error())
	}
	if len(doc) > cda.MaxBytes {
		return nil, environment(name + " dépasse " + strconv.Itoa(cda.MaxBytes>>20) + " Mio")
	}
	return bytes.TrimPrefix(doc, []byte("\xEF\xBB\xBF")), nil
}

const hl7 = "urn:hl7-org:v3"

// rename gives a CDA another id: the bytes of its first ClinicalDocument/id change
// and no other.
func rename(doc []byte, id string) ([]byte, error) {
	if id == "new" {
		id = lot.NewOID()
	}
	if !xds.IsOID(id) {
		return nil, misuse("--unique-id : new ou un OID est attendu")
	}
	limits := xmlgate.Payload()
	limits.Elements = 200_000
	root, err := xmlgate.Parse(doc, limits)
	if err != nil {
		return nil, err
	}
	old := root.Child(hl7, "id")
	if !root.Is(hl7, "ClinicalDocument") || old == nil {
		return nil, refused("rien à renommer", findingsOf(xds.Errors{xds.Found("META-004", "ClinicalDocument/id", "", "un document CDA R2 avec un identifiant")}))
	}
	raw := old.Raw()
	tag := raw[:bytes.IndexAny(raw, " \t\r\n/>")] // with the prefix of the element
	out := append([]byte{}, doc[:old.Start]...)
	out = fmt.Appendf(out, `%s root="%s"/>`, tag, id)
	return append(out, doc[old.End:]...), nil
}
