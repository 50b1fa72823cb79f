package vaccination

import (
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// Entry is an act with its place among the documents that a reader sees.
type Entry struct {
	Act
	Key    string // opaque and stable: the FHIR id
	Source int    // index of the document that tells it
	Note   int    // index of the newest note that holds it alone and can be replaced, -1 = none

	copied bool // its id names several acts of its document
	alone  bool // a note tells it, and nothing else
}

// Gather makes one list of the acts of all documents, the newest document first: an
// act that stands in a note and again in a history, under the same id, is told once,
// as the newest document has it. Ids that were copied are common: where one names
// different acts each is told, for none may be lost, and the id alone is the key of the
// oldest. Nor does a document take back what another one says, for its depositor may have
// no right to: where they contradict each other both are told.
func Gather(record string, documents []Document) []Entry {
	var entries []Entry
	taken := map[ID][]int{} // entries by their first id
	for source, d := range documents {
		times := map[ID]int{}
		for _, a := range d.Acts {
			times[a.IDs[0].folded()]++
		}
		for _, a := range d.Acts {
			id := a.IDs[0].folded()
			e := Entry{Act: a, Source: source, Note: -1, copied: times[id] > 1}
			if len(d.Acts) == 1 && d.Type == NoteType.Value {
				e.Note, e.alone = source, true
			}
			if at := same(entries, taken[id], e); at >= 0 {
				if entries[at].Note < 0 {
					entries[at].Note = e.Note
				}
				continue
			}
			e.Key = key(record, id, "")
			if holder := first(taken[id], func(i int) bool { return entries[i].Key == e.Key }); e.copied {
				e.Key = key(record, id, a.fingerprint())
			} else if holder >= 0 { // which is newer
				entries[holder].Key = key(record, id, entries[holder].fingerprint())
			}
			taken[id] = append(taken[id], len(entries))
			entries = append(entries, e)
		}
	}
	return entries
}

// same is the entry that tells the same act, -1 when there is none. Under an id that
// was not copied a correction of the day or of the vaccine is still the same act, but for
// notes of two authors: one does not correct the other.
func same(entries []Entry, candidates []int, e Entry) int {
	return first(candidates, func(i int) bool {
		other := entries[i]
		return e.agrees(other) && (e.corrects(other) && !(e.alone && other.alone && e.Author.ID != other.Author.ID) || e.fingerprint() == other.fingerprint())
	})
}

func first(candidates []int, is func(int) bool) int {
	if at := slices.IndexFunc(candidates, is); at >= 0 {
		return candidates[at]
	}
	return -1
}

// corrects tells whether two entries under one id, which was not copied, are of one act.
func (e Entry) corrects(other Entry) bool {
	return !e.copied && !other.copied && (Day(e.When) == Day(other.When) || e.vaccine() == other.vaccine())
}

// agrees tells whether two entries say alike that the act took place.
func (e Entry) agrees(other Entry) bool {
	return e.NotDone == other.NotDone && e.Nullified == other.Nullified
}

// fingerprint is what tells acts apart that bear the same id.
func (a Act) fingerprint() string {
	text := Day(a.When) + "\n" + a.vaccine() + "\n" + a.Lot + "\n" + strconv.Itoa(a.Rank)
	switch {
	case a.Nullified:
		return text + "\nnullified"
	case a.NotDone:
		return text + "\nnot done"
	}
	return text
}

// vaccine names the vaccine by its main code, else in words.
func (a Act) vaccine() string {
	if len(a.Vaccine) > 0 {
		return a.Vaccine[0].Key()
	}
	return a.Name
}

// folded is the id as identifiers are compared: a UUID has no case.
func (id ID) folded() ID { return ID{Root: strings.ToLower(id.Root), Extension: id.Extension} }

// key is the FHIR id of an act: the record, and a digest of the act's id.
func key(record string, id ID, fingerprint string) string {
	return xds.PartID(record, id.Root, id.Extension, fingerprint)
}

// Same tells whether two ids are equal.
func (id ID) Same(o ID) bool { return id.folded() == o.folded() }

// Record is the record that a key is of; "" for what is no key.
func Record(key string) string { return xds.RecordOfPart(key) }
