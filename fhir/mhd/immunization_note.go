package mhd

import (
	"cmp"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
)

// note is the document of an act, but for its versions: what the token and the record
// say beside the message.
func (s *Server) note(c *call, sent fhir.SentImmunization, deposit authz.Deposit) (vaccination.Note, xds.Errors) {
	traits, sex := deposit.Holder()
	n := vaccination.Note{
		UniqueID: s.newOID(), SectionID: strings.ToUpper(s.NewID()), At: s.Now().UTC(),
		Patient: vaccination.Patient{INS: deposit.Patient(), Family: traits.Family, Given: traits.Given, BirthDate: traits.BirthDate, Sex: genderCode(sex)},
		Act:     sent.Act,
	}
	var findings xds.Errors
	refuse := func(element, expected string) {
		findings.Add(xds.Found("FHIR-009", "Immunization."+element, "", expected))
	}
	from, _ := vaccination.Span(sent.Act.When)
	born := xds.DTM(traits.BirthDate).Start()
	switch {
	case sent.Act.When == "":
	case from.After(s.Now()):
		refuse("occurrenceDateTime", "une date qui n'est pas à venir")
	case vaccination.Day(sent.Act.When) < traits.BirthDate[:min(len(traits.BirthDate), len(vaccination.Day(sent.Act.When)))] && !born.IsZero():
		refuse("occurrenceDateTime", "une date qui n'est pas avant la naissance")
	}
	if s.author(&n, c.subject, deposit, sent.PrimarySource) != nil {
		refuse("performer", "le vaccinateur, avec son identifiant national : il signe la note d'une structure")
	}
	own := n.Act.Performer.ID.Extension != "" && n.Act.Performer.ID == n.Author.ID
	if sent.PrimarySource != "" && sent.PrimarySource != "false" != own {
		findings.Add(&xds.Error{ID: "META-018", Severity: xds.SeverityWarning, Where: "Immunization.primarySource", Found: "déduit de la note : true quand le vaccinateur est celui qui écrit"})
	}
	if sent.Recall && deposit.Kind() == authz.Pro {
		refuse("reportOrigin", "rien : un professionnel écrit la note")
	}
	n.Custodian, n.Facility, n.Setting = s.circumstances(n.Author, c.subject)
	return n, findings
}

// author writes who says so: the professional of the token, who vaccinated unless the
// message names another one; the patient or who acts for him, under the INS; for a
// structure, which is no person, the vaccinator.
func (s *Server) author(n *vaccination.Note, sub authz.Subject, deposit authz.Deposit, primarySource string) error {
	structure := vaccination.Person{}
	if sub.Structure != "" {
		structure = vaccination.Person{Structure: vaccination.ID{Root: structureSpace, Extension: sub.Structure}, StructureName: cmp.Or(sub.StructureName, sub.Structure)}
	}
	switch deposit.Kind() {
	case authz.Pro:
		n.Author = structure
		n.Author.ID, n.Author.Family = vaccination.ID{Root: proSpace, Extension: sub.ID}, cmp.Or(sub.Name, sub.ID)
		n.Author.Specialty = specialtyOf(sub)
		if n.Act.Performer.IsZero() && primarySource != "false" && !n.Act.NotDone {
			n.Act.Performer = n.Author
		}
	case authz.Structure:
		n.Author = n.Act.Performer
		n.Author.Structure, n.Author.StructureName = structure.Structure, structure.StructureName
		if n.Author.ID.Extension == "" || n.Author.Family == "" {
			n.Author.ID, n.Author.Family = vaccination.ID{Root: structureSpace, Extension: sub.Structure}, sub.Structure
			return errNobody
		}
	default:
		n.Author.ID = vaccination.ID{Root: n.Patient.INS.Authority(), Extension: n.Patient.INS.ID()}
		n.Author.Family, n.Author.Given = n.Patient.Family, n.Patient.Given
		if deposit.Kind() != authz.Patient {
			n.Author.Family, n.Author.Given = cmp.Or(sub.Name, "Représentant"), ""
		}
	}
	return nil
}

var errNobody = &xds.Error{ID: "FHIR-009"}

// specialtyOf is the profession and savoir-faire of a token as JDV_J01 writes them.
func specialtyOf(sub authz.Subject) xds.Code {
	if sub.Profession == "" {
		return xds.Code{}
	}
	value := "G15_" + sub.Profession
	if sub.Specialty != "" {
		value += "/" + sub.Specialty
	}
	return xds.Code{Value: value, Scheme: "1.2.250.1.213.1.1.4.5"}
}

// circumstances are who keeps the note and where the care was given. The token says
// no sector of activity: it is that of the patient's own expression, of a pharmacy, of
// a practice, else "not defined".
func (s *Server) circumstances(author vaccination.Person, sub authz.Subject) (custodian vaccination.Person, facility, setting xds.Code) {
	custodian = vaccination.Person{Structure: author.Structure, StructureName: author.StructureName}
	if custodian.Structure.Extension == "" {
		custodian = vaccination.Person{Structure: vaccination.ID{Root: s.Registry.RepositoryID}, StructureName: "Passerelle"}
	}
	facility, setting = xds.Code{Value: "SA43", Display: "Secteur non défini"}, xds.Code{Value: "AMBULATOIRE", Display: "Ambulatoire"}
	switch {
	case sub.Nature == authz.NaturePerson:
		facility = xds.Code{Value: "EXP_PATIENT", Display: "Expression personnelle du patient"}
		setting = facility
		facility.Scheme, setting.Scheme = producers, producers
		return custodian, facility, setting
	case sub.Profession == "21":
		facility = xds.Code{Value: "SA33", Display: "Pharmacie d'officine"}
	case strings.HasPrefix(sub.Structure, "0"), strings.HasPrefix(sub.Structure, "4"): // a practice, by ADELI or RPPS number
		facility = xds.Code{Value: "SA07", Display: "Cabinet individuel"}
	}
	facility.Scheme, setting.Scheme = "1.2.250.1.71.4.2.4", "1.2.250.1.213.1.1.4.9"
	return custodian, facility, setting
}

// producers is TRE_A00, which names the patient's own expression in both value sets.
const producers = "1.2.250.1.213.1.1.4.6"

func genderCode(sex string) string {
	if sex == "F" || sex == "M" {
		return sex
	}
	return "UN"
}
