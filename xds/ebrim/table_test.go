package ebrim

import (
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
)

// exempt are the attributes that no table carries, each with its reason.
var exempt = map[xds.Attribute]string{
	xds.AttrAuthorPerson:      "a slot of the author classification, read with it; a parameter of the author row selects on it",
	xds.AttrAuthorInstitution: "a slot of the author classification, read with it",
	xds.AttrAuthorFamily:      "part of authorPerson, for FHIR searches",
	xds.AttrAuthorGiven:       "part of authorPerson, for FHIR searches",
	xds.AttrInstitutionName:   "part of authorInstitution, for FHIR searches",
	xds.AttrRelatesTo:         "associations, for FHIR searches",
}

func TestEveryAttributeHasARow(t *testing.T) {
	rows := map[xds.Attribute]int{}
	for _, table := range []*table{entryTable, setTable, folderTable} {
		for _, r := range table.rows {
			rows[r.Attribute]++
		}
	}
	for a := xds.NoAttribute + 1; a < xds.AttributeCount; a++ {
		switch _, out := exempt[a]; {
		case rows[a] == 0 && !out:
			t.Errorf("%s has no row in any table", a)
		case rows[a] > 0 && out:
			t.Errorf("%s is exempt and has a row", a)
		}
	}
}

// TestRowsFitTheModel walks both ways: an attribute that the model has is in the
// table of that object, and a row leads to a field of the model.
func TestRowsFitTheModel(t *testing.T) {
	var d xds.DocumentEntry
	var s xds.SubmissionSet
	var f xds.Folder
	for _, object := range []struct {
		*table
		at func(xds.Attribute) any
	}{{entryTable, d.At}, {setTable, s.At}, {folderTable, f.At}} {
		have := map[xds.Attribute]bool{}
		keys := map[string]bool{}
		for _, r := range object.rows {
			if object.at(r.Attribute) == nil {
				t.Errorf("%s has no %s", object.object, r.Attribute)
			}
			if have[r.Attribute] || r.Key != "" && keys[r.Key] {
				t.Errorf("%s: %s has two rows, or its key has", object.object, r.Attribute)
			}
			have[r.Attribute], keys[r.Key] = true, true
		}
		for a := xds.NoAttribute + 1; a < xds.AttributeCount; a++ {
			if object.at(a) != nil && !have[a] {
				t.Errorf("%s.%s is in the model and not in the table", object.object, a)
			}
		}
	}
}
