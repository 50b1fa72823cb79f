package ebrim

import (
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// decoder collects the findings of one message.
type decoder struct {
	found     xds.Errors
	submitted bool // a submission: what the registry sets is left aside
	updating  bool // a submission that updates: an object says which one it is a version of
}

// object is one registry object while it is read.
type object struct {
	*table
	id     string
	where  string // DocumentEntry[Doc1]
	at     func(xds.Attribute) any
	extras *[]xds.Extra
	seen   [xds.AttributeCount]bool
	slots  map[string]bool
}

// add enters a finding at an element. Warnings leave half of the room to errors,
// so that no number of them hides one.
func (d *decoder) add(el *xmlgate.Element, e *xds.Error) *xds.Error {
	e.Line, e.Column = el.Line, el.Column
	if e.Severity == xds.SeverityWarning && len(d.found) >= xds.MaxFindings/2 {
		return e
	}
	d.found.Add(e)
	return e
}

// place is where a finding about an object's attribute is.
func (o *object) place(a xds.Attribute) string { return o.where + "." + a.String() }

// read fills the object from its element: attributes, then children in the order
// of the message.
func (d *decoder) read(el *xmlgate.Element, o *object) {
	o.id = el.Attr("id")
	if o.where == "" {
		o.where = o.object + "[" + xds.Shorten(o.id) + "]"
	}
	for i := range o.rows {
		r := &o.rows[i]
		if r.Kind != XMLAttribute || d.submitted && r.Registry {
			continue
		}
		if v := el.Attr(r.Key); v != "" {
			assign(o.at(r.Attribute), v)
		}
	}
	for _, c := range el.Children {
		d.child(c, o)
	}
}

func (d *decoder) child(el *xmlgate.Element, o *object) {
	if el.Space != NamespaceRIM {
		d.extra(el, o, el.Local)
		return
	}
	switch el.Local {
	case "Slot":
		d.slot(el, o)
	case "Name":
		d.localized(el, o, o.name)
	case "Description":
		d.localized(el, o, o.description)
	case "VersionInfo":
		d.versionInfo(el, o)
	case "Classification":
		d.classification(el, o)
	case "ExternalIdentifier":
		d.identifier(el, o)
	case "ContentVersionInfo", "RegistryObjectList":
	default:
		d.extra(el, o, el.Local)
	}
}

// extra warns of metadata that the model does not keep (NIST 12379).
func (d *decoder) extra(el *xmlgate.Element, o *object, name string) {
	e := d.add(el, &xds.Error{ID: "META-018", Severity: xds.SeverityWarning, Where: o.where, Found: name, Object: o.id})
	e.Hint = "seuls les slots dont le nom est une URN (urn:…) sont conservés"
}

// slot reads one slot into its attribute, or keeps it when its name is a URN.
func (d *decoder) slot(el *xmlgate.Element, o *object) {
	name := el.Attr("name")
	values := slotValues(el)
	if o.slots == nil {
		o.slots = map[string]bool{}
	}
	if o.slots[name] {
		d.add(el, &xds.Error{ID: "META-002", Where: o.where + "." + xds.Shorten(name), Object: o.id, Expected: "un seul Slot de ce nom par objet"})
		return
	}
	o.slots[name] = true
	r := o.table.slots[name]
	if r == nil {
		if strings.HasPrefix(name, "urn:") {
			*o.extras = append(*o.extras, xds.Extra{Name: name, Values: values})
			return
		}
		d.extra(el, o, name)
		return
	}
	if d.submitted && r.Registry {
		return
	}
	if !r.List && len(values) > 1 {
		d.add(el, &xds.Error{ID: "META-002", Where: o.place(r.Attribute), Found: strconv.Itoa(len(values)) + " valeurs", Expected: "une seule", Object: o.id})
		return
	}
	for _, v := range values {
		d.value(el, o, r, v)
	}
}

// value assigns one text to the attribute of a row.
func (d *decoder) value(el *xmlgate.Element, o *object, r *Row, text string) {
	expected := assign(o.at(r.Attribute), text)
	if expected == "" {
		if r.Attribute == xds.AttrSize && d.submitted && *o.at(r.Attribute).(*int64) == 0 {
			d.add(el, &xds.Error{ID: "META-008", Where: o.place(r.Attribute), Found: text, Object: o.id})
		}
		return
	}
	e := &xds.Error{ID: "META-004", Where: o.place(r.Attribute), Expected: expected, Object: o.id}
	if !r.Attribute.Private() {
		e.Found = text
	}
	d.add(el, e)
}

// slotValues are the texts of a Slot, without the white space around them; empty ones are absent.
func slotValues(slot *xmlgate.Element) []string {
	var values []string
	for _, list := range slot.ChildrenNamed(NamespaceRIM, "ValueList") {
		for _, v := range list.ChildrenNamed(NamespaceRIM, "Value") {
			if text := v.Trimmed(); text != "" {
				values = append(values, text)
			}
		}
	}
	return values
}

// localized reads Name or Description. A second language cannot be kept: a
// warning says so.
func (d *decoder) localized(el *xmlgate.Element, o *object, r *Row) {
	if r == nil {
		return
	}
	if !d.once(el, o, r) {
		return
	}
	for i, s := range el.ChildrenNamed(NamespaceRIM, "LocalizedString") {
		if i > 0 {
			d.add(s, &xds.Error{ID: "META-018", Severity: xds.SeverityWarning, Where: o.place(r.Attribute), Object: o.id,
				Expected: "un seul LocalizedString"})
			return
		}
		assign(o.at(r.Attribute), s.Attr("value"))
	}
}

func (d *decoder) versionInfo(el *xmlgate.Element, o *object) {
	if o.version == nil || d.submitted || !d.once(el, o, o.version) {
		return
	}
	d.value(el, o, o.version, el.Attr("versionName"))
}

// once refuses a second occurrence of an attribute that has one.
func (d *decoder) once(el *xmlgate.Element, o *object, r *Row) bool {
	if o.seen[r.Attribute] && !r.List {
		d.add(el, &xds.Error{ID: "META-002", Where: o.place(r.Attribute), Expected: "une seule fois", Object: o.id})
		return false
	}
	o.seen[r.Attribute] = true
	return true
}

// classification reads a code or an author. Classification nodes say what kind
// of package an object is and are read before (package kinds).
func (d *decoder) classification(el *xmlgate.Element, o *object) {
	d.owner(el, o, "classifiedObject")
	scheme := el.Attr("classificationScheme")
	if scheme == "" && el.Attr("classificationNode") != "" {
		return
	}
	r := o.table.classifications[scheme]
	if r == nil {
		d.extra(el, o, "Classification "+scheme)
		return
	}
	if !d.once(el, o, r) {
		return
	}
	if r.Kind == AuthorClass {
		d.author(el, o, r)
		return
	}
	where := o.place(r.Attribute)
	if list, ok := o.at(r.Attribute).(*[]xds.Code); ok {
		where += "[" + strconv.Itoa(len(*list)+1) + "]"
	}
	if code, ok := d.code(el, where, o.id); ok {
		appendCode(o.at(r.Attribute), code)
	}
}

// owner checks that a nested element says it belongs to the object it stands in.
func (d *decoder) owner(el *xmlgate.Element, o *object, attribute string) {
	if id := el.Attr(attribute); id != "" && id != o.id {
		d.add(el, &xds.Error{ID: "META-009", Where: o.where + "." + el.Local + "@" + attribute, Found: id, Expected: o.id, Object: o.id})
	}
}

// code reads a coded value: nodeRepresentation, codingScheme and display name
// (ITI TF-3 4.2.3.1.2).
func (d *decoder) code(el *xmlgate.Element, where, id string) (xds.Code, bool) {
	c := xds.Code{Value: strings.Trim(el.Attr("nodeRepresentation"), " \t\r\n")}
	for _, s := range el.ChildrenNamed(NamespaceRIM, "Slot") {
		if s.Attr("name") != "codingScheme" {
			continue
		}
		for _, v := range slotValues(s) {
			if c.Scheme != "" && c.Scheme != v {
				d.add(s, &xds.Error{ID: "META-002", Where: where + ".codingScheme", Expected: "une seule valeur", Object: id})
				return c, false
			}
			c.Scheme = v
		}
	}
	if name := el.Find(NamespaceRIM, "Name", "LocalizedString"); name != nil {
		c.Display = name.Attr("value")
	}
	ok := true
	if c.Value == "" {
		ok = false
		d.add(el, &xds.Error{ID: "META-001", Where: where, Expected: "nodeRepresentation = le code", Object: id})
	}
	if c.Scheme == "" {
		ok = false
		d.add(el, &xds.Error{ID: "META-001", Where: where + ".codingScheme", Expected: "un Slot codingScheme avec l'OID de la terminologie", Object: id})
	}
	return c, ok
}

// author reads the five slots of an author (ITI TF-3 4.2.3.1.4).
func (d *decoder) author(el *xmlgate.Element, o *object, r *Row) {
	list := o.at(r.Attribute).(*[]xds.Author)
	where := o.place(r.Attribute) + "[" + strconv.Itoa(len(*list)+1) + "]"
	var a xds.Author
	slots := map[string]bool{}
	for _, s := range el.ChildrenNamed(NamespaceRIM, "Slot") {
		name, values := s.Attr("name"), slotValues(s)
		if slots[name] {
			d.add(s, &xds.Error{ID: "META-002", Where: where + "." + xds.Shorten(name), Expected: "un seul Slot de ce nom par auteur", Object: o.id})
			continue
		}
		slots[name] = true
		switch name {
		case "authorPerson":
			if len(values) > 1 {
				d.add(s, &xds.Error{ID: "META-002", Where: where + ".authorPerson", Found: strconv.Itoa(len(values)) + " valeurs",
					Expected: "une personne par auteur", Hint: "une Classification par auteur", Object: o.id})
			} else if len(values) == 1 {
				a.Person = xds.XCN(values[0])
			}
		case "authorInstitution":
			for _, v := range values {
				a.Institutions = append(a.Institutions, xds.XON(v))
			}
		case "authorRole":
			a.Roles = values
		case "authorSpecialty":
			a.Specialties = values
		case "authorTelecommunication":
			a.Telecoms = values
		default:
			d.extra(s, o, name)
		}
	}
	*list = append(*list, a)
}

// identifier reads patientId, uniqueId and sourceId.
func (d *decoder) identifier(el *xmlgate.Element, o *object) {
	d.owner(el, o, "registryObject")
	scheme := el.Attr("identificationScheme")
	r := o.identifiers[scheme]
	if r == nil {
		d.extra(el, o, "ExternalIdentifier "+scheme)
		return
	}
	if !d.once(el, o, r) {
		return
	}
	if v := strings.Trim(el.Attr("value"), " \t\r\n"); v != "" {
		d.value(el, o, r, v)
	}
}
