package matrix

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// page is one page of the public site's export (JSON:API 1.0): a node per profession
// and document type, and the taxonomy terms that the nodes point at. The site adds
// members that mean nothing here; they are left aside.
type page struct {
	file     string
	Data     []resource                 `json:"data"`
	Included []resource                 `json:"included"`
	Links    map[string]json.RawMessage `json:"links"`
}

type resource struct {
	Type          string                     `json:"type"`
	ID            string                     `json:"id"`
	Attributes    map[string]json.RawMessage `json:"attributes"`
	Relationships map[string]struct {
		Data json.RawMessage `json:"data"`
	} `json:"relationships"`
}

// The names that the site gives.
const (
	nodeType        = "node--matrice_professionnel_document"
	consultField    = "field_consultation_document"
	professionField = "field_code_profession" // of the node: the term; of the term: its code
	typeField       = "field_type_de_document"
	loincField      = "field_code_loinc"
)

// officialSource marks the cells that came from the public site.
const officialSource = "MES"

// pages reads the JSON:API form: two-valued, profession × type, without specialties.
// Whatever it does not say is the base's.
func (r *reader) pages(s Source, files []File) (*Matrix, []string) {
	var all []page
	for _, f := range files {
		if p, ok := r.page(f); ok {
			all = append(all, p)
		}
	}
	r.complete(all)
	g := grid{reader: r, base: s.Base, cells: map[string]map[string]given{}, nodes: map[string]bool{}, codes: map[string]bool{}}
	g.columns, g.types = axes(s.Base)
	for _, p := range all {
		g.terms = terms(p)
		for i, n := range p.Data {
			if n.Type != nodeType {
				g.at(p.file, fmt.Sprintf("/data/%d/type", i), "POL-001", n.Type, nodeType)
				continue
			}
			g.node(p.file, fmt.Sprintf("/data/%d", i), n)
		}
	}
	if len(g.cells) == 0 {
		if !r.findings.Failed() {
			r.add("POL-007", place{file: files[0].Name}, "", "des nœuds "+nodeType+" dans data")
		}
		return nil, nil
	}
	open, said := g.count()
	if len(g.cells) > 1 && open > 0 && !r.findings.Failed() {
		r.monotonous(s, open, said)
	}
	if r.findings.Failed() {
		return nil, nil
	}
	return g.fill(s.Name), g.notes()
}

// page decodes one file.
func (r *reader) page(f File) (page, bool) {
	p := page{file: f.Name}
	raw := bytes.TrimPrefix(f.Data, []byte("\ufeff"))
	err := json.Unmarshal(raw, &p)
	if err == nil {
		return p, true
	}
	at, offset, found := place{file: f.Name}, int64(len(raw)), "JSON interrompu ou mal formé"
	var syntax *json.SyntaxError
	var mistyped *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &mistyped):
		offset, found = mistyped.Offset, mistyped.Value
		at.file += "#/" + strings.ReplaceAll(mistyped.Field, ".", "/")
	}
	before := raw[:min(offset, int64(len(raw)))]
	at.line, at.field = bytes.Count(before, []byte("\n"))+1, len(before)-bytes.LastIndexByte(before, '\n')
	r.add("POL-001", at, found, `une page JSON:API : {"data":[…],"included":[…]}`)
	return page{}, false
}

// complete holds the links of the pages against one another: an export has one first
// page and one last.
func (r *reader) complete(all []page) {
	for _, end := range []struct{ link, expected string }{{"next", "la page suivante"}, {"prev", "la page précédente"}} {
		var with []string
		for _, p := range all {
			if link := p.Links[end.link]; len(link) > 0 && string(link) != "null" {
				with = append(with, p.file)
			}
		}
		if len(all) > 0 && len(with) == len(all) {
			r.add("POL-009", place{file: with[len(with)-1] + "#/links/" + end.link}, "", end.expected)
		}
	}
}

// terms are the included resources of a page, by type and id.
func terms(p page) map[string]resource {
	byID := map[string]resource{}
	for _, t := range p.Included {
		byID[t.Type+" "+t.ID] = t
	}
	return byID
}

// truth reads a boolean as Drupal writes it.
func truth(raw json.RawMessage) (value, ok bool) {
	switch strings.Trim(string(raw), `"`) {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}

// scalars reads a text or a number, or a list of them.
func scalars(raw json.RawMessage) []string {
	var many []json.RawMessage
	if json.Unmarshal(raw, &many) != nil {
		many = []json.RawMessage{raw}
	}
	var all []string
	for _, one := range many {
		if s := text(one); s != "" && s != "null" {
			all = append(all, s)
		}
	}
	return all
}

func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return strings.TrimSpace(s)
	}
	return string(raw)
}
