// Package xdm writes and reads a document set on exchange media: a zip with
// IHE_XDM/SUBSET01/METADATA.XML, the documents beside it, and pages for a person who
// opens it (ITI TF-1 16, TF-2 3.32).
//
// It owns the layout of the medium and the bounds of what is taken from one. It must
// never write a document that is hidden from the patient onto a medium for the
// patient's side, whatever the reader may see himself; never follow a path of an
// archive out of it, nor read more than it announces; and never hold a document in
// memory. It decides nothing about rights: what it writes was answered to its reader
// by a gateway.
package xdm

import "github.com/passerelle-sante/passerelle/xds"

// Bounds of a medium. One that a gateway writes stays within them too.
const (
	MaxArchive   = 2 << 30  // bytes of the zip
	MaxEntries   = 2000     // files and folders in it
	MaxDirectory = 1 << 20  // bytes of the list of its files
	MaxMetadata  = 16 << 20 // bytes of a METADATA.XML, unpacked
	MaxDocument  = 1 << 30  // bytes of one document, unpacked
	MaxTotal     = 4 << 30  // bytes of all documents, unpacked
	MaxRatio     = 200      // bytes unpacked for a byte in the zip, beyond the first MiB
	MaxSubsets   = 100      // folders with a METADATA.XML
)

// Recipient is for whom a medium is written.
type Recipient int

// The recipients. PatientSide is the patient and whoever stands for him.
const (
	Professional Recipient = iota
	PatientSide
	// Reader is the one who asked himself, of a gateway that gave him what he may see.
	Reader
)

// Withheld tells whether a document may not be on a medium for the recipient: one that
// is hidden from the patient never leaves towards the patient's side (policy R-09; the
// same holds for the citizens' mail), nor one that is hidden from the representatives,
// who may be those that open it.
func (r Recipient) Withheld(d *xds.DocumentEntry) bool {
	_, marks := xds.SplitMarks(d.Confidentiality)
	return r == PatientSide && (marks.HiddenPatient || marks.HiddenReps)
}
