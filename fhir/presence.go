package fhir

import (
	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// The extensions of a Patient that tell of his record (PDSM4DMP 0.1.0, flow TD0.2);
// the guide leaves the reader's own way in "à mapper" and names no element for it.
const (
	dmpExtensions  = "https://interop.esante.gouv.fr/ig/fhir/dmp/StructureDefinition/"
	extActivated   = dmpExtensions + "dmp-rattachement-mes"
	extTraitant    = dmpExtensions + "dmp-medecin-traitant"
	extAccess      = ourBase + "StructureDefinition/acces"
	extRecordState = ourBase + "StructureDefinition/etat-dossier"
)

// Presence is what the existence test tells (TD0.2; policy ): whether
// a record exists, whether it is closed, and the reader's own way into it; to the
// holder's side the state as well. No trait of the patient and nothing of the contents.
type Presence struct {
	Record    string
	Patient   xds.CX // as the request or the token named him, "" when neither did
	Profile   authz.Value
	Access    authz.Access
	Traitant  bool   // the reader is the médecin traitant
	Insider   bool   // the reader is of the holder's side
	Physician string // médecin traitant, by national id: told to the holder's side
}

// AppendPatient writes a Presence as a Patient: active is false for a closed record.
func AppendPatient(b []byte, p Presence) []byte {
	w := out{b}
	w.open("", '{')
	w.str("resourceType", "Patient")
	w.str("id", p.Record)
	w.open("extension", '[')
	w.open("", '{')
	w.str("url", extAccess)
	w.str("valueCode", string(p.Access))
	w.shut('}')
	if p.Insider {
		w.open("", '{')
		w.str("url", extRecordState)
		w.str("valueCode", authz.Profile.Name(p.Profile))
		w.shut('}')
	}
	for _, x := range []struct {
		url   string
		holds bool
	}{{extActivated, p.Profile == authz.ProfileActive}, {extTraitant, p.Traitant}} {
		w.open("", '{')
		w.str("url", x.url)
		w.truth("valueBoolean", x.holds)
		w.shut('}')
	}
	w.shut(']')
	if p.Patient != "" {
		w.open("identifier", '[')
		w.open("", '{')
		id, rebuilt := cxID(p.Patient)
		id.write(&w, string(p.Patient), rebuilt)
		w.b = append(w.b, '}', ']')
	}
	w.truth("active", p.Profile == authz.ProfileOpen || p.Profile == authz.ProfileActive)
	if p.Physician != "" {
		w.open("generalPractitioner", '[')
		w.practitioner("", p.Physician, "")
		w.shut(']')
	}
	w.shut('}')
	return w.b
}

// patientInBrief writes what every resource of his says of the patient; the rest is for
// the existence test to tell.
func (w *out) patientInBrief(record string, patient xds.CX) {
	w.open("", '{')
	w.str("resourceType", "Patient")
	w.str("id", record)
	w.open("meta", '{')
	w.open("tag", '[')
	w.open("", '{')
	w.str("system", "http://terminology.hl7.org/CodeSystem/v3-ObservationValue")
	w.str("code", "SUBSETTED")
	w.b = append(w.b, '}', ']', '}')
	w.open("identifier", '[')
	w.open("", '{')
	id, rebuilt := cxID(patient)
	id.write(w, string(patient), rebuilt)
	w.b = append(w.b, '}', ']', '}')
}

// practitioner writes a reference to a professional by his national id.
func (w *out) practitioner(name, id, display string) {
	w.open(name, '{')
	w.str("type", "Practitioner")
	w.open("identifier", '{')
	w.str("system", oidURN+proSpace)
	w.str("value", id)
	w.shut('}')
	w.str("display", display)
	w.shut('}')
}

// patientTable are the parameters of TD0.2: one patient, by record or by INS.
func patientTable() map[string]searchParam {
	t := termTable(map[string]searchParam{
		"_id":        {kind: "token", hidden: true, parse: (*parser).patient, text: "le dossier"},
		"identifier": {kind: "token", hidden: true, parse: (*parser).patientIdentifier, text: "INS : urn:oid:1.2.250.1.213.1.4.8|… (.9 NIA, .10 test, .11 démonstration)"},
	})
	delete(t, "patient")
	delete(t, "patient.identifier")
	return t
}
