package cda

import (
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// reader fills a Header from a document and collects what is wrong with it.
type reader struct {
	Header
	root *xmlgate.Element
	errs xds.Errors
}

// missing reports an attribute whose source is absent: the path from the root,
// at the line of the deepest element of it that is there.
func (r *reader) missing(attribute, expected string, path ...string) {
	at := r.root
	for _, step := range path {
		next := at.Child(hl7, step)
		if next == nil {
			break
		}
		at = next
	}
	r.errs.Add(&xds.Error{ID: "META-001", Where: "ClinicalDocument/" + strings.Join(path, "/"), Line: at.Line, Column: at.Column,
		Expected: attribute + " : " + expected})
}

// required reads a code that the metadata demand; attribute is the key of its origin.
func (r *reader) required(key string, path ...string) xds.Code {
	attribute, _, _ := strings.Cut(key, "[")
	e := r.root.Find(hl7, path...)
	c := code(e)
	switch {
	case c.Value == "":
		r.missing(attribute, "un code et son système", append(path, "@code")...)
		return c
	case c.Scheme == "":
		r.missing(attribute, "le système du code", append(path, "@codeSystem")...)
	}
	r.from(key, e)
	return c
}

// repeated are the children of the root of this name; past maxRepeats they are
// a finding and are left aside, which bounds the work of every list.
func (r *reader) repeated(local string) []*xmlgate.Element {
	all := r.root.ChildrenNamed(hl7, local)
	if len(all) <= maxRepeats {
		return all
	}
	r.errs.Add(&xds.Error{ID: "META-015", Where: "ClinicalDocument/" + local, Line: all[0].Line, Column: all[0].Column,
		Found: strconv.Itoa(len(all)), Expected: "au plus " + strconv.Itoa(maxRepeats)})
	return all[:maxRepeats]
}

// templates are the templateIds of the document, in their order.
func (r *reader) templates() []string {
	var all []string
	for _, t := range r.repeated("templateId") {
		if root := t.Attr("root"); root != "" {
			all = append(all, clone(root))
		}
	}
	return all
}

// code reads a CE or CD; a nullFlavor has no @code and reads as the zero Code.
func code(e *xmlgate.Element) xds.Code {
	value := e.Attr("code")
	if value == "" {
		return xds.Code{}
	}
	return xds.Code{Value: clone(value), Scheme: clone(e.Attr("codeSystem")), Display: clone(e.Attr("displayName"))}
}

// instance writes an II as XDS writes ids: root, or root^extension.
func instance(id *xmlgate.Element) string {
	root, extension := id.Attr("root"), id.Attr("extension")
	if root == "" || extension == "" {
		return clone(root)
	}
	return root + "^" + extension
}

// clone frees a value from the text that it is a view of, so that an entry
// does not keep a whole document in memory.
func clone(s string) string { return strings.Clone(s) }

// escape protects the separators of HL7 v2 in a name (HL7 v2.5 2.7.1) and makes
// one line of it.
func escape(s string) string {
	return separators.Replace(strings.Join(strings.Fields(s), " "))
}

var separators = strings.NewReplacer(`\`, `\E\`, "^", `\S\`, "&", `\T\`, "~", `\R\`, "|", `\F\`)
