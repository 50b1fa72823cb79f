package entrance

import (
	"bytes"
	"cmp"
	"context"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/level1"
)

// File is a file that a person deposits, and what he says of it: the gateway writes the
// CDA of level 1 around it.
type File struct {
	Title     string
	Type      xds.Code
	Act       string // TS of what it tells of; "" = today
	MediaType string
	Content   []byte
	Parent    string // uniqueId of the document that it replaces, "" = none
}

// TakeFile wraps a file in a CDA of level 1, under the identity of the subject and the
// traits of the record, and takes it as Take does: what it asks of a document it asks of
// this one. The early decision, which leaves no trace when it permits, comes before
// anything is written; the one that registers is binding.
func (d *Desk) TakeFile(ctx context.Context, subject authz.Subject, patient xds.CX, f File, o Order) (Taken, error) {
	deposit, err := d.Opening(ctx, subject, patient, o.Transaction)
	if err != nil {
		return Taken{}, err
	}
	traits, sex := deposit.Holder()
	w := WriterOf(subject, deposit)
	doc := level1.Document{
		UniqueID: NewOID(), SetID: NewOID(), Version: 1, Parent: f.Parent, Title: f.Title, Type: f.Type, At: d.Now().UTC(), Act: f.Act,
		Patient: level1.Patient{INS: deposit.Patient(), Family: traits.Family, Given: traits.Given, BirthDate: traits.BirthDate, Sex: sex},
		Author: level1.Person{Root: w.Root, ID: w.ID, Family: w.Family, Given: w.Given, Specialty: w.Specialty,
			StructureRoot: structureOID, Structure: w.Structure, StructureName: w.StructureName},
		Custodian: level1.Person{StructureRoot: structureOID, Structure: w.Structure, StructureName: w.StructureName},
		Facility:  w.Facility, Setting: w.Setting, MediaType: f.MediaType, Content: f.Content,
	}
	if doc.Patient.Sex != "F" && doc.Patient.Sex != "M" {
		doc.Patient.Sex = "UN"
	}
	if f.Parent != "" {
		doc.Version = 2
	}
	doc.Act = cmp.Or(doc.Act, doc.Time())
	if w.Structure == "" {
		doc.Custodian = level1.Person{StructureRoot: d.SourceID, StructureName: "Passerelle"}
	}
	raw, err := level1.Write(doc)
	if err != nil {
		return Taken{}, err
	}
	return d.Take(ctx, subject, bytes.NewReader(raw), o)
}

// Opening is the early decision on a deposit, with what a document that is written for
// the depositor needs to know of the record.
func (d *Desk) Opening(ctx context.Context, subject authz.Subject, patient xds.CX, transaction string) (deposit authz.Deposit, err error) {
	err = d.Intake.Registry.Probe(ctx, func(session *registry.Session) (err error) {
		deposit, err = d.Intake.Gate.OpenDeposit(ctx, session, subject, patient, authz.Purpose{Transaction: transaction})
		return err
	})
	return deposit, err
}

// Writer is who signs a document that the gateway writes, and where.
type Writer struct {
	Root, ID      string
	Family, Given string
	Specialty     xds.Code // JDV_J01
	Structure     string
	StructureName string
	Facility      xds.Code // JDV_J02
	Setting       xds.Code // JDV_J04
}

// WriterOf is the professional of the token, or the patient under his INS, or who acts
// for him under that of the patient. The token says no sector of activity: it is that of
// the patient's own expression, of a pharmacy, of a practice, else "not defined".
func WriterOf(sub authz.Subject, deposit authz.Deposit) Writer {
	if sub.Nature == authz.NaturePerson {
		traits, _ := deposit.Holder()
		own := xds.Code{Value: "EXP_PATIENT", Scheme: producerOID, Display: "Expression personnelle du patient"}
		w := Writer{Root: deposit.Patient().Authority(), ID: deposit.Patient().ID(), Family: traits.Family, Given: traits.Given, Facility: own, Setting: own}
		if deposit.Kind() != authz.Patient {
			w.Family, w.Given = cmp.Or(plain.Replace(sub.Name), "Représentant"), ""
		}
		return w
	}
	w := Writer{Root: personOID, ID: sub.ID, Family: cmp.Or(plain.Replace(sub.Name), sub.ID), Structure: sub.Structure, StructureName: cmp.Or(plain.Replace(sub.StructureName), sub.Structure),
		Facility: xds.Code{Value: "SA43", Scheme: facilityOID, Display: "Secteur non défini"}, Setting: xds.Code{Value: "AMBULATOIRE", Scheme: settingOID, Display: "Ambulatoire"}}
	switch {
	case sub.Profession == "21":
		w.Facility.Value, w.Facility.Display = "SA33", "Pharmacie d'officine"
	case strings.HasPrefix(sub.Structure, "0"), strings.HasPrefix(sub.Structure, "4"): // a practice, by ADELI or RPPS number
		w.Facility.Value, w.Facility.Display = "SA07", "Cabinet individuel"
	}
	if sub.Profession != "" {
		w.Specialty = xds.Code{Value: "G15_" + sub.Profession, Scheme: specialtyOID}
		if sub.Specialty != "" {
			w.Specialty.Value += "/" + sub.Specialty
		}
	}
	return w
}

// The code systems of a writer (domain §2, TRE_A00 for the patient's own expression).
const (
	specialtyOID = "1.2.250.1.213.1.1.4.5"
	producerOID  = "1.2.250.1.213.1.1.4.6"
	facilityOID  = "1.2.250.1.71.4.2.4"
	settingOID   = "1.2.250.1.213.1.1.4.9"
)
