package mhd

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/profile"
)

// pathOf is the FHIRPath of the resource that became an object of the submission.
func pathOf(lot fhir.Provided, id string) string {
	if lot.Alone {
		return "DocumentReference"
	}
	for i, e := range lot.Plan {
		if e.EntryID == id && (e.Resource == "List" || e.Resource == "DocumentReference") {
			return fmt.Sprintf("Bundle.entry[%d].resource", i)
		}
	}
	return "Bundle"
}

// placer names places of the submission as FHIRPath.
func placer(lot fhir.Provided) func(profile.Place) string {
	return func(p profile.Place) string {
		path := pathOf(lot, p.ID)
		element := fhir.PathOf(p.Attribute)
		if p.Object == profile.Set {
			element = fhir.ListPathOf(p.Attribute)
		}
		if p.Object == profile.Association {
			a := lot.Submission.Associations[p.Index]
			path, element = pathOf(lot, a.Source), "relatesTo"
			if a.Type == xds.HasMember {
				element = "entry"
			}
		}
		if element != "" {
			path += "." + element
		}
		if p.Rank > 0 && !strings.HasSuffix(path, "]") {
			path += fmt.Sprintf("[%d]", p.Rank-1)
		}
		return path
	}
}

// located gives the findings of the registry the places of the bundle.
func located(err error, lot fhir.Provided) error {
	var findings xds.Errors
	if !errors.As(err, &findings) {
		return err
	}
	for _, e := range findings {
		for _, d := range lot.Submission.Documents {
			if e.Object == d.UniqueID {
				e.Where = pathOf(lot, d.EntryUUID) + ".masterIdentifier"
			}
		}
		if e.Object == lot.Submission.Set.UniqueID {
			e.Where = pathOf(lot, lot.Submission.Set.EntryUUID) + ".identifier"
		}
		for _, a := range lot.Submission.Associations {
			if e.Object == a.Target && a.Type != xds.HasMember {
				e.Where = pathOf(lot, a.Source) + ".relatesTo"
			}
		}
	}
	return findings
}

// responses answers the entries in the order of the request (P10). Warnings stand
// with the entry that they are about.
func responses(lot fhir.Provided, t taken) []fhir.EntryResponse {
	ids := map[string]string{}
	for i, d := range lot.Submission.Documents {
		ids[d.EntryUUID] = strings.TrimPrefix(t.Documents[i].EntryUUID, "urn:uuid:")
	}
	for i, f := range lot.Submission.Folders {
		if i < len(t.Folders) {
			ids[f.EntryUUID] = strings.TrimPrefix(t.Folders[i].EntryUUID, "urn:uuid:")
		}
	}
	ids[lot.Submission.Set.EntryUUID] = strings.TrimPrefix(t.Set.EntryUUID, "urn:uuid:")
	answers := make([]fhir.EntryResponse, 0, len(lot.Plan))
	for _, e := range lot.Plan {
		answer := fhir.EntryResponse{Status: "201 Created", ETag: `W/"1"`, Location: e.Resource + "/" + ids[e.EntryID]}
		switch {
		case e.Resource == "Patient":
			answer = fhir.EntryResponse{Status: "200 OK", Location: "Patient/" + t.record}
		case e.Changes:
			kind := map[string]string{"Parameters": "DocumentReference", "List": "List"}[e.Resource]
			answer = fhir.EntryResponse{Status: "200 OK", Location: kind + "/" + strings.TrimPrefix(e.EntryID, "urn:uuid:")}
		}
		answers = append(answers, answer)
	}
	for _, f := range t.warnings {
		i := entryOf(f.Where)
		answers[min(i, len(answers)-1)].Outcome.Add(f)
	}
	return answers
}

// entryOf is the index of the entry that a FHIRPath begins with, 0 when it names none.
func entryOf(path string) int {
	rest, _ := strings.CutPrefix(path, "Bundle.entry[")
	number, _, _ := strings.Cut(rest, "]")
	i, err := strconv.Atoi(number)
	if err != nil || i < 0 {
		return 0
	}
	return i
}

// inFHIR writes the findings of the metadata rules in the words of FHIR, which is what
// their reader sent: a hash in base64, a code as system|code, the form that an element
// takes where an attribute is missing. An element that holds two attributes is missing
// once, and a list that is not there lacks nothing.
func inFHIR(err error) error {
	var findings xds.Errors
	if !errors.As(err, &findings) {
		return err
	}
	kept := make(xds.Errors, 0, len(findings))
	missing := map[string]bool{}
	for _, e := range findings {
		switch e.ID {
		case "META-001":
			if missing[e.Where] || strings.HasPrefix(e.Where, "Bundle.") && !strings.HasPrefix(e.Where, "Bundle.entry[") && kept.Failed() {
				continue
			}
			missing[e.Where] = true
			if form, ok := forms[e.Expected]; ok {
				e.Expected = form
			}
		case "META-003":
			e.Found = token(e.Found)
			for i, near := range e.Nearest {
				e.Nearest[i] = token(near)
			}
		case "META-006":
			e.Found, e.Expected = inBase64(e.Found), inBase64(e.Expected)
		case "C-09":
			e.Expected = strings.ReplaceAll(e.Expected, "patientId", "subject")
			e.Hint = "vérifier l'INS et la date de naissance (birthDate)"
		}
		kept = append(kept, e)
	}
	return kept
}

// forms are how FHIR writes the data types of the metadata.
var forms = map[string]string{
	profile.CX.Name:       "un Patient avec identifier (system urn:oid:…, value)",
	profile.XCN.Name:      "un Practitioner avec identifier (system urn:oid:…, value) et name",
	profile.XON.Name:      "une Organization avec identifier (system urn:oid:…, value) et name",
	profile.CXi.Name:      "identifier (system urn:oid:…, value)",
	profile.OID.Name:      "urn:oid:…",
	profile.UniqueID.Name: "urn:oid:… ou urn:uuid:…",
	profile.DTM.Name:      "une date AAAA-MM-JJThh:mm:ss+zz:zz",
	profile.SHA1.Name:     "SHA-1 du document, en base64",
}

// token is value^^scheme, and what may follow it, as system|code.
func token(text string) string {
	key, rest, _ := strings.Cut(text, " ")
	code, ok := xds.ParseCode(key)
	if !ok {
		return text
	}
	return strings.TrimSpace(fhir.SystemOf(code.Scheme) + "|" + code.Value + " " + rest)
}

func inBase64(hash string) string {
	raw, err := hex.DecodeString(hash)
	if err != nil {
		return hash
	}
	return base64.StdEncoding.EncodeToString(raw)
}
