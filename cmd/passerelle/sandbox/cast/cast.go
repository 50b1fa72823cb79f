// Package cast is the named cast of the sandbox: fictitious patients and
// professionals whose every member embodies a rule of policy.md (design §7; the
// names are an API that test kits rely on). It is data, read once to seed the
// records, the directory and the issuers; it must never reach a product outside
// the sandbox and it decides nothing.
//
// No identity here can be a real person's: the INS carry the OID of the test
// identifiers and a commune number that the INSEE does not attribute, the
// professionals a number of the test range 899900…, the structures a FINESS
// number whose department is followed by 999, telephones the blocks that the ARCEP
// keeps for fiction.
package cast

import (
	"fmt"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// The assigning authorities of the cast's identifiers (domain §3.1).
const (
	TestINS      = "1.2.250.1.213.1.4.10" // INS-NIR of test persons
	PersonOID    = "1.2.250.1.71.4.2.1"   // PS_IdNat
	StructOID    = "1.2.250.1.71.4.2.2"   // Struct_IdNat
	SpecialtyOID = "1.2.250.1.213.1.1.4.5"
	ProducerOID  = "1.2.250.1.213.1.1.4.6" // TRE_A00, producers that are no professionals
)

// The kinds of a Professional.
const (
	KindPro    = "pro"    // nominal health professional
	KindStruct = "struct" // structure without a nominal user
	KindOther  = "other"  // anybody else: no role on any record (policy R-02)
)

// Person is a natural person beside the patients: a representative or a relative.
type Person struct {
	Name   string // name in the cast, "" for representatives
	Family string
	Given  string
}

// Patient is one holder of a record.
type Patient struct {
	Name            string
	Family          string // birth name, upper case as in the INS traits
	Given           string
	Sex             string // F or M
	BirthDate       string // YYYY-MM-DD
	INS             xds.CX // value^^^&1.2.250.1.213.1.4.10&ISO^NH
	State           string // profile state of policy §1.5: active, closed or opposed
	ClosedFor       time.Duration
	Settings        authz.Settings
	Representatives []Person // legal representatives, first is rep:NAME, second rep:NAME:2
	Delegates       []Person
	Administrator   string // cast name of the médecin traitant, "" = none
	LocalID         string // IPP at the structure chu-lille
}

// Born is the birth date as a time at 00:00 UTC.
func (p Patient) Born() time.Time {
	t, err := time.Parse(time.DateOnly, p.BirthDate)
	if err != nil {
		return time.Time{}
	}
	return t
}

// Professional is a nominal professional or a structure; for a structure the
// names are empty, ID is Struct_IdNat and Structure describes itself.
type Professional struct {
	Name       string
	Kind       string
	ID         string // PS_IdNat or Struct_IdNat
	Family     string
	Given      string
	Profession string // TRE_G15
	Specialty  string // TRE_R01 savoir-faire, "" when none
	Structure  Structure
	Regulator  bool // may use centre_15
}

// Structure is where a professional works.
type Structure struct {
	ID         string // Struct_IdNat: 1 and the FINESS number
	Name       string
	Facility   xds.Code // JDV_J02, healthcareFacilityTypeCode
	Setting    xds.Code // JDV_J04, practiceSettingCode
	Street     string
	PostalCode string
	City       string
	Phone      string
}

// Link is a declared relation between a professional and a record (policy R-44).
type Link struct {
	Professional string
	Patient      string
	Basis        string // consent or team
}

// Pair names a professional and a patient: a block, a first connection.
type Pair struct {
	Professional string
	Patient      string
}

// Cast is everybody and everything declared between them.
type Cast struct {
	Seed          time.Time // the instant that the ages and states are true at
	Patients      []Patient
	Professionals []Professional
	Depositors    []Professional // deposit documents but are no members: a pharmacy, an imaging centre, the insurer
	Links         []Link
	Blocks        []Pair
	Connected     []Pair // have read the record once (policy C-06)
}

// All is the cast as it stands at the given instant; only chloe's birth date
// depends on it, since she is 15. A sandbox that keeps its data passes the
// instant of its first seeding.
func All(at time.Time) Cast {
	return Cast{
		Seed:          at,
		Patients:      patients(at),
		Professionals: professionals(),
		Depositors:    depositors(),
		Links:         links,
		Blocks:        blocks,
		Connected:     connected,
	}
}

// Patient returns a patient by name.
func (c Cast) Patient(name string) (Patient, bool) {
	for _, p := range c.Patients {
		if p.Name == name {
			return p, true
		}
	}
	return Patient{}, false
}

// Professional returns a professional, a structure or a depositor by name.
func (c Cast) Professional(name string) (Professional, bool) {
	for _, group := range [][]Professional{c.Professionals, c.Depositors} {
		for _, p := range group {
			if p.Name == name {
				return p, true
			}
		}
	}
	return Professional{}, false
}

// XCN is the person as an author (domain §3.1), "" for a structure.
func (p Professional) XCN() xds.XCN {
	if p.Kind != KindPro {
		return ""
	}
	return xds.NewXCN(p.ID, p.Family, p.Given, PersonOID, "IDNPS")
}

// XON is the structure as an author's institution.
func (s Structure) XON() xds.XON { return xds.NewXON(s.Name, StructOID, "IDNST", s.ID) }

// SpecialtyCode is the authorSpecialty of JDV_J01, such as G15_10/SM26.
func (p Professional) SpecialtyCode() xds.Code {
	value := "G15_" + p.Profession
	if p.Specialty != "" {
		value += "/" + p.Specialty
	}
	return xds.Code{Value: value, Scheme: SpecialtyOID, Display: specialties[value]}
}

// NIR builds a 15-digit number: sex, year and month of birth, commune, order
// and the key 97 − n mod 97 (INSEE). Sex is F or M, born YYYY-MM-DD; it is for
// synthetic identities and knows neither Corsica nor foreign births.
func NIR(sex, born, commune, order string) string {
	digit := "1"
	if sex == "F" {
		digit = "2"
	}
	body := digit + born[2:4] + born[5:7] + commune + order
	var n int64
	for _, d := range body {
		n = n*10 + int64(d-'0')
	}
	return fmt.Sprintf("%s%02d", body, 97-n%97)
}
