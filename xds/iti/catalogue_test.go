package iti

import (
	"testing"

	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// Each query of the catalogue is carried out by its transaction, and the reverse.
func TestCatalogueIsCarriedOut(t *testing.T) {
	for _, row := range ebrim.Catalogue {
		if one, many := storedQueries[row.Name] != nil, manyPatients[row.Name] != nil; one == row.MultiPatient || many != row.MultiPatient {
			t.Errorf("%s: of ITI-18 %v, of ITI-51 %v", row.Name, one, many)
		}
	}
	if n := len(storedQueries) + len(manyPatients); n != len(ebrim.Catalogue) {
		t.Errorf("%d rows, %d functions", len(ebrim.Catalogue), n)
	}
}
