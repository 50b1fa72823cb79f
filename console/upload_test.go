package console

import (
	"context"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
)

// A file goes to the scanner once it may be taken at all, and no further when that one
// does not call it clean.
func TestScannerDecides(t *testing.T) {
	t.Parallel()
	for code, file := range map[string]sent{
		"": {name: "a.txt", content: []byte("a")}, "WEB-022": {name: "a.txt", content: []byte("virus")}, "WEB-023": {name: "a.txt", content: []byte("panne")},
		"WEB-021": {name: "a.exe", content: []byte("virus")}, "WEB-020": {name: "a.txt", long: true},
	} {
		looked := false
		_, err := file.kind(t.Context(), func(_ context.Context, content []byte) error {
			looked = true
			switch string(content) {
			case "virus":
				return &xds.Error{ID: "WEB-022"}
			case "panne":
				return &xds.Error{ID: "WEB-023"}
			}
			return nil
		})
		got := ""
		if all, told := xds.FindingsOf(err); told {
			got = all[0].ID
		}
		if got != code || looked != (code == "" || code == "WEB-022" || code == "WEB-023") {
			t.Errorf("%q: %q, looked %v", code, got, looked)
		}
	}
}
