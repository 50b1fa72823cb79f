package fhir

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/xds"
)

// TestCursorsTellNoLength: a link is as long whatever the values that it passes, and
// opens to them (SC-18).
func TestCursorsTellNoLength(t *testing.T) {
	cursors, err := NewCursors([32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	lengths := map[int]bool{}
	for _, second := range []string{"01", "01.1", "01.123456"} {
		at := xds.Cursor{Values: []string{"2026-11-22 07:10:" + second + "+00"}, LogicalID: "urn:uuid:" + strings.Repeat("a", 36)}
		for range 3 {
			sealed := cursors.Seal("me", "query", at)
			lengths[len(sealed)] = true
			got, err := cursors.Open("me", "query", sealed)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&at, got); diff != "" {
				t.Error(diff)
			}
			at.Values = append(at.Values, at.Values[0])
		}
	}
	if len(lengths) != 1 {
		t.Errorf("lengths %v", lengths)
	}
}
