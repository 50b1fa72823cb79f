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
	n, s := scan(strings.TrimPrefix(text.String(), "\ufeff"), where)
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
	c.resource(root(n))
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
func (c checker) resource(p place) {
	if p.Kind != Object {
		c.wrong(p, "ce n'est pas un objet", "une ressource")
		return
	}
	name := p.ResourceType()
	s := r4().structures[name]
	switch {
	case s != nil && s.resource:
		c.object(p, s)
		if s.elements["contained"] != nil && !contained(p.path) {
			c.local(p)
		}
	case r4().resources[name]:
		c.finding("FHIR-009", p.path, p.offset, name, otherResource)
	default:
		c.wrong(place{p.Node, p.path + ".resourceType"}, name, "un type de ressource de FHIR R4")
	}
}

// contained tells whether a path is that of a contained resource.
func contained(path string) bool {
	return strings.HasPrefix(path[strings.LastIndexByte(path, '.')+1:], "contained[")
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
	present := map[string]string{}
	for _, m := range p.Members {
		at := place{m.Value, join(p.path, m.Name)}
		switch {
		case m.Name == "resourceType" && s.resource:
		case strings.HasPrefix(m.Name, "_"):
			c.companion(p, at, s, present)
		default:
			c.property(at, s.lookup(m.Name), p.Node.Get("_"+m.Name), present)
		}
	}
	for _, e := range s.required {
		if present[e.of] == "" {
			c.wrong(place{p.Node, p.path + "." + e.of}, "", "élément obligatoire")
		}
	}
	if s.rule != nil {
		s.rule(c, p)
	}
}

// property checks one property; present remembers the elements met, since a
// choice may stand only once.
func (c checker) property(at place, e *element, companion *Node, present map[string]string) {
	if e == nil {
		c.wrong(at, "élément inconnu", "un élément de FHIR R4")
		return
	}
	if other := present[e.of]; other != "" && other != e.name {
		c.wrong(at, "deuxième valeur de "+e.of+"[x]", "une seule")
	}
	present[e.of] = e.name
	if e.array {
		c.list(at, e, companion)
		return
	}
	if at.Kind == Array {
		c.wrong(at, "liste", "une seule valeur")
		return
	}
	c.single(at, e)
}

// said tells whether the companion of the i-th value says anything.
func said(companions *Node, i int) bool {
	return companions.At(i) != nil && companions.At(i).Kind == Object
}

func (c checker) list(at place, e *element, companions *Node) {
	if at.Kind != Array {
		c.wrong(at, "une valeur seule", "une liste")
		return
	}
	if len(at.Items) == 0 {
		c.wrong(at, "liste vide", "au moins un élément, ou rien")
	}
	for i, item := range at.each() {
		if _, primitive := primitives[e.kind]; primitive && item.Kind == Null && said(companions, i) {
			continue // its companion speaks for it
		}
		c.single(item, e)
	}
}

// single checks one value against the type of its element.
func (c checker) single(at place, e *element) {
	if p, ok := primitives[e.kind]; ok {
		c.primitive(at, e, p)
		return
	}
	if e.kind == "Resource" {
		c.resource(at)
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
func (c checker) companion(p, at place, s *structure, present map[string]string) {
	name := at.path[strings.LastIndex(at.path, "._")+2:]
	e := s.lookup(name)
	switch {
	case e == nil:
		c.wrong(at, "élément inconnu", "un élément de FHIR R4")
		return
	case !e.accompanied(s):
		c.wrong(at, "élément qui n'a ni id ni extension", "sans _")
		return
	case present[e.of] != "" && present[e.of] != e.name:
		c.wrong(at, "deuxième valeur de "+e.of+"[x]", "une seule")
	}
	present[e.of] = e.name
	items := []place{at}
	if e.array {
		items = at.each()
		if at.Kind != Array || p.Node.Get(e.name) != nil && len(p.Node.Get(e.name).Items) != len(items) {
			c.wrong(at, "liste d'une autre longueur", "une liste aussi longue que "+e.name)
		}
	}
	for _, item := range items {
		if item.Kind != Null {
			c.object(item, bare)
		}
	}
}
