package mhd

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/profile"
)

// A FHIR client reads what it sent in the form in which it sent it.
func TestInFHIR(t *testing.T) {
	const entry = "Bundle.entry[1].resource."
	err := inFHIR(xds.Errors{
		{ID: "META-006", Found: "no hash", Expected: "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
		{ID: "META-007", Found: "12"},
		{ID: "META-003", Found: "1^^2.16.840.1.113883.6.1", Nearest: []string{"11488-4^^2.16.840.1.113883.6.1 (CR ou fiche)", "x"}},
		{ID: "META-001", Where: entry + "context.period.start", Expected: profile.DTM.Name},
		{ID: "META-001", Where: entry + "context.sourcePatientInfo", Expected: profile.CX.Name},
		{ID: "META-001", Where: entry + "context.sourcePatientInfo"},
		{ID: "META-001", Where: "Bundle.date", Expected: profile.DTM.Name}, // no List: another finding says so
		{ID: "C-09", Expected: "la même valeur que patientId"},
	})
	var findings xds.Errors
	if !errors.As(err, &findings) {
		t.Fatal(err)
	}
	var got []string
	for _, e := range findings {
		got = append(got, strings.Join(append([]string{e.ID, e.Where, e.Found, e.Expected}, e.Nearest...), " ; "))
	}
	want := []string{
		"META-006 ;  ; no hash ; 2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
		"META-007 ;  ; 12 ; ",
		"META-003 ;  ; http://loinc.org|1 ;  ; http://loinc.org|11488-4 (CR ou fiche) ; x",
		"META-001 ; " + entry + "context.period.start ;  ; une date AAAA-MM-JJThh:mm:ss+zz:zz",
		"META-001 ; " + entry + "context.sourcePatientInfo ;  ; un Patient avec identifier (system urn:oid:…, value)",
		"C-09 ;  ;  ; la même valeur que subject",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if other := errors.New("x"); inFHIR(other) != other {
		t.Error("a failure of the machinery is changed")
	}
	if alone := inFHIR(xds.Errors{{ID: "META-001", Where: "Bundle.date"}}); len(alone.(xds.Errors)) != 1 {
		t.Error("the only reason of a refusal is left out")
	}
}
