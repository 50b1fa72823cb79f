package ebrim

import (
	"github.com/passerelle-sante/passerelle/xds"
)

// written is one registry object to be written.
type written struct {
	*table
	element string // rim:ExtrinsicObject
	id      string
	at      func(xds.Attribute) any
	extras  []xds.Extra
	node    string // classification node of a package
}

// entry, set and folder write one object in the order that the schema fixes:
// attributes, Slot, Name, Description, VersionInfo, Classification,
// ExternalIdentifier.
func (e *encoder) entry(d *xds.DocumentEntry) {
	e.object(written{entryTable, "rim:ExtrinsicObject", d.EntryUUID, d.At, d.Extras, ""})
}

func (e *encoder) set(s *xds.SubmissionSet) {
	e.object(written{setTable, "rim:RegistryPackage", s.EntryUUID, s.At, s.Extras, setNode})
}

func (e *encoder) folder(f *xds.Folder) {
	e.object(written{folderTable, "rim:RegistryPackage", f.EntryUUID, f.At, f.Extras, folderNode})
}

func (e *encoder) object(w written) {
	e.open(w.element)
	if w.node != "" {
		e.attr("objectType", packageType)
	}
	for i := range w.rows {
		if r := &w.rows[i]; r.Kind == XMLAttribute {
			e.attrIf(r.Key, single(w.at(r.Attribute)))
		}
	}
	e.more()
	e.slots(w)
	e.names(w)
	e.classifications(w)
	e.identifiers(w)
	e.close(w.element)
}

func (e *encoder) slots(w written) {
	for i := range w.rows {
		r := &w.rows[i]
		if r.Kind != Slot {
			continue
		}
		if list, ok := w.at(r.Attribute).(*[]string); ok {
			e.slot(r.Key, *list...)
		} else if v := single(w.at(r.Attribute)); v != "" {
			e.slot(r.Key, v)
		}
	}
	for _, x := range w.extras {
		e.slot(x.Name, x.Values...)
	}
}

func (e *encoder) names(w written) {
	e.localized("rim:Name", single(w.at(w.name.Attribute)))
	e.localized("rim:Description", single(w.at(w.description.Attribute)))
	if w.version == nil {
		return
	}
	if v := single(w.at(w.version.Attribute)); v != "" {
		e.open("rim:VersionInfo")
		e.attr("versionName", v)
		e.empty()
	}
}

func (e *encoder) classifications(w written) {
	if w.node != "" {
		e.open("rim:Classification")
		e.derivedID(w.id, w.node, 0)
		e.attr("objectType", classificationType)
		e.attr("classifiedObject", w.id)
		e.attr("classificationNode", w.node)
		e.empty()
	}
	for i := range w.rows {
		r := &w.rows[i]
		switch at := w.at(r.Attribute).(type) {
		case *xds.Code:
			if !at.IsZero() {
				e.code(w.id, r.Key, 0, *at)
			}
		case *[]xds.Code:
			for n, c := range *at {
				e.code(w.id, r.Key, n, c)
			}
		case *[]xds.Author:
			for n := range *at {
				e.author(w.id, r.Key, n, &(*at)[n])
			}
		}
	}
}

// classified opens a Classification by scheme.
func (e *encoder) classified(id, scheme string, rank int, node string) {
	e.open("rim:Classification")
	e.derivedID(id, scheme, rank)
	e.attr("objectType", classificationType)
	e.attr("classificationScheme", scheme)
	e.attr("classifiedObject", id)
	e.attr("nodeRepresentation", node)
	e.more()
}

func (e *encoder) code(id, scheme string, rank int, c xds.Code) {
	e.classified(id, scheme, rank, c.Value)
	e.slot("codingScheme", c.Scheme)
	e.localized("rim:Name", c.Display)
	e.close("rim:Classification")
}

func (e *encoder) author(id, scheme string, rank int, a *xds.Author) {
	e.classified(id, scheme, rank, "")
	if a.Person != "" {
		e.slot("authorPerson", string(a.Person))
	}
	if len(a.Institutions) > 0 {
		names := make([]string, len(a.Institutions))
		for i, x := range a.Institutions {
			names[i] = string(x)
		}
		e.slot("authorInstitution", names...)
	}
	e.slot("authorRole", a.Roles...)
	e.slot("authorSpecialty", a.Specialties...)
	e.slot("authorTelecommunication", a.Telecoms...)
	e.close("rim:Classification")
}

func (e *encoder) identifiers(w written) {
	for i := range w.rows {
		r := &w.rows[i]
		if r.Kind != ExternalID {
			continue
		}
		value := single(w.at(r.Attribute))
		if value == "" {
			continue
		}
		e.open("rim:ExternalIdentifier")
		e.derivedID(w.id, r.Key, 0)
		e.attr("objectType", externalIDType)
		e.attr("identificationScheme", r.Key)
		e.attr("registryObject", w.id)
		e.attr("value", value)
		e.more()
		e.localized("rim:Name", "XDS"+w.table.object+"."+r.Attribute.String())
		e.close("rim:ExternalIdentifier")
	}
}

func (e *encoder) association(a *xds.Association) { e.associationOf(a, "") }

// associationOf writes an association of a community, "" for none named.
func (e *encoder) associationOf(a *xds.Association, home string) {
	e.open("rim:Association")
	e.attr("objectType", associationType)
	e.attr("id", a.EntryUUID)
	e.attrIf("home", home)
	e.attrIf("status", string(a.AvailabilityStatus))
	e.attr("associationType", string(a.Type))
	e.attr("sourceObject", a.Source)
	e.attr("targetObject", a.Target)
	e.more()
	if a.SetStatus != "" {
		e.slot("SubmissionSetStatus", a.SetStatus)
	}
	for _, x := range a.Extras {
		e.slot(x.Name, x.Values...)
	}
	for n, c := range a.Documentation {
		e.code(a.EntryUUID, associationScheme, n, c)
	}
	e.close("rim:Association")
}
