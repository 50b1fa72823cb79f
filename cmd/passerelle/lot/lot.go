// Package lot makes submissions on the sender's side: from the header of a CDA and
// from who sends it. The command line and the sandbox's seed push through it.
package lot

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
)

// The assigning authorities of French identities (domain §3.1).
const (
	personOID    = "1.2.250.1.71.4.2.1"
	structureOID = "1.2.250.1.71.4.2.2"
	contentOID   = "1.2.250.1.213.2.2"
	softwareOID  = "1.2.250.1.213.4.99.1" // sourceId of the sandbox's own sender
)

// Sender is who submits.
type Sender struct {
	Nature        authz.Nature
	ID            string
	Family        string
	Given         string
	Structure     string
	StructureName string
}

// Choice is what a sender decides beside the document.
type Choice struct {
	Marks       []xds.Code // MASQUE_PS, INVISIBLE_PATIENT, INVISIBLE_REPRESENTANTS_LEGAUX
	ContentType xds.Code   // of the set; zero = 97, Indifférencié
	Title       string
	Comments    string
	Relations   []Relation
	SubmittedAt xds.DTM
}

// Relation is what the document is to one that is registered.
type Relation struct {
	Type   xds.AssociationType
	Target string // the id by which the face names the registered document: on the SOAP face its entryUUID
}

// Replacing is the relation of a document that replaces another, none when id is "".
func Replacing(id string) []Relation {
	if id == "" {
		return nil
	}
	return []Relation{{xds.Replaces, id}}
}

// Kind is the short name of an association: RPLC, APND, XFRM.
func Kind(t xds.AssociationType) string { return string(t[strings.LastIndexByte(string(t), ':')+1:]) }

// Document01 is the symbolic id of the one document of a lot.
const Document01 = "Document01"

// Build makes a submission of one document.
func Build(h cda.Header, sender Sender, c Choice) xds.Submission {
	doc := h.Entry
	doc.EntryUUID, doc.ObjectType = Document01, xds.StableDocument
	doc.Confidentiality = append(append([]xds.Code(nil), doc.Confidentiality...), c.Marks...)
	if doc.MimeType == "" {
		doc.MimeType = "text/xml"
	}
	if c.ContentType.IsZero() {
		c.ContentType = xds.Code{Value: "97", Scheme: contentOID, Display: "Indifférencié"}
	}
	lot := xds.Submission{
		Set: xds.SubmissionSet{
			EntryUUID: "SubmissionSet01", UniqueID: NewOID(), SourceID: softwareOID, PatientID: doc.PatientID,
			SubmissionTime: c.SubmittedAt, ContentType: c.ContentType, Title: c.Title, Comments: c.Comments,
			Authors: []xds.Author{author(sender, doc)},
		},
		Documents: []xds.DocumentEntry{doc},
		Associations: []xds.Association{{
			EntryUUID: "Association01", Type: xds.HasMember, Source: "SubmissionSet01", Target: Document01, SetStatus: "Original",
		}},
	}
	for i, r := range c.Relations {
		lot.Associations = append(lot.Associations, xds.Association{
			EntryUUID: fmt.Sprintf("Association%02d", i+2), Type: r.Type, Source: Document01, Target: r.Target,
		})
	}
	return lot
}

// author is SubmissionSet.author: the identity of the token (policy §1.1).
func author(s Sender, doc xds.DocumentEntry) xds.Author {
	var a xds.Author
	if s.Structure != "" {
		name := s.StructureName
		if name == "" {
			name = s.Structure
		}
		a.Institutions = []xds.XON{xds.NewXON(name, structureOID, "IDNST", s.Structure)}
	}
	switch s.Nature {
	case authz.NaturePro:
		a.Person = xds.NewXCN(s.ID, s.Family, s.Given, personOID, "IDNPS")
	case authz.NaturePerson:
		a.Person = xds.NewXCN(doc.PatientID.ID(), s.Family, s.Given, doc.PatientID.Authority(), "NH")
		a.Institutions = nil
	}
	return a
}

// NewOID is a fresh OID under 2.25 (ITU-T X.667: a random 128-bit integer).
func NewOID() string {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 122))
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return "2.25." + n.String()
}
