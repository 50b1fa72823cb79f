package profile

import (
	"strconv"

	"github.com/passerelle-sante/passerelle/xds"
)

// Object is a kind of object of a submission.
type Object int

// The kinds.
const (
	Set Object = iota
	Document
	Folder
	Association
)

var objectNames = [...]string{"SubmissionSet", "DocumentEntry", "Folder", "Association"}

// String is the name that ITI TF-3 gives to the kind.
func (o Object) String() string { return objectNames[o] }

// Place is where in a submission a finding is.
type Place struct {
	Object    Object
	Index     int    // in the slice of the submission that holds the object; 0 for the set
	ID        string // entryUUID of the object, "" when it has none
	Attribute xds.Attribute
	Rank      int    // from 1, of one value of a list; 0 = the attribute as a whole
	Part      string // of the attribute: authorPerson, targetObject
}

// String is the path on the SOAP face: DocumentEntry[Doc1].author[2].authorPerson.
func (p Place) String() string {
	id := p.ID
	if id == "" {
		id = "#" + strconv.Itoa(p.Index+1)
	}
	s := p.Object.String() + "[" + xds.Shorten(id) + "]"
	if p.Attribute != xds.NoAttribute {
		s += "." + p.Attribute.String()
	}
	if p.Rank > 0 {
		s += "[" + strconv.Itoa(p.Rank) + "]"
	}
	if p.Part != "" {
		s += "." + p.Part
	}
	return s
}

// of is the place of one attribute of the same object.
func (p Place) of(a xds.Attribute) Place { p.Attribute = a; return p }

// at is one value of the list.
func (p Place) at(rank int) Place { p.Rank = rank; return p }

// part is one component of the value.
func (p Place) part(name string) Place { p.Part = name; return p }

// private tells whether a value at this place may name somebody: it is then
// never repeated in a finding.
func (p Place) private() bool {
	if p.Attribute == xds.AttrAuthor {
		return p.Part != "authorSpecialty" && p.Part != "authorRole"
	}
	return p.Attribute.Private()
}
