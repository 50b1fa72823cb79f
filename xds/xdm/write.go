package xdm

import (
	"archive/zip"
	"crypto/sha1" //nolint:gosec // XDS defines the hash attribute as SHA-1 (ITI TF-3 4.2.3.2.10)
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// Medium is what is written: one set of documents for one recipient.
type Medium struct {
	Recipient Recipient
	// Set says who makes the medium, about whom and when; its ids are the caller's.
	Set xds.SubmissionSet
	// Documents are the entries as a gateway gave them to the one who makes the medium.
	Documents []xds.DocumentEntry
	// Unbounded takes any number of documents of any size: everything of one record, for
	// its holder. Others who read media need not take one that is larger than the bounds.
	Unbounded bool
}

// Writer writes a medium as a stream: its pages and METADATA.XML first, then the
// documents in any order.
type Writer struct {
	// Documents are the entries that are on the medium.
	Documents []xds.DocumentEntry
	// Sums are the files written so far, those that are begun included.
	Sums []Sum

	zip     *zip.Writer
	at      time.Time
	missing map[string]int // index of each document not yet written, by uniqueId
}

// Errors of a Writer.
var (
	ErrNotListed = errors.New("xdm: a document that is not on the medium, or is there already")
	ErrDiffers   = errors.New("xdm: the bytes are not those that the metadata announce")
	ErrMissing   = errors.New("xdm: a document was announced and not written")
)

const folder = "IHE_XDM/SUBSET01/"

// Create begins a medium. Documents that may not be on it, and second entries of one
// content, are left out: nothing on the medium tells of them. The findings are entries
// that cannot be announced: without hash or size, of another patient, or too large
// together.
func Create(out io.Writer, m Medium) (*Writer, error) {
	w := &Writer{zip: zip.NewWriter(out), missing: map[string]int{}, at: m.Set.SubmissionTime.Start()}
	var found xds.Errors
	var total int64
	for i := range m.Documents {
		d := &m.Documents[i]
		if _, twin := w.missing[d.UniqueID]; twin || m.Recipient.Withheld(d) {
			continue
		}
		where := fmt.Sprintf("DocumentEntry[%d]", i+1)
		switch {
		case d.Hash == "" || d.Size == 0:
			found.Add(&xds.Error{ID: "META-001", Where: where + ".hash", Expected: "hash et size", Object: d.UniqueID})
		case !d.PatientID.Same(m.Set.PatientID):
			found.Add(&xds.Error{ID: "META-016", Where: where, Object: d.UniqueID})
		}
		total += d.Size
		w.missing[d.UniqueID] = len(w.Documents)
		w.Documents = append(w.Documents, announced(*d, len(w.Documents)+1))
	}
	if !m.Unbounded && total > MaxArchive/2 || !m.Unbounded && len(w.Documents) > MaxEntries-10 { // room for what deflate adds, and our pages
		found.Add(&xds.Error{ID: "XDM-002", Where: "documents", Found: fmt.Sprintf("%d documents, %d octets", len(w.Documents), total),
			Expected: fmt.Sprintf("au plus %d documents et 1 Gio par support", MaxEntries-10), Hint: "en faire plusieurs supports"})
	}
	if err := found.Err(); err != nil {
		return nil, err
	}
	return w, w.pages(m.Set)
}

// announced is an entry as METADATA.XML has it: under a symbolic id, with the place of
// its document and without what a registry or a repository gave it (ITI TF-3 4.3.1).
func announced(d xds.DocumentEntry, n int) xds.DocumentEntry {
	d.EntryUUID, d.URI = fmt.Sprintf("Document%02d", n), fmt.Sprintf("DOC%05d.%s", n, extension(d.MimeType))
	d.LogicalID, d.Version, d.AvailabilityStatus, d.HomeCommunityID, d.RepositoryUniqueID, d.Availability = "", 0, "", "", "", ""
	if d.ObjectType == "" {
		d.ObjectType = xds.StableDocument
	}
	return d
}

// extension is three letters, as media of old want them.
func extension(mimeType string) string {
	kind, _, err := mime.ParseMediaType(mimeType)
	if err != nil {
		return "BIN"
	}
	known := map[string]string{"text/xml": "XML", "application/xml": "XML", "application/pdf": "PDF", "text/plain": "TXT", "image/jpeg": "JPG",
		"image/png": "PNG", "image/tiff": "TIF", "text/rtf": "RTF", "application/rtf": "RTF", "application/dicom": "DCM"}
	if e, ok := known[kind]; ok {
		return e
	}
	return "BIN"
}

// pages writes what stands before the documents.
func (w *Writer) pages(set xds.SubmissionSet) error {
	lot := xds.Submission{Set: set, Documents: w.Documents}
	lot.Set.EntryUUID, lot.Set.AvailabilityStatus, lot.Set.HomeCommunityID = "SubmissionSet01", "", ""
	for i, d := range w.Documents {
		lot.Associations = append(lot.Associations, xds.Association{
			EntryUUID: fmt.Sprintf("Association%02d", i+1), Type: xds.HasMember, Source: lot.Set.EntryUUID, Target: d.EntryUUID, SetStatus: "Original",
		})
	}
	metadata := ebrim.AppendSubmission([]byte(`<?xml version="1.0" encoding="UTF-8"?>`+"\n"), &lot)
	for _, f := range []struct {
		name string
		text []byte
	}{
		{"README.TXT", []byte(readme)}, {"INDEX.HTM", index(w.Documents)}, {folder + "METADATA.XML", metadata},
	} {
		part, err := w.file(f.name)
		if err != nil {
			return err
		}
		if _, err := part.Write(f.text); err != nil {
			return err
		}
	}
	return nil
}

// Sum is a file of the medium, for who writes a list of them.
type Sum struct {
	Name   string
	Size   int64
	SHA256 hash.Hash
}

// file begins a file; the one before it is ended.
func (w *Writer) file(name string) (io.Writer, error) {
	part, err := w.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: w.at})
	if err != nil {
		return nil, err
	}
	w.Sums = append(w.Sums, Sum{Name: name, SHA256: sha256.New()})
	return &summed{part, &w.Sums[len(w.Sums)-1]}, nil
}

// summed measures what passes.
type summed struct {
	io.Writer
	sum *Sum
}

func (s *summed) Write(p []byte) (int, error) {
	n, err := s.Writer.Write(p)
	s.sum.SHA256.Write(p[:n])
	s.sum.Size += int64(n)
	return n, err
}

// Beside begins a file of the caller's own, which is no part of the medium and which its
// readers pass by (ITI TF-2 3.32.4.1.2: other folders may be there).
func (w *Writer) Beside(name string) (io.Writer, error) { return w.file(name) }

// Write adds the bytes of a document, by its uniqueId. They must be those that its
// entry announces.
func (w *Writer) Write(uniqueID string, content io.Reader) error {
	i, listed := w.missing[uniqueID]
	if !listed {
		return ErrNotListed
	}
	d := &w.Documents[i]
	part, err := w.file(folder + d.URI)
	if err != nil {
		return err
	}
	sum := sha1.New() //nolint:gosec // see the import
	n, err := io.Copy(io.MultiWriter(part, sum), io.LimitReader(content, d.Size+1))
	switch {
	case err != nil:
		return err
	case n != d.Size || !strings.EqualFold(hex.EncodeToString(sum.Sum(nil)), d.Hash):
		return ErrDiffers
	}
	delete(w.missing, uniqueID)
	return nil
}

// Close ends the medium. One that lacks a document is not whole: ErrMissing.
func (w *Writer) Close() error {
	if len(w.missing) > 0 {
		return ErrMissing
	}
	return w.zip.Close()
}
