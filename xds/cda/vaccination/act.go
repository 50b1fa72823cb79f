package vaccination

import (
	"crypto/sha256"
	"math/big"
	"slices"

	"github.com/passerelle-sante/passerelle/xds"
)

// The types of document that hold acts of vaccination (domain §6).
var (
	NoteType    = xds.Code{Value: "87273-9", Scheme: loinc, Display: "Note de vaccination"}
	HistoryType = xds.Code{Value: "11369-6", Scheme: loinc, Display: "Historique des vaccinations"}
)

// Types are both.
func Types() []xds.Code { return []xds.Code{NoteType, HistoryType} }

// The code systems of an act (mapping table of the CI-SIS volet).
const (
	loinc      = "2.16.840.1.113883.6.1"
	CIS        = "1.2.250.1.213.2.3.1" // BDPM: one speciality
	CIP        = "1.2.250.1.213.2.3.2" // BDPM: one presentation
	ATC        = "2.16.840.1.113883.6.73"
	EDQM       = "0.4.0.127.0.16.1.1.2.1" // routes
	SNOMED     = "2.16.840.1.113883.6.96" // sites
	CIM10      = "2.16.840.1.113883.6.3"  // reactions
	UCUM       = "2.16.840.1.113883.6.8"
	serieTypes = "2.16.840.1.113883.5.4"
)

// ID is an HL7 instance identifier. Its root is an OID or a UUID; Authority is the
// assigningAuthorityName.
type ID struct{ Root, Extension, Authority string }

// InSystem is the identifier of a system that is a URI and no OID: its root is an OID
// of the arc of UUIDs made of the URI, which stands in the authority's name.
func InSystem(uri, value string) ID { return ID{rootOf(uri), value, uri} }

// System is the URI of such an identifier.
func (id ID) System() (uri string, ok bool) {
	return id.Authority, id.Authority != "" && id.Root == rootOf(id.Authority)
}

func rootOf(uri string) string {
	sum := sha256.Sum256([]byte(uri))
	return "2.25." + new(big.Int).SetBytes(sum[:16]).String()
}

// Act is one vaccination, done or not, as an entry of a document tells it.
type Act struct {
	IDs       []ID
	NotDone   bool // negationInd
	Nullified bool // statusCode nullified: entered in error
	Reason    xds.Code
	Series    string // BOOSTER, IMMUNIZ or INITIMMUNIZ; "" when not said
	When      string // HL7 v3 TS: digits, then an offset when it has a time; "" = unknown
	Vaccine   []xds.Code
	Name      string // of the vaccine, in words
	Lot       string
	Expires   string // YYYYMM[DD]
	Maker     string
	Route     xds.Code
	Site      xds.Code
	Dose      Quantity
	Rank      int // of the dose in its series, 0 = not said
	Performer Person
	Author    Person
	Written   string // TS of the author's entry
	Reactions []Reaction
	Comment   string
}

// Quantity is an amount; the text of its value is kept.
type Quantity struct{ Value, Unit string }

// Person is a professional or the patient, with the structure he acted in.
type Person struct {
	ID            ID
	Family, Given string
	Specialty     xds.Code // JDV_J01
	Structure     ID
	StructureName string
}

// IsZero tells whether nothing at all is known of the person.
func (p Person) IsZero() bool { return p == Person{} }

// Reaction is what was observed after the act.
type Reaction struct {
	ID   ID
	Code xds.Code
	Text string
	On   string // TS
}

// Document is what a vaccination document says.
type Document struct {
	UniqueID string
	Type     string // LOINC
	Version  int    // versionNumber, 1 when absent
	SetID    string
	Acts     []Act
}

// Has tells whether a code of this system is among those of the vaccine.
func (a Act) Has(scheme, value string) bool {
	return slices.ContainsFunc(a.Vaccine, func(c xds.Code) bool { return c.Scheme == scheme && c.Value == value })
}

// Code is the first code of the vaccine in a system, zero when there is none.
func (a Act) Code(scheme string) xds.Code {
	for _, c := range a.Vaccine {
		if c.Scheme == scheme {
			return c
		}
	}
	return xds.Code{}
}
