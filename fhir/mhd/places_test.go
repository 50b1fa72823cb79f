package mhd

import (
	"errors"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
)

// A FHIR client reads its hash in the form in which it sent it.
func TestHashesInBase64(t *testing.T) {
	err := hashesInBase64(xds.Errors{
		{ID: "META-006", Found: "no hash", Expected: "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
		{ID: "META-007", Found: "12"},
	})
	var findings xds.Errors
	if !errors.As(err, &findings) || findings[0].Found != "no hash" || findings[1].Found != "12" {
		t.Errorf("%v", err)
	}
	if findings[0].Expected != "2jmj7l5rSw0yVb/vlWAYkK/YBwk=" {
		t.Errorf("expected %q", findings[0].Expected)
	}
	if other := errors.New("x"); hashesInBase64(other) != other {
		t.Error("a failure of the machinery is changed")
	}
}
