package medical

import (
	"slices"

	"github.com/passerelle-sante/passerelle/xds"
)

// Section is one part of the profile: a kind of document of the patient.
type Section struct {
	ID    string
	Title string
	Type  xds.Code // of its documents: the row of the matrix
	Code  xds.Code // LOINC, zero when there is none
	Kinds []Kind
}

// Kind is what an entry of a section may be.
type Kind struct {
	ID     string
	Title  string
	One    bool     // at most one in a document
	Code   xds.Code // what the entry observes, zero for words
	Fields []Field
	// AnyOf are fields of which one at least is given.
	AnyOf []string
}

// Form is how the value of a field is written.
type Form int

// The forms. A date may be a year or a month; an instant is a day, with or without an
// hour.
const (
	Line Form = iota
	Text
	Date
	Instant
	Number
	Choice
	Phone
	Email
	Tick
)

// Field is one value of an entry.
type Field struct {
	Name     string
	Label    string
	Form     Form
	Required bool
	Longest  int  // in characters, 0 = that of the form
	Ahead    bool // a date may be to come

	// Of a number.
	Least, Most float64
	Unit        string // UCUM
	UnitName    string
	Code        xds.Code

	Options []Option // of a choice
}

// Option is one value of a choice.
type Option struct {
	Value, Label string
	Code         xds.Code
}

// MaxEntries bounds a document; whoever has more writes another one.
const MaxEntries = 500

// Sections are all of them, in the order in which they are shown.
func Sections() []Section { return sections }

// SectionOf is the section with an id.
func SectionOf(id string) (Section, bool) {
	i := slices.IndexFunc(sections, func(s Section) bool { return s.ID == id })
	if i < 0 {
		return Section{}, false
	}
	return sections[i], true
}

// Event is the code that the documents of a section bear in eventCodeList: that by
// which they are found.
func (s Section) Event() xds.Code {
	return xds.Code{Value: s.ID, Scheme: sectionSystem, Display: s.Title}
}

// Kind is the kind with an id.
func (s Section) Kind(id string) (Kind, bool) {
	i := slices.IndexFunc(s.Kinds, func(k Kind) bool { return k.ID == id })
	if i < 0 {
		return Kind{}, false
	}
	return s.Kinds[i], true
}

// Field is the field with a name.
func (k Kind) Field(name string) (Field, bool) {
	i := slices.IndexFunc(k.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return k.Fields[i], true
}

// Measured tells whether the entries are measures: numbers at an instant.
func (k Kind) Measured() bool { return !k.Code.IsZero() && len(k.Numbers()) > 0 }

// Numbers are the fields that hold a number.
func (k Kind) Numbers() (numbers []Field) {
	for _, f := range k.Fields {
		if f.Form == Number {
			numbers = append(numbers, f)
		}
	}
	return numbers
}

// Option is the option with a value.
func (f Field) Option(value string) (Option, bool) {
	i := slices.IndexFunc(f.Options, func(o Option) bool { return o.Value == value })
	if i < 0 {
		return Option{}, false
	}
	return f.Options[i], true
}

// Entry is one thing that a section says.
type Entry struct {
	ID      string // UUID in lower case, for ever
	Kind    string
	Values  map[string]string // by field, in the form that Check gives them
	Written string            // TS
	By      string            // who wrote it, by name
}

// Types are the types of document of some sections, and Events what they are found by.
func Types(of ...Section) (types []xds.Code) {
	for _, s := range of {
		if !slices.ContainsFunc(types, s.Type.Same) {
			types = append(types, s.Type)
		}
	}
	return types
}

// Events are those of some sections.
func Events(of ...Section) (events []xds.Code) {
	for _, s := range of {
		events = append(events, s.Event())
	}
	return events
}
