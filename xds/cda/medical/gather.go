package medical

import (
	"github.com/passerelle-sante/passerelle/xds"
)

// Told is an entry with its place among the documents that a reader sees.
type Told struct {
	Entry
	Section Section
	Key     string // opaque and stable: the FHIR id
	Source  int    // index of the document
}

// Gather makes one list of the entries of all documents, in their order. A document may
// be one of several of its section: what a delegate adds is a document of his own
// . An id that stands in two of them is copied: both are told, the later one under
// another key.
func Gather(record string, documents []Document) (all []Told) {
	taken := map[string]bool{}
	for source, d := range documents {
		for _, e := range d.Entries {
			key := xds.PartID(record, d.Section.ID, e.ID)
			if taken[key] {
				key = xds.PartID(record, d.Section.ID, e.ID, d.UniqueID)
			}
			taken[key] = true
			all = append(all, Told{Entry: e, Section: d.Section, Key: key, Source: source})
		}
	}
	return all
}
