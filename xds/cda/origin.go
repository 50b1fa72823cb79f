package cda

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// Origin is where in the document a value of the metadata was read.
type Origin struct {
	// Attribute names the value as findings about a submission name it: typeCode,
	// eventCodeList[2], author[1].authorPerson.
	Attribute string
	Path      string // from the root, ranks where names repeat: ClinicalDocument/author[2]/assignedAuthor/id
	Line      int    // from 1
	Column    int
}

// Origin is where the value of an attribute came from. A part of a value comes from
// where the value does, and an attribute without rank from where its first value
// does; ok is false for what the header does not tell.
func (h Header) Origin(attribute string) (o Origin, ok bool) {
	for _, o := range h.Origins {
		if o.Attribute == attribute {
			return o, true
		}
	}
	if whole, _, part := cutLast(attribute, "."); part {
		return h.Origin(whole)
	}
	if strings.HasSuffix(attribute, "]") {
		return Origin{}, false
	}
	return h.Origin(ranked(attribute, 1))
}

// Located are findings about a submission of the entry, those about an attribute
// (DocumentEntry[…].typeCode) at the place in the document where its value was read.
// What deriving said of an attribute already is not said again; what the header does
// not tell stays at the place that it has. They are in the order of the document.
func (h Header) Located(derived, all xds.Errors) xds.Errors {
	told := map[string]bool{}
	for _, e := range derived {
		if attribute, _, about := strings.Cut(e.Expected, " : "); about && e.Severity == xds.SeverityError { // a warning hides no error
			told[base(attribute)] = true
		}
	}
	var left xds.Errors
	for _, e := range all {
		_, attribute, of := strings.Cut(e.Where, "].")
		of = of && e.Line == 0 && strings.HasPrefix(e.Where, "DocumentEntry[")
		if of && told[base(attribute)] {
			continue
		}
		if o, ok := h.Origin(attribute); of && ok {
			e.Where, e.Line, e.Column = o.Path+" ("+attribute+")", o.Line, o.Column
		}
		left.Add(e)
	}
	slices.SortStableFunc(left, func(a, b *xds.Error) int { return cmp.Compare(uint(a.Line)-1, uint(b.Line)-1) }) // without a line: last
	return left
}

// base is the attribute of a path: author of author[1].authorPerson.
func base(attribute string) string {
	if i := strings.IndexAny(attribute, ".["); i >= 0 {
		return attribute[:i]
	}
	return attribute
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// from remembers where an attribute was read, nothing when it was not.
func (r *reader) from(attribute string, e *xmlgate.Element) {
	if e != nil {
		r.Origins = append(r.Origins, Origin{attribute, e.Path(), e.Line, e.Column})
	}
}

// ranked is one value of a list, from 1.
func ranked(attribute string, rank int) string { return attribute + "[" + strconv.Itoa(rank) + "]" }
