package iti

import (
	"testing"

	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// A query that the catalogue calls implemented is carried out, and the reverse.
func TestCatalogueIsCarriedOut(t *testing.T) {
	implemented := 0
	for _, row := range ebrim.Catalogue {
		if !row.Implemented {
			continue
		}
		implemented++
		if storedQueries[row.Name] == nil {
			t.Errorf("%s: no function in iti18.go", row.Name)
		}
	}
	if implemented != len(storedQueries) {
		t.Errorf("%d rows implemented, %d functions", implemented, len(storedQueries))
	}
}
