package entrance

import (
	"crypto/rand"
	"fmt"
	"math/big"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
)

// The assigning authorities of French identities (domain §3.1).
const (
	personOID    = "1.2.250.1.71.4.2.1"
	structureOID = "1.2.250.1.71.4.2.2"
	contentOID   = "1.2.250.1.213.2.2"
)

// Choice is what a depositor decides beside the document.
type Choice struct {
	Marks       []xds.Code // MASQUE_PS, INVISIBLE_PATIENT, INVISIBLE_REPRESENTANTS_LEGAUX
	ContentType xds.Code   // of the set; zero = 97, Indifférencié
	Title       string
	Comments    string
	Relations   []Relation
	SubmittedAt xds.DTM
	SourceID    string // OID of the software that submits
}

// Relation is what the document is to one that is registered.
type Relation struct {
	Type   xds.AssociationType
	Target string // the id by which the registered document is named: on the SOAP face its entryUUID
}

// Undifferentiated is the contentTypeCode of a lot of which nothing more is said.
var Undifferentiated = xds.Code{Value: "97", Scheme: contentOID, Display: "Indifférencié"}

// Document01 is the symbolic id of the one document of a lot.
const Document01 = "Document01"

// Submission is the lot of one document that a header describes.
func Submission(h cda.Header, author xds.Author, c Choice) xds.Submission {
	doc := h.Entry
	doc.EntryUUID, doc.ObjectType = Document01, xds.StableDocument
	doc.Confidentiality = append(append([]xds.Code(nil), doc.Confidentiality...), c.Marks...)
	if doc.MimeType == "" {
		doc.MimeType = "text/xml"
	}
	if c.ContentType.IsZero() {
		c.ContentType = Undifferentiated
	}
	lot := xds.Submission{
		Set: xds.SubmissionSet{
			EntryUUID: "SubmissionSet01", UniqueID: NewOID(), SourceID: c.SourceID, PatientID: doc.PatientID,
			SubmissionTime: c.SubmittedAt, ContentType: c.ContentType, Title: c.Title, Comments: c.Comments,
			Authors: []xds.Author{author},
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

// Depositor is who submits.
type Depositor struct {
	Nature        authz.Nature
	ID            string
	Family        string
	Given         string
	Structure     string
	StructureName string
}

// Author is SubmissionSet.author: the identity of the token (policy §1.1); patient is
// the one of the lot, under whose identifier his side submits.
func (d Depositor) Author(patient xds.CX) xds.Author {
	var a xds.Author
	if d.Structure != "" {
		name := d.StructureName
		if name == "" {
			name = d.Structure
		}
		a.Institutions = []xds.XON{xds.NewXON(name, structureOID, "IDNST", d.Structure)}
	}
	switch d.Nature {
	case authz.NaturePro:
		a.Person = xds.NewXCN(d.ID, d.Family, d.Given, personOID, "IDNPS")
	case authz.NaturePerson:
		a.Person = xds.NewXCN(patient.ID(), d.Family, d.Given, patient.Authority(), "NH")
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
