package profile

import (
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// Measured compares what an entry says of its bytes with the bytes: none (META-008,
// EX_GEN-1060), another hash (META-006) or another size (META-007) than announced.
// An entry that announces neither is not compared (ITI TF-3 4.2.3.2.10, 4.2.3.2.21:
// the repository sets them). where names a place in the words of the caller.
func Measured(d *xds.DocumentEntry, index int, got xds.Content, where func(Place) string) (found xds.Errors) {
	at := func(a xds.Attribute) string {
		return where(Place{Object: Document, Index: index, ID: d.EntryUUID, Attribute: a})
	}
	if got.Size == 0 {
		return xds.Errors{{ID: "META-008", Where: at(xds.NoAttribute), Object: d.EntryUUID}}
	}
	if d.Hash != "" && !strings.EqualFold(d.Hash, got.SHA1) {
		found.Add(&xds.Error{ID: "META-006", Where: at(xds.AttrHash), Found: d.Hash, Expected: got.SHA1, Object: d.EntryUUID})
	}
	if d.Size != 0 && d.Size != got.Size {
		found.Add(&xds.Error{ID: "META-007", Where: at(xds.AttrSize), Found: strconv.FormatInt(d.Size, 10), Expected: strconv.FormatInt(got.Size, 10), Object: d.EntryUUID})
	}
	return found
}
