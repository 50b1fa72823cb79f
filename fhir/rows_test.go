package fhir

import (
	"regexp"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// TestPathsAreElements: where a finding says that an attribute stands, R4 has an element.
func TestPathsAreElements(t *testing.T) {
	for a, r := range rows {
		if r.path != "" && !isElement("DocumentReference", r.path) {
			t.Errorf("%s: no element DocumentReference.%s", a, r.path)
		}
	}
	for a, path := range listPaths {
		if !isElement("List", path) {
			t.Errorf("%s: no element List.%s", a, path)
		}
	}
}

var index = regexp.MustCompile(`\[\d+\]|\('.*'\)`)

// isElement follows a path through the element table. Ids and extensions, which every
// element has, are left out of the table.
func isElement(kind, path string) bool {
	for name := range strings.SplitSeq(index.ReplaceAllString(path, ""), ".") {
		s := r4().structures[kind]
		if s == nil {
			return false
		}
		if name == "id" || name == "extension" {
			return true
		}
		kind = ""
		for _, e := range s.elements {
			if e.name == name || e.of == name {
				kind = e.kind
			}
		}
		if kind == "" {
			return false
		}
	}
	return true
}

// notInList are the attributes of a SubmissionSet that a List does not hold.
var notInList = map[xds.Attribute]string{
	xds.AttrLogicalID:          "a set has one version",
	xds.AttrVersion:            "a set has one version",
	xds.AttrAvailabilityStatus: "List.status is current for every set",
	xds.AttrHomeCommunityID:    "as of a DocumentEntry",
}

// TestEveryAttributeOfASetHasAPlace: what ebRIM carries of a SubmissionSet has a place
// in a List, or a reason for none.
func TestEveryAttributeOfASetHasAPlace(t *testing.T) {
	for _, row := range ebrim.SetRows() {
		path, reason := ListPathOf(row.Attribute), notInList[row.Attribute]
		if (path == "") == (reason == "") {
			t.Errorf("%s: one of a path and an exemption is needed", row.Attribute)
		}
	}
}
