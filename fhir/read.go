package fhir

import (
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// Read reads one R4 resource from either encoding.
func Read(f Format, r io.Reader, limit int64, types ...string) (*Node, xds.Errors) {
	if f == XML {
		return ReadXML(r, limit, types...)
	}
	return ReadResource(r, limit, types...)
}

// ReadResource reads one R4 resource from JSON, strictly: unknown elements,
// repeated properties, wrong kinds, cardinalities, dates that do not exist, codes
// outside required bindings (FHIR R4 2.1.0, json.html). All findings come at once,
// with their FHIRPath. More than limit bytes is FHIR-007, a text
// that did not come in time SOAP-010 (408). types are the resource
// types accepted, any when none is given.
//
// The text is kept in memory once; strings of the Node share it.
func ReadResource(r io.Reader, limit int64, types ...string) (*Node, xds.Errors) {
	var text strings.Builder
	if findings := readAll(&text, r, limit); findings != nil {
		return nil, findings
	}
	where := ""
	if len(types) == 1 {
		where = types[0]
	}
	return twice(func(paths bool) (*Node, xds.Errors) {
		return readJSON(&scanner{src: strings.TrimPrefix(text.String(), "\ufeff"), paths: paths}, where, types)
	})
}

// twice reads without the paths of findings, which cost more than the reading, and
// again with them when there is a finding to tell.
func twice(read func(paths bool) (*Node, xds.Errors)) (*Node, xds.Errors) {
	if n, findings := read(false); len(findings) == 0 {
		return n, nil
	}
	return read(true)
}

// readJSON reads the text of a scanner as one of the types.
func readJSON(s *scanner, where string, types []string) (*Node, xds.Errors) {
	n := s.whole(where)
	if s.fatal {
		return nil, s.findings
	}
	c := checker{s}
	if n.Kind != Object {
		c.wrong(place{n, where}, "ce n'est pas un objet", "une ressource")
		return nil, c.findings
	}
	if name := n.ResourceType(); len(types) > 0 && !slices.Contains(types, name) {
		c.wrong(place{n, "resourceType"}, name, strings.Join(types, " ou "))
		return nil, c.findings
	}
	c.resource(root(n), false)
	return n, c.findings
}

// readAll reads a text of at most limit bytes.
func readAll(into io.Writer, r io.Reader, limit int64) xds.Errors {
	switch n, err := io.Copy(into, io.LimitReader(r, limit+1)); {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return xds.Errors{{ID: "SOAP-010"}}
	case err != nil:
		return xds.Errors{{ID: "FHIR-001", Found: "contenu interrompu", Expected: "une ressource entière"}}
	case n > limit:
		return xds.Errors{{ID: "FHIR-007", Expected: "au plus " + strconv.FormatInt(limit, 10) + " octets"}}
	}
	return nil
}

// checker compares Nodes with the element table.
type checker struct{ *scanner }

// wrong is a finding on structure, refused a finding on a value.
func (c checker) wrong(p place, found, expected string) {
	c.finding("FHIR-001", p.path, p.offset, found, expected)
}

func (c checker) refused(p place, found, expected string) {
	c.finding("FHIR-002", p.path, p.offset, found, expected)
}

const otherResource = "une ressource que la passerelle lit"

// resource checks a resource. One that the table does not hold is refused, be it of R4
// or not: what cannot be checked cannot be kept or given back either.
func (c checker) resource(p place, contained bool) {
	if p.Kind != Object {
		c.wrong(p, "ce n'est pas un objet", "une ressource")
		return
	}
	name := p.ResourceType()
	s := r4().structures[name]
	switch {
	case s != nil && s.resource:
		c.object(p, s)
		if s.elements["contained"] != nil && !contained {
			c.local(p)
		}
	case r4().resources[name]:
		c.finding("FHIR-009", p.path, p.offset, name, otherResource)
	default:
		c.wrong(place{p.Node, p.path + ".resourceType"}, name, "un type de ressource de FHIR R4")
	}
}

// object checks the properties of an object against its structure.
func (c checker) object(p place, s *structure) {
	if p.Kind != Object {
		c.wrong(p, "ce n'est pas un objet", "un objet")
		return
	}
	if len(p.Members) == 0 {
		c.wrong(p, "objet vide", "au moins un élément")
	}
	present := make(met, 0, 16)
	for _, m := range p.Members {
		at := place{m.Value, c.join(p.path, m.Name)}
		switch name, companion := strings.CutPrefix(m.Name, "_"); {
		case m.Name == "resourceType" && s.resource:
		case companion:
			c.companion(p, at, s, name, &present)
		default:
			c.property(p, at, s.lookup(m.Name), &present)
		}
	}
	for _, e := range s.required {
		if present.named(e.of) == nil {
			c.wrong(place{p.Node, c.join(p.path, e.of)}, "", "élément obligatoire")
		}
	}
	if s.rule != nil {
		s.rule(c, p)
	}
}

// met are the elements that an object has.
type met []*element

// named is the element of a name, or the type that was chosen of it.
func (m met) named(of string) *element {
	for _, e := range m {
		if e.of == of {
			return e
		}
	}
	return nil
}

// add adds an element of p; a choice may stand only once.
func (c checker) add(present *met, e *element, at place) {
	switch other := present.named(e.of); {
	case other == nil:
		*present = append(*present, e)
	case other != e:
		c.wrong(at, "deuxième valeur de "+e.of+"[x]", "une seule")
	}
}

// property checks one property of p.
func (c checker) property(p, at place, e *element, present *met) {
	if e == nil {
		c.wrong(at, "élément inconnu", "un élément de FHIR R4")
		return
	}
	c.add(present, e, at)
	switch {
	case e.array:
		c.list(p, at, e)
	case at.Kind == Array:
		c.wrong(at, "liste", "une seule valeur")
	default:
		c.single(at, e)
	}
}

func (c checker) list(p, at place, e *element) {
	if at.Kind != Array {
		c.wrong(at, "une valeur seule", "une liste")
		return
	}
	if len(at.Items) == 0 {
		c.wrong(at, "liste vide", "au moins un élément, ou rien")
	}
	_, primitive := primitives[e.kind]
	for i, item := range at.Items {
		if primitive && item.Kind == Null {
			if said := p.Node.Get("_" + e.name).At(i); said != nil && said.Kind == Object {
				continue // its companion speaks for it
			}
		}
		c.single(place{item, c.index(at.path, i)}, e)
	}
}

// single checks one value against the type of its element.
func (c checker) single(at place, e *element) {
	if p, ok := primitives[e.kind]; ok {
		c.primitive(at, e, p)
		return
	}
	if e.kind == "Resource" {
		c.resource(at, e.of == "contained")
		return
	}
	if s := r4().structures[e.kind]; s != nil {
		c.object(at, s)
	}
}

func (c checker) primitive(at place, e *element, p primitive) {
	switch {
	case at.Kind != p.kind:
		c.wrong(at, kindNames[at.Kind], p.expected)
	case e.kind != "base64Binary" && strings.ContainsFunc(at.Text, notCharacter):
		c.refused(at, "", "des caractères permis par FHIR R4")
	case p.valid != nil && !p.valid(at.Text):
		c.refused(at, quotable(at, e.kind), p.expected)
	case len(e.codes) > 0 && !slices.Contains(e.codes, at.Text):
		c.refused(at, at.Text, "un code parmi "+strings.Join(e.codes, ", "))
	}
}

var kindNames = [...]string{Null: "null", Object: "un objet", Array: "une liste", String: "un texte", Number: "un nombre", Boolean: "un booléen"}

// quotable is the text of a refused value when its type cannot hold a name, an
// identifier or a title; else nothing (house rule on error texts).
func quotable(at place, kind string) string {
	switch kind {
	case "code", "dateTime", "instant", "id", "integer", "positiveInt", "unsignedInt", "time":
		return at.Text
	}
	return ""
}

// companion checks `_name`, which carries the id and the extensions of a primitive.
func (c checker) companion(p, at place, s *structure, name string, present *met) {
	e := s.lookup(name)
	switch {
	case e == nil:
		c.wrong(at, "élément inconnu", "un élément de FHIR R4")
		return
	case !e.accompanied(s):
		c.wrong(at, "élément qui n'a ni id ni extension", "sans _")
		return
	}
	c.add(present, e, at)
	if !e.array {
		c.object(at, bare)
		return
	}
	if values := p.Node.Get(e.name); at.Kind != Array || values != nil && values.length() != at.length() {
		c.wrong(at, "liste d'une autre longueur", "une liste aussi longue que "+e.name)
		return
	}
	for i, item := range at.Items {
		if item.Kind != Null {
			c.object(place{item, c.index(at.path, i)}, bare)
		}
	}
}
