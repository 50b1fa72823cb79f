package fhir

import (
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// The elements and attributes that a narrative may have (R4 narrative.html, txt-1):
// what a page shows, nothing that acts, loads or sends.
var (
	narrativeElements = wordSet("a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i img li ol p pre q " +
		"samp small span strong sub sup table tbody td tfoot th thead tr tt ul var")
	narrativeAttributes = wordSet("abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff charset cite class colspan " +
		"compact coords dir frame headers height href hreflang hspace id lang longdesc name nowrap rel rev rowspan rules scope shape span src start style summary " +
		"tabindex title type valign value vspace width")
)

// narrativeLimits bound a narrative; a comment in it is read over.
var narrativeLimits = xmlgate.Limits{Depth: 60, Elements: 20_000, Attributes: 32, Namespaces: 64, Scope: 8, AllowComments: true}

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}

// narrativeFault says what is wrong with the div of a narrative, "" for nothing: it is
// shown to people by who reads it, in either encoding as it is.
func narrativeFault(div string) string {
	if !isXHTML(div) {
		return "autre chose qu'un élément div"
	}
	top, err := xmlgate.Parse([]byte(div), narrativeLimits)
	if err != nil {
		return "XHTML mal formé ou hors des limites"
	}
	if !top.Is(xhtmlSpace, "div") {
		return "un div sans xmlns=\"" + xhtmlSpace + "\""
	}
	shown := false
	for e := range top.All() {
		if e.Space != xhtmlSpace || !narrativeElements[e.Local] {
			return "l'élément " + xds.Shorten(e.Local)
		}
		for _, a := range e.Attrs {
			switch {
			case a.Space == "http://www.w3.org/XML/1998/namespace" && (a.Local == "lang" || a.Local == "space"):
			case a.Space != "" || !narrativeAttributes[a.Local]:
				return "l'attribut " + xds.Shorten(a.Local)
			case !harmless(a.Local, a.Value):
				return "une adresse ou un style qui agit, dans " + a.Local
			}
		}
		shown = shown || e.Local == "img" || strings.TrimSpace(e.Text) != ""
	}
	if !shown {
		return "un div vide" // txt-2
	}
	return ""
}

// harmless tells whether the value of an attribute neither runs nor, for what a page
// loads by itself, tells another server who reads it.
func harmless(name, value string) bool {
	value = strings.ToLower(strings.Join(strings.Fields(value), ""))
	scheme, _, absolute := strings.Cut(value, ":")
	switch name {
	case "href", "cite", "longdesc":
		return !absolute || strings.ContainsAny(scheme, "/?#") || scheme == "http" || scheme == "https" || scheme == "mailto" || scheme == "tel" || scheme == "urn" || scheme == "ftp"
	case "src":
		return strings.HasPrefix(value, "#") || strings.HasPrefix(value, "data:image/") && !strings.HasPrefix(value, "data:image/svg") || !absolute && !strings.HasPrefix(value, "//")
	case "style":
		return !strings.Contains(value, "url(") && !strings.Contains(value, "expression(") && !strings.Contains(value, "@import") && !strings.Contains(value, "\\")
	}
	return true
}
