package mhd

import (
	"net/http"
	"testing"
)

// The condition of a create is read as clients write it; HAPI sends a whole address.
func TestNoneExistCriteria(t *testing.T) {
	for text, want := range map[string]string{
		"identifier=a%7Cb":            "identifier=a%7Cb",
		"?identifier=a|b":             "identifier=a%7Cb",
		"Immunization?identifier=a|b": "identifier=a%7Cb",
		"http://h:1/fhir/Immunization?_format=json&identifier=a%7Cb": "identifier=a%7Cb",
		"identifier=a?b":       "identifier=a%3Fb",
		"Patient?identifier=a": "Patient%3Fidentifier=a", // refused as a parameter that does not exist
	} {
		c := &call{r: &http.Request{Header: http.Header{"If-None-Exist": {text}}}}
		if got, there, err := c.noneExistCriteria("Immunization", ""); got.Encode() != want || !there || err != nil {
			t.Errorf("%s: %s, %v, %v", text, got.Encode(), there, err)
		}
	}
	for _, text := range []string{"?", "_format=json", "%zz"} {
		c := &call{r: &http.Request{Header: http.Header{"If-None-Exist": {text}}}}
		if _, there, err := c.noneExistCriteria("Immunization", ""); err == nil || !there {
			t.Errorf("%s is a condition", text)
		}
	}
	if _, there, err := (&call{r: &http.Request{}}).noneExistCriteria("Immunization", ""); there || err != nil {
		t.Error("a condition where there is none")
	}
}
