package fhir

import (
	"bytes"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// ReadXMLPatch reads an XML Patch (RFC 5261, as R4 http.html takes it) of at most limit
// bytes: add, replace and remove, whose selectors lead from the resource down by names,
// positions and one comparison.
func ReadXMLPatch(r io.Reader, limit int64) (Patch, xds.Errors) {
	var text bytes.Buffer
	if findings := readAll(&text, r, limit); findings != nil {
		return Patch{}, findings
	}
	doc := text.Bytes()
	top, err := xmlgate.Parse(doc, xmlLimits)
	if err != nil {
		findings, _ := xds.FindingsOf(err)
		return Patch{}, findings
	}
	if top.Local != "diff" || len(top.Children) == 0 || len(top.Children) > maxPatchOps {
		return Patch{}, xds.Errors{xds.Found("FHIR-001", "diff", "", "un élément diff de 1 à "+strconv.Itoa(maxPatchOps)+" opérations (RFC 5261)")}
	}
	x := xmlReader{checker{&scanner{lines: func(offset int) (int, int) { return lineOf(doc, offset) }}}}
	var p Patch
	var findings xds.Errors
	for i, e := range top.Children {
		where := "diff." + e.Local + "[" + strconv.Itoa(i) + "]"
		ops, expected := x.patchOps(e, where)
		if expected != "" {
			findings.Add(xds.Found("FHIR-001", where, "", expected))
		}
		for _, o := range ops {
			p.add(o, &findings)
		}
	}
	findings.AddAll(x.findings)
	return p, findings
}

// patchOps are the operations of one element; expected says what would have been right.
func (x xmlReader) patchOps(e *xmlgate.Element, where string) (ops []patchOp, expected string) {
	steps, value, ok := selector(e.Attr("sel"))
	if !ok {
		return nil, "sel : un chemin tel que f:DocumentReference/f:securityLabel[1] ou …/f:status/@value"
	}
	o := patchOp{where: where, op: e.Local, path: steps}
	switch {
	case e.Local == "remove" && !value && len(e.Children) == 0:
		return []patchOp{o}, ""
	case e.Local == "replace" && value:
		o.value = &Node{Kind: String, Text: strings.TrimSpace(e.Trimmed())}
		if of := elementAt(steps); of != nil {
			o.value.Kind = primitives[of.kind].kind
		}
		return []patchOp{o}, ""
	case e.Local == "replace" && len(e.Children) == 1:
		of := elementAt(steps)
		if of == nil || of.name != e.Children[0].Local {
			return []patchOp{o}, "" // another element: that is its finding
		}
		o.value, _ = x.value(e.Children[0], of, where)
		if len(steps) == 1 && of.array && o.value != nil { // the list as one element
			o.value = &Node{Kind: Array, Items: []*Node{o.value}}
		}
		return []patchOp{o}, ""
	case e.Local == "add" && !value && len(e.Children) > 0:
		if pos := e.Attr("pos"); pos == "before" || pos == "after" { // beside what sel names
			if last := len(steps) - 1; last > 0 && (steps[last][0] == '?' || steps[last][0] >= '0' && steps[last][0] <= '9') {
				steps = steps[:last]
			}
			steps = steps[:max(len(steps)-1, 0)]
		}
		for _, child := range e.Children {
			path := append(slices.Clone(steps), child.Local)
			add := patchOp{where: where, op: "add", path: path}
			if of := elementAt(path); of != nil {
				add.value, _ = x.value(child, of, where)
				if of.array {
					add.path = append(add.path, "-")
				}
			}
			ops = append(ops, add)
		}
		return ops, ""
	}
	return nil, "add ou replace avec un élément de FHIR, replace d'un @value, ou remove"
}

// elementAt is what the element table says of the element that steps lead to, nil when
// it knows none.
func elementAt(steps []string) *element {
	s := r4().structures["DocumentReference"]
	var of *element
	for _, step := range steps {
		if step == "" || step[0] == '?' || step[0] >= '0' && step[0] <= '9' {
			continue
		}
		if s == nil {
			return nil
		}
		if of = s.lookup(step); of == nil {
			return nil
		}
		s = r4().structures[of.kind]
	}
	return of
}

// selector reads the XPath of an operation: names with a prefix, [n], [@url='…'],
// [f:coding/f:code/@value='…'], and @value at its end; value says that it had one.
func selector(sel string) (steps []string, value, ok bool) {
	steps = []string{}
	all := splitOutside(strings.TrimPrefix(sel, "/"), '/')
	for i, step := range all {
		name, condition, conditioned := strings.Cut(step, "[")
		name = name[strings.IndexByte(name, ':')+1:]
		switch {
		case name == "@value" && i == len(all)-1 && i > 0:
			return steps, true, true
		case i == 0 && (name == "DocumentReference" || name == "*"):
			continue
		case name == "" || name[0] == '@':
			return nil, false, false
		}
		steps = append(steps, name)
		if !conditioned {
			if of := elementAt(steps); of != nil && of.array && i < len(all)-1 {
				steps = append(steps, "0")
			}
			continue
		}
		condition, closed := strings.CutSuffix(condition, "]")
		step, known := predicate(condition)
		if !closed || !known {
			return nil, false, false
		}
		steps = append(steps, step)
	}
	return steps, false, sel != ""
}

// predicate reads a condition of XPath as a step.
func predicate(condition string) (string, bool) {
	if n, err := strconv.Atoi(condition); err == nil {
		return strconv.Itoa(n - 1), n > 0
	}
	path, text, _ := strings.Cut(condition, "=")
	value, quoted := unquote(strings.TrimSpace(text))
	var names []string
	for part := range strings.SplitSeq(strings.TrimSpace(path), "/") {
		name := strings.TrimPrefix(part[strings.IndexByte(part, ':')+1:], "@")
		if part != "@value" {
			names = append(names, name)
		}
	}
	return "?" + strings.Join(names, ".") + "=" + value, quoted && len(names) > 0
}

// splitOutside cuts a text at a separator that stands neither in quotes nor in brackets.
func splitOutside(text string, separator byte) []string {
	var parts []string
	start, depth, quote := 0, 0, byte(0)
	for i := range len(text) {
		switch c := text[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case c == separator && depth == 0:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}
