package main

import (
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
)

// coherent compares the patient of a header with the one that the command names, or,
// when it names none, with the one of the cast who has this INS. Another INS is an
// error: the document is somebody else's. Other traits are warnings, which tell no
// identity; the gateway decides on the birth date (C-09).
func (all castAnswer) coherent(h cda.Header, patient string) xds.Errors {
	var findings xds.Errors
	about := func(attribute, expected, hint string, severity xds.Severity) {
		o, _ := h.Origin(attribute)
		findings.Add(&xds.Error{ID: "C-09", Severity: severity, Where: o.Path, Line: o.Line, Column: o.Column, Expected: expected, Hint: hint})
	}
	ins := h.Entry.PatientID
	var named, owner *castPatient
	for i := range all.Patients {
		p := &all.Patients[i]
		if patient != "" && (p.Name == patient || p.Record == patient) {
			named = p
		}
		if p.INS.Same(ins) {
			owner = p
		}
	}
	if named != nil && named != owner {
		hint := "déposer avec le --patient de cet en-tête ; POST /sandbox/patients l'ajoute au bac à sable"
		if owner != nil {
			hint = "déposer avec --patient " + owner.Name
		}
		about("patientId", "l'INS de --patient "+named.Name, hint, xds.SeverityError)
		return findings
	}
	if owner == nil {
		return nil // the gateway says whether it knows him
	}
	const hint = "vérifier l'identité avant de déposer"
	expected := func(what string) string { return what + " du dossier de " + owner.Name }
	name, born, sex := traits(h)
	family, given, _ := strings.Cut(name, "^")
	given, _, _ = strings.Cut(given, "^")
	if !authz.SameName(family, owner.Family) || !authz.SameName(given, owner.Given) {
		about("sourcePatientInfo[2]", expected("les nom et premier prénom de naissance"), hint, xds.SeverityWarning)
	}
	if born != strings.ReplaceAll(owner.BirthDate, "-", "") {
		about("sourcePatientInfo[3]", expected("la date de naissance"), hint, xds.SeverityWarning)
	}
	if sex != owner.Sex && owner.Sex != "" {
		about("sourcePatientInfo[4]", expected("le sexe"), hint, xds.SeverityWarning)
	}
	return findings
}

// traits are PID-5, PID-7 and PID-8 of a header.
func traits(h cda.Header) (name, born, sex string) {
	for _, line := range h.Entry.SourcePatientInfo {
		switch field, value, _ := strings.Cut(line, "|"); field {
		case "PID-5":
			name = value
		case "PID-7":
			born = value
		case "PID-8":
			sex = value
		}
	}
	return name, born, sex
}
