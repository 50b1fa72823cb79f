package mhd

import (
	"net/url"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// noneExistCriteria reads If-None-Exist of a create (R4 http.html): search parameters,
// before which clients write ?, the type, or the whole address of a search; what is about
// the form of an answer is left aside. there is false without the header.
func (c *call) noneExistCriteria(resource, expected string) (criteria url.Values, there bool, err error) {
	text := c.r.Header.Get("If-None-Exist")
	if text == "" {
		return nil, false, nil
	}
	if before, after, ok := strings.Cut(text, "?"); ok && (before == "" || before == resource || strings.HasSuffix(before, "/"+resource)) {
		text = after
	}
	criteria, err = url.ParseQuery(text)
	delete(criteria, "_format")
	delete(criteria, "_pretty")
	if err != nil || len(criteria) == 0 {
		return nil, true, xds.Found("FHIR-008", "If-None-Exist", "", expected)
	}
	return criteria, true, nil
}
