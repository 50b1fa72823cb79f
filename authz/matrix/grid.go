package matrix

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// axes are the base's columns by profession, those that a profession alone chooses,
// and its type keys by code.
func axes(base *Matrix) (columns map[string]Column, types map[string][]string) {
	columns, types = map[string]Column{}, map[string][]string{}
	for _, c := range base.Columns {
		if len(c.Specialties) > 0 {
			continue
		}
		for _, p := range c.Professions {
			columns[p] = c
		}
	}
	for _, t := range base.Types {
		code, _, _ := strings.Cut(t.Key, "^^")
		types[code] = append(types[code], t.Key)
	}
	return columns, types
}

// given is a cell as the pages say it, and who said so first.
type given struct {
	allowed    bool
	profession string
}

// grid collects the cells of the pages.
type grid struct {
	*reader
	base    *Matrix
	terms   map[string]resource // of the page that is read
	columns map[string]Column   // by profession
	types   map[string][]string // keys by code
	cells   map[string]map[string]given
	nodes   map[string]bool // node ids: pages of a list that grew meanwhile overlap
	codes   map[string]bool // professions seen
}

func (g *grid) at(file, pointer, id, found, expected string) *xds.Error {
	return g.add(id, place{file: file + "#" + pointer}, found, expected)
}

// node reads one node: whether a profession may consult a type.
func (g *grid) node(file, pointer string, n resource) {
	allowed, ok := truth(n.Attributes[consultField])
	if !ok {
		g.at(file, pointer+"/attributes/"+consultField, "POL-004", text(n.Attributes[consultField]), "true ou false")
	}
	profession, known := g.profession(file, pointer, n)
	keys := g.documentTypes(file, pointer, n)
	if n.ID != "" && g.nodes[n.ID] || !ok || !known || len(keys) == 0 {
		return
	}
	g.nodes[n.ID] = true
	g.codes[profession] = true
	column := g.columns[profession].Name
	if g.cells[column] == nil {
		g.cells[column] = map[string]given{}
	}
	for _, key := range keys {
		former, twice := g.cells[column][key]
		code, _, _ := strings.Cut(key, "^^")
		switch {
		case twice && former.profession == profession:
			g.at(file, pointer, "POL-006", "profession "+profession+" × type "+code, "chaque cellule une fois")
		case twice && former.allowed != allowed:
			g.at(file, pointer, "POL-006", "type "+code+" : "+former.profession+" et "+profession+" diffèrent", "une même réponse, les deux sont de la colonne "+column).Hint =
				"séparer la colonne dans columns.csv et importer la forme CSV"
		}
		g.cells[column][key] = given{allowed, profession}
	}
}

// profession is the code of the node's profession: one with a column of its own.
func (g *grid) profession(file, pointer string, n resource) (code string, known bool) {
	codes, where := g.codesOf(file, pointer, n, professionField, professionField)
	if where == "" {
		return "", false
	}
	if len(codes) != 1 || g.columns[codes[0]].Name == "" {
		e := g.at(file, where, "POL-002", strings.Join(codes, ", "), "la profession d'une colonne de "+g.base.Version)
		if len(codes) == 1 {
			e.Nearest = xds.Nearest(codes[0], g.all, 3)
		}
		return "", false
	}
	return codes[0], true
}

// documentTypes are the keys of the node's types.
func (g *grid) documentTypes(file, pointer string, n resource) (keys []string) {
	codes, where := g.codesOf(file, pointer, n, typeField, loincField)
	if where == "" {
		return nil
	}
	for _, code := range codes {
		switch found := g.types[code]; len(found) {
		case 1:
			keys = append(keys, found[0])
		case 0:
			var all []string
			for _, t := range g.base.Types {
				other, _, _ := strings.Cut(t.Key, "^^")
				all = append(all, other)
			}
			g.at(file, where, "POL-003", code, "un type de "+g.base.Version).Nearest = xds.Nearest(code[:min(len(code), 60)], all, 3)
		default:
			g.at(file, where, "POL-003", code, "un code d'un seul système : "+strings.Join(found, ", "))
		}
	}
	if len(codes) == 0 {
		g.at(file, where, "POL-003", "", "un code LOINC ou du DMP")
	}
	return keys
}

// codesOf reads the codes behind a relationship, or on the node itself; where is the
// pointer of what was read, "" when the finding is already made.
func (g *grid) codesOf(file, pointer string, n resource, relation, attribute string) (codes []string, where string) {
	if raw, ok := n.Attributes[attribute]; ok {
		return scalars(raw), pointer + "/attributes/" + attribute
	}
	where = pointer + "/relationships/" + relation + "/data"
	var targets []resource
	raw := bytes.TrimSpace(n.Relationships[relation].Data)
	if len(raw) > 0 && raw[0] == '{' {
		raw = slices.Concat([]byte("["), raw, []byte("]"))
	}
	if err := json.Unmarshal(raw, &targets); err != nil || len(targets) == 0 {
		g.at(file, where, "POL-009", text(raw), "un terme")
		return nil, ""
	}
	for _, t := range targets {
		term, ok := g.terms[t.Type+" "+t.ID]
		if !ok {
			g.at(file, where, "POL-009", t.Type+" "+t.ID, "le terme parmi included")
			return nil, ""
		}
		codes = append(codes, scalars(term.Attributes[attribute])...)
	}
	return codes, where
}

// count is how many cells the pages open, of how many.
func (g *grid) count() (open, all int) {
	for _, column := range g.cells {
		for _, c := range column {
			all++
			if c.allowed {
				open++
			}
		}
	}
	return open, all
}

// fill lays the cells of the pages over the base. One that says what the base's says
// keeps the base's source when it has one.
func (g *grid) fill(name string) *Matrix {
	cells := map[string]map[string]Cell{}
	for _, c := range g.base.Columns {
		cells[c.Name] = map[string]Cell{}
		for _, t := range g.base.Types {
			cell := g.base.cells[c.Name][t.Key]
			if said, ok := g.cells[c.Name][t.Key]; ok && (said.allowed != cell.Allowed || !cell.Official) {
				cell = Cell{said.allowed, true, officialSource}
			}
			cells[c.Name][t.Key] = cell
		}
	}
	return build(name, g.base.Columns, g.base.Types, cells)
}

// notes tell what was taken from the base.
func (g *grid) notes() (notes []string) {
	var specialties, provisional, silent, shared []string
	absent, cells := 0, 0
	for _, c := range g.base.Columns {
		said := g.cells[c.Name]
		switch {
		case len(c.Specialties) > 0:
			specialties = append(specialties, c.Name)
		case said == nil && c.Provisional:
			provisional = append(provisional, c.Name)
		case said == nil:
			silent = append(silent, c.Name)
		default:
			cells += len(g.base.Types) - len(said)
			shared = append(shared, g.shared(c)...)
		}
	}
	for _, t := range g.base.Types {
		if !slices.ContainsFunc(g.base.Columns, func(c Column) bool { _, said := g.cells[c.Name][t.Key]; return said }) {
			absent++
			cells -= len(g.cells)
		}
	}
	for _, n := range []struct {
		what  string
		names []string
	}{
		{"colonnes de savoir-faire", specialties}, {"colonnes provisoires", provisional}, {"colonnes absentes", silent},
	} {
		if len(n.names) > 0 {
			notes = append(notes, n.what+", gardées de "+g.base.Version+" : "+strings.Join(n.names, ", "))
		}
	}
	if absent > 0 {
		notes = append(notes, strconv.Itoa(absent)+" types absents, gardés de "+g.base.Version)
	}
	if cells > 0 {
		notes = append(notes, strconv.Itoa(cells)+" cellules absentes, gardées de "+g.base.Version)
	}
	return append(notes, shared...)
}

// shared tells which professions of a column follow what was said of another one.
func (g *grid) shared(c Column) []string {
	var silent []string
	for _, p := range c.Professions {
		if !g.codes[p] {
			silent = append(silent, p)
		}
	}
	if len(silent) == 0 {
		return nil
	}
	return []string{"la colonne " + c.Name + " vaut aussi pour les professions " + strings.Join(silent, ", ") + ", que les pages ne nomment pas"}
}
