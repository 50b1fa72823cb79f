package fhir

import (
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// ReadPathPatch reads a FHIRPath Patch (R4 fhirpatch.html), a Parameters that
// ReadResource accepted. A parameter `attestation` says that a professional acts at the
// patient's request (C-11).
func ReadPathPatch(n *Node) (Patch, xds.Errors) {
	var p Patch
	var findings xds.Errors
	operations := root(n).get("parameter").each()
	if len(operations) == 0 || len(operations) > maxPatchOps {
		return Patch{}, xds.Errors{xds.Found("FHIR-001", "Parameters.parameter", "", "de 1 à "+strconv.Itoa(maxPatchOps)+" opérations")}
	}
	for _, at := range operations {
		switch name := at.Str("name"); {
		case name == "operation":
			o, expected := pathOp(at)
			if expected != "" {
				findings.Add(xds.Found("FHIR-001", at.path, "", expected))
				continue
			}
			p.add(o, &findings)
		case name == AttestationParameter && at.get("valueBoolean").there():
			p.Attested = at.Str("valueBoolean") == "true"
		default:
			findings.Add(xds.Found("FHIR-001", at.path+".name", "", "operation, ou "+AttestationParameter+" avec valueBoolean"))
		}
	}
	if len(p.ops) == 0 && !findings.Failed() {
		findings.Add(xds.Found("FHIR-001", "Parameters.parameter", "", "au moins une opération"))
	}
	return p, findings
}

// AttestationParameter names the parameter of a FHIRPath Patch that attests, as the slot
// of a metadata update does.
const AttestationParameter = "attestation"

// pathOp reads one operation; expected says what would have been right.
func pathOp(at place) (o patchOp, expected string) {
	parts := map[string]place{}
	for _, part := range at.get("part").each() {
		if name := part.Str("name"); parts[name].there() {
			return o, "une seule partie " + name
		}
		parts[part.Str("name")] = part
	}
	o = patchOp{where: at.path, value: partValue(parts["value"])}
	steps, ok := fhirPath(valueOf(parts["path"]).text())
	if !ok {
		return o, "path : un chemin FHIRPath simple, tel que DocumentReference.securityLabel[0]"
	}
	o.path = steps
	number := func(name string) (string, bool) {
		i, err := strconv.Atoi(valueOf(parts[name]).text())
		return strconv.Itoa(i), err == nil && i >= 0
	}
	switch kind := valueOf(parts["type"]).text(); kind {
	case "add":
		name := valueOf(parts["name"]).text()
		if name == "" {
			return o, "name : le nom de l'élément à ajouter"
		}
		o.op, o.path = "add", append(o.path, name)
		if slices.Contains([]string{"securityLabel", "extension", "coding"}, name) {
			o.path = append(o.path, "-")
		}
	case "insert":
		index, ok := number("index")
		if !ok {
			return o, "index : la position, à partir de 0"
		}
		o.op, o.path = "add", append(o.path, index)
	case "delete":
		o.op = "delete"
	case "replace":
		o.op = kind
		if len(o.path) == 1 && o.path[0] != "status" && o.value != nil && o.value.Kind == Object { // the list as one element
			o.value = &Node{Kind: Array, Items: []*Node{o.value}}
		}
	case "move":
		source, ok := number("source")
		destination, ok2 := number("destination")
		if !ok || !ok2 {
			return o, "source et destination : des positions, à partir de 0"
		}
		o.op, o.from, o.path = "move", append(slices.Clone(o.path), source), append(o.path, destination)
	default:
		return o, "type : add, insert, delete, replace ou move"
	}
	if (o.op == "add" || o.op == "replace") && o.value == nil {
		return o, "value : la valeur de l'élément"
	}
	return o, ""
}

// valueOf is value[x] of a part.
func valueOf(part place) place {
	if part.Node == nil {
		return place{}
	}
	for _, m := range part.Members {
		if strings.HasPrefix(m.Name, "value") {
			return place{m.Value, part.path + "." + m.Name}
		}
	}
	return place{}
}

// partValue is the value of an operation, given as value[x] or, where R4 has none of
// that type, as parts with the names of its elements.
func partValue(part place) *Node {
	if v := valueOf(part); v.there() || part.Node == nil {
		return v.Node
	}
	object := &Node{Kind: Object}
	for _, element := range part.get("part").each() {
		name, value := strings.TrimSuffix(element.Str("name"), "[x]"), partValue(element)
		if name == "value" && valueOf(element).there() {
			at := valueOf(element).path
			name = at[strings.LastIndexByte(at, '.')+1:]
		}
		if value != nil && name == "coding" {
			value = &Node{Kind: Array, Items: []*Node{value}}
		}
		if value == nil || object.Get(name) != nil {
			return nil
		}
		object.Members = append(object.Members, Member{name, value})
	}
	if len(object.Members) == 0 {
		return nil
	}
	return object
}

// fhirPath reads the paths that lead to one element: names, positions, where with one
// equality, extension(url), value of an extension, ofType.
func fhirPath(path string) ([]string, bool) {
	steps := []string{}
	for i, step := range splitOutside(path, '.') {
		name, index, indexed := strings.Cut(step, "[")
		argument, called := "", false
		if open := strings.IndexByte(step, '('); open > 0 && strings.HasSuffix(step, ")") {
			name, argument, called = step[:open], step[open+1:len(step)-1], true
		}
		switch {
		case i == 0 && step == "DocumentReference":
		case called && name == "where":
			key, value, ok := strings.Cut(argument, "=")
			text, quoted := unquote(strings.TrimSpace(value))
			if !ok || !quoted {
				return nil, false
			}
			steps = append(steps, "?"+strings.TrimSpace(key)+"="+text)
		case called && name == "extension":
			url, quoted := unquote(argument)
			if !quoted {
				return nil, false
			}
			steps = append(steps, "extension", "?url="+url)
		case called && name == "first" && argument == "":
			steps = append(steps, "0")
		case called && name == "ofType":
		case called || name == "":
			return nil, false
		case indexed:
			index, closed := strings.CutSuffix(index, "]")
			if n, err := strconv.Atoi(index); err != nil || n < 0 || !closed {
				return nil, false
			}
			steps = append(steps, name, index)
		default:
			steps = append(steps, name)
		}
	}
	return steps, path != ""
}

// unquote is the text of a FHIRPath string.
func unquote(s string) (string, bool) {
	if len(s) < 2 || s[0] != s[len(s)-1] || s[0] != '\'' && s[0] != '"' {
		return "", false
	}
	return s[1 : len(s)-1], true
}
