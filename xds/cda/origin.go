package cda

import (
	"strconv"
	"strings"

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
