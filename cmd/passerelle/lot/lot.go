// Package lot makes submissions on the sender's side: from the header of a CDA and
// from who sends it. The command line and the sandbox's seed push through it; the lot
// itself is the one that the gateway's own entrance makes (package entrance).
package lot

import (
	"strings"

	"github.com/passerelle-sante/passerelle/entrance"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
)

// SourceID is the sourceId of the sandbox's own sender.
const SourceID = "1.2.250.1.213.4.99.1"

// Sender is who submits.
type Sender = entrance.Depositor

// Choice is what a sender decides beside the document.
type Choice = entrance.Choice

// Relation is what the document is to one that is registered.
type Relation = entrance.Relation

// Document01 is the symbolic id of the one document of a lot.
const Document01 = entrance.Document01

// Replacing is the relation of a document that replaces another, none when id is "".
func Replacing(id string) []Relation {
	if id == "" {
		return nil
	}
	return []Relation{{Type: xds.Replaces, Target: id}}
}

// Kind is the short name of an association: RPLC, APND, XFRM.
func Kind(t xds.AssociationType) string { return string(t[strings.LastIndexByte(string(t), ':')+1:]) }

// Build makes a submission of one document.
func Build(h cda.Header, sender Sender, c Choice) xds.Submission {
	if c.SourceID == "" {
		c.SourceID = SourceID
	}
	return entrance.Submission(h, sender.Author(h.Entry.PatientID), c)
}

// NewOID is a fresh OID under 2.25.
func NewOID() string { return entrance.NewOID() }
