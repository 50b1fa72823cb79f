package fhir

import (
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// coded writes author roles or specialties: `code^display^oid` as a coding, any
// other text as a text.
func (w *out) coded(name string, texts []string) {
	if len(texts) == 0 {
		return
	}
	w.open(name, '[')
	for _, t := range texts {
		w.codedText(t)
	}
	w.shut(']')
}

func (w *out) codedText(t string) {
	parts := strings.Split(t, "^")
	if len(parts) == 3 && isCode(parts[0]) && parts[2] != "" {
		w.concept("", xds.Code{Value: parts[0], Display: parts[1], Scheme: parts[2]})
		return
	}
	w.open("", '{')
	w.str("text", t)
	w.shut('}')
}

func readCoded(items []place) []string {
	var texts []string
	for _, item := range items {
		c := conceptOf(item)
		switch {
		case c.Value != "" && c.Scheme != "":
			texts = append(texts, c.Value+"^"+c.Display+"^"+c.Scheme)
		case item.Str("text") != "":
			texts = append(texts, item.Str("text"))
		case c.Value != "":
			texts = append(texts, c.Value)
		}
	}
	return texts
}

// telecoms writes XTN texts as ContactPoints.
func (w *out) telecoms(element string, texts []string) {
	if len(texts) == 0 {
		return
	}
	w.open(element, '[')
	for _, t := range texts {
		system, value := contactOf(t)
		w.open("", '{')
		if xtn(system, value) != t {
			w.verbatim(t)
		}
		w.str("system", system)
		w.str("value", value)
		w.shut('}')
	}
	w.shut(']')
}

// contactOf takes an XTN apart: XTN.4 is an address, XTN.12 or XTN.1 a number.
func contactOf(t string) (system, value string) {
	switch {
	case strings.Contains(component(t, 4), "@"):
		return "email", component(t, 4)
	case component(t, 12) != "":
		return "phone", component(t, 12)
	}
	return "other", t
}

// xtn puts a contact point together (ITI TF-3 Table 4.2.3.1.7-2, XTN).
func xtn(system, value string) string {
	switch {
	case value == "" || system == "other":
		return value
	case system == "email":
		return "^^Internet^" + value
	case system == "fax":
		return "^^FX^^^^^^^^^" + value
	}
	return "^PRN^PH^^^^^^^^^" + value
}

func readTelecoms(p place) []string {
	var texts []string
	for _, item := range p.each() {
		t := xtn(item.Str("system"), item.Str("value"))
		if raw := verbatimOf(item); len(raw) == 1 {
			t = raw[0]
		}
		if t != "" {
			texts = append(texts, t)
		}
	}
	return texts
}
