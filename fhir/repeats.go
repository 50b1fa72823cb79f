package fhir

import (
	"slices"

	"github.com/passerelle-sante/passerelle/xds"
)

// documents writes the documents of one answer. Those of one record say much alike:
// what was written of a patient, an author or a code is copied where the same is written
// again in the same place, instead of being taken apart and put together anew.
type documents struct {
	out
	base    string
	written [sayings][]written
}

// saying is a place of a DocumentReference whose content often comes again.
type saying int

const (
	sayAuthor saying = iota
	sayAuthenticator
	saySource
	saySubject
	sayCustodian
	sayType
	sayCategory
	sayLabel
	sayFormat
	sayEvent
	sayFacility
	sayPractice
	sayings
)

// remembered bounds what is looked through for each place.
const remembered = 8

// written is where the answer holds what was written of some values.
type written struct {
	texts        [3]string
	institutions []xds.XON
	lists        [3][]string
	from, to     int
}

func (a *written) equal(b *written) bool {
	return a.texts == b.texts && slices.Equal(a.institutions, b.institutions) &&
		slices.Equal(a.lists[0], b.lists[0]) && slices.Equal(a.lists[1], b.lists[1]) && slices.Equal(a.lists[2], b.lists[2])
}

// say copies what was written of these values in this place, or has it written. All
// that write looks at must be among the values.
func (w *documents) say(place saying, of written, write func()) {
	for i := range w.written[place] {
		if former := &w.written[place][i]; former.equal(&of) {
			w.comma()
			w.b = append(w.b, w.b[former.from:former.to]...)
			return
		}
	}
	w.comma()
	of.from = len(w.b)
	write()
	if of.from < len(w.b) && w.b[of.from] == ',' {
		of.from++
	}
	of.to = len(w.b)
	if len(w.written[place]) < remembered {
		w.written[place] = append(w.written[place], of)
	}
}

// concept writes a CodeableConcept of a place.
func (w *documents) concept(place saying, name string, c xds.Code) {
	if !c.IsZero() {
		w.say(place, written{texts: [3]string{c.Value, c.Scheme, c.Display}}, func() { w.out.concept(name, c) })
	}
}

// concepts writes a list of CodeableConcepts, one for each code.
func (w *documents) concepts(place saying, name string, codes []xds.Code) {
	if len(codes) == 0 {
		return
	}
	w.open(name, '[')
	for _, c := range codes {
		w.concept(place, "", c)
	}
	w.shut(']')
}
