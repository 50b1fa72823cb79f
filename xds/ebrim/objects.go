package ebrim

import (
	"strconv"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// objects are the registry objects of a message, sorted by kind.
type objects struct {
	sets         []xds.SubmissionSet
	setElements  []*xmlgate.Element
	documents    []xds.DocumentEntry
	folders      []xds.Folder
	associations []xds.Association
	refs         []string
}

// maxSubmitted bounds the elements of a RegistryObjectList that are read: the 2 000
// objects of the largest submission (design §5), their classifications, and room to
// count those of one that is too large.
const maxSubmitted = 5000

// list reads a RegistryObjectList. Of a submission, what stands behind
// maxSubmitted elements is not read: a small element of XML is a large value here.
func (d *decoder) list(list *xmlgate.Element) objects {
	var all objects
	kinds := d.packageKinds(list)
	for i, el := range list.Children {
		if d.submitted && i == maxSubmitted {
			d.add(el, &xds.Error{ID: "META-015", Where: "RegistryObjectList", Found: strconv.Itoa(len(list.Children)) + " éléments", Expected: "au plus " + strconv.Itoa(maxSubmitted)})
			break
		}
		if el.Space != NamespaceRIM {
			d.unsupported(el)
			continue
		}
		if el.Local != "Classification" && el.Attr("id") == "" {
			d.add(el, &xds.Error{ID: "META-001", Where: el.Local + "[" + strconv.Itoa(i+1) + "]@id",
				Expected: "un identifiant : urn:uuid:… ou symbolique"})
		}
		switch el.Local {
		case "ExtrinsicObject":
			all.documents = append(all.documents, d.entry(el))
		case "RegistryPackage":
			d.registryPackage(el, kinds[el.Attr("id")], &all)
		case "Association":
			all.associations = append(all.associations, d.association(el))
		case "ObjectRef":
			all.refs = append(all.refs, el.Attr("id"))
		case "Classification": // read by packageKinds
		default:
			d.unsupported(el)
		}
	}
	return all
}

func (d *decoder) unsupported(el *xmlgate.Element) {
	d.add(el, &xds.Error{ID: "META-013", Where: "RegistryObjectList", Found: el.Local,
		Expected: "ExtrinsicObject, RegistryPackage, Association, Classification ou ObjectRef"})
}

// packageKinds reads which package is a SubmissionSet and which a Folder: the
// classification by node may stand in the package or beside it.
func (d *decoder) packageKinds(list *xmlgate.Element) map[string]string {
	kinds := map[string]string{}
	packages := map[string]bool{}
	for _, el := range list.ChildrenNamed(NamespaceRIM, "RegistryPackage") {
		packages[el.Attr("id")] = true
		for _, c := range el.ChildrenNamed(NamespaceRIM, "Classification") {
			if node := c.Attr("classificationNode"); node != "" {
				d.kind(c, kinds, el.Attr("id"), node)
			}
		}
	}
	for _, c := range list.ChildrenNamed(NamespaceRIM, "Classification") {
		id, node := c.Attr("classifiedObject"), c.Attr("classificationNode")
		if !packages[id] || node == "" {
			d.add(c, &xds.Error{ID: "META-009", Where: "Classification@classifiedObject", Found: id, Object: id,
				Expected: "l'id d'un RegistryPackage du message, avec classificationNode"})
			continue
		}
		d.kind(c, kinds, id, node)
	}
	return kinds
}

// kind notes the kind of one package; two different ones are a finding.
func (d *decoder) kind(el *xmlgate.Element, kinds map[string]string, id, node string) {
	if before := kinds[id]; before != "" && before != node {
		d.add(el, &xds.Error{ID: "META-002", Where: "RegistryPackage[" + xds.Shorten(id) + "].classificationNode", Found: node,
			Expected: "un seul : SubmissionSet ou Folder", Object: id})
		return
	}
	kinds[id] = node
}

func (d *decoder) entry(el *xmlgate.Element) xds.DocumentEntry {
	var e xds.DocumentEntry
	d.read(el, &object{table: entryTable, at: e.At, extras: &e.Extras})
	d.registrySet(el, "DocumentEntry", e.EntryUUID, &e.LogicalID)
	return e
}

func (d *decoder) registryPackage(el *xmlgate.Element, kind string, all *objects) {
	switch kind {
	case setNode:
		var s xds.SubmissionSet
		d.read(el, &object{table: setTable, at: s.At, extras: &s.Extras})
		all.sets = append(all.sets, s)
		all.setElements = append(all.setElements, el)
	case folderNode:
		var f xds.Folder
		d.read(el, &object{table: folderTable, at: f.At, extras: &f.Extras})
		d.registrySet(el, "Folder", f.EntryUUID, &f.LogicalID)
		all.folders = append(all.folders, f)
	default:
		id := el.Attr("id")
		d.add(el, &xds.Error{ID: "META-013", Where: "RegistryPackage[" + xds.Shorten(id) + "]", Found: kind, Object: id,
			Expected: "une Classification dont classificationNode est " + setNode + " (SubmissionSet) ou " + folderNode + " (Folder)"})
	}
}

// registrySet refuses a logicalID of its own in a submission: the first
// entryUUID becomes it, and a new metadata version is the business of ITI-57
// (ITI TF-3 4.2.3.2.16). One that equals the id says nothing new.
func (d *decoder) registrySet(el *xmlgate.Element, kind, id string, logicalID *string) {
	if !d.submitted || d.updating {
		return
	}
	if *logicalID != "" && *logicalID != id {
		d.add(el, &xds.Error{ID: "META-014", Where: kind + "[" + xds.Shorten(id) + "]." + xds.AttrLogicalID.String(), Found: *logicalID, Object: id,
			Expected: "aucun lid dans une soumission"})
	}
	*logicalID = ""
}

// association reads a link between two objects with its slots and
// classifications (ITI TF-3 4.2.2, NIST 12370).
func (d *decoder) association(el *xmlgate.Element) xds.Association {
	a := xds.Association{
		EntryUUID: el.Attr("id"), Type: xds.AssociationType(el.Attr("associationType")),
		Source: el.Attr("sourceObject"), Target: el.Attr("targetObject"),
	}
	if !d.submitted {
		a.AvailabilityStatus = xds.Status(el.Attr("status"))
	}
	o := &object{table: &table{object: "Association"}, id: a.EntryUUID, where: "Association[" + xds.Shorten(a.EntryUUID) + "]", extras: &a.Extras}
	for _, c := range el.Children {
		switch {
		case c.Is(NamespaceRIM, "Slot") && c.Attr("name") == "SubmissionSetStatus":
			values := slotValues(c)
			if a.SetStatus != "" || len(values) != 1 {
				d.add(c, &xds.Error{ID: "META-002", Where: o.where + ".SubmissionSetStatus", Expected: "une seule valeur", Object: o.id})
				continue
			}
			a.SetStatus = values[0]
		case d.updating && isAnnotation(c): // read by annotations
		case c.Is(NamespaceRIM, "Slot"):
			d.slot(c, o)
		case c.Is(NamespaceRIM, "Classification") && c.Attr("classificationScheme") == associationScheme:
			d.owner(c, o, "classifiedObject")
			if code, ok := d.code(c, o.where+".associationDocumentation", o.id); ok {
				a.Documentation = append(a.Documentation, code)
			}
		case c.Is(NamespaceRIM, "Name"), c.Is(NamespaceRIM, "Description"), c.Is(NamespaceRIM, "VersionInfo"):
		default:
			d.extra(c, o, c.Local)
		}
	}
	return a
}
