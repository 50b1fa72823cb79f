package check

import (
	"io"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xdm"
)

// media judges a medium of documents (ITI TF-2 3.32): its layout, and each lot as an
// ITI-41 of its metadata and its documents.
func (c *Checker) media(file *io.SectionReader) (Result, error) {
	r := Result{Kind: "xdm", Subject: "XDM", Good: Words{"média lisible, métadonnées conformes", "readable medium, metadata conform"}}
	archive, found := xdm.Open(file, file.Size())
	r.add(found)
	if archive == nil {
		return r, nil
	}
	documents := 0
	for _, lot := range archive.Lots {
		documents += len(lot.Submission.Documents)
		found, err := c.lot(lot)
		if err != nil {
			return Result{}, err
		}
		r.add(found)
	}
	r.Subject = "XDM, " + counted(len(archive.Lots), "lot") + ", " + counted(documents, "document")
	return r, nil
}

// lot judges one lot of a medium.
func (c *Checker) lot(lot *xdm.Lot) (xds.Errors, error) {
	m := &message{Checker: c}
	s := lot.Submission
	m.submission(&s, nil)
	for i := range s.Documents {
		body, err := lot.Document(i)
		if err == nil {
			err = m.take(&s, i, s.Documents[i].EntryUUID, body)
			body.Close()
		}
		if found, told := xds.FindingsOf(err); told {
			m.add(found)
		} else if err != nil {
			return nil, err
		}
	}
	for _, e := range m.Findings {
		e.Where = lot.Folder + " : " + e.Where
	}
	var all xds.Errors
	all.AddAll(lot.Warnings)
	all.AddAll(m.Findings)
	return all, nil
}
