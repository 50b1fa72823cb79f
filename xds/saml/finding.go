package saml

import (
	"errors"
	"strconv"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// A token is judged, not corrected: one finding, the first, is all that an
// answer says about it, and it says what failed without saying of whom.

func finding(id string, at *xmlgate.Element, found, expected string) *xds.Error {
	e := &xds.Error{ID: id, Where: "saml2:Assertion", Found: found, Expected: expected}
	if at != nil {
		e.Where = at.Path()
	}
	return e
}

func misplaced(at *xmlgate.Element, found, expected string) *xds.Error {
	return finding("SAML-001", at, found, expected)
}

// first is the finding of an error of the gate.
func first(err error) *xds.Error {
	var list xds.Errors
	if errors.As(err, &list) && len(list) > 0 {
		return list[0]
	}
	return finding("SAML-005", nil, "XML illisible", "une saml2:Assertion")
}

func counted(n int, what string) string { return strconv.Itoa(n) + " × " + what }

// particle is one kind of child that an element may have.
type particle struct {
	space, local string
	min, max     int
}

// only refuses a child that is not listed, one that comes too often or is
// missing, and text between children.
func only(id string, e *xmlgate.Element, allowed ...particle) *xds.Error {
	if e.Trimmed() != "" {
		return finding(id, e, "texte", "des éléments seulement")
	}
	counts := make([]int, len(allowed))
children:
	for _, c := range e.Children {
		for i, p := range allowed {
			if c.Is(p.space, p.local) {
				counts[i]++
				continue children
			}
		}
		return finding(id, c, "élément "+xds.Shorten(c.Local), "les éléments prévus par le profil VIHF")
	}
	for i, p := range allowed {
		if counts[i] < p.min || counts[i] > p.max {
			return finding(id, e, counted(counts[i], p.local), "de "+strconv.Itoa(p.min)+" à "+strconv.Itoa(p.max)+" "+p.local)
		}
	}
	return nil
}

// leaf refuses children.
func leaf(id string, e *xmlgate.Element) *xds.Error {
	if len(e.Children) > 0 {
		return finding(id, e, "élément "+xds.Shorten(e.Children[0].Local), "du texte seulement")
	}
	return nil
}

// attributes refuses an attribute that is not listed; xsi:type is always allowed.
func attributes(id string, e *xmlgate.Element, allowed ...string) *xds.Error {
next:
	for _, a := range e.Attrs {
		if a.Space == nsXSI && a.Local == "type" {
			continue
		}
		for _, name := range allowed {
			if a.Space == "" && a.Local == name {
				continue next
			}
		}
		return finding(id, e, "attribut "+xds.Shorten(a.Local), "les attributs prévus par le profil VIHF")
	}
	return nil
}
