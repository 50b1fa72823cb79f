package fhir

import (
	"io"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// ReadJSONPatch reads a JSON Patch (RFC 6902) of at most limit bytes.
func ReadJSONPatch(r io.Reader, limit int64) (Patch, xds.Errors) {
	var text strings.Builder
	if findings := readAll(&text, r, limit); findings != nil {
		return Patch{}, findings
	}
	s := &scanner{src: strings.TrimPrefix(text.String(), "\ufeff"), paths: true}
	n := s.whole("Patch")
	if s.findings.Failed() {
		return Patch{}, s.findings
	}
	var p Patch
	var findings xds.Errors
	list := place{n, "Patch"}
	if n.Kind != Array || len(n.Items) == 0 || len(n.Items) > maxPatchOps {
		return Patch{}, xds.Errors{xds.Found("FHIR-001", "Patch", "", "une liste de 1 à "+strconv.Itoa(maxPatchOps)+" opérations (RFC 6902)")}
	}
	for _, at := range list.each() {
		o, ok := jsonOp(at, &findings)
		if ok {
			p.add(o, &findings)
		}
	}
	return p, findings
}

// jsonOp reads one operation.
func jsonOp(at place, findings *xds.Errors) (patchOp, bool) {
	bad := func(p place, expected string) (patchOp, bool) {
		findings.Add(xds.Found("FHIR-001", p.path, "", expected))
		return patchOp{}, false
	}
	o := patchOp{where: at.path, op: at.Str("op"), value: at.Get("value")}
	needsValue, needsFrom := false, false
	switch o.op {
	case "add", "replace", "test":
		needsValue = true
	case "move", "copy":
		needsFrom = true
	case "remove":
	default:
		return bad(at.get("op"), "add, replace, remove, test, move ou copy")
	}
	if needsValue && o.value == nil {
		return bad(at.get("value"), "la valeur de l'opération")
	}
	var ok bool
	if o.path, ok = pointer(at.get("path")); !ok {
		return bad(at.get("path"), "un JSON Pointer (RFC 6901) : /status, /securityLabel/0, /extension/0/valueBoolean")
	}
	if needsFrom {
		if o.from, ok = pointer(at.get("from")); !ok {
			return bad(at.get("from"), "un JSON Pointer (RFC 6901)")
		}
	}
	return o, true
}

// pointer reads a JSON Pointer, and the form of the DMP's example, which is none:
// /extension[url:'…']/valueBoolean (TD3.3d).
func pointer(p place) ([]string, bool) {
	text := p.text()
	if alias, rest, ok := strings.Cut(text, "]"); ok {
		if url, ok := strings.CutPrefix(alias, "/extension[url:"); ok {
			url = strings.Trim(url, `'"`)
			return append([]string{"extension", "?url=" + url}, strings.Split(strings.TrimPrefix(rest, "/"), "/")...), rest != ""
		}
	}
	switch {
	case !p.there() || p.Kind != String:
		return nil, false
	case text == "": // the whole resource
		return []string{}, true
	case text[0] != '/':
		return nil, false
	}
	steps := strings.Split(text[1:], "/")
	for i, step := range steps {
		if strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(step), "~") {
			return nil, false
		}
		step = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
		if strings.HasPrefix(step, "?") { // the form of conditions inside, of no meaning here
			return nil, false
		}
		steps[i] = step
	}
	return steps, true
}
