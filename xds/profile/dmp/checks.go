package dmp

import (
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/profile"
)

// signatureClass is the class of the signature document; senders also write the
// class that ASS_X16 gives to it.
var signatureClass = xds.Code{Value: xds.SignatureClass, Scheme: xds.SignatureClassScheme, Display: "Document technique"}

const signatureClassOID = "urn:oid:1.3.6.1.4.1.19376.1.2.1.1.1"

// normalise derives an absent class from the type, and writes NOPAT, the name of
// 2026, as the mark that is stored (domain §2).
func (s *Sets) normalise(lot *xds.Submission) {
	for i := range lot.Documents {
		d := &lot.Documents[i]
		if class, ok := s.Class(d.TypeCode); ok && d.ClassCode.IsZero() {
			d.ClassCode = class
		}
		if profile.IsSignature(d) && d.ClassCode.IsZero() {
			d.ClassCode = signatureClass
		}
		for j, c := range d.Confidentiality {
			if c.Scheme == xds.ActCodeScheme && c.Value == xds.MarkNOPAT {
				d.Confidentiality[j] = xds.Marks{HiddenPatient: true}.Codes()[0]
			}
		}
	}
}

// classFollowsType refuses a class that the type does not have (META-005). An
// unknown type is the finding of its value set alone.
func (s *Sets) classFollowsType(r *profile.Report) {
	for i := range r.Lot.Documents {
		d := &r.Lot.Documents[i]
		place := r.DocumentPlace(i, xds.AttrClassCode)
		class, known := s.Class(d.TypeCode)
		if profile.IsSignature(d) {
			class, known = signatureClass, d.ClassCode.Value != signatureClassOID
		}
		switch {
		case !known || class.Same(d.ClassCode):
		case d.ClassCode.IsZero():
			r.Add(place, &xds.Error{ID: "META-001", Expected: shown(class)})
		default:
			r.Add(place, &xds.Error{ID: "META-005", Found: d.ClassCode.Key(), Expected: shown(class)})
		}
	}
}

func shown(c xds.Code) string { return c.Key() + " (" + c.Display + ")" }

// baseConfidentiality demands a confidentiality beside the marks: N, R or V.
func baseConfidentiality(r *profile.Report) {
	for i := range r.Lot.Documents {
		base := false
		for _, c := range r.Lot.Documents[i].Confidentiality {
			base = base || c.Scheme == xds.ConfidentialityOID
		}
		if !base && len(r.Lot.Documents[i].Confidentiality) > 0 {
			r.Add(r.DocumentPlace(i, xds.AttrConfidentiality), &xds.Error{ID: "META-001", Expected: "N, R ou V (" + xds.ConfidentialityOID + ") à côté des marques"})
		}
	}
}

// patientInfo demands name, birth date and sex in sourcePatientInfo (PID-5, 7
// and 8; PID-3 may be left out).
func patientInfo(r *profile.Report) {
	for i := range r.Lot.Documents {
		d := &r.Lot.Documents[i]
		if profile.IsSignature(d) || len(d.SourcePatientInfo) == 0 {
			continue
		}
		place := r.DocumentPlace(i, xds.AttrSourcePatientInfo)
		for _, field := range []string{"PID-5", "PID-7", "PID-8"} {
			value, found := pid(d.SourcePatientInfo, field)
			place.Part = field
			switch {
			case !found:
				r.Add(place, &xds.Error{ID: "META-001", Expected: field + "|valeur"})
			case field == "PID-7" && (len(value) < 8 || xds.DTM(value[:8]).Start().IsZero()):
				r.Add(place, &xds.Error{ID: "META-004", Expected: "la date de naissance YYYYMMDD"})
			}
		}
	}
}

// pid is the value of a PID field that is given and not empty.
func pid(fields []string, name string) (string, bool) {
	for _, f := range fields {
		if value, is := strings.CutPrefix(f, name+"|"); is && strings.Trim(value, "^ ") != "" {
			return value, true
		}
	}
	return "", false
}

// insRoots are the authorities of the INS: NIR, NIA, then test and demonstration
// (domain §3.1).
var insRoots = map[string]bool{"1.2.250.1.213.1.4.8": false, "1.2.250.1.213.1.4.9": false, "1.2.250.1.213.1.4.10": true, "1.2.250.1.213.1.4.11": true}

// ins is the data type of patientId: an INS of 13 to 15 characters, of type NH
// when a type is given. The value of a test identity is free.
func ins(test bool) profile.Type {
	const name = "un INS : NIR^^^&1.2.250.1.213.1.4.8&ISO^NH"
	return profile.Type{Name: name, Problem: func(s string) string {
		p := xds.CX(s)
		if !p.Valid() {
			return "" // the baseline says so
		}
		isTest, known := insRoots[p.Authority()]
		switch {
		case !known:
			return name + " (autorité 1.2.250.1.213.1.4.8 à .11)"
		case isTest && !test:
			return name + " (les INS de test et de démonstration ne sont pas acceptés ici)"
		case p.Type() != "" && p.Type() != "NH":
			return name + " (type NH)"
		case !isTest && !nir(p.ID()):
			return name + " (13 à 15 chiffres, 2A et 2B pour la Corse)"
		}
		return ""
	}}
}

// INSProblem says what is wrong with an INS, "" for a good one: test and demonstration
// identities are good where test is set, and others carry the key of their number (97 −
// n mod 97) when they are of 15 characters.
func INSProblem(cx xds.CX, test bool) string {
	const expected = "un INS : NIR^^^&1.2.250.1.213.1.4.8&ISO^NH"
	if !cx.Valid() || cx.ID() == "" {
		return expected
	}
	if problem := ins(test).Problem(string(cx)); problem != "" {
		return problem
	}
	if v := cx.ID(); !insRoots[cx.Authority()] && len(v) == 15 && !keyed(v) {
		return expected + " (la clé, ses deux derniers chiffres, n'est pas celle du numéro)"
	}
	return ""
}

// keyed tells whether the last two digits of a number are its key; 2A and 2B count as 19
// and 18 (INSEE).
func keyed(v string) bool {
	body := strings.NewReplacer("2A", "19", "2B", "18").Replace(v[:13])
	n, err1 := strconv.ParseInt(body, 10, 64)
	key, err2 := strconv.ParseInt(v[13:], 10, 64)
	return err1 == nil && err2 == nil && key == 97-n%97
}

// nir tells whether s has the form of a NIR or NIA: 13 to 15 digits, with 2A or
// 2B as department.
func nir(s string) bool {
	if len(s) > 7 && s[5] == '2' && (s[6] == 'A' || s[6] == 'B') {
		s = s[:6] + "0" + s[7:]
	}
	return len(s) >= 13 && len(s) <= 15 && strings.Trim(s, "0123456789") == ""
}
