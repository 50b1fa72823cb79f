package ebrim

import (
	"regexp"
	"strconv"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// placePattern is how a finding about a submission names its place (xds/profile, Place):
// DocumentEntry[Doc1].author[2].authorPerson.
var placePattern = regexp.MustCompile(`^(SubmissionSet|DocumentEntry|Folder|Association)\[(.*?)\](?:\.([A-Za-z]+)(?:\[([0-9]+)\])?(?:\.([A-Za-z0-9-]+))?)?$`)

// Locate gives findings about a submission the line and column of what they are
// about: the element of the attribute, or that of its object when the attribute is
// not there. body is the message, of any transaction that carries a
// rim:RegistryObjectList; a finding that has its line already keeps it.
func Locate(body *xmlgate.Element, findings xds.Errors) {
	objects := map[string]*xmlgate.Element{}
	for _, e := range findings {
		if e.Line > 0 || body == nil {
			continue
		}
		m := placePattern.FindStringSubmatch(e.Where)
		if m == nil {
			continue
		}
		if len(objects) == 0 {
			objects = objectsOf(body)
		}
		object := objects[m[2]]
		if object == nil {
			object = objects[e.Object]
		}
		if object == nil {
			continue
		}
		at := elementOf(object, m[1], m[3], m[4], m[5])
		e.Line, e.Column = at.Line, at.Column
	}
}

// objectsOf are the registry objects of a message by their id.
func objectsOf(body *xmlgate.Element) map[string]*xmlgate.Element {
	byID := map[string]*xmlgate.Element{}
	for e := range body.All() {
		switch {
		case e.Space != NamespaceRIM:
		case e.Local == "ExtrinsicObject" || e.Local == "RegistryPackage" || e.Local == "Association":
			byID[xds.Shorten(e.Attr("id"))] = e
		}
	}
	return byID
}

// elementOf is where an object says an attribute: the rank-th of its values, from 1,
// and of an author the slot of the part.
func elementOf(object *xmlgate.Element, kind, attribute, rank, part string) *xmlgate.Element {
	rows := map[string]*table{"DocumentEntry": entryTable, "SubmissionSet": setTable, "Folder": folderTable}[kind]
	if rows == nil || attribute == "" {
		return object
	}
	n, err := strconv.Atoi(rank)
	if err != nil {
		n = 1
	}
	for i := range rows.rows {
		if r := &rows.rows[i]; r.Attribute.String() == attribute {
			return r.elementOf(object, n, part)
		}
	}
	return object
}

func (r *Row) elementOf(object *xmlgate.Element, rank int, part string) *xmlgate.Element {
	switch r.Kind {
	case Slot:
		if slot := named(object, r.Key); slot != nil {
			return nth(slot.Child(NamespaceRIM, "ValueList").ChildrenNamed(NamespaceRIM, "Value"), rank, slot)
		}
	case Classification, AuthorClass:
		value := nth(of(object, "Classification", "classificationScheme", r.Key), rank, object)
		if slot := named(value, part); part != "" && slot != nil {
			return slot
		}
		return value
	case ExternalID:
		return nth(of(object, "ExternalIdentifier", "identificationScheme", r.Key), 1, object)
	case Name:
		return nth(object.ChildrenNamed(NamespaceRIM, "Name"), 1, object)
	case Description:
		return nth(object.ChildrenNamed(NamespaceRIM, "Description"), 1, object)
	}
	return object
}

// named is the slot of an object with this name.
func named(object *xmlgate.Element, name string) *xmlgate.Element {
	return nth(of(object, "Slot", "name", name), 1, nil)
}

// of are the children of an object of one kind with one key.
func of(object *xmlgate.Element, local, attribute, key string) []*xmlgate.Element {
	var all []*xmlgate.Element
	for _, e := range object.ChildrenNamed(NamespaceRIM, local) {
		if e.Attr(attribute) == key {
			all = append(all, e)
		}
	}
	return all
}

// nth is one of some elements, from 1, or another one when there are fewer.
func nth(all []*xmlgate.Element, n int, otherwise *xmlgate.Element) *xmlgate.Element {
	if n < 1 || n > len(all) {
		return otherwise
	}
	return all[n-1]
}
