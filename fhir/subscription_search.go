package fhir

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// SubscriptionSearch is an ITI-113 request as understood. Of each list, one value must
// hold; a nil list asks nothing.
type SubscriptionSearch struct {
	IDs, Records, Statuses, URLs []string
	Count                        int // 0: no entries
	Cursor                       string
	used                         []parameter
}

// subscriptionParams are the parameters of ITI-113 that work, and no other.
var subscriptionParams = []Param{
	{Name: "_id", Kind: "token"},
	{Name: "patient", Kind: "reference", Text: "Patient/{dossier}"},
	{Name: "status", Kind: "token", Text: "requested, active, error ou off"},
	{Name: "url", Kind: "uri", Text: "channel.endpoint"},
}

// SubscriptionParams are the search parameters of Subscription.
func SubscriptionParams() []Param { return subscriptionParams }

// SubscriptionProfiles are the profiles that a Subscription here claims.
func SubscriptionProfiles() []string { return []string{backportProfile} }

// SubscriptionTopics are the topics that a Subscription may name.
func SubscriptionTopics() []string { return []string{TopicNew, TopicChanged} }

// URL is the address of the search as it was understood; after is the position of a
// next link, "" for self.
func (s SubscriptionSearch) URL(base, after string) string {
	parts := []string{}
	for _, p := range s.used {
		parts = append(parts, p.name+"="+escapeQuery(p.value))
	}
	if after != "" {
		parts = append(parts, "_cursor="+url.QueryEscape(after))
	}
	return base + "/Subscription?" + strings.Join(parts, "&")
}

// ParseSubscriptionSearch reads the parameters of a search on Subscription. strict
// refuses unknown parameters, else they are ignored and stand in no link (F10).
func ParseSubscriptionSearch(values url.Values, base string, strict bool) (SubscriptionSearch, xds.Errors) {
	s := SubscriptionSearch{Count: defaultCount}
	p := parser{refs: References{Base: base}}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if len(values[name]) > maxValues {
			p.refuse(name, "", "au plus "+strconv.Itoa(maxValues))
			continue
		}
		for _, value := range values[name] {
			if !s.read(&p, condition{name: name, value: value}) && strict {
				p.refuse(name, "", "un paramètre annoncé par /metadata")
			}
		}
	}
	return s, p.findings
}

// read reads one value; known tells whether there is such a parameter.
func (s *SubscriptionSearch) read(p *parser, c condition) (known bool) {
	var list *[]string
	switch c.name {
	case "_id":
		list = &s.IDs
	case "patient":
		list = &s.Records
	case "status":
		list = &s.Statuses
	case "url":
		list = &s.URLs
	case "_count":
		n, err := strconv.Atoi(c.value)
		if err != nil || n < 0 {
			p.refuse(c.name, c.value, "un entier à partir de 0")
		}
		s.Count = min(n, maxCount)
	case "_summary":
		if c.value != "count" {
			return true // a step of the rendering
		}
		s.Count = 0
	case "_cursor":
		if s.Cursor = c.value; !isID(c.value) {
			p.refuse(c.name, "", "un lien rendu par une recherche")
		}
		return true
	case "_format", "_pretty", "_elements":
		return true
	default:
		return false
	}
	if list != nil {
		*list = both(*list, s.wanted(p, c))
	}
	s.used = append(s.used, parameter{c.name, c.value})
	return true
}

// wanted are the values that a parameter accepts.
func (s *SubscriptionSearch) wanted(p *parser, c condition) (all []string) {
	all = []string{}
	for _, v := range c.alternatives() {
		_, code, _ := token(v)
		switch {
		case v == "":
			p.refuse(c.name, "", "une valeur")
		case c.name == "patient":
			record, ok := strings.CutPrefix(strings.TrimPrefix(v, p.refs.Base+"/"), "Patient/")
			if !ok && strings.Contains(v, "/") {
				p.refuse(c.name, "", "Patient/{dossier}")
			}
			all = append(all, record)
		case c.name == "status" && !slices.Contains([]string{"requested", "active", "error", "off"}, code):
			p.refuse(c.name, code, "requested, active, error ou off")
		case c.name == "url":
			all = append(all, v)
		default:
			all = append(all, code)
		}
	}
	return all
}

// both are the values of two lists, those of the second when there is no first.
func both(have, more []string) []string {
	if have == nil {
		return more
	}
	return slices.DeleteFunc(have, func(v string) bool { return !slices.Contains(more, v) })
}
